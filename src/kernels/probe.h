// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file probe.h
/// Loops that measure the machine, one table per instruction set. Those of AVX2 and AVX-512 exist on x86-64 only.
#ifndef WEIR_PROBE_H
#define WEIR_PROBE_H

#include <stddef.h>

typedef struct weir__probes {
    float (*multiply_add)(size_t turns, double *operations); ///< multiply-adds on registers
    float (*read)(const float *from, size_t count);          ///< count floats in order
} weir__probes;

extern const weir__probes weir__probes_generic, weir__probes_avx2, weir__probes_avx512;

/// Multiply-adds of bf16 numbers; on x86-64 only.
float weir__probe_bf16_avx512bf16(size_t turns, double *operations);
float weir__probe_bf16_amx(size_t turns, double *operations);

#endif
