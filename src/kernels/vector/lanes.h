// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file lanes.h
/// One vector of LANES floats by the compiler's vector extensions; LANES follows from the instruction set that the
/// including file is compiled for. Only loads and stores of a part of a vector need that set's own instructions.
#ifndef WEIR_LANES_H
#define WEIR_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES 16
#elif defined(__AVX2__)
#include <immintrin.h>
#define LANES 8
#else
#define LANES 4
#endif

// What a register tile holds: 16 sums where there are 32 registers, else 8, or 12 with few rows of factors beside them
// (dot products: 24 or 12).
#if LANES == 16
enum { TILE_SUMS = 16, MOST_SUMS = 16, TILE_ROWS = 4, TILE_ROWS_OF_8 = 3, TILE_VECTORS = 4, DOT_ROWS = 6 };
#else
enum { TILE_SUMS = 8, MOST_SUMS = 12, TILE_ROWS = 3, TILE_ROWS_OF_8 = 1, TILE_VECTORS = 2, DOT_ROWS = 3 };
#endif

#define INLINE static inline __attribute__((always_inline))

// Loops over the registers of a tile must be unrolled whatever the optimisation level, or the tile lies in memory.
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/// use(n), a macro, with a count of 1 … most (a literal) as a constant n; other counts do nothing.
#define WITH_CONSTANT(count, most, use)                                                                                \
    switch (count) { CONSTANTS_##most(use) default : break; }
#define CONSTANTS_1(use) CONSTANT(1, use)
#define CONSTANTS_2(use) CONSTANTS_1(use) CONSTANT(2, use)
#define CONSTANTS_3(use) CONSTANTS_2(use) CONSTANT(3, use)
#define CONSTANTS_4(use) CONSTANTS_3(use) CONSTANT(4, use)
#define CONSTANTS_5(use) CONSTANTS_4(use) CONSTANT(5, use)
#define CONSTANTS_6(use) CONSTANTS_5(use) CONSTANT(6, use)
#define CONSTANTS_8(use) CONSTANTS_6(use) CONSTANT(7, use) CONSTANT(8, use)
#define CONSTANT(n, use)                                                                                               \
    case n:                                                                                                            \
        use(n);                                                                                                        \
        break;

INLINE size_t least_of(size_t a, size_t b) { return a < b ? a : b; }

typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef float vec_at __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef float four __attribute__((vector_size(4 * sizeof(float))));
#if LANES > 4
typedef float eight __attribute__((vector_size(8 * sizeof(float))));
typedef float eight_at __attribute__((vector_size(8 * sizeof(float)), aligned(sizeof(float)), may_alias));
#endif
typedef float four_at __attribute__((vector_size(4 * sizeof(float)), aligned(sizeof(float)), may_alias));

INLINE vec load(const float *from) { return *(const vec_at *)from; }
INLINE void store(float *to, vec a) { *(vec_at *)to = a; }

/// A vector that is used several times, kept in a register: compilers would rather read it from memory each time, which
/// then takes as long as the arithmetic.
INLINE vec in_register(vec a) {
#if LANES == 16
    __asm__("" : "+v"(a));
#elif defined(__x86_64__)
    __asm__("" : "+x"(a));
#endif
    return a;
}

INLINE vec splat(float a) { return a - (vec){0}; } // a − 0 is a for every a; a + 0 would cost an addition

/// Sends for count floats, to the second-level cache.
INLINE void prefetch_ahead(const float *from, size_t count) {
    for (size_t k = 0; k < count; k += 16) __builtin_prefetch(from + k, 0, 2);
}

/// Copies count floats: past the caches where they are part of an array too large to stay in one, which then need not
/// be read before it is written. finish_streams comes before other threads read them.
INLINE void copy_out(float *to, const float *from, size_t count, bool large) {
#if LANES > 4
    if (large && count % LANES == 0 && (uintptr_t)to % sizeof(vec) == 0) {
        for (size_t k = 0; k < count; k += LANES) {
#if LANES == 16
            _mm512_stream_ps(to + k, (__m512)load(from + k));
#else
            _mm256_stream_ps(to + k, (__m256)load(from + k));
#endif
        }
        return;
    }
#endif
    (void)large;
    memcpy(to, from, count * sizeof *to);
}
INLINE void finish_streams(void) {
#if LANES > 4
    _mm_sfence();
#endif
}

/// The first count lanes (1 … LANES), the rest 0; nothing beyond them is read or written.
INLINE vec load_first(const float *from, size_t count) {
#if defined(__AVX512F__)
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
#elif defined(__AVX2__)
    static const int32_t masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return (vec)_mm256_maskload_ps(from, _mm256_loadu_si256((const __m256i *)(const void *)(masks + 8 - count)));
#else
    vec a = {from[0], 0, 0, 0};
    if (count > 1) a[1] = from[1];
    if (count > 2) a[2] = from[2];
    if (count > 3) a[3] = from[3];
    return a;
#endif
}

INLINE void store_first(float *to, vec a, size_t count) {
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)a);
#elif defined(__AVX2__)
    static const int32_t masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    _mm256_maskstore_ps(to, _mm256_loadu_si256((const __m256i *)(const void *)(masks + 8 - count)), (__m256)a);
