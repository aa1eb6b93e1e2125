// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file optimizer.h
/// Moving parameters down their gradients: a rule with its options and moving averages, for all tensors of a graph.
#ifndef WEIR_OPTIMIZER_H
#define WEIR_OPTIMIZER_H

#include <weir/train.h>

#include "../core/core.h"
#include "../kernels/update.h"

/// A rule and its moving averages, which lie as the flat parameter array does.
typedef struct weir__optimizer {
    const weir__update_rule *rule;
    weir_optimizer_options options;
    float *slots[WEIR__UPDATE_SLOTS];
    size_t count;
    uint64_t step; ///< updates made so far
} weir__optimizer;

/// Checks the options (WEIR_CONFIG names the one that is wrong) and allocates. Free with weir__optimizer_free.
weir_status weir__optimizer_init(weir__optimizer *optimizer, const weir_optimizer_options *options, size_t count,
                                 weir_error *error);
void weir__optimizer_free(weir__optimizer *optimizer);

/// Begins a step, and the update of one tensor in it at a scheduled rate.
void weir__optimizer_begin(weir__optimizer *optimizer);
weir__update weir__optimizer_update(const weir__optimizer *optimizer, const weir_tensor *tensor, double rate);

#endif
