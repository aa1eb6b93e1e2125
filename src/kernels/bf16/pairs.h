// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file pairs.h
/// Vectors of pairs of bf16 numbers, and the one instruction that matters: each lane of a sum takes the two products
/// of its pair. Without AVX512_BF16 a pair is split into two floats by a shift and a mask.
#ifndef WEIR_PAIRS_H
#define WEIR_PAIRS_H

#include <string.h>

#include "../vector/lanes.h"
#include "bf16.h"

enum { PAIR_LANES = 2 * LANES }; // bf16 numbers in a vector

INLINE const uint16_t *half_values(const weir__bf16_side *side, size_t slot) {
    return side->values + slot * side->stride;
}

// Units of a tile of dot products, rows and vectors of a tile of panels.
#if LANES == 16
enum { DOT_UNITS = 4, PANEL_ROWS = 6, PANEL_VECTORS = 4 };
#else
enum { DOT_UNITS = 2, PANEL_ROWS = 6, PANEL_VECTORS = 2 };
#endif

typedef uint32_t pairs __attribute__((vector_size(LANES * sizeof(uint32_t))));
typedef uint32_t pairs_at __attribute__((vector_size(LANES * sizeof(uint32_t)), aligned(2), may_alias));
typedef uint16_t half_vec __attribute__((vector_size(LANES * sizeof(uint16_t))));
typedef uint16_t half_vec_at __attribute__((vector_size(LANES * sizeof(uint16_t)), aligned(2), may_alias));
typedef uint32_t pair_at __attribute__((aligned(2), may_alias)); // two neighbours in memory

INLINE pairs load_pairs(const uint16_t *from) { return *(const pairs_at *)from; }
INLINE pairs splat_pair(uint32_t a) { return a + (pairs){0}; }

/// The first count numbers (1 … 2·LANES), the rest 0; nothing beyond them is read.
INLINE pairs load_first_pairs(const uint16_t *from, size_t count) {
#if defined(__AVX512F__)
    return (pairs)_mm512_maskz_loadu_epi16((__mmask32)(0xffffffffu >> (32 - count)), from);
#else
    pairs a = {0};
    memcpy(&a, from, count * sizeof *from);
    return a;
#endif
}

/// LANES numbers (the first count of them, the rest 0), each in the lower half of its lane.
INLINE pairs widen(const uint16_t *from) { return __builtin_convertvector(*(const half_vec_at *)from, pairs); }
INLINE pairs widen_first(const uint16_t *from, size_t count) {
#if defined(__AVX512F__)
    const __m256i a = _mm256_maskz_loadu_epi16((__mmask16)(0xffffu >> (16 - count)), from);
    return (pairs)_mm512_cvtepu16_epi32(a);
#else
    half_vec a = {0};
    memcpy(&a, from, count * sizeof *from);
    return __builtin_convertvector(a, pairs);
#endif
}

/// Numbers of bf16 widened to floats.
INLINE vec expand(const uint16_t *from) { return (vec)(widen(from) << 16); }
INLINE vec expand_first(const uint16_t *from, size_t count) { return (vec)(widen_first(from, count) << 16); }

/// Pairs as floats: the first numbers, the second ones.
typedef struct split_pairs {
    vec first, second;
} split_pairs;
INLINE split_pairs split(pairs a) {
    // Else a splat would be split as a number, and take its way from there into the lanes twice.
    a = (pairs)in_register((vec)a);
    return (split_pairs){(vec)(a << 16), (vec)(a & 0xffff0000u)};
}
INLINE vec add_split_pairs(vec sum, split_pairs a, split_pairs b) {
    sum += a.first * b.first;
    return sum + a.second * b.second;
}

/// sum + the products of both halves.
INLINE vec add_pairs(vec sum, pairs a, pairs b) {
#if defined(__AVX512BF16__)
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    return add_split_pairs(sum, split(a), split(b));
#endif
}

