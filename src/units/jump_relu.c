// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// JumpReLU (Rajamanoharan et al. 2024): h = a·1[a > θ], without noise. The paper learns θ by a pseudo-derivative of the
// jump, −(θ/ε)·K((a − θ)/ε) with the rectangle K(x) = 1[|x| < ½] (eq. 11). A unit has no parameter of its own that
// learns; the bias before it moves all of a, so that the jump's term goes to a with the opposite sign. kernel=0 leaves
// it away, which is the derivative of the output.

#include "define.h"
#include "rules.h"

enum { threshold_index, kernel_index };

static const weir_parameter parameters[] = {
    [threshold_index] =
        {.name = "jump", .initial = 0.5, .least = 0, .greatest = 1e6, .about = "θ, above which a passes"},
    [kernel_index] = {.name = "kernel",
                      .initial = 0.1,
                      .least = 0,
                      .greatest = 1e6,
                      .about = "ε, width around the jump in which it has a pseudo-derivative; 0: it has none"},
};

WEIR__CLONES static void jump_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const float jump = (float)((const weir_unit *)context)->values[threshold_index];
    for (size_t i = span.at; i < span.at + span.count; i++)
        batch->h[i] = batch->a[i] <= jump ? 0.0f : batch->a[i]; // a NaN stays NaN
}

WEIR__BY_SPANS(jump)

WEIR__CLONES static void decide_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const float jump = (float)((const weir_unit *)context)->values[threshold_index];
    const float threshold = batch->threshold < jump ? jump : batch->threshold;
    for (size_t i = span.at; i < span.at + span.count; i++) batch->h[i] = batch->a[i] > threshold ? batch->a[i] : 0.0f;
}

WEIR__BY_SPANS(decide)

WEIR__CLONES static void opening_piece(const void *context, size_t count, const float *restrict a, float *restrict q,
                                       float *restrict dq) {
    const float jump = (float)((const weir_unit *)context)->values[threshold_index];
    for (size_t i = 0; i < count; i++) q[i] = a[i] > jump ? 1.0f : 0.0f;
    for (size_t i = 0; dq && i < count; i++) dq[i] = 0;
}

WEIR__OPENING_BY_PIECES

WEIR__CLONES static void backward_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const double *values = ((const weir_unit *)context)->values;
    const float jump = (float)values[threshold_index], half = (float)(values[kernel_index] / 2);
    const float height = half > 0 ? jump / (2 * half) : 0;
    for (size_t i = span.at; i < span.at + span.count; i++) {
        const float off = batch->a[i] - jump, near = off < half && off > -half ? height : 0.0f;
        batch->da[i] = batch->dh[i] * ((batch->h[i] == 0 ? 0.0f : 1.0f) + near);
    }
}

WEIR__BY_SPANS(backward)

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    const double jump = unit->values[threshold_index], width = unit->values[kernel_index];
    visit(context, 1, a > jump ? a : 0, (a > jump) + (width > 0 && fabs(a - jump) < width / 2 ? jump / width : 0));
}

static double floor_of(const weir_unit *unit) { return unit->values[threshold_index]; }

static const weir_form forms[] = {{.text = ""}, {.text = "jump=0.2,kernel=1"}, {.text = "kernel=0"}};

static const weir_draw outputs = {
    .decided = "h = a, where a > θ, too",
    .expected = "h = a·1[a > θ]",
    .sample = jump,
    .expect = jump,
    .decide = decide,
    .opening = opening,
    .define = define,
    .floor = floor_of,
};

const weir_rule weir__rule_jump_relu = {
    .name = "jump-relu",
    .summary = "linear unit that is 0 up to a threshold, with a pseudo-derivative of the jump; no noise",
    .forward = "h = a·1[a > θ]",
    .gradient = "∂L/∂a := (1[a > θ] + (θ/ε)·1[|a − θ| < ε/2])·∂L/∂h",
    .source = "Rajamanoharan et al. 2024 (arXiv 2407.14435), eq. 4 and 11",
    .traits = WEIR_TRAIT_SPARSE | WEIR_TRAIT_USES_DH | WEIR_TRAIT_PIECEWISE,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &outputs,
    .backward = backward,
    .define = define,
    WEIR__FORMS,
};
