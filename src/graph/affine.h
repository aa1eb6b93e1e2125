// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file affine.h
/// The product W·x + b of affine and gated-affine nodes.
#ifndef WEIR_AFFINE_H
#define WEIR_AFFINE_H

#include "node.h"

/// y = W·x + bias with the node's weight and bias tensors, x the output of node->from, in either layout; counts the
/// work.
weir_status weir__affine_forward(weir_graph *graph, weir__node *node, size_t rows, weir__side *y, weir_error *error);
/// The product of weir__affine_forward alone; *work: its multiply-adds, which are not counted.
weir_status weir__affine_product(weir_graph *graph, weir__node *node, size_t rows, weir__side *y, uint64_t *work,
                                 weir_error *error);
/// Gradients of both tensors and, where it is wanted, of x, from dy = ∂L/∂y (open slots); counts the work. In a pass
/// that moves the parameters both tensors move at once, after the gradient of x.
weir_status weir__affine_backward(weir_graph *graph, weir__node *node, size_t rows, weir__side *dy, weir_error *error);
/// In a pass that moves the parameters: both tensors by the gradients in the flat array, for nodes that form them there
/// and for those that no gradient reached, whose parameters may decay.
weir_status weir__affine_move_alone(weir_graph *graph, weir__node *node, weir_error *error);
/// Declares both tensors of such a node: weights in the tiles that the layouts of y and x ask for.
weir_status weir__affine_declare(weir_graph *graph, weir__node *node, weir_error *error);

#endif
