// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#ifndef WEIR_INPUTS_H
#define WEIR_INPUTS_H

#include "node.h"

/// Finds the nodes that a node reads and the one that gates it, among those before it; spec.from of the node becomes
/// the complete list.
weir_status weir__inputs_find(weir_graph *graph, weir__node *node, const weir_node *spec, weir_error *error);

#endif
