// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// ReinMax of categorical variables (Liu, Dong, Liu, Yu and Gao 2023, algorithm 2): twice the straight-through gradient
// at the mean π_D of softmax(a/τ) and the draw, less half of it at π = softmax(a). Of second order for τ = 1.
//
// estimate=rao: the first term as the Jacobian of relaxations given the draw, at pre-activations log π_D (ReinMax-Rao;
// Wang and Bui 2026). estimate=control-variate: ReinMax plus scale·(the mean of K such relaxations less one of them)
// (ReinMax-CV). Given the draw the added term has mean 0 and is independent of the rest, so that by itself it adds
// variance and moves no mean: so the definition here, and so the laboratory measures it.

#include "../core/math.h"
#include "categorical.h"

enum { temperature_index, estimate_index, relaxation_index, draws_index, scale_index };
enum { plain, rao, control_variate };

static const weir_parameter parameters[] = {
    [temperature_index] = {.name = "temperature",
                           .initial = 1,
                           .least = 0.01,
                           .greatest = 100,
                           .about = "of the distribution that the draw is averaged with, usually 1 to 1.5"},
    [estimate_index] = {.name = "estimate",
                        .greatest = control_variate,
                        .choices = "plain|rao|control-variate",
                        .about = "of the first term: at the midpoint, or by relaxations of it"},
    [relaxation_index] = {.name = "relaxation",
                          .initial = 0.7,
                          .least = 0.01,
                          .greatest = 100,
                          .about = "temperature of those relaxations"},
    [draws_index] = {.name = "draws",
                     .initial = 32,
                     .least = 1,
                     .greatest = 1000,
                     .about = "relaxations averaged per output (whole number)"},
    [scale_index] = {.name = "scale",
                     .initial = 1.5,
                     .least = -10,
                     .greatest = 10,
                     .about = "factor of the control variate, usually 0.1 to 2"},
};

/// π_D.
static void midpoint(float *m, const weir__variable *v) {
    const float inverse = 1 / (float)v->unit->values[temperature_index];
    for (size_t i = 0; i < v->size; i++) m[i] = v->a[i] * inverse;
    weir__softmax(m, m, v->size);
    for (size_t i = 0; i < v->size; i++) m[i] = 0.5f * (m[i] + v->h[i]);
}

/// to = the mean of K relaxations' gradients, less, for a control variate, the first of them.
static void relaxed(float *to, const weir__variable *v, const float *m, bool less_first) {
    float log_m[weir__variable_most], z[weir__variable_most], one[weir__variable_most];
    const size_t draws = (size_t)v->unit->values[draws_index], winner = weir__winner(v->h, v->size);
    const float inverse = 1 / (float)v->unit->values[relaxation_index];
    for (size_t i = 0; i < v->size; i++) {
        log_m[i] = weir__log(m[i] > 1e-37f ? m[i] : 1e-37f);
        to[i] = winner == v->size ? NAN : 0;
    }
    for (size_t k = 0; winner < v->size && k < draws; k++) {
        const float share = 1 / (float)draws - (less_first && k == 0 ? 1 : 0);
        weir__variable_given(v, log_m, winner, (uint16_t)(k + 1), z);
        weir__relaxed_pull(one, z, inverse, v->dh, v->size);
        for (size_t i = 0; i < v->size; i++) to[i] += share * one[i];
    }
}

static void backward_one(const weir__variable *v) {
    const int estimate = (int)v->unit->values[estimate_index];
    float p[weir__variable_most], m[weir__variable_most], first[weir__variable_most];
    weir__softmax(p, v->a, v->size);
    midpoint(m, v);
    weir__softmax_pull(v->da, p, v->dh, v->size);
    if (estimate == rao)
        relaxed(first, v, m, false);
    else
        weir__softmax_pull(first, m, v->dh, v->size);
    for (size_t i = 0; i < v->size; i++) v->da[i] = 2 * first[i] - 0.5f * v->da[i];
    if (estimate != control_variate) return;
    relaxed(first, v, m, true);
    for (size_t i = 0; i < v->size; i++) v->da[i] += (float)v->unit->values[scale_index] * first[i];
}
WEIR__BY_VARIABLES(backward, 8)

static void logs(const weir_unit *unit, const double *a, size_t winner, double *to) {
    const size_t size = weir_unit_variable(unit);
    weir__softmax_double(to, a, 1 / unit->values[temperature_index], size);
    for (size_t i = 0; i < size; i++) to[i] = log((to[i] + (i == winner)) / 2);
}

static void less_half(const weir_unit *unit, const double *a, double *w) {
    const size_t size = weir_unit_variable(unit);
    double p[weir__most_expected], half[weir__most_expected * weir__most_expected];
    weir__softmax_double(p, a, 1, size);
    weir__softmax_jacobian(half, p, 0.5, size);
    for (size_t k = 0; k < size * size; k++) w[k] = 2 * w[k] - half[k];
}

static void point(const weir_unit *unit, const double *a, const double *z, size_t winner, double *h, double *w) {
    (void)winner, (void)h;
    weir__relaxed_weights(w, z, 1 / unit->values[relaxation_index], weir_unit_variable(unit));
    less_half(unit, a, w);
}

typedef struct weighing {
    const weir_unit *unit;
    const double *a;
    weir_state visit;
    void *context;
} weighing;

static void weigh(void *context, double chance, const double *h, const double *weights) {
    const weighing *all = context;
    const size_t size = weir_unit_variable(all->unit);
    double m[weir__most_expected], w[weir__most_expected * weir__most_expected];
    (void)weights;
    weir__softmax_double(m, all->a, 1 / all->unit->values[temperature_index], size);
    for (size_t i = 0; i < size; i++) m[i] = (m[i] + h[i]) / 2;
    weir__softmax_jacobian(w, m, 1, size);
    less_half(all->unit, all->a, w);
    all->visit(all->context, chance, h, w);
}

static void states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    if (unit->values[estimate_index] == rao)
        weir__over_gumbels(unit, a, logs, point, visit, context);
    else
        weir__draw_one_of.states(unit, a, weigh, &(weighing){unit, a, visit, context});
}

static const weir_form forms[] = {
    {.text = ""},
    {.text = "temperature=1.3"},
    {.text = "estimate=rao"},
    {.text = "estimate=control-variate"},
};

const weir_rule weir__rule_reinmax_one_of = {
    .name = "reinmax",
    .summary = "straight-through of second order for categorical variables; relaxed and control-variate forms",
    .forward = "h = e_c, c ~ softmax(a)",
    .gradient = "∂L/∂a := [2J(½(softmax(a/τ) + h)) − ½J(softmax(a))]·∂L/∂h",
    .source = "Liu, Dong, Liu, Yu and Gao 2023 (arXiv 2304.08612), algorithm 2; Wang and Bui 2026 (arXiv 2603.08257)",
    .traits = weir__categorical,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &weir__draw_one_of,
    .backward = backward,
    .states = states,
    WEIR__FORMS,
};
