// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Dense products by CBLAS, and the bias that it does not know. One row is a matrix-vector product.

#include <cblas.h>
#include <stdbool.h>
#include <string.h>

#include "gated.h"

static const size_t least_for_threads = 32768; // floats: below that one thread is as fast

static void fill_bias(size_t rows, size_t out, float *y, const float *bias) {
#pragma omp parallel for num_threads(weir_threads()) schedule(static) if (rows * out >= least_for_threads)
    for (size_t r = 0; r < rows; r++) memcpy(y + r * out, bias, out * sizeof *y);
}

void weir__dense_forward(size_t rows, size_t out, size_t in, float *y, bool by_units, const float *x,
                         const float *weights, const float *bias) {
    const int m = (int)rows, n = (int)out, k = (int)in;
    const float former = bias ? 1 : 0; // times y, before anything is added
    if (!rows || !out) return;
    if (bias) fill_bias(rows, out, y, bias);
    if (!in) {
        if (!bias) memset(y, 0, rows * out * sizeof *y);
    } else if (rows == 1) {
        cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, weights, k, x, 1, former, y, 1);
    } else if (by_units) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, m, k, 1, weights, k, x, k, former, y, m);
    } else {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, x, k, weights, k, former, y, n);
    }
}

void weir__dense_input_gradient(size_t rows, size_t out, size_t in, float *dx, const float *dy, bool by_units,
                                const float *weights) {
    const int m = (int)rows, n = (int)in, k = (int)out;
    if (!rows || !in) return;
    if (!out) {
        memset(dx, 0, rows * in * sizeof *dx);
    } else if (rows == 1) {
        cblas_sgemv(CblasRowMajor, CblasTrans, k, n, 1, weights, n, dy, 1, 0, dx, 1);
    } else {
        const CBLAS_TRANSPOSE form = by_units ? CblasTrans : CblasNoTrans;
        cblas_sgemm(CblasRowMajor, form, CblasNoTrans, m, n, k, 1, dy, by_units ? m : k, weights, n, 0, dx, n);
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
    const int m = (int)out, n = (int)in, k = (int)rows;
    const CBLAS_TRANSPOSE form = by_units ? CblasNoTrans : CblasTrans;
    cblas_sgemm(CblasRowMajor, form, CblasNoTrans, m, n, k, factor, dy, by_units ? k : m, x, n, former, weights, n);
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
