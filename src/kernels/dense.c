// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Dense products by CBLAS, and the bias that it does not know. One row is a matrix-vector product.
//
// Threads are ours, not CBLAS's: which bits its kernels give near the edge of a piece depends, for many processors, on
// how it cuts a product between threads. Here the pieces follow from the shapes alone, and within a parallel region a
// CBLAS built for OpenMP does not cut again. Whatever it would cut by itself, outside of one, is therefore cut here:
// its own threads, whom no region has woken, cost milliseconds.

#include <cblas.h>
#include <stdbool.h>
#include <string.h>

#include "../core/parallel.h"
#include "gated.h"

enum { LINE = 16 }; // floats of a line of cache, which pieces do not share

/// Pieces of a dimension of the product: eight, but neither so small nor so large that CBLAS would be slowed down. Some
/// are empty where there are fewer lines.
static size_t pieces_of(size_t count) {
    enum { PIECES = 8, LEAST = 64, MOST = 512 };
    if (count <= 2 * LEAST) return 2;
    if (count < PIECES * LEAST) return count / LEAST / 2 * 2;
    return count > PIECES * MOST ? (count + MOST - 1) / MOST : PIECES;
}

/// Where a piece begins: they differ by a line at most.
static size_t piece_begin(size_t count, size_t piece, size_t pieces) {
    const size_t lines = (count + LINE - 1) / LINE, at = lines * piece / pieces * LINE;
    return at < count ? at : count;
}

// Multiply-adds, of products of matrices and of a matrix and a vector: below that one thread is as fast, and OpenBLAS
// takes no more than one.
static const double least_of_product = 1e5, least_of_vector = 9216;

/// A matrix as it lies in memory: rows of `stride` floats; transposed: its columns are the rows of the factor.
typedef struct matrix {
    const float *values;
    size_t stride;
    bool transposed;
} matrix;

static const float *from_row(const matrix *a, size_t row) {
    return a->values + (a->transposed ? row : row * a->stride);
}
static const float *from_column(const matrix *a, size_t column) {
    return a->values + (a->transposed ? column * a->stride : column);
}

typedef struct product {
    size_t m, n, k;
    float alpha, beta;
    matrix a, b;
    float *c;
} product;

static void multiply_piece(const void *context, weir__piece piece) {
    const product *p = context;
    const size_t count = p->m > p->n ? p->m : p->n, first = piece_begin(count, piece.index, piece.count);
    const size_t some = piece_begin(count, piece.index + 1, piece.count) - first;
    const CBLAS_TRANSPOSE turn_a = p->a.transposed ? CblasTrans : CblasNoTrans;
    const CBLAS_TRANSPOSE turn_b = p->b.transposed ? CblasTrans : CblasNoTrans;
    if (!some) return;
    if (p->m > p->n) {
        cblas_sgemm(CblasRowMajor, turn_a, turn_b, (int)some, (int)p->n, (int)p->k, p->alpha, from_row(&p->a, first),
                    (int)p->a.stride, p->b.values, (int)p->b.stride, p->beta, p->c + first * p->n, (int)p->n);
    } else {
        cblas_sgemm(CblasRowMajor, turn_a, turn_b, (int)p->m, (int)some, (int)p->k, p->alpha, p->a.values,
                    (int)p->a.stride, from_column(&p->b, first), (int)p->b.stride, p->beta, p->c + first, (int)p->n);
    }
}

/// c[m][n] = alpha·a[m][k]·b[k][n] + beta·c, rows of c n floats apart.
static void multiply(size_t m, size_t n, size_t k, float alpha, matrix a, matrix b, float beta, float *c) {
    const product p = {m, n, k, alpha, beta, a, b, c};
    const bool cut = (double)m * (double)n * (double)k >= least_of_product;
    weir__parallel(cut ? pieces_of(m > n ? m : n) : 1, multiply_piece, &p);
}

/// y[m] = a[m][k]·x[k] + beta·y.
typedef struct vector_product {
    size_t m, k;
    matrix a;
    const float *x;
    float beta;
    float *y;
} vector_product;

