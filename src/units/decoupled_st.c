// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Straight-through with one temperature for the draw and another for the gradient (Shah et al. 2024):
// h = 1[a/τ_f + z > 0] with logistic z, which is Bernoulli(σ(a/τ_f)); the gradient is that of σ(a/τ_b), or with the
// same noise of σ((a + z)/τ_b). At τ_f = 1 the two forms are straight-through:derivative=sigmoid with a temperature,
// and st-gumbel. τ_f divides a alone: dividing a + z, as some published code does, changes no draw.

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { forward_index, backward_index, noise_index };
enum { no_noise, logistic_noise };

static const weir_parameter parameters[] = {
    [forward_index] = {"forward", 1, 0.01, 100, NULL, "temperature of the draw: more is more random"},
    [backward_index] = {"backward", 1, 0.01, 100, NULL, "temperature of the gradient"},
    [noise_index] = {"noise", 0, 0, logistic_noise, "none|logistic",
                     "noise in the gradient: none, or the draw's own (straight-through Gumbel-softmax)"},
};

WEIR__CLONES static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const double *values = ((const weir_unit *)context)->values;
    const float colder = 1.0f / (float)values[forward_index], inverse = 1.0f / (float)values[backward_index];
    const float factor = values[noise_index] == logistic_noise ? 1.0f : 0.0f;
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at, *restrict slope = batch->saved + span.at;
    weir__span_logistic(h, batch->noise, span);
    for (size_t i = 0; i < span.count; i++) {
        float y, rest;
        const float z = h[i];
        weir__sigmoid_pair((a[i] + factor * z) * inverse, &y, &rest);
        h[i] = (a[i] * colder + z > 0 ? 1.0f : 0.0f) + (y - y); // y − y is 0, or NaN
        slope[i] = (y * rest) * inverse;
    }
}

WEIR__BY_SPANS(sample)

static void expect(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__expect_moved(batch, 1.0f / (float)unit->values[forward_index], 0);
}

static void opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    weir__opening_moved(count, a, q, dq, 1.0f / (float)unit->values[forward_index], 0);
}

static void define_draw(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    weir__over_coin(weir__logistic(a / unit->values[forward_index]), 1, visit, context);
}

static void point(const weir_unit *unit, double a, double z, double *h, double *weight) {
    *h = a / unit->values[forward_index] + z > 0;
    *weight =
        weir__logistic_slope(unit->values[noise_index] == logistic_noise ? a + z : a, unit->values[backward_index]);
}

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    weir__over_logistic(unit, a, -a / unit->values[forward_index], point, visit, context);
}

static const weir_form forms[] = {
    {.text = "", .variance = 0.228, .bias = 0.0425, .digit = 5e-05},
    {.text = "forward=1.5"},
    {.text = "forward=2"},
    {.text = "backward=0.5,noise=logistic", .variance = 0.651, .bias = 0.065, .digit = 0.0005},
};

static const weir_draw outputs = {
    .decided = "h = 1",
    .expected = "h = σ(a/τ_f)",
    .sample = sample,
    .expect = expect,
    .decide = weir__decide_binary,
    .opening = opening,
    .define = define_draw,
};

const weir_rule weir__rule_decoupled_st = {
    .name = "decoupled-straight-through",
    .summary = "straight-through with one temperature for the draw and one for the gradient",
    .forward = "h = 1[a/τ_f + z > 0], z logistic",
    .gradient = "∂L/∂a := σ'(a/τ_b)/τ_b·∂L/∂h, or the same of a + z",
    .source = "Shah, Yan, Mozer and Liu 2024 (arXiv 2410.13331)",
    .traits = weir__binary | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .saved = 1,
    .draw = &outputs,
    .backward = weir__backward_saved,
    .define = define,
    WEIR__FORMS,
};
