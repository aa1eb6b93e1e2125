// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bits.h
/// Sets as bits: 64 members to a word, the first one in its lowest bit. What routes are built from.
///
/// All are inline, so that a function with clones has them for its own instruction set.
#ifndef WEIR_BITS_H
#define WEIR_BITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../core/clones.h"

enum { WEIR__WORD = 64 };

WEIR__INLINE size_t weir__words(size_t members) { return (members + WEIR__WORD - 1) / WEIR__WORD; }

typedef float weir__floats4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t weir__ints4 __attribute__((vector_size(16)));

/// Bit k: whether h[k] ≠ 0, for k = 0 … 15.
WEIR__INLINE uint64_t weir__open_bits_of_16(const float *h) {
    const weir__floats4 *four = (const weir__floats4 *)h, zero = {0};
    const weir__ints4 one = {1, 2, 4, 8};
    weir__ints4 bits = ((weir__ints4)(four[0] != zero) & one) | ((weir__ints4)(four[1] != zero) & one << 4) |
                       ((weir__ints4)(four[2] != zero) & one << 8) | ((weir__ints4)(four[3] != zero) & one << 12);
    bits |= __builtin_shufflevector(bits, bits, 2, 3, 0, 1);
    return (uint64_t)(uint32_t)(bits[0] | bits[1]);
}

/// Bit k: whether h[k] ≠ 0, for k < count ≤ WEIR__WORD.
WEIR__INLINE uint64_t weir__open_bits(const float *h, size_t count) {
    uint64_t bits = 0;
    size_t k = 0;
    for (; k + 16 <= count; k += 16) bits |= weir__open_bits_of_16(h + k) << k;
    for (; k < count; k++) bits |= (uint64_t)(h[k] != 0) << k;
    return bits;
}

WEIR__INLINE int32_t weir__bits_count(const uint64_t *words, size_t count) {
    int32_t bits = 0;
    for (size_t k = 0; k < count; k++) bits += __builtin_popcountll(words[k]);
    return bits;
}

typedef uint32_t weir__uints8 __attribute__((vector_size(32)));
typedef int32_t weir__ints8 __attribute__((vector_size(32), aligned(4), may_alias));

/// counts[k] += bit k, k = 0 … 63.
WEIR__INLINE void weir__bits_add(int32_t *counts, uint64_t word) {
    const weir__uints8 shifts = {0, 1, 2, 3, 4, 5, 6, 7};
    for (size_t k = 0; k < WEIR__WORD; k += 8) {
        const uint32_t byte = (uint32_t)(word >> k) & 255;
        const weir__uints8 all = {byte, byte, byte, byte, byte, byte, byte, byte};
        *(weir__ints8 *)(counts + k) += (weir__ints8)(all >> shifts & 1);
    }
}

/// Bit k of word i becomes bit i of word k, of 64 words: squares of half the size change places, down to single bits.
WEIR__INLINE void weir__bits_turn(uint64_t *a) {
    uint64_t low = ~UINT64_C(0) >> 32;
    for (size_t side = 32; side; side /= 2, low ^= low << side) {
        for (size_t first = 0; first < WEIR__WORD; first += 2 * side) {
            for (size_t k = first; k < first + side; k++) {
                const uint64_t changed = ((a[k] >> side) ^ a[k + side]) & low;
                a[k] ^= changed << side;
                a[k + side] ^= changed;
            }
        }
    }
}

/// The members of each byte, ascending, in four bits each.
extern const uint32_t weir__members_of_byte[256];

enum { WEIR__WORD_ROOM = WEIR__WORD + 8 }; // integers that a word may write to, members or not

/// Lists the members of a word, plus `first`, without a branch.
WEIR__INLINE int32_t *weir__bits_list_word(int32_t *to, uint64_t word, int32_t first) {
    const weir__uints8 shifts = {0, 4, 8, 12, 16, 20, 24, 28};
    for (int32_t at = first; at < first + WEIR__WORD; at += 8, word >>= 8) {
        const uint32_t members = weir__members_of_byte[word & 255];
        const weir__uints8 all = {members, members, members, members, members, members, members, members};
        *(weir__ints8 *)to = (weir__ints8)(all >> shifts & 7) + at;
        to += __builtin_popcountll(word & 255);
    }
    return to;
}

/// Lists the members of a set, ascending, and returns where the list ends. Nothing at `end` or beyond is written to.
WEIR__INLINE int32_t *weir__bits_list(int32_t *to, const int32_t *end, const uint64_t *words, size_t count) {
    enum { FEW = 4 };
    for (size_t k = 0; k < count; k++) {
        uint64_t word = words[k];
        const int32_t first = (int32_t)(k * WEIR__WORD);
        if (__builtin_popcountll(word) > FEW && end - to >= WEIR__WORD_ROOM) {
            to = weir__bits_list_word(to, word, first);
        } else {
            for (; word; word &= word - 1) *to++ = first + __builtin_ctzll(word);
        }
    }
    return to;
}

#endif
