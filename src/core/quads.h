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

/// What the quads of some rows have in common.
typedef struct weir__row_key {
    philox4x32_key_t key;
    uint32_t row, step, source;
} weir__row_key;

/// out[4·q + i] = (k + ½)·2⁻²³, k the upper 23 bits of word i of quad first + q, for q < quads. A row has per_row
/// quads: after the last one, per_row − 1, comes the first one of the next row. first < per_row.
typedef void weir__uniform_quads(float *out, const weir__row_key *row, uint32_t first, size_t quads, uint64_t per_row);
weir__uniform_quads weir__uniform_quads_avx2, weir__uniform_quads_avx512;

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
typedef int64_t signed_wide __attribute__((vector_size(LANES * 8)));
typedef uint32_t words __attribute__((vector_size(LANES * 8)));
typedef int32_t integers __attribute__((vector_size(LANES * 8)));
typedef float floats __attribute__((vector_size(LANES * 8)));

WEIR__INLINE wide all(uint64_t a) { return a - (wide){0}; }

/// The places of one quad in each lane.
typedef struct places {
    wide quad, row;
} places;

/// How places move on from one vector to the next: whole rows, and quads, fewer than a row has.
typedef struct stride {
    wide rows, quads, per_row;
} stride;

WEIR__INLINE places moved(places at, const stride *by) {
    const wide quad = at.quad + by->quads, row = at.row + by->rows;
#if defined(__AVX512F__)
    const __mmask8 beyond = _mm512_cmpge_epu64_mask((__m512i)quad, (__m512i)by->per_row);
    return (places){(wide)_mm512_mask_sub_epi64((__m512i)quad, beyond, (__m512i)quad, (__m512i)by->per_row),
                    (wide)_mm512_mask_sub_epi64((__m512i)row, beyond, (__m512i)row, (__m512i)all(UINT64_MAX))};
#else
    const wide beyond = (wide)((signed_wide)quad >= (signed_wide)by->per_row);
    return (places){quad - (by->per_row & beyond), row - beyond};
#endif
}

/// The lower halves of a and of b side by side.
WEIR__INLINE wide paired(wide a, wide b) {
#if defined(__AVX512F__)
    return (wide)_mm512_mask_shuffle_epi32((__m512i)a, 0xaaaa, (__m512i)b, _MM_PERM_CCAA);
#else
    return (a & all(0xffffffffu)) | b << 32;
#endif
}

WEIR__INLINE void store_uniform(float *out, wide pairs) {
    const words one_and_k = (words)pairs >> 9 | 0x3f800000u; // 1 + k·2⁻²³
    const floats value = (floats)one_and_k - (1 - 0x1p-24f);
    memcpy(out, &value, sizeof value);
}

/// What is added in each round. In the first one all but the quad's product and the row is one number: the lower half
/// of what the step is multiplied into is low.
typedef struct keys {
    wide first[philox4x32_rounds], second[philox4x32_rounds], low;
} keys;

WEIR__INLINE void prepare(keys *k, const weir__row_key *row) {
    const uint64_t product = (uint64_t)PHILOX_M4x32_1 * row->step;
    uint32_t key0 = row->key.v[0], key1 = row->key.v[1];
    k->first[0] = all((uint32_t)(product >> 32) ^ key0);
    k->second[0] = all(row->source ^ key1);
    k->low = all((uint32_t)product);
    for (int round = 1; round < philox4x32_rounds; round++) {
        k->first[round] = all(key0 += (uint32_t)PHILOX_W32_0);
        k->second[round] = all(key1 += (uint32_t)PHILOX_W32_1);
    }
}

/// groups·LANES quads; a constant number of groups, whose rounds overlap. Returns the place after them.
WEIR__INLINE places draw(const int groups, float *out, const keys *k, places at, const stride *by) {
    const wide factor0 = all(PHILOX_M4x32_0), factor1 = all(PHILOX_M4x32_1);
    wide c0[4], c1[4], c2[4], c3[4];
    UNROLL for (int g = 0; g < groups; g++) {
        c3[g] = PRODUCT(factor0, at.quad);
        c0[g] = at.row ^ k->first[0];
        c1[g] = k->low;
        c2[g] = c3[g] >> 32 ^ k->second[0];
        at = moved(at, by);
    }
    UNROLL for (int round = 1; round < philox4x32_rounds; round++) {
        UNROLL for (int g = 0; g < groups; g++) {
            const wide product0 = PRODUCT(factor0, c0[g]), product1 = PRODUCT(factor1, c2[g]);
            c0[g] = product1 >> 32 ^ c1[g] ^ k->first[round];
            c1[g] = product1;
            c2[g] = product0 >> 32 ^ c3[g] ^ k->second[round];
            c3[g] = product0;
        }
    }
    UNROLL for (int g = 0; g < groups; g++) {
        const wide pairs01 = paired(c0[g], c1[g]), pairs23 = paired(c2[g], c3[g]);
        store_uniform(out + g * 4 * LANES, __builtin_shufflevector(pairs01, pairs23, LOWER_QUADS));
        store_uniform(out + g * 4 * LANES + 2 * LANES, __builtin_shufflevector(pairs01, pairs23, UPPER_QUADS));
    }
    return at;
}

void QUADS_FUNCTION(float *out, const weir__row_key *row, uint32_t first, size_t quads, uint64_t per_row) {
    enum { GROUPS = LANES == 8 ? 4 : 2 };
    const uint64_t whole = per_row > LANES ? 0 : LANES / (uint32_t)per_row;
    const stride by = {all(whole), all(LANES - whole * per_row), all(per_row)}, none = {all(0), all(0), all(per_row)};
    places at = {.quad = all(first) + (wide){LANE_QUADS}, .row = all(row->row)};
    for (uint64_t rows = 0; rows < LANES; rows += per_row) at = moved(at, &none);
    keys k;
    prepare(&k, row);
    size_t q = 0;
    for (; q + (size_t)GROUPS * LANES <= quads; q += (size_t)GROUPS * LANES)
        at = draw(GROUPS, out + 4 * q, &k, at, &by);
    for (; q + 2 * LANES <= quads; q += 2 * LANES) at = draw(2, out + 4 * q, &k, at, &by);
    for (; q < quads; q += LANES) {
        float last[4 * LANES];
        at = draw(1, last, &k, at, &by);
        memcpy(out + 4 * q, last, 4 * sizeof *last * (quads - q < LANES ? quads - q : LANES));
    }
}

#endif
