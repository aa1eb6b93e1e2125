// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Leave-one-out score function: K samples, each with the mean loss of the others as its baseline:
//   g = 1/(K − 1) Σ_k (L_k − L̄)(h_k − p).
// Salimans and Knowles 2014; Kool, van Hoof and Welling 2019; Richter et al. 2020 (VarGrad). Because Σ_k (L_k − L̄) = 0,
// p drops out: g = 1/(K − 1) Σ_k (L_k − L̄) h_k, exact for saturated units, too. That holds for every draw whose score
// is h − E h; other scores come from the draw.

#include "rules.h"

enum { samples_index };

static const weir_parameter parameters[] = {
    [samples_index] =
        {.name = "samples", .initial = 2, .least = 2, .greatest = 1000, .about = "K: evaluations per example"},
};

static double mean_of_row(const weir_unit_batch *batch, size_t row) {
    double sum = 0;
    for (size_t k = 0; k < batch->groups; k++) sum += (double)batch->loss[k * batch->rows + row];
    return sum / (double)batch->groups;
}

WEIR__CLONES static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const bool natural = weir_unit_draw(unit)->traits & WEIR_DRAW_NATURAL;
    const size_t units = batch->units, count = batch->rows * units;
    const double weight = (double)batch->row_weight / (double)(batch->groups - 1);
    for (size_t row = rows.first; row < rows.last; row++) {
        const double mean = mean_of_row(batch, row);
        float *restrict da = batch->da + row * units;
        for (size_t i = 0; i < units; i++) da[i] = 0;
        for (size_t k = 0; k < batch->groups; k++) {
            const float *restrict h = batch->h + k * count + row * units;
            const float factor = (float)(weight * ((double)batch->loss[k * batch->rows + row] - mean));
            for (size_t i = 0; natural && i < units; i++) da[i] += factor * h[i];
            if (!natural) weir__add_score(unit, batch, row, k, factor);
        }
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, batch->groups * batch->units, combine);
}

/// On one bit, in p and Δ = f(1) − f(0) = 1 − 2t.
static double one_bit(double p, double t, double samples) {
    const double square = p * (1 - p), fourth = square * (1 - 3 * square), slope = 1 - 2 * t;
    return slope * slope * (fourth - square * square * (samples - 3) / (samples - 1)) / samples;
}
static double two_samples(double p, double t) { return one_bit(p, t, 2); }
static double three_samples(double p, double t) { return one_bit(p, t, 3); }
static double four_samples(double p, double t) { return one_bit(p, t, 4); }

static const weir_form forms[] = {
    {.text = "",
     .variance = 2.092,
     .one_bit = two_samples,
     .wide = 1.25e-09,
     .uphill = 0.25054,
     .toy = {0.249002, 0.240109},
     .toy_digit = {5e-07, 5e-07}},
    {.text = "samples=3", .variance = 0.936, .one_bit = three_samples},
    {.text = "samples=4", .variance = 0.587, .one_bit = four_samples},
    {.text = "draw=hard-sigmoid,slope=0.5"},
    {.text = "draw=one-of"},
    {.text = "samples=4,draw=one-of"},
    {.text = "draw=k-subset"},
    {.text = "samples=4,draw=k-subset"},
    {.text = "draw=gumbel-top-k"},
    {.text = "samples=4,draw=gumbel-top-k"},
};

const weir_rule weir__rule_rloo = {
    .name = "rloo",
    .summary = "binary unit, K samples: each one's baseline is the mean loss of the others",
    .forward = "h_k ~ Bernoulli(σ(a)), k = 1 … K",
    .gradient = "∂L/∂a ~ 1/(K − 1) Σ_k (L_k − L̄)(h_k − σ(a))",
    .source = "Salimans and Knowles 2014 (arXiv 1401.1022); Kool, van Hoof and Welling 2019; Richter et al. 2020",
    .traits = weir__by_score,
    .evaluations = 2,
    .cost = "K",
    WEIR__PARAMETERS,
    .draws = weir__scored,
    .sample = weir__sample_groups_of_draw,
    .backward = backward,
    .groups = weir__sample_groups,
    WEIR__FORMS,
};
