// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// SparseMixer-v2 for one open expert (Liu et al. 2024, GRIN): expert c ~ softmax(a) = π, its weight m·π_c, where m = 1
// if c is the greatest, else 1 with probability ¼ and ⅓ with ¾: f(x) − f(0) ≈ ¼f'(x) + ¾f'(x/3), Heun's rule of third
// order, without an evaluation at 0. Backward (h_c's derivative alone is read):
//   ∂L/∂a := (e_c − π)·π_c·∂L/∂h_c.
// The mask of the paper, which forbids experts far below the greatest, is left away: it is a matter of the jitter in
// its pre-activations. At test time the greatest is open with the weight π_c.
//
// Apart from m this is the gradient of the weights alone, mixture:weights=softmax,draw=one-of. The derivative of the
// mean loss has two terms, that of the chances (which the rule estimates) and that of the weights, and where the loss
// is linear in h they are equal: the rule then gives half. Its bias in the laboratory (0.132) is no less than that of
// the weights' gradient (0.122).

#include "../core/math.h"
#include "categorical.h"

static const float often = 0.25f, third = 1.0f / 3;

static void weigh_one(const weir__variable *v) {
    float p[weir__variable_most];
    weir__softmax(p, v->a, v->size);
    for (size_t i = 0; i < v->size; i++) v->h[i] *= p[i];
}
WEIR__BY_VARIABLES(weigh, 3)

static void scale_one(const weir__variable *v) {
    float u[weir__variable_most];
    const size_t c = weir__winner(v->h, v->size);
    size_t top = 0;
    weigh_one(v);
    if (c == v->size) return;
    for (size_t i = 1; i < v->size; i++) top = v->a[i] > v->a[top] ? i : top;
    weir__variable_uniform(v, 1, u);
    if (c != top && u[0] >= often) v->h[c] *= third;
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir_unit_draw(unit)->sample(unit, batch);
    weir__each_variable(unit, batch, 4, scale_one);
}

static void backward_one(const weir__variable *v) {
    const size_t c = weir__winner(v->h, v->size);
    float p[weir__variable_most];
    weir__softmax(p, v->a, v->size);
    for (size_t i = 0; i < v->size; i++) v->da[i] = c == v->size ? NAN : ((i == c ? 1 : 0) - p[i]) * p[c] * v->dh[c];
}
WEIR__BY_VARIABLES(backward, 3)

static void weighed(const weir_unit *unit, const double *a, double *h) {
    double p[weir__most_expected];
    weir__softmax_double(p, a, 1, weir_unit_variable(unit));
    for (size_t i = 0; i < weir_unit_variable(unit); i++) h[i] *= p[i];
}

static void states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    enum { most = weir__most_expected };
    const size_t size = weir_unit_variable(unit);
    double p[most], h[most] = {0}, w[most * most] = {0};
    size_t top = 0;
    weir__softmax_double(p, a, 1, size);
    for (size_t i = 1; i < size; i++) top = a[i] > a[top] ? i : top;
    for (size_t c = 0; c < size; c++) {
        for (size_t i = 0; i < size; i++) w[i * size + c] = ((i == c) - p[i]) * p[c];
        h[c] = p[c];
        visit(context, c == top ? p[c] : p[c] / 4, h, w);
        h[c] = p[c] / 3;
        if (c != top) visit(context, p[c] * 3 / 4, h, w);
        h[c] = 0;
        for (size_t i = 0; i < size; i++) w[i * size + c] = 0;
    }
}

static const weir_form forms[] = {{.text = ""}};

const weir_rule weir__rule_sparse_mixer = {
    .name = "sparse-mixer",
    .summary = "gate of a mixture of experts with one open, of third order from its own gradient (SparseMixer-v2)",
    .forward = "h = m·π_c e_c, c ~ π = softmax(a), m = 1 for the greatest, else 1 or ⅓",
    .gradient = "∂L/∂a := (e_c − π)·π_c·∂L/∂h_c",
    .source = "Liu et al. 2023 (arXiv 2310.00811); Liu et al. 2024 (arXiv 2409.12136), section 3",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_SPARSE | WEIR_TRAIT_USES_DH | WEIR_TRAIT_SKIPS,
    .evaluations = 1,
    .gradients = 1,
    .draw = &weir__draw_one_of,
    .sample = sample,
    .backward = backward,
    .weigh = weigh,
    .weighed = weighed,
    .states = states,
    WEIR__FORMS,
};
