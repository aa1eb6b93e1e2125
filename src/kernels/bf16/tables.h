// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file tables.h
/// The tables of bf16 kernels, one per instruction set. Those with an instruction set of x86 exist on x86-64 only.
#ifndef WEIR_BF16_TABLES_H
#define WEIR_BF16_TABLES_H

#include "bf16.h"

extern const weir__bf16_kernels weir__bf16_reference;
extern const weir__bf16_kernels weir__bf16_generic;
extern const weir__bf16_kernels weir__bf16_avx2;
extern const weir__bf16_kernels weir__bf16_avx512;
extern const weir__bf16_kernels weir__bf16_avx512bf16;
extern const weir__bf16_kernels weir__bf16_amx;

#endif
