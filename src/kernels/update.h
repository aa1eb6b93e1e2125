// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file update.h
/// Moving weights down their gradient: one rule per file in update/, and what all of them share. A product that has a
/// piece of gradient at hand applies it at once (weight_update in gated.h), a whole array is applied by
/// weir__update_apply.
#ifndef WEIR_UPDATE_H
#define WEIR_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "halves.h"
#include "tiling.h"

#define WEIR__UPDATE_SLOTS 2 ///< most moving averages per parameter

/// The numbers of one step, the same for a whole tensor.
typedef struct weir__move {
    float rate;  ///< scheduled rate times the node's
    float decay; ///< 0 for biases
    float momentum, epsilon;
    float past1, new1, past2, new2; ///< adam: beta and 1 − beta, each rounded once (1 − 0.999f is off by 1e-5)
    float correction1, correction2; ///< adam: 1 / (1 − beta1^t), 1 / (1 − beta2^t)
} weir__move;

/// A rule. Adding one is a file and a row below.
typedef struct weir__update_rule {
    const char *name;
    const char *slots[WEIR__UPDATE_SLOTS + 1]; ///< names of its moving averages, NULL after the last
    /// Moves w[0 … count) with gradients g and moving averages slot[k][0 … count), and returns Σ w² afterwards. The
    /// arrays do not overlap. The sum is taken here because w is in a register here.
    float (*move)(const weir__move *move, size_t count, float *w, const float *g, float *const *slot);
    bool visits_all_for_decay; ///< with weight decay, blocks without a gradient decay all the same
} weir__update_rule;

/// All rules, X(name) standing for weir__name; and their names "sgd|…", which train.optimizer.kind takes.
#define WEIR__UPDATE_RULES(X)   X(sgd) X(momentum) X(adam)
#define WEIR__UPDATE_NAME(name) "|" #name
#define WEIR__UPDATE_NAMES      (&(WEIR__UPDATE_RULES(WEIR__UPDATE_NAME))[1])

#define WEIR__UPDATE_DECLARE(name) extern const weir__update_rule weir__##name;
WEIR__UPDATE_RULES(WEIR__UPDATE_DECLARE)
#undef WEIR__UPDATE_DECLARE

/// The rule at index (NULL beyond the last), and that of a name, or NULL.
const weir__update_rule *weir__update_rule_at(size_t index);
const weir__update_rule *weir__update_rule_find(const char *name);

/// One step of one tensor.
typedef struct weir__update {
    const weir__update_rule *rule;
    weir__move move;
    float *slot[WEIR__UPDATE_SLOTS]; ///< moving averages, in the weights' memory order; NULL where the rule has none
    weir__halves halves;             ///< the weights themselves, where they are no floats
    float most;                      ///< square of the greatest norm of a row of weights; 0: unlimited
    bool all;                        ///< tiles without a gradient are visited, too (their gradient is 0)
} weir__update;

// Where an update has halves, `weights` is not looked at.

/// Copies weights[first … first + count) to floats, and back.
void weir__update_get(const weir__update *update, float *weights, size_t first, size_t count, float *floats);
void weir__update_put(const weir__update *update, float *weights, size_t first, size_t count, float *floats);

/// Moves weights[first … first + count) with gradients g[0 … count); returns the sum of their squares.
float weir__update_span(const weir__update *update, float *weights, size_t first, size_t count, const float *g);

/// Scales each row of a strip whose norm is above the limit back to it: rows first … last − 1, all in the strip of
/// block_rows rows that `first` lies in. Only with a limit.
void weir__update_limit(const weir__update *update, float *weights, const weir__tiling *tiling, size_t first,
                        size_t last);

/// weir__update_limit for one row, weights[first … first + count), whose sum of squares is known.
void weir__update_limit_row(const weir__update *update, float *weights, size_t first, size_t count, float squares);

/// Moves all weights whose tiles are touched (NULL: all), and holds the rows that moved to the limit: one pass. A tile
/// whose flag is 0 is neither read nor written, except where the limit needs the rest of a row. Any number of threads:
/// same bits.
void weir__update_apply(const weir__update *update, float *weights, const float *gradients, const uint8_t *touched,
                        const weir__tiling *tiling);

/// Σ w² of a row, for rules that cannot take it on the way.
float weir__sum_of_squares(const float *w, size_t count);

#endif
