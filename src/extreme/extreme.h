// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file extreme.h
/// The network of extreme classification in memory.
#ifndef WEIR_EXTREME_EXTREME_H
#define WEIR_EXTREME_EXTREME_H

#include <weir/extreme.h>

#include "../core/core.h"
#include "../kernels/lazy.h"

/// Weights that are moved strip by strip. A strip is `length` weights, then as many means and squares of Adam, so that
/// all that a step needs of it lies together.
typedef struct weir__strips {
    size_t count, length, stride;
    float *weights; ///< [count][stride], stride at least 3·length
    uint32_t *upto; ///< [count]: the step that each is up to date with
} weir__strips;

static inline float *weir__strip(const weir__strips *strips, size_t s) { return strips->weights + s * strips->stride; }

/// Asks for the memory of strip s, which is used soon: strips lie anywhere, and no processor foresees which is next.
static inline void weir__strip_ask(const weir__strips *strips, size_t s) {
    enum { LINE = 16, MOST = 1024 }; // floats
    const char *at = (const char *)weir__strip(strips, s);
    const size_t length = strips->stride < MOST ? strips->stride : MOST;
    for (size_t i = 0; i < length; i += LINE) __builtin_prefetch(at + i * sizeof(float), 1);
}

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

/// Makes up for the steps of strip s to the last one.
void weir__strip_catch_up(const weir_extreme *extreme, const weir__strips *strips, size_t s);
/// Does so for its weights alone; its averages are still to be multiplied by what it returns.
typedef struct weir__past {
    float mean, square;
} weir__past;
weir__past weir__strip_catch_up_weights(const weir_extreme *extreme, const weir__strips *strips, size_t s);
/// Hidden outputs [count][hidden] of rows, whose columns are made up for.
void weir__extreme_hidden(const weir_extreme *extreme, const weir_sparse *rows, const uint32_t *index, size_t first,
                          size_t count, float *hidden);
/// WEIR_SHAPE for rows that are too wide.
weir_status weir__extreme_fits(const weir_extreme *extreme, const weir_sparse *rows, size_t first, size_t count,
                               weir_error *error);
void weir__extreme_scratch_free(weir__extreme_scratch *scratch);

#endif
