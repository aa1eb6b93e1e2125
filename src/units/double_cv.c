// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Double control variates: leave-one-out with a second control variate from the gradients at the samples themselves,
// for which no further evaluation is needed. Titsias and Shi 2022, eq. 9 to 11:
//   c_k = mean_{j ≠ k} ∇L(h_j)·(h_k − p),
//   g_i = 1/(K − 1) Σ_k (L_k + αc_k − mean)(h_ki − p_i) − α p_i (1 − p_i)·mean_k ∂_i L(h_k).
// That is A + αB, A of rloo and B the same with c in place of L, less its mean. α starts at 0 and becomes the one of
// least variance (coefficient.h).

#include "../core/math.h"
#include "coefficient.h"

enum { samples_index, decay_index };

static const weir_parameter parameters[] = {
    [samples_index] = {"samples", 2, 2, 64, NULL, "K: evaluations per example"},
    [decay_index] = {"decay", 0.99, 0, 0.999999, NULL, "weight of the past in the averages that give α"},
};

enum { most_samples = 64 };

static size_t state_count(const weir_unit *unit, size_t units) {
    (void)unit;
    (void)units;
    return weir__coefficient_floats;
}

typedef struct shared {
    float alpha;
    weir__products products;
} shared;

/// values[k] − mean, over K − 1.
static void centre(float *values, size_t samples) {
    double sum = 0;
    for (size_t k = 0; k < samples; k++) sum += (double)values[k];
    for (size_t k = 0; k < samples; k++) {
        values[k] = (float)(((double)values[k] - sum / (double)samples) / (double)(samples - 1));
    }
}

WEIR__CLONES static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    shared *s = (shared *)(uintptr_t)context;
    const size_t units = batch->units, samples = batch->groups, count = batch->rows * units;
    double ab = 0, bb = 0;
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *restrict a = batch->a + row * units;
        float *restrict da = batch->da + row * units, *restrict b = batch->saved + row * units;
        float loss[most_samples], linear[most_samples];
        for (size_t i = 0; i < units; i++) da[i] = 0; // for now the sum of the gradients
        for (size_t k = 0; k < samples; k++) {
            const float *restrict dh = batch->dh + k * count + row * units;
            for (size_t i = 0; i < units; i++) da[i] += dh[i];
        }
        for (size_t i = 0; i < units; i++) b[i] = weir__sigmoid(a[i]);
        for (size_t k = 0; k < samples; k++) {
            const float *restrict dh = batch->dh + k * count + row * units;
            const float *restrict h = batch->h + k * count + row * units;
            float dot = 0;
#pragma omp simd reduction(+ : dot)
            for (size_t i = 0; i < units; i++) dot += (da[i] - dh[i]) * (h[i] - b[i]);
            loss[k] = batch->row_weight * batch->loss[k * batch->rows + row];
            linear[k] = dot / (float)(samples - 1);
        }
        centre(loss, samples);
        centre(linear, samples);
        for (size_t i = 0; i < units; i++) {
            float p, q;
            weir__sigmoid_pair(a[i], &p, &q);
            b[i] = -(p * q) * da[i] / (float)samples;
            da[i] = 0;
        }
        for (size_t k = 0; k < samples; k++) {
            const float *restrict h = batch->h + k * count + row * units;
            for (size_t i = 0; i < units; i++) {
                da[i] += loss[k] * h[i];
                b[i] += linear[k] * h[i];
            }
        }
        float row_ab = 0, row_bb = 0;
#pragma omp simd reduction(+ : row_ab, row_bb)
        for (size_t i = 0; i < units; i++) {
            row_ab += da[i] * b[i];
            row_bb += b[i] * b[i];
            da[i] += s->alpha * b[i];
        }
        ab += (double)row_ab;
        bb += (double)row_bb;
    }
    s->products.ab[rows.piece] = ab;
    s->products.bb[rows.piece] = bb;
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    if (!batch->rows) return;
    shared s = {.alpha = -weir__coefficient(batch->state, 0)};
    weir__for_rows(&s, batch, 4 * batch->groups * batch->units, combine);
    const double weight = (double)batch->row_weight;
    weir__coefficient_move(batch->state, &s.products, unit->values[decay_index],
                           1 / (weight * weight * (double)batch->rows));
}

static const weir_form forms[] = {
    {.text = "", .variance = 0.3699},
    {.text = "samples=3", .variance = 0.2261},
    {.text = "decay=0.9", .uphill = 0.25100},
};

const weir_rule weir__rule_double_cv = {
    .name = "double-cv",
    .summary = "binary unit, K samples, each a baseline and a linear control variate for the others",
    .forward = "h_k ~ Bernoulli(σ(a)), k = 1 … K",
    .gradient = "∂L/∂a ~ 1/(K − 1) Σ_k (L_k + αc_k − mean)(h_k − σ(a)) − α σ'(a) mean_k ∂L/∂h_k",
    .source = "Titsias and Shi 2022 (arXiv 2111.05300), eq. 9 to 11",
    .traits = weir__binary | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_USES_DH | WEIR_TRAIT_USES_LOSS,
    .evaluations = 2,
    .gradients = 2,
    .cost = "K",
    WEIR__PARAMETERS,
    .saved = 1,
    .start = weir__start_from_zero,
    .sample = weir__sample_bernoulli_groups,
    .backward = backward,
    .groups = weir__sample_groups,
    .state_count = state_count,
    WEIR__FORMS,
};
