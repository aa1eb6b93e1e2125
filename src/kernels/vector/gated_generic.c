// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The gated kernels at the compiler's baseline instruction set.

#define GATED_TABLE weir__gated_generic
#define GATED_NAME  "generic"
#include "table.h"
