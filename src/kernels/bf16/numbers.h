// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file numbers.h
/// What the walks (../walk) ask of products in bf16: as ../vector/numbers.h.
#ifndef WEIR_NUMBERS_H
#define WEIR_NUMBERS_H

#include "panel.h"

typedef uint16_t number;
typedef weir__bf16_side numbers_side;

enum { NUMBER_LANES = PAIR_LANES, LANE_FLOATS = WEIR__BF16_ROOM };

INLINE const weir__side *side_of(const numbers_side *side) { return side->side; }
INLINE const number *numbers_at(const numbers_side *side, size_t slot) { return half_values(side, slot); }
INLINE float value_of(number a) { return weir__bf16_value(a); }

INLINE vec sum_products(vec sum, const number *a, const number *b) {
    return add_pairs(sum, load_pairs(a), load_pairs(b));
}
INLINE vec sum_first_products(vec sum, const number *a, const number *b, size_t count) {
    return add_pairs(sum, load_first_pairs(a, count), load_first_pairs(b, count));
}

#endif
