// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The bf16 kernels for AVX512_BF16.

#if !defined(__AVX512BF16__) || !defined(__AVX512BW__)
#error "this file is compiled with -mavx512bf16 and the flags of AVX-512"
#endif
#define BF16_TABLE weir__bf16_avx512bf16
#define BF16_NAME  "avx512bf16"
#include "table.h"
