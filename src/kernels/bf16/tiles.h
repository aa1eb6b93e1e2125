// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file tiles.h
/// Products of bf16 numbers in the tile registers of AMX, or in arrays that behave like them (BF16_TILES_EMULATED),
/// with which the kernels of tiles are tested on any processor.
///
/// A tile has 16 rows of 64 bytes. Three kinds, all without a gap in memory:
///   left factor   a[m][k]: 16 rows m of 32 numbers k;
///   right factor  b[k][n]: 16 rows, each the pairs k = 2p, 2p + 1 of 16 columns n;
///   sums          c[m][n]: 16 rows m of 16 floats n.
/// The instruction: c[m][n] += Σ_p a[m][2p]·b[2p][n] + Σ_p a[m][2p + 1]·b[2p + 1][n], in this order, where numbers too
/// small for a float's full precision count as 0. What one element gets does not depend on where it lies in a tile.
#ifndef WEIR_TILES_H
#define WEIR_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pairs.h"

enum { TILE_EDGE = 16, TILE_DEPTH = 32, TILE_FLOATS = 256, TILE_NUMBERS = 512, TILE_BYTES = 1024 };

// ---- registers -----------------------------------------------------------------------------------------------------

#if defined(BF16_TILES_EMULATED)

static _Thread_local uint32_t emulated[8][TILE_EDGE][TILE_EDGE];

static void emulated_load(int tile, const void *from, size_t stride) {
    for (size_t r = 0; r < TILE_EDGE; r++) memcpy(emulated[tile][r], (const char *)from + r * stride, 64);
}
static void emulated_store(int tile, void *to, size_t stride) {
    for (size_t r = 0; r < TILE_EDGE; r++) memcpy((char *)to + r * stride, emulated[tile][r], 64);
}
/// The pairs of a row as floats: the first numbers of all pairs, then the second ones.
static void emulated_floats(float *to, const uint32_t *row) {
    for (size_t n = 0; n < TILE_EDGE; n++) {
        const uint32_t bits[2] = {row[n] << 16, row[n] & 0xffff0000u};
        memcpy(&to[n], &bits[0], sizeof *to);
        memcpy(&to[TILE_EDGE + n], &bits[1], sizeof *to);
    }
}
__attribute__((no_sanitize("address"))) // or tests would take minutes
static void
emulated_multiply(int c, int a, int b) {
    float right[TILE_EDGE][TILE_DEPTH];
    for (size_t p = 0; p < TILE_EDGE; p++) emulated_floats(right[p], emulated[b][p]);
    for (size_t m = 0; m < TILE_EDGE; m++) {
        float left[TILE_DEPTH], sum[TILE_DEPTH] = {0}, total[TILE_EDGE];
        emulated_floats(left, emulated[a][m]);
        for (size_t p = 0; p < TILE_EDGE; p++) {
            for (size_t n = 0; n < TILE_EDGE; n++) {
                sum[n] += left[p] * right[p][n];
                sum[TILE_EDGE + n] += left[TILE_EDGE + p] * right[p][TILE_EDGE + n];
            }
        }
        memcpy(total, emulated[c][m], sizeof total);
        for (size_t n = 0; n < TILE_EDGE; n++) total[n] += sum[n] + sum[TILE_EDGE + n];
        memcpy(emulated[c][m], total, sizeof total);
    }
}
#define TILE_ZERO(t)               memset(emulated[t], 0, sizeof emulated[t])
#define TILE_LOAD(t, from, stride) emulated_load(t, from, stride)
#define TILE_STORE(t, to, stride)  emulated_store(t, to, stride)
#define TILE_MULTIPLY(c, a, b)     emulated_multiply(c, a, b)
INLINE void begin_tiles(void) {}
INLINE void end_tiles(void) {}
INLINE void tile_barrier(void) {}

#else

#define TILE_ZERO(t)               _tile_zero(t)
#define TILE_LOAD(t, from, stride) _tile_loadd(t, from, stride)
#define TILE_STORE(t, to, stride)  _tile_stored(t, to, stride)
#define TILE_MULTIPLY(c, a, b)     _tile_dpbf16ps(c, a, b)

/// Before and after a thread's work with tiles: they take a kilobyte each whenever the thread is interrupted.
INLINE void begin_tiles(void) {
    struct {
        uint8_t palette, first_row, unused[14];
        uint16_t bytes_per_row[16];
        uint8_t rows[16];
    } shapes = {.palette = 1};
    for (int t = 0; t < 8; t++) shapes.bytes_per_row[t] = 64, shapes.rows[t] = TILE_EDGE;
    _tile_loadconfig(&shapes);
}
INLINE void end_tiles(void) { _tile_release(); }