static void multiply_vector_piece(const void *context, weir__piece piece) {
    const vector_product *p = context;
    const size_t first = piece_begin(p->m, piece.index, piece.count), stride = p->a.stride;
    const size_t some = piece_begin(p->m, piece.index + 1, piece.count) - first;
    if (!some) return;
    const bool transposed = p->a.transposed;
    cblas_sgemv(CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, (int)(transposed ? p->k : some),
                (int)(transposed ? some : p->k), 1, from_row(&p->a, first), (int)stride, p->x, 1, p->beta, p->y + first,
                1);
}

static void multiply_vector(const vector_product *p) {
    const bool cut = (double)p->m * (double)p->k >= least_of_vector;
    weir__parallel(cut ? pieces_of(p->m) : 1, multiply_vector_piece, p);
}

typedef struct columns {
    size_t rows, out;
    float *to;
    const float *from;
} columns;

static void fill_rows(const void *context, weir__range rows) {
    const columns *c = context;
    for (size_t r = rows.first; r < rows.last; r++) memcpy(c->to + r * c->out, c->from, c->out * sizeof *c->to);
}

void weir__dense_forward(size_t rows, size_t out, size_t in, float *y, bool by_units, const float *x,
                         const float *weights, const float *bias) {
    const float former = bias ? 1 : 0; // times y, before anything is added
    if (!rows || !out) return;
    if (bias) weir__parallel_ranges(rows, 0.5 * (double)out, fill_rows, &(columns){rows, out, y, bias});
    if (!in) {
        if (!bias) memset(y, 0, rows * out * sizeof *y);
    } else if (rows == 1) {
        multiply_vector(&(vector_product){out, in, {weights, in, false}, x, former, y});
    } else if (by_units) {
        multiply(out, rows, in, 1, (matrix){weights, in, false}, (matrix){x, in, true}, former, y);
    } else {
        multiply(rows, out, in, 1, (matrix){x, in, false}, (matrix){weights, in, true}, former, y);
    }
}

void weir__dense_input_gradient(size_t rows, size_t out, size_t in, float *dx, const float *dy, bool by_units,
                                const float *weights) {
    if (!rows || !in) return;
    if (!out) {
        memset(dx, 0, rows * in * sizeof *dx);
    } else if (rows == 1) {
        multiply_vector(&(vector_product){in, out, {weights, in, true}, dy, 0, dx});
    } else {
        multiply(rows, in, out, 1, (matrix){dy, by_units ? rows : out, by_units}, (matrix){weights, in, false}, 0, dx);
    }
}

enum { SUMS = 64 }; // columns whose sums are at hand

static void sum_groups(const void *context, weir__range groups) {
    const columns *c = context;
    const size_t last = groups.last * SUMS < c->out ? groups.last * SUMS : c->out;
    for (size_t from = groups.first * SUMS; from < last; from += SUMS) {
        const size_t count = last - from < SUMS ? last - from : SUMS;
        float sum[SUMS] = {0};
        for (size_t r = 0; r < c->rows; r++) {
            const float *row = c->from + r * c->out + from;
            for (size_t o = 0; o < count; o++) sum[o] += row[o];
        }
        memcpy(c->to + from, sum, count * sizeof *sum);
    }
}

void weir__sum_columns(size_t rows, size_t out, float *sums, const float *values) {
    const columns c = {rows, out, sums, values};
    weir__parallel_ranges((out + SUMS - 1) / SUMS, 0.25 * (double)rows * SUMS, sum_groups, &c);
}

/// W = factor·dyᵀ·x + former·W.
static void add_gradient(size_t rows, size_t out, size_t in, float *weights, float former, float factor,
                         const float *dy, bool by_units, const float *x) {
    multiply(out, in, rows, factor, (matrix){dy, by_units ? rows : out, !by_units}, (matrix){x, in, false}, former,
             weights);
}

void weir__dense_weight_gradient(size_t rows, size_t out, size_t in, float *dweights, const float *dy, bool by_units,
                                 const float *x) {
    if (!out || !in) return;
    if (rows) {
        add_gradient(rows, out, in, dweights, 0, 1, dy, by_units, x);
    } else {
        memset(dweights, 0, out * in * sizeof *dweights);
    }
}

void weir__dense_descend(size_t rows, size_t out, size_t in, float *weights, float factor, const float *dy,
                         bool by_units, const float *x) {
    if (rows && out && in) add_gradient(rows, out, in, weights, 1, factor, dy, by_units, x);
}
