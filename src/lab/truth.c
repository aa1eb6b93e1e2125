// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What each rule ought to do on a problem, from its definition and not from its code.
//
// With L(h) = Π F_j(h_j) and independent variables, E L = Π E F over them, and a rule that gives Σ_j w_ij ∂L/∂h_j, j
// over the outputs of i's variable (for a variable of one output: multiplies ∂L/∂h_i by w_i), has the mean E[Σ_j w_ij
// F'_j(h_j)·Π_{l≠j} F_l(h_l)]·Π E F of the other variables.

#include <math.h>
#include <string.h>

#include <weir/lab.h>

/// Sums over the outcomes of one variable, of one output or of several: E F, E F², F the product of its factors, and
/// E[Σ_j w_ij·∂F/∂h_j] per output i.
typedef struct moment {
    const weir_unit *unit;
    const weir_problem *problem;
    size_t first, size;
    const double *a;
    bool finished; ///< outcomes are those of the draw, which the rule may weigh
    double factor, square, weighted[WEIR_PROBLEM_UNITS];
} moment;

/// Where E F² is more of (E F)² the variance of a factor does not exist, or no number of draws could tell.
static const double most_square = 1e6;

/// weights: [size][size], or NULL.
static void add_state(void *context, double chance, const double *h, const double *weights) {
    moment *m = context;
    double factor[WEIR_PROBLEM_UNITS], own[WEIR_PROBLEM_UNITS * WEIR_PROBLEM_UNITS], open[WEIR_PROBLEM_UNITS],
        product = 1;
    const weir_rule *rule = m->unit->rule;
    if (m->finished && rule->weighed) {
        memcpy(open, h, m->size * sizeof *open);
        rule->weighed(m->unit, m->a, open);
        h = open;
    }
    for (size_t j = 0; j < m->size; j++) product *= factor[j] = m->problem->factor(m->problem, m->first + j, h[j]);
    m->factor += chance * product;
    m->square += chance * product * product;
    if (!weights && m->size > 1 && rule->weights) {
        rule->weights(m->unit, m->a, h, own);
        weights = own;
    }
    for (size_t j = 0; weights && j < m->size; j++) {
        double slope = m->problem->slope(m->problem, m->first + j, h[j]);
        for (size_t l = 0; l < m->size; l++) slope *= l != j ? factor[l] : 1;
        for (size_t i = 0; i < m->size; i++) m->weighted[i] += chance * weights[i * m->size + j] * slope;
    }
}

static void add_outcome(void *context, double chance, double h, double weight) {
    const moment *m = context;
    if (!m->unit->rule->define && m->unit->rule->weight) weight = m->unit->rule->weight(m->unit, m->a[0], h);
    add_state(context, chance, &h, weight != 0 ? &weight : NULL);
}

/// What tells the outcomes of a variable: of one output, or of several.
typedef struct definition {
    weir_definition define;
    weir_states states;
} definition;

static definition definition_of(const weir_unit *unit) {
    const weir_draw *draw = weir_unit_draw(unit);
    return (definition){draw->define, draw->states};
}

/// Those of the rule where it says more than its draw.
static definition rule_definition_of(const weir_unit *unit) {
    const weir_rule *rule = unit->rule;
    if (rule->states && weir_unit_draw(unit)->states) return (definition){NULL, rule->states};
    return rule->define && weir_unit_draw(unit)->define ? (definition){rule->define, NULL} : definition_of(unit);
}

static moment moment_at(definition d, const weir_unit *unit, const weir_problem *problem, size_t first,
                        const double *a) {
    moment m = {.unit = unit,
                .problem = problem,
                .first = first,
                .size = weir_unit_variable(unit),
                .a = a,
                .finished = d.states == weir_unit_draw(unit)->states};
    if (d.states)
        d.states(unit, a, add_state, &m);
    else
        d.define(unit, a[0], add_outcome, &m);
    return m;
}

/// f'(a) from four values around it; the error is that of the fifth derivative.
static double derivative(double (*f)(void *context, double a), void *context, double a) {
    const double step = 1e-3;
    const double near = f(context, a + step) - f(context, a - step);
    return (8 * near - (f(context, a + 2 * step) - f(context, a - 2 * step))) / (12 * step);
}

