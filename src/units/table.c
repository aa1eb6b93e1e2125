// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Every rule: those of the founding paper in its order, then the others by family. A new rule is one file, which
// defines weir__rule_NAME, and one row here.

#include <string.h>

#include "rules.h"

#define RULES(ROW)                                                                                                     \
    ROW(noisy_rectifier)                                                                                               \
    ROW(rectifier)                                                                                                     \
    ROW(sts)                                                                                                           \
    ROW(reinforce)                                                                                                     \
    ROW(straight_through)                                                                                              \
    ROW(sigmoid)                                                                                                       \
    ROW(semantic_hashing)                                                                                              \
    /* score function */                                                                                               \
    ROW(nvil)                                                                                                          \
    ROW(rloo)                                                                                                          \
    ROW(vimco)                                                                                                         \
    ROW(muprop)                                                                                                        \
    /* coordinate by coordinate, and antithetic */                                                                     \
    ROW(leg)                                                                                                           \
    ROW(exact)                                                                                                         \
    ROW(ar)                                                                                                            \
    ROW(arm)                                                                                                           \
    ROW(disarm)                                                                                                        \
    ROW(arms)                                                                                                          \
    ROW(bitflip)                                                                                                       \
    ROW(ugc)                                                                                                           \
    /* control variates from gradients */                                                                              \
    ROW(rebar)                                                                                                         \
    ROW(relax)                                                                                                         \
    ROW(double_cv)                                                                                                     \
    ROW(rodeo)                                                                                                         \
    /* no back-propagation */                                                                                          \
    ROW(spsa)                                                                                                          \
    ROW(node_perturbation)                                                                                             \
    ROW(finite_differences)                                                                                            \
    /* the rest of the straight-through family */                                                                      \
    ROW(half)                                                                                                          \
    ROW(reinmax)                                                                                                       \
    ROW(slope_annealed)                                                                                                \
    ROW(st_gumbel)                                                                                                     \
    ROW(gumbel_rao)                                                                                                    \
    ROW(gapped_st)                                                                                                     \
    ROW(decoupled_st)                                                                                                  \
    /* categorical and subset */                                                                                       \
    ROW(st_gumbel_one_of)                                                                                              \
    ROW(gumbel_rao_one_of)                                                                                             \
    ROW(gapped_st_one_of)                                                                                              \
    ROW(half_one_of)                                                                                                   \
    ROW(reinmax_one_of)                                                                                                \
    ROW(minimal_variance_st)                                                                                           \
    ROW(decoupled_st_one_of)                                                                                           \
    ROW(disarm_one_of)                                                                                                 \
    ROW(carms)                                                                                                         \
    ROW(unordered_set)                                                                                                 \
    ROW(lapsum)                                                                                                        \
    ROW(imle)                                                                                                          \
    ROW(mixture)                                                                                                       \
    ROW(dense_mixer)                                                                                                   \
    ROW(sparse_mixer)                                                                                                  \
    ROW(sparse_mixer_top_k)                                                                                            \
    /* ordinary gradients */                                                                                           \
    ROW(concrete)                                                                                                      \
    ROW(concrete_one_of)                                                                                               \
    ROW(hard_concrete)                                                                                                 \
    ROW(stochastic_gate)                                                                                               \
    ROW(jump_relu)                                                                                                     \
    ROW(improved_hashing)                                                                                              \
    ROW(dropout)                                                                                                       \
    ROW(concrete_dropout)

#define DECLARE(name) extern const weir_rule weir__rule_##name;
RULES(DECLARE)

#define REFER(name) &weir__rule_##name,
static const weir_rule *const rules[] = {RULES(REFER)};

size_t weir_rule_count(void) { return sizeof rules / sizeof *rules; }

const weir_rule *weir_rule_at(size_t index) { return index < weir_rule_count() ? rules[index] : NULL; }

bool weir__in_table(const weir_rule *rule) {
    for (size_t i = 0; i < weir_rule_count(); i++) {
        if (rules[i] == rule) return true;
    }
    return false;
}

const weir_rule *weir_rule_find(const char *name) {
    for (size_t i = 0; name && i < weir_rule_count(); i++) {
        if (strcmp(rules[i]->name, name) == 0) return rules[i];
    }
    return NULL;
}
