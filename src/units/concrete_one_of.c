// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gumbel-softmax, the categorical Concrete distribution: relaxed in training, one output of 1 in a finished network.

#include "../core/math.h"
#include "categorical.h"
#include "temperature.h"

static const weir_parameter parameters[] = {WEIR__TEMPERATURE_PARAMETERS};

static void sample_one(const weir__variable *v) {
    const float inverse = weir__inverse_temperature(v->unit, v->batch);
    weir__variable_gumbel(v, 0, 1, v->saved);
    for (size_t i = 0; i < v->size; i++) v->saved[i] *= inverse;
    weir__softmax(v->h, v->saved, v->size);
}
WEIR__BY_VARIABLES(sample, 4)

static void backward_one(const weir__variable *v) {
    const float inverse = weir__inverse_temperature(v->unit, v->batch);
    weir__softmax_pull(v->da, v->h, v->dh, v->size);
    for (size_t i = 0; i < v->size; i++) v->da[i] *= inverse;
}
WEIR__BY_VARIABLES(backward, 1)

static void point(const weir_unit *unit, const double *a, const double *z, size_t winner, double *h, double *w) {
    (void)a, (void)winner, (void)w;
    weir__softmax_double(h, z, 1 / unit->values[weir__temperature_index], weir_unit_variable(unit));
}

static void states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    weir__over_gumbels(unit, a, NULL, point, visit, context);
}

static const weir_form forms[] = {{.text = ""}, {.text = "temperature=0.5"}};

const weir_rule weir__rule_concrete_one_of = {
    .name = "concrete",
    .summary = "Gumbel-softmax of categorical variables: relaxed in training, one of C at test time",
    .forward = "h = softmax((a + Gumbel noise)/τ)",
    .gradient = "∂L/∂a = J(h)·∂L/∂h/τ, J(h) = diag h − h hᵀ",
    .source = "Maddison, Mnih and Teh 2017 (arXiv 1611.00712); Jang, Gu and Poole 2017 (arXiv 1611.01144)",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_SPARSE | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_PATHWISE |
              WEIR_TRAIT_USES_DH | WEIR_TRAIT_ANNEALED,
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
