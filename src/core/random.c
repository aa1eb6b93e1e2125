// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Philox 4x32-10 by Random123, and the distributions made from its words.
//
// The key is the seed; the counter is (quad, row, step, stream·2¹⁶ + sample). Random123's function is inlined into a
// loop over quads that the compiler turns into vector code: one lane per quad. All arithmetic is exact or free of
// fused operations (see clones.h), so that the numbers are the same bits on every instruction set.

#include <stdbool.h>
#include <string.h>

#include <weir/random.h>
#include <weir/system.h>

#include <Random123/philox.h>

#include "math.h"
#include "noise.h"

/// What the quads of one row have in common.
typedef struct row_key {
    philox4x32_key_t key;
    uint32_t row, step, source;
} row_key;

WEIR__INLINE row_key key_of(weir_noise noise, uint32_t row) {
    const row_key result = {.key = {{(uint32_t)noise.seed, (uint32_t)(noise.seed >> 32)}},
                            .row = row,
                            .step = noise.step,
                            .source = (uint32_t)noise.stream << 16 | noise.sample};
    return result;
}

WEIR__INLINE philox4x32_ctr_t words_of(const row_key *at, uint32_t quad) {
    const philox4x32_ctr_t counter = {{quad, at->row, at->step, at->source}};
    return philox4x32(counter, at->key);
}

void weir_random_words(uint32_t words[4], weir_noise noise, uint32_t row, uint32_t quad) {
    const row_key at = key_of(noise, row);
    const philox4x32_ctr_t drawn = words_of(&at, quad);
    for (int i = 0; i < 4; i++) words[i] = drawn.v[i];
}

/// Quads first … first + quads − 1 as uniforms. The upper 23 bits of a word give k; (k + ½)·2⁻²³ is exact.
WEIR__CLONES static void uniform_quads(float *restrict out, const row_key *restrict row, uint32_t first, size_t quads) {
    const row_key at = *row;
    for (size_t q = 0; q < quads; q++) {
        const philox4x32_ctr_t drawn = words_of(&at, first + (uint32_t)q);
        for (int i = 0; i < 4; i++) out[4 * q + (size_t)i] = ((float)(int32_t)(drawn.v[i] >> 9) + 0.5f) * 0x1p-23f;
    }
}

enum { block_quads = 32 };

/// The same for whole blocks of quads, 2 to 3 times as fast where vectors have 256 bits or more: the rounds of Philox
/// on words that stand each in the lower half of 64 bits, where the product of two words fits. Upper halves are left
/// over from products and count for nothing; words that stand side by side go back together at the end.
WEIR__CLONES static void uniform_blocks(float *restrict out, const row_key *restrict row, uint32_t first,
                                        size_t blocks) {
    const row_key at = *row;
    const uint64_t lower = 0xffffffffu;
    for (size_t b = 0; b < blocks; b++, first += block_quads, out += 4 * block_quads) {
        uint32_t key0 = at.key.v[0], key1 = at.key.v[1], words[4 * block_quads];
        uint64_t c0[block_quads], c1[block_quads], c2[block_quads], c3[block_quads], pairs[2 * block_quads];
        for (uint32_t q = 0; q < block_quads; q++) {
            c0[q] = first + q;
            c1[q] = at.row;
            c2[q] = at.step;
            c3[q] = at.source;
        }
#if WEIR__HAS_CLONES
#pragma GCC unroll 10 // all rounds: the words then stay in registers
#endif
        for (int round = 0; round < philox4x32_rounds; round++) {
            for (size_t q = 0; q < block_quads; q++) {
                const uint64_t product0 = (uint64_t)PHILOX_M4x32_0 * (c0[q] & lower);
                const uint64_t product1 = (uint64_t)PHILOX_M4x32_1 * (c2[q] & lower);
                c0[q] = (product1 >> 32) ^ c1[q] ^ key0;
                c1[q] = product1;
                c2[q] = (product0 >> 32) ^ c3[q] ^ key1;
                c3[q] = product0;
            }
            key0 += (uint32_t)PHILOX_W32_0;
            key1 += (uint32_t)PHILOX_W32_1;
        }
        for (size_t q = 0; q < block_quads; q++) {
            const uint64_t w[4] = {c0[q] & lower, c1[q] & lower, c2[q] & lower, c3[q] & lower};
            pairs[2 * q] = w[0] | w[1] << 32;
            pairs[2 * q + 1] = w[2] | w[3] << 32;
        }
        memcpy(words, pairs, sizeof words);
        for (size_t i = 0; i < (size_t)4 * block_quads; i++)
            out[i] = ((float)(int32_t)(words[i] >> 9) + 0.5f) * 0x1p-23f;
    }
}

