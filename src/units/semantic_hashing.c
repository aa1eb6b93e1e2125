// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// h = σ(a + sd·z) with normal z, rounded at test time: Salakhutdinov and Hinton 2009. The noise drives a away from 0,
// so that little is lost by rounding. In training no output is 0, so nothing is skipped; at test time gates close.

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { sd_index };

static const weir_parameter parameters[] = {
    [sd_index] = {"sd", 1, 0, 1e3, NULL, "standard deviation of the noise, usually 1 to 4"},
};

WEIR__CLONES static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const weir_unit *unit = context;
    const float sd = (float)unit->values[sd_index], *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    weir__span_normal(h, batch->noise, span);
    for (size_t i = 0; i < span.count; i++) h[i] = weir__sigmoid(a[i] + sd * h[i]);
}

WEIR__BY_SPANS(sample)

static void point(const weir_unit *unit, double a, double z, double *h, double *weight) {
    *h = weir__logistic(a + unit->values[sd_index] * z);
    *weight = *h * (1 - *h);
}

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    weir__over_normal(unit, a, 0, point, visit, context);
}

static const weir_draw outputs = {
    .decided = "h = 1",
    .expected = "h = σ(a)",
    .sample = sample,
    .expect = weir__expect_sigmoid,
    .decide = weir__decide_binary,
    .opening = weir__opening_sigmoid,
    .define = define,
};

const weir_rule weir__rule_semantic_hashing = {
    .name = "semantic-hashing",
    .summary = "sigmoid of a with Gaussian noise, rounded at test time; the mean is replaced by σ(a)",
    .forward = "h = σ(a + sd·z), z normal",
    .gradient = "∂L/∂a = h(1 − h)·∂L/∂h",
    .source = "Salakhutdinov and Hinton 2009, \"Semantic hashing\"",
    .traits =
        WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_SPARSE | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_PATHWISE | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &outputs,
    .backward = weir__backward_sigmoid,
};
