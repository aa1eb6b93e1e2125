// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file extreme.h
/// The network of extreme classification in memory.
#ifndef WEIR_EXTREME_EXTREME_H
#define WEIR_EXTREME_EXTREME_H

#include <weir/extreme.h>

#include "../core/core.h"
#include "../kernels/lazy.h"

/// Weights that are moved strip by strip: strips of `length` weights with their averages, and the step up to which each
/// is up to date.
typedef struct weir__strips {
    size_t count, length;
    float *weights, *mean, *square; ///< [count][length]
    uint32_t *upto;                 ///< [count]
} weir__strips;

/// Memory of a step, which grows with the largest one.
typedef struct weir__extreme_scratch weir__extreme_scratch;

struct weir_extreme {
    weir_extreme_options o;
    bool exact; ///< lazy
    size_t columns, classes, blocks;
    weir__strips input;        ///< a strip per column
    weir__strips bias;         ///< one strip, of the hidden layer
    weir__strips output;       ///< a strip per block: weights [block][hidden], then biases [block]
    uint32_t *place, *class_at; ///< of each class; [blocks·block], UINT32_MAX behind the last
    weir__history history;
    weir__extreme_scratch *scratch;
};

/// A weight of strip s, made up for to the last step.
void weir__strip_catch_up(const weir_extreme *extreme, const weir__strips *strips, size_t s);
/// Hidden outputs [count][hidden] of rows, whose columns are made up for.
void weir__extreme_hidden(const weir_extreme *extreme, const weir_sparse *rows, const uint32_t *index, size_t first,
                          size_t count, float *hidden);
/// WEIR_SHAPE for rows that are too wide.
weir_status weir__extreme_fits(const weir_extreme *extreme, const weir_sparse *rows, size_t first, size_t count,
                               weir_error *error);
void weir__extreme_scratch_free(weir__extreme_scratch *scratch);

#endif
