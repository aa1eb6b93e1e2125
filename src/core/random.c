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

static const uint64_t one_row = UINT64_C(1) << 40; // more quads than are ever drawn of it

/// In plain C what quads.h has for wide vectors.
WEIR__CLONES static void uniform_quads(float *restrict out, const weir__row_key *restrict row, uint32_t first,
                                       size_t quads, uint64_t per_row) {
    weir__row_key at = *row;
    for (size_t q = 0; q < quads; at.row++, first = 0) {
        const uint64_t left = per_row - first, here = quads - q < left ? quads - q : left;
        for (size_t k = 0; k < here; k++) {
            const philox4x32_ctr_t drawn = words_of(&at, first + (uint32_t)k);
            for (int i = 0; i < 4; i++)
                out[4 * (q + k) + (size_t)i] = ((float)(int32_t)(drawn.v[i] >> 9) + 0.5f) * 0x1p-23f;
        }
        q += here;
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

static void draw_quads(float *out, const weir__row_key *at, uint32_t first, size_t quads, uint64_t per_row) {
#if defined(__x86_64__)
    const weir_isa isa = weir_isa_current();
    if (isa >= WEIR_ISA_AVX2) {
        (isa >= WEIR_ISA_AVX512 ? weir__uniform_quads_avx512 : weir__uniform_quads_avx2)(out, at, first, quads,
                                                                                         per_row);
        return;
    }
#endif
    uniform_quads(out, at, first, quads, per_row);
}

void weir__random_uniform_at(float *out, weir_noise noise, uint32_t row, size_t first, size_t units) {
    const weir__row_key at = key_of(noise, row);
    const size_t whole = units / 4;
    draw_quads(out, &at, (uint32_t)(first / 4), whole, one_row);
    if (units % 4) {
        float last[4];
        uniform_quads(last, &at, (uint32_t)(first / 4 + whole), 1, one_row);
        for (size_t i = 0; i < units % 4; i++) out[4 * whole + i] = last[i];
    }
}

enum { some_quads = 128 }; // that are drawn at a time where the last of a row is not whole

void weir__random_uniform_rows(float *out, weir_noise noise, uint32_t row, size_t rows, size_t units) {
    weir__row_key at = key_of(noise, row);
    const size_t per_row = (units + 3) / 4;
    if (units % 4 == 0) {
        if (units) draw_quads(out, &at, 0, rows * per_row, per_row);
        return;
    }
    if (per_row > some_quads) {
        for (size_t r = 0; r < rows; r++) weir__random_uniform_at(out + r * units, noise, row + (uint32_t)r, 0, units);
        return;
    }
    const size_t most = some_quads / per_row; // rows at a time
    for (size_t r = 0; r < rows; r += most) {
        float padded[4 * some_quads];
        const size_t here = rows - r < most ? rows - r : most;
        draw_quads(padded, &at, 0, here * per_row, per_row);
        for (size_t k = 0; k < here; k++) memcpy(out + (r + k) * units, padded + 4 * k * per_row, units * sizeof *out);
        at.row += (uint32_t)here;
    }
}

void weir__random_logistic_at(float *out, weir_noise noise, uint32_t row, size_t first, size_t units) {
    weir__random_uniform_at(out, noise, row, first, units);
    logistic_from_uniform(out, units);
}

void weir__random_logistic_rows(float *out, weir_noise noise, uint32_t row, size_t rows, size_t units) {
    weir__random_uniform_rows(out, noise, row, rows, units);
    logistic_from_uniform(out, rows * units);
}

void weir__random_normal_at(float *out, weir_noise noise, uint32_t row, size_t first, size_t units) {
    const weir__row_key at = key_of(noise, row);
    const size_t whole = units / 4;
    draw_quads(out, &at, (uint32_t)(first / 4), whole, one_row);
    normal_from_uniform(out, 2 * whole);
    if (units % 4) {
        float last[4]; // a pair needs both its uniforms, also where the second is of a unit beyond the end
        uniform_quads(last, &at, (uint32_t)(first / 4 + whole), 1, one_row);
        normal_from_uniform(last, 2);
        for (size_t i = 0; i < units % 4; i++) out[4 * whole + i] = last[i];
    }
}

void weir__random_normal_rows(float *out, weir_noise noise, uint32_t row, size_t rows, size_t units) {
    if (units % 4 == 0) {
        weir__random_uniform_rows(out, noise, row, rows, units);
        normal_from_uniform(out, rows * units / 2);
        return;
    }
    for (size_t r = 0; r < rows; r++) weir__random_normal_at(out + r * units, noise, row + (uint32_t)r, 0, units);
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
