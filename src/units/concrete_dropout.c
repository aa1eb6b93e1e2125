// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Concrete dropout (Gal, Hron and Kendall 2017): a mask whose rate is learned. a is the logit of being kept, p = σ(a);
// the mask is the relaxed coin y = σ((a + z)/τ) with logistic z, divided by p as dropout is, h = y/p. It multiplies
// what the layer gates. The gradient is that of the drawn output, ∂h/∂a = [y(1 − y)/τ − y(1 − p)]/p. Where nothing is
// drawn the mask is 1: nearly its mean for small τ, and what dropout does at test time. The paper's regulariser, the
// entropy of the rate, is not part of the unit; the share of units kept can be steered by "kl".

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { temperature_index };

static const weir_parameter parameters[] = {
    [temperature_index] = {"temperature", 0.1, 0.01, 100, NULL, "of the relaxed mask"},
};

WEIR__CLONES static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const weir_unit *unit = context;
    const float inverse = 1.0f / (float)unit->values[temperature_index], *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at, *restrict slope = batch->saved + span.at;
    weir__span_logistic(h, batch->noise, span);
    for (size_t i = 0; i < span.count; i++) {
        float p, dropped, y, rest;
        weir__sigmoid_pair(a[i], &p, &dropped);
        weir__sigmoid_pair((a[i] + h[i]) * inverse, &y, &rest);
        h[i] = y / p;
        slope[i] = h[i] * (rest * inverse - dropped);
    }
}

WEIR__BY_SPANS(sample)

WEIR__CLONES static void keep_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    for (size_t i = 0; i < span.count; i++) h[i] = 1.0f + (a[i] - a[i]); // a NaN stays NaN
}

WEIR__BY_SPANS(keep)

static void point(const weir_unit *unit, double a, double z, double *h, double *weight) {
    const double t = unit->values[temperature_index], y = weir__logistic((a + z) / t), p = weir__logistic(a);
    *h = y / p;
    *weight = (y * (1 - y) / t - y * (1 - p)) / p;
}

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    weir__over_logistic(unit, a, -a, point, visit, context);
}

static const weir_form forms[] = {
    {.text = ""},
    {.text = "temperature=0.5"},
};

static const weir_draw outputs = {
    .decided = "h = 1",
    .expected = "h = 1",
    .sample = sample,
    .expect = keep,
    .decide = keep,
    .opening = weir__opening_sigmoid,
    .define = define,
};

const weir_rule weir__rule_concrete_dropout = {
    .name = "concrete-dropout",
    .summary = "dropout mask with a learned rate, relaxed in training; 1 stands for its mean, and at test time",
    .forward = "h = y/σ(a), y = σ((a + z)/τ), z logistic",
    .gradient = "∂L/∂a = [y(1 − y)/τ − y(1 − σ(a))]/σ(a)·∂L/∂h",
    .source = "Gal, Hron and Kendall 2017 (arXiv 1705.07832), section 3",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_PATHWISE | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .saved = 1,
    .draw = &outputs,
    .backward = weir__backward_saved,
    WEIR__FORMS,
};
