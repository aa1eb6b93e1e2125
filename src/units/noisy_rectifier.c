// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// h = max(0, a + sd·z): Bengio, Léonard and Courville 2013, section 2.1. With logistic z and sd = 1, P(h > 0) = σ(a)
// and E[h] = log(1 + eᵃ) (proposition 1); with Gaussian z, P(h > 0) = Φ(a/sd) and E[h] = a·Φ(a/sd) + sd·φ(a/sd). The
// gradient is that of the drawn output, which is continuous in a: the estimate is unbiased.
//
// Test time. An open gate gives E[h | a, h > 0] = E[h | a] / P(h > 0 | a), the value it had on average in training when
// it was open. When as many gates are open as in training, what the layer passes on has then the same size as in
// training; E[h | a] would count the chance to be closed a second time, and max(0, a) would be 0 for gates under a
// negative threshold. It is positive for every a, grows with a, and tends to a for a ≫ sd.

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { noise_index, sd_index };
enum { gaussian, logistic };

static const weir_parameter parameters[] = {
    [noise_index] = {"noise", 0, 0, logistic, "gaussian|logistic", "distribution of the noise z"},
    [sd_index] = {"sd", 1, 1e-3, 1e3, NULL, "factor of the noise: standard deviation (gaussian) or scale (logistic)"},
};

static int is_gaussian(const weir_unit *unit) { return unit->values[noise_index] == gaussian; }

WEIR__CLONES static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const weir_unit *unit = context;
    const float sd = (float)unit->values[sd_index], *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    if (is_gaussian(unit))
        weir__span_normal(h, batch->noise, span);
    else
        weir__span_logistic(h, batch->noise, span);
    for (size_t i = 0; i < span.count; i++) {
        const float drawn = a[i] + sd * h[i];
        h[i] = drawn <= 0 ? 0.0f : drawn; // a NaN stays NaN
    }
}

WEIR__BY_SPANS(sample)

/// Sets *open to P(h > 0) and *value to E[h | h > 0] for sd = 1.
WEIR__INLINE void gaussian_open(float x, float *open, float *value) {
    float density, below;
    weir__normal_pair(x, &density, &below);
    // for x < 0 the value is φ(x)/Φ(x) − |x|, a difference that only its own approximation keeps accurate
    *open = below;
    *value = x < 0 ? weir__mills_excess(-x) : x + density / below;
}

WEIR__INLINE void logistic_open(float x, float *open, float *value) {
    *open = weir__sigmoid(x);
    *value = weir__softplus(x) / *open;
}

WEIR__CLONES static void expect_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const weir_unit *unit = context;
    const float sd = (float)unit->values[sd_index], inverse = 1.0f / sd;
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    if (!is_gaussian(unit)) {
        for (size_t i = 0; i < span.count; i++) h[i] = sd * weir__softplus(a[i] * inverse);
        return;
    }
    for (size_t i = 0; i < span.count; i++) {
        float open, value;
        gaussian_open(a[i] * inverse, &open, &value);
        h[i] = sd * (open * value);
    }
}

WEIR__BY_SPANS(expect)

/// Most gates are closed: the others are listed, and only they get a value.
WEIR__CLONES static void decide_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    enum { AT_ONCE = 256 };
    const weir_unit *unit = context;
    const float sd = (float)unit->values[sd_index], inverse = 1.0f / sd, threshold = batch->threshold;
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    for (size_t first = 0; first < span.count; first += AT_ONCE) {
        const size_t count = span.count - first < AT_ONCE ? span.count - first : AT_ONCE;
        uint16_t at[AT_ONCE];
        float x[AT_ONCE];
        size_t open = 0;
        for (size_t i = 0; i < count; i++) {
            h[first + i] = 0;
            at[open] = (uint16_t)i;
            open += a[first + i] > threshold;
        }
        for (size_t k = 0; k < open; k++) x[k] = a[first + at[k]] * inverse;
        for (size_t k = 0; is_gaussian(unit) && k < open; k++) {
            float chance, value;
            gaussian_open(x[k], &chance, &value);
            x[k] = sd * value;
        }
        for (size_t k = 0; !is_gaussian(unit) && k < open; k++) {
            float chance, value;
            logistic_open(x[k], &chance, &value);
            x[k] = sd * value;
        }
        for (size_t k = 0; k < open; k++) h[first + at[k]] = x[k];
    }
}

WEIR__BY_SPANS(decide)

WEIR__CLONES static void gaussian_opening_piece(const void *context, size_t count, const float *restrict a,
                                                float *restrict q, float *restrict dq) {
    const weir_unit *unit = context;
    const float inverse = 1.0f / (float)unit->values[sd_index];
    for (size_t i = 0; i < count; i++) {
        float density, below;
        weir__normal_pair(a[i] * inverse, &density, &below);
        q[i] = below;
        if (dq) dq[i] = density * inverse;
    }
}

static void opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    if (is_gaussian(unit))
        weir__for_openings(unit, count, a, q, dq, gaussian_opening_piece);
    else
        weir__opening_moved(count, a, q, dq, 1.0f / (float)unit->values[sd_index], 0);
}

static void point(const weir_unit *unit, double a, double z, double *h, double *weight) {
    *h = fmax(0, a + unit->values[sd_index] * z);
    *weight = *h > 0;
}

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    (is_gaussian(unit) ? weir__over_normal : weir__over_logistic)(unit, a, -a / unit->values[sd_index], point, visit,
                                                                  context);
}

static const weir_form forms[] = {
    {.text = ""},
    {.text = "noise=logistic"},
    {.text = "sd=0.3"},
    {.text = "noise=logistic,sd=0.3"},
    {.text = "noise=logistic,sd=2"},
};

static const weir_draw outputs = {
    .decided = "h = E[h | a, h > 0], which is a + sd·φ(a/sd)/Φ(a/sd) or, with logistic z, "
               "sd·log(1 + e^(a/sd))/σ(a/sd),",
    .expected = "h = a·Φ(a/sd) + sd·φ(a/sd) or, with logistic z, sd·log(1 + e^(a/sd))",
    .sample = sample,
    .expect = expect,
    .decide = decide,
    .opening = opening,
    .define = define,
};

const weir_rule weir__rule_noisy_rectifier = {
    .name = "noisy-rectifier",
    .summary = "rectified linear unit with noise before the rectifier",
    .forward = "h = max(0, a + sd·z), z normal or logistic",
    .gradient = "∂L/∂a = 1[h > 0]·∂L/∂h",
    .source = "Bengio, Léonard and Courville 2013 (arXiv 1308.3432), section 2.1, proposition 1",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_SPARSE | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_PATHWISE |
              WEIR_TRAIT_USES_DH | WEIR_TRAIT_SKIPS,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &outputs,
    .backward = weir__backward_open,
    WEIR__FORMS,
};
