// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Simultaneous perturbation: every pre-activation of a row moved by ±c at once, Δ_i = ±1 at random,
//   g_i = [L(a + cΔ) − L(a − cΔ)] / (2cΔ_i).
// Spall 1992; Bengio, Léonard and Courville 2013, section 1, name it as the rival. Both points take their outcomes from
// the same uniform numbers. Biased by O(c²), and of variance O(1/c) for binary units.

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { step_index };

static const weir_parameter parameters[] = {
    [step_index] = {"step", 0.5, 1e-3, 10, NULL,
                    "c: how far each pre-activation is moved; bias grows as c², variance as 1/c"},
};

/// u in h and Δ's own uniform number in other become the two outcomes; sign keeps Δ.
WEIR__CLONES static void draw_row(float *restrict h, float *restrict other, float *restrict sign,
                                  const float *restrict a, float step, size_t units) {
    for (size_t i = 0; i < units; i++) {
        const float u = h[i], direction = other[i] < 0.5f ? -1 : 1;
        const float up = weir__sigmoid(a[i] + direction * step), down = weir__sigmoid(a[i] - direction * step);
        sign[i] = direction;
        h[i] = weir__bernoulli(u, up);
        other[i] = weir__bernoulli(u, down);
    }
}

static void sample_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const size_t units = batch->units, count = batch->rows * units;
    weir_noise second = batch->noise;
    second.sample++;
    for (size_t row = rows.first; row < rows.last; row++) {
        const size_t at = row * units;
        weir_random_uniform(batch->h + at, batch->noise, (uint32_t)row, units);
        weir_random_uniform(batch->h + count + at, second, (uint32_t)row, units);
        draw_row(batch->h + at, batch->h + count + at, batch->saved + at, batch->a + at,
                 (float)unit->values[step_index], units);
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, 3 * batch->units, sample_rows);
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__backward_difference(batch, batch->row_weight / (2 * (float)unit->values[step_index]), 0, 1);
}

/// Over all signs Δ: [L(a + cΔ) − L(a − cΔ)] / (2cΔ_i).
static void expectation(const weir_unit *unit, size_t units, const double *a, weir_mean_loss mean_loss,
                        const void *context, double *mean) {
    const double step = unit->values[step_index];
    const size_t signs = (size_t)1 << units;
    double up[weir__most_expected], down[weir__most_expected];
    for (size_t i = 0; i < units; i++) mean[i] = 0;
    for (size_t set = 0; set < signs; set++) {
        for (size_t i = 0; i < units; i++) {
            const double move = set >> i & 1 ? step : -step;
            up[i] = a[i] + move;
            down[i] = a[i] - move;
        }
        const double slope = (mean_loss(context, up) - mean_loss(context, down)) / (2 * step * (double)signs);
        for (size_t i = 0; i < units; i++) mean[i] += set >> i & 1 ? slope : -slope;
    }
}

const weir_rule weir__rule_spsa = {
    .name = "spsa",
    .summary = "binary unit, all pre-activations moved by ±c at once: no back-propagation",
    .forward = "h ~ Bernoulli(σ(a + cΔ)) and Bernoulli(σ(a − cΔ)), Δ = ±1",
    .gradient = "∂L/∂a_i ~ [L(a + cΔ) − L(a − cΔ)] / (2cΔ_i)",
    .source = "Spall 1992 (IEEE Transactions on Automatic Control 37), eq. 2.2",
    .traits = weir__binary | WEIR_TRAIT_USES_LOSS | WEIR_TRAIT_SKIPS,
    .evaluations = 2,
    WEIR__PARAMETERS,
    .saved = 1,
    .sample = sample,
    .backward = backward,
    .groups = weir__two_groups,
    .expectation = expectation,
};
