// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Leave-one-out score function: K samples, each with the mean loss of the others as its baseline:
//   g = 1/(K − 1) Σ_k (L_k − L̄)(h_k − p).
// Salimans and Knowles 2014; Kool, van Hoof and Welling 2019; Richter et al. 2020 (VarGrad). Because Σ_k (L_k − L̄) = 0,
// p drops out: g = 1/(K − 1) Σ_k (L_k − L̄) h_k, exact for saturated units, too.

#include "rules.h"

enum { samples_index };

static const weir_parameter parameters[] = {
    [samples_index] =
        {.name = "samples", .initial = 2, .least = 2, .greatest = 1000, .about = "K: evaluations per example"},
};

static size_t groups(const weir_unit *unit, size_t units, size_t layers) {
    (void)units;
    (void)layers;
    return (size_t)unit->values[samples_index];
}

static double mean_of_row(const weir_unit_batch *batch, size_t row) {
    double sum = 0;
    for (size_t k = 0; k < batch->groups; k++) sum += (double)batch->loss[k * batch->rows + row];
    return sum / (double)batch->groups;
}

WEIR__CLONES static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    (void)context;
    const size_t units = batch->units, count = batch->rows * units;
    const double weight = (double)batch->row_weight / (double)(batch->groups - 1);
    for (size_t row = rows.first; row < rows.last; row++) {
        const double mean = mean_of_row(batch, row);
        float *restrict da = batch->da + row * units;
        for (size_t i = 0; i < units; i++) da[i] = 0;
        for (size_t k = 0; k < batch->groups; k++) {
            const float *restrict h = batch->h + k * count + row * units;
            const float factor = (float)(weight * ((double)batch->loss[k * batch->rows + row] - mean));
            for (size_t i = 0; i < units; i++) da[i] += factor * h[i];
        }
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, batch->groups * batch->units, combine);
}

const weir_rule weir__rloo = {
    .name = "rloo",
    .summary = "binary unit, K samples: each one's baseline is the mean loss of the others",
    .forward = "h_k ~ Bernoulli(σ(a)), k = 1 … K",
    .gradient = "∂L/∂a ~ 1/(K − 1) Σ_k (L_k − L̄)(h_k − σ(a))",
    .source = "Salimans and Knowles 2014 (arXiv 1401.1022); Kool, van Hoof and Welling 2019; Richter et al. 2020",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_BINARY | WEIR_TRAIT_SPARSE | WEIR_TRAIT_UNBIASED |
              WEIR_TRAIT_USES_LOSS | WEIR_TRAIT_SKIPS,
    .evaluations = 2,
    .cost = "K",
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .sample = weir__sample_bernoulli_groups,
    .expect = weir__expect_sigmoid,
    .decide = weir__decide_binary,
    .opening = weir__opening_sigmoid,
    .backward = backward,
    .groups = groups,
};