typedef struct own_factor {
    definition definition;
    const weir_unit *unit;
    const weir_problem *problem;
    size_t first, moved; ///< of the variable; the output whose pre-activation varies
} own_factor;

static double factor_at(void *context, double a) {
    const own_factor *f = context;
    double own[WEIR_PROBLEM_UNITS];
    memcpy(own, f->problem->logits + f->first, weir_unit_variable(f->unit) * sizeof *own);
    own[f->moved] = a;
    return moment_at(f->definition, f->unit, f->problem, f->first, own).factor;
}

/// Adds, times a chance, the gradient of the mean loss of a definition's outcomes, or (weighted) the mean of w·∂L/∂h;
/// NaN where draws could not tell.
static void add_gradient(double *sum, double chance, definition d, const weir_unit *unit, const weir_problem *problem,
                         bool weighted) {
    const size_t size = weir_unit_variable(unit), variables = problem->units / size;
    moment at[WEIR_PROBLEM_UNITS];
    for (size_t v = 0; v < variables; v++) at[v] = moment_at(d, unit, problem, v * size, problem->logits + v * size);
    for (size_t i = 0; i < problem->units; i++) {
        const size_t v = i / size;
        own_factor f = {d, unit, problem, v * size, i % size};
        double product = weighted ? at[v].weighted[i % size] : derivative(factor_at, &f, problem->logits[i]);
        for (size_t w = 0; w < variables; w++) product *= w != v ? at[w].factor : 1;
        sum[i] += at[v].square <= most_square * at[v].factor * at[v].factor ? chance * product : NAN;
    }
}

// ---- bounds: rules whose loss is −log (1/K) Σ_k exp(−L_k) ----------------------------------------------------------

enum { outcomes_most = 256 };
static const double most_multisets = 5e5;

typedef struct bound {
    const weir_unit *unit;
    const weir_problem *problem;
    size_t samples, outcomes, moved;                     ///< moved: the unit whose pre-activation varies
    double chance[outcomes_most], weight[outcomes_most]; ///< of an outcome: P, and exp(−L)
} bound;

/// The outcomes of the variables so far, and those of the next one, which multiply them.
typedef struct joining {
    const weir_problem *problem;
    size_t first, size, before, added;
    double chance[outcomes_most], loss[outcomes_most];
    bool many;
} joining;

static void join_state(void *context, double chance, const double *h, const double *weights) {
    joining *j = context;
    double factor = 1;
    (void)weights;
    for (size_t i = 0; i < j->size; i++) factor *= j->problem->factor(j->problem, j->first + i, h[i]);
    // the outcomes before stand at the end until all of the variable's have been seen
    const size_t from = outcomes_most - j->before;
    j->many = j->many || j->added + j->before > from;
    for (size_t s = 0; s < j->before && !j->many; s++, j->added++) {
        j->chance[j->added] = j->chance[from + s] * chance;
        j->loss[j->added] = j->loss[from + s] * factor;
    }
}

static void join_outcome(void *context, double chance, double h, double weight) {
    (void)weight;
    join_state(context, chance, &h, NULL);
}

/// Sets P and exp(−L) of every outcome of the layer, of which one unit is at a. False: too many.
static bool set_outcomes(bound *b, double a) {
    const definition d = definition_of(b->unit);
    const size_t size = weir_unit_variable(b->unit);
    double own[WEIR_PROBLEM_UNITS];
    joining j = {.problem = b->problem, .size = size, .added = 1};
    j.chance[0] = j.loss[0] = 1;
    memcpy(own, b->problem->logits, sizeof own);
    own[b->moved] = a;
    for (j.first = 0; j.first < b->problem->units && !j.many; j.first += size) {
        j.before = j.added;
        j.added = 0;
        memmove(j.chance + outcomes_most - j.before, j.chance, j.before * sizeof *j.chance);
        memmove(j.loss + outcomes_most - j.before, j.loss, j.before * sizeof *j.loss);
        if (d.states)
            d.states(b->unit, own + j.first, join_state, &j);
        else
            d.define(b->unit, own[j.first], join_outcome, &j);
    }
    b->outcomes = j.added;
    for (size_t s = 0; s < b->outcomes; s++) {
        b->chance[s] = j.chance[s];
        b->weight[s] = exp(-j.loss[s]);
    }
    return !j.many;
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
    (void)set_outcomes(b, a); // as many as bound_gradient has found
    return over_multisets(b, 0, b->samples, 1, 0);
}

