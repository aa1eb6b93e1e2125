// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Subsets of k of n outputs with P(h) ∝ exp(a·h), Σ h = k: independent coins given that k of them fall. With w = eᵃ and
// e_j the elementary symmetric polynomials, P(h) = Π w_i / e_k(w). All that is needed follows from
//   F[i][j] = e_j(w_0 … w_{i−1}),  B[i][j] = e_j(w_i … w_{n−1}),
// two tables of (n + 1)(k + 1) numbers (Ahmed, Zeng, Niepert and Van den Broeck 2023, SIMPLE, algorithms 1 and 2):
//   E h_i = w_i Σ_j F[i][j]·B[i+1][k−1−j] / e_k,
// and a draw goes through the outputs, of which r are still to be 1: P(h_i = 1) = w_i·B[i+1][r−1]/B[i][r].
// The Jacobian of E h is the covariance, which is symmetric; its product with v is the derivative of E h along v,
// carried through the same sums. Weights are taken relative to the k-th greatest, so that no e_k is lost.

#include "../core/core.h"
#include "../core/noise.h"
#include "draws.h"

#include <math.h>
#include <string.h>

/// Most numbers of a table.
enum { table_most = 8192 };
/// a is kept that near to the k-th greatest, shared among the k factors of a product: beyond, nothing is lost.
static const double reach = 300;

static const weir_parameter parameters[] = {WEIR__PARAMETER_OF, WEIR__PARAMETER_K};

static weir_status most(const weir_unit *unit, weir_error *error) {
    const size_t n = weir__of(unit), k = weir__k(unit);
    if ((n + 1) * (k + 1) <= table_most) return WEIR_OK;
    return weir__fail(error, WEIR_ARGUMENT, "k-subset: %zu of %zu outputs; (of + 1)(k + 1) is at most %d", k, n,
                      table_most);
}

/// w = exp(a − the k-th greatest a).
static void weigh(double *w, const weir_unit *unit, const float *a) {
    const size_t n = weir__of(unit), k = weir__k(unit);
    float top[weir__variable_most];
    double last = INFINITY;
    weir__top(top, a, n, k);
    for (size_t i = 0; i < n; i++)
        if (top[i] == 1) last = fmin(last, (double)a[i]);
    for (size_t i = 0; i < n; i++) {
        const double off = (double)a[i] - last, most = reach / (double)k;
        w[i] = isnan(top[i]) ? NAN : exp(fmin(fmax(off, -most), most));
    }
}

/// B[i][j] as table[i·(k + 1) + j].
static void fill_after(double *table, const double *w, size_t n, size_t k) {
    const size_t row = k + 1;
    for (size_t j = 0; j <= k; j++) table[n * row + j] = j == 0;
    for (size_t i = n; i-- > 0;) {
        const double *next = table + (i + 1) * row;
        for (size_t j = 0; j <= k; j++) table[i * row + j] = next[j] + (j ? w[i] * next[j - 1] : 0);
    }
}

static void sample_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const size_t n = weir__of(unit), k = weir__k(unit), units = batch->units;
    double w[weir__variable_most], table[table_most];
    float u[weir__span_units];
    for (size_t row = rows.first; row < rows.last; row++) {
        for (size_t first = 0; first < units; first += n) {
            const float *a = batch->a + row * units + first;
            float *h = batch->h + row * units + first;
            size_t left = k;
            weigh(w, unit, a);
            fill_after(table, w, n, k);
            for (size_t i = 0; i < n; i++) {
                const size_t at = (first + i) % weir__span_units, rest = units - (first + i - at);
                if (at == 0 || i == 0)
                    weir__random_uniform_at(u, batch->noise, (uint32_t)row, first + i - at,
                                            rest < weir__span_units ? rest : weir__span_units);
                const double *next = table + (i + 1) * (k + 1);
                const double with = left ? w[i] * next[left - 1] : 0, all = with + next[left];
                h[i] = isnan(all) ? NAN : (double)u[at] * all < with ? 1.0f : 0.0f;
                left -= h[i] == 1;
            }
        }
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, 8 * batch->units, sample_rows);
}

