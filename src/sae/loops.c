// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include "loops.h"

#include <string.h>

#include "../core/clones.h"

typedef float wide __attribute__((vector_size(64), aligned(4), may_alias)); // sixteen floats anywhere in memory

enum { WIDE = 16, BLOCK = 8 }; // floats of a vector; vectors of a block of columns, which stay in registers

WEIR__INLINE float total(const wide *sums) {
    const wide all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    float lanes[WIDE];
    memcpy(lanes, &all, sizeof lanes);
    for (int half = WIDE / 2; half; half /= 2) {
        for (int k = 0; k < half; k++) lanes[k] += lanes[k + half];
    }
    return lanes[0];
}

WEIR__INLINE float dot(const float *a, const float *b, size_t width) {
    wide sums[4] = {{0}};
    size_t i = 0;
    for (; i + 4 * WIDE <= width; i += 4 * WIDE) {
        for (size_t k = 0; k < 4; k++) sums[k] += *(const wide *)(a + i + k * WIDE) * *(const wide *)(b + i + k * WIDE);
    }
    for (; i + WIDE <= width; i += WIDE) sums[0] += *(const wide *)(a + i) * *(const wide *)(b + i);
    float rest = 0;
    for (; i < width; i++) rest += a[i] * b[i];
    return total(sums) + rest;
}

WEIR__CLONES float weir__loop_dot(const float *a, const float *b, size_t width) { return dot(a, b, width); }

WEIR__CLONES void weir__loop_dots(float *out, const float *a, const float *matrix, size_t width, const int32_t *index,
                                  size_t count) {
    for (size_t i = 0; i < count; i++) out[i] = dot(a, matrix + (size_t)index[i] * width, width);
}

WEIR__CLONES void weir__loop_combine(float *restrict out, const float *restrict base, const float *restrict matrix,
                                     size_t width, const int32_t *index, const float *factor, size_t count) {
    size_t at = 0;
    for (; at + BLOCK * WIDE <= width; at += BLOCK * WIDE) {
        wide sums[BLOCK] = {{0}};
        if (base) memcpy(sums, base + at, sizeof sums);
        for (size_t i = 0; i < count; i++) {
            const float *row = matrix + (size_t)index[i] * width + at, f = factor[i];
            for (size_t k = 0; k < BLOCK; k++) sums[k] += f * *(const wide *)(row + k * WIDE);
        }
        memcpy(out + at, sums, sizeof sums);
    }
    if (at == width) return;
    for (size_t j = at; j < width; j++) out[j] = base ? base[j] : 0;
    for (size_t i = 0; i < count; i++) {
        const float *row = matrix + (size_t)index[i] * width, f = factor[i];
        for (size_t j = at; j < width; j++) out[j] += f * row[j];
    }
}

WEIR__CLONES void weir__loop_add_both(float *restrict first, float f, const float *restrict a, float *restrict second,
                                      float g, const float *restrict b, size_t width) {
    for (size_t j = 0; j < width; j++) {
        first[j] += f * a[j];
        second[j] += g * b[j];
    }
}

WEIR__CLONES void weir__loop_add(float *restrict sum, float factor, const float *restrict a, size_t width) {
    for (size_t j = 0; j < width; j++) sum[j] += factor * a[j];
}

WEIR__CLONES void weir__loop_subtract(float *restrict out, const float *restrict a, const float *restrict b,
                                      size_t width) {
    for (size_t j = 0; j < width; j++) out[j] = a[j] - (b ? b[j] : 0);
}

WEIR__CLONES void weir__loop_scale(float *a, float factor, size_t width) {
    for (size_t j = 0; j < width; j++) a[j] *= factor;
}

WEIR__CLONES size_t weir__loop_hits(uint16_t *restrict hits, const float *restrict scores, const float *restrict offset,
                                    size_t count, float floor) {
    enum { GROUP = 64 }; // few groups have a hit once the floor is known
    size_t found = 0, from = 0;
    for (; from + GROUP <= count; from += GROUP) {
        int any = 0;
        for (size_t j = from; j < from + GROUP; j++) any |= scores[j] + offset[j] >= floor;
        if (!any) continue;
        for (size_t j = from; j < from + GROUP; j++) {
            hits[found] = (uint16_t)j;
            found += scores[j] + offset[j] >= floor;
        }
    }
    for (; from < count; from++) {
        hits[found] = (uint16_t)from;
        found += scores[from] + offset[from] >= floor;
    }
    return found;
}
