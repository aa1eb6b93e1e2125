// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Exact enumeration: the loss at all 2^D outcomes of a layer of D units, g = Σ_s P(s) (L(s) − E L)(s − p): no noise at
// all. The specification of every other rule, and a rule of its own for small layers of gates. Group s has unit i at
// bit i of s; variables of several outputs have digits in place of bits, C or C(n, k) of them. E L is subtracted for
// the sake of rounding, and takes p away wherever the score is h − E h.

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { most_outcomes = 65536 };

static size_t groups(const weir_unit *unit, size_t units, size_t layers) {
    (void)layers;
    const size_t each = weir_unit_draw(unit)->outcomes(unit), size = weir_unit_variable(unit);
    size_t all = units <= weir__variable_most && size ? 1 : 0;
    for (size_t at = 0; at < units && all; at += size) all = each && all <= most_outcomes / each ? all * each : 0;
    return all;
}

static size_t saved_count(const weir_unit *unit, size_t rows, size_t units) { return groups(unit, units, 1) * rows; }

/// chance[s·stride] = P(s), variable after variable: the outcomes of those before, once with each outcome of this one.
static void fill_chances(const weir_unit *unit, float *chance, size_t stride, const float *a, size_t units) {
    const weir_draw *draw = weir_unit_draw(unit);
    const size_t each = draw->outcomes(unit), size = weir_unit_variable(unit);
    float h[weir__variable_most];
    chance[0] = 1;
    for (size_t first = 0, before = 1; first < units; first += size, before *= each) {
        for (size_t o = each; o-- > 0;) { // the first outcome last: it takes the place of what it is made from
            draw->outcome(unit, o, h);
            const float share = (float)draw->chance(unit, a + first, h);
            for (size_t s = 0; s < before; s++) chance[(s + o * before) * stride] = chance[s * stride] * share;
        }
    }
}

static void sample_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const weir_draw *draw = weir_unit_draw(unit);
    const size_t units = batch->units, count = batch->rows * units, size = weir_unit_variable(unit);
    const size_t each = draw->outcomes(unit);
    const bool bits = weir__is_bernoulli(unit);
    for (size_t row = rows.first; row < rows.last; row++) {
        fill_chances(unit, batch->saved + row, batch->rows, batch->a + row * units, units);
        for (size_t s = 0; s < batch->groups; s++) {
            float *h = batch->h + s * count + row * units;
            if (bits) {
                for (size_t i = 0; i < units; i++) h[i] = (float)(s >> i & 1);
                continue;
            }
            for (size_t i = 0, rest = s; i < units; i += size, rest /= each) draw->outcome(unit, rest % each, h + i);
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
    const weir_unit *unit = context;
    const weir_draw *draw = weir_unit_draw(unit);
    const size_t units = batch->units, count = batch->rows * units;
    float score[weir__variable_most];
    double sums[weir__variable_most];
    for (size_t row = rows.first; row < rows.last; row++) {
        const double mean = expected_loss(batch, row);
        for (size_t i = 0; i < units; i++) sums[i] = 0;
        for (size_t s = 0; s < batch->groups; s++) {
            const size_t k = s * batch->rows + row;
            const float *h = batch->h + s * count + row * units, *value = h;
            const double signal = (double)batch->saved[k] * ((double)batch->loss[k] - mean);
            if (!(draw->traits & WEIR_DRAW_NATURAL)) {
                draw->score(unit, units, batch->a + row * units, h, score);
                value = score;
            }
            for (size_t i = 0; i < units; i++) sums[i] += signal * (double)value[i];
        }
        for (size_t i = 0; i < units; i++) batch->da[row * units + i] = (float)((double)batch->row_weight * sums[i]);
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, batch->groups * batch->units, combine);
}

static const weir_form forms[] = {
    {.text = "", .one_bit = weir__no_variance, .toy = {0.249001, 0.240101}, .toy_digit = {5e-07, 5e-07}},
    {.text = "draw=hard-sigmoid,slope=0.5"},
    {.text = "draw=one-of"},
    {.text = "draw=k-subset"},
    {.text = "draw=gumbel-top-k"},
};

const weir_rule weir__rule_exact = {
    .name = "exact",
    .summary = "all outcomes of a layer that has at most 2^16 of them, 16 binary units: no noise",
    .forward = "every h in {0, 1}^D, with its probability",
    .gradient = "∂L/∂a_i = Σ_h P(h) L(h) (h_i − σ(a_i))",
    .source = "enumeration; as \"Expect\" in van Krieken, Tomczak and ten Teije 2021 (arXiv 2104.00428)",
    .traits = weir__by_score | WEIR_TRAIT_ENUMERATES,
    .cost = "2^D",
    .draws = WEIR_DRAW_OUTCOMES,
    .sample = sample,
    .backward = backward,
    .groups = groups,
    .merge = merge,
    .saved_count = saved_count,
    WEIR__FORMS,
};
