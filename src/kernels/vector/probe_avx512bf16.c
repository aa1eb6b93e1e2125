// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Multiply-adds of bf16 numbers in pairs, by AVX512_BF16.

#if !defined(__AVX512BF16__)
#error "this file is compiled with -mavx512bf16"
#endif

#include <immintrin.h>

#include "../probe.h"

enum { SUMS = 16 };

float weir__probe_bf16_avx512bf16(size_t turns, double *operations) {
    __m512 sum[SUMS];
    for (int k = 0; k < SUMS; k++) sum[k] = _mm512_set1_ps((float)k);
    const __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5f), _mm512_set1_ps(0.5f)), b = a;
    for (size_t turn = 0; turn < turns; turn++) {
#if defined(__clang__)
#pragma clang loop unroll(full)
#else
#pragma GCC unroll 16
#endif
        for (int k = 0; k < SUMS; k++) sum[k] = _mm512_dpbf16_ps(sum[k], a, b);
    }
    for (int k = 1; k < SUMS; k++) sum[0] = _mm512_add_ps(sum[0], sum[k]);
    *operations = 2.0 * 32 * SUMS * (double)turns;
    return _mm512_reduce_add_ps(sum[0]);
}
