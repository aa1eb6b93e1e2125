// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file quads.h
/// Quads of Philox words as uniform numbers, one lane per quad, for random.c: see there. The body below is compiled
/// once per instruction set, by files that name its function QUADS_FUNCTION.
///
/// Each word stands in the lower half of 64 bits, where one instruction multiplies it into a product of two words; what
/// products leave in upper halves counts for nothing. At the end words that stand side by side go back together.
#ifndef WEIR_QUADS_H
#define WEIR_QUADS_H

#include <stddef.h>
#include <stdint.h>

#include <Random123/philox.h>

/// What the quads of one row have in common.
typedef struct weir__row_key {
    philox4x32_key_t key;
    uint32_t row, step, source;
} weir__row_key;

/// out[4·q + i] = (k + ½)·2⁻²³, k the upper 23 bits of word i of quad first + q, for q < quads.
void weir__uniform_quads_avx2(float *out, const weir__row_key *row, uint32_t first, size_t quads);
void weir__uniform_quads_avx512(float *out, const weir__row_key *row, uint32_t first, size_t quads);

#endif

#ifdef QUADS_FUNCTION

#include <immintrin.h>
#include <string.h>

#include "clones.h"

#if defined(__AVX512F__)
enum { LANES = 8 };
#define PRODUCT(a, b) (wide) _mm512_mul_epu32((__m512i)(a), (__m512i)(b))
#define LOWER_QUADS   0, 8, 2, 10, 4, 12, 6, 14
#define UPPER_QUADS   1, 9, 3, 11, 5, 13, 7, 15
#define LANE_QUADS    0, 4, 1, 5, 2, 6, 3, 7 // so that the even lanes have the first ones
#else
enum { LANES = 4 };
#define PRODUCT(a, b) (wide) _mm256_mul_epu32((__m256i)(a), (__m256i)(b))
#define LOWER_QUADS   0, 4, 2, 6
#define UPPER_QUADS   1, 5, 3, 7
#define LANE_QUADS    0, 2, 1, 3
#endif

// All words stay in registers only where the loops over groups and rounds are unrolled.
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 10")
#endif

typedef uint64_t wide __attribute__((vector_size(LANES * 8)));
typedef uint32_t words __attribute__((vector_size(LANES * 8)));
typedef int32_t integers __attribute__((vector_size(LANES * 8)));
typedef float floats __attribute__((vector_size(LANES * 8)));

WEIR__INLINE wide all(uint64_t a) { return a - (wide){0}; }

WEIR__INLINE void store_uniform(float *out, wide pairs) {
    const integers k = (integers)((words)pairs >> 9);
    const floats value = (__builtin_convertvector(k, floats) + 0.5f) * 0x1p-23f;
    memcpy(out, &value, sizeof value);
}

/// groups·LANES quads; a constant number of groups, whose rounds overlap.
WEIR__INLINE void draw(const int groups, float *out, const weir__row_key *row, uint32_t first) {
    const wide lower = all(0xffffffffu), factor0 = all(PHILOX_M4x32_0), factor1 = all(PHILOX_M4x32_1);
    uint32_t key0 = row->key.v[0], key1 = row->key.v[1];
    wide c0[4], c1[4], c2[4], c3[4];
    UNROLL for (int g = 0; g < groups; g++) {
        c0[g] = (all(first + (uint32_t)(g * LANES)) + (wide){LANE_QUADS}) & lower;
        c1[g] = all(row->row);
        c2[g] = all(row->step);
        c3[g] = all(row->source);
    }
    UNROLL for (int round = 0; round < philox4x32_rounds; round++) {
        UNROLL for (int g = 0; g < groups; g++) {
            const wide product0 = PRODUCT(factor0, c0[g]), product1 = PRODUCT(factor1, c2[g]);
            c0[g] = product1 >> 32 ^ c1[g] ^ all(key0);
            c1[g] = product1;
            c2[g] = product0 >> 32 ^ c3[g] ^ all(key1);
            c3[g] = product0;
        }
        key0 += (uint32_t)PHILOX_W32_0;
        key1 += (uint32_t)PHILOX_W32_1;
    }
    UNROLL for (int g = 0; g < groups; g++) {
        const wide pairs01 = (c0[g] & lower) | c1[g] << 32, pairs23 = (c2[g] & lower) | c3[g] << 32;
        store_uniform(out + g * 4 * LANES, __builtin_shufflevector(pairs01, pairs23, LOWER_QUADS));
        store_uniform(out + g * 4 * LANES + 2 * LANES, __builtin_shufflevector(pairs01, pairs23, UPPER_QUADS));
    }
}

void QUADS_FUNCTION(float *out, const weir__row_key *row, uint32_t first, size_t quads) {
    enum { GROUPS = LANES == 8 ? 4 : 2 };
    size_t q = 0;
    for (; q + (size_t)GROUPS * LANES <= quads; q += (size_t)GROUPS * LANES) {
        draw(GROUPS, out + 4 * q, row, first + (uint32_t)q);
    }
    for (; q + 2 * LANES <= quads; q += 2 * LANES) draw(2, out + 4 * q, row, first + (uint32_t)q);
    for (; q < quads; q += LANES) {
        float last[4 * LANES];
        draw(1, last, row, first + (uint32_t)q);
        memcpy(out + 4 * q, last, 4 * sizeof *last * (quads - q < LANES ? quads - q : LANES));
    }
}

#endif
