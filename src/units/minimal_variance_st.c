// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Generalised and optimal straight-through of categorical variables (Hooper and Shekhovtsov 2026): of the rules that
// are linear in ∂L/∂h, the one of least mean squared error for losses whose linear and second-order terms are random,
// 1/ε the weight of the second order. Given the draw c, with J = diag π − π πᵀ,
//   A_ij = −π_i π_j/(ε + π_i + π_j),  A_ii = (ε + π_i) Σ_j π_j/(ε + π_i + π_j) − π_i²/(ε + 2π_i),
//   A C = R J, R = diag (ε + π)/(ε + 2π),
//   ∂L/∂a = Σ_j ∂L/∂h_j·[(ε + π_j) C_j − π_j C_c + (j = c) J_c]/(ε + π_j + π_c).
// ε = 0 (MVE) is exact for losses of second order, with the least variance that is possible then: A is the Laplacian of
// the weights π_i π_j/(π_i + π_j), and for two outputs the rule is half. ε → ∞ is straight-through at the mean. One
// symmetric linear system per variable, in double: with A y = x, x_j the factors of C_j, ∂L/∂a = J R y + ∂L/∂h_c
// J_c/(ε + 2π_c).
//
// The formulas are those of the authors' code (temp = 1/ε), which solves for C, C right-hand sides; the paper itself
// was not at hand. Enumeration confirms the second order at ε = 0.

#include "../core/core.h"
#include "../core/math.h"
#include "categorical.h"

enum { linear_index };
enum { most_outputs = 64 };

static const weir_parameter parameters[] = {
    [linear_index] = {.name = "linear",
                      .initial = 0,
                      .least = 0,
                      .greatest = 1e6,
                      .about = "ε: 0 is exact for losses of second order; the more, the nearer to straight-through"},
};

static weir_status check(const weir_unit *unit, weir_error *error) {
    if (weir_unit_variable(unit) <= most_outputs) return WEIR_OK;
    return weir__fail(error, WEIR_UNSUPPORTED, "minimal-variance-st: a variable of %zu outputs; expected at most %d",
                      weir_unit_variable(unit), most_outputs);
}

/// A of ε, and where it is singular (ε = 0, equal values) with a multiple of 11ᵀ, which moves no solution of sum 0.
static void fill(double a[most_outputs][most_outputs], const double *p, double linear, size_t n) {
    double greatest = 0;
    for (size_t i = 0; i < n; i++) {
        a[i][i] = linear * p[i] / (linear + 2 * p[i]); // what j = i leaves of both terms
        for (size_t j = 0; j < n; j++) {
            if (j == i) continue;
            const double edge = p[j] / (linear + p[i] + p[j]);
            a[i][j] = -p[i] * edge;
            a[i][i] += (linear + p[i]) * edge;
        }
        greatest = fmax(greatest, a[i][i]);
    }
    for (size_t i = 0; linear == 0 && i < n; i++)
        for (size_t j = 0; j < n; j++) a[i][j] += greatest / (double)n;
}

/// y = A⁻¹ y by elimination: symmetric and positive definite, no pivots.
static void solve(double *y, const double *p, double linear, size_t n) {
    double a[most_outputs][most_outputs];
    fill(a, p, linear, n);
    for (size_t k = 0; k < n; k++) {
        for (size_t i = k + 1; i < n; i++) {
            const double factor = a[i][k] / a[k][k];
            for (size_t j = k; j < n; j++) a[i][j] -= factor * a[k][j];
            y[i] -= factor * y[k];
        }
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t j = i + 1; j < n; j++) y[i] -= a[i][j] * y[j];
        y[i] /= a[i][i];
    }
}

static void backward_one(const weir__variable *v) {
    const double linear = v->unit->values[linear_index];
    float soft[weir__variable_most];
    double p[most_outputs], y[most_outputs] = {0}, mean = 0;
    const size_t c = weir__winner(v->h, v->size);
    weir__softmax(soft, v->a, v->size);
    for (size_t j = 0; j < v->size; j++) p[j] = fmax((double)soft[j], 1e-8); // less, and the system cannot be solved
    if (c == v->size) {
        for (size_t j = 0; j < v->size; j++) v->da[j] = NAN;
        return;
    }
    y[c] = linear * (double)v->dh[c] / (linear + 2 * p[c]);
    for (size_t j = 0; j < v->size; j++) {
        if (j == c) continue;
        const double factor = (double)v->dh[j] / (linear + p[j] + p[c]);
        y[j] = (linear + p[j]) * factor;
        y[c] -= p[j] * factor;
    }
    solve(y, p, linear, v->size);
    for (size_t j = 0; j < v->size; j++) mean += p[j] * (y[j] *= (linear + p[j]) / (linear + 2 * p[j]));
    const double own = p[c] / (linear + 2 * p[c]) * (double)v->dh[c];
    for (size_t j = 0; j < v->size; j++) v->da[j] = (float)(((j == c) - p[j]) * own + p[j] * (y[j] - mean));
}
WEIR__BY_VARIABLES(backward, 4 * weir_unit_variable(unit) * weir_unit_variable(unit))

/// C from A C = R J by Gauss-Seidel, column by column.
static void weights(const weir_unit *unit, const double *a, const double *h, double *w) {
    enum { n_most = weir__most_expected, sweeps = 4000 };
    const size_t n = weir_unit_variable(unit);
    const double e = unit->values[linear_index];
    double p[n_most], c[n_most][n_most] = {{0}};
    size_t x = 0;
    weir__softmax_double(p, a, 1, n);
    while (!(h[x] > 0)) x++;
    for (int sweep = 0; sweep < sweeps; sweep++) {
        for (size_t r = 0; r < n; r++) {
            for (size_t k = 0; k < n; k++) {
                double right = (e + p[r]) / (e + 2 * p[r]) * ((r == k ? p[r] : 0) - p[r] * p[k]);
                double degree = -p[r] * p[r] / (e + 2 * p[r]);
                for (size_t j = 0; j < n; j++) {
                    degree += (e + p[r]) * p[j] / (e + p[r] + p[j]);
                    right += j == r ? 0 : p[r] * p[j] / (e + p[r] + p[j]) * c[j][k];
                }
                c[r][k] = right / degree;
            }
        }
    }
    for (size_t k = 0; k < n; k++) // row k of W: weights of ∂L/∂h_j
        for (size_t j = 0; j < n; j++) {
            const double own = j == x ? (k == x ? p[x] : 0) - p[x] * p[k] : 0;
            w[k * n + j] = ((e + p[j]) * c[j][k] - p[j] * c[x][k] + own) / (e + p[j] + p[x]);
        }
}

static const weir_form forms[] = {{.text = ""}, {.text = "linear=0.5"}};

const weir_rule weir__rule_minimal_variance_st = {
    .name = "minimal-variance-st",
    .summary =
        "straight-through of second order and least variance, or between it and straight-through; a linear system each",
    .forward = "h = e_c, c ~ softmax(a)",
    .gradient = "∂L/∂a := ½(h − π)·∂L/∂h_c + ½J y, A y = Σ_j π_j/(π_c + π_j)·(e_j − e_c)·∂L/∂h_j (ε = 0)",
    .source = "Hooper and Shekhovtsov 2026 (AISTATS, OpenReview 5LZQfHUVER), generalised straight-through, MVE",
    .traits = weir__categorical,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &weir__draw_one_of,
    .check = check,
    .backward = backward,
    .weights = weights,
    WEIR__FORMS,
};
