// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward_common.h
/// The register tile of the forward product, units × rows of dot products, and what all of its strategies share.

#ifndef WEIR_FORWARD_COMMON_H
#define WEIR_FORWARD_COMMON_H

#include <stdbool.h>
#include <string.h>

#include "numbers.h"

#include "../walk/forward.h"

#include "../walk/dots.h"

enum {
    CHUNK = 512,                     // floats of i at a time
    ROWS = 256,                      // rows whose chunk is packed at a time
    PACKED = ROWS * (CHUNK + LANES), // floats that are packed at a time: half of a second-level cache
    FEW_ROWS = 64                    // most rows of a dense product that are not
};

/// The units of a dense output that a piece has.
static weir__range units_of_piece(const forward_product *f, weir__piece p) {
    return weir__groups_of_part(f->y->width, 16, p.index, p.count);
}

/// Some units of all rows of a dense output.
static void begin_units(weir__range units, size_t rows, const weir__side *y, const float *bias) {
    for (size_t r = 0; r < rows; r++) {
        begin_slot(y->values + r * y->width + units.first, units.last - units.first, bias ? bias + units.first : NULL);
    }
}

/// to[r][u] += Σ_{k<count} x[r][k]·w[u][k] for rows × units outputs (both constants where it is inlined, at most 24).
/// Meanwhile count floats of the next w are prefetched, a line at a time: more at once would keep x waiting. copies (a
/// constant): rows of x are read where they lie, at source[r], and copied to x on the way.
INLINE void add_dots(const bool copies, const int rows, const int units, float *const *to, size_t unit, float *const *x,
                     size_t offset, const float *const *source, const float *w, size_t w_stride, size_t count,
                     const float *next_w) {
    vec sum[24] = {{0}};
    const size_t whole = count / LANES * LANES;
    for (size_t k = 0; k < whole; k += LANES) {
        vec xk[8];
        if (k % 16 == 0) __builtin_prefetch(next_w + k, 0, 2);
        UNROLL for (int r = 0; r < rows; r++) {
            xk[r] = load(copies ? source[r] + k : x[r] + offset + k);
            if (!copies) continue;
            __builtin_prefetch(source[rows + r] + k, 0, 3); // the rows after these
            store(x[r] + offset + k, xk[r]);
        }
        UNROLL for (int u = 0; u < units; u++) {
            const vec wk = in_register(load(w + (size_t)u * w_stride + k));
            UNROLL for (int r = 0; r < rows; r++) sum[r * units + u] += xk[r] * wk;
        }
    }
    if (whole < count) {
        const size_t tail = count - whole;
        vec xk[8];
        UNROLL for (int r = 0; r < rows; r++) {
            xk[r] = load_first(copies ? source[r] + whole : x[r] + offset + whole, tail);
            if (copies) store_first(x[r] + offset + whole, xk[r], tail);
        }
        UNROLL for (int u = 0; u < units; u++) {
            const vec wk = load_first(w + (size_t)u * w_stride + whole, tail);
            UNROLL for (int r = 0; r < rows; r++) sum[r * units + u] += xk[r] * wk;
        }
    }
    if (units == 8) {
        UNROLL for (int r = 0; r < rows; r++) add_sums_of_8(to[r] + unit, sum + r * 8);
        return;
    }
    // Sums beyond rows·units are 0 and dropped.
    UNROLL for (int q = 0; q < rows * units; q += 4) {
        const four total = sums(sum[q], sum[q + 1], sum[q + 2], sum[q + 3]);
        if (units == 4) {
            *(four_at *)(to[q / 4] + unit) += total;
            continue;
        }
        UNROLL for (int p = 0; p < 4; p++) {
            if (q + p < rows * units) to[(q + p) / units][unit + (size_t)((q + p) % units)] += total[p];
        }
    }
}

/// Rows that are worked on together, and where their outputs and inputs are.
typedef struct row_list {
    size_t count;
    float *to[ROWS], *from[ROWS];
    const float *source[ROWS + 8]; // of inputs that are being copied to from, a few more than there are
} row_list;

/// Rows of x that are copied next.
typedef struct rows_ahead {
    size_t left;
    const float *const *from;
} rows_ahead;

/// What is worked on next: weights of some units, prefetched a unit at a time (or as many as `each` says), then rows of
/// x (NULL: none).
typedef struct weights_ahead {
    const float *w;
    size_t stride, units, each;
    rows_ahead *rows;
} weights_ahead;

/// The next `count` floats to be prefetched; those of further units are prefetched at once.
INLINE const float *next_piece(weights_ahead *next, size_t count) {
    for (size_t more = 1; more < next->each && next->units > 1; more++) {
        prefetch_ahead(next->w, count);
        next->units--;
        next->w += next->stride;
    }
    const float *w = next->w;
    if (next->units) {
        next->units--;
        next->w += next->units ? next->stride : 0;
    } else if (next->rows && next->rows->left) {
        next->rows->left--;
        return *next->rows->from++;
    }
    return w;
}

/// All rows of a list, most at a time (a constant), for a constant number of units.
INLINE void add_dots_of_rows(const bool copies, const int units, const int most, const row_list *rows, size_t unit,
                             size_t offset, const float *w, size_t w_stride, size_t count, weights_ahead *next) {
    size_t r = 0;
#define ADD_DOTS(n)                                                                                                    \
    add_dots(copies, n, units, rows->to + r, unit, rows->from + r, offset, rows->source + r, w, w_stride, count,       \
             next_piece(next, count))
    for (; r + (size_t)most <= rows->count; r += (size_t)most) ADD_DOTS(most);
    for (; most > 4 && r + 4 <= rows->count; r += 4) ADD_DOTS(4);
    for (; most > 3 && r + 3 <= rows->count; r += 3) ADD_DOTS(3);
    for (; most > 2 && r + 2 <= rows->count; r += 2) ADD_DOTS(2);
    for (; most > 1 && r < rows->count; r++) ADD_DOTS(1);
#undef ADD_DOTS
}

/// A register tile: how many of the units left are taken together.
static size_t units_of_tile(size_t left, size_t rows) {
    if (left >= 8 && (TILE_ROWS_OF_8 > 1 || rows == 1)) return 8;
    return left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

static void add_tile_of_rows(size_t units, const row_list *rows, size_t unit, size_t offset, const float *w,
                             size_t w_stride, size_t count, weights_ahead *next) {
#define SOME_UNITS(units, most) add_dots_of_rows(false, units, most, rows, unit, offset, w, w_stride, count, next)
    if (units == 8)
        SOME_UNITS(8, TILE_ROWS_OF_8);
    else if (units == 4)
        SOME_UNITS(4, TILE_ROWS);
    else if (units == 2)
        SOME_UNITS(2, 4);
    else
        SOME_UNITS(1, 8);
#undef SOME_UNITS
}

/// Eight units, the first ones of a block: rows of x are copied on the way.
static void add_tile_and_copy(const row_list *rows, size_t unit, size_t offset, const float *w, size_t w_stride,
                              size_t count, weights_ahead *next) {
    add_dots_of_rows(true, 8, TILE_ROWS_OF_8, rows, unit, offset, w, w_stride, count, next);
}

#endif
