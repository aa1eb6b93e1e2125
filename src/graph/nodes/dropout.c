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

/// Rows times the mask of the pass, already divided by 1 − p: its own transpose.
/// Row groups of one example have one mask: it is part of the loss that they are evaluations of.
static void apply_mask(const weir_graph *graph, const weir__node *node, const weir_pass *pass, float *to,
                       const float *from, bool back) {
    (void)back;
    const float p = (float)node->spec.dropout, scale = 1 / (1 - p);
    const weir_noise noise = weir__node_noise(node, pass, 0);
    WEIR__FOR_PIECES(pass->rows * node->width)
    for (size_t r = 0; r < pass->rows; r++) {
        float *row = to + r * node->width;
        const float *x = from + r * node->width;
        weir_random_uniform(row, noise, (uint32_t)(r % graph->examples), node->width);
        for (size_t i = 0; i < node->width; i++) row[i] = (row[i] < p ? 0 : scale) * x[i];
    }
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    return weir__noisy_forward(graph, node, pass, apply_mask, error);
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    return weir__noisy_backward(graph, node, pass, apply_mask, error);
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
