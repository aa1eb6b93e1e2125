// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The bf16 kernels for AVX-512 without its bf16 instructions: products in float.

#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) || !defined(__AVX512VL__)
#error "this file is compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif
#define BF16_TABLE weir__bf16_avx512
#define BF16_NAME  "avx512"
#include "table.h"
