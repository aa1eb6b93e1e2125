// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Half straight-through at the mean, half DARN of categorical variables: the limit of Gumbel-Rao at temperature 0
// (Shekhovtsov 2023, ZGR). With J = diag π − π πᵀ and the draw c,
//   ∂L/∂a := ½[J·∂L/∂h + (e_c − π)·(e_c − π)·∂L/∂h].
// Exact for losses of second order, as ReinMax is, and for two outputs the rule half of binary units.

#include "../core/math.h"
#include "categorical.h"

static void backward_one(const weir__variable *v) {
    const size_t c = weir__winner(v->h, v->size);
    float p[weir__variable_most], mean = 0;
    weir__softmax(p, v->a, v->size);
    for (size_t i = 0; i < v->size; i++) mean += p[i] * v->dh[i];
    const float off = c < v->size ? v->dh[c] - mean : NAN;
    for (size_t i = 0; i < v->size; i++) v->da[i] = 0.5f * (p[i] * (v->dh[i] - mean) + ((i == c ? 1 : 0) - p[i]) * off);
}
WEIR__BY_VARIABLES(backward, 4)

static void weights(const weir_unit *unit, const double *a, const double *h, double *w) {
    const size_t size = weir_unit_variable(unit);
    double p[weir__most_expected];
    weir__softmax_double(p, a, 1, size);
    weir__softmax_jacobian(w, p, 0.5, size);
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++) w[i * size + j] += 0.5 * (h[i] - p[i]) * (h[j] - p[j]);
}

static const weir_form forms[] = {{.text = ""}};

const weir_rule weir__rule_half_one_of = {
    .name = "half",
    .summary =
        "categorical variables: half straight-through, half DARN, the limit of gumbel-rao without temperature (ZGR)",
    .forward = "h = e_c, c ~ softmax(a)",
    .gradient = "∂L/∂a := ½J·∂L/∂h + ½(h − π)·(h − π)·∂L/∂h",
    .source = "Shekhovtsov 2023 (arXiv 2208.11135), ZGR; Gregor et al. 2014 (arXiv 1310.8499)",
    .traits = weir__categorical,
    .evaluations = 1,
    .gradients = 1,
    .draw = &weir__draw_one_of,
    .backward = backward,
    .weights = weights,
    WEIR__FORMS,
};
