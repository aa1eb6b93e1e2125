// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The bf16 kernels for AVX2 and FMA: products in float.

#if !defined(__AVX2__) || !defined(__FMA__)
#error "this file is compiled with -mavx2 -mfma"
#endif
#define BF16_TABLE weir__bf16_avx2
#define BF16_NAME  "avx2"
#include "table.h"
