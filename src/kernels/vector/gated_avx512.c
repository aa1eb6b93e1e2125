// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The gated kernels for AVX-512.

#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) || !defined(__AVX512VL__)
#error "this file is compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif
#define GATED_TABLE weir__gated_avx512
#define GATED_NAME  "avx512"
#include "table.h"
