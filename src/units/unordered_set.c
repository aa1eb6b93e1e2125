// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The unordered set estimator of categorical variables (Kool, van Hoof and Welling 2020, eq. 13): for each variable a
// set S of K distinct outputs drawn from π without replacement, the loss with each of them chosen and the other
// variables at one common draw, and
//   g = Σ_{s ∈ S} ∇π_s·R(S, s)·(L_s − Σ_{t ∈ S} π_t R'(S, s, t) L_t),
//   R(S, s) = P_{D∖s}(S∖s)/P_D(S),  R'(S, s, t) = P_{D∖{s,t}}(S∖{s,t})/P_{D∖s}(S∖s), R'(S, s, s) = 1,
// P_D(S) the chance that |S| draws without replacement from D are S in any order. Σ_s π_s R(S, s) L_s estimates E L:
// what the parameters after the units learn from. V variables take V·K evaluations.
//
// K = 1 leaves no second member to estimate the mean by, and eq. 13 is then biased (enumeration: by 0.21 of a gradient
// of 0.6 on the laboratory's two variables of three): K is at least 2.

#include "../core/math.h"
#include "categorical.h"

enum { samples_index };
enum { most_samples = 8 };

static const weir_parameter parameters[] = {
    [samples_index] = {.name = "samples",
                       .initial = 2,
                       .least = 2,
                       .greatest = most_samples,
                       .about = "K: distinct outputs tried of a variable, at most all of them (whole number)"},
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

static size_t samples_of(const weir_unit *unit) {
    const size_t k = (size_t)unit->values[samples_index], size = weir_unit_variable(unit);
    return k < size ? k : size;
}

static size_t groups(const weir_unit *unit, size_t units, size_t layers) {
    (void)layers;
    return units / weir_unit_variable(unit) * samples_of(unit);
}

/// π_s R(S, s) of every evaluation.
static size_t saved_count(const weir_unit *unit, size_t rows, size_t units) { return groups(unit, units, 1) * rows; }

/// The chosen output of each of a variable's groups, their weights, and the sum of the others'.
typedef struct chosen {
    size_t count, output[most_samples];
    double weight[most_samples], outside, all;
} chosen;

static void find_chosen(chosen *c, const weir__variable *v) {
    const size_t group = v->first / v->size * samples_of(v->unit), stride = v->batch->rows * v->batch->units;
    double top = -INFINITY;
    c->count = samples_of(v->unit);
    c->outside = c->all = 0;
    for (size_t i = 0; i < v->size; i++) top = fmax(top, (double)v->a[i]);
    for (size_t k = 0; k < c->count; k++) {
        const size_t o = weir__winner(v->h + (group + k) * stride, v->size);
        c->output[k] = o < v->size ? o : 0;
        c->weight[k] = o < v->size ? exp(fmax((double)v->a[o] - top, -600)) : NAN;
    }
    for (size_t i = 0; i < v->size; i++) {
        const double w = exp(fmax((double)v->a[i] - top, -600));
        bool inside = false;
        for (size_t k = 0; k < c->count; k++) inside = inside || c->output[k] == i;
        c->all += w;
        c->outside += inside ? 0 : w;
    }
}

/// The members of a set but one or two of them.
static double chance_without(const chosen *c, size_t s, size_t t) {
    double left[most_samples];
    size_t count = 0;
    for (size_t k = 0; k < c->count; k++)
        if (k != s && k != t) left[count++] = c->weight[k];
    return set_chance(left, count, c->outside);
}

static void sample_one(const weir__variable *v) {
    float z[weir__variable_most], set[weir__variable_most];
    const size_t per = samples_of(v->unit), group = v->first / v->size * per;
    const size_t stride = v->batch->rows * v->batch->units, all = v->batch->groups;
    chosen c;
    weir__variable_gumbel(v, 1, 1, z);
    weir__top(set, z, v->size, per);
    // the common draw, which the first group has from sample(), in all groups of other variables
    for (size_t g = 1; g < all; g++) memcpy(v->h + g * stride, v->h, v->size * sizeof *v->h);
    for (size_t k = 0, o = 0; k < per; k++, o++) {
        float *h = v->h + (group + k) * stride;
        while (o < v->size && set[o] == 0) o++;
        for (size_t i = 0; i < v->size; i++) h[i] = isnan(set[i]) ? NAN : i == o;
    }
    find_chosen(&c, v);
    const double whole = set_chance(c.weight, c.count, c.outside);
    for (size_t k = 0; k < per; k++)
        v->batch->saved[(group + k) * v->batch->rows + v->row] =
            (float)(c.weight[k] / c.all * chance_without(&c, k, k) / whole);
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir_unit_draw(unit)->sample(unit, batch);
    weir__each_variable(unit, batch, 4 * batch->groups, sample_one);
}

static void backward_one(const weir__variable *v) {
    const size_t per = samples_of(v->unit), group = v->first / v->size * per, rows = v->batch->rows;
    float p[weir__variable_most];
    double moved[weir__variable_most] = {0}, sum = 0;
    chosen c;
    find_chosen(&c, v);
    weir__softmax(p, v->a, v->size);
    for (size_t s = 0; s < per; s++) {
        const double own = chance_without(&c, s, s);
        double mean = 0;
        for (size_t t = 0; t < per; t++) {
            const double ratio = t == s ? 1 : chance_without(&c, s, t) / own;
            mean += c.weight[t] / c.all * ratio * (double)v->batch->loss[(group + t) * rows + v->row];
        }
        const size_t at = (group + s) * rows + v->row;
        const double signal = (double)v->batch->saved[at] * ((double)v->batch->loss[at] - mean);
        moved[c.output[s]] += signal;
        sum += signal;
    }
    for (size_t i = 0; i < v->size; i++) v->da[i] = v->batch->row_weight * (float)(moved[i] - (double)p[i] * sum);
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

static const weir_form forms[] = {{.text = ""}, {.text = "samples=3"}};

const weir_rule weir__rule_unordered_set = {
    .name = "unordered-set",
    .summary = "categorical variables, K distinct outputs of each, drawn without replacement",
    .forward = "h: in turn each of K outputs drawn from softmax(a) without replacement, the other variables drawn",
    .gradient = "∂L/∂a ~ Σ_s ∇π_s R(S, s)(L_s − Σ_t π_t R'(S, s, t) L_t)",
    .source = "Kool, van Hoof and Welling 2020 (arXiv 2002.06043), eq. 13",
    .traits = weir__by_score,
    .cost = "V·K",
    WEIR__PARAMETERS,
    .draw = &weir__draw_one_of,
    .sample = sample,
    .backward = backward,
    .groups = groups,
    .merge = merge,
    .saved_count = saved_count,
    WEIR__FORMS,
};
