// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Augment-REINFORCE: h = 1[u < p], g = L·(1 − 2u). The uniform number itself stands for the score: one evaluation, no
// parameter, more variance than the score function. The half-way house to ARM (Yin and Zhou 2019, section 2.2).

#include "../core/math.h"
#include "rules.h"

WEIR__CLONES static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    float *restrict h = batch->h + span.at, *restrict u = batch->saved + span.at;
    const float *restrict a = batch->a + span.at;
    weir__span_uniform(u, batch->noise, span);
    for (size_t i = 0; i < span.count; i++) h[i] = weir__bernoulli(u[i], weir__sigmoid(a[i]));
}

WEIR__BY_SPANS(sample)

WEIR__CLONES static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    (void)context;
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *restrict u = batch->saved + row * batch->units;
        float *restrict da = batch->da + row * batch->units;
        const float factor = batch->row_weight * batch->loss[row];
        for (size_t i = 0; i < batch->units; i++) da[i] = factor * (1 - 2 * u[i]);
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, batch->units, combine);
}

static const weir_form forms[] = {
    {.text = "", .variance = 11.66},
};

const weir_rule weir__rule_ar = {
    .name = "ar",
    .summary = "binary unit, augment-REINFORCE: the uniform number in place of the score",
    .forward = "h = 1[u < σ(a)], u ~ U(0, 1)",
    .gradient = "∂L/∂a ~ L·(1 − 2u)",
    .source = "Yin and Zhou 2019 (arXiv 1807.11143), section 2.2",
    .traits = weir__by_score,
    .evaluations = 1,
    .saved = 1,
    .sample = sample,
    .backward = backward,
    WEIR__FORMS,
};
