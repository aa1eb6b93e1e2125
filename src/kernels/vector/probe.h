// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file probe.h
/// Loops that do nothing but keep the registers' multiply-adds, or the memory, busy; compiled once per instruction set
/// (PROBE_TABLE names the table).

#include "lanes.h"

#include "../probe.h"

// Sums that do not wait for each other: latency times rate, 8 to 10 on present processors, within 16 registers.
enum { PROBE_SUMS = LANES == 16 ? 16 : 12, PROBE_STREAMS = 8 };

/// Operations that it does go to *operations; what it returns depends on all of them.
static float multiply_add(size_t turns, double *operations) {
    vec sum[PROBE_SUMS];
    UNROLL for (int k = 0; k < PROBE_SUMS; k++) sum[k] = splat((float)k);
    vec factor = splat(0.5f), term = splat(1);
    for (size_t turn = 0; turn < turns; turn++) {
        UNROLL for (int k = 0; k < PROBE_SUMS; k++) sum[k] = sum[k] * factor + term;
    }
    UNROLL for (int k = 1; k < PROBE_SUMS; k++) sum[0] += sum[k];
    *operations = 2.0 * LANES * PROBE_SUMS * (double)turns;
    return sums(sum[0], sum[0], sum[0], sum[0])[0];
}

/// The sum of count floats, a multiple of PROBE_STREAMS·LANES.
static float read_floats(const float *from, size_t count) {
    vec sum[PROBE_STREAMS] = {{0}};
    for (size_t at = 0; at + PROBE_STREAMS * LANES <= count; at += PROBE_STREAMS * LANES) {
        UNROLL for (int k = 0; k < PROBE_STREAMS; k++) sum[k] += load(from + at + (size_t)k * LANES);
    }
    UNROLL for (int k = 1; k < PROBE_STREAMS; k++) sum[0] += sum[k];
    return sums(sum[0], sum[0], sum[0], sum[0])[0];
}

const weir__probes PROBE_TABLE = {.multiply_add = multiply_add, .read = read_floats};
