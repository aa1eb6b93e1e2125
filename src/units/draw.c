// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The draw of rules that name none: h ~ Bernoulli(σ(a)).

#include "define.h"
#include "rules.h"

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    (void)unit;
    weir__over_coin(weir__logistic(a), 1, visit, context);
}

static const weir_draw bernoulli = {
    .decided = "h = 1",
    .expected = "h = σ(a)",
    .sample = weir__sample_bernoulli,
    .expect = weir__expect_sigmoid,
    .decide = weir__decide_binary,
    .opening = weir__opening_sigmoid,
    .define = define,
};

const weir_draw *weir_draw_bernoulli(void) { return &bernoulli; }

const weir_draw *weir_unit_draw(const weir_unit *unit) { return unit->rule->draw ? unit->rule->draw : &bernoulli; }

void weir__unit_sample(const weir_unit *unit, const weir_unit_batch *batch) {
    (unit->rule->sample ? unit->rule->sample : weir_unit_draw(unit)->sample)(unit, batch);
}
