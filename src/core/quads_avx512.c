// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Uniform numbers from Philox for AVX-512.

#define QUADS_FUNCTION weir__uniform_quads_avx512
#include "quads.h"
