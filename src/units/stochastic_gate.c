// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Stochastic gates, STG (Yamada, Lindenbaum, Negahban and Kluger 2020): h = clip(a + ½ + σz, 0, 1) with z ~ N(0, 1), a
// hard sigmoid with normal noise; the paper's mean parameter is a + ½. Exactly 0 and exactly 1 with positive
// probability,
//   P(h ≠ 0) = Φ((a + ½)/σ),
// which is its penalty (sparsity kind "l0"). At test time h = clip(a + ½, 0, 1) where a > threshold, which also stands
// for the mean.

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { sd_index };

static const weir_parameter parameters[] = {
    [sd_index] =
        {.name = "sd", .initial = 0.5, .least = 0.01, .greatest = 100, .about = "σ, standard deviation of the noise"},
};

WEIR__INLINE float clip(float x) {
    const float below = x > 1.0f ? 1.0f : x; // a NaN stays NaN
    return below < 0.0f ? 0.0f : below;
}

WEIR__CLONES static void clip_with_noise(float *restrict h, const float *restrict a, float sd, size_t count) {
    for (size_t i = 0; i < count; i++) h[i] = clip(a[i] + 0.5f + sd * h[i]);
}

static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    float *h = batch->h + span.at;
    weir__span_normal(h, batch->noise, span);
    clip_with_noise(h, batch->a + span.at, (float)((const weir_unit *)context)->values[sd_index], span.count);
}

WEIR__BY_SPANS(sample)

WEIR__CLONES static void expect_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    for (size_t i = 0; i < span.count; i++) batch->h[span.at + i] = clip(batch->a[span.at + i] + 0.5f);
}

WEIR__BY_SPANS(expect)

WEIR__CLONES static void decide_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    for (size_t i = span.at; i < span.at + span.count; i++)
        batch->h[i] = batch->a[i] > batch->threshold ? clip(batch->a[i] + 0.5f) : 0.0f;
}

WEIR__BY_SPANS(decide)

WEIR__CLONES static void opening_piece(const void *context, size_t count, const float *restrict a, float *restrict q,
                                       float *restrict dq) {
    const float inverse = 1 / (float)((const weir_unit *)context)->values[sd_index];
    for (size_t i = 0; i < count; i++) {
        float density, below, x = (a[i] + 0.5f) * inverse;
        x = x > 13 ? 13 : x;
        x = x < -13 ? -13 : x;
        weir__normal_pair(x, &density, &below);
        q[i] = below;
        if (dq) dq[i] = density * inverse;
    }
}

WEIR__OPENING_BY_PIECES

WEIR__CLONES static void backward_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    for (size_t i = span.at; i < span.at + span.count; i++)
        batch->da[i] = batch->h[i] == 0 || batch->h[i] == 1 ? 0.0f : batch->dh[i];
}

WEIR__BY_SPANS(backward)

static void point(const weir_unit *unit, double a, double z, double *h, double *weight) {
    const double x = a + 0.5 + unit->values[sd_index] * z;
    *h = fmin(1, fmax(0, x));
    *weight = x > 0 && x < 1;
}

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    weir__over_normal(unit, a, -(a + 0.5) / unit->values[sd_index], point, visit, context);
}

static double floor_of(const weir_unit *unit) {
    (void)unit;
    return -0.5;
}

static const weir_form forms[] = {{.text = ""}, {.text = "sd=0.4"}};

static const weir_draw outputs = {
    .decided = "h = clip(a + ½, 0, 1)",
    .expected = "h = clip(a + ½, 0, 1)",
    .sample = sample,
    .expect = expect,
    .decide = decide,
    .opening = opening,
    .define = define,
    .floor = floor_of,
};

const weir_rule weir__rule_stochastic_gate = {
    .name = "stochastic-gate",
    .summary = "hard sigmoid with normal noise, exactly 0 or 1 at times (STG); its noise-free form is its mean, too",
    .forward = "h = clip(a + ½ + σz, 0, 1), z ~ N(0, 1)",
    .gradient = "∂L/∂a = 1[0 < h < 1]·∂L/∂h",
    .source = "Yamada, Lindenbaum, Negahban and Kluger 2020 (arXiv 1810.04247), eq. 4 and 6",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_SPARSE | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_PATHWISE |
              WEIR_TRAIT_USES_DH | WEIR_TRAIT_SKIPS,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &outputs,
    .backward = backward,
    WEIR__FORMS,
};
