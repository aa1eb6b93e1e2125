// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The binary Concrete unit, or Gumbel-softmax of two classes: h = σ((a + z)/τ) with logistic z. Its gradient is that of
// the drawn output: unbiased for the loss of relaxed outputs, biased for that of binary ones, to which it tends as τ →
// 0 while its variance grows. At test time outputs are 0 or 1. The mean of the output has no closed form; σ(a), its
// chance to be above ½, stands for it.

#include "../core/math.h"
#include "define.h"
#include "rules.h"
#include "temperature.h"

static const weir_parameter parameters[] = {WEIR__TEMPERATURE_PARAMETERS};

WEIR__CLONES static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const float inverse = weir__inverse_temperature(context, batch), *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at, *restrict slope = batch->saved + span.at;
    weir__span_logistic(h, batch->noise, span);
    for (size_t i = 0; i < span.count; i++) {
        float y, rest;
        weir__sigmoid_pair((a[i] + h[i]) * inverse, &y, &rest);
        h[i] = y;
        slope[i] = (y * rest) * inverse;
    }
}

WEIR__BY_SPANS(sample)

static void point(const weir_unit *unit, double a, double z, double *h, double *weight) {
    *h = weir__logistic((a + z) / unit->values[weir__temperature_index]);
    *weight = weir__logistic_slope(a + z, unit->values[weir__temperature_index]);
}

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    weir__over_logistic(unit, a, -a, point, visit, context);
}

static const weir_form forms[] = {
    {.text = "", .variance = 0.0649, .bias = 0.304, .digit = 0.0005, .toy = {0.249994, 0}, .toy_digit = {5e-07, 0}},
    {.text = "temperature=0.5",
     .variance = 0.355,
     .bias = 0.144,
     .digit = 0.0005,
     .toy = {0.249993, 0.24948},
     .toy_digit = {5e-07, 5e-06}},
};

const weir_rule weir__rule_concrete = {
    .name = "concrete",
    .summary = "binary Concrete or Gumbel-softmax: relaxed in training, 0 or 1 at test time; σ(a) stands for the mean",
    .forward = "h = σ((a + z)/τ), z logistic",
    .gradient = "∂L/∂a = h(1 − h)/τ·∂L/∂h",
    .source = "Maddison, Mnih and Teh 2017 (arXiv 1611.00712); Jang, Gu and Poole 2017 (arXiv 1611.01144)",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_SPARSE | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_PATHWISE |
              WEIR_TRAIT_USES_DH | WEIR_TRAIT_ANNEALED,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .saved = 1,
    .sample = sample,
    .backward = weir__backward_saved,
    .define = define,
    WEIR__FORMS,
};
