// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file numbers.h
/// What the walks (../walk) ask of products of floats. bf16/numbers.h answers for the other precision.
#ifndef WEIR_NUMBERS_H
#define WEIR_NUMBERS_H

#include "../side.h"
#include "lanes.h"

typedef float number;            ///< of weights, and of the side that is read
typedef weir__side numbers_side; ///< that side

enum {
    NUMBER_LANES = LANES,              ///< numbers that sum_products multiplies
    LANE_FLOATS = WEIR__THREAD_SCRATCH ///< of scratch memory that a lane of pieces has
};

INLINE const weir__side *side_of(const numbers_side *side) { return side; }
INLINE const number *numbers_at(const numbers_side *side, size_t slot) { return weir__values(side, slot); }
INLINE float value_of(number a) { return a; }

/// sum + a·b, vector by vector; of the first count numbers.
INLINE vec sum_products(vec sum, const number *a, const number *b) { return sum + load(a) * load(b); }
INLINE vec sum_first_products(vec sum, const number *a, const number *b, size_t count) {
    return sum + load_first(a, count) * load_first(b, count);
}

/// Around each piece, for processors whose register tiles must be set up.
INLINE void begin_tiles(void) {}
INLINE void end_tiles(void) {}

#endif
