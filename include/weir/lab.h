// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file lab.h
/// The laboratory of gradient estimators: is a rule right, and at what cost.
///
/// A rule (units.h) says what its backward must be on average. weir_lab_exactness draws it many times on losses whose
/// exact gradient is known and compares; a rule that nothing can be compared with fails. The toys are the two small
/// trainings that the literature shows its estimators on. A weir_comparison measures bias, variance and time of rules
/// on a network and data of the caller's own.
///
///     weir_verdict verdict;
///     weir_unit_parse(&unit, "rloo:samples=4", &error);
///     weir_lab_exactness(&verdict, &unit, 1, 1e6, NULL, NULL, &error);
///     if (!verdict.pass) puts(weir_verdict_text(&verdict));
#ifndef WEIR_LAB_H
#define WEIR_LAB_H

#include <stdbool.h>

#include "estimate.h"
#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WEIR_PROBLEM_UNITS = 16, WEIR_LAB_PLACES = 5 }; ///< most units of a problem; places of a smaller one

/// Is told, now and then, the share in [0, 1] of the work that is done, by the thread that called the laboratory.
/// Non-zero stops it: WEIR_INTERRUPTED.
typedef int (*weir_lab_progress)(void *context, double share);

// ---- problems and truth --------------------------------------------------------------------------------------------

/// A loss of few units that is a product of one factor per unit, L(h) = Π F_i(h_i): with independent units its mean is
/// a product of means, and so is every mean gradient. Plain data: copy freely.
typedef struct weir_problem {
    size_t units;
    double logits[WEIR_PROBLEM_UNITS];
    double (*factor)(const struct weir_problem *problem, size_t unit, double h);
    double (*slope)(const struct weir_problem *problem, size_t unit, double h); ///< F'
    weir_objective objective;                                                   ///< its context is the problem
    double target;                                                              ///< t of (h − t)²
} weir_problem;

/// exp(½(h₁ − h₂ + ½h₃ + 2h₄)) at logits (0.4, −0.8, 1.5, −0.2).
WEIR_API weir_problem weir_problem_four(void);
/// A problem for units of any draw, and the unit as one of its layer: weir_problem_four for outputs that are drawn
/// alone. For variables of several outputs exp(c·h): two variables of three outputs unless the unit says how many
/// ("of", at most 8), one of five for subsets. place < 0; else a single variable whose pre-activations lie the farther
/// apart the greater place is, all 0 at place 0. WEIR_UNSUPPORTED for larger variables.
WEIR_API weir_status weir_problem_for(weir_problem *problem, weir_unit *unit, int place, weir_error *error);
/// (h − t)² of one unit with pre-activation log(p/(1 − p)).
WEIR_API weir_problem weir_problem_bit(double p, double t);
/// The mean of (h − t)² over any number of units, as a weir_objective; context: double t.
WEIR_API weir_status weir_problem_quadratic(void *context, size_t rows, size_t units, const uint32_t *example,
                                            const float *h, float *loss, float *dh, weir_error *error);

/// What a unit ought to do on a problem, from the definition of its rule and its draw.
typedef struct weir_truth {
    double gradient[WEIR_PROBLEM_UNITS]; ///< of the mean loss of what a finished network draws (weir_rule.draw), or of
                                         ///< the bound (WEIR_TRAIT_BOUND)
    double mean[WEIR_PROBLEM_UNITS];     ///< of the rule's estimate: the gradient, or what its bias makes of it
    bool unbiased;                       ///< for that gradient
    bool known; ///< false, and zeros above: the definition gives no numbers, the loss has no variance under it, or
                ///< enumerating a bound's samples would take too long
} weir_truth;
WEIR_API weir_truth weir_truth_of(const weir_unit *unit, const weir_problem *problem);

// ---- exactness -----------------------------------------------------------------------------------------------------

#define WEIR_LAB_TARGET 0.499 ///< t of the one-bit problem
/// The probabilities of the one-bit problem: 0.5, 0.3, 0.2, 0.1, 0.02 for k < WEIR_LAB_PLACES.
WEIR_API double weir_lab_place(size_t k);

/// What came of a unit.
typedef struct weir_verdict {
    weir_truth truth;   ///< on weir_problem_four, or what stands for it
    weir_form known;    ///< of the form with these values; zeros where there is none
    size_t evaluations; ///< of the loss, per example of that problem
    double draws;       ///< made on weir_problem_four
    double bias, noise; ///< distance of the mean from truth.gradient, and what chance may make of it
    double variance;    ///< total of one estimate
    double z;           ///< greatest distance of a mean from its truth in standard errors, one bit included; NaN: no
                        ///< truth was known anywhere
    double bit_variance[WEIR_LAB_PLACES]; ///< on one bit at each place
    double wide_variance;                 ///< per unit of 200; NaN: not measured
    bool judged;                          ///< there was something to compare with
    bool pass_mean, pass_bias, pass_variance, pass_bit, pass_wide;
    bool pass; ///< judged, and everything agrees
} weir_verdict;

/// Draws each unit `draws` (≥ 1000) times on weir_problem_four, fewer times on one bit at weir_lab_place(0 …) and,
/// where an exact variance is known, on 200 units; variables of several outputs on weir_problem_for instead. verdicts
/// [count]. The numbers do not depend on the number of threads. A unit that asks for more evaluations than can be made
/// is not judged. progress may be NULL. Errors: those of weir_estimate, WEIR_MEMORY, WEIR_INTERRUPTED.
WEIR_API weir_status weir_lab_exactness(weir_verdict *verdicts, const weir_unit *units, size_t count, double draws,
                                        weir_lab_progress progress, void *context, weir_error *error);
