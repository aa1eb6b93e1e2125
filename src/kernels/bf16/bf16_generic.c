// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The bf16 kernels at the compiler's baseline instruction set.

#define BF16_TABLE weir__bf16_generic
#define BF16_NAME  "generic"
#include "table.h"
