// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file tensor.h
/// Parameters: tensors inside the flat arrays, in the forms in which products read them.
#ifndef WEIR_TENSOR_H
#define WEIR_TENSOR_H

#include "node.h"

/// Declares a tensor of the node, named "node.bias" or "node.average" by these roles, else "node.weight" (build time); its place in the
/// flat arrays is set afterwards. track: keep touched flags.
weir_status weir__tensor_declare(weir_graph *graph, weir__node *node, weir_role role, size_t rows, size_t columns,
                                 size_t block_rows, size_t block_columns, bool track, size_t *index, weir_error *error);
/// Dimensions of such a tensor in a file.
static inline int weir__role_rank(weir_role role) {
    return role == WEIR_ROLE_WEIGHT || role == WEIR_ROLE_TABLE ? 2 : 1;
}
/// Gradients of a tensor.
float *weir__tensor_gradients(const weir_graph *graph, size_t tensor);
/// How a tensor lies.
static inline weir__tiling weir__tensor_tiling(const weir_tensor *t) {
    return (weir__tiling){t->rows, t->columns, t->block_rows, t->block_columns};
}
/// Copies a tensor's part of a flat array that lies as parameters do (values, gradients, moving averages) to plain
/// row-major order, and back. flat is the start of the whole array.
void weir__tensor_unpack(const weir_tensor *tensor, float *plain, const float *flat);
void weir__tensor_pack(const weir_tensor *tensor, float *flat, const float *plain);

/// All values, current: to be read, or, with edit, to be changed before the next pass or step.
const float *weir__graph_values(weir_graph *graph);
float *weir__graph_edit(weir_graph *graph);

#endif
