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

// GCC alone: clang 14 gives the resolvers of static functions external names, which then clash between files. A
// sanitizer of threads does not survive resolvers, which run before it.
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) &&                       \
    !defined(__SANITIZE_THREAD__)
#if __GNUC__ >= 12
#define WEIR__CLONES     __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define WEIR__HAS_CLONES 1
#endif
#endif

#ifndef WEIR__CLONES
#define WEIR__CLONES
#define WEIR__HAS_CLONES 0
#endif

/// A function that every clone takes in, so that it is compiled for the clone's instruction set.
#define WEIR__INLINE static inline __attribute__((always_inline))

#endif
