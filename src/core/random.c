// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Philox 4x32-10 by Random123, and the distributions made from its words.
//
// The key is the seed; the counter is (quad, row, step, stream·2¹⁶ + sample). Random123's function is inlined into a
// loop over quads, or its rounds are done on vectors with one quad per lane (quads.h). All arithmetic is exact or free
// of fused operations (see clones.h), so that the numbers are the same bits on every instruction set.

#include <string.h>

#include <weir/random.h>
#include <weir/system.h>

#include <Random123/philox.h>

#include "math.h"
#include "noise.h"
#include "quads.h"

WEIR__INLINE weir__row_key key_of(weir_noise noise, uint32_t row) {
    const weir__row_key result = {.key = {{(uint32_t)noise.seed, (uint32_t)(noise.seed >> 32)}},
                                  .row = noise.first_row + row,
                                  .step = noise.step,
                                  .source = (uint32_t)noise.stream << 16 | noise.sample};
    return result;
}

WEIR__INLINE philox4x32_ctr_t words_of(const weir__row_key *at, uint32_t quad) {
    const philox4x32_ctr_t counter = {{quad, at->row, at->step, at->source}};
    return philox4x32(counter, at->key);
}

void weir_random_words(uint32_t words[4], weir_noise noise, uint32_t row, uint32_t quad) {
    const weir__row_key at = key_of(noise, row);
    const philox4x32_ctr_t drawn = words_of(&at, quad);
    for (int i = 0; i < 4; i++) words[i] = drawn.v[i];
}

/// Quads first … first + quads − 1 as uniforms. The upper 23 bits of a word give k; (k + ½)·2⁻²³ is exact. In plain C;
/// quads.h has it for wide vectors.
WEIR__CLONES static void uniform_quads(float *restrict out, const weir__row_key *restrict row, uint32_t first,
                                       size_t quads) {
    const weir__row_key at = *row;
    for (size_t q = 0; q < quads; q++) {
        const philox4x32_ctr_t drawn = words_of(&at, first + (uint32_t)q);
        for (int i = 0; i < 4; i++) out[4 * q + (size_t)i] = ((float)(int32_t)(drawn.v[i] >> 9) + 0.5f) * 0x1p-23f;
    }
}

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

static void draw_quads(float *out, const weir__row_key *at, uint32_t first, size_t quads) {
#if defined(__x86_64__)
    const weir_isa isa = weir_isa_current();
    if (isa >= WEIR_ISA_AVX2) {
        (isa >= WEIR_ISA_AVX512 ? weir__uniform_quads_avx512 : weir__uniform_quads_avx2)(out, at, first, quads);
        return;
    }
#endif
    uniform_quads(out, at, first, quads);
}

void weir__random_uniform_at(float *out, weir_noise noise, uint32_t row, size_t first, size_t units) {
    const weir__row_key at = key_of(noise, row);
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
    const weir__row_key at = key_of(noise, row);
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
