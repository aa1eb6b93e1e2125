// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gapped straight-through of categorical variables, GST-1.0 (Fan, Chi, Rudnicky and Ramadge 2022): the drawn class is
// raised to the greatest pre-activation, the others are lowered until they lie a gap below it, and the gradient is that
// of softmax(z/τ) by z, without noise.

#include "../core/math.h"
#include "categorical.h"

enum { temperature_index, gap_index };

static const weir_parameter parameters[] = {
    [temperature_index] = {.name = "temperature",
                           .initial = 0.7,
                           .least = 0.01,
                           .greatest = 100,
                           .about = "of the relaxation, usually 0.5 to 1"},
    [gap_index] = {.name = "gap", .initial = 1, .least = 0, .greatest = 100, .about = "by which the drawn class wins"},
};

static void backward_one(const weir__variable *v) {
    const float gap = (float)v->unit->values[gap_index];
    float z[weir__variable_most], top = v->a[0];
    for (size_t i = 1; i < v->size; i++) top = v->a[i] > top ? v->a[i] : top;
    for (size_t i = 0; i < v->size; i++) z[i] = v->h[i] > 0 ? top : v->a[i] < top - gap ? v->a[i] : top - gap;
    weir__relaxed_pull(v->da, z, 1 / (float)v->unit->values[temperature_index], v->dh, v->size);
}
WEIR__BY_VARIABLES(backward, 4)

static void weights(const weir_unit *unit, const double *a, const double *h, double *w) {
    const size_t size = weir_unit_variable(unit);
    double top = -INFINITY, z[weir__most_expected];
    for (size_t i = 0; i < size; i++) top = fmax(top, a[i]);
    for (size_t i = 0; i < size; i++) z[i] = h[i] > 0 ? top : fmin(a[i], top - unit->values[gap_index]);
    weir__relaxed_weights(w, z, 1 / unit->values[temperature_index], size);
}

static const weir_form forms[] = {{.text = ""}, {.text = "temperature=0.5,gap=2"}};

const weir_rule weir__rule_gapped_st_one_of = {
    .name = "gapped-straight-through",
    .summary = "straight-through Gumbel-softmax of categorical variables without noise: the drawn class wins by a gap",
    .forward = "h = e_c, c ~ softmax(a)",
    .gradient = "∂L/∂a := J(softmax(z/τ))·∂L/∂h/τ, z_c = max a, z_j = min(a_j, max a − gap)",
    .source = "Fan, Chi, Rudnicky and Ramadge 2022 (arXiv 2206.07235), section 3",
    .traits = weir__categorical,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &weir__draw_one_of,
    .backward = backward,
    .weights = weights,
    WEIR__FORMS,
};
