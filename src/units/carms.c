// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// CARMS of categorical variables (Dimitriev and Zhou 2021): n draws that avoid each other, and leave-one-out REINFORCE
// with the weight of independence for each pair of them,
//   g = 1/n Σ_s 1/(n − 1) Σ_{t≠s} (L_s − L_t)·ρ(c_s, c_t)·(e_{c_s} − π),  ρ(x, y) = π_x π_y/P(x, y).
// Draws (the form CARMS-I): uniform numbers of a Dirichlet copula, u_s = (1 − d_s)^(n−1) with d flat on the simplex,
// invert the distribution function of π over its outputs in a random order: of all pairs i < j one is chosen, i comes
// first and j last. Neighbours in an order exclude each other too often for one fixed order; with all pairs at the ends
// P(x, y) > 0 for x ≠ y. With Φ(p, q) = max(0, p^(1/(n−1)) + q^(1/(n−1)) − 1)^(n−1), P(x, y) is the mean over the
// orders of Φ over the rectangle of both intervals. Pairs with P(c, c) = 0 are never drawn, and would add nothing:
// given c_s = c_t, L_s and L_t have one mean. Variables are drawn apart; each weighs its own outputs.
//
// The authors' code adds 0.001 to both parts of ρ and clips it to 0.01 … 10, which their paper does not: that is biased
// (see docs/results/routers.md). Here ρ is as the paper has it.

#include "../core/math.h"
#include "categorical.h"

enum { samples_index };
enum { most_samples = 16 };

static const weir_parameter parameters[] = {
    [samples_index] = {.name = "samples",
                       .initial = 3,
                       .least = 2,
                       .greatest = most_samples,
                       .about = "n: draws of an example, jointly antithetic (whole number)"},
};

/// Where the intervals of outputs end in the order in which i comes first and j last: below[i] = Σ_{m<i} π_m.
typedef struct distribution {
    double p[weir__variable_most], below[weir__variable_most];
    size_t size;
} distribution;

static void distribute(distribution *d, const weir__variable *v) {
    float soft[weir__variable_most];
    double sum = 0;
    weir__softmax(soft, v->a, v->size);
    d->size = v->size;
    d->p[0] = 0; // there is at least one output, which the compiler does not know
    for (size_t i = 0; i < v->size; i++) {
        d->p[i] = (double)soft[i];
        d->below[i] = sum;
        sum += d->p[i];
    }
    for (size_t i = 0; i < v->size; i++) {
        d->p[i] /= sum;
        d->below[i] /= sum;
    }
}

/// The lower end of x's interval.
static double lower(const distribution *d, size_t x, size_t i, size_t j) {
    if (x == i) return 0;
    if (x == j) return 1 - d->p[j];
    return d->below[x] + (x < i ? d->p[i] : 0) - (x > j ? d->p[j] : 0);
}

static size_t invert(const distribution *d, double u, size_t i, size_t j) {
    if (u < d->p[i]) return i;
    if (u >= 1 - d->p[j]) return j;
    for (size_t x = 0; x < d->size; x++)
        if (x != i && x != j && u < lower(d, x, i, j) + d->p[x]) return x;
    return j; // what rounding leaves between the last of the others and j
}

static double copula(double p, double q, size_t n) {
    if (n == 2) return fmax(0, p + q - 1);
    const double root = 1 / (double)(n - 1), sum = pow(p, root) + pow(q, root) - 1;
    return sum > 0 ? pow(sum, (double)(n - 1)) : 0;
}

/// π_x π_y/P(x, y).
static double ratio(const distribution *d, size_t x, size_t y, size_t n) {
    double sum = 0;
    const double p = d->p[x], q = d->p[y];
    for (size_t i = 0; i < d->size; i++) {
        for (size_t j = i + 1; j < d->size; j++) {
            const double s = lower(d, x, i, j), t = lower(d, y, i, j);
            sum += copula(s, t, n) + copula(s + p, t + q, n) - copula(s, t + q, n) - copula(s + p, t, n);
        }
    }
    const double orders = (double)(d->size * (d->size - 1) / 2);
    return sum > 0 ? p * q * orders / sum : 0;
}