/// Do whole blocks pay? Only where they were compiled for vectors of 256 bits or more; on those processors the lower
/// word of a pair comes first in memory.
static bool has_blocks(void) { return WEIR__HAS_CLONES && weir_isa_current() >= WEIR_ISA_AVX2; }

/// log(v / (1 − v)), with the same absolute value for v and 1 − v.
WEIR__CLONES static void logistic_from_uniform(float *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float v = out[i], w = 1.0f - v;
        const float less = v < w ? v : w, more = v < w ? w : v;
        const float size = weir__log(more / less);
        out[i] = v < w ? -size : size;
    }
}

/// Box and Muller: the pair (√(−2 log u) cos 2πv, √(−2 log u) sin 2πv) in place of the pair (u, v).
WEIR__CLONES static void normal_from_uniform(float *out, size_t pairs) {
    for (size_t i = 0; i < pairs; i++) {
        const float radius = sqrtf(-2.0f * weir__log(out[2 * i]));
        float sine, cosine;
        weir__sincos_turn(out[2 * i + 1], &sine, &cosine);
        out[2 * i] = radius * cosine;
        out[2 * i + 1] = radius * sine;
    }
}

/// Quads first … first + quads − 1: whole blocks, then the rest, which is a block of its own if that is faster than one
/// quad after the other.
static void draw_quads(float *out, const row_key *at, uint32_t first, size_t quads) {
    if (!has_blocks()) {
        uniform_quads(out, at, first, quads);
        return;
    }
    const size_t blocks = quads / block_quads, done = blocks * block_quads, rest = quads - done;
    uniform_blocks(out, at, first, blocks);
    if (rest > 12) {
        float last[4 * block_quads];
        uniform_blocks(last, at, first + (uint32_t)done, 1);
        memcpy(out + 4 * done, last, 4 * rest * sizeof *out);
    } else
        uniform_quads(out + 4 * done, at, first + (uint32_t)done, rest);
}

void weir__random_uniform_at(float *out, weir_noise noise, uint32_t row, size_t first, size_t units) {
    const row_key at = key_of(noise, row);
    const size_t whole = units / 4;
    draw_quads(out, &at, (uint32_t)(first / 4), whole);
    if (units % 4) {
        float last[4];
        uniform_quads(last, &at, (uint32_t)(first / 4 + whole), 1);
        for (size_t i = 0; i < units % 4; i++) out[4 * whole + i] = last[i];
    }
}

void weir__random_logistic_at(float *out, weir_noise noise, uint32_t row, size_t first, size_t units) {
    weir__random_uniform_at(out, noise, row, first, units);
    logistic_from_uniform(out, units);
}

void weir__random_normal_at(float *out, weir_noise noise, uint32_t row, size_t first, size_t units) {
    const row_key at = key_of(noise, row);
    const size_t whole = units / 4;
    draw_quads(out, &at, (uint32_t)(first / 4), whole);
    normal_from_uniform(out, 2 * whole);
    if (units % 4) {
        float last[4]; // a pair needs both its uniforms, also where the second is of a unit beyond the end
        uniform_quads(last, &at, (uint32_t)(first / 4 + whole), 1);
        normal_from_uniform(last, 2);
        for (size_t i = 0; i < units % 4; i++) out[4 * whole + i] = last[i];
    }
}

void weir_random_uniform(float *out, weir_noise noise, uint32_t row, size_t units) {
    weir__random_uniform_at(out, noise, row, 0, units);
}

void weir_random_logistic(float *out, weir_noise noise, uint32_t row, size_t units) {
    weir__random_logistic_at(out, noise, row, 0, units);
}

void weir_random_normal(float *out, weir_noise noise, uint32_t row, size_t units) {
    weir__random_normal_at(out, noise, row, 0, units);
}

uint32_t weir_random_below(weir_noise noise, uint32_t row, uint32_t unit, uint32_t bound) {
    uint32_t words[4];
    weir_random_words(words, noise, row, unit / 4);
    return (uint32_t)((uint64_t)words[unit % 4] * bound >> 32);
}

void weir_random_permutation(uint32_t *order, weir_noise noise, size_t count) {
    for (size_t i = 0; i < count; i++) order[i] = (uint32_t)i;
    for (size_t i = count; i > 1; i--) {
        const size_t other = weir_random_below(noise, 0, (uint32_t)(i - 1), (uint32_t)i);
        const uint32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}
