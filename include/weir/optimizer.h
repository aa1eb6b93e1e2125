// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file optimizer.h
/// Moving parameters down their gradients: update rules and schedules of the learning rate, over arrays of your own or
/// the parameters of a graph. A trainer (train.h) does the same inside; nothing here needs one.
///
///     weir_optimizer_options options = weir_optimizer_options_default();
///     options.kind = "adam";
///     weir_optimizer_create(&optimizer, &options, count, &error);
///     weir_schedule_rate(&rate, &options, epoch, part, epochs, &error);         // each step
///     weir_optimizer_step(optimizer, values, gradients, rate, &error);
#ifndef WEIR_OPTIMIZER_H
#define WEIR_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>

#include "graph.h"
#include "options.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The scheduled rate after `epoch` whole epochs and `part` (in [0, 1)) of the next, of `epochs` in all. With e the
/// whole epochs, t the part and E all epochs:
/// - "constant": rate
/// - "step": rate·step_factor^⌊e / step_epochs⌋
/// - "cosine": final_rate + (rate − final_rate)·(1 + cos(π·(e + t)/E))/2 (Loshchilov and Hutter 2017, no restarts)
/// each divided by 1 + rate_decay·e. Whoever counts steps and not epochs takes a step for an epoch. WEIR_CONFIG names
/// the option that is wrong, WEIR_ARGUMENT a part outside its range; *rate is then as before. Pure: any thread.
WEIR_API weir_status weir_schedule_rate(double *rate, const weir_optimizer_options *options, size_t epoch, double part,
                                        size_t epochs, weir_error *error);

/// An update rule with its moving averages for `count` parameters. One thread uses an optimizer at a time; its steps
/// share their work among weir_threads() threads, with the same bits for any number of these.
typedef struct weir_optimizer weir_optimizer;

/// Makes an optimizer whose moving averages are 0. Strings in options are not kept. WEIR_CONFIG names the option that
/// is wrong. Free with weir_optimizer_free (NULL is fine).
WEIR_API weir_status weir_optimizer_create(weir_optimizer **optimizer, const weir_optimizer_options *options,
                                           size_t count, weir_error *error);
WEIR_API void weir_optimizer_free(weir_optimizer *optimizer);

/// One step over an array: values [count] move by gradients [count] at this rate (options.rate is not read; see
/// weir_schedule_rate). Weight decay applies to every value, no norm is limited. The arrays do not overlap.
/// WEIR_ARGUMENT for a rate that is no finite number ≥ 0; values are then as before.
WEIR_API weir_status weir_optimizer_step(weir_optimizer *optimizer, float *values, const float *gradients, double rate,
                                         weir_error *error);

/// One step over tensors, those of a graph after its backward pass or of arrays of your own that a weir_parameters
/// describes: each tensor at rate·tensor.rate, decayed where it decays, held to its max_norm, tiles that are not
/// touched left alone. WEIR_ARGUMENT: parameters->count is not the optimizer's, there are no gradients (a graph that is
/// not for training), or the rate is wrong; values are then as before.
WEIR_API weir_status weir_optimizer_step_parameters(weir_optimizer *optimizer, const weir_parameters *parameters,
                                                    double rate, weir_error *error);

/// The moving average at index 0, 1, … ("velocity" of momentum; "mean" and "square" of adam), [count] as the values
/// lie; *name, unless NULL, gets its name. NULL beyond the last. It may be read, to be saved, and written, to be put
/// back, with weir_optimizer_steps.
WEIR_API float *weir_optimizer_average(weir_optimizer *optimizer, size_t index, const char **name);
/// Steps made so far, on which adam's bias correction depends; and setting them.
WEIR_API uint64_t weir_optimizer_steps(const weir_optimizer *optimizer);
WEIR_API void weir_optimizer_steps_set(weir_optimizer *optimizer, uint64_t steps);

/// Number of kinds of update, and the name of the one at index ("sgd"; NULL beyond).
WEIR_API size_t weir_optimizer_kind_count(void);
WEIR_API const char *weir_optimizer_kind_at(size_t index);

#ifdef __cplusplus
}
#endif
#endif
