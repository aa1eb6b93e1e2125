// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The probes for the compiler's baseline.

#define PROBE_TABLE weir__probes_generic
#include "probe.h"
