// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file tensor.h
/// Parameters: tensors inside the flat arrays, in the forms in which products read them.
#ifndef WEIR_TENSOR_H
#define WEIR_TENSOR_H

#include "node.h"

/// Declares a tensor of the node, named "node.weight" or "node.bias" by its role (build time); its place in the flat
/// arrays is set afterwards. track: keep touched flags.
weir_status weir__tensor_declare(weir_graph *graph, weir__node *node, weir_role role, size_t rows, size_t columns,
                                 size_t block_rows, size_t block_columns, bool track, size_t *index, weir_error *error);
/// Values and gradients of a tensor.
float *weir__tensor_values(const weir_graph *graph, size_t tensor);
float *weir__tensor_gradients(const weir_graph *graph, size_t tensor);
/// A tensor of weights as products of the graph's precision take it.
weir__weights weir__tensor_weights(const weir_graph *graph, size_t tensor);
/// The halves of a tensor, in bf16.
weir__halves weir__tensor_halves(const weir_graph *graph, size_t tensor);
/// A tensor in row-major order, whatever the memory order: the tensor itself, or a copy kept until weights change.
weir_status weir__plain_weights(weir_graph *graph, size_t tensor, weir__weights *weights, weir_error *error);

/// Whoever changes weights other than by weir__graph_step says so: copies of them are made anew when they are next
/// wanted.
void weir__weights_changed(weir_graph *graph);
/// Splits the weights if they may have changed since. Before any product of a pass.
void weir__halves_refresh(weir_graph *graph);
/// The values after the last step, to be read.
const float *weir__graph_values(weir_graph *graph);

#endif
