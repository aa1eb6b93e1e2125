// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward_rows.h
/// The dense product for a few vectors' worth of rows: a lane is a row. x is transposed, [i][row], so that a weight
/// times some vectors of rows goes straight into their sums: nothing is added up across lanes, and every weight is read
/// once. Lanes beyond the last row are wasted, which is why other numbers of rows go by dot products.
///
/// The sum of an output runs over i in order, whatever row its lane is.

#ifndef WEIR_FORWARD_ROWS_H
#define WEIR_FORWARD_ROWS_H

#include "forward_common.h"

enum {
    ROW_VECTORS = LANES == 16 ? 4 : 2, // most vectors of rows that a register tile holds
    MOST_TRANSPOSED = 96 * 1024        // floats of x that are transposed at a time: they stay in the second-level cache
};

static size_t vectors_of_rows(size_t rows) { return (rows + LANES - 1) / LANES; }

/// Whether at most a fifth of the lanes is wasted.
static bool rows_fill_lanes(size_t rows) { return rows * 5 >= vectors_of_rows(rows) * LANES * 4; }

/// to[k][r] = from[r][k] for four rows and four columns.
INLINE void turn_four(float *to, size_t to_stride, const float *from, size_t from_stride) {
    const four a = *(const four_at *)from, b = *(const four_at *)(from + from_stride);
    const four c = *(const four_at *)(from + 2 * from_stride), d = *(const four_at *)(from + 3 * from_stride);
    const four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const four ba = __builtin_shufflevector(a, b, 2, 6, 3, 7), dc = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(four_at *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(four_at *)(to + to_stride) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(four_at *)(to + 2 * to_stride) = __builtin_shufflevector(ba, dc, 0, 1, 4, 5);
    *(four_at *)(to + 3 * to_stride) = __builtin_shufflevector(ba, dc, 2, 3, 6, 7);
}

/// Count columns of some rows of x, transposed; the lanes up to the end of the last vector are 0.
static void transpose_rows(float *transposed, size_t lanes, size_t rows, const float *x, size_t width, size_t count) {
    enum { LINE = 16 };
    const size_t whole_rows = rows / 4 * 4, whole = count / 4 * 4;
    for (size_t line = 0; line < whole; line += LINE) {
        for (size_t r = 0; r < whole_rows; r += 4) {
            for (size_t k = line; k < least_of(line + LINE, whole); k += 4) {
                turn_four(transposed + k * lanes + r, lanes, x + r * width + k, width);
            }
        }
    }
    for (size_t k = 0; k < count; k++) {
        for (size_t r = k < whole ? whole_rows : 0; r < lanes; r++) {
            transposed[k * lanes + r] = r < rows ? x[r * width + k] : 0;
        }
    }
}

/// sums[u][v] = Σ_{k<count} w[u][k]·transposed[k][v], for units × vectors (constants, at most 16). Meanwhile as many
/// weights are prefetched from `next` on.
INLINE void sum_lanes(const int units, const int vectors, float *sums, const float *transposed, const float *w,
                      size_t w_stride, size_t count, const float *next) {
    vec sum[16] = {{0}};
    for (size_t k = 0; k < count; k++) {
        vec xk[ROW_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) xk[v] = load(transposed + (k * (size_t)vectors + (size_t)v) * LANES);
        UNROLL for (int u = 0; u < units; u++) {
            const vec wk = splat(w[(size_t)u * w_stride + k]);
            UNROLL for (int v = 0; v < vectors; v++) sum[u * vectors + v] += wk * xk[v];
        }
        if (k % 16 == 0) {
            UNROLL for (int u = 0; u < units; u++) __builtin_prefetch(next + (size_t)u * w_stride + k, 0, 2);
        }
    }
    UNROLL for (int s = 0; s < units * vectors; s++) store(sums + s * LANES, sum[s]);
}

/// y[r][u] += sums[u][r].
static void add_transposed(float *y, size_t y_stride, size_t rows, size_t units, const float *sums, size_t lanes) {
    const size_t whole_rows = rows / 4 * 4, whole = units / 4 * 4;
    for (size_t r = 0; r < whole_rows; r += 4) {
        for (size_t u = 0; u < whole; u += 4) {
            float transposed[16];
            turn_four(transposed, 4, sums + u * lanes + r, lanes);
            for (size_t q = 0; q < 4; q++) {
                four_at *to = (four_at *)(y + (r + q) * y_stride + u);
                *to += *(const four_at *)(transposed + 4 * q);
            }
        }
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t u = r < whole_rows ? whole : 0; u < units; u++) y[r * y_stride + u] += sums[u * lanes + r];
    }
}

