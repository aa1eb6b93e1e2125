// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// h ~ Bernoulli(σ(a)); backward as if h were a, or σ(a): Bengio, Léonard and Courville 2013, section 4, eq. 13, after
// Hinton's lectures; or as if h were the hard tanh of a, which cancels the gradient of units that are saturated:
// Courbariaux et al. 2016. Biased; for a single layer the identity form has the right sign. The gradient of a closed
// gate is wanted, too: training cannot skip what it gates.
//
// As if h were E h, for every draw whose mean and its Jacobian J are known: da = Jᵀ·∂L/∂h. For categorical variables
// that is the straight-through of Jang, Gu and Poole 2017 without noise, for subsets it is SIMPLE (Ahmed, Zeng, Niepert
// and Van den Broeck 2023): an exact sample forward, the derivative of exact marginals backward.

#include <string.h>

#include "../core/core.h"
#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { derivative_index };
enum { identity, sigmoid, clipped, mean };

static const weir_parameter parameters[] = {
    [derivative_index] = {.name = "derivative",
                          .initial = identity,
                          .greatest = mean,
                          .choices = "identity|sigmoid|clipped|mean",
                          .about = "what stands for ∂h/∂a: 1, σ'(a), 1[|a| ≤ 1] (hard tanh), or ∂E h/∂a of the draw"},
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

static void pull_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const size_t first = rows.first * batch->units, count = (rows.last - rows.first) * batch->units;
    weir_unit_draw(unit)->pull(unit, count, batch->a + first, batch->dh + first, batch->da + first);
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    static weir__span_function *const spans[] = {
        [identity] = copy_span, [sigmoid] = sigmoid_span, [clipped] = clipped_span};
    const int derivative = (int)unit->values[derivative_index];
    if (derivative == mean)
        weir__for_rows(unit, batch, 4 * batch->units, pull_rows);
    else
        weir__for_spans(unit, batch, spans[derivative]);
}

static weir_status check(const weir_unit *unit, weir_error *error) {
    const weir_draw *draw = weir_unit_draw(unit);
    if (unit->values[derivative_index] != mean || draw->pull) return WEIR_OK;
    return weir__fail(error, WEIR_UNSUPPORTED,
                      "straight-through: derivative=mean needs a draw whose mean has a known "
                      "derivative, which %s has not",
                      draw->name);
}

static double weight(const weir_unit *unit, double a, double h) {
    (void)h;
    const double form = unit->values[derivative_index];
    return form == identity ? 1 : form == clipped ? fabs(a) <= 1 : weir__logistic_slope(a, 1);
}

static void weights(const weir_unit *unit, const double *a, const double *h, double *w) {
    const size_t size = weir_unit_variable(unit);
    if (unit->values[derivative_index] == mean) {
        weir__mean_jacobian(unit, a, w);
        return;
    }
    for (size_t i = 0; i < size * size; i++) w[i] = i % (size + 1) == 0 ? weight(unit, a[i / size], h[i / size]) : 0;
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
    {.text = "draw=one-of"},
    {.text = "derivative=mean,draw=one-of"},
    {.text = "derivative=mean,draw=k-subset"},
    {.text = "draw=gumbel-top-k"},
    {.text = "draw=noisy-top-k"},
    {.text = "derivative=sigmoid,draw=top-k"},
    {.text = "draw=statistical-top-k"},
};

const weir_rule weir__rule_straight_through = {
    .name = "straight-through",
    .summary = "binary unit whose gradient ignores the coin",
    .forward = "h ~ Bernoulli(σ(a))",
    .gradient = "∂L/∂a := ∂L/∂h, σ'(a)·∂L/∂h, 1[|a| ≤ 1]·∂L/∂h, or (∂E h/∂a)ᵀ·∂L/∂h",
    .source = "Bengio, Léonard and Courville 2013 (arXiv 1308.3432), section 4, eq. 13; Hinton 2012; "
              "Courbariaux et al. 2016 (arXiv 1602.02830), eq. 4; SIMPLE: Ahmed et al. 2023 (arXiv 2210.01941), eq. 5",
    .traits = weir__binary | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draws = WEIR_DRAW_SCORE | WEIR_DRAW_SUBSET,
    .backward = backward,
    .check = check,
    .weight = weight,
    .weights = weights,
    WEIR__FORMS,
};
