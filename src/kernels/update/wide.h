// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file wide.h
/// Sixteen floats anywhere in memory. Compilers cut them into what the instruction set has, so that a sum taken in
/// them has the same order in all.
#ifndef WEIR_UPDATE_WIDE_H
#define WEIR_UPDATE_WIDE_H

#include "../../core/clones.h"
#include "../update.h"

typedef float weir__wide __attribute__((vector_size(64), aligned(4), may_alias));

/// All lanes of four sums; one alone would make each addition wait for the one before it.
WEIR__INLINE float weir__wide_total(const weir__wide *sums) {
    const weir__wide total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    float value = 0;
    for (int k = 0; k < 16; k++) value += total[k];
    return value;
}

#endif
