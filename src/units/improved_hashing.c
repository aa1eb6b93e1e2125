// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Improved semantic hashing (Kaiser and Bengio 2018): y = max(0, min(1, 1.2·σ(a + sd·z) − 0.1)) with normal z, the
// saturating sigmoid, and d = 1[y > ½]. A share `mix` of the rows gives d, the others y; both with the gradient of y,
// so that a network learns to use bits and still gets a gradient. Rounded at test time. Biased where d is given.

#include "../core/math.h"
#include "../core/noise.h"
#include "define.h"
#include "rules.h"

enum { sd_index, mix_index };

static const weir_parameter parameters[] = {
    [sd_index] = {"sd", 1, 1e-3, 1e3, NULL, "standard deviation of the noise"},
    [mix_index] = {"mix", 0.5, 0, 1, NULL, "share of rows that give bits"},
};

static const float stretch = 1.2f, shift = 0.1f;
static const float zero_at = 2.39789527f; // 1.2·σ(−log 11) = 0.1

WEIR__INLINE float saturate(float p) {
    const float stretched = stretch * p - shift, below = stretched > 1.0f ? 1.0f : stretched;
    return below < 0.0f ? 0.0f : below;
}

/// h holds normal numbers before and outputs after.
WEIR__CLONES static void outputs_of(float *restrict h, float *restrict slope, const float *restrict a, float sd,
                                    bool bits, size_t count) {
    for (size_t i = 0; i < count; i++) {
        float p, rest;
        weir__sigmoid_pair(a[i] + sd * h[i], &p, &rest);
        const float y = saturate(p);
        slope[i] = y > 0 && y < 1 ? stretch * (p * rest) : 0.0f;
        h[i] = bits ? (y > 0.5f ? 1.0f : 0.0f) + (p - p) : y; // p − p is 0, or NaN
    }
}

static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const weir_unit *unit = context;
    weir_noise second = batch->noise;
    second.sample++;
    weir__span_normal(batch->h + span.at, batch->noise, span);
    const size_t count = span.count / span.rows;
    for (size_t r = 0; r < span.rows; r++) {
        const size_t at = span.at + r * count;
        float coin; // one for the whole row
        weir__random_uniform_at(&coin, second, span.row + (uint32_t)r, 0, 1);
        outputs_of(batch->h + at, batch->saved + at, batch->a + at, (float)unit->values[sd_index],
                   coin < (float)unit->values[mix_index], count);
    }
}

WEIR__BY_SPANS(sample)

WEIR__CLONES static void expect_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    for (size_t i = 0; i < span.count; i++) h[i] = saturate(weir__sigmoid(a[i]));
}

WEIR__BY_SPANS(expect)

WEIR__CLONES static void opening_piece(const void *context, size_t count, const float *restrict a, float *restrict q,
                                       float *restrict dq) {
    const weir_unit *unit = context;
    const float mix = (float)unit->values[mix_index], rest = 1.0f - mix, inverse = 1.0f / (float)unit->values[sd_index];
    for (size_t i = 0; i < count; i++) {
        float bit_density, bit, real_density, real;
        weir__normal_pair(a[i] * inverse, &bit_density, &bit);
        weir__normal_pair((a[i] + zero_at) * inverse, &real_density, &real);
        q[i] = mix * bit + rest * real;
        if (dq) dq[i] = (mix * bit_density + rest * real_density) * inverse;
    }
}

WEIR__OPENING_BY_PIECES

static void point(const weir_unit *unit, double a, double z, double *h, double *weight) {
    const double p = weir__logistic(a + unit->values[sd_index] * z), y = fmin(1, fmax(0, 1.2 * p - 0.1));
    *h = unit->values[mix_index] == 1 ? y > 0.5 : y;
    *weight = y > 0 && y < 1 ? 1.2 * p * (1 - p) : 0;
}

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    weir__over_normal(unit, a, -a / unit->values[sd_index], point, visit, context);
}

/// One coin for a row: bits, or values.
static double mixture(const weir_unit *unit, size_t index, weir_unit *part) {
    const double mix = unit->values[mix_index];
    *part = *unit;
    part->values[mix_index] = index == 0;
    return index == 0 ? mix : index == 1 ? 1 - mix : -1;
}

static const weir_form forms[] = {
    {.text = ""},
    {.text = "mix=0"},
    {.text = "mix=1"},
};

static const weir_draw outputs = {
    .decided = "h = 1",
    .expected = "h = max(0, min(1, 1.2·σ(a) − 0.1))",
    .sample = sample,
    .expect = expect,
    .decide = weir__decide_binary,
    .opening = opening,
    .define = define,
};

const weir_rule weir__rule_improved_hashing = {
    .name = "improved-semantic-hashing",
    .summary = "saturating sigmoid of a with noise, or its bit, row by row; the noise-free y stands for the mean",
    .forward = "y = max(0, min(1, 1.2·σ(a + sd·z) − 0.1)), z normal; h = 1[y > ½] for a share of the rows, else y",
    .gradient = "∂L/∂a := ∂y/∂a·∂L/∂h",
    .source = "Kaiser and Bengio 2018 (arXiv 1801.09797), section 2.1",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_SPARSE | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .saved = 1,
    .draw = &outputs,
    .backward = weir__backward_saved,
    .define = define,
    .mixture = mixture,
    WEIR__FORMS,
};
