// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Multiply-adds of bf16 numbers by AMX, tiles in registers.

#if !defined(__AMX_BF16__) && !defined(__AMXBF16__) // gcc, clang
#error "this file is compiled with -mamx-tile -mamx-bf16"
#endif

#include <stdbool.h>

#include "../bf16/tiles.h"
#include "../probe.h"

float weir__probe_bf16_amx(size_t turns, double *operations) {
    _Alignas(64) static const uint16_t numbers[TILE_NUMBERS];
    _Alignas(64) float sums[TILE_FLOATS];
    begin_tiles();
    TILE_ZERO(0);
    TILE_ZERO(1);
    TILE_ZERO(2);
    TILE_ZERO(3);
    TILE_LOAD(4, numbers, 64);
    TILE_LOAD(5, numbers, 64);
    TILE_LOAD(6, numbers, 64);
    TILE_LOAD(7, numbers, 64);
    for (size_t turn = 0; turn < turns; turn++) {
        TILE_MULTIPLY(0, 4, 6);
        TILE_MULTIPLY(1, 4, 7);
        TILE_MULTIPLY(2, 5, 6);
        TILE_MULTIPLY(3, 5, 7);
    }
    TILE_STORE(0, sums, 64);
    end_tiles();
    *operations = 2.0 * 4 * TILE_EDGE * TILE_EDGE * TILE_DEPTH * (double)turns;
    return sums[0];
}
