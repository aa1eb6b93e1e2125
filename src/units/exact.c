// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Exact enumeration: the loss at all 2^D outcomes of a layer of D units, g = Σ_s P(s) (L(s) − E L)(s − p): no noise at
// all. The specification of every other rule, and a rule of its own for small layers of gates. Group s has unit i at
// bit i of s. E L is subtracted for the sake of rounding only.

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { most_units = 16 };

static size_t groups(const weir_unit *unit, size_t units, size_t layers) {
    (void)unit;
    (void)layers;
    return units <= most_units ? (size_t)1 << units : 0;
}

static size_t saved_count(const weir_unit *unit, size_t rows, size_t units) { return groups(unit, units, 1) * rows; }

/// chance[s·stride] = P(s), unit after unit: the outcomes of the units before, once with each outcome of this one.
static void fill_chances(float *chance, size_t stride, const float *a, size_t units) {
    chance[0] = 1;
    for (size_t i = 0; i < units; i++) {
        const size_t half = (size_t)1 << i;
        float p, q;
        weir__sigmoid_pair(a[i], &p, &q);
        for (size_t s = 0; s < half; s++) {
            chance[(s + half) * stride] = chance[s * stride] * p;
            chance[s * stride] *= q;
        }
    }
}

static void sample_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    (void)context;
    const size_t units = batch->units, count = batch->rows * units;
    for (size_t row = rows.first; row < rows.last; row++) {
        fill_chances(batch->saved + row, batch->rows, batch->a + row * units, units);
        for (size_t s = 0; s < batch->groups; s++) {
            float *h = batch->h + s * count + row * units;
            for (size_t i = 0; i < units; i++) h[i] = (float)(s >> i & 1);
        }
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, batch->groups * batch->units, sample_rows);
}

static double expected_loss(const weir_unit_batch *batch, size_t row) {
    double sum = 0;
    for (size_t k = row; k < batch->groups * batch->rows; k += batch->rows) {
        sum += (double)batch->saved[k] * (double)batch->loss[k];
    }
    return sum;
}

static void merge(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights) {
    (void)unit;
    for (size_t row = 0; row < batch->rows; row++) loss[row] = (float)expected_loss(batch, row);
    for (size_t k = 0; k < batch->groups * batch->rows; k++) weights[k] = batch->saved[k];
}

static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    (void)context;
    const size_t units = batch->units;
    for (size_t row = rows.first; row < rows.last; row++) {
        const double mean = expected_loss(batch, row);
        double sums[most_units] = {0};
        for (size_t s = 0; s < batch->groups; s++) {
            const size_t k = s * batch->rows + row;
            const double signal = (double)batch->saved[k] * ((double)batch->loss[k] - mean);
            for (size_t i = 0; i < units; i++) sums[i] += s >> i & 1 ? signal : 0; // Σ P (L − E L) = 0 takes p away
        }
        for (size_t i = 0; i < units; i++) batch->da[row * units + i] = (float)((double)batch->row_weight * sums[i]);
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, batch->groups * batch->units, combine);
}

static const weir_form forms[] = {
    {.text = "", .one_bit = weir__no_variance, .toy = {0.249001, 0.240101}, .toy_digit = {5e-07, 5e-07}},
};

const weir_rule weir__rule_exact = {
    .name = "exact",
    .summary = "binary unit, all 2^D outcomes of a layer of at most 16 units: no noise",
    .forward = "every h in {0, 1}^D, with its probability",
    .gradient = "∂L/∂a_i = Σ_h P(h) L(h) (h_i − σ(a_i))",
    .source = "enumeration; as \"Expect\" in van Krieken, Tomczak and ten Teije 2021 (arXiv 2104.00428)",
    .traits = weir__by_score | WEIR_TRAIT_ENUMERATES,
    .cost = "2^D",
    .sample = sample,
    .backward = backward,
    .groups = groups,
    .merge = merge,
    .saved_count = saved_count,
    WEIR__FORMS,
};
