// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// DenseMixer (Yao et al. 2025): forward a mixture of the open experts weighed by the softmax over all, backward as if
// every expert were open, so that closed ones teach the router, too: the choice is passed straight through. It needs
// ∂L/∂h of closed gates (`closed: all` of gated layers).

#include "../core/math.h"
#include "categorical.h"

static void weigh_one(const weir__variable *v) {
    float p[weir__variable_most];
    weir__softmax(p, v->a, v->size);
    for (size_t i = 0; i < v->size; i++) v->h[i] *= p[i];
}
WEIR__BY_VARIABLES(weigh, 3)

static void backward_one(const weir__variable *v) { weir__relaxed_pull(v->da, v->a, 1, v->dh, v->size); }
WEIR__BY_VARIABLES(backward, 3)

static void weighed(const weir_unit *unit, const double *a, double *h) {
    double p[weir__most_expected];
    weir__softmax_double(p, a, 1, weir_unit_variable(unit));
    for (size_t i = 0; i < weir_unit_variable(unit); i++) h[i] *= p[i];
}

static void weights(const weir_unit *unit, const double *a, const double *h, double *w) {
    double p[weir__most_expected];
    (void)h;
    weir__softmax_double(p, a, 1, weir_unit_variable(unit));
    weir__softmax_jacobian(w, p, 1, weir_unit_variable(unit));
}

static const weir_form forms[] = {{.text = ""}, {.text = "draw=gumbel-top-k"}, {.text = "draw=one-of"}};

extern const weir_draw weir__draw_top_k;

const weir_rule weir__rule_dense_mixer = {
    .name = "dense-mixer",
    .summary = "gates of a mixture of experts, straight-through: closed experts teach the router as if they were open",
    .forward = "h = softmax(a)·1[open by the draw]",
    .gradient = "∂L/∂a := J(softmax(a))·∂L/∂h over all outputs",
    .source = "Yao et al. 2025 (DenseMixer, OpenReview 4HGIIekCx3)",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_SPARSE | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    .draw = &weir__draw_top_k,
    .draws = WEIR_DRAW_SUBSET | WEIR_DRAW_ONE_OF,
    .backward = backward,
    .weigh = weigh,
    .weighed = weighed,
    .weights = weights,
    WEIR__FORMS,
};
