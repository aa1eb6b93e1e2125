// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gapped straight-through of categorical variables (Fan, Chi, Rudnicky and Ramadge 2022): the drawn class c is raised
// to the greatest pre-activation, the others are lowered until they lie a gap below it, and the gradient is that of
// softmax(z/τ) by z, without noise. GST-1.0 has the gap 1; GST-p (form=p) has −log(1 − π_c)/π_c, the mean distance of
// the drawn class's Gumbel score from a_c more than that of the others.

#include "../core/math.h"
#include "categorical.h"

enum { temperature_index, gap_index, form_index };
enum { fixed, by_p };

static const weir_parameter parameters[] = {
    [temperature_index] = {.name = "temperature",
                           .initial = 0.7,
                           .least = 0.01,
                           .greatest = 100,
                           .about = "of the relaxation, usually 0.5 to 1"},
    [gap_index] = {.name = "gap", .initial = 1, .least = 0, .greatest = 100, .about = "by which the drawn class wins"},
    [form_index] = {.name = "form",
                    .greatest = by_p,
                    .choices = "fixed|p",
                    .about = "fixed: the gap; p: −log(1 − π_c)/π_c of the drawn class c in its place"},
};

/// −log(1 − p)/p, of p from its odds and kept from 1 as the authors' code keeps it.
static double gap_of(double p) {
    const double most = 1 - 1e-5;
    return p > 1e-6 ? -log1p(-fmin(p, 1) * most) / (fmin(p, 1) * most) : 1;
}

static void backward_one(const weir__variable *v) {
    float z[weir__variable_most], p[weir__variable_most], top = v->a[0], gap = (float)v->unit->values[gap_index];
    const size_t c = weir__winner(v->h, v->size);
    if (v->unit->values[form_index] == by_p && c < v->size) {
        weir__softmax(p, v->a, v->size);
        gap = (float)gap_of((double)p[c]);
    }
    for (size_t i = 1; i < v->size; i++) top = v->a[i] > top ? v->a[i] : top;
    for (size_t i = 0; i < v->size; i++) z[i] = v->h[i] > 0 ? top : v->a[i] < top - gap ? v->a[i] : top - gap;
    weir__relaxed_pull(v->da, z, 1 / (float)v->unit->values[temperature_index], v->dh, v->size);
}
WEIR__BY_VARIABLES(backward, 4)

static void weights(const weir_unit *unit, const double *a, const double *h, double *w) {
    const size_t size = weir_unit_variable(unit);
    double top = -INFINITY, z[weir__most_expected], p[weir__most_expected], own = 0;
    weir__softmax_double(p, a, 1, size);
    for (size_t i = 0; i < size; i++) {
        top = fmax(top, a[i]);
        own += h[i] > 0 ? p[i] : 0;
    }
    const double gap = unit->values[form_index] == by_p ? gap_of(own) : unit->values[gap_index];
    for (size_t i = 0; i < size; i++) z[i] = h[i] > 0 ? top : fmin(a[i], top - gap);
    weir__relaxed_weights(w, z, 1 / unit->values[temperature_index], size);
}

static const weir_form forms[] = {{.text = ""}, {.text = "temperature=0.5,gap=2"}, {.text = "form=p"}};

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