/// Rows and columns of LANES × LANES pairs, or floats by their bits, exchanged.
INLINE void exchange(pairs *r) {
    pairs t[LANES];
#if LANES == 16
    __m512i *const from = (__m512i *)(void *)r, *const to = (__m512i *)(void *)t;
    UNROLL for (size_t i = 0; i < 16; i += 2) {
        to[i] = _mm512_unpacklo_epi32(from[i], from[i + 1]);
        to[i + 1] = _mm512_unpackhi_epi32(from[i], from[i + 1]);
    }
    UNROLL for (size_t i = 0; i < 16; i += 4) {
        from[i] = _mm512_unpacklo_epi64(to[i], to[i + 2]);
        from[i + 1] = _mm512_unpackhi_epi64(to[i], to[i + 2]);
        from[i + 2] = _mm512_unpacklo_epi64(to[i + 1], to[i + 3]);
        from[i + 3] = _mm512_unpackhi_epi64(to[i + 1], to[i + 3]);
    }
    // Now quarter q of row 4·g + c has column 4·q + c of rows 4·g … 4·g + 3.
    UNROLL for (size_t c = 0; c < 4; c++) {
        to[c] = _mm512_shuffle_i32x4(from[c], from[4 + c], 0x88);
        to[4 + c] = _mm512_shuffle_i32x4(from[8 + c], from[12 + c], 0x88);
        to[8 + c] = _mm512_shuffle_i32x4(from[c], from[4 + c], 0xdd);
        to[12 + c] = _mm512_shuffle_i32x4(from[8 + c], from[12 + c], 0xdd);
    }
    UNROLL for (size_t c = 0; c < 4; c++) {
        from[c] = _mm512_shuffle_i32x4(to[c], to[4 + c], 0x88);
        from[4 + c] = _mm512_shuffle_i32x4(to[8 + c], to[12 + c], 0x88);
        from[8 + c] = _mm512_shuffle_i32x4(to[c], to[4 + c], 0xdd);
        from[12 + c] = _mm512_shuffle_i32x4(to[8 + c], to[12 + c], 0xdd);
    }
#elif LANES == 8
    __m256i *const from = (__m256i *)(void *)r, *const to = (__m256i *)(void *)t;
    UNROLL for (size_t i = 0; i < 8; i += 2) {
        to[i] = _mm256_unpacklo_epi32(from[i], from[i + 1]);
        to[i + 1] = _mm256_unpackhi_epi32(from[i], from[i + 1]);
    }
    UNROLL for (size_t i = 0; i < 8; i += 4) {
        from[i] = _mm256_unpacklo_epi64(to[i], to[i + 2]);
        from[i + 1] = _mm256_unpackhi_epi64(to[i], to[i + 2]);
        from[i + 2] = _mm256_unpacklo_epi64(to[i + 1], to[i + 3]);
        from[i + 3] = _mm256_unpackhi_epi64(to[i + 1], to[i + 3]);
    }
    // Now half h of row 4·g + c has column 4·h + c of rows 4·g … 4·g + 3.
    UNROLL for (size_t c = 0; c < 4; c++) {
        to[c] = _mm256_permute2x128_si256(from[c], from[4 + c], 0x20);
        to[4 + c] = _mm256_permute2x128_si256(from[c], from[4 + c], 0x31);
    }
    memcpy(r, t, sizeof t);
#else
    for (size_t i = 0; i < LANES; i++) {
        for (size_t k = 0; k < LANES; k++) t[k][i] = r[i][k];
    }
    memcpy(r, t, sizeof t);
#endif
}

// ---- weights in halves (halves.h) ----------------------------------------------------------------------------------
//
// With both halves side by side in a lane, the lower one is counted from −0x8000 on where the float has it from 0 on:
// one bit less, and the lane is the float.

INLINE vec float_of_halves(pairs both) { return (vec)((both ^ 0x8000u) - 0x8000u); }

/// The bits of floats; a NaN loses its lower half, see weir__bf16_weight_bits.
INLINE pairs weight_bits(vec a) {
    const pairs bits = (pairs)a;
#if LANES == 16
    const __mmask16 is_nan = _mm512_cmp_ps_mask((__m512)a, (__m512)a, _CMP_UNORD_Q);
    return (pairs)_mm512_mask_and_epi32((__m512i)bits, is_nan, (__m512i)bits, _mm512_set1_epi32((int)0xffff0000u));
#else
    const pairs is_nan = (pairs)((bits & 0x7fffffffu) > (pairs){0} + 0x7f800000u);
    return bits & ~(is_nan & 0xffffu);
#endif
}

INLINE pairs halves_of_bits(pairs known) { return (known + 0x8000u) ^ 0x8000u; }
INLINE pairs halves_of_float(vec a) { return halves_of_bits(weight_bits(a)); }

#if LANES == 16
/// Word k of a, word k of b, for 16 words from `first` on (0 or 16); and its reverse: the words of two vectors at odd
/// places (first 1) or even ones (first 0).
INLINE __m512i words_of_both(__m512i a, __m512i b, int first) {
    const __m512i low = _mm512_set_epi32(0x002f000f, 0x002e000e, 0x002d000d, 0x002c000c, 0x002b000b, 0x002a000a,
                                         0x00290009, 0x00280008, 0x00270007, 0x00260006, 0x00250005, 0x00240004,
                                         0x00230003, 0x00220002, 0x00210001, 0x00200000);
    return _mm512_permutex2var_epi16(a, _mm512_add_epi16(low, _mm512_set1_epi16((short)first)), b);
}
INLINE __m512i every_other_word(__m512i a, __m512i b, int first) {
    const __m512i even = _mm512_set_epi32(0x003e003c, 0x003a0038, 0x00360034, 0x00320030, 0x002e002c, 0x002a0028,
                                          0x00260024, 0x00220020, 0x001e001c, 0x001a0018, 0x00160014, 0x00120010,
                                          0x000e000c, 0x000a0008, 0x00060004, 0x00020000);
    return _mm512_permutex2var_epi16(a, _mm512_add_epi16(even, _mm512_set1_epi16((short)first)), b);
}
#endif

