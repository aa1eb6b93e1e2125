// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Node perturbation: the loss with Gaussian noise on all pre-activations of a row, beside the loss without,
//   g_i = [L(a + sξ) − L(a)]·ξ_i / s.
// Fiete and Seung 2006 (Physical Review Letters 97), eq. 3. The mean is the gradient of the loss smoothed over s:
// unbiased only as s goes to 0. Both outcomes come from the same uniform numbers. Group 0 is the unperturbed one.

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { sd_index };

static const weir_parameter parameters[] = {
    [sd_index] = {"sd", 0.5, 1e-3, 10, NULL, "s: standard deviation of the noise; bias grows as s², variance as 1/s"},
};

/// u in h and ξ in saved: both outcomes.
WEIR__CLONES static void draw_row(float *restrict h, float *restrict other, const float *restrict noise,
                                  const float *restrict a, float sd, size_t units) {
    for (size_t i = 0; i < units; i++) {
        const float u = h[i], p = weir__sigmoid(a[i]), moved = weir__sigmoid(a[i] + sd * noise[i]);
        h[i] = weir__bernoulli(u, p);
        other[i] = weir__bernoulli(u, moved);
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
        weir_random_normal(batch->saved + at, second, (uint32_t)row, units);
        draw_row(batch->h + at, batch->h + count + at, batch->saved + at, batch->a + at, (float)unit->values[sd_index],
                 units);
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, 4 * batch->units, sample_rows);
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__backward_difference(batch, batch->row_weight / (float)unit->values[sd_index], 1, 0);
}

/// E[L(a + sξ)·ξ_i] / s by the trapezoid rule on a grid of side^units points.
static void expectation(const weir_unit *unit, size_t units, const double *a, weir_mean_loss mean_loss,
                        const void *context, double *mean) {
    enum { side = 21 };
    const double sd = unit->values[sd_index], width = 0.6;
    double moved[weir__most_expected] = {0}, noise[weir__most_expected];
    size_t points = 1;
    for (size_t i = 0; i < units; i++, points *= side) mean[i] = 0;
    for (size_t point = 0; point < points; point++) {
        double density = 1;
        for (size_t i = 0, rest = point; i < units; i++, rest /= side) {
            noise[i] = width * ((double)(rest % side) - side / 2);
            moved[i] = a[i] + sd * noise[i];
            density *= width * exp(-noise[i] * noise[i] / 2) * 0.3989422804014327;
        }
        const double loss = density * mean_loss(context, moved) / sd;
        for (size_t i = 0; i < units; i++) mean[i] += loss * noise[i];
    }
}

const weir_rule weir__rule_node_perturbation = {
    .name = "node-perturbation",
    .summary = "binary unit, the change of the loss under noise on the pre-activations: no back-propagation",
    .forward = "h ~ Bernoulli(σ(a)); beside it Bernoulli(σ(a + sξ)), ξ ~ N(0, 1)",
    .gradient = "∂L/∂a_i ~ [L(a + sξ) − L(a)]·ξ_i / s",
    .source = "Fiete and Seung 2006 (Physical Review Letters 97, 048104), eq. 3",
    .traits = weir__binary | WEIR_TRAIT_USES_LOSS | WEIR_TRAIT_SKIPS,
    .evaluations = 2,
    WEIR__PARAMETERS,
    .saved = 1,
    .sample = sample,
    .backward = backward,
    .groups = weir__two_groups,
    .merge = weir__merge_first,
    .expectation = expectation,
};
