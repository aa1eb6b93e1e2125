// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Unbiased gradient combination: a unit near the boundary, min(p, 1 − p) < τ, gets its gradient from a flip, the others
// from an antithetic pair (DisARM). Three evaluations: the pair h, h', and h with one unit flipped. Kunes, Yin, Land,
// Haviv, Pe'er and Tavaré 2022 (arXiv 2208.05992), section 4; their default is τ = 1/(2D).
//
// The paper flips one of all D units and lets the flip of a unit beyond τ go unused. Here j is drawn among the n units
// that need it, with factor n in place of D: as unbiased, and of less variance.

#include <string.h>

#include "../core/math.h"
#include "antithetic.h"
#include "define.h"

enum { threshold_index };

static const weir_parameter parameters[] = {
    [threshold_index] = {"threshold", 0, 0, 0.5, NULL, "τ: units with min(p, 1 − p) below it are flipped; 0: 1/(2D)"},
};

/// |a| beyond which a unit is near the boundary: logit(1 − τ).
static float boundary(const weir_unit *unit, size_t units) {
    const double given = unit->values[threshold_index], t = given > 0 ? given : 0.5 / (double)units;
    return (float)log((1 - t) / t);
}

static bool is_near(float a, float boundary) { return (a < 0 ? -a : a) > boundary; }

/// The unit of a row that is flipped, *near how many could have been; `units` when there is none.
static size_t chosen(const weir_unit_batch *batch, float boundary, size_t row, size_t *near) {
    const float *a = batch->a + row * batch->units;
    weir_noise noise = batch->noise;
    noise.sample++;
    *near = 0;
    for (size_t i = 0; i < batch->units; i++) *near += is_near(a[i], boundary);
    if (!*near) return batch->units;
    size_t left = weir_random_below(noise, (uint32_t)row, 0, (uint32_t)*near), i = 0;
    while (!is_near(a[i], boundary) || left--) i++;
    return i;
}

static void sample_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const float beyond = *(const float *)context;
    const size_t units = batch->units, count = batch->rows * units;
    for (size_t row = rows.first; row < rows.last; row++) {
        float *h = batch->h + row * units, *other = h + count, *flipped = other + count;
        size_t near;
        weir_random_uniform(other, batch->noise, (uint32_t)row, units);
        weir__antithetic_pair(h, other, batch->a + row * units, units);
        memcpy(flipped, h, units * sizeof *h);
        const size_t j = chosen(batch, beyond, row, &near);
        if (j < units) flipped[j] = 1 - flipped[j];
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    const float beyond = boundary(unit, batch->units);
    weir__for_rows(&beyond, batch, 3 * batch->units, sample_rows);
}

static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const float beyond = *(const float *)context;
    const size_t units = batch->units, count = batch->rows * units;
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *a = batch->a + row * units, *h = batch->h + row * units;
        const float loss = batch->loss[row], weight = batch->row_weight;
        float *da = batch->da + row * units;
        size_t near;
        const size_t j = chosen(batch, beyond, row, &near);
        weir__disarm(da, 0.5f * weight * (loss - batch->loss[batch->rows + row]), h, h + count, a, units);
        if (j == units) continue;
        for (size_t i = 0; i < units; i++) da[i] = is_near(a[i], beyond) ? 0 : da[i];
        float p, q;
        weir__sigmoid_pair(a[j], &p, &q);
        da[j] = weight * (float)near * (p * q) * (1 - 2 * h[j]) * (batch->loss[2 * batch->rows + row] - loss);
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    const float beyond = boundary(unit, batch->units);
    weir__for_rows(&beyond, batch, 2 * batch->units, combine);
}

/// The pair counts; the flip is no draw.
static void merge(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights) {
    (void)unit;
    for (size_t row = 0; row < batch->rows; row++) {
        loss[row] = 0.5f * (batch->loss[row] + batch->loss[batch->rows + row]);
        weights[row] = weights[batch->rows + row] = 0.5f;
        weights[2 * batch->rows + row] = 0;
    }
}

static const weir_form forms[] = {
    {.text = "", .variance = 1.681, .one_bit = weir__no_variance},
    {.text = "threshold=0.4"},
    {.text = "threshold=0.5"},
};

const weir_rule weir__rule_ugc = {
    .name = "ugc",
    .summary = "binary unit: a flip for units near p = 0 or 1, an antithetic pair for the others",
    .forward = "h, h' as disarm; beside them h with one unit flipped",
    .gradient = "∂L/∂a ~ that of disarm, or that of bitflip where min(p, 1 − p) < τ",
    .source = "Kunes et al. 2022 (arXiv 2208.05992), section 4",
    .traits = weir__by_score,
    .evaluations = 3,
    WEIR__PARAMETERS,
    .sample = sample,
    .backward = backward,
    .groups = weir__three_groups,
    .merge = merge,
    WEIR__FORMS,
};
