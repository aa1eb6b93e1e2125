// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Augment-REINFORCE-merge: one uniform number u gives the pair h = 1[u > 1 − p], h' = 1[u < p];
//   g = (L(h) − L(h'))·(u − ½).
// Yin and Zhou 2019, theorem 1. DisARM is the same with less variance, at the same cost.

#include <math.h>
#include <string.h>

#include "antithetic.h"

static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    float *h = batch->h + span.at, *other = h + batch->rows * batch->units, *u = batch->saved + span.at;
    weir__span_uniform(u, batch->noise, span);
    memcpy(other, u, span.count * sizeof *u);
    weir__antithetic_pair(h, other, batch->a + span.at, span.count);
}

WEIR__BY_SPANS(sample)

WEIR__CLONES static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    (void)context;
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *restrict u = batch->saved + row * batch->units;
        float *restrict da = batch->da + row * batch->units;
        const float factor = batch->row_weight * (batch->loss[row] - batch->loss[batch->rows + row]);
        for (size_t i = 0; i < batch->units; i++) da[i] = factor * (u[i] - 0.5f);
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, batch->units, combine);
}

static double one_bit(double p, double t) {
    const double m = fmin(p, 1 - p), square = p * (1 - p), slope = 1 - 2 * t;
    return slope * slope * (2.0 / 3 * (0.125 - pow(0.5 - m, 3)) - square * square);
}

static const weir_form forms[] = {
    {.text = "", .variance = 2.202, .one_bit = one_bit, .toy = {0.249002, 0.240109}, .toy_digit = {5e-07, 5e-07}},
};

const weir_rule weir__rule_arm = {
    .name = "arm",
    .summary = "binary unit, an antithetic pair of samples, weighted by their uniform number",
    .forward = "h = 1[u > 1 − σ(a)], h' = 1[u < σ(a)], u ~ U(0, 1)",
    .gradient = "∂L/∂a ~ (L(h) − L(h'))·(u − ½)",
    .source = "Yin and Zhou 2019 (arXiv 1807.11143), theorem 1",
    .traits = weir__by_score,
    .evaluations = 2,
    .saved = 1,
    .sample = sample,
    .backward = backward,
    .groups = weir__two_groups,
    WEIR__FORMS,
};
