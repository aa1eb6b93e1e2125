// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Finite differences: one pre-activation at a time moved by ±c, the others as they are and all outcomes from the same
// uniform numbers, g_i = [L(a + c e_i) − L(a − c e_i)] / (2c). The plainest method of all; the bias is that of the
// sigmoid's own difference quotient, O(c²). Groups 2i and 2i + 1 are the two sides of unit i.

#include <string.h>

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { step_index };

static const weir_parameter parameters[] = {
    [step_index] = {"step", 0.5, 1e-3, 10, NULL,
                    "c: how far a pre-activation is moved; bias grows as c², variance as 1/c"},
};

static size_t groups(const weir_unit *unit, size_t units, size_t layers) {
    (void)unit;
    (void)layers;
    return 2 * units;
}

static float outcome(float u, float a) { return weir__bernoulli(u, weir__sigmoid(a)); }

static void sample_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const float step = (float)unit->values[step_index];
    const size_t units = batch->units, count = batch->rows * units;
    for (size_t row = rows.first; row < rows.last; row++) {
        const size_t at = row * units;
        const float *a = batch->a + at;
        float *u = batch->saved + at, *common = batch->h + at;
        weir_random_uniform(u, batch->noise, (uint32_t)row, units);
        for (size_t i = 0; i < units; i++) common[i] = outcome(u[i], a[i]);
        for (size_t g = 1; g < 2 * units; g++) memcpy(common + g * count, common, units * sizeof *common);
        for (size_t i = 0; i < units; i++) {
            common[2 * i * count + i] = outcome(u[i], a[i] + step);
            common[(2 * i + 1) * count + i] = outcome(u[i], a[i] - step);
        }
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, batch->groups * batch->units, sample_rows);
}

static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const float scale = batch->row_weight / (2 * (float)unit->values[step_index]);
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *up = batch->loss + row, *down = up + batch->rows;
        for (size_t i = 0; i < batch->units; i++) {
            batch->da[row * batch->units + i] = scale * (up[2 * i * batch->rows] - down[2 * i * batch->rows]);
        }
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, batch->units, combine);
}

static void expectation(const weir_unit *unit, size_t units, const double *a, weir_mean_loss mean_loss,
                        const void *context, double *mean) {
    const double step = unit->values[step_index];
    double moved[weir__most_expected];
    for (size_t i = 0; i < units; i++) moved[i] = a[i];
    for (size_t i = 0; i < units; i++) {
        moved[i] = a[i] + step;
        const double up = mean_loss(context, moved);
        moved[i] = a[i] - step;
        mean[i] = (up - mean_loss(context, moved)) / (2 * step);
        moved[i] = a[i];
    }
}

const weir_rule weir__rule_finite_differences = {
    .name = "finite-differences",
    .summary = "binary unit, one pre-activation at a time moved by ±c; 2D evaluations of D units",
    .forward = "h ~ Bernoulli(σ(a ± c e_i)), i = 1 … D, with common uniform numbers",
    .gradient = "∂L/∂a_i ~ [L(a + c e_i) − L(a − c e_i)] / (2c)",
    .source = "central differences; named in Bengio, Léonard and Courville 2013 (arXiv 1308.3432), section 1",
    .traits = weir__binary | WEIR_TRAIT_USES_LOSS | WEIR_TRAIT_SKIPS,
    .cost = "2D",
    WEIR__PARAMETERS,
    .saved = 1,
    .sample = sample,
    .backward = backward,
    .groups = groups,
    .expectation = expectation,
};
