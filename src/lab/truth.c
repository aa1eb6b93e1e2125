// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What each rule ought to do on a problem, from its definition and not from its code.
//
// With L(h) = Π F_j(h_j) and independent units, E L = Π E F_j(h_j), and a rule that multiplies ∂L/∂h_i by a weight w_i
// of its own has the mean E[F'_i(h_i) w_i]·Π_{j≠i} E F_j(h_j).

#include <math.h>
#include <string.h>

#include <weir/lab.h>

/// Sums over the outcomes of one unit: E F(h), E F(h)² and E[F'(h)·w].
typedef struct moment {
    const weir_unit *unit;
    const weir_problem *problem;
    size_t index;
    double a;
    double factor, square, weighted;
} moment;

/// Where E F² is more of (E F)² the variance of a factor does not exist, or no number of draws could tell.
static const double most_square = 1e6;

static void add_outcome(void *context, double chance, double h, double weight) {
    moment *m = context;
    const double factor = m->problem->factor(m->problem, m->index, h);
    m->factor += chance * factor;
    m->square += chance * factor * factor;
    if (!m->unit->rule->define && m->unit->rule->weight) weight = m->unit->rule->weight(m->unit, m->a, h);
    if (weight != 0) m->weighted += chance * m->problem->slope(m->problem, m->index, h) * weight;
}

static moment moment_at(weir_definition define, const weir_unit *unit, const weir_problem *problem, size_t index,
                        double a) {
    moment m = {.unit = unit, .problem = problem, .index = index, .a = a};
    define(unit, a, add_outcome, &m);
    return m;
}

/// f'(a) from four values around it; the error is that of the fifth derivative.
static double derivative(double (*f)(void *context, double a), void *context, double a) {
    const double step = 1e-3;
    const double near = f(context, a + step) - f(context, a - step);
    return (8 * near - (f(context, a + 2 * step) - f(context, a - 2 * step))) / (12 * step);
}

typedef struct own_factor {
    weir_definition define;
    const weir_unit *unit;
    const weir_problem *problem;
    size_t index;
} own_factor;

static double factor_at(void *context, double a) {
    const own_factor *f = context;
    return moment_at(f->define, f->unit, f->problem, f->index, a).factor;
}

/// Adds, times a chance, the gradient of the mean loss of a definition's outcomes, or (weighted) the mean of w·∂L/∂h;
/// NaN where draws could not tell.
static void add_gradient(double *sum, double chance, weir_definition define, const weir_unit *unit,
                         const weir_problem *problem, bool weighted) {
    moment at[WEIR_PROBLEM_UNITS];
    for (size_t i = 0; i < problem->units; i++) at[i] = moment_at(define, unit, problem, i, problem->logits[i]);
    for (size_t i = 0; i < problem->units; i++) {
        own_factor f = {define, unit, problem, i};
        double product = weighted ? at[i].weighted : derivative(factor_at, &f, problem->logits[i]);
        for (size_t j = 0; j < problem->units; j++) product *= j != i ? at[j].factor : 1;
        sum[i] += at[i].square <= most_square * at[i].factor * at[i].factor ? chance * product : NAN;
    }
}

// ---- bounds: rules whose loss is −log (1/K) Σ_k exp(−L_k) ----------------------------------------------------------

enum { outcomes_most = 1 << WEIR_PROBLEM_UNITS };
static const double most_multisets = 5e5;

typedef struct bound {
    const weir_unit *unit;
    const weir_problem *problem;
    size_t samples, outcomes, moved;                     ///< moved: the unit whose pre-activation varies
    double chance[outcomes_most], weight[outcomes_most]; ///< of an outcome: P, and exp(−L)
} bound;

static void take_open(void *context, double chance, double h, double weight) {
    (void)weight;
    if (h != 0) *(double *)context += chance;
}

/// Sets P of every outcome of binary units, of which one is at a.
static void set_chances(bound *b, double a) {
    for (size_t s = 0; s < b->outcomes; s++) b->chance[s] = 1;
    for (size_t i = 0; i < b->problem->units; i++) {
        double p = 0;
        weir_unit_draw(b->unit)->define(b->unit, i == b->moved ? a : b->problem->logits[i], take_open, &p);
        for (size_t s = 0; s < b->outcomes; s++) b->chance[s] *= s >> i & 1 ? p : 1 - p;
    }
}

