// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// VIMCO: the loss of an example is a bound from K samples together, −L̂ = −log (1/K) Σ_k exp(−L_k), as for the
// likelihood of a stochastic network's output. Mnih and Rezende 2016, eq. 8 to 11:
//   g = −Σ_k (L̂ − L̂_k)(h_k − p),
// L̂_k the same bound with exp(−L_k) replaced by what the other samples predict for it: their geometric mean, or (the
// other form of the paper) their arithmetic mean. Parameters behind the units learn from the softmax of −L_k.

#include <math.h>

#include "rules.h"

enum { samples_index, mean_index };
enum { geometric, arithmetic };
enum { most_samples = 256 };

static const weir_parameter parameters[] = {
    [samples_index] = {"samples", 5, 2, most_samples, NULL, "K: evaluations per example, all in one bound"},
    [mean_index] = {"mean", 0, 0, arithmetic, "geometric|arithmetic",
                    "mean of the other samples that stands for one of them"},
};

/// log w_k = −L_k of a row, the largest and its place, and the sum of w_k over the largest.
typedef struct bound {
    double log_weight[most_samples], weight[most_samples], top, sum;
    size_t samples, best;
} bound;

static void read_row(bound *b, const weir_unit_batch *batch, size_t row) {
    b->samples = batch->groups;
    b->best = 0;
    b->top = -INFINITY;
    b->sum = 0;
    for (size_t k = 0; k < b->samples; k++) {
        b->log_weight[k] = -(double)batch->loss[k * batch->rows + row];
        if (!(b->log_weight[k] > b->top)) continue;
        b->top = b->log_weight[k];
        b->best = k;
    }
    for (size_t k = 0; k < b->samples; k++) {
        b->weight[k] = exp(b->log_weight[k] - b->top);
        b->sum += b->weight[k];
    }
}

/// log (1/K) Σ w.
static double value_of(const bound *b) { return b->top + log(b->sum / (double)b->samples); }

/// The bound without sample k: what the others say, its weight replaced by their mean. For the best sample the sum of
/// the others is formed anew, relative to their own largest: the difference would cancel.
static double value_without(const bound *b, size_t k, int mean, double log_sum) {
    const double others = (double)(b->samples - 1);
    double top = b->top, sum = b->sum - b->weight[k];
    if (k == b->best) {
        top = -INFINITY;
        sum = 0;
        for (size_t j = 0; j < b->samples; j++) top = j != k && b->log_weight[j] > top ? b->log_weight[j] : top;
        for (size_t j = 0; j < b->samples; j++) sum += j != k ? exp(b->log_weight[j] - top) : 0;
    }
    const double replaced = mean == geometric ? exp((log_sum - b->log_weight[k]) / others - top) : sum / others;
    return top + log((sum + replaced) / (double)b->samples);
}

static void merge(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights) {
    bound b;
    (void)unit;
    for (size_t row = 0; row < batch->rows; row++) {
        read_row(&b, batch, row);
        loss[row] = (float)-value_of(&b);
        for (size_t k = 0; k < b.samples; k++) weights[k * batch->rows + row] = (float)(b.weight[k] / b.sum);
    }
}

static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const size_t units = batch->units;
    bound b;
    for (size_t row = rows.first; row < rows.last; row++) {
        float *da = batch->da + row * units;
        double log_sum = 0;
        read_row(&b, batch, row);
        const double value = value_of(&b);
        for (size_t k = 0; k < b.samples; k++) log_sum += b.log_weight[k];
        for (size_t i = 0; i < units; i++) da[i] = 0;
        for (size_t k = 0; k < b.samples; k++) {
            const double signal = value - value_without(&b, k, (int)unit->values[mean_index], log_sum);
            weir__add_score(unit, batch, row, k, (float)(-(double)batch->row_weight * signal));
        }
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, 2 * batch->groups * (batch->units + 32), combine);
}

static const weir_form forms[] = {
    {.text = ""},
    {.text = "samples=3"},
    {.text = "samples=2"},
    {.text = "samples=3,mean=arithmetic"},
    {.text = "samples=3,draw=one-of"},
    {.text = "samples=2,draw=gumbel-top-k"},
};

const weir_rule weir__rule_vimco = {
    .name = "vimco",
    .summary = "binary unit for a bound from K samples: each one's baseline is what the others predict",
    .forward = "h_k ~ Bernoulli(σ(a)), k = 1 … K; L = −log (1/K) Σ_k exp(−L_k)",
    .gradient = "∂L/∂a ~ Σ_k (L − L_{−k})(h_k − σ(a))",
    .source = "Mnih and Rezende 2016 (arXiv 1602.06725), eq. 8 to 11",
    .traits = weir__by_score | WEIR_TRAIT_BOUND,
    .evaluations = 5,
    .cost = "K",
    WEIR__PARAMETERS,
    .draws = weir__scored,
    .sample = weir__sample_groups_of_draw,
    .backward = backward,
    .groups = weir__sample_groups,
    .merge = merge,
    WEIR__FORMS,
};
