// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The bf16 kernels for AMX: tiles where some rows share weights, AVX512_BF16 for the rest.

#if !(defined(__AMX_BF16__) || defined(__AMXBF16__)) || !defined(__AVX512BF16__) || !defined(__AVX512BW__)
#error "this file is compiled with -mamx-tile -mamx-bf16 and the flags of AVX512_BF16"
#endif
#define BF16_TILES
#define BF16_TABLE weir__bf16_amx
#define BF16_NAME  "amx"
#include "table.h"