/// Over all multisets of samples: outcome s and those after it, `left` samples to go; ways: their probability and
/// orders so far.
static double over_multisets(const bound *b, size_t s, size_t left, double ways, double sum) {
    if (left == 0) return -ways * log(sum / (double)b->samples);
    if (s == b->outcomes) return 0;
    double total = 0;
    for (size_t n = 0; n <= left; n++) {
        total += over_multisets(b, s + 1, left - n, ways, sum + (double)n * b->weight[s]);
        ways *= b->chance[s] * (double)(left - n) / (double)(n + 1);
    }
    return total;
}

static double bound_at(void *context, double a) {
    bound *b = context;
    set_chances(b, a);
    return over_multisets(b, 0, b->samples, 1, 0);
}

/// False when there are too many multisets of samples.
static bool bound_gradient(double *gradient, const weir_unit *unit, const weir_problem *problem) {
    bound b = {.unit = unit,
               .problem = problem,
               .samples = weir_unit_groups(unit, problem->units, 1),
               .outcomes = (size_t)1 << problem->units};
    double multisets = 1;
    for (size_t k = 1; k < b.outcomes; k++) multisets *= (double)(b.samples + k) / (double)k;
    if (!(multisets <= most_multisets)) return false;
    for (size_t s = 0; s < b.outcomes; s++) {
        double loss = 1;
        for (size_t i = 0; i < problem->units; i++) loss *= problem->factor(problem, i, (double)(s >> i & 1));
        b.weight[s] = exp(-loss);
    }
    for (b.moved = 0; b.moved < problem->units; b.moved++)
        gradient[b.moved] = derivative(bound_at, &b, problem->logits[b.moved]);
    return true;
}

// ---- all of it -----------------------------------------------------------------------------------------------------

typedef struct mean_of {
    const weir_unit *unit;
    const weir_problem *problem;
} mean_of;

static double mean_loss(const void *context, const double *a) {
    const mean_of *m = context;
    double product = 1;
    for (size_t i = 0; i < m->problem->units; i++)
        product *= moment_at(weir_unit_draw(m->unit)->define, m->unit, m->problem, i, a[i]).factor;
    return product;
}

static void set_mean(weir_truth *truth, const weir_unit *unit, const weir_problem *problem) {
    const weir_rule *rule = unit->rule;
    const weir_definition define = rule->define ? rule->define : weir_unit_draw(unit)->define;
    const bool unbiased = rule->traits & WEIR_TRAIT_UNBIASED;
    weir_unit part = *unit;
    if (rule->expectation) {
        rule->expectation(unit, problem->units, problem->logits, mean_loss, &(mean_of){unit, problem}, truth->mean);
        return;
    }
    for (size_t k = 0; rule->mixture || k == 0; k++) {
        const double chance = rule->mixture ? rule->mixture(unit, k, &part) : 1;
        if (chance < 0) break;
        add_gradient(truth->mean, chance, define, &part, problem, !unbiased);
    }
}

static void set_gradient(weir_truth *truth, const weir_unit *unit, const weir_problem *problem) {
    weir_unit part = *unit;
    for (size_t k = 0; unit->rule->mixture || k == 0; k++) {
        const double chance = unit->rule->mixture ? unit->rule->mixture(unit, k, &part) : 1;
        if (chance < 0) break;
        add_gradient(truth->gradient, chance, weir_unit_draw(unit)->define, &part, problem, false);
    }
}

weir_truth weir_truth_of(const weir_unit *unit, const weir_problem *problem) {
    const weir_rule *rule = unit->rule;
    weir_truth truth = {.known = true};
    // outcomes of the rule's own, beside the draw of a finished network: unbiased for those, not for the draw
    truth.unbiased = (rule->traits & WEIR_TRAIT_UNBIASED) && !rule->define;
    if (rule->traits & WEIR_TRAIT_BOUND)
        truth.known = bound_gradient(truth.gradient, unit, problem);
    else
        set_gradient(&truth, unit, problem);
    if (truth.unbiased)
        memcpy(truth.mean, truth.gradient, sizeof truth.mean);
    else if (truth.known)
        set_mean(&truth, unit, problem);
    for (size_t i = 0; i < problem->units; i++)
        truth.known = truth.known && isfinite(truth.mean[i]) && isfinite(truth.gradient[i]);
    for (size_t i = 0; !truth.known && i < problem->units; i++) truth.mean[i] = truth.gradient[i] = 0;
    return truth;
}
