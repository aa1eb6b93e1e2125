// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Every rule: those of the founding paper in its order, then the others by family. A new rule is one file and one row
// here.

#include <string.h>

#include "rules.h"

static const weir_rule *const rules[] = {
    &weir__noisy_rectifier,
    &weir__rectifier,
    &weir__sts,
    &weir__reinforce,
    &weir__straight_through,
    &weir__sigmoid_rule,
    &weir__semantic_hashing,
    // score function
    &weir__nvil,
    &weir__rloo,
    &weir__vimco,
    &weir__muprop,
    // coordinate by coordinate, and antithetic
    &weir__leg,
    &weir__exact,
    &weir__ar,
    &weir__arm,
    &weir__disarm_rule,
    &weir__arms,
    &weir__bitflip,
    &weir__ugc,
    // control variates from gradients
    &weir__rebar,
    &weir__relax_rule,
    &weir__double_cv,
    &weir__rodeo,
    // no back-propagation
    &weir__spsa,
    &weir__node_perturbation,
    &weir__finite_differences,
    // the rest of the straight-through family
    &weir__half,
    &weir__reinmax,
    &weir__slope_annealed,
    &weir__st_gumbel,
    &weir__gumbel_rao,
    &weir__gapped_st,
    &weir__decoupled_st,
    // ordinary gradients
    &weir__concrete,
    &weir__hard_concrete,
    &weir__improved_hashing,
    &weir__dropout,
    &weir__concrete_dropout,
};

size_t weir_rule_count(void) { return sizeof rules / sizeof *rules; }

const weir_rule *weir_rule_at(size_t index) { return index < weir_rule_count() ? rules[index] : NULL; }

const weir_rule *weir_rule_find(const char *name) {
    for (size_t i = 0; name && i < weir_rule_count(); i++) {
        if (strcmp(rules[i]->name, name) == 0) return rules[i];
    }
    return NULL;
}
