// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file run.h
/// Passes beyond those of weir/graph.h.
#ifndef WEIR_RUN_H
#define WEIR_RUN_H

#include "node.h"

/// weir_graph_create without initial values, for who reads them from somewhere: all parameters are 0.
weir_status weir__graph_create_zero(weir_graph **graph, const weir_node *nodes, size_t count,
                                    const weir_graph_options *options, weir_error *error);

/// Provides what passes of one row in decide mode need of memory, however many gates they open: they ask for none
/// after it.
weir_status weir__graph_reserve_row(weir_graph *graph, weir_error *error);

/// Runs the last pass, one in draw mode, again at another step: what comes before the first random node keeps its
/// outputs. *drawn is false, and nothing is done, when no node is random. The pass's arrays must still be there.
weir_status weir__graph_redraw(weir_graph *graph, uint32_t step, bool *drawn, weir_error *error);

/// weir_graph_backward that also moves the parameters: those of each node as soon as no one else reads them, those that
/// no gradient reaches at the end. Gradients are not kept. After a failure the parameters behind the node that failed
/// have moved, the others have not.
weir_status weir__graph_step(weir_graph *graph, const weir_pass *pass, const weir__step *step, weir_error *error);

#endif