static size_t samples_of(const weir_unit *unit) { return (size_t)unit->values[samples_index]; }

static void sample_one(const weir__variable *v) {
    const size_t n = samples_of(v->unit), stride = v->batch->rows * v->batch->units,
                 pairs = v->size * (v->size - 1) / 2;
    float u[weir__variable_most];
    double e[most_samples], sum = 0;
    distribution d;
    distribute(&d, v);
    for (size_t s = 0; s < n; s++) {
        weir__variable_uniform(v, (uint16_t)(1 + s), u);
        sum += e[s] = -log((double)u[0]);
    }
    weir__variable_uniform(v, 0, u);
    size_t i = 0, j = (size_t)((double)u[0] * (double)pairs); // the number of the pair, then what is left of it
    while (i + 1 < v->size && j >= v->size - 1 - i) j -= v->size - 1 - i++;
    j += i + 1;
    for (size_t s = 0; s < n; s++) {
        float *h = v->h + s * stride;
        const double at = pow(1 - e[s] / sum, (double)(n - 1));
        const size_t c = v->size > 1 ? invert(&d, at, i, j) : 0;
        for (size_t k = 0; k < v->size; k++) h[k] = isnan(d.p[0]) ? NAN : k == c;
    }
}
WEIR__BY_VARIABLES(sample, 8 * samples_of(unit))

static void backward_one(const weir__variable *v) {
    const size_t n = samples_of(v->unit), rows = v->batch->rows, stride = rows * v->batch->units;
    const double share = (double)v->batch->row_weight / (double)(n * (n - 1));
    size_t c[most_samples];
    double signal[weir__variable_most] = {0}, all = 0;
    distribution d;
    distribute(&d, v);
    for (size_t i = 0; i < v->size; i++) v->da[i] = isnan(d.p[0]) ? NAN : 0;
    if (isnan(d.p[0])) return;
    for (size_t s = 0; s < n; s++) c[s] = weir__winner(v->h + s * stride, v->size);
    for (size_t s = 0; s < n; s++) {
        for (size_t t = 0; t < s; t++) {
            if (c[s] == c[t]) continue; // the two terms of the pair cancel
            const double difference =
                (double)v->batch->loss[s * rows + v->row] - (double)v->batch->loss[t * rows + v->row];
            const double weight = share * ratio(&d, c[s], c[t], n) * difference;
            signal[c[s]] += weight;
            signal[c[t]] -= weight;
        }
    }
    for (size_t i = 0; i < v->size; i++) all += signal[i];
    for (size_t i = 0; i < v->size; i++) v->da[i] = (float)(signal[i] - d.p[i] * all);
}
WEIR__BY_VARIABLES(backward, 16 * weir_unit_variable(unit) * samples_of(unit))

static const weir_form forms[] = {{.text = ""}, {.text = "samples=2"}, {.text = "samples=4"}};

const weir_rule weir__rule_carms = {
    .name = "carms",
    .summary = "categorical variables, n draws that avoid each other, weighed as independent ones",
    .forward = "h_s = e_{c_s}, c_s by inversion of jointly antithetic uniform numbers (Dirichlet copula)",
    .gradient = "∂L/∂a ~ 1/n Σ_s 1/(n − 1) Σ_{t≠s} (L_s − L_t)·π_{c_s} π_{c_t}/P(c_s, c_t)·(h_s − π)",
    .source = "Dimitriev and Zhou 2021 (arXiv 2110.14002), CARMS-I",
    .traits = weir__by_score,
    .evaluations = 3,
    .cost = "n",
    WEIR__PARAMETERS,
    .draw = &weir__draw_one_of,
    .sample = sample,
    .backward = backward,
    .groups = weir__sample_groups,
    WEIR__FORMS,
};
