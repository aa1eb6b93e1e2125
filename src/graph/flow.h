// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file flow.h
/// Outputs and gradients on their way from node to node.
#ifndef WEIR_FLOW_H
#define WEIR_FLOW_H

#include "node.h"

/// The node's output of this pass as one side of a gated product.
weir__side weir__output_side(const weir__node *node);
/// The node's output, dense (spread out if need be; valid until the next pass).
weir_status weir__output_dense(weir_graph *graph, weir__node *node, const float **values, weir_error *error);
/// Makes room for the output of this pass: dense (route NULL) or compact.
weir_status weir__output_reserve(weir_graph *graph, weir__node *node, const weir__route *route, weir_error *error);
/// Floats in the node's output of this pass.
size_t weir__output_count(const weir_graph *graph, const weir__node *node);

/// Where a consumer writes ∂L/∂(output of node), every element: dense, or as the node keeps it (dense if its output or
/// gradient is, else compact). Then weir__gradient_close adds it to what other consumers wrote. One at a time. rows:
/// that the consumer runs on.
weir_status weir__gradient_open(weir_graph *graph, weir__node *node, size_t rows, bool dense, float **gradient,
                                weir_error *error);
void weir__gradient_close(weir_graph *graph, weir__node *node, size_t rows, bool dense, const float *gradient);

/// to += from.
void weir__add(size_t count, float *to, const float *from);

#endif
