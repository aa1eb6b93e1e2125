// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Dropout (Srivastava et al. 2014), "inverted": in sample mode y = x·m/(1 − p), m ~ Bernoulli(1 − p); elsewhere y = x.
// Reads its input densely: each unit's noise has the unit's own coordinates, whatever was skipped before it.

#include "nodes.h"

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    (void)graph;
    (void)error;
    node->width = node->block = node->from->width;
    return WEIR_OK;
}

/// The mask of the pass, already divided by 1 − p, into out.
/// Row groups of one example have one mask: it is part of the loss that they are evaluations of.
static void draw_mask(const weir_graph *graph, const weir__node *node, const weir_pass *pass, float *out) {
    const float p = (float)node->spec.dropout, scale = 1 / (1 - p);
    const weir_noise noise = weir__node_noise(node, pass, 0);
    WEIR__FOR_PIECES(pass->rows * node->width)
    for (size_t r = 0; r < pass->rows; r++) {
        float *row = out + r * node->width;
        weir_random_uniform(row, noise, (uint32_t)(r % graph->examples), node->width);
        for (size_t i = 0; i < node->width; i++) row[i] = row[i] < p ? 0 : scale;
    }
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    const float *x = NULL;
    weir_status status = weir__output_reserve(graph, node, NULL, error);
    if (status == WEIR_OK) status = weir__output_dense(graph, node->from, &x, error);
    if (status != WEIR_OK) return status;
    float *y = node->values.data;
    const size_t count = pass->rows * node->width;
    const bool drawn = pass->mode == WEIR_MODE_SAMPLE && node->spec.dropout > 0;
    if (drawn) draw_mask(graph, node, pass, y);
    WEIR__FOR_PIECES(count)
    for (size_t k = 0; k < count; k++) y[k] = drawn ? y[k] * x[k] : x[k];
    return WEIR_OK;
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    if (!node->gradient_written || !node->from->wants_gradient) return WEIR_OK;
    float *dx = NULL;
    const weir_status status = weir__gradient_open(graph, node->from, true, &dx, error);
    if (status != WEIR_OK) return status;
    const float *dy = node->gradient.data;
    const size_t count = pass->rows * node->width;
    const bool drawn = node->spec.dropout > 0;
    if (drawn) draw_mask(graph, node, pass, dx); // the same coordinates give the same mask
    WEIR__FOR_PIECES(count)
    for (size_t k = 0; k < count; k++) dx[k] = drawn ? dx[k] * dy[k] : dy[k];
    weir__gradient_close(graph, node->from, true, dx);
    return WEIR_OK;
}

const weir__kind weir__kind_dropout = {
    .about = {.name = "dropout",
              .summary = "zeroes outputs at random in training",
              .equation = "y = x m / (1 - p), m ~ Bernoulli(1 - p)"},
    .fields = WEIR__FIELD_DROPOUT,
    .build = build,
    .forward = forward,
    .backward = backward,
};
