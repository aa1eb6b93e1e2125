// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file numbers.h
/// What the walks (../walk) ask of products in bf16: as ../vector/numbers.h.
#ifndef WEIR_NUMBERS_H
#define WEIR_NUMBERS_H

#include "../side.h"
#include "pairs.h"

typedef uint16_t number;
typedef weir__bf16_side numbers_side;

enum { NUMBER_LANES = PAIR_LANES, LANE_FLOATS = WEIR__BF16_ROOM };

INLINE const weir__side *side_of(const numbers_side *side) { return side->side; }
INLINE const number *numbers_at(const numbers_side *side, size_t slot) { return half_values(side, slot); }
INLINE float value_of(number a) { return weir__bf16_value(a); }

typedef pairs numbers;
INLINE numbers load_numbers(const number *from) { return load_pairs(from); }
INLINE numbers load_first_numbers(const number *from, size_t count) { return load_first_pairs(from, count); }
INLINE vec add_numbers(vec sum, numbers a, numbers b) { return add_pairs(sum, a, b); }
INLINE numbers load_to_keep(const number *from) { return load_pairs(from); }

INLINE vec floats_at(const number *from) { return expand(from); }
INLINE vec first_floats_at(const number *from, size_t count) { return expand_first(from, count); }

#endif
