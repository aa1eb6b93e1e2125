// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// MuProp: the score function with the first-order Taylor expansion of the loss around the mean-field pass as its
// control variate. Gu, Levine, Sutskever and Mnih 2016, eq. 9 to 11. Group 0 is a draw h, group 1 the mean field
// μ = σ(a), with m = ∂L/∂μ:
//   g_i = [L(h) − L(μ) − Σ_j m_j (h_j − μ_j) − c]·(h_i − p_i) + m_i p_i (1 − p_i).
// In several layers μ is the pass in which every layer hands on its mean: from the second layer on its pre-activations
// differ from those of the draw. The expansion does not depend on the layer's own draw, which is all that it needs to
// be unbiased; group 1 passes m on through the slope of the mean field.
//
// c centres the bracket: 0, or its running average (the paper's "-C").

#include "../core/math.h"
#include "rules.h"

enum { baseline_index, decay_index };
enum { no_baseline, average_baseline };

static const weir_parameter parameters[] = {
    [baseline_index] = {"baseline", 0, 0, average_baseline, "none|average",
                        "what is subtracted from the learning signal: nothing, or its running average"},
    [decay_index] = {"decay", 0.9, 0, 0.999999, NULL, "weight of the past in that average"},
};

/// The sum of learning signals, and the sum of its weights.
static size_t state_count(const weir_unit *unit, size_t units) {
    (void)unit;
    (void)units;
    return 2;
}

/// Pre-activations of the mean field.
static const float *field_of(const weir_unit_batch *batch) {
    return batch->a + (batch->layer ? batch->rows * batch->units : 0);
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir_unit_batch field = *batch;
    weir__sample_bernoulli(unit, batch);
    field.a = field_of(batch);
    field.h += batch->rows * batch->units;
    weir__expect_sigmoid(unit, &field);
}

typedef struct signals {
    float baseline;
    double sum[weir__pieces]; ///< of the brackets without c
} signals;

WEIR__CLONES static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    signals *shared = (signals *)(uintptr_t)context;
    const size_t units = batch->units, count = batch->rows * units;
    double sum = 0;
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *restrict a = batch->a + row * units, *restrict h = batch->h + row * units;
        const float *restrict mean = h + count, *restrict slope = batch->dh + count + row * units;
        float *restrict da = batch->da + row * units;
        float linear = 0;
#pragma omp simd reduction(+ : linear)
        for (size_t i = 0; i < units; i++) linear += slope[i] * (h[i] - mean[i]);
        const float weight = batch->row_weight;
        const float bracket = weight * (batch->loss[row] - batch->loss[batch->rows + row]) - linear;
        const float signal = bracket - weight * shared->baseline;
        for (size_t i = 0; i < units; i++) {
            float p, q;
            weir__sigmoid_pair(a[i], &p, &q);
            da[i] = signal * (h[i] > 0.5f ? q : -p) + slope[i] * (p * q);
        }
        sum += (double)(bracket / weight);
    }
    shared->sum[rows.piece] = sum;
}

/// Group 1 of later layers: through the slope of the mean field.
WEIR__CLONES static void pass_on(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    (void)context;
    const size_t count = batch->rows * batch->units;
    const float *restrict a = batch->a + count, *restrict dh = batch->dh + count;
    float *restrict da = batch->da + count;
    for (size_t k = rows.first * batch->units; k < rows.last * batch->units; k++) {
        float p, q;
        weir__sigmoid_pair(a[k], &p, &q);
        da[k] = dh[k] * (p * q);
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    signals shared = {0};
    const bool centred = unit->values[baseline_index] == average_baseline;
    if (centred && batch->state[1] > 0) shared.baseline = batch->state[0] / batch->state[1];
    weir__for_rows(&shared, batch, 2 * batch->units, combine);
    if (batch->layer) weir__for_rows(NULL, batch, batch->units, pass_on);
    if (!centred || !batch->rows) return;
    const double sum = weir__sum_of_pieces(shared.sum), past = unit->values[decay_index];
    batch->state[0] = (float)(past * (double)batch->state[0] + (1 - past) * sum / (double)batch->rows);
    batch->state[1] = (float)(past * (double)batch->state[1] + (1 - past));
}

static const weir_form forms[] = {
    {.text = "", .variance = 0.3168},
    {.text = "baseline=average"},
};

const weir_rule weir__rule_muprop = {
    .name = "muprop",
    .summary = "binary unit, score function less a Taylor expansion of the loss around the mean field",
    .forward = "h ~ Bernoulli(σ(a)); beside it the mean field μ = σ(a)",
    .gradient = "∂L/∂a ~ [L(h) − L(μ) − m·(h − μ) − c]·(h − σ(a)) + m σ'(a), m = ∂L/∂μ",
    .source = "Gu, Levine, Sutskever and Mnih 2016 (arXiv 1511.05176), eq. 9 to 11",
    .traits = weir__by_score | WEIR_TRAIT_USES_DH | WEIR_TRAIT_LAYERS,
    .evaluations = 2,
    .gradients = 1,
    WEIR__PARAMETERS,
    .start = weir__start_from_zero,
    .sample = sample,
    .backward = backward,
    .groups = weir__two_groups,
    .merge = weir__merge_first,
    .state_count = state_count,
    WEIR__FORMS,
};
