// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Straight-through Gumbel-softmax of two classes: h = 1[a + z > 0] with logistic z, which is Bernoulli(σ(a)), and the
// gradient of y = σ((a + z)/τ) with the same z: Jang, Gu and Poole 2017, section 2.2. Biased.

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
        const float z = a[i] + h[i];
        weir__sigmoid_pair(z * inverse, &y, &rest);
        h[i] = (z > 0 ? 1.0f : 0.0f) + (y - y); // y − y is 0, or NaN
        slope[i] = (y * rest) * inverse;
    }
}

WEIR__BY_SPANS(sample)

static const weir_form forms[] = {
    {.text = "",
     .variance = 0.194,
     .bias = 0.215,
     .digit = 0.0005,
     .toy = {0.249998, 0.2498},
     .toy_digit = {5e-07, 5e-05}},
    {.text = "temperature=0.5",
     .variance = 0.651,
     .bias = 0.065,
     .digit = 0.0005,
     .toy = {0.249997, 0.2498},
     .toy_digit = {5e-07, 5e-05}},
    {.text = "temperature=0.1", .variance = 5.4, .bias = 0.043, .digit = 0.0005},
    {.text = "decay=0.1,least=0.8"},
};

const weir_rule weir__rule_st_gumbel = {
    .name = "st-gumbel",
    .summary = "straight-through Gumbel-softmax: binary output, gradient of the relaxed one",
    .forward = "h = 1[a + z > 0], z logistic",
    .gradient = "∂L/∂a := y(1 − y)/τ·∂L/∂h, y = σ((a + z)/τ)",
    .source = "Jang, Gu and Poole 2017 (arXiv 1611.01144), section 2.2",
    .traits = weir__binary | WEIR_TRAIT_USES_DH | WEIR_TRAIT_ANNEALED,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .saved = 1,
    .sample = sample,
    .backward = weir__backward_saved,
    .define = weir__over_gumbel,
    WEIR__FORMS,
};
