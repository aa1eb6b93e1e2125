// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Implicit maximum likelihood estimation, I-MLE (Niepert, Minervini and Franceschi 2021), of subsets by
// perturb-and-MAP: h is the k greatest of z = a + Gumbel noise, and with the target distribution by perturbation (eq. 7
// and algorithm 1)
//   ∂L/∂a := (h − the k greatest of z − λ·∂L/∂h)/λ,
// the noise being the same in both. The paper's algorithm and its code leave the division by λ away, which eq. 7 has:
// a constant that a rate can hold, but not beside other losses of the same parameters. The paper's sum-of-Gamma noise
// is a draw of its own, which is not here; Gumbel noise makes k = 1 a categorical variable.
//
// The estimate is no linear function of ∂L/∂h. Its mean given h = S is found for definitions from the least member of
// S, i at t: the others are then independent, above or below t, and so are their scores y = x − λ·∂L/∂h, except y_i,
// which is known. P(l is among the k greatest y) integrates over the place of y_l the chance that fewer than k others
// lie above, which is smooth between the ends t − λ·∂L/∂h_m of the others.

#include "../core/math.h"
#include "categorical.h"

enum { strength_index };

static const weir_parameter parameters[] = {
    [strength_index] = {.name = "strength",
                        .initial = 1,
                        .least = 1e-3,
                        .greatest = 1e6,
                        .about = "λ, by which the gradient moves the scores of the target distribution"},
};

extern const weir_draw weir__draw_gumbel_top_k;

static void backward_one(const weir__variable *v) {
    const float strength = (float)v->unit->values[strength_index], weight = v->batch->row_weight;
    float z[weir__variable_most], target[weir__variable_most];
    weir__variable_gumbel(v, 0, 1, z);
    for (size_t i = 0; i < v->size; i++) z[i] -= strength / weight * v->dh[i];
    weir__top(target, z, v->size, weir__k(v->unit));
    for (size_t i = 0; i < v->size; i++) v->da[i] = weight / strength * (v->h[i] - target[i]);
}
WEIR__BY_VARIABLES(backward, 8 + weir__k(unit))

// ---- definition ----------------------------------------------------------------------------------------------------

enum { most = weir__most_expected };

/// Gumbel numbers of which all but one lie above or below t, as h says, and that one at t.
typedef struct scores {
    const double *a, *h;
    double shift[most], t; ///< y = x − shift
    size_t size, k, at_t;
} scores;

static double below(double x, double a) { return exp(-exp(a - x)); }

/// P(y_m > s).
static double above(const scores *g, size_t m, double s) {
    const double x = s + g->shift[m], edge = below(g->t, g->a[m]);
    if (m == g->at_t) return g->t > x;
    if (g->h[m] != 0) return x < g->t ? 1 : -expm1(-exp(g->a[m] - x)) / -expm1(-exp(g->a[m] - g->t));
    return x > g->t || edge == 0 ? 0 : 1 - below(x, g->a[m]) / edge;
}

/// P(fewer than k of the outputs but l lie above s).
static double fewer(const scores *g, size_t l, double s) {
    double number[most + 1] = {1}, sum = 0;
    for (size_t m = 0; m < g->size; m++) {
        if (m == l) continue;
        const double p = above(g, m, s);
        for (size_t c = g->k; c-- > 0;) number[c] = number[c] * (1 - p) + (c ? number[c - 1] * p : 0);
    }
    for (size_t c = 0; c < g->k; c++) sum += number[c];
    return sum;
}

/// x_l of the quantile u of those above or below t.
static double quantile(const scores *g, size_t l, double u) {
    const double rate = exp(g->a[l] - g->t); // below t: u·e^(−rate); above: 1 − (1 − u)(1 − e^(−rate))
    if (g->h[l] != 0) return g->a[l] - log(-log1p((1 - u) * expm1(-rate)));
    return g->a[l] - log(rate - log(u));
}

/// P(l is among the k greatest y).
static double taken(const scores *g, size_t l) {
    static const double place[] = {0.1834346424956498, 0.5255324099163290, 0.7966664774136267, 0.9602898564975363};
    static const double weight[] = {0.3626837833783620, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763};
    double ends[most + 2] = {0, 1}, sum = 0;
    size_t count = 2;
    if (l == g->at_t) return fewer(g, l, g->t - g->shift[l]);
    for (size_t m = 0; m < g->size; m++) { // where others end, as quantiles of x_l
        const double u = 1 - above(g, l, g->t - g->shift[m]);
        if (m != l && u > 0 && u < 1) ends[count++] = u;
    }
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && ends[j] < ends[j - 1]; j--) {
            const double swapped = ends[j];
            ends[j] = ends[j - 1];
            ends[j - 1] = swapped;
        }
    for (size_t i = 0; i + 1 < count; i++) {
        const double middle = (ends[i] + ends[i + 1]) / 2, half = (ends[i + 1] - ends[i]) / 2;
        for (size_t n = 0; n < 8; n++) {
            const double u = middle + (n < 4 ? half : -half) * place[n % 4];
            sum += half * weight[n % 4] * fewer(g, l, quantile(g, l, u) - g->shift[l]);
        }
    }
    return sum;
}

static void given(const weir_unit *unit, const double *a, const double *h, const double *dh, double *mean) {
    const double strength = unit->values[strength_index], step = 0.25;
    scores g = {.a = a, .h = h, .size = weir_unit_variable(unit), .k = weir__k(unit)};
    double low = a[0], high = a[0], chance = 0, inside[most] = {0};
    for (size_t i = 0; i < g.size; i++) {
        g.shift[i] = strength * dh[i];
        low = fmin(low, a[i]), high = fmax(high, a[i]);
    }
    for (g.t = low - 4; g.t < high + 36; g.t += step) {
        for (g.at_t = 0; g.at_t < g.size; g.at_t++) {
            double rate = h[g.at_t] != 0 ? exp(a[g.at_t] - g.t) * below(g.t, a[g.at_t]) : 0;
            for (size_t m = 0; m < g.size; m++)
                if (m != g.at_t) rate *= h[m] != 0 ? -expm1(-exp(a[m] - g.t)) : below(g.t, a[m]);
            chance += rate;
            if (rate < 1e-14) continue;
            for (size_t l = 0; l < g.size; l++) inside[l] += rate * taken(&g, l);
        }
    }
    for (size_t i = 0; i < g.size; i++) mean[i] = (h[i] - inside[i] / chance) / strength;
}

static const weir_form forms[] = {{.text = ""}, {.text = "strength=10"}, {.text = "strength=0.2,k=1"}};

const weir_rule weir__rule_imle = {
    .name = "imle",
    .summary =
        "subsets by perturb-and-MAP against a target whose scores the gradient has moved, with the same noise (I-MLE)",
    .forward = "h = the k greatest of z = a + Gumbel noise",
    .gradient = "∂L/∂a := (h − top_k(z − λ·∂L/∂h))/λ",
    .source = "Niepert, Minervini and Franceschi 2021 (arXiv 2106.01798), eq. 7 and algorithm 1",
    .traits = weir__binary | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &weir__draw_gumbel_top_k,
    .backward = backward,
    .given = given,
    WEIR__FORMS,
};