#else
    for (size_t k = 0; k < count; k++) to[k] = a[k];
#endif
}

/// A whole vector, or, where it is partial (a constant), the first tail lanes.
INLINE vec load_columns(const bool partial, size_t tail, const float *from) {
    return partial ? load_first(from, tail) : load(from);
}
INLINE void store_columns(const bool partial, size_t tail, float *to, vec a) {
    if (partial) {
        store_first(to, a, tail);
    } else {
        store(to, a);
    }
}

/// The sums over the lanes of a, b, c and d; each sum is formed in the same order.
#if LANES == 8
INLINE four sums(vec a, vec b, vec c, vec d) {
    // Neighbours first, both halves at once: fewer steps than folding four vectors.
    const vec ab = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13) +
                   __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    const vec cd = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13) +
                   __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    const vec all = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13) +
                    __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
    return __builtin_shufflevector(all, all, 0, 1, 2, 3) + __builtin_shufflevector(all, all, 4, 5, 6, 7);
}
#else
INLINE four fold(vec a) {
#if LANES == 16
    const eight b = __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7) +
                    __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
    return __builtin_shufflevector(b, b, 0, 1, 2, 3) + __builtin_shufflevector(b, b, 4, 5, 6, 7);
#else
    return a;
#endif
}

INLINE four sums(vec a, vec b, vec c, vec d) {
    const four fa = fold(a), fb = fold(b), fc = fold(c), fd = fold(d);
    const four ab = __builtin_shufflevector(fa, fb, 0, 4, 1, 5) + __builtin_shufflevector(fa, fb, 2, 6, 3, 7);
    const four cd = __builtin_shufflevector(fc, fd, 0, 4, 1, 5) + __builtin_shufflevector(fc, fd, 2, 6, 3, 7);
    return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}
#endif

/// to[k] += the sum over the lanes of a[k], for k < 8; each formed in the order of `sums`.
INLINE void add_sums_of_8(float *to, const vec *a) {
#if LANES == 16
    // Halves, quarters, pairs, neighbours: at each step two vectors become one.
    vec b[4], c[2];
    UNROLL for (int k = 0; k < 4; k++) {
        const vec p = a[k / 2 * 4 + k % 2], q = a[k / 2 * 4 + k % 2 + 2];
        b[k] = __builtin_shufflevector(p, q, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
               __builtin_shufflevector(p, q, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
    UNROLL for (int k = 0; k < 2; k++) {
        c[k] = __builtin_shufflevector(b[k], b[k + 2], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
               __builtin_shufflevector(b[k], b[k + 2], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    }
    const vec d = __builtin_shufflevector(c[0], c[1], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
                  __builtin_shufflevector(c[0], c[1], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    *(eight_at *)to += __builtin_shufflevector(d, d, 0, 2, 4, 6, 8, 10, 12, 14) +
                       __builtin_shufflevector(d, d, 1, 3, 5, 7, 9, 11, 13, 15);
#else
    *(four_at *)to += sums(a[0], a[1], a[2], a[3]);
    *(four_at *)(to + 4) += sums(a[4], a[5], a[6], a[7]);
#endif
}

#endif
