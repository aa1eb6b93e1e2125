// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Straight-through Gumbel-softmax of categorical variables: forward the greatest of a + Gumbel noise, backward the
// derivative of softmax((a + noise)/τ). For two outputs it is st-gumbel of the difference of their pre-activations.

#include "../core/math.h"
#include "categorical.h"
#include "temperature.h"

static const weir_parameter parameters[] = {WEIR__TEMPERATURE_PARAMETERS};

static void sample_one(const weir__variable *v) {
    weir__variable_gumbel(v, 0, 1, v->saved);
    weir__top(v->h, v->saved, v->size, 1);
}
WEIR__BY_VARIABLES(sample, 4)

static void backward_one(const weir__variable *v) {
    weir__relaxed_pull(v->da, v->saved, weir__inverse_temperature(v->unit, v->batch), v->dh, v->size);
}
WEIR__BY_VARIABLES(backward, 4)

static void point(const weir_unit *unit, const double *a, const double *z, size_t winner, double *h, double *w) {
    (void)a, (void)winner, (void)h;
    weir__relaxed_weights(w, z, 1 / unit->values[weir__temperature_index], weir_unit_variable(unit));
}

static void states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    weir__over_gumbels(unit, a, NULL, point, visit, context);
}

static const weir_form forms[] = {{.text = ""}, {.text = "temperature=0.5"}};

const weir_rule weir__rule_st_gumbel_one_of = {
    .name = "st-gumbel",
    .summary = "straight-through Gumbel-softmax of categorical variables",
    .forward = "h = 1 at the greatest of z = a + Gumbel noise",
    .gradient = "∂L/∂a := J(y)·∂L/∂h/τ, y = softmax(z/τ), J(y) = diag y − y yᵀ",
    .source = "Jang, Gu and Poole 2017 (arXiv 1611.01144), section 2.2",
    .traits = weir__categorical | WEIR_TRAIT_ANNEALED,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .saved = 1,
    .draw = &weir__draw_one_of,
    .sample = sample,
    .backward = backward,
    .states = states,
    WEIR__FORMS,
};
