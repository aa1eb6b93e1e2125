// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// h = max(0, a): no noise, ordinary back-propagation. The paper's baseline with sparse gates.

#include "define.h"
#include "rules.h"

WEIR__CLONES static void rectify_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    for (size_t i = 0; i < span.count; i++) h[i] = a[i] <= 0 ? 0.0f : a[i]; // a NaN stays NaN
}

WEIR__BY_SPANS(rectify)

WEIR__CLONES static void decide_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    const float threshold = batch->threshold < 0 ? 0.0f : batch->threshold; // below 0 it is closed in training, too
    for (size_t i = 0; i < span.count; i++) h[i] = a[i] > threshold ? a[i] : 0.0f;
}

WEIR__BY_SPANS(decide)

WEIR__CLONES static void opening_piece(const void *context, size_t count, const float *restrict a, float *restrict q,
                                       float *restrict dq) {
    (void)context;
    for (size_t i = 0; i < count; i++) q[i] = a[i] > 0 ? 1.0f : 0.0f;
    for (size_t i = 0; dq && i < count; i++) dq[i] = 0;
}

WEIR__OPENING_BY_PIECES

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    (void)unit;
    visit(context, 1, fmax(0, a), a > 0);
}

static double floor_of(const weir_unit *unit) {
    (void)unit;
    return 0;
}

static const weir_draw outputs = {
    .decided = "h = max(0, a)",
    .expected = "h = max(0, a)",
    .sample = rectify,
    .expect = rectify,
    .decide = decide,
    .opening = opening,
    .define = define,
    .floor = floor_of,
};

const weir_rule weir__rule_rectifier = {
    .name = "rectifier",
    .summary = "rectified linear unit without noise",
    .forward = "h = max(0, a)",
    .gradient = "∂L/∂a = 1[h > 0]·∂L/∂h",
    .source = "Bengio, Léonard and Courville 2013 (arXiv 1308.3432), section 5 (baseline)",
    .traits = WEIR_TRAIT_SPARSE | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_PATHWISE | WEIR_TRAIT_USES_DH | WEIR_TRAIT_SKIPS |
              WEIR_TRAIT_PIECEWISE,
    .evaluations = 1,
    .gradients = 1,
    .draw = &outputs,
    .backward = weir__backward_open,
};
