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
static void apply_mask(const void *context, weir__range rows) {
    const weir__noisy_rows *n = context;
    const size_t width = n->node->width;
    const float p = (float)n->node->spec.dropout, scale = 1 / (1 - p);
    for (size_t r = rows.first; r < rows.last; r++) {
        float *row = n->to + r * width;
        const float *x = n->from + r * width;
        weir_random_uniform(row, n->noise, (uint32_t)(r % n->examples), width);
        for (size_t i = 0; i < width; i++) row[i] = (row[i] < p ? 0 : scale) * x[i];
    }
}

static const weir__noisy_map how = {apply_mask};

const weir__kind weir__kind_dropout = {
    .about = {.name = "dropout",
              .summary = "zeroes outputs at random in training",
              .equation = "y = x m / (1 - p), m ~ Bernoulli(1 - p)"},
    .fields = WEIR__FIELD_DROPOUT,
    .how = &how,
    .build = build,
    .forward = weir__noisy_forward,
    .backward = weir__noisy_backward,
};
