// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The draw of a finished network: one output per unit, whatever training does to get its gradient.

#include "rules.h"

void weir__unit_draw(const weir_unit *unit, const weir_unit_batch *batch) {
    const weir_rule *rule = unit->rule;
    if (rule->draw) {
        rule->draw(unit, batch);
    } else if (rule->groups) {
        weir__sample_bernoulli(unit, batch);
    } else {
        rule->sample(unit, batch);
    }
}
