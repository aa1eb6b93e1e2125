// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// h ~ Bernoulli(σ(a)); backward as if h were a, or σ(a): Bengio, Léonard and Courville 2013, section 4, eq. 13, after
// Hinton's lectures; or as if h were the hard tanh of a, which cancels the gradient of units that are saturated:
// Courbariaux et al. 2016. Biased; for a single layer the identity form has the right sign. The gradient of a closed
// gate is wanted, too: training cannot skip what it gates.

#include <string.h>

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { derivative_index };
enum { identity, sigmoid, clipped };

static const weir_parameter parameters[] = {
    [derivative_index] = {.name = "derivative",
                          .greatest = clipped,
                          .choices = "identity|sigmoid|clipped",
                          .about = "what stands for ∂h/∂a: 1, p(1 − p), or 1[|a| ≤ 1] (hard tanh)"},
};

static void copy_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    memcpy(batch->da + span.at, batch->dh + span.at, span.count * sizeof *batch->da);
}

WEIR__CLONES static void sigmoid_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict a = batch->a + span.at, *restrict dh = batch->dh + span.at;
    float *restrict da = batch->da + span.at;
    for (size_t i = 0; i < span.count; i++) {
        float p, rest;
        weir__sigmoid_pair(a[i], &p, &rest);
        da[i] = dh[i] * (p * rest);
    }
}

WEIR__CLONES static void clipped_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict a = batch->a + span.at, *restrict dh = batch->dh + span.at;
    float *restrict da = batch->da + span.at;
    for (size_t i = 0; i < span.count; i++) da[i] = a[i] >= -1.0f && a[i] <= 1.0f ? dh[i] : 0.0f;
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    static weir__span_function *const spans[] = {
        [identity] = copy_span, [sigmoid] = sigmoid_span, [clipped] = clipped_span};
    weir__for_spans(unit, batch, spans[(int)unit->values[derivative_index]]);
}

static double weight(const weir_unit *unit, double a, double h) {
    (void)h;
    const double form = unit->values[derivative_index];
    return form == identity ? 1 : form == sigmoid ? weir__logistic_slope(a, 1) : fabs(a) <= 1;
}

static const weir_form forms[] = {
    {.text = "", .variance = 4.026, .bias = 2.58, .digit = 0.005},
    {.text = "derivative=sigmoid",
     .variance = 0.228,
     .bias = 0.0425,
     .digit = 5e-05,
     .toy = {0.250001, 0.24992},
     .toy_digit = {5e-07, 5e-06}},
    {.text = "derivative=clipped"},
};

const weir_rule weir__rule_straight_through = {
    .name = "straight-through",
    .summary = "binary unit whose gradient ignores the coin",
    .forward = "h ~ Bernoulli(σ(a))",
    .gradient = "∂L/∂a := ∂L/∂h, σ'(a)·∂L/∂h, or 1[|a| ≤ 1]·∂L/∂h",
    .source = "Bengio, Léonard and Courville 2013 (arXiv 1308.3432), section 4, eq. 13; Hinton 2012; "
              "Courbariaux et al. 2016 (arXiv 1602.02830), eq. 4",
    .traits = weir__binary | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .backward = backward,
    .weight = weight,
    WEIR__FORMS,
};
