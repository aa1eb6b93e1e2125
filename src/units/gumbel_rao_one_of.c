// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Rao-Blackwellised straight-through Gumbel-softmax of categorical variables, GR-MC with K draws: the gradient of
// st-gumbel averaged over K relaxations drawn given the output. Its mean is that of st-gumbel.

#include "../core/math.h"
#include "categorical.h"

enum { temperature_index, draws_index };

static const weir_parameter parameters[] = {
    [temperature_index] = {.name = "temperature",
                           .initial = 0.5,
                           .least = 0.01,
                           .greatest = 100,
                           .about = "of the relaxation, usually 0.1 to 1"},
    [draws_index] = {.name = "draws",
                     .initial = 10,
                     .least = 1,
                     .greatest = 1000,
                     .about = "relaxations averaged per output, usually 10 to 100 (whole number)"},
};

static void backward_one(const weir__variable *v) {
    float z[weir__variable_most], one[weir__variable_most];
    const size_t draws = (size_t)v->unit->values[draws_index], winner = weir__winner(v->h, v->size);
    const float inverse = 1 / (float)v->unit->values[temperature_index];
    for (size_t i = 0; i < v->size; i++) v->da[i] = winner == v->size ? NAN : 0;
    for (size_t k = 0; winner < v->size && k < draws; k++) {
        weir__variable_given(v, v->a, winner, (uint16_t)(k + 1), z);
        weir__relaxed_pull(one, z, inverse, v->dh, v->size);
        for (size_t i = 0; i < v->size; i++) v->da[i] += one[i] / (float)draws;
    }
}
WEIR__BY_VARIABLES(backward, 8 * (size_t)unit->values[draws_index])

static void point(const weir_unit *unit, const double *a, const double *z, size_t winner, double *h, double *w) {
    (void)a, (void)winner, (void)h;
    weir__relaxed_weights(w, z, 1 / unit->values[temperature_index], weir_unit_variable(unit));
}

static void states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    weir__over_gumbels(unit, a, NULL, point, visit, context);
}

static const weir_form forms[] = {{.text = ""}, {.text = "temperature=1,draws=3"}};

const weir_rule weir__rule_gumbel_rao_one_of = {
    .name = "gumbel-rao",
    .summary = "straight-through Gumbel-softmax of categorical variables, averaged over K relaxations of the output",
    .forward = "h = e_c, c ~ softmax(a)",
    .gradient = "∂L/∂a := mean over k of J(y_k)·∂L/∂h/τ, y_k = softmax(z_k/τ), z_k = a + Gumbel noise given h",
    .source = "Paulus, Maddison and Krause 2021 (arXiv 2010.04838), eq. 8 and 9",
    .traits = weir__categorical,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &weir__draw_one_of,
    .backward = backward,
    .states = states,
    WEIR__FORMS,
};
