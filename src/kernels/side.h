// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file side.h
/// What the gated kernels ask of a side of a product. A dense side answers as one block that is open in every row,
/// slot r being row r, so that a kernel written for compact sides needs no second version.
#ifndef WEIR_SIDE_H
#define WEIR_SIDE_H

#include <string.h>

#include "../core/parallel.h"
#include "gated.h"

static inline size_t weir__blocks(const weir__side *side) {
    return side->route ? side->route->blocks : side->width ? 1 : 0;
}

/// Units of a block: side->block, or what is left for the last one.
static inline size_t weir__units(const weir__side *side, size_t block) {
    const size_t left = side->width - block * side->block;
    return left < side->block ? left : side->block;
}

/// Where tile (jo, ji) begins.
static inline size_t weir__tile(const weir__side *out, const weir__side *in, size_t jo, size_t ji) {
    return jo * out->block * in->width + ji * in->block * weir__units(out, jo);
}

static inline size_t weir__slots(const weir__side *side, size_t rows) {
    return side->route ? side->route->slots : rows;
}

/// Slots of a block: first … evaluated, the open ones first … open.
static inline size_t weir__first(const weir__side *side, size_t block) {
    return side->route ? (size_t)side->route->start[block] : 0;
}
static inline size_t weir__open(const weir__side *side, size_t block, size_t rows) {
    return side->route ? (size_t)side->route->open[block] : rows;
}
static inline size_t weir__evaluated(const weir__side *side, size_t block, size_t rows) {
    return side->route ? (size_t)side->route->start[block + 1] : rows;
}

static inline size_t weir__row(const weir__side *side, size_t slot) {
    return side->route ? (size_t)side->route->row[slot] : slot;
}

static inline float *weir__values(const weir__side *side, size_t slot) { return side->values + slot * side->block; }

/// Open entries of a row: first … open.
typedef struct weir__entries {
    size_t first, open;
} weir__entries;
static inline weir__entries weir__entries_of(const weir__side *side, size_t row) {
    if (!side->route) return (weir__entries){0, side->width != 0};
    return (weir__entries){(size_t)side->route->row_start[row], (size_t)side->route->row_open[row]};
}
static inline size_t weir__entry_block(const weir__side *side, size_t entry) {
    return side->route ? (size_t)side->route->row_block[entry] : 0;
}
static inline size_t weir__entry_slot(const weir__side *side, size_t row, size_t entry) {
    return side->route ? (size_t)side->route->row_slot[entry] : row;
}

/// The block that owns a slot: start[j] ≤ slot < start[j+1].
static inline size_t weir__block_of_slot(const weir__side *side, size_t slot) {
    size_t first = 0, last = side->route ? side->route->blocks : 1;
    while (last - first > 1) {
        const size_t middle = first + (last - first) / 2;
        *((size_t)side->route->start[middle] <= slot ? &first : &last) = middle;
    }
    return first;
}

/// Sets all slots of a block to 0, closed ones too.
static inline void weir__clear_block(const weir__side *side, size_t block, size_t rows) {
    const size_t bytes = weir__units(side, block) * sizeof(float);
    for (size_t s = weir__first(side, block); s < weir__evaluated(side, block, rows); s++) {
        memset(weir__values(side, s), 0, bytes);
    }
}

/// Of slots whose rows ascend, the first one whose row is not before the given one.
static inline size_t weir__slot_from_row(const weir__side *side, weir__range slots, size_t row) {
    size_t first = slots.first, last = slots.last;
    while (first < last) {
        const size_t middle = first + (last - first) / 2;
        if (weir__row(side, middle) < row) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    return first;
}

/// The blocks of a part, such that each has about the same number of slots, a block itself counting as four.
static inline weir__range weir__blocks_of_part(const weir__side *side, size_t part, size_t parts) {
    const size_t blocks = weir__blocks(side);
    if (!side->route) return weir__part(blocks, part, parts);
    size_t bounds[2];
    for (size_t k = 0; k < 2; k++) {
        const size_t wanted = (side->route->slots + 4 * blocks) * (part + k) / parts;
        size_t first = 0, last = blocks;
        while (first < last) {
            const size_t middle = first + (last - first) / 2;
            if ((size_t)side->route->start[middle] + 4 * middle < wanted) {
                first = middle + 1;
            } else {
                last = middle;
            }
        }
        bounds[k] = first;
    }
    return (weir__range){bounds[0], bounds[1]};
}

/// Multiply-adds up to which a second thread costs more than it saves. Constant but for tests, which set it to 0 so
/// that threads share every case.
extern double weir__small_work;

/// How many parts to cut a product of so many multiply-adds into.
size_t weir__parts_for(double work);

/// The multiply-adds that going to one entry of a compact side takes the time of, where little is done there.
enum { WEIR__WORK_OF_ENTRY = 16 };
static inline double weir__entry_work(const weir__side *side) {
    return side->route ? WEIR__WORK_OF_ENTRY * (double)side->route->slots : 0;
}

/// What caches hold, in floats. How work is cut by it changes no bit. Constant but for tests, which shrink it.
typedef struct weir__caches {
    size_t inputs;  ///< of x, that stay in the last-level cache while weights stream by
    size_t piece;   ///< of a larger x, those that a band of outputs goes over at a time
    size_t band;    ///< outputs of a band
    size_t array;   ///< of an output, from which on it is written past the caches
    size_t weights; ///< from which on dx and the update go over them together
} weir__caches;
extern weir__caches weir__caches_in_use;

#endif
