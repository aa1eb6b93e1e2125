// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The draw of rules that name none: h ~ Bernoulli(σ(a)).

#include <math.h>

#include "../core/core.h"
#include "../core/math.h"
#include "define.h"
#include "rules.h"

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    (void)unit;
    weir__over_coin(weir__logistic(a), 1, visit, context);
}

WEIR__CLONES static void score(const weir_unit *unit, size_t count, const float *restrict a, const float *restrict h,
                               float *restrict to) {
    (void)unit;
    for (size_t i = 0; i < count; i++) to[i] = weir__score(a[i], h[i]);
}

WEIR__CLONES static void pull(const weir_unit *unit, size_t count, const float *a, const float *v, float *out) {
    (void)unit;
    for (size_t i = 0; i < count; i++) {
        float p, q;
        weir__sigmoid_pair(a[i], &p, &q);
        out[i] = p * q * v[i];
    }
}

size_t weir__bit_outcomes(const weir_unit *unit) {
    (void)unit;
    return 2;
}

void weir__bit_outcome(const weir_unit *unit, size_t index, float *h) {
    (void)unit;
    h[0] = (float)index;
}

static double chance(const weir_unit *unit, const float *a, const float *h) {
    (void)unit;
    return weir__logistic((double)(h[0] != 0 ? a[0] : -a[0]));
}

const weir_draw weir__draw_bernoulli = {
    .name = "bernoulli",
    .summary = "independent outputs of 0 or 1",
    .forward = "h ~ Bernoulli(σ(a))",
    .source = "Williams 1992; Bengio, Léonard and Courville 2013 (arXiv 1308.3432), section 3",
    .traits = WEIR_DRAW_SCORE | WEIR_DRAW_MARGINAL | WEIR_DRAW_OUTCOMES | WEIR_DRAW_NATURAL | WEIR_DRAW_RANDOM,
    .decided = "h = 1",
    .expected = "h = σ(a)",
    .sample = weir__sample_bernoulli,
    .expect = weir__expect_sigmoid,
    .decide = weir__decide_binary,
    .opening = weir__opening_sigmoid,
    .define = define,
    .score = score,
    .pull = pull,
    .outcomes = weir__bit_outcomes,
    .outcome = weir__bit_outcome,
    .chance = chance,
};

void weir_unit_sample(const weir_unit *unit, const weir_unit_batch *batch) {
    if (unit->rule->sample)
        unit->rule->sample(unit, batch);
    else
        weir__unit_finished(unit, batch, weir_unit_draw(unit)->sample);
}

weir_status weir_unit_learn(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights,
                            weir_error *error) {
    for (size_t k = 0; batch->state && k < batch->groups * batch->rows; k++) {
        if (isfinite(batch->loss[k])) continue;
        return weir__fail(error, WEIR_DIVERGED, "%s: a loss is not finite, and would spoil the rule's state",
                          unit->rule->name);
    }
    weir_unit_merge(unit, batch, loss, weights);
    unit->rule->backward(unit, batch);
    return WEIR_OK;
}

void weir__unit_finished(const weir_unit *unit, const weir_unit_batch *batch,
                         void (*function)(const weir_unit *unit, const weir_unit_batch *batch)) {
    function(unit, batch);
    if (unit->rule->weigh) unit->rule->weigh(unit, batch);
}