/// False when there are too many multisets of samples.
static bool bound_gradient(double *gradient, const weir_unit *unit, const weir_problem *problem) {
    bound b = {.unit = unit, .problem = problem, .samples = weir_unit_groups(unit, problem->units, 1)};
    double multisets = 1;
    if (!set_outcomes(&b, problem->logits[0])) return false;
    for (size_t k = 1; k < b.outcomes; k++) multisets *= (double)(b.samples + k) / (double)k;
    if (!(multisets <= most_multisets)) return false;
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
    for (size_t i = 0; i < m->problem->units; i += weir_unit_variable(m->unit))
        product *= moment_at(definition_of(m->unit), m->unit, m->problem, i, a + i).factor;
    return product;
}

/// Outputs of the layer, variable after variable, for estimates that are no linear function of ∂L/∂h.
typedef struct layer_outcome {
    const weir_unit *unit;
    const weir_problem *problem;
    size_t first; ///< output of the next variable
    double chance, h[WEIR_PROBLEM_UNITS], *sum;
} layer_outcome;

static void add_given(layer_outcome *o) {
    const weir_problem *problem = o->problem;
    const size_t size = weir_unit_variable(o->unit);
    double dh[WEIR_PROBLEM_UNITS], mean[WEIR_PROBLEM_UNITS];
    for (size_t i = 0; i < problem->units; i++) {
        dh[i] = problem->slope(problem, i, o->h[i]);
        for (size_t l = 0; l < problem->units; l++) dh[i] *= l != i ? problem->factor(problem, l, o->h[l]) : 1;
    }
    for (size_t first = 0; first < problem->units; first += size)
        o->unit->rule->given(o->unit, problem->logits + first, o->h + first, dh + first, mean + first);
    for (size_t i = 0; i < problem->units; i++) o->sum[i] += o->chance * mean[i];
}

static void over_layer(layer_outcome *o);

static void add_variable(void *context, double chance, const double *h, const double *weights) {
    layer_outcome next = *(layer_outcome *)context;
    const size_t size = weir_unit_variable(next.unit);
    (void)weights;
    memcpy(next.h + next.first, h, size * sizeof *h);
    next.first += size;
    next.chance *= chance;
    over_layer(&next);
}

static void over_layer(layer_outcome *o) {
    if (o->first == o->problem->units)
        add_given(o);
    else
        weir_unit_draw(o->unit)->states(o->unit, o->problem->logits + o->first, add_variable, o);
}

static void set_mean(weir_truth *truth, const weir_unit *unit, const weir_problem *problem) {
    const weir_rule *rule = unit->rule;
    const definition define = rule_definition_of(unit);
    const bool unbiased = rule->traits & WEIR_TRAIT_UNBIASED;
    weir_unit part = *unit;
    if (rule->expectation) {
        rule->expectation(unit, problem->units, problem->logits, mean_loss, &(mean_of){unit, problem}, truth->mean);
        return;
    }
    if (rule->given) {
        over_layer(&(layer_outcome){.unit = unit, .problem = problem, .chance = 1, .sum = truth->mean});
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
        add_gradient(truth->gradient, chance, definition_of(unit), &part, problem, false);
    }
}

weir_truth weir_truth_of(const weir_unit *unit, const weir_problem *problem) {
    const weir_rule *rule = unit->rule;
    weir_truth truth = {.known = true};
    // outcomes of the rule's own, beside the draw of a finished network: unbiased for those, not for the draw
    truth.unbiased = (rule->traits & WEIR_TRAIT_UNBIASED) && !rule->define && !rule->states;
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
