// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// DisARM of categorical variables by stick-breaking (Dong, Mnih and Tucker 2021, section 3.2): output c is chosen by a
// coin of probability s_c = π_c/Σ_{j≥c} π_j unless one before it was; the last needs none. An antithetic pair of all
// coins gives two draws of the whole layer, and DisARM the gradient with respect to the coins' logits a_c − log Σ_{j>c}
// e^(a_j):
//   g_c = ½ (L(h) − L(h'))·(b_c − b'_c)·max(s_c, 1 − s_c).
// Coins after both sticks are broken do not move the loss: their g, whose mean is 0, is left away.

#include "../core/math.h"
#include "categorical.h"

/// The coins of a variable: their pair at the uniform number u, and how many count.
typedef struct coins {
    float p[weir__variable_most], after[weir__variable_most], u[weir__variable_most]; ///< after: Σ_{j≥c} π_j
    size_t first, second;                                                             ///< chosen outputs
} coins;

static bool falls(float u, float share) { return u < share; }

static void flip(coins *c, const weir__variable *v) {
    float sum = 0;
    weir__softmax(c->p, v->a, v->size);
    for (size_t i = v->size; i-- > 0;) c->after[i] = sum += c->p[i];
    weir__variable_uniform(v, 0, c->u);
    c->first = c->second = v->size - 1;
    for (size_t i = v->size - 1; i-- > 0;) {
        if (falls(c->u[i], c->p[i] / c->after[i])) c->first = i;
        if (falls(1 - c->u[i], c->p[i] / c->after[i])) c->second = i;
    }
}

static void sample_one(const weir__variable *v) {
    coins c;
    float *other = v->h + v->batch->rows * v->batch->units;
    flip(&c, v);
    for (size_t i = 0; i < v->size; i++) {
        v->h[i] = isnan(c.p[0]) ? NAN : i == c.first;
        other[i] = isnan(c.p[0]) ? NAN : i == c.second;
    }
}
WEIR__BY_VARIABLES(sample, 4)

static void backward_one(const weir__variable *v) {
    coins c;
    const float difference = v->batch->loss[v->row] - v->batch->loss[v->batch->rows + v->row];
    const float half = 0.5f * v->batch->row_weight * difference;
    float share = 0; // of the coins so far, what an output after them takes: Σ g_c/Σ_{j>c} π_j
    flip(&c, v);
    const size_t last = c.first > c.second ? c.first : c.second;
    for (size_t i = 0; i < v->size; i++) {
        float g = 0;
        if (i + 1 < v->size && i <= last) {
            const float s = c.p[i] / c.after[i];
            g = half * (float)((int)falls(c.u[i], s) - (int)falls(1 - c.u[i], s)) * (s > 0.5f ? s : 1 - s);
        }
        v->da[i] = g - c.p[i] * share;
        if (g != 0) share += g / c.after[i + 1];
    }
}
WEIR__BY_VARIABLES(backward, 6)

static const weir_form forms[] = {{.text = ""}};

const weir_rule weir__rule_disarm_one_of = {
    .name = "disarm",
    .summary = "categorical variables by stick-breaking into coins, an antithetic pair of samples",
    .forward = "h = e_c, c the first coin that falls, of chance π_c/Σ_{j≥c} π_j; h' with the antithetic coins",
    .gradient = "∂L/∂φ_c ~ ½ (L(h) − L(h'))·(b_c − b'_c)·σ(|φ_c|), φ_c = a_c − log Σ_{j>c} exp a_j",
    .source = "Dong, Mnih and Tucker 2021 (arXiv 2106.08056), section 3.2",
    .traits = weir__by_score,
    .evaluations = 2,
    .draw = &weir__draw_one_of,
    .sample = sample,
    .backward = backward,
    .groups = weir__two_groups,
    WEIR__FORMS,
};
