// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Minimal-variance straight-through of categorical variables (Hooper and Shekhovtsov 2026): of the linear rules that
// are exact for losses of second order, the one of least variance. Given the draw i, in the limit of one-hot outputs,
//   W e_i = ½(e_i − π),  W e_j = π_j/(π_i + π_j)·Cᵀ(e_j − e_i),  G C = ½J,
// with J = diag π − π πᵀ and G the Laplacian of the weights π_i π_j/(π_i + π_j). So ∂L/∂a = ½(e_i − π)·∂L/∂h_i + ½J y
// with G y = x, x = Σ_{j≠i} π_j/(π_i + π_j)·(e_j − e_i)·∂L/∂h_j, which sums to 0. One linear system per variable, in
// double. For two outputs it is the rule half.

#include "../core/core.h"
#include "../core/math.h"
#include "categorical.h"

enum { most_outputs = 64 };

static weir_status check(const weir_unit *unit, weir_error *error) {
    if (weir_unit_variable(unit) <= most_outputs) return WEIR_OK;
    return weir__fail(error, WEIR_UNSUPPORTED, "minimal-variance-st: a variable of %zu outputs; expected at most %d",
                      weir_unit_variable(unit), most_outputs);
}

/// Solves G y = x where Σ x = 0 by elimination from G + shift·11ᵀ, which has the same solution among those of sum 0.
static void solve(double *y, const double *p, size_t n) {
    double g[most_outputs][most_outputs], greatest = 0;
    for (size_t i = 0; i < n; i++) {
        g[i][i] = 0;
        for (size_t j = 0; j < n; j++) {
            if (j == i) continue;
            const double w = p[i] * p[j] / (p[i] + p[j]);
            g[i][j] = -w;
            g[i][i] += w;
        }
        greatest = fmax(greatest, g[i][i]);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) g[i][j] += greatest / (double)n;
    for (size_t k = 0; k < n; k++) { // symmetric and positive definite: no pivots
        for (size_t i = k + 1; i < n; i++) {
            const double factor = g[i][k] / g[k][k];
            for (size_t j = k; j < n; j++) g[i][j] -= factor * g[k][j];
            y[i] -= factor * y[k];
        }
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t j = i + 1; j < n; j++) y[i] -= g[i][j] * y[j];
        y[i] /= g[i][i];
    }
}

static void backward_one(const weir__variable *v) {
    float soft[weir__variable_most];
    double p[most_outputs], y[most_outputs] = {0}, mean = 0;
    const size_t i = weir__winner(v->h, v->size);
    weir__softmax(soft, v->a, v->size);
    for (size_t j = 0; j < v->size; j++) p[j] = fmax((double)soft[j], 1e-8); // less, and the system cannot be solved
    if (i == v->size) {
        for (size_t j = 0; j < v->size; j++) v->da[j] = NAN;
        return;
    }
    for (size_t j = 0; j < v->size; j++) {
        if (j == i) continue;
        y[j] = p[j] / (p[i] + p[j]) * (double)v->dh[j];
        y[i] -= y[j];
    }
    solve(y, p, v->size);
    for (size_t j = 0; j < v->size; j++) mean += p[j] * y[j];
    for (size_t j = 0; j < v->size; j++)
        v->da[j] = (float)(0.5 * (((j == i) - p[j]) * (double)v->dh[i] + p[j] * (y[j] - mean)));
}
WEIR__BY_VARIABLES(backward, 4 * weir_unit_variable(unit) * weir_unit_variable(unit))

/// C from G C = ½J by Gauss-Seidel, column by column.
static void weights(const weir_unit *unit, const double *a, const double *h, double *w) {
    enum { n_most = weir__most_expected, sweeps = 4000 };
    const size_t n = weir_unit_variable(unit);
    double p[n_most], c[n_most][n_most] = {{0}};
    size_t i = 0;
    weir__softmax_double(p, a, 1, n);
    while (!(h[i] > 0)) i++;
    for (int sweep = 0; sweep < sweeps; sweep++) {
        for (size_t r = 0; r < n; r++) {
            for (size_t k = 0; k < n; k++) {
                double right = 0.5 * ((r == k ? p[r] : 0) - p[r] * p[k]), degree = 0;
                for (size_t j = 0; j < n; j++) {
                    if (j == r) continue;
                    right += p[r] * p[j] / (p[r] + p[j]) * c[j][k];
                    degree += p[r] * p[j] / (p[r] + p[j]);
                }
                c[r][k] = right / degree;
            }
        }
    }
    for (size_t k = 0; k < n; k++) // row k of W: weights of ∂L/∂h_j
        for (size_t j = 0; j < n; j++)
            w[k * n + j] = j == i ? 0.5 * ((k == i) - p[k]) : p[j] / (p[i] + p[j]) * (c[j][k] - c[i][k]);
}

static const weir_form forms[] = {{.text = ""}};

const weir_rule weir__rule_minimal_variance_st = {
    .name = "minimal-variance-st",
    .summary = "straight-through of second order and least variance for categorical variables; a linear system each",
    .forward = "h = e_c, c ~ softmax(a)",
    .gradient = "∂L/∂a := ½(h − π)·∂L/∂h_c + ½J y, G y = Σ_j π_j/(π_c + π_j)·(e_j − e_c)·∂L/∂h_j",
    .source = "Hooper and Shekhovtsov 2026 (AISTATS, OpenReview 5LZQfHUVER), generalised straight-through, MVE",
    .traits = weir__categorical,
    .evaluations = 1,
    .gradients = 1,
    .draw = &weir__draw_one_of,
    .check = check,
    .backward = backward,
    .weights = weights,
    WEIR__FORMS,
};
