// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The probes for AVX-512.

#define PROBE_TABLE weir__probes_avx512
#include "probe.h"
