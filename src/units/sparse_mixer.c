// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// SparseMixer-v2 (Liu et al. 2024, GRIN, section 3): experts are drawn one after another without replacement. The s-th
// is c ~ π, π the softmax of a over those that are left, with the weight m·π_c, where m = 1 if c is the greatest of
// these, else 1 with probability ¼ and ⅓ with ¾: f(x) − f(0) ≈ ¼f'(x) + ¾f'(x/3), Heun's rule of third order, without
// an evaluation at 0. Backward (h_c's derivative alone is read), summed over the experts:
//   ∂L/∂a := Σ_s (e_c − π)·π_c·∂L/∂h_c.
// One expert is drawn from one-of, k of them are by gumbel-top-k: the order of the noisy scores is that of the draws. A
// finished network takes its open experts in the order of a, whatever drew them.
//
// The mask of the paper, which forbids experts far below the greatest of those that are left, is left away: it is a
// matter of the jitter in its pre-activations. The weights of one example do not sum to 1, in the paper as here: the
// second expert's is of a softmax of its own.
//
// Apart from m this is the gradient of the weights alone (of one expert mixture:weights=softmax,draw=one-of). The
// derivative of the mean loss has two terms, that of the chances (which the rule estimates) and that of the weights,
// and where the loss is linear in h they are equal: the rule then gives half. Its bias in the laboratory (0.132) is no
// less than that of the weights' gradient (0.122).

#include <float.h>

#include "../core/math.h"
#include "categorical.h"

static const float often = 0.25f, third = 1.0f / 3;

extern const weir_draw weir__draw_gumbel_top_k;

/// Whether output i comes before j in a finished network.
static bool before(const float *a, size_t i, size_t j) { return a[i] > a[j] || (a[i] == a[j] && i < j); }

/// Open outputs become the softmax over all but open ones that come before; shares of a mean that over all.
static void weigh_one(const weir__variable *v) {
    float open[weir__variable_most], p[weir__variable_most];
    bool shares = false;
    memcpy(open, v->h, v->size * sizeof *open);
    for (size_t i = 0; i < v->size; i++) shares = shares || (open[i] > 0 && open[i] < 1);
    if (shares) weir__softmax(p, v->a, v->size);
    for (size_t i = 0; i < v->size; i++) {
        float sum = 0;
        for (size_t j = 0; open[i] != 0 && !shares && j < v->size; j++)
            sum += open[j] != 0 && before(v->a, j, i) ? 0 : weir__exp(v->a[j] - v->a[i]);
        if (open[i] != 0) v->h[i] *= shares ? p[i] : 1 / sum;
    }
}
WEIR__BY_VARIABLES(weigh, 3 * weir_unit_variable(unit))

/// Visits the open outputs in the order in which they were drawn, with p = softmax over those that were left then, and
/// its greatest. False: pre-activations are NaN.
static bool each_drawn(const weir__variable *v,
                       void (*visit)(const weir__variable *v, size_t step, size_t c, size_t top, const float *p)) {
    float z[weir__variable_most], p[weir__variable_most], left[weir__variable_most];
    bool gone[weir__variable_most];
    size_t open = 0;
    for (size_t i = 0; i < v->size; i++) {
        if (isnan(v->h[i]) || isnan(v->a[i])) return false;
        open += v->h[i] != 0;
        left[i] = v->a[i];
        gone[i] = false;
        z[i] = 0;
    }
    if (open > 1) weir__variable_gumbel(v, 0, 1, z);
    for (size_t step = 0; step < open; step++) {
        size_t c = v->size, top = v->size;
        for (size_t i = 0; i < v->size; i++) {
            if (gone[i]) continue;
            if (top == v->size || left[i] > left[top]) top = i;
            if (v->h[i] != 0 && (c == v->size || z[i] > z[c])) c = i;
        }
        weir__softmax(p, left, v->size);
        visit(v, step, c, top, p);
        left[c] = -FLT_MAX;
        gone[c] = true;
    }
    return true;
}

static void scale(const weir__variable *v, size_t step, size_t c, size_t top, const float *p) {
    float u[weir__variable_most];
    weir__variable_uniform(v, 1, u);
    v->h[c] = p[c] * (c == top || u[step] < often ? 1 : third);
}

static void scale_one(const weir__variable *v) { (void)each_drawn(v, scale); }

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir_unit_draw(unit)->sample(unit, batch);
    weir__each_variable(unit, batch, 8, scale_one);
}

