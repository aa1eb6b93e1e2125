// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// OpenBLAS comes in three builds, and each must be told differently to stay in the calling thread.
//
// For OpenMP it takes as many threads as OpenMP would in this thread: the number is set to 1 around the call, which
// changes nothing for anybody else. For POSIX threads the number is one for the process. Without threads it has no lock
// around its memory, and products of two threads at a time come out wrong (0.3.21: 277 of 160000): one at a time, then.

#include "blas.h"

#include <cblas.h>
#include <pthread.h>

enum { SEQUENTIAL, POSIX_THREADS, OPENMP }; // openblas_get_parallel

// Of the runtime that CBLAS brings along, if any: weir itself needs none.
#pragma weak omp_get_max_threads
#pragma weak omp_set_num_threads
int omp_get_max_threads(void);
void omp_set_num_threads(int threads);

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

/// Before a call, and after it with what this gave.
static int begin(void) {
    const int build = openblas_get_parallel();
    if (build == OPENMP && omp_get_max_threads && omp_set_num_threads) {
        const int former = omp_get_max_threads();
        if (former > 1) omp_set_num_threads(1);
        return former;
    }
    if (build == SEQUENTIAL) {
        pthread_mutex_lock(&one_at_a_time);
    } else if (openblas_get_num_threads() > 1) {
        openblas_set_num_threads(1);
    }
    return 0;
}
static void end(int former) {
    if (former > 1) omp_set_num_threads(former);
    if (openblas_get_parallel() == SEQUENTIAL) pthread_mutex_unlock(&one_at_a_time);
}

void weir__blas_product(size_t m, size_t n, size_t k, float alpha, const weir__factor *a, const weir__factor *b,
                        float beta, float *c, size_t stride) {
    const int former = begin();
    cblas_sgemm(CblasRowMajor, a->transposed ? CblasTrans : CblasNoTrans, b->transposed ? CblasTrans : CblasNoTrans,
                (int)m, (int)n, (int)k, alpha, a->values, (int)a->stride, b->values, (int)b->stride, beta, c,
                (int)stride);
    end(former);
}

void weir__blas_vector(size_t m, size_t k, const weir__factor *a, const float *x, float beta, float *y) {
    const int former = begin();
    cblas_sgemv(CblasRowMajor, a->transposed ? CblasTrans : CblasNoTrans, (int)(a->transposed ? k : m),
                (int)(a->transposed ? m : k), 1, a->values, (int)a->stride, x, 1, beta, y, 1);
    end(former);
}
