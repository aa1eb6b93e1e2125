// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file blas.h
/// CBLAS, always in the calling thread alone: products are cut where they are called.
#ifndef WEIR_BLAS_H
#define WEIR_BLAS_H

#include <stdbool.h>
#include <stddef.h>

/// A factor as it lies in memory: rows of `stride` floats; transposed: its columns are the rows of the factor.
typedef struct weir__factor {
    const float *values;
    size_t stride;
    bool transposed;
} weir__factor;

/// c[m][n] = alpha·a[m][k]·b[k][n] + beta·c, rows of c `stride` floats apart.
void weir__blas_product(size_t m, size_t n, size_t k, float alpha, const weir__factor *a, const weir__factor *b,
                        float beta, float *c, size_t stride);

/// y[m] = a[m][k]·x[k] + beta·y.
void weir__blas_vector(size_t m, size_t k, const weir__factor *a, const float *x, float beta, float *y);

#endif
