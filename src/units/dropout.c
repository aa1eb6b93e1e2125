// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Dropout as a unit: h = a·b/(1 − rate), b ~ Bernoulli(1 − rate), the multiplicative binomial noise that Bengio,
// Léonard and Courville 2013 name beside their own units. The mean is a, which is also what test time gives: no
// threshold closes such a unit. A unit that gives 0 has no gradient.

#include "define.h"
#include "rules.h"

enum { rate_index };

static const weir_parameter parameters[] = {
    [rate_index] = {"rate", 0.5, 0, 0.99, NULL, "share of units dropped"},
};

WEIR__CLONES static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const weir_unit *unit = context;
    const float rate = (float)unit->values[rate_index], factor = 1.0f / (1.0f - rate);
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    weir__span_uniform(h, batch->noise, span);
    for (size_t i = 0; i < span.count; i++) h[i] = h[i] < rate ? a[i] - a[i] : a[i] * factor; // a NaN stays NaN
}

WEIR__BY_SPANS(sample)

WEIR__CLONES static void keep_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    for (size_t i = 0; i < span.count; i++) h[i] = a[i];
}

WEIR__BY_SPANS(keep)

WEIR__CLONES static void opening_piece(const void *context, size_t count, const float *restrict a, float *restrict q,
                                       float *restrict dq) {
    (void)a;
    const float kept = 1.0f - (float)((const weir_unit *)context)->values[rate_index];
    for (size_t i = 0; i < count; i++) q[i] = kept;
    for (size_t i = 0; dq && i < count; i++) dq[i] = 0;
}

WEIR__OPENING_BY_PIECES

WEIR__CLONES static void backward_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const weir_unit *unit = context;
    const float factor = 1.0f / (1.0f - (float)unit->values[rate_index]);
    const float *restrict h = batch->h + span.at, *restrict dh = batch->dh + span.at;
    float *restrict da = batch->da + span.at;
    for (size_t i = 0; i < span.count; i++) da[i] = h[i] == 0 ? 0.0f : dh[i] * factor;
}

WEIR__BY_SPANS(backward)

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    const double kept = 1 - unit->values[rate_index];
    weir__over_coin(kept, a / kept, visit, context);
}

static const weir_draw outputs = {
    .decided = "h = a",
    .expected = "h = a",
    .sample = sample,
    .expect = keep,
    .decide = keep,
    .opening = opening,
    .define = define,
};

const weir_rule weir__rule_dropout = {
    .name = "dropout",
    .summary = "linear unit that is dropped at random in training; the mean is a",
    .forward = "h = a·b/(1 − rate), b ~ Bernoulli(1 − rate)",
    .gradient = "∂L/∂a = b/(1 − rate)·∂L/∂h",
    .source = "Hinton et al. 2012 (arXiv 1207.0580); Srivastava et al. 2014",
    .traits =
        WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_PATHWISE | WEIR_TRAIT_USES_DH | WEIR_TRAIT_PIECEWISE,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &outputs,
    .backward = backward,
};
