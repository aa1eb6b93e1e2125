// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// BitFlip-1: a draw h, and the draw with one unit flipped, j uniform over the D units:
//   g_j = D p_j (1 − p_j)·(1 − 2h_j)·(L(flip_j h) − L(h)), the others 0.
// LEG with one flip for all of them. Its variance vanishes with p (1 − p): good for saturated units. Kunes, Yin,
// Land, Haviv, Pe'er and Tavaré 2022 (arXiv 2208.05992).

#include <string.h>

#include "../core/math.h"
#include "define.h"
#include "rules.h"

static size_t chosen(const weir_unit_batch *batch, size_t row) {
    weir_noise noise = batch->noise;
    noise.sample++;
    return weir_random_below(noise, (uint32_t)row, 0, (uint32_t)batch->units);
}

static void flip_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    (void)context;
    const size_t units = batch->units, count = batch->rows * units;
    memcpy(batch->h + count + rows.first * units, batch->h + rows.first * units,
           (rows.last - rows.first) * units * sizeof *batch->h);
    for (size_t row = rows.first; row < rows.last; row++) {
        float *flipped = batch->h + count + row * units + chosen(batch, row);
        *flipped = 1 - *flipped;
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__sample_bernoulli(unit, batch);
    weir__for_rows(unit, batch, batch->units, flip_rows);
}

static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    (void)context;
    const size_t units = batch->units;
    memset(batch->da + rows.first * units, 0, (rows.last - rows.first) * units * sizeof *batch->da);
    for (size_t row = rows.first; row < rows.last; row++) {
        const size_t at = row * units + chosen(batch, row);
        const float difference = batch->loss[batch->rows + row] - batch->loss[row];
        float p, q;
        weir__sigmoid_pair(batch->a[at], &p, &q);
        batch->da[at] = batch->row_weight * (float)units * (p * q) * (1 - 2 * batch->h[at]) * difference;
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, batch->units, combine);
}

static const weir_form forms[] = {
    {.text = "", .variance = 2.086, .one_bit = weir__no_variance},
};

const weir_rule weir__rule_bitflip = {
    .name = "bitflip",
    .summary = "binary unit, one unit of the layer flipped (BitFlip-1)",
    .forward = "h ~ Bernoulli(σ(a)); beside it h with unit j flipped, j uniform",
    .gradient = "∂L/∂a_j ~ D p_j (1 − p_j)·(1 − 2h_j)·(L(flip_j h) − L(h)), 0 for the others",
    .source = "Kunes et al. 2022 (arXiv 2208.05992), section 3",
    .traits = weir__by_score,
    .evaluations = 2,
    .sample = sample,
    .backward = backward,
    .groups = weir__two_groups,
    .merge = weir__merge_first,
    WEIR__FORMS,
};
