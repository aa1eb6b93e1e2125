// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The unordered set estimator (Kool, van Hoof and Welling 2020, eq. 13): for each variable a set S of K distinct
// outcomes drawn from their probabilities P without replacement, the loss with each of them chosen and the other
// variables at one common draw, and
//   g = Σ_{s ∈ S} ∇P_s·R(S, s)·(L_s − Σ_{t ∈ S} P_t R'(S, s, t) L_t),
//   R(S, s) = P_{D∖s}(S∖s)/P_D(S),  R'(S, s, t) = P_{D∖{s,t}}(S∖{s,t})/P_{D∖s}(S∖s), R'(S, s, s) = 1,
// P_D(S) the chance that |S| draws without replacement from D are S in any order. Σ_s P_s R(S, s) L_s estimates E L:
// what the parameters after the units learn from. V variables take V·K evaluations. An outcome is one of C for
// categorical variables; for subsets it is a whole subset of k outputs, of which there are C(n, k): K distinct subsets.
//
// K = 1 leaves no second member to estimate the mean by, and eq. 13 is then biased (enumeration: by 0.21 of a gradient
// of 0.6 on the laboratory's two variables of three): K is at least 2.

#include "../core/core.h"
#include "../core/math.h"
#include "categorical.h"

enum { samples_index };
enum { most_samples = 8, most_outcomes = weir__variable_most };

static const weir_parameter parameters[] = {
    [samples_index] = {.name = "samples",
                       .initial = 2,
                       .least = 2,
                       .greatest = most_samples,
                       .about = "K: distinct outcomes tried of a variable, at most all of them (whole number)"},
};

/// P(S) from the weights of its members and the sum of all others: over the sets drawn so far.
static double set_chance(const double *members, size_t k, double outside) {
    double f[1 << most_samples] = {1};
    for (size_t t = 1; t < (size_t)1 << k; t++) {
        f[t] = 0;
        for (size_t j = 0; j < k; j++) {
            if (!(t >> j & 1)) continue;
            double left = outside;
            for (size_t l = 0; l < k; l++) left += (t ^ (size_t)1 << j) >> l & 1 ? 0 : members[l];
            f[t] += f[t ^ (size_t)1 << j] * members[j] / left;
        }
    }
    return f[((size_t)1 << k) - 1];
}

static size_t outcomes_of(const weir_unit *unit) {
    const size_t count = weir_unit_draw(unit)->outcomes(unit);
    return count <= most_outcomes ? count : 0;
}

static size_t samples_of(const weir_unit *unit) {
    const size_t k = (size_t)unit->values[samples_index], count = outcomes_of(unit);
    return k < count ? k : count;
}

static weir_status check(const weir_unit *unit, weir_error *error) {
    if (weir_unit_variable(unit) == 0 || outcomes_of(unit) > 0) return WEIR_OK;
    return weir__fail(error, WEIR_UNSUPPORTED, "unordered-set: a variable of too many outcomes; expected at most %d",
                      most_outcomes);
}

static size_t groups(const weir_unit *unit, size_t units, size_t layers) {
    (void)layers;
    return units / weir_unit_variable(unit) * samples_of(unit);
}

/// P_s R(S, s) of every evaluation.
static size_t saved_count(const weir_unit *unit, size_t rows, size_t units) { return groups(unit, units, 1) * rows; }

/// The chances of all outcomes of a variable.
static void find_chances(double *p, const weir__variable *v, size_t count) {
    const weir_draw *draw = weir_unit_draw(v->unit);
    float soft[weir__variable_most];
    if (draw == &weir__draw_one_of) {
        weir__softmax(soft, v->a, v->size);
        for (size_t i = 0; i < count; i++) p[i] = (double)soft[i];
        return;
    }
    for (size_t o = 0; o < count; o++) {
        draw->outcome(v->unit, o, soft);
        p[o] = draw->chance(v->unit, v->a, soft);
    }
}

/// The outcomes that are chosen, in their order, and what of the others is left.
typedef struct chosen {
    size_t count, outcome[most_samples];
    double p[most_samples], outside;
    bool known; ///< not so where pre-activations are NaN
} chosen;

