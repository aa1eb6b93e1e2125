// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file wide.h
/// Sixteen floats anywhere in memory. Compilers cut them into what the instruction set has, so that a sum taken in
/// them has the same order in all.
#ifndef WEIR_UPDATE_WIDE_H
#define WEIR_UPDATE_WIDE_H

#include <string.h>

#include "../../core/clones.h"
#include "../update.h"

typedef float weir__wide __attribute__((vector_size(64), aligned(4), may_alias));

enum { WEIR__WIDE = 16 };

/// The first count lanes (WEIR__WIDE: all), the rest 0; nothing beyond them is read or written.
WEIR__INLINE void weir__wide_load(weir__wide *to, const float *from, size_t count) {
    if (count == WEIR__WIDE) {
        *to = *(const weir__wide *)from;
    } else {
        *to = (weir__wide){0};
        memcpy(to, from, count * sizeof *from);
    }
}
WEIR__INLINE void weir__wide_store(float *to, const weir__wide *from, size_t count) {
    if (count == WEIR__WIDE) {
        *(weir__wide *)to = *from;
    } else {
        memcpy(to, from, count * sizeof *to);
    }
}

/// All lanes of four sums, halves added to halves: one after the other each addition would wait for the one before it.
WEIR__INLINE float weir__wide_total(const weir__wide *sums) {
    const weir__wide total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    float lanes[16];
    memcpy(lanes, &total, sizeof lanes);
    for (int half = 8; half; half /= 2) {
        for (int k = 0; k < half; k++) lanes[k] += lanes[k + half];
    }
    return lanes[0];
}

#endif
