// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Local expectation gradient: for every unit the exact mean over its own outcome, the others at one common draw:
//   g_i = p_i (1 − p_i)·[L(h; h_i = 1) − L(h; h_i = 0)].
// Titsias and Lázaro-Gredilla 2015. For Bernoulli units the measure-valued derivative is the same. Group 0 is the draw,
// group i + 1 the draw with unit i flipped.

#include <string.h>

#include "../core/math.h"
#include "define.h"
#include "rules.h"

static size_t groups(const weir_unit *unit, size_t units, size_t layers) {
    (void)unit;
    (void)layers;
    return units + 1;
}

static void flip_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    (void)context;
    const size_t units = batch->units, count = batch->rows * units;
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *h = batch->h + row * units;
        for (size_t i = 0; i < units; i++) {
            float *flipped = batch->h + (i + 1) * count + row * units;
            memcpy(flipped, h, units * sizeof *h);
            flipped[i] = 1 - flipped[i];
        }
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__sample_bernoulli(unit, batch);
    weir__for_rows(unit, batch, batch->groups * batch->units, flip_rows);
}

WEIR__CLONES static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    (void)context;
    const size_t units = batch->units;
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *restrict a = batch->a + row * units, *restrict h = batch->h + row * units;
        const float *restrict flipped = batch->loss + batch->rows + row;
        float *restrict da = batch->da + row * units;
        const float loss = batch->loss[row], weight = batch->row_weight;
        for (size_t i = 0; i < units; i++) {
            float p, q;
            weir__sigmoid_pair(a[i], &p, &q);
            da[i] = weight * (p * q) * (1 - 2 * h[i]) * (flipped[i * batch->rows] - loss);
        }
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, batch->units, combine);
}

static const weir_form forms[] = {
    {.text = "", .variance = 0.0928, .one_bit = weir__no_variance},
};

const weir_rule weir__rule_leg = {
    .name = "leg",
    .summary = "binary unit, local expectation: every unit flipped on its own; D + 1 evaluations of D units",
    .forward = "h ~ Bernoulli(σ(a))",
    .gradient = "∂L/∂a_i ~ p_i (1 − p_i)·[L(h; h_i = 1) − L(h; h_i = 0)]",
    .source = "Titsias and Lázaro-Gredilla 2015 (arXiv 1503.01494), eq. 8",
    .traits = weir__by_score,
    .cost = "D + 1",
    .sample = sample,
    .backward = backward,
    .groups = groups,
    .merge = weir__merge_first,
    WEIR__FORMS,
};
