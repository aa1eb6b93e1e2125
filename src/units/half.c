// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// h ~ Bernoulli(p), ∂L/∂a := ½|h − p|·∂L/∂h: the trapezoid rule for the integral of ∂L/∂h from 0 to 1, exact where L is
// at most quadratic in each single unit; elsewhere off by about p(1 − p)/12 times the third derivative.
//
// One estimator with many names. For binary units these are the same: the DARN "½ estimator" (Gregor et al. 2014;
// MuProp, Gu et al. 2016, eq. 6), ReinMax at temperature 1 (Liu et al. 2023), zero-temperature Gumbel-Rao, ZGR
// (Shekhovtsov 2023), and the Bernoulli forms of Fini-2 (He and Wu 2026) and of the hard measure-valued estimator
// (Hooper and Shekhovtsov 2026).

#include "../core/math.h"
#include "define.h"
#include "rules.h"

WEIR__CLONES static void backward_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict a = batch->a + span.at, *restrict h = batch->h + span.at, *restrict dh = batch->dh + span.at;
    float *restrict da = batch->da + span.at;
    for (size_t i = 0; i < span.count; i++) {
        float p, rest;
        weir__sigmoid_pair(a[i], &p, &rest);
        da[i] = dh[i] * (0.5f * (h[i] > 0.5f ? rest : p));
    }
}

WEIR__BY_SPANS(backward)

static double weight(const weir_unit *unit, double a, double h) {
    (void)unit;
    return fabs(h - weir__logistic(a)) / 2;
}

static const weir_form forms[] = {
    {.text = "",
     .variance = 0.2778,
     .bias = 0.053,
     .digit = 0.0005,
     .toy = {0.249948, 0.24406},
     .toy_digit = {5e-07, 5e-06}},
};

const weir_rule weir__rule_half = {
    .name = "half",
    .summary = "straight-through of second order: the 1/2 estimator of DARN, ReinMax at temperature 1, ZGR",
    .forward = "h ~ Bernoulli(σ(a))",
    .gradient = "∂L/∂a := ½|h − σ(a)|·∂L/∂h",
    .source = "Gregor et al. 2014 (arXiv 1310.8499); Gu et al. 2016 (arXiv 1511.05176), eq. 6; Liu et al. 2023 "
              "(arXiv 2304.08612)",
    .traits = weir__binary | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    .backward = backward,
    .weight = weight,
    WEIR__FORMS,
};
