// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#ifndef WEIR_KINDS_H
#define WEIR_KINDS_H

#include "node.h"

/// The kind of that name, among the graph's own and the library's, or NULL.
const weir__kind *weir__kind_find(const weir_graph *graph, const char *name);
/// Takes over the kinds of graph->options, for graph->customs.
weir_status weir__customs_take(weir_graph *graph, weir_error *error);

#endif
