// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Local expectation gradient: for every unit the exact mean over its own outcome, the others at one common draw:
//   g_i = p_i (1 − p_i)·[L(h; h_i = 1) − L(h; h_i = 0)].
// Titsias and Lázaro-Gredilla 2015. For Bernoulli units the measure-valued derivative is the same. Group 0 is the draw,
// group i + 1 the draw with unit i flipped. For categorical variables group i + 1 has output i chosen in its variable,
// and
//   g_i = π_i·[L_i − Σ_c π_c L_c], c over the outputs of the variable,
// which is IndeCateR (De Smet, Sansone and Zuidberg Dos Martires 2023, eq. 11) with one draw that its terms share.

#include <string.h>

#include "../core/math.h"
#include "define.h"
#include "rules.h"

static size_t groups(const weir_unit *unit, size_t units, size_t layers) {
    (void)unit;
    (void)layers;
    return units + 1;
}

static void flip_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const size_t units = batch->units, count = batch->rows * units, size = weir_unit_variable(context);
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *h = batch->h + row * units;
        for (size_t i = 0; i < units; i++) {
            float *flipped = batch->h + (i + 1) * count + row * units;
            memcpy(flipped, h, units * sizeof *h);
            if (size > 1) memset(flipped + i / size * size, 0, size * sizeof *h);
            flipped[i] = size > 1 ? 1 : 1 - flipped[i];
        }
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir_unit_draw(unit)->sample(unit, batch);
    weir__for_rows(unit, batch, batch->groups * batch->units, flip_rows);
}

WEIR__CLONES static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    (void)context;
    const size_t units = batch->units;
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *restrict a = batch->a + row * units, *restrict h = batch->h + row * units;
        const float *restrict flipped = batch->loss + batch->rows + row;
        float *restrict da = batch->da + row * units;
        const float loss = batch->loss[row], weight = batch->row_weight;
        for (size_t i = 0; i < units; i++) {
            float p, q;
            weir__sigmoid_pair(a[i], &p, &q);
            da[i] = weight * (p * q) * (1 - 2 * h[i]) * (flipped[i * batch->rows] - loss);
        }
    }
}

/// The losses of a row with each output chosen, weighed as the softmax would move them.
static void combine_variables(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const size_t units = batch->units, size = weir_unit_variable(unit);
    float loss[weir__variable_most];
    for (size_t row = rows.first; row < rows.last; row++) {
        for (size_t first = 0; first < units; first += size) {
            const float *chosen = batch->loss + (first + 1) * batch->rows + row;
            for (size_t c = 0; c < size; c++)
                loss[c] = batch->row_weight * (chosen[c * batch->rows] - batch->loss[row]);
            weir_unit_draw(unit)->pull(unit, size, batch->a + row * units + first, loss,
                                       batch->da + row * units + first);
        }
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, batch->units, weir__is_bernoulli(unit) ? combine : combine_variables);
}

static const weir_form forms[] = {
    {.text = "", .variance = 0.0928, .one_bit = weir__no_variance},
    {.text = "draw=one-of"},
};

const weir_rule weir__rule_leg = {
    .name = "leg",
    .summary = "binary unit, local expectation: every unit flipped on its own; D + 1 evaluations of D units",
    .forward = "h ~ Bernoulli(σ(a))",
    .gradient = "∂L/∂a_i ~ p_i (1 − p_i)·[L(h; h_i = 1) − L(h; h_i = 0)], or p_i·[L(h; e_i) − Σ_c p_c L(h; e_c)]",
    .source =
        "Titsias and Lázaro-Gredilla 2015 (arXiv 1503.01494), eq. 8; IndeCateR: De Smet, Sansone and Zuidberg Dos "
        "Martires 2023 (arXiv 2311.12569), eq. 11",
    .traits = weir__by_score,
    .cost = "D + 1",
    .draws = WEIR_DRAW_ONE_OF,
    .sample = sample,
    .backward = backward,
    .groups = groups,
    .merge = weir__merge_first,
    WEIR__FORMS,
};