/// What was written before is in memory: compilers do not know what a load of a tile reads.
INLINE void tile_barrier(void) { __asm__ volatile("" ::: "memory"); }

#endif

/// One product of 2 × 2 tiles of sums, or fewer.
typedef struct tile_product {
    const uint16_t *a[2]; ///< left factors, row r of a step at a + r·a_stride
    size_t a_stride;      ///< in numbers
    size_t a_step;        ///< numbers from a step to the next one
    const uint16_t *b[2]; ///< right factors, a tile per step, one after another
    float *c[2][2];       ///< [left][right]
    size_t c_stride;      ///< between rows of sums, in floats
    size_t steps;
    bool fresh; ///< the sums begin with 0, else with what is there
} tile_product;

/// Memory that is wanted next: some rows of `lines` cache lines, a stride of bytes apart. It is prefetched a few lines
/// at a time, between other work: a core waits when it has asked for more than a dozen.
typedef struct tile_fetch {
    const char *at;
    size_t stride, lines, left; ///< lines of a row; lines still wanted in all
    size_t line;                ///< of the current row, the next
    size_t each;                ///< lines at a time
} tile_fetch;

/// What is wanted, in `times` parts.
INLINE tile_fetch prefetch_rows(const void *at, size_t stride, size_t rows, size_t lines, size_t times) {
    return (tile_fetch){at, stride, lines, rows * lines, 0, times ? (rows * lines + times - 1) / times : 0};
}

INLINE void fetch_some(tile_fetch *f) {
    const size_t count = f->left < f->each ? f->left : f->each;
    for (size_t k = 0; k < count; k++) {
        __builtin_prefetch(f->at + f->line * 64, 0, 2);
        if (++f->line < f->lines) continue;
        f->line = 0;
        f->at += f->stride;
    }
    f->left -= count;
}

/// left, right: 1 or 2, constants where it is inlined.
INLINE void multiply_tiles_of(const int left, const int right, const tile_product *p, tile_fetch *next) {
    const size_t stride = p->a_stride * sizeof(uint16_t), c_stride = p->c_stride * sizeof(float);
    const uint16_t *a0 = p->a[0], *a1 = p->a[1], *b0 = p->b[0], *b1 = p->b[1];
    tile_barrier();
    if (p->fresh) {
        TILE_ZERO(0);
        if (right > 1) TILE_ZERO(1);
        if (left > 1) TILE_ZERO(2);
        if (left > 1 && right > 1) TILE_ZERO(3);
    } else {
        TILE_LOAD(0, p->c[0][0], c_stride);
        if (right > 1) TILE_LOAD(1, p->c[0][1], c_stride);
        if (left > 1) TILE_LOAD(2, p->c[1][0], c_stride);
        if (left > 1 && right > 1) TILE_LOAD(3, p->c[1][1], c_stride);
    }
    for (size_t s = 0; s < p->steps; s++) {
        TILE_LOAD(4, a0, stride);
        TILE_LOAD(6, b0, 64);
        TILE_MULTIPLY(0, 4, 6);
        if (right > 1) {
            TILE_LOAD(7, b1, 64);
            TILE_MULTIPLY(1, 4, 7);
        }
        if (left > 1) {
            TILE_LOAD(5, a1, stride);
            TILE_MULTIPLY(2, 5, 6);
        }
        if (left > 1 && right > 1) TILE_MULTIPLY(3, 5, 7);
        a0 += p->a_step, a1 += p->a_step, b0 += TILE_NUMBERS, b1 += TILE_NUMBERS;
        fetch_some(next);
    }
    TILE_STORE(0, p->c[0][0], c_stride);
    if (right > 1) TILE_STORE(1, p->c[0][1], c_stride);
    if (left > 1) TILE_STORE(2, p->c[1][0], c_stride);
    if (left > 1 && right > 1) TILE_STORE(3, p->c[1][1], c_stride);
}

INLINE void multiply_tiles(size_t left, size_t right, const tile_product *p, tile_fetch *next) {
    if (left > 1 && right > 1) {
        multiply_tiles_of(2, 2, p, next);
    } else if (left > 1) {
        multiply_tiles_of(2, 1, p, next);
    } else if (right > 1) {
        multiply_tiles_of(1, 2, p, next);
    } else {
        multiply_tiles_of(1, 1, p, next);
    }
}

