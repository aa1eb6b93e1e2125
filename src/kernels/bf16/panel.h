// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file panel.h
/// to[r][c] += Σ_k a[r][k]·b[k][c] in bf16 for a piece of k, which is what all products of many rows are made of:
///
///   left_of_rows       takes the left factor from rows that are contiguous along k,
///   left_of_columns    from rows k, each contiguous along r;
///   add_panels         adds its products with rows k of b, each contiguous along c, to rows that lie anywhere;
///   sum_panels         the same, to rows a constant stride apart;
///   add_units          both factors contiguous along k: the forward product.
///
/// panel_vectors.h has them in vector registers, panel_tiles.h in tile registers.

#ifndef WEIR_BF16_PANEL_H
#define WEIR_BF16_PANEL_H

#include "pairs.h"

#include "../side.h"
#include "bf16.h"

// Most k of a panel, most rows of a left factor taken from rows, and from columns.
enum { PANEL_NUMBERS = 128, LEFT_ROWS = 256, LEFT_COLUMNS = 64 };

/// Weights that will be moved by the sums: row r begins r·stride behind either half. They are prefetched from memory,
/// column by column, while those are formed.
typedef struct target {
    weir__halves halves; ///< NULL: none, or not that one
    size_t stride;
} target;

INLINE void prefetch_target(const target *next, size_t row, const int rows, size_t column, size_t columns) {
    enum { LINE = 64 / sizeof(uint16_t) };
    for (size_t r = row; r < row + (size_t)rows; r++) {
        const size_t at = r * next->stride + column;
        for (size_t k = 0; next->halves.upper && k < columns; k += LINE)
            __builtin_prefetch(next->halves.upper + at + k, 1, 2);
        for (size_t k = 0; next->halves.lower && k < columns; k += LINE)
            __builtin_prefetch(next->halves.lower + at + k, 1, 2);
    }
}

#if defined(BF16_TILES)
#include "panel_tiles.h"
#else
#include "panel_vectors.h"
#endif

#endif
