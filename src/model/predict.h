// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#ifndef WEIR_PREDICT_H
#define WEIR_PREDICT_H

#include <weir/model.h>

/// Index of the greatest of count values, the first of several.
static inline int32_t weir__arg_max(const float *values, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++) best = values[i] > values[best] ? i : best;
    return (int32_t)best;
}

#endif