// ---- factors -------------------------------------------------------------------------------------------------------

// A row of a tile: pairs of numbers, or floats by their bits.
typedef uint32_t tile_row __attribute__((vector_size(64)));
typedef uint32_t tile_row_at __attribute__((vector_size(64), aligned(2), may_alias));

/// The first count numbers (at most 32), the rest 0; nothing beyond them is read.
INLINE void load_tile_row(tile_row *to, const uint16_t *from, size_t count) {
    if (count >= TILE_DEPTH) {
        *to = *(const tile_row_at *)from;
    } else {
#if defined(__AVX512BW__)
        *to = (tile_row)_mm512_maskz_loadu_epi16((__mmask32)((1u << count) - 1), from);
#else
        *to = (tile_row){0};
        memcpy(to, from, count * sizeof *from);
#endif
    }
}

/// Rows and columns exchanged.
INLINE void exchange_tile(tile_row *r) {
#if LANES == 16
    exchange(r);
#else
    tile_row t[TILE_EDGE];
    for (size_t i = 0; i < TILE_EDGE; i++) {
        for (size_t k = 0; k < TILE_EDGE; k++) t[k][i] = r[i][k];
    }
    memcpy(r, t, sizeof t);
#endif
}

INLINE void store_tile(uint16_t *to, const tile_row *r) {
    UNROLL for (size_t i = 0; i < TILE_EDGE; i++)((tile_row *)(void *)to)[i] = r[i];
}

/// A left factor: numbers offset … offset + count of some rows, 0 for the others.
INLINE void left_tile(uint16_t *to, const uint16_t *const *row, size_t rows, size_t offset, size_t count) {
    tile_row r[TILE_EDGE];
    for (size_t i = 0; i < TILE_EDGE; i++) {
        r[i] = (tile_row){0};
        if (i < rows) load_tile_row(&r[i], row[i] + offset, count);
    }
    store_tile(to, r);
}

/// A right factor whose columns are rows in memory.
INLINE void right_tile(uint16_t *to, const uint16_t *const *row, size_t rows, size_t offset, size_t count) {
    tile_row r[TILE_EDGE];
    if (rows >= TILE_EDGE && count >= TILE_DEPTH) {
        UNROLL for (size_t i = 0; i < TILE_EDGE; i++) r[i] = *(const tile_row_at *)(row[i] + offset);
    } else {
        for (size_t i = 0; i < TILE_EDGE; i++) {
            r[i] = (tile_row){0};
            if (i < rows) load_tile_row(&r[i], row[i] + offset, count);
        }
    }
    exchange_tile(r);
    store_tile(to, r);
}

/// Pairs of columns of two rows (high NULL: 0), at most 32 of them: 16 to each of two tile rows.
INLINE void pair_rows(tile_row *to, const uint16_t *low, const uint16_t *high, size_t count) {
    tile_row a, b = {0};
    load_tile_row(&a, low, count);
    if (high) load_tile_row(&b, high, count);
#if LANES == 16
    to[0] = (tile_row)words_of_both((__m512i)a, (__m512i)b, 0);
    to[1] = (tile_row)words_of_both((__m512i)a, (__m512i)b, TILE_EDGE);
#else
    for (size_t n = 0; n < TILE_DEPTH; n++) {
        const uint32_t left = a[n / 2] >> (n % 2 * 16) & 0xffff, right = b[n / 2] >> (n % 2 * 16) & 0xffff;
        to[n / TILE_EDGE][n % TILE_EDGE] = left | right << 16;
    }
#endif
}

/// Two right factors beside each other, steps apart: 32 columns of at most 32 rows k. A row is 0 from depth on, a
/// column from count on.
INLINE void right_tiles(uint16_t *to, size_t apart, const uint16_t *const *row, size_t depth, size_t column,
                        size_t count) {
    for (size_t p = 0; p < TILE_EDGE; p++) {
        tile_row pair[2] = {{0}, {0}};
        const size_t k = 2 * p;
        if (k < depth) pair_rows(pair, row[k] + column, k + 1 < depth ? row[k + 1] + column : NULL, count);
        ((tile_row *)(void *)to)[p] = pair[0];
        ((tile_row *)(void *)(to + apart))[p] = pair[1];
    }
}

#endif