/// The floats of some vectors (a constant, at most 8) of weights, of the last one the first tail lanes.
INLINE void load_joined(const int vectors, size_t tail, vec *to, const uint16_t *upper, const uint16_t *lower) {
#if LANES == 16
    if (vectors % 2 == 0 && tail == LANES) {
        UNROLL for (int v = 0; v + 1 < vectors; v += 2) {
            const __m512i low = _mm512_loadu_si512(lower + v * LANES), high = _mm512_loadu_si512(upper + v * LANES);
            to[v] = float_of_halves((pairs)words_of_both(low, high, 0));
            to[v + 1] = float_of_halves((pairs)words_of_both(low, high, LANES));
        }
        return;
    }
#elif LANES == 8
    if (vectors % 2 == 0 && tail == LANES) {
        UNROLL for (int v = 0; v + 1 < vectors; v += 2) {
            // Quarters 0 and 2 lie in the lower half then, 1 and 3 in the upper one: what interleaving takes together.
            const __m256i low =
                _mm256_permute4x64_epi64(_mm256_loadu_si256((const __m256i_u *)(lower + v * LANES)), 0xd8);
            const __m256i high =
                _mm256_permute4x64_epi64(_mm256_loadu_si256((const __m256i_u *)(upper + v * LANES)), 0xd8);
            to[v] = float_of_halves((pairs)_mm256_unpacklo_epi16(low, high));
            to[v + 1] = float_of_halves((pairs)_mm256_unpackhi_epi16(low, high));
        }
        return;
    }
#endif
    UNROLL for (int v = 0; v < vectors; v++) {
        const bool partial = v == vectors - 1 && tail < LANES;
        const uint16_t *high = upper + v * LANES, *low = lower + v * LANES;
        to[v] = float_of_halves(partial ? widen_first(high, tail) << 16 | widen_first(low, tail)
                                        : widen(high) << 16 | widen(low));
    }
}

/// And back.
INLINE void store_split(const int vectors, size_t tail, uint16_t *upper, uint16_t *lower, const vec *from) {
#if LANES == 16
    if (vectors % 2 == 0 && tail == LANES) {
        UNROLL for (int v = 0; v + 1 < vectors; v += 2) {
            const __m512i a = (__m512i)halves_of_float(from[v]), b = (__m512i)halves_of_float(from[v + 1]);
            _mm512_storeu_si512(upper + v * LANES, every_other_word(a, b, 1));
            _mm512_storeu_si512(lower + v * LANES, every_other_word(a, b, 0));
        }
        return;
    }
#elif LANES == 8
    if (vectors % 2 == 0 && tail == LANES) {
        UNROLL for (int v = 0; v + 1 < vectors; v += 2) {
            pairs bits[2] = {(pairs)from[v], (pairs)from[v + 1]};
            const __m256 nan = _mm256_cmp_ps((__m256)from[v], (__m256)from[v + 1], _CMP_UNORD_Q); // in either
            if (_mm256_movemask_ps(nan)) bits[0] = weight_bits(from[v]), bits[1] = weight_bits(from[v + 1]);
            const __m256i a = (__m256i)halves_of_bits(bits[0]), b = (__m256i)halves_of_bits(bits[1]);
            const __m256i zero = _mm256_setzero_si256();
            const __m256i high = _mm256_packus_epi32(_mm256_srli_epi32(a, 16), _mm256_srli_epi32(b, 16));
            const __m256i low =
                _mm256_packus_epi32(_mm256_blend_epi16(a, zero, 0xaa), _mm256_blend_epi16(b, zero, 0xaa));
            _mm256_storeu_si256((__m256i_u *)(upper + v * LANES), _mm256_permute4x64_epi64(high, 0xd8));
            _mm256_storeu_si256((__m256i_u *)(lower + v * LANES), _mm256_permute4x64_epi64(low, 0xd8));
        }
        return;
    }
#endif
    UNROLL for (int v = 0; v < vectors; v++) {
        const size_t count = v == vectors - 1 ? tail : LANES;
        const pairs both = halves_of_float(from[v]);
        const half_vec high = __builtin_convertvector(both >> 16, half_vec);
        const half_vec low = __builtin_convertvector(both & 0xffffu, half_vec);
        memcpy(upper + v * LANES, &high, count * sizeof *upper);
        memcpy(lower + v * LANES, &low, count * sizeof *lower);
    }
}

#endif
