// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Straight-through of categorical variables with one temperature for the draw, which is that of the draw
// tempered-one-of, and one for the gradient (Shah, Yan, Mozer and Liu 2024).

#include "../core/math.h"
#include "categorical.h"

enum { backward_index };

static const weir_parameter parameters[] = {
    [backward_index] =
        {.name = "backward", .initial = 1, .least = 0.01, .greatest = 100, .about = "temperature of the gradient"},
};

static void backward_one(const weir__variable *v) {
    weir__relaxed_pull(v->da, v->a, 1 / (float)v->unit->values[backward_index], v->dh, v->size);
}
WEIR__BY_VARIABLES(backward, 4)

static void weights(const weir_unit *unit, const double *a, const double *h, double *w) {
    (void)h;
    weir__relaxed_weights(w, a, 1 / unit->values[backward_index], weir_unit_variable(unit));
}

static const weir_form forms[] = {
    {.text = ""}, {.text = "backward=0.5,draw=tempered-one-of,temperature=1.5"}, {.text = "draw=one-of"}};

extern const weir_draw weir__draw_tempered_one_of;

const weir_rule weir__rule_decoupled_st_one_of = {
    .name = "decoupled-straight-through",
    .summary = "straight-through of categorical variables, one temperature for the draw and one for the gradient",
    .forward = "h = e_c, c ~ softmax(a/τ_f)",
    .gradient = "∂L/∂a := J(softmax(a/τ_b))·∂L/∂h/τ_b",
    .source = "Shah, Yan, Mozer and Liu 2024 (arXiv 2410.13331)",
    .traits = weir__categorical,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &weir__draw_tempered_one_of,
    .draws = WEIR_DRAW_ONE_OF,
    .backward = backward,
    .weights = weights,
    WEIR__FORMS,
};
