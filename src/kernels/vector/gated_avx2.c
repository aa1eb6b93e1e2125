// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The gated kernels for AVX2 and FMA.

#if !defined(__AVX2__) || !defined(__FMA__)
#error "this file is compiled with -mavx2 -mfma"
#endif
#define GATED_TABLE weir__gated_avx2
#define GATED_NAME  "avx2"
#include "table.h"
