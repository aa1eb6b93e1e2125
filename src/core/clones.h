// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file clones.h
/// One function body compiled for several instruction sets; the loader picks the best that the processor has.
///
/// For elementwise loops whose results are the same bits on every instruction set: the project is compiled with
/// -ffp-contract=off, so that no clone fuses a multiplication and an addition that the others round twice. Kernels
/// whose bits differ between instruction sets are dispatched by weir_isa_current() instead.
#ifndef WEIR_CLONES_H
#define WEIR_CLONES_H

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_THREAD__)
#if defined(__clang__)
#if __clang_major__ >= 14
#define WEIR__CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#elif defined(__GNUC__) && __GNUC__ >= 12
#define WEIR__CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#endif

#ifndef WEIR__CLONES
#define WEIR__CLONES
#endif

/// A function that every clone takes in, so that it is compiled for the clone's instruction set.
#define WEIR__INLINE static inline __attribute__((always_inline))

#endif