/// q[n] = E h and, along v (unless NULL), dq[n] = Cov(h)·v.
static void marginals(const weir_unit *unit, const float *a, double *q, const float *v, double *dq) {
    const size_t n = weir__of(unit), k = weir__k(unit), row = k + 1;
    double w[weir__variable_most], after[table_most], before[table_most], after_v[table_most], before_v[table_most];
    weigh(w, unit, a);
    fill_after(after, w, n, k);
    for (size_t j = 0; j <= k; j++) before[j] = j == 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= k; j++)
            before[(i + 1) * row + j] = before[i * row + j] + (j ? w[i] * before[i * row + j - 1] : 0);
    if (v) { // derivatives along v of both tables: ∂w = w·v
        for (size_t j = 0; j <= k; j++) before_v[j] = after_v[n * row + j] = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= k; j++)
                before_v[(i + 1) * row + j] =
                    before_v[i * row + j] +
                    (j ? w[i] * (before_v[i * row + j - 1] + (double)v[i] * before[i * row + j - 1]) : 0);
        for (size_t i = n; i-- > 0;)
            for (size_t j = 0; j <= k; j++)
                after_v[i * row + j] =
                    after_v[(i + 1) * row + j] +
                    (j ? w[i] * (after_v[(i + 1) * row + j - 1] + (double)v[i] * after[(i + 1) * row + j - 1]) : 0);
    }
    const double all = after[k], all_v = v ? after_v[k] : 0;
    for (size_t i = 0; i < n; i++) {
        const double *f = before + i * row, *b = after + (i + 1) * row, *fv = before_v + i * row,
                     *bv = after_v + (i + 1) * row;
        double sum = 0, sum_v = 0;
        for (size_t j = 0; j < k; j++) {
            sum += f[j] * b[k - 1 - j];
            if (v) sum_v += fv[j] * b[k - 1 - j] + f[j] * bv[k - 1 - j];
        }
        q[i] = w[i] * sum / all;
        if (v) dq[i] = (w[i] * (sum_v + (double)v[i] * sum) - q[i] * all_v) / all;
    }
}

static void marginal(const weir_unit *unit, const float *a, float *q) {
    double exact[weir__variable_most];
    marginals(unit, a, exact, NULL, NULL);
    for (size_t i = 0; i < weir__of(unit); i++) q[i] = (float)exact[i];
}
static void expect(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_variables(unit, batch, 8, marginal);
}

static void decide_one(const weir_unit *unit, const float *a, float *h) {
    weir__top(h, a, weir__of(unit), weir__k(unit));
}
static void decide(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_variables(unit, batch, weir__k(unit), decide_one);
}

static void opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    for (size_t at = 0; at < count; at += weir__of(unit)) marginal(unit, a + at, q + at);
    for (size_t i = 0; dq && i < count; i++) dq[i] = q[i] * (1 - q[i]);
}

static void score(const weir_unit *unit, size_t count, const float *a, const float *h, float *to) {
    for (size_t at = 0; at < count; at += weir__of(unit)) marginal(unit, a + at, to + at);
    for (size_t i = 0; i < count; i++) to[i] = h[i] - to[i];
}

static void pull(const weir_unit *unit, size_t count, const float *a, const float *v, float *out) {
    double q[weir__variable_most], dq[weir__variable_most];
    for (size_t at = 0; at < count; at += weir__of(unit)) {
        marginals(unit, a + at, q, v + at, dq);
        for (size_t i = 0; i < weir__of(unit); i++) out[at + i] = (float)dq[i];
    }
}

static size_t outcomes(const weir_unit *unit) { return weir__subsets(weir__of(unit), weir__k(unit)); }

static void outcome(const weir_unit *unit, size_t index, float *h) {
    weir__subset_at(h, index, weir__of(unit), weir__k(unit));
}

static double chance(const weir_unit *unit, const float *a, const float *h) {
    double w[weir__variable_most], table[table_most], product = 1;
    weigh(w, unit, a);
    fill_after(table, w, weir__of(unit), weir__k(unit));
    for (size_t i = 0; i < weir__of(unit); i++) product *= h[i] != 0 ? w[i] : 1;
    return product / table[weir__k(unit)];
}

static double weight_of(const weir_unit *unit, const double *a, const double *h) {
    double sum = 0;
    for (size_t i = 0; i < weir__of(unit); i++) sum += a[i] * h[i];
    return exp(sum);
}

typedef struct adding {
    double sum;
    weir_state visit;
    void *context;
} adding;

static void add_weight(void *context, double weight, const double *h, const double *weights) {
    (void)h, (void)weights;
    ((adding *)context)->sum += weight;
}

static void visit_share(void *context, double weight, const double *h, const double *weights) {
    const adding *all = context;
    all->visit(all->context, weight / all->sum, h, weights);
}

/// By listing, not by the tables.
static void states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    adding all = {0, visit, context};
    weir__over_subsets(unit, a, weir__k(unit), weight_of, add_weight, &all);
    weir__over_subsets(unit, a, weir__k(unit), weight_of, visit_share, &all);
}

const weir_draw weir__draw_k_subset = {
    .name = "k-subset",
    .summary = "k of n outputs are 1, as coins that are known to fall k times; exact marginals",
    .forward = "P(h) ∝ exp(a·h), Σ h = k",
    .source = "Ahmed, Zeng, Niepert and Van den Broeck 2023 (arXiv 2210.01941), section 2, algorithms 1 and 2",
    .traits = WEIR_DRAW_SCORE | WEIR_DRAW_MARGINAL | WEIR_DRAW_OUTCOMES | WEIR_DRAW_SUBSET | WEIR_DRAW_NATURAL |
              WEIR_DRAW_RANDOM,
    WEIR__PARAMETERS,
    .decided = "h = 1 at the k greatest a",
    .expected = "h_i = P(h_i = 1)",
    .sample = sample,
    .expect = expect,
    .decide = decide,
    .opening = opening,
    .states = states,
    .score = score,
    .pull = pull,
    .outcomes = outcomes,
    .outcome = outcome,
    .chance = chance,
    .most = most,
};
