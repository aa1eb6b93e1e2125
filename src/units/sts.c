// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Stochastic times smooth: b ~ Bernoulli(√p), h = b·√p with p = σ(a): Bengio, Léonard and Courville 2013, eq. 2. E[h] =
// p and P(h > 0) = √p (proposition 2; the paper prints σ(a) for the latter). The gradient takes b for a constant:
// biased, and 0 where the gate is closed. With Beta noise (appendix A.2), p = σ(a + z).
//
// Backward reads h alone: where it is not 0, p = h² and ∂h/∂a = h(1 − h²)/2.

#include "../core/math.h"
#include "beta.h"
#include "define.h"
#include "rules.h"

enum { noise_index, target_index, beta_index };
enum { no_noise, beta_noise };

static const weir_parameter parameters[] = {
    [noise_index] = {"noise", 0, 0, beta_noise, "none|beta", "distribution of noise added to a"},
    [target_index] = {"target", 0.1, 0.01, 0.99, NULL,
                      "beta noise: mode of the distribution, the share of gates to be open"},
    [beta_index] = {"beta", 40.1, 1, 1000, NULL, "beta noise: second shape parameter"},
};

static double ratio_of(const weir_unit *unit) { return unit->values[target_index] * unit->values[target_index]; }

/// What stands for the noise where nothing is drawn.
static float mean_noise(const weir_unit *unit) {
    if (unit->values[noise_index] != beta_noise) return 0;
    return weir__beta_mean(unit->values[target_index], unit->values[beta_index], ratio_of(unit));
}

/// h holds uniform numbers before and outputs after.
WEIR__CLONES static void open_by_chance(float *restrict h, const float *restrict a, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float root = sqrtf(weir__sigmoid(a[i]));
        h[i] = h[i] >= root ? 0.0f : root; // a NaN stays NaN
    }
}

static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    float *h = batch->h + span.at;
    weir__span_uniform(h, batch->noise, span);
    open_by_chance(h, batch->a + span.at, span.count);
}

WEIR__CLONES static void add(float *restrict sum, const float *restrict a, size_t count) {
    for (size_t i = 0; i < count; i++) sum[i] += a[i];
}

static void sample_noisy_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    float noisy[weir__span_units], *h = batch->h + span.at;
    weir_noise second = batch->noise;
    second.sample++;
    weir__beta_noise_at(context, noisy, second, span);
    add(noisy, batch->a + span.at, span.count);
    weir__span_uniform(h, batch->noise, span);
    open_by_chance(h, noisy, span.count);
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    if (unit->values[noise_index] != beta_noise) {
        weir__for_spans(unit, batch, sample_span);
        return;
    }
    weir__beta_noise noise;
    weir__beta_prepare(&noise, unit->values[target_index], unit->values[beta_index], ratio_of(unit));
    weir__for_spans(&noise, batch, sample_noisy_span);
}

static void expect(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__expect_moved(batch, 1, mean_noise(unit));
}

WEIR__CLONES static void decide_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const float shift = mean_noise(context), threshold = batch->threshold;
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    for (size_t i = 0; i < span.count; i++) {
        const float root = sqrtf(weir__sigmoid(a[i] + shift));
        h[i] = a[i] > threshold ? root : 0.0f;
    }
}

WEIR__BY_SPANS(decide)

WEIR__CLONES static void opening_piece(const void *context, size_t count, const float *restrict a, float *restrict q,
                                       float *restrict dq) {
    const float shift = mean_noise(context);
    for (size_t i = 0; i < count; i++) {
        float p, rest;
        weir__sigmoid_pair(a[i] + shift, &p, &rest);
        const float root = sqrtf(p);
        q[i] = root;
        if (dq) dq[i] = 0.5f * root * rest;
    }
}

WEIR__OPENING_BY_PIECES

WEIR__CLONES static void backward_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict h = batch->h + span.at, *restrict dh = batch->dh + span.at;
    float *restrict da = batch->da + span.at;
    for (size_t i = 0; i < span.count; i++) {
        const float slope = 0.5f * h[i] * ((1.0f - h[i]) * (1.0f + h[i]));
        da[i] = h[i] == 0 ? 0.0f : dh[i] * slope; // ∂L/∂h of a closed gate need not exist
    }
}

WEIR__BY_SPANS(backward)

static void define_coin(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    const double root = sqrt(weir__logistic(a));
    (void)unit;
    weir__over_coin(root, root, visit, context);
}

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    if (unit->values[noise_index] != beta_noise)
        define_coin(unit, a, visit, context);
    else
        weir__over_beta(unit, a, unit->values[target_index], unit->values[beta_index], ratio_of(unit), define_coin,
                        visit, context);
}

static double weight(const weir_unit *unit, double a, double h) {
    (void)unit, (void)a;
    return h * (1 - h * h) / 2;
}

static const weir_form forms[] = {
    {.text = ""},
    {.text = "noise=beta"},
};

static const weir_draw outputs = {
    .decided = "h = √σ(a) or, with Beta noise, √σ(a + E z), E z = |log(1/target² − 1)|·(α/(α + β) − ½), "
               "α = (target·(β − 2) + 1)/(1 − target),",
    .expected = "h = σ(a) or, with Beta noise, σ(a + E z)",
    .sample = sample,
    .expect = expect,
    .decide = decide,
    .opening = opening,
    .define = define,
};

const weir_rule weir__rule_sts = {
    .name = "sts",
    .summary = "stochastic times smooth: a coin times its own probability",
    .forward = "h = b·√p, b ~ Bernoulli(√p), p = σ(a), or σ(a + z) with Beta noise z",
    .gradient = "∂L/∂a = b·½√p(1 − p)·∂L/∂h",
    .source = "Bengio, Léonard and Courville 2013 (arXiv 1308.3432), section 2.2, eq. 2; noise: appendix A.2",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_SPARSE | WEIR_TRAIT_PATHWISE | WEIR_TRAIT_USES_DH | WEIR_TRAIT_SKIPS,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &outputs,
    .backward = backward,
    .weight = weight,
    WEIR__FORMS,
};
