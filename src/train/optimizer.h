// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file optimizer.h
/// The inside of an optimizer, for the trainer, which moves each tensor in the backward pass of a graph.
#ifndef WEIR_OPTIMIZER_INTERNAL_H
#define WEIR_OPTIMIZER_INTERNAL_H

#include <weir/optimizer.h>

#include "../core/core.h"
#include "../kernels/update.h"

/// A rule and its moving averages, which lie as the flat parameter array does.
struct weir_optimizer {
    const weir__update_rule *rule;
    weir_optimizer_options options;
    float *slots[WEIR__UPDATE_SLOTS];
    size_t count;
    uint64_t step; ///< updates made so far
};

/// Checks the options (WEIR_CONFIG names the one that is wrong) and allocates. Free with weir__optimizer_free.
weir_status weir__optimizer_init(weir_optimizer *optimizer, const weir_optimizer_options *options, size_t count,
                                 weir_error *error);
void weir__optimizer_free(weir_optimizer *optimizer);

/// Begins a step, and the update of one tensor in it at a scheduled rate.
void weir__optimizer_begin(weir_optimizer *optimizer);
weir__update weir__optimizer_update(const weir_optimizer *optimizer, const weir_tensor *tensor, double rate);

#endif