/// Of log P + Gumbel noise the K greatest; noise of outcome o: that of output o % C of the draw 1 + o / C.
static void choose(chosen *c, const weir__variable *v) {
    const size_t count = outcomes_of(v->unit);
    double p[most_outcomes], sum = 0;
    float z[most_outcomes] = {0}, set[most_outcomes], u[weir__variable_most];
    find_chances(p, v, count);
    for (size_t o = 0; o < count; o++) {
        if (o % v->size == 0) weir__variable_uniform(v, (uint16_t)(1 + o / v->size), u);
        z[o] = weir__log((float)fmax(p[o], 1e-37)) - weir__log(-weir__log(u[o % v->size]));
        sum += p[o];
    }
    *c = (chosen){.count = samples_of(v->unit), .known = isfinite(sum)};
    if (!c->known) return;
    weir__top(set, z, count, c->count);
    for (size_t o = 0, k = 0; o < count; o++) {
        if (set[o] == 1) {
            c->outcome[k] = o;
            c->p[k++] = fmax(p[o], 1e-37);
        } else {
            c->outside += p[o];
        }
    }
}

/// The members of a set but one or two of them.
static double chance_without(const chosen *c, size_t s, size_t t) {
    double left[most_samples];
    size_t count = 0;
    for (size_t k = 0; k < c->count; k++)
        if (k != s && k != t) left[count++] = c->p[k];
    return set_chance(left, count, c->outside);
}

static size_t first_group(const weir__variable *v) { return v->first / v->size * samples_of(v->unit); }

static void sample_one(const weir__variable *v) {
    const size_t group = first_group(v), rows = v->batch->rows, stride = rows * v->batch->units;
    chosen c;
    choose(&c, v);
    // the common draw, which the first group has from sample(), in all groups of other variables
    for (size_t g = 1; g < v->batch->groups; g++) memcpy(v->h + g * stride, v->h, v->size * sizeof *v->h);
    const double whole = set_chance(c.p, c.count, c.outside);
    for (size_t k = 0; k < c.count; k++) {
        float *h = v->h + (group + k) * stride;
        if (c.known) weir_unit_draw(v->unit)->outcome(v->unit, c.outcome[k], h);
        for (size_t i = 0; !c.known && i < v->size; i++) h[i] = NAN;
        v->batch->saved[(group + k) * rows + v->row] =
            c.known ? (float)(c.p[k] * chance_without(&c, k, k) / whole) : NAN;
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir_unit_draw(unit)->sample(unit, batch);
    weir__each_variable(unit, batch, 4 * batch->groups, sample_one);
}

static void backward_one(const weir__variable *v) {
    const size_t group = first_group(v), rows = v->batch->rows, stride = rows * v->batch->units;
    const float *losses = v->batch->loss + v->row;
    float score[weir__variable_most];
    chosen c;
    choose(&c, v);
    for (size_t i = 0; i < v->size; i++) v->da[i] = c.known ? 0 : NAN;
    for (size_t s = 0; c.known && s < c.count; s++) {
        const double own = chance_without(&c, s, s);
        double mean = 0;
        for (size_t t = 0; t < c.count; t++) {
            const double ratio = t == s ? 1 : chance_without(&c, s, t) / own;
            mean += c.p[t] * ratio * (double)losses[(group + t) * rows];
        }
        const double share = (double)v->batch->saved[(group + s) * rows + v->row];
        const float signal = v->batch->row_weight * (float)(share * ((double)losses[(group + s) * rows] - mean));
        weir_unit_draw(v->unit)->score(v->unit, v->size, v->a, v->h + (group + s) * stride, score);
        for (size_t i = 0; i < v->size; i++) v->da[i] += signal * score[i];
    }
}
WEIR__BY_VARIABLES(backward, 16)

static void merge(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights) {
    const float share = (float)weir_unit_variable(unit) / (float)batch->units; // one estimate per variable
    for (size_t row = 0; row < batch->rows; row++) loss[row] = 0;
    for (size_t k = 0; k < batch->groups * batch->rows; k++) {
        weights[k] = share * batch->saved[k];
        loss[k % batch->rows] += weights[k] * batch->loss[k];
    }
}

static const weir_form forms[] = {
    {.text = ""}, {.text = "samples=3"}, {.text = "draw=k-subset"}, {.text = "samples=3,draw=gumbel-top-k"}};

const weir_rule weir__rule_unordered_set = {
    .name = "unordered-set",
    .summary = "K distinct outcomes of each variable, one of C or subsets, drawn without replacement",
    .forward = "h: in turn each of K outcomes drawn without replacement, the other variables drawn",
    .gradient = "∂L/∂a ~ Σ_s ∇P_s R(S, s)(L_s − Σ_t P_t R'(S, s, t) L_t)",
    .source = "Kool, van Hoof and Welling 2020 (arXiv 2002.06043), eq. 13",
    .traits = weir__by_score,
    .cost = "V·K",
    WEIR__PARAMETERS,
    .draw = &weir__draw_one_of,
    .draws = WEIR_DRAW_OUTCOMES,
    .check = check,
    .sample = sample,
    .backward = backward,
    .groups = groups,
    .merge = merge,
    .saved_count = saved_count,
    WEIR__FORMS,
};