static void add(const weir__variable *v, size_t step, size_t c, size_t top, const float *p) {
    (void)step, (void)top;
    for (size_t i = 0; i < v->size; i++) v->da[i] += ((i == c ? 1 : 0) - p[i]) * p[c] * v->dh[c];
}

static void backward_one(const weir__variable *v) {
    for (size_t i = 0; i < v->size; i++) v->da[i] = 0;
    if (each_drawn(v, add)) return;
    for (size_t i = 0; i < v->size; i++) v->da[i] = NAN;
}
WEIR__BY_VARIABLES(backward, 8)

static void weighed(const weir_unit *unit, const double *a, double *h) {
    const size_t size = weir_unit_variable(unit);
    double open[weir__most_expected];
    memcpy(open, h, size * sizeof *open);
    for (size_t i = 0; i < size; i++) {
        double sum = 0;
        for (size_t j = 0; j < size; j++)
            sum += open[j] != 0 && (a[j] > a[i] || (a[j] == a[i] && j < i)) ? 0 : exp(a[j] - a[i]);
        h[i] /= sum;
    }
}

/// All sequences of draws: what has been drawn so far, with its chance.
typedef struct sequence {
    const double *a;
    size_t size, open;
    double h[weir__most_expected], w[weir__most_expected * weir__most_expected];
    bool drawn[weir__most_expected];
    weir_state visit;
    void *context;
} sequence;

static void over_draws(sequence *s, size_t open, double chance) {
    double p[weir__most_expected], sum = 0;
    size_t top = s->size;
    if (open == s->open) {
        s->visit(s->context, chance, s->h, s->w);
        return;
    }
    for (size_t i = 0; i < s->size; i++) {
        sum += p[i] = s->drawn[i] ? 0 : exp(s->a[i]);
        if (!s->drawn[i] && (top == s->size || s->a[i] > s->a[top])) top = i;
    }
    for (size_t c = 0; c < s->size; c++) {
        if (s->drawn[c]) continue;
        const double own = p[c] / sum;
        for (size_t i = 0; i < s->size; i++) s->w[i * s->size + c] = ((i == c) - p[i] / sum) * own;
        s->drawn[c] = true;
        s->h[c] = own;
        over_draws(s, open + 1, chance * own * (c == top ? 1 : 0.25));
        s->h[c] = own / 3;
        if (c != top) over_draws(s, open + 1, chance * own * 0.75);
        s->h[c] = 0;
        s->drawn[c] = false;
        for (size_t i = 0; i < s->size; i++) s->w[i * s->size + c] = 0;
    }
}

static void states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    const bool one = weir_unit_draw(unit)->traits & WEIR_DRAW_ONE_OF;
    sequence s = {
        .a = a, .size = weir_unit_variable(unit), .open = one ? 1 : weir__k(unit), .visit = visit, .context = context};
    over_draws(&s, 0, 1);
}

static const weir_form forms[] = {{.text = ""}};

#define SPARSE_MIXER                                                                                                   \
    .name = "sparse-mixer", .gradient = "∂L/∂a := Σ_s (e_c − π)·π_c·∂L/∂h_c",                                          \
    .source = "Liu et al. 2023 (arXiv 2310.00811); Liu et al. 2024 (arXiv 2409.12136), section 3",                     \
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_SPARSE | WEIR_TRAIT_USES_DH | WEIR_TRAIT_SKIPS, .evaluations = 1,     \
    .gradients = 1, .sample = sample, .backward = backward, .weigh = weigh, .weighed = weighed, .states = states,      \
    WEIR__FORMS

const weir_rule weir__rule_sparse_mixer = {
    SPARSE_MIXER,
    .summary = "gate of a mixture of experts with one open, of third order from its own gradient (SparseMixer-v2)",
    .forward = "h = m·π_c e_c, c ~ π = softmax(a), m = 1 for the greatest, else 1 or ⅓",
    .draw = &weir__draw_one_of,
};

const weir_rule weir__rule_sparse_mixer_top_k = {
    SPARSE_MIXER,
    .summary =
        "gate of a mixture of experts with k open, drawn one after another, of third order each (SparseMixer-v2)",
    .forward = "h = Σ_s m·π_c e_c, c ~ π = softmax of a over those left, m = 1 for their greatest, else 1 or ⅓",
    .draw = &weir__draw_gumbel_top_k,
};
