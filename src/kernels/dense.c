// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Dense products by CBLAS, and the bias that it does not know. One row is a matrix-vector product: it reads the
// weights once, which is all that can be asked of it. For a few rows CBLAS spends up to a third of its time on copying
// the weights into panels and on clearing the result; there the gated kernels, which do neither, do the dense product
// too (bench_step shows it: a training step of the paper's network at 32 rows takes a fifth less time).

#include <cblas.h>
#include <stdbool.h>
#include <string.h>

#include "gated.h"

static const size_t least_for_threads = 32768; // floats: below that one thread is as fast

static bool are_few(size_t rows) { return rows > 1 && rows <= 64 && weir_isa_current() >= WEIR_ISA_AVX2; }

/// A whole matrix as one side of a gated product. Products read one side through a pointer that is not const.
static weir__side dense_side(size_t width, const float *values) {
    return (weir__side){.width = width, .block = width, .values = (float *)(uintptr_t)values};
}

static void fill_bias(size_t rows, size_t out, float *y, const float *bias) {
#pragma omp parallel for num_threads(weir_threads()) schedule(static) if (rows * out >= least_for_threads)
    for (size_t r = 0; r < rows; r++) memcpy(y + r * out, bias, out * sizeof *y);
}

void weir__dense_forward(size_t rows, size_t out, size_t in, float *y, const float *x, const float *weights,
                         const float *bias, float *scratch) {
    if (!rows || !out) return;
    if (in && are_few(rows)) {
        const weir__side to = dense_side(out, y), from = dense_side(in, x);
        weir__gated_current()->forward(rows, &to, &from, weights, bias, scratch);
        return;
    }
    if (bias) {
        fill_bias(rows, out, y, bias);
    } else {
        memset(y, 0, rows * out * sizeof *y);
    }
    if (!in) return;
    const int m = (int)rows, n = (int)out, k = (int)in;
    if (rows == 1) {
        cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, weights, k, x, 1, 1, y, 1);
    } else {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, x, k, weights, k, 1, y, n);
    }
}

void weir__dense_input_gradient(size_t rows, size_t out, size_t in, float *dx, const float *dy, const float *weights,
                                float *scratch) {
    if (!rows || !in) return;
    if (!out) {
        memset(dx, 0, rows * in * sizeof *dx);
        return;
    }
    if (are_few(rows)) {
        const weir__side to = dense_side(in, dx), from = dense_side(out, dy);
        weir__gated_current()->input_gradient(rows, &to, &from, weights, scratch);
        return;
    }
    const int m = (int)rows, n = (int)in, k = (int)out;
    if (rows == 1) {
        cblas_sgemv(CblasRowMajor, CblasTrans, k, n, 1, weights, n, dy, 1, 0, dx, 1);
    } else {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, dy, k, weights, n, 0, dx, n);
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

void weir__dense_weight_gradient(size_t rows, size_t out, size_t in, float *dweights, float *dbias, const float *dy,
                                 const float *x) {
    if (!out) return;
    if (dbias) weir__sum_columns(rows, out, dbias, dy);
    if (!in) return;
    if (!rows) {
        memset(dweights, 0, out * in * sizeof *dweights);
        return;
    }
    if (are_few(rows)) {
        const weir__side from = dense_side(out, dy), with = dense_side(in, x);
        uint8_t touched = 1;
        weir__gated_current()->weight_gradient(rows, dweights, NULL, &touched, NULL, &from, &with);
        return;
    }
    const int m = (int)out, n = (int)in, k = (int)rows;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, 1, dy, m, x, n, 0, dweights, n);
}

void weir__dense_descend(size_t rows, size_t out, size_t in, float *weights, float factor, const float *dy,
                         const float *x) {
    if (!rows || !out || !in) return;
    const int m = (int)out, n = (int)in, k = (int)rows;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, factor, dy, m, x, n, 1, weights, n);
}
