// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gapped straight-through (Fan, Chi, Rudnicky and Ramadge 2022): the relaxation of st-gumbel without its noise. The
// logit is moved only as far as it takes for the class drawn to win by a gap,
//   z = max(a, gap) for h = 1, min(a, −gap) for h = 0,
// and the gradient is that of σ(z/τ) by z. The gap is a constant (GST-1.0), or what the perturbed logit is on average
// when that class wins, E[a + z | a + z > 0] = −log(1 − p)/p = log(1 + eᵃ)/p and the same with −a for h = 0 (GST-p).

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { temperature_index, gap_index, form_index };
enum { constant, average };

static const weir_parameter parameters[] = {
    [temperature_index] = {"temperature", 0.7, 0.01, 100, NULL, "of the relaxation, usually 0.5 to 1"},
    [gap_index] = {"gap", 1, 0, 100, NULL, "constant form: the gap"},
    [form_index] = {"form", 0, 0, average, "constant|average",
                    "the gap: a constant (GST-1.0), or the average of st-gumbel (GST-p)"},
};

WEIR__CLONES static void backward_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const weir_unit *unit = context;
    const float inverse = 1.0f / (float)unit->values[temperature_index], gap = (float)unit->values[gap_index];
    const int averages = unit->values[form_index] == average;
    const float *restrict a = batch->a + span.at, *restrict h = batch->h + span.at, *restrict dh = batch->dh + span.at;
    float *restrict da = batch->da + span.at;
    for (size_t i = 0; i < span.count; i++) {
        const float toward = h[i] > 0.5f ? a[i] : -a[i]; // σ' is even
        const float least = averages ? weir__softplus(toward) / weir__sigmoid(toward) : gap;
        float y, rest;
        weir__sigmoid_pair((toward > least ? toward : least) * inverse, &y, &rest);
        da[i] = dh[i] * ((y * rest) * inverse);
    }
}

WEIR__BY_SPANS(backward)

static double weight(const weir_unit *unit, double a, double h) {
    const double p = weir__logistic(h > 0 ? a : -a);
    const double gap = unit->values[form_index] == average ? -log1p(-p) / p : unit->values[gap_index];
    return weir__logistic_slope(h > 0 ? fmax(a, gap) : fmin(a, -gap), unit->values[temperature_index]);
}

static const weir_form forms[] = {
    {.text = "", .variance = 0.1955, .bias = 0.062, .digit = 0.0005},
    {.text = "form=average"},
};

const weir_rule weir__rule_gapped_st = {
    .name = "gapped-straight-through",
    .summary = "straight-through Gumbel-softmax without its noise: the drawn class wins by a gap (GST)",
    .forward = "h ~ Bernoulli(σ(a))",
    .gradient = "∂L/∂a := σ'(z/τ)/τ·∂L/∂h, z = max(a, gap) for h = 1, min(a, −gap) for h = 0",
    .source = "Fan, Chi, Rudnicky and Ramadge 2022 (arXiv 2206.07235)",
    .traits = weir__binary | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .backward = backward,
    .weight = weight,
    WEIR__FORMS,
};
