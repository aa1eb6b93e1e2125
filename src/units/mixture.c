// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The gate of a mixture of experts: which outputs are open says the draw, and an open one is a weight,
//   open      w = softmax of a over the open outputs (Shazeer et al. 2017, eq. 3 to 5; Mixtral),
//   softmax   w = softmax of a over all outputs (Switch: Fedus, Zoph and Shazeer 2022, eq. 2),
//   sigmoid   w = σ(a) (DeepSeek-V3: DeepSeek-AI 2024, eq. 15).
// The gradient is that of the weights, with the open outputs held fixed, as mixtures are trained. For draws that are
// not random it is the derivative of the output; for random ones what moves their chances is left away, and the
// laboratory shows how much that is. Closed outputs are not read.

#include "../core/math.h"
#include "categorical.h"

enum { weights_index };
enum { by_open, by_all, by_sigmoid };

static const weir_parameter parameters[] = {
    [weights_index] = {.name = "weights",
                       .greatest = by_sigmoid,
                       .choices = "open|softmax|sigmoid",
                       .about = "of open gates: softmax over the open ones or over all, or σ(a)"},
};

/// w of h = 1 or, for a mean, of shares h between 0 and 1.
static void weigh_one(const weir__variable *v) {
    const int kind = (int)v->unit->values[weights_index];
    float *h = v->h, p[weir__variable_most], top = -INFINITY, sum = 0;
    if (kind == by_all) {
        weir__softmax(p, v->a, v->size);
        for (size_t i = 0; i < v->size; i++) h[i] *= p[i];
        return;
    }
    for (size_t i = 0; kind == by_sigmoid && i < v->size; i++) h[i] *= weir__sigmoid(v->a[i]);
    if (kind == by_sigmoid) return;
    for (size_t i = 0; i < v->size; i++) top = h[i] > 0 && v->a[i] > top ? v->a[i] : top;
    for (size_t i = 0; i < v->size; i++) {
        h[i] *= h[i] == 0 ? 1 : weir__exp(v->a[i] - top);
        sum += h[i];
    }
    for (size_t i = 0; i < v->size; i++) h[i] = sum == 0 ? h[i] : h[i] / sum; // NaN stays
}
WEIR__BY_VARIABLES(weigh, 3)

static void backward_one(const weir__variable *v) {
    const int kind = (int)v->unit->values[weights_index];
    float p[weir__variable_most], mean = 0;
    if (kind == by_sigmoid) {
        for (size_t i = 0; i < v->size; i++) v->da[i] = v->h[i] == 0 ? 0 : v->dh[i] * v->h[i] * (1 - v->h[i]);
        return;
    }
    for (size_t i = 0; i < v->size; i++) mean += v->h[i] == 0 ? 0 : v->h[i] * v->dh[i];
    if (kind == by_all) weir__softmax(p, v->a, v->size);
    for (size_t i = 0; i < v->size; i++)
        v->da[i] = (v->h[i] == 0 ? 0 : v->h[i] * v->dh[i]) - (kind == by_all ? p[i] : v->h[i]) * mean;
}
WEIR__BY_VARIABLES(backward, 3)

static void weighed(const weir_unit *unit, const double *a, double *h) {
    const size_t size = weir_unit_variable(unit);
    const double kind = unit->values[weights_index];
    double sum = 0;
    for (size_t i = 0; i < size; i++) sum += kind == by_all || h[i] > 0 ? exp(a[i]) : 0;
    for (size_t i = 0; i < size; i++) h[i] *= kind == by_sigmoid ? weir__logistic(a[i]) : exp(a[i]) / sum;
}

/// By differences of the weights.
static void weights(const weir_unit *unit, const double *a, const double *h, double *w) {
    enum { most = weir__most_expected };
    const size_t size = weir_unit_variable(unit);
    const double step = 1e-5;
    double moved[most], up[most], down[most];
    for (size_t i = 0; i < size; i++) {
        for (size_t j = 0; j < size; j++) {
            moved[j] = a[j] + (j == i ? step : 0);
            up[j] = down[j] = h[j] > 0;
        }
        weighed(unit, moved, up);
        moved[i] = a[i] - step;
        weighed(unit, moved, down);
        for (size_t j = 0; j < size; j++) w[i * size + j] = (up[j] - down[j]) / (2 * step);
    }
}

static const weir_form forms[] = {
    {.text = ""},
    {.text = "weights=softmax"},
    {.text = "weights=sigmoid"},
    {.text = "draw=gumbel-top-k"},
    {.text = "weights=softmax,draw=noisy-top-k"},
    {.text = "weights=softmax,draw=one-of"},
    {.text = "weights=sigmoid,draw=statistical-top-k"},
    {.text = "draw=threshold"},
};

extern const weir_draw weir__draw_top_k;

const weir_rule weir__rule_mixture = {
    .name = "mixture",
    .summary = "gates of a mixture of experts: open ones are weights, which alone have a gradient",
    .forward = "h = w·1[open by the draw], w = softmax(a) over the open or over all outputs, or σ(a)",
    .gradient = "∂L/∂a = (∂h/∂a)ᵀ·∂L/∂h, what is open held fixed",
    .source =
        "Shazeer et al. 2017 (arXiv 1701.06538), eq. 3 to 5; Fedus, Zoph and Shazeer 2022 (arXiv 2101.03961), eq. "
        "2; DeepSeek-AI 2024 (arXiv 2412.19437), eq. 15",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_SPARSE | WEIR_TRAIT_USES_DH | WEIR_TRAIT_SKIPS,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &weir__draw_top_k,
    .draws = WEIR_DRAW_SUBSET | WEIR_DRAW_ONE_OF,
    .backward = backward,
    .weigh = weigh,
    .weighed = weighed,
    .weights = weights,
    WEIR__FORMS,
};