/// "holds", or what does not: "MEAN", "BIAS", "VARIANCE", "ONE BIT", "200 UNITS", "NOT JUDGED".
WEIR_API const char *weir_verdict_text(const weir_verdict *verdict);

// ---- toys ----------------------------------------------------------------------------------------------------------

enum { WEIR_TOY_MARKS = 4, WEIR_TOY_CURVE = 100, WEIR_TOY_POINTS = 20, WEIR_TOY_TARGETS = 2 };

/// One bit: min E (b − t)² from logit 0 by Adam at 0.01, an estimate of one row per step (Tucker et al. 2017).
typedef struct weir_toy_bit {
    double mark[WEIR_TOY_MARKS], spread[WEIR_TOY_MARKS]; ///< exact loss after a tenth, a fifth, a half and all of the
                                                         ///< steps: mean and standard deviation over the seeds
    double curve[WEIR_TOY_CURVE + 1];                    ///< mean at equal distances from step 0
} weir_toy_bit;
/// 200 units: max E 1/D Σ (b_i − 0.499)² from logits 0 by RMSprop at 0.01 with 0.9 for the past, one row a step
/// (Titsias and Shi 2022); every 100 steps the variance of the gradient from 2000 draws at the same place.
typedef struct weir_toy_wide {
    double step[WEIR_TOY_POINTS + 1], loss[WEIR_TOY_POINTS + 1], variance[WEIR_TOY_POINTS + 1];
    double reached;   ///< first step whose loss is at least 0.25099; NaN: none
    bool unsupported; ///< too many evaluations for 200 units
} weir_toy_wide;
typedef struct weir_toy {
    weir_toy_bit bit[WEIR_TOY_TARGETS]; ///< for the targets weir_toy_target(0 …)
    weir_toy_wide wide;
    bool agrees[WEIR_TOY_TARGETS]; ///< with the loss that the unit's form is known to reach in 10 000 steps, if any
    bool in_time;                  ///< a form known to reach 0.25099 does so by step 1500
} weir_toy;
/// The targets of the one-bit toy: 0.499 and 0.49 for k < WEIR_TOY_TARGETS.
WEIR_API double weir_toy_target(size_t k);

/// Runs the two toys for each unit: toys [count]. steps, of the one-bit problem, is a multiple of WEIR_TOY_CURVE.
WEIR_API weir_status weir_lab_toy(weir_toy *toys, const weir_unit *units, size_t count, size_t steps, size_t seeds,
                                  weir_lab_progress progress, void *context, weir_error *error);
/// The exact loss of one bit at a logit.
WEIR_API double weir_toy_loss(double logit, double target);

// ---- on a network --------------------------------------------------------------------------------------------------

/// Rules side by side on one network. Used by one thread at a time.
typedef struct weir_comparison weir_comparison;

/// One rule at one point of a training. What counts is the gradient of the parameters before the units, the only ones
/// that a rule stands between.
typedef struct weir_measured {
    const char *left_out; ///< why the network cannot have this rule, or NULL
    bool unbiased;        ///< it is one of those that the reference is made of
    size_t draws, evaluations;
    double variance;     ///< total, of one estimate
    double bias, noise;  ///< distance of the mean from the reference (0 for unbiased rules), and its standard error
    double milliseconds; ///< median of a forward and a backward pass
    double error;        ///< distance from the exact gradient of the mean of as many estimates as fit into the time of
                         ///< 100 of the fastest rule
} weir_measured;

/// Makes the network once per rule, all its units by that rule, for batches of options->max_rows examples. rules
/// [count] are texts of weir_unit_parse_among with the rules of the options, of which at least one must be unbiased for
/// the loss of binary units, like disarm, and fit into the network (else WEIR_ARGUMENT). The network has units, and
/// parameters before them (else WEIR_SHAPE). Free with weir_comparison_free (NULL is fine).
WEIR_API weir_status weir_comparison_create(weir_comparison **comparison, const weir_node *nodes, size_t node_count,
                                            const char *const *rules, size_t count, const weir_graph_options *options,
                                            weir_error *error);
WEIR_API void weir_comparison_free(weir_comparison *comparison);
/// Parameters before the units.
WEIR_API size_t weir_comparison_parameters(const weir_comparison *comparison);

/// Draws the gradient of one batch `draws` (≥ 2) times by every rule, at the parameters of graph, which has the same
/// network: measured [count]; *norm is the length of the reference, the mean over all draws of all unbiased rules
/// weighted by the inverse of their variances, of which the best gets ten times the draws. batch gives rows, inputs and
/// labels or targets; its mode, seed and step are not read. point tells the noise of one call from that of another.
/// Penalties are left out.
WEIR_API weir_status weir_comparison_measure(weir_comparison *comparison, weir_measured *measured, double *norm,
                                             weir_graph *graph, const weir_pass *batch, size_t draws, uint32_t point,
                                             weir_lab_progress progress, void *context, weir_error *error);
/// The rule of least error at equal time, or SIZE_MAX.
WEIR_API size_t weir_measured_best(const weir_measured *measured, size_t count, bool unbiased_only);

/// Copies the values of one graph's parameters to another of the same network. WEIR_SHAPE names what differs.
WEIR_API weir_status weir_graph_values_copy(weir_graph *to, weir_graph *from, weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
