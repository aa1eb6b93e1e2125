// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file groups.h
/// Row groups: several evaluations of the loss per example, side by side in one pass.
#ifndef WEIR_GROUPS_H
#define WEIR_GROUPS_H

#include "node.h"

/// Decides which nodes run on all row groups; after all nodes are built.
weir_status weir__groups_plan(weir_graph *graph, weir_error *error);
/// Whether the node itself runs on all rows: the first grouped layer reads narrow rows and writes wide ones.
static inline bool weir__runs_wide(const weir__node *node) {
    return node->facts.wide && !(node->facts.grouped && node->facts.layer == 0);
}

/// Rows of the node's output in this pass, and those that it runs on: a grouped node may read fewer than it writes.
size_t weir__node_rows(const weir_graph *graph, const weir__node *node);
size_t weir__run_rows(const weir_graph *graph, const weir__node *node);
/// Before a forward pass: how many groups it has, labels and targets of all of them.
weir_status weir__groups_begin(weir_graph *graph, const weir_pass *pass, weir_error *error);
/// After a node ran: repeats its output if others read it on all groups.
void weir__groups_repeat(const weir_graph *graph, weir__node *node);
/// After the loss: row_loss of the examples, and the weights of the groups.
void weir__groups_merge(weir_graph *graph);
/// Multiplies the `all` rows of dy by their weights in the loss, for the gradient of parameters is made of that.
/// Returns the leading rows that matter: all of them if routed.
size_t weir__groups_weigh(const weir_graph *graph, size_t all, weir__side *dy, bool routed);
/// narrow [examples][width] = (or +=) the weighted sum over groups of gradient [groups][examples][width].
void weir__groups_reduce(const weir_graph *graph, float *narrow, const float *gradient, size_t width, bool add);
/// The penalty of a unit node with pre-activations a, its gradient added to da: of its examples, or the mean of those
/// of the groups that count.
double weir__groups_penalty(const weir_graph *graph, const weir__node *node, const float *a, float *da);

#endif
