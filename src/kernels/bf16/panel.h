// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file panel.h
/// to[r][c] += Σ_k a[r][k]·b[k][c] in bf16, where a is contiguous along k and b along c: what both gradients are.
///
/// Rows of b are interleaved two by two, column by column, into a panel of some columns in the first-level cache, which
/// every group of rows then reads: a lane is a column, its pair two neighbours k.

#include "pairs.h"

#include "../side.h"
#include "bf16.h"

enum { PANEL_NUMBERS = 128, PANEL_PAIRS = PANEL_NUMBERS / 2 }; // most k at once: 64 pairs × 64 columns are 16 KiB

/// panel[pair][vector] from rows b[0 … depth) at a column; a row that is not there is 0. The last vector has tail
/// columns.
INLINE void pack_panel(const int vectors, size_t tail, pairs *panel, const uint16_t *const *b, size_t depth,
                       size_t column) {
    for (size_t k = 0; k < depth; k += 2) {
        UNROLL for (int v = 0; v < vectors; v++) {
            const size_t at = column + (size_t)v * LANES;
            const bool partial = v == vectors - 1 && tail < LANES;
            const pairs low = partial ? widen_first(b[k] + at, tail) : widen(b[k] + at);
            pairs high = {0};
            if (k + 1 < depth) high = partial ? widen_first(b[k + 1] + at, tail) : widen(b[k + 1] + at);
            panel[k / 2 * (size_t)vectors + (size_t)v] = low | high << 16;
        }
    }
}

/// to[r][column …] (+)= Σ over pairs of numbers of a[r] and a panel, for rows × vectors (constants, at most 24).
INLINE void add_panel(const int rows, const int vectors, size_t tail, bool fresh, float *const *to, size_t column,
                      const uint16_t *const *a, size_t offset, const pairs *panel, size_t pair_count) {
    vec sum[24] = {{0}};
    for (size_t k = 0; k < pair_count; k++) {
        pairs b[8];
        UNROLL for (int v = 0; v < vectors; v++) b[v] = panel[k * (size_t)vectors + (size_t)v];
        UNROLL for (int r = 0; r < rows; r++) {
            const pairs ak = splat_pair(*(const pair_at *)(const void *)(a[r] + offset + 2 * k));
            UNROLL for (int v = 0; v < vectors; v++) {
                sum[r * vectors + v] = add_pairs(sum[r * vectors + v], ak, b[v]);
            }
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            float *at = to[r] + column + v * LANES;
            vec total = sum[r * vectors + v];
            if (v == vectors - 1 && tail < LANES) {
                if (!fresh) total += load_first(at, tail);
                store_first(at, total, tail);
            } else {
                if (!fresh) total += load(at);
                store(at, total);
            }
        }
    }
}

/// Any number of rows, in groups.
INLINE void add_panel_to_rows(size_t rows, const int vectors, size_t tail, bool fresh, float *const *to, size_t column,
                              const uint16_t *const *a, size_t offset, const pairs *panel, size_t pair_count) {
    size_t r = 0;
    for (; r + PANEL_ROWS <= rows; r += PANEL_ROWS) {
        add_panel(PANEL_ROWS, vectors, tail, fresh, to + r, column, a + r, offset, panel, pair_count);
    }
    switch (rows - r) {
#if LANES == 16
    case 5:
        add_panel(5, vectors, tail, fresh, to + r, column, a + r, offset, panel, pair_count);
        break;
    case 4:
        add_panel(4, vectors, tail, fresh, to + r, column, a + r, offset, panel, pair_count);
        break;
    case 3:
        add_panel(3, vectors, tail, fresh, to + r, column, a + r, offset, panel, pair_count);
        break;
#endif
    case 2:
        add_panel(2, vectors, tail, fresh, to + r, column, a + r, offset, panel, pair_count);
        break;
    case 1:
        add_panel(1, vectors, tail, fresh, to + r, column, a + r, offset, panel, pair_count);
        break;
    default:
        break;
    }
}

/// to[r][c] (+)= Σ_{k<depth} a[r][offset + k]·b[k][c] for columns c, depth at most PANEL_NUMBERS. a[r] is readable, and
/// 0, up to an even number of k.
static void add_panels(size_t rows, bool fresh, float *const *to, weir__range columns, const uint16_t *const *a,
                       size_t offset, const uint16_t *const *b, size_t depth) {
    pairs panel[PANEL_PAIRS * PANEL_VECTORS];
    const size_t pair_count = (depth + 1) / 2;
    size_t c = columns.first;
    for (; c + PANEL_VECTORS * LANES <= columns.last; c += PANEL_VECTORS * LANES) {
        pack_panel(PANEL_VECTORS, LANES, panel, b, depth, c);
        add_panel_to_rows(rows, PANEL_VECTORS, LANES, fresh, to, c, a, offset, panel, pair_count);
    }
    for (; c < columns.last; c += LANES) {
        const size_t tail = columns.last - c < LANES ? columns.last - c : LANES;
        pack_panel(1, tail, panel, b, depth, c);
        add_panel_to_rows(rows, 1, tail, fresh, to, c, a, offset, panel, pair_count);
    }
}
