// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Independent outputs of 0 or 1 whose chance is a hard sigmoid of the pre-activation, q = clip((s·a + 1)/2, 0, 1):
// Courbariaux, Bengio and David 2015 (BinaryConnect), eq. 3, with s = 1; Chung, Ahn and Bengio 2017, eq. 6 and 9, for
// boundaries, with a slope that rises. Units that are always or never open have no score and no derivative.

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { slope_index };

static const weir_parameter parameters[] = {
    [slope_index] = {"slope", 1, 0.001, 1000, NULL, "s: the chance rises from 0 to 1 between a = −1/s and 1/s"},
};

WEIR__INLINE float chance_of(float a, float slope) {
    float q = 0.5f * (slope * a + 1);
    q = q < 0 ? 0 : q;
    return q > 1 ? 1 : q;
}

WEIR__CLONES static void expect_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const float slope = (float)((const weir_unit *)context)->draw_values[slope_index];
    for (size_t i = 0; i < span.count; i++) batch->h[span.at + i] = chance_of(batch->a[span.at + i], slope);
}

static void expect(const weir_unit *unit, const weir_unit_batch *batch) { weir__for_spans(unit, batch, expect_span); }

WEIR__CLONES static void compare(float *restrict h, const float *restrict a, float slope, size_t count) {
    for (size_t i = 0; i < count; i++) h[i] = weir__bernoulli(h[i], chance_of(a[i], slope));
}

static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    float *h = batch->h + span.at;
    weir__span_uniform(h, batch->noise, span);
    compare(h, batch->a + span.at, (float)((const weir_unit *)context)->draw_values[slope_index], span.count);
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) { weir__for_spans(unit, batch, sample_span); }

static void opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    const float slope = (float)unit->draw_values[slope_index];
    for (size_t i = 0; i < count; i++) {
        q[i] = chance_of(a[i], slope);
        if (dq) dq[i] = q[i] > 0 && q[i] < 1 ? 0.5f * slope : 0;
    }
}

static void score(const weir_unit *unit, size_t count, const float *a, const float *h, float *to) {
    const float slope = (float)unit->draw_values[slope_index];
    for (size_t i = 0; i < count; i++) {
        const float q = chance_of(a[i], slope);
        to[i] = !(q > 0 && q < 1) ? q - q : 0.5f * slope * (h[i] > 0.5f ? 1 / q : -1 / (1 - q));
    }
}

static void pull(const weir_unit *unit, size_t count, const float *a, const float *v, float *out) {
    const float slope = (float)unit->draw_values[slope_index];
    for (size_t i = 0; i < count; i++) {
        const float q = chance_of(a[i], slope);
        out[i] = q > 0 && q < 1 ? 0.5f * slope * v[i] : 0;
    }
}

static double chance(const weir_unit *unit, const float *a, const float *h) {
    const double q = (double)chance_of(a[0], (float)unit->draw_values[slope_index]);
    return h[0] != 0 ? q : 1 - q;
}

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    weir__over_coin(fmin(fmax((unit->draw_values[slope_index] * a + 1) / 2, 0), 1), 1, visit, context);
}

const weir_draw weir__draw_hard_sigmoid = {
    .name = "hard-sigmoid",
    .summary = "independent outputs of 0 or 1 whose chance is a straight line between 0 and 1",
    .forward = "h ~ Bernoulli(clip((s·a + 1)/2, 0, 1))",
    .source = "Courbariaux, Bengio and David 2015 (arXiv 1511.00363), eq. 3; Chung, Ahn and Bengio 2017 "
              "(arXiv 1609.01704)",
    .traits = WEIR_DRAW_SCORE | WEIR_DRAW_MARGINAL | WEIR_DRAW_OUTCOMES | WEIR_DRAW_RANDOM,
    WEIR__PARAMETERS,
    .decided = "h = 1",
    .expected = "h = clip((s·a + 1)/2, 0, 1)",
    .sample = sample,
    .expect = expect,
    .decide = weir__decide_binary,
    .opening = opening,
    .define = define,
    .score = score,
    .pull = pull,
    .outcomes = weir__bit_outcomes,
    .outcome = weir__bit_outcome,
    .chance = chance,
};
