// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The probes for AVX2.

#define PROBE_TABLE weir__probes_avx2
#include "probe.h"
