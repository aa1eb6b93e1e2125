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

#include "gated.h"

static const size_t least_for_threads = 32768; // floats: below that one thread is as fast

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

/// A matrix as it lies in memory: rows of `stride` floats; turned: its columns are the rows of the factor.
typedef struct matrix {
    const float *values;
    size_t stride;
    bool turned;
} matrix;

static const float *from_row(const matrix *a, size_t row) { return a->values + (a->turned ? row : row * a->stride); }
static const float *from_column(const matrix *a, size_t column) {
    return a->values + (a->turned ? column * a->stride : column);
}

/// c[m][n] = alpha·a[m][k]·b[k][n] + beta·c, rows of c n floats apart.
static void multiply(size_t m, size_t n, size_t k, float alpha, matrix a, matrix b, float beta, float *c) {
    const bool by_rows = m > n;
    const bool cut = (double)m * (double)n * (double)k >= least_of_product;
    const size_t count = by_rows ? m : n, pieces = cut ? pieces_of(count) : 1;
    const CBLAS_TRANSPOSE turn_a = a.turned ? CblasTrans : CblasNoTrans, turn_b = b.turned ? CblasTrans : CblasNoTrans;
#pragma omp parallel for num_threads(weir_threads()) schedule(static) if (cut)
    for (size_t p = 0; p < pieces; p++) {
        const size_t first = piece_begin(count, p, pieces), some = piece_begin(count, p + 1, pieces) - first;
        if (!some) continue;
        if (by_rows) {
            cblas_sgemm(CblasRowMajor, turn_a, turn_b, (int)some, (int)n, (int)k, alpha, from_row(&a, first),
                        (int)a.stride, b.values, (int)b.stride, beta, c + first * n, (int)n);
        } else {
            cblas_sgemm(CblasRowMajor, turn_a, turn_b, (int)m, (int)some, (int)k, alpha, a.values, (int)a.stride,
                        from_column(&b, first), (int)b.stride, beta, c + first, (int)n);
        }
    }
}

/// y[m] = a[m][k]·x[k] + beta·y.
static void multiply_vector(size_t m, size_t k, matrix a, const float *x, float beta, float *y) {
    const bool cut = (double)m * (double)k >= least_of_vector;
    const size_t pieces = cut ? pieces_of(m) : 1;
#pragma omp parallel for num_threads(weir_threads()) schedule(static) if (cut)
    for (size_t p = 0; p < pieces; p++) {
        const size_t first = piece_begin(m, p, pieces), some = piece_begin(m, p + 1, pieces) - first;
        if (!some) continue;
        if (a.turned) {
            cblas_sgemv(CblasRowMajor, CblasTrans, (int)k, (int)some, 1, from_row(&a, first), (int)a.stride, x, 1, beta,
                        y + first, 1);
        } else {
            cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)some, (int)k, 1, from_row(&a, first), (int)a.stride, x, 1,
                        beta, y + first, 1);
        }
    }
}

static void fill_bias(size_t rows, size_t out, float *y, const float *bias) {
#pragma omp parallel for num_threads(weir_threads()) schedule(static) if (rows * out >= least_for_threads)
    for (size_t r = 0; r < rows; r++) memcpy(y + r * out, bias, out * sizeof *y);
}

void weir__dense_forward(size_t rows, size_t out, size_t in, float *y, bool by_units, const float *x,
                         const float *weights, const float *bias) {
    const float former = bias ? 1 : 0; // times y, before anything is added
    if (!rows || !out) return;
    if (bias) fill_bias(rows, out, y, bias);
    if (!in) {
        if (!bias) memset(y, 0, rows * out * sizeof *y);
    } else if (rows == 1) {
        multiply_vector(out, in, (matrix){weights, in, false}, x, former, y);
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
        multiply_vector(in, out, (matrix){weights, in, true}, dy, 0, dx);
    } else {
        multiply(rows, in, out, 1, (matrix){dy, by_units ? rows : out, by_units}, (matrix){weights, in, false}, 0, dx);
    }
}

void weir__sum_columns(size_t rows, size_t out, float *sums, const float *values) {
    enum { WIDTH = 64 };
#pragma omp parallel for num_threads(weir_threads()) schedule(static) if (rows * out >= least_for_threads)
    for (size_t from = 0; from < out; from += WIDTH) {
        const size_t count = out - from < WIDTH ? out - from : WIDTH;
        float sum[WIDTH] = {0};
        for (size_t r = 0; r < rows; r++) {
            const float *row = values + r * out + from;
            for (size_t o = 0; o < count; o++) sum[o] += row[o];
        }
        memcpy(sums + from, sum, count * sizeof *sum);
    }
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
