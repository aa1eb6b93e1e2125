// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// h ~ Bernoulli(σ(a)); backward as if h were a, or σ(a): Bengio, Léonard and Courville 2013, section 4, eq. 13, after
// Hinton's lectures. Biased; for a single layer the identity form has the right sign. The gradient of a closed gate
// is wanted, too: training cannot skip what it gates.

#include <string.h>

#include "../core/math.h"
#include "rules.h"

enum { derivative_index };
enum { identity, sigmoid };

static const weir_parameter parameters[] = {
    [derivative_index] = {.name = "derivative",
                          .initial = identity,
                          .least = identity,
                          .greatest = sigmoid,
                          .choices = "identity|sigmoid",
                          .about = "what stands for ∂h/∂a: 1, or p(1 − p)"},
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

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_spans(unit, batch, unit->values[derivative_index] == sigmoid ? sigmoid_span : copy_span);
}

const weir_rule weir__straight_through = {
    .name = "straight-through",
    .summary = "binary unit whose gradient ignores the coin",
    .forward = "h ~ Bernoulli(σ(a))",
    .gradient = "∂L/∂a := ∂L/∂h, or σ'(a)·∂L/∂h",
    .source = "Bengio, Léonard and Courville 2013 (arXiv 1308.3432), section 4, eq. 13; Hinton 2012",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_BINARY | WEIR_TRAIT_SPARSE | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .sample = weir__sample_bernoulli,
    .expect = weir__expect_sigmoid,
    .decide = weir__decide_binary,
    .opening = weir__opening_sigmoid,
    .backward = backward,
};
