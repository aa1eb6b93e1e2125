// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file shared.h
/// Parameters, and the graphs that have them: one, which may change them, or several, which only read.
#ifndef WEIR_SHARED_H
#define WEIR_SHARED_H

#include "node.h"

typedef struct weir__shared weir__shared;

/// Zeros for all tensors that the graph has declared; graph->values and graph->matrices are theirs.
weir_status weir__shared_new(weir_graph *graph, weir_error *error);
/// The graph reads what another one has. One thread uses the other at that moment, or it is shared already.
void weir__shared_join(weir_graph *graph, weir_graph *other);
/// The last graph takes them with it. Any thread.
void weir__shared_leave(weir_graph *graph);
/// WEIR_ARGUMENT when other graphs have them, too: they are not to be changed.
weir_status weir__shared_check_alone(const weir_graph *graph, weir_error *error);
/// The form of a tensor that products read (weir__matrix_read), made once for all graphs. Any thread.
weir_status weir__shared_read(weir_graph *graph, size_t tensor, weir__weights *weights, weir__layout layout,
                              weir_error *error);

#endif
