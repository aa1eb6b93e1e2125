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
    NUMBER_LANES = LANES,              ///< numbers that add_numbers multiplies
    DOT_UNITS = 4,                     ///< of a tile of dot products with DOT_ROWS rows
    LANE_FLOATS = WEIR__THREAD_SCRATCH ///< of scratch memory that a lane of pieces has
};

INLINE const weir__side *side_of(const numbers_side *side) { return side; }
INLINE const number *numbers_at(const numbers_side *side, size_t slot) { return weir__values(side, slot); }
INLINE float value_of(number a) { return a; }

/// NUMBER_LANES numbers, or the first count of them, the rest 0; and sum + a·b.
typedef vec numbers;
INLINE numbers load_numbers(const number *from) { return load(from); }
INLINE numbers load_first_numbers(const number *from, size_t count) { return load_first(from, count); }
INLINE vec add_numbers(vec sum, numbers a, numbers b) { return sum + a * b; }
/// Numbers that are used several times.
INLINE numbers load_to_keep(const number *from) { return in_register(load(from)); }

/// LANES of them as floats.
INLINE vec floats_at(const number *from) { return load(from); }
INLINE vec first_floats_at(const number *from, size_t count) { return load_first(from, count); }

/// Around each piece, for processors whose register tiles must be set up.
INLINE void begin_tiles(void) {}
INLINE void end_tiles(void) {}

#endif
