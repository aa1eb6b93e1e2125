// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// DisARM, also known as U2G: the antithetic pair of ARM, h = 1[u > 1 − p] and h' = 1[u < p], with the mean of ARM's
// gradient given the pair: g = ½ (L(h) − L(h'))·(h − h')·max(p, 1 − p). Dong, Mnih and Tucker 2020, eq. 5; Yin, Ho,
// Yan, Qian and Zhou 2020.
//
// Several layers (their section 3.2): for each layer a pair that has the layers before it in common. Here all pairs
// share their first half: group 0 is one draw through all layers, group t + 1 leaves it at layer t, by the antithetic
// draw, and goes on with the same uniform numbers. So T layers cost T + 1 evaluations instead of 2T.

#include <string.h>

#include "../core/math.h"
#include "antithetic.h"

static size_t groups(const weir_unit *unit, size_t units, size_t layers) {
    (void)unit;
    (void)units;
    return layers + 1;
}

/// One layer sees two samples of equal right. Of several layers only group 0 is one draw of the whole network.
static void merge(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights) {
    if (batch->layers > 1) {
        weir__merge_first(unit, batch, loss, weights);
    } else {
        weir__merge_mean(unit, batch, loss, weights);
    }
}

/// weir__antithetic_pair, and what stands in the gradient beside the pair: max(p, 1 − p).
WEIR__CLONES static void pair(float *restrict h, float *restrict u, float *restrict larger, const float *restrict a,
                              size_t count) {
    for (size_t i = 0; i < count; i++) {
        float p, q;
        weir__sigmoid_pair(a[i], &p, &q);
        const float number = u[i], zero = p - p; // 0, or NaN
        larger[i] = p > q ? p : q;
        h[i] = (number > q ? 1.0f : 0.0f) + zero;
        u[i] = (number < p ? 1.0f : 0.0f) + zero;
    }
}

static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const size_t all = batch->rows * batch->units, t = batch->layer, count = span.count;
    float *h = batch->h + span.at, *u = h + (t + 1) * all; // the antithetic draw takes the place of u
    const float *a = batch->a + span.at;
    weir__span_uniform(u, batch->noise, span);
    for (size_t g = 1; g <= t; g++) weir__upper_draw(h + g * all, u, a + g * all, count);
    pair(h, u, batch->saved + span.at, a, count);
    for (size_t g = t + 2; g < batch->groups; g++) memcpy(h + g * all, h, count * sizeof *h);
}

WEIR__BY_SPANS(sample)

WEIR__CLONES static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    (void)context;
    const size_t units = batch->units, other = batch->layer + 1;
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *restrict h = batch->h + row * units, *restrict antithetic = h + other * batch->rows * units;
        const float *restrict larger = batch->saved + row * units;
        const float difference = batch->loss[row] - batch->loss[other * batch->rows + row];
        const float factor = 0.5f * batch->row_weight * difference;
        float *restrict da = batch->da + row * units;
        for (size_t i = 0; i < units; i++) da[i] = factor * (h[i] - antithetic[i]) * larger[i];
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    const size_t count = batch->rows * batch->units;
    weir__for_rows(unit, batch, batch->units, combine);
    if (batch->layer) memset(batch->da + count, 0, (batch->groups - 1) * count * sizeof *batch->da);
}

static const weir_form forms[] = {
    {.text = "",
     .variance = 1.681,
     .one_bit = weir__disarm_variance,
     .wide = 1.24375e-09,
     .uphill = 0.25057,
     .toy = {0.249002, 0.240109},
     .toy_digit = {5e-07, 5e-07}},
};

const weir_rule weir__rule_disarm = {
    .name = "disarm",
    .summary = "binary unit, an antithetic pair of samples (DisARM, U2G); several layers share evaluations",
    .forward = "h = 1[u > 1 − σ(a)], h' = 1[u < σ(a)], u ~ U(0, 1)",
    .gradient = "∂L/∂a ~ ½ (L(h) − L(h'))·(h − h')·σ(|a|)",
    .source = "Dong, Mnih and Tucker 2020 (arXiv 2006.10680), eq. 5, section 3.2; Yin et al. 2020 (U2G)",
    .traits = weir__by_score | WEIR_TRAIT_LAYERS,
    .evaluations = 2,
    .cost = "2; T layers: T + 1",
    .saved = 1,
    .sample = sample,
    .backward = backward,
    .groups = groups,
    .merge = merge,
    WEIR__FORMS,
};
