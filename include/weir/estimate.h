// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate.h
/// Gradients of an expected loss with respect to the logits of stochastic units, for a loss that is any function: a
/// simulator, a black box, a model of another library. Every rule of units.h can be used.
///
///     weir_unit_parse(&unit, "rloo:samples=4", &error);
///     weir_estimator_create(&estimator, &unit, units, rows, seed, &error);
///     weir_estimate(estimator, gradient, NULL, logits, rows, objective, context, &error);   // each step
#ifndef WEIR_ESTIMATE_H
#define WEIR_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"
#include "units.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The loss as a function of the units' outputs, evaluated at a batch of points: loss[r] = L(example[r], h[r]) for
/// r < rows, h [rows][units]. dh is NULL when no gradient is wanted, else dh[r][i] = ∂L/∂h[r][i] (a black box that
/// cannot give it returns WEIR_UNSUPPORTED; rules without WEIR_TRAIT_USES_DH never ask). An example occurs once per row
/// group: rows that belong to the same example may be evaluated together. h may lie between 0 and 1 for rules that
/// relax or average. Any status but WEIR_OK ends the estimate and is handed to its caller.
typedef weir_status (*weir_objective)(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                                      float *loss, float *dh, weir_error *error);

/// A rule's gradient of somebody else's loss, with its state. One thread uses an estimator at a time.
typedef struct weir_estimator weir_estimator;

/// An estimator for `units` units, with the state (baselines, control variates) of a fresh rule. At most max_rows
/// examples a call. WEIR_UNSUPPORTED when the rule needs too many evaluations for so many units; WEIR_ARGUMENT for a
/// rule of the caller's own that weir_rule_check refuses. Free with
/// weir_estimator_free (NULL is fine).
WEIR_API weir_status weir_estimator_create(weir_estimator **estimator, const weir_unit *unit, size_t units,
                                           size_t max_rows, uint64_t seed, weir_error *error);
WEIR_API void weir_estimator_free(weir_estimator *estimator);

/// One estimate per example: gradient[r][i] estimates ∂E[L(r, h)]/∂logits[r][i], [rows][units]; loss, unless NULL, gets
/// the loss of each example, [rows] (the mean over its row groups, or what the rule says of them). Calls the objective
/// once, with weir_estimator_evaluations·rows rows: group after group, in each the examples 0 … rows−1. Then moves the
/// rule's state, and the step from which all noise is drawn. logits and gradient must not overlap. WEIR_DIVERGED when a
/// logit is NaN or a loss is not finite: gradient and state are then as before.
WEIR_API weir_status weir_estimate(weir_estimator *estimator, float *gradient, float *loss, const float *logits,
                                   size_t rows, weir_objective objective, void *context, weir_error *error);

/// Says whether the objective may be called many times for one estimate, from several threads at a time and each time
/// for some of the examples, group after group of these: draws, losses and gradients of a few rows are then made one
/// after another while they are in the first cache. Gradients and losses have the same bits; after WEIR_DIVERGED, or a
/// status of the objective's, the gradient is not defined. Rules with a state see all rows at once, whatever is said
/// here. At first: false.
WEIR_API void weir_estimator_split_set(weir_estimator *estimator, bool split);
/// Evaluations of the loss per example.
WEIR_API size_t weir_estimator_evaluations(const weir_estimator *estimator);
/// The rule's state (baselines, control variates), to be saved and put back; NULL, *count 0 when it has none.
WEIR_API float *weir_estimator_state(weir_estimator *estimator, size_t *count);
/// The number of estimates made so far, the coordinate of the noise of the next one; and setting it.
WEIR_API uint32_t weir_estimator_step(const weir_estimator *estimator);
WEIR_API void weir_estimator_step_set(weir_estimator *estimator, uint32_t step);
/// Sets the seed of all noise drawn from now on.
WEIR_API void weir_estimator_seed_set(weir_estimator *estimator, uint64_t seed);

/// Mean and variance of one estimate over independent draws, at one vector of logits.
typedef struct weir_moments {
    double *mean;     ///< [units], the caller's
    double *variance; ///< [units], the caller's: of a single draw, unbiased (divided by draws − 1)
    double loss;      ///< mean loss
    uint64_t draws;   ///< made
} weir_moments;

/// Draws at least `draws` (≥ 2) estimates at logits [units], max_rows of the estimator at a time, so that the examples
/// of a call to the objective are draws of the same thing. The rule's state moves with every call.
WEIR_API weir_status weir_estimate_moments(weir_estimator *estimator, weir_moments *moments, const float *logits,
                                           uint64_t draws, weir_objective objective, void *context, weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
