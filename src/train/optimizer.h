// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file optimizer.h
/// Moving parameters down their gradients: one rule per file, one loop over tensors for all of them.
#ifndef WEIR_OPTIMIZER_H
#define WEIR_OPTIMIZER_H

#include <weir/train.h>

#include "../core/core.h"

#define WEIR__OPTIMIZER_SLOTS 2 ///< most moving averages per parameter

/// The numbers of one step, the same for a whole tensor.
typedef struct weir__move {
    float rate;  ///< scheduled rate times the node's
    float decay; ///< 0 for biases
    float momentum, epsilon;
    float past1, new1, past2, new2; ///< adam: beta and 1 − beta, each rounded once (1 − 0.999f is off by 1e-5)
    float correction1, correction2; ///< adam: 1 / (1 − beta1^t), 1 / (1 − beta2^t)
} weir__move;

/// A rule. Adding one is a file and a row in optimizer.c.
typedef struct weir__optimizer_rule {
    const char *name;
    const char *slots[WEIR__OPTIMIZER_SLOTS + 1]; ///< names of its moving averages, NULL after the last
    /// Moves w[0 … count) with gradients g and moving averages slot[k][0 … count), and returns Σ w² afterwards. The
    /// arrays do not overlap. The sum is taken here because w is in a register here.
    float (*move)(const weir__move *move, size_t count, float *w, const float *g, float *const *slot);
    bool visits_all_for_decay; ///< with weight decay, blocks without a gradient decay all the same
} weir__optimizer_rule;

/// Σ w² of a row, for rules that cannot take it on the way.
float weir__sum_of_squares(const float *w, size_t count);

extern const weir__optimizer_rule weir__sgd, weir__momentum, weir__adam;

/// The rule of that name, or NULL; and the rule at index (NULL beyond the last).
const weir__optimizer_rule *weir__optimizer_find(const char *name);
const weir__optimizer_rule *weir__optimizer_at(size_t index);

/// A rule and its moving averages, which lie as the flat parameter array does.
typedef struct weir__optimizer {
    const weir__optimizer_rule *rule;
    weir_optimizer_options options;
    float *slots[WEIR__OPTIMIZER_SLOTS];
    size_t count;
    uint64_t step; ///< updates made so far
} weir__optimizer;

/// Checks the options (WEIR_CONFIG names the one that is wrong) and allocates. Free with weir__optimizer_free.
weir_status weir__optimizer_init(weir__optimizer *optimizer, const weir_optimizer_options *options, size_t count,
                                 weir_error *error);
void weir__optimizer_free(weir__optimizer *optimizer);

/// One update of all parameters at a scheduled rate, and max-norm on the rows that moved. A tile whose touched flag is
/// 0 is neither read nor written, except where max-norm needs the rest of a row. Any number of threads: same bits.
void weir__optimizer_step(weir__optimizer *optimizer, const weir_parameters *parameters, double rate);

#endif
