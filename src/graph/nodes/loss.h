// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file loss.h
/// What losses share. A loss is a weir__loss and a kind of node that has it as its `how`, with build, forward, backward
/// and release as below. Gradients are those of the mean: divided by the examples.
#ifndef WEIR_LOSS_H
#define WEIR_LOSS_H

#include "nodes.h"

/// Rows of a loss: its input, and what is made of it.
typedef struct weir__loss_rows {
    size_t width;
    const float *x;
    const int32_t *labels; ///< [rows], of a loss that takes them
    const float *targets;  ///< [rows][width], likewise
    float *y;              ///< output [rows][width]
    float *loss;           ///< [rows]; NULL: there is nothing to compare with
    float *dx;             ///< backward: ∂(mean loss)/∂x [rows][width]
    float weight;          ///< backward: of a row in the mean
} weir__loss_rows;

/// Functions of ranges of rows, whose context is a weir__loss_rows.
typedef struct weir__loss {
    weir__range_function *forward;  ///< fills y and, unless it is NULL, loss
    weir__range_function *backward; ///< fills dx from y
    /// Whether labels or targets, if the pass has any, can be those of the loss; NULL: they always are.
    weir_status (*check)(const weir__node *node, const weir_pass *pass, weir_error *error);
} weir__loss;

/// ∂L/∂x = y − target.
void weir__loss_difference(const void *context, weir__range rows);

weir_status weir__loss_build(weir_graph *graph, weir__node *node, weir_error *error);
weir_status weir__loss_forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error);
weir_status weir__loss_backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error);
void weir__loss_release(weir__node *node);

/// The functions of its kind.
#define WEIR__LOSS                                                                                                     \
    .build = weir__loss_build, .forward = weir__loss_forward, .backward = weir__loss_backward,                         \
    .release = weir__loss_release

#endif
