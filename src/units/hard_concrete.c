// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Hard Concrete gates (Louizos, Welling and Kingma 2018): s = σ((a + z)/β) with logistic z, stretched to (γ, ζ) and
// clipped: h = min(1, max(0, s(ζ − γ) + γ)). Exactly 0 and exactly 1 with positive probability,
//   P(h ≠ 0) = σ(a − β·log(−γ/ζ)),
// and ordinary back-propagation: nothing flows where h is clipped, so that training skips what a closed gate gates. The
// L0 penalty of the paper is the sum of P(h ≠ 0), which `opening` gives: sparsity kind "l0".
//
// At test time h = min(1, max(0, σ(a)(ζ − γ) + γ)), the paper's estimate, where a > threshold: closed below its own
// zero, too. That form also stands for the mean, which has no closed form.

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { temperature_index, low_index, high_index };

static const weir_parameter parameters[] = {
    [temperature_index] = {"temperature", 2.0 / 3, 0.01, 100, NULL, "β, of the relaxation"},
    [low_index] = {"low", -0.1, -10, -1e-3, NULL, "γ, where the stretched s begins"},
    [high_index] = {"high", 1.1, 1.001, 11, NULL, "ζ, where the stretched s ends"},
};

WEIR__INLINE float clip(float x) {
    const float below = x > 1.0f ? 1.0f : x; // a NaN stays NaN
    return below < 0.0f ? 0.0f : below;
}

WEIR__CLONES static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const double *values = ((const weir_unit *)context)->values;
    const float inverse = (float)(1 / values[temperature_index]);
    const float low = (float)values[low_index], width = (float)(values[high_index] - values[low_index]);
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    weir__span_logistic(h, batch->noise, span);
    for (size_t i = 0; i < span.count; i++) h[i] = clip(weir__sigmoid((a[i] + h[i]) * inverse) * width + low);
}

WEIR__BY_SPANS(sample)

WEIR__CLONES static void expect_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const double *values = ((const weir_unit *)context)->values;
    const float low = (float)values[low_index], width = (float)(values[high_index] - values[low_index]);
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    for (size_t i = 0; i < span.count; i++) h[i] = clip(weir__sigmoid(a[i]) * width + low);
}

WEIR__BY_SPANS(expect)

WEIR__CLONES static void decide_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const double *values = ((const weir_unit *)context)->values;
    const float low = (float)values[low_index], width = (float)(values[high_index] - values[low_index]);
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    const float threshold = batch->threshold;
    for (size_t i = 0; i < span.count; i++) {
        const float value = clip(weir__sigmoid(a[i]) * width + low);
        h[i] = a[i] > threshold ? value : 0.0f;
    }
}

WEIR__BY_SPANS(decide)

static void opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    const double *values = unit->values;
    const double shift = -values[temperature_index] * log(-values[low_index] / values[high_index]);
    weir__opening_moved(count, a, q, dq, 1, (float)shift);
}

WEIR__CLONES static void backward_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const double *values = ((const weir_unit *)context)->values;
    const float inverse = (float)(1 / values[temperature_index]);
    const float low = (float)values[low_index], high = (float)values[high_index], width = high - low;
    const float *restrict h = batch->h + span.at, *restrict dh = batch->dh + span.at;
    float *restrict da = batch->da + span.at;
    for (size_t i = 0; i < span.count; i++) {
        const float slope = (h[i] - low) * (high - h[i]) / width * inverse; // width·s(1 − s)/β
        da[i] = h[i] == 0 || h[i] == 1.0f ? 0.0f : dh[i] * slope;           // ∂L/∂h of a closed gate need not exist
    }
}

WEIR__BY_SPANS(backward)

static void point(const weir_unit *unit, double a, double z, double *h, double *weight) {
    const double beta = unit->values[temperature_index], low = unit->values[low_index];
    const double width = unit->values[high_index] - low, s = weir__logistic((a + z) / beta) * width + low;
    *h = fmin(1, fmax(0, s));
    *weight = s > 0 && s < 1 ? width * weir__logistic_slope(a + z, beta) : 0;
}

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    weir__over_logistic(unit, a, -a, point, visit, context);
}

/// Where σ(a)(ζ − γ) + γ is 0.
static double floor_of(const weir_unit *unit) { return log(-unit->values[low_index] / unit->values[high_index]); }

static const weir_form forms[] = {
    {.text = ""},
    {.text = "temperature=1,low=-0.5,high=1.2"},
};

static const weir_draw outputs = {
    .decided = "h = min(1, max(0, σ(a)(ζ − γ) + γ))",
    .expected = "h = min(1, max(0, σ(a)(ζ − γ) + γ))",
    .sample = sample,
    .expect = expect,
    .decide = decide,
    .opening = opening,
    .define = define,
    .floor = floor_of,
};

const weir_rule weir__rule_hard_concrete = {
    .name = "hard-concrete",
    .summary = "Concrete gate stretched and clipped, exactly 0 or 1 at times; its noise-free form is its mean, too",
    .forward = "h = min(1, max(0, s(ζ − γ) + γ)), s = σ((a + z)/β), z logistic",
    .gradient = "∂L/∂a = 1[0 < h < 1]·(ζ − γ)·s(1 − s)/β·∂L/∂h",
    .source = "Louizos, Welling and Kingma 2018 (arXiv 1712.01312), eq. 10 to 13",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_SPARSE | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_PATHWISE |
              WEIR_TRAIT_USES_DH | WEIR_TRAIT_SKIPS,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &outputs,
    .backward = backward,
    WEIR__FORMS,
};
