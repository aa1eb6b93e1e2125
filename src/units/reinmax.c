// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// ReinMax with a temperature (Liu et al. 2023, algorithm 2) for a unit of two classes.
//
// For logits θ, class probabilities π, π_τ = softmax(θ/τ) and the one-hot sample d, ReinMax takes, with
// J(x) = diag(x) − x·xᵀ and m = ½(π_τ + d),
//   ∂L/∂θ := 2·J(m)·∂L/∂d − ½·J(π)·∂L/∂d.
// A binary unit has θ = (a, 0), d = (h, 1 − h) and ∂L/∂d = (∂L/∂h, 0), of which the first component is
//   ∂L/∂a := [2m(1 − m) − ½p(1 − p)]·∂L/∂h,  m = ½(σ(a/τ) + h),  p = σ(a).
// At τ = 1: for h = 1, m = ½(1 + p), so that 2m(1 − m) − ½p(1 − p) = ½(1 + p)(1 − p) − ½p(1 − p) = ½(1 − p); for h = 0,
// m = ½p and it is p(1 − ½p) − ½p(1 − p) = ½p. That is the rule "half".

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { temperature_index };

static const weir_parameter parameters[] = {
    [temperature_index] = {"temperature", 1, 0.01, 100, NULL,
                           "of the distribution that the draw is averaged with, usually 1 to 1.5"},
};

WEIR__CLONES static void backward_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const weir_unit *unit = context;
    const float inverse = 1.0f / (float)unit->values[temperature_index];
    const float *restrict a = batch->a + span.at, *restrict h = batch->h + span.at, *restrict dh = batch->dh + span.at;
    float *restrict da = batch->da + span.at;
    for (size_t i = 0; i < span.count; i++) {
        float p, rest, tempered, tempered_rest;
        weir__sigmoid_pair(a[i], &p, &rest);
        weir__sigmoid_pair(a[i] * inverse, &tempered, &tempered_rest);
        // 2m(1 − m) without cancellation: one of m and 1 − m is half of what the draw was not
        const float missed = h[i] > 0.5f ? tempered_rest : tempered;
        da[i] = dh[i] * (missed * (1.0f - 0.5f * missed) - 0.5f * (p * rest));
    }
}

WEIR__BY_SPANS(backward)

/// The first component of 2J(m)e₁ − ½J(π)e₁.
static double weight(const weir_unit *unit, double a, double h) {
    const double p = weir__logistic(a), m = (weir__logistic(a / unit->values[temperature_index]) + h) / 2;
    return 2 * m * (1 - m) - p * (1 - p) / 2;
}

static const weir_form forms[] = {
    {.text = "", .variance = 0.2778, .bias = 0.053, .digit = 0.0005},
    {.text = "temperature=1.3"},
};

const weir_rule weir__rule_reinmax = {
    .name = "reinmax",
    .summary = "straight-through of second order with a temperature; at 1 it is the rule half",
    .forward = "h ~ Bernoulli(σ(a))",
    .gradient = "∂L/∂a := [2m(1 − m) − ½p(1 − p)]·∂L/∂h, m = ½(σ(a/τ) + h), p = σ(a)",
    .source = "Liu, Dong, Liu, Yu and Gao 2023 (arXiv 2304.08612), algorithm 2",
    .traits = weir__binary | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .backward = backward,
    .weight = weight,
    WEIR__FORMS,
};