/// Some columns of some rows of x, transposed.
typedef struct transposed_rows {
    const float *values;
    size_t first, count, columns;
} transposed_rows;

/// All rows of a piece, which are as many vectors, for some units: those of a register tile at a time. Weights `ahead`
/// floats after these are prefetched meanwhile.
INLINE void add_lanes(const int vectors, const transposed_rows *x, size_t units, float *y, size_t y_stride,
                      const float *w, size_t w_stride, size_t ahead) {
    _Alignas(64) float sums[16 * LANES];
    const size_t lanes = (size_t)vectors * LANES;
    size_t u = 0;
#define UNITS_AT_ONCE(n)                                                                                               \
    for (; (n)*vectors <= MOST_SUMS && u + (n) <= units; u += (n)) {                                                   \
        sum_lanes(n, vectors, sums, x->values, w + u * w_stride, w_stride, x->columns, w + u * w_stride + ahead);      \
        add_transposed(y + x->first * y_stride + u, y_stride, x->count, n, sums, lanes);                               \
    }
    UNITS_AT_ONCE(8)
    UNITS_AT_ONCE(6)
    UNITS_AT_ONCE(4)
    UNITS_AT_ONCE(2)
    UNITS_AT_ONCE(1)
#undef UNITS_AT_ONCE
}

static void add_lanes_of_rows(const transposed_rows *x, size_t units, float *y, size_t y_stride, const float *w,
                              size_t w_stride, size_t ahead) {
#define SOME_VECTORS(vectors) add_lanes(vectors, x, units, y, y_stride, w, w_stride, ahead)
#if LANES == 16
    WITH_CONSTANT(vectors_of_rows(x->count), 4, SOME_VECTORS)
#else
    WITH_CONSTANT(vectors_of_rows(x->count), 2, SOME_VECTORS)
#endif
#undef SOME_VECTORS
}

/// Some units of a dense side, dense x.
static void run_dense_rows(const void *context, weir__piece p) {
    enum { AT_ONCE = LANES == 16 ? 8 : 12, MOST_LANES = ROW_VECTORS * LANES }; // units: some register tiles; rows
    const forward_product *f = context;
    const weir__side *y = f->y, *x = f->x;
    const weir__range units = units_of_piece(f, p);
    float *scratch = f->scratch + p.lane * WEIR__THREAD_SCRATCH;
    const size_t rows = f->rows, in = x->width, lanes = vectors_of_rows(rows) * LANES,
                 most = MOST_TRANSPOSED / lanes / LANES * LANES;
    begin_units(units, rows, y, f->bias);
    for (size_t k = 0; k < in; k += most) {
        const size_t count = least_of(in - k, most);
        for (size_t r = 0; r < rows; r += MOST_LANES) {
            const size_t some = least_of(rows - r, MOST_LANES);
            transpose_rows(scratch + r * count, vectors_of_rows(some) * LANES, some, x->values + r * in + k, in, count);
        }
        for (size_t u = units.first; u < units.last; u += AT_ONCE) {
            const size_t tile = least_of(units.last - u, AT_ONCE);
            for (size_t r = 0; r < rows; r += MOST_LANES) {
                const transposed_rows piece = {scratch + r * count, r, least_of(rows - r, MOST_LANES), count};
                const bool more = !r && u + 2 * AT_ONCE <= units.last;
                add_lanes_of_rows(&piece, tile, y->values + u, y->width, f->weights + u * in + k, in,
                                  more ? AT_ONCE * in : 0);
            }
        }
    }
}

#endif
