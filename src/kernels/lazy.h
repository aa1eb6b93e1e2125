// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file lazy.h
/// Adam for weights that most steps do not touch: what such steps, whose gradient is 0, would have done is made up for
/// when the weights are needed next, in one pass.
///
/// With j steps since the last gradient, m and v have become β₁ʲ·m and β₂ʲ·v, so that the weights have moved by
/// m·Σⱼ cⱼ / (aⱼ·√v + ε), where cⱼ = rateⱼ·β₁ʲ / (1 − β₁ˢ), aⱼ = √(β₂ʲ / (1 − β₂ˢ)) and s is the number of the step. The
/// aⱼ that count differ little from their mean ā weighted by cⱼ. The sum is a series in their central moments μₙ,
/// C/(ā·√v + ε)·(1 + Σₙ (−√v/(ā·√v + ε))ⁿ·μₙ), whose terms are bounded for every v, as √v/(ā·√v + ε) < 1/ā. Where the aⱼ
/// differ much, in the first steps of a training, the steps are taken one by one.
#ifndef WEIR_LAZY_H
#define WEIR_LAZY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/status.h>

/// The steps so far, for all weights. Zero-initialise and set the constants; free with weir__history_free.
typedef struct weir__history {
    double beta1, beta2, epsilon;
    double *rate; ///< [count]: rate / (1 − β₁ˢ) of step s = index + 1
    double *root; ///< [count]: 1 / √(1 − β₂ˢ)
    size_t count, room;
} weir__history;
/// Begins the next step.
weir_status weir__history_push(weir__history *history, double rate, weir_error *error);
void weir__history_free(weir__history *history);

/// What the steps from + 1 … to do to weights without a gradient.
typedef struct weir__gap {
    const weir__history *history;
    size_t from, steps; ///< steps: those that move anything
    bool one_by_one;
    float past1, past2;               ///< β₁ʲ and β₂ʲ of all of them
    float sum, mean, second, third, fourth; ///< C, ā, μ₂, μ₃ and μ₄
} weir__gap;
weir__gap weir__gap_between(const weir__history *history, size_t from, size_t to);

/// Takes weights [count] and their averages from step `from` to step `to`.
void weir__gap_cross(const weir__gap *gap, size_t count, float *weights, float *mean, float *square);

/// weir__gap_cross that leaves the averages as they are: a move that follows takes gap.past1 and gap.past2 with it, and
/// memory is written once.
void weir__gap_cross_weights(const weir__gap *gap, size_t count, float *weights, const float *mean,
                             const float *square);

/// The last step of the history with gradient g. The averages are those of the step before, times past1 and past2.
void weir__history_move(const weir__history *history, float past1, float past2, size_t count, float *weights,
                        const float *g, float *mean, float *square);

#endif
