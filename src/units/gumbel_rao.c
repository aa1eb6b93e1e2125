// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Rao-Blackwellised straight-through Gumbel-softmax, GR-MC with K draws (Paulus, Maddison and Krause 2021): the
// gradient of st-gumbel averaged over K relaxations drawn given the binary output. Same bias, less variance, one
// evaluation.
//
// h = 1[a + z > 0] with logistic z. Given h, the perturbed logit a + z is ±s with
//   s = log(1 + v·e^(±a)) − log(1 − v) ≥ 0,  v uniform, the upper sign for h = 1:
// a + logit(u) with u uniform above 1 − p, that is u = 1 − p(1 − v); for h = 0 the same with a and the signs reversed.
// The first term is softplus(±a + log v), which does not overflow. y(1 − y) is the same for ±s. The conditional noise
// is not differentiated.

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { temperature_index, draws_index };

static const weir_parameter parameters[] = {
    [temperature_index] = {"temperature", 0.5, 0.01, 100, NULL, "of the relaxation, usually 0.1 to 1"},
    [draws_index] = {"draws", 10, 1, 1000, NULL, "relaxations averaged per output, usually 10 to 100 (whole number)"},
};

WEIR__CLONES static void slope_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const weir_unit *unit = context;
    const float inverse = 1.0f / (float)unit->values[temperature_index];
    const int draws = (int)unit->values[draws_index];
    const float *restrict a = batch->a + span.at, *restrict h = batch->h + span.at;
    float *restrict slope = batch->saved + span.at, v[weir__span_units];
    for (size_t i = 0; i < span.count; i++) slope[i] = 0;
    weir_noise noise = batch->noise;
    for (int k = 0; k < draws; k++) {
        noise.sample++;
        weir__span_uniform(v, noise, span);
        for (size_t i = 0; i < span.count; i++) {
            const float toward = h[i] > 0.5f ? a[i] : -a[i];
            const float size = weir__softplus(toward + weir__log(v[i])) - weir__log(1.0f - v[i]);
            float y, rest;
            weir__sigmoid_pair(size * inverse, &y, &rest);
            slope[i] += y * rest;
        }
    }
    const float factor = inverse / (float)draws;
    for (size_t i = 0; i < span.count; i++) slope[i] *= factor;
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__sample_bernoulli(unit, batch);
    weir__for_spans(unit, batch, slope_span);
}

static const weir_form forms[] = {
    {.text = "", .variance = 0.2306, .bias = 0.065, .digit = 0.0005},
    {.text = "temperature=1,draws=3"},
};

const weir_rule weir__rule_gumbel_rao = {
    .name = "gumbel-rao",
    .summary = "straight-through Gumbel-softmax averaged over K relaxations of the drawn output (GR-MC)",
    .forward = "h ~ Bernoulli(σ(a))",
    .gradient = "∂L/∂a := mean over k of y_k(1 − y_k)/τ·∂L/∂h, y_k = σ((a + z_k)/τ), z_k logistic given h",
    .source = "Paulus, Maddison and Krause 2021 (arXiv 2010.04838)",
    .traits = weir__binary | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .saved = 1,
    .sample = sample,
    .backward = weir__backward_saved,
    .define = weir__over_gumbel, // the conditional draws have the mean of the draw's own noise
    WEIR__FORMS,
};
