// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file tables.h
/// The tables of gated kernels, one per instruction set. Those of AVX2 and AVX-512 exist on x86-64 only.
#ifndef WEIR_TABLES_H
#define WEIR_TABLES_H

#include "gated.h"

extern const weir__gated_kernels weir__gated_reference;
extern const weir__gated_kernels weir__gated_generic;
extern const weir__gated_kernels weir__gated_avx2;
extern const weir__gated_kernels weir__gated_avx512;

#endif
