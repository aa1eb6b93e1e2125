// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The bf16 kernels of AMX over tiles that are plain arrays: any processor runs them. For test_gated.c.

#define BF16_TILES
#define BF16_TILES_EMULATED
#define BF16_TABLE weir__bf16_emulated
#define BF16_NAME  "emulated"
#include "kernels/bf16/table.h"
