// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file descend.h
/// Plain gradient descent with the gradient in registers: w −= rate·(dW + decay·w) as soon as a register tile of sums
/// is there, both halves of it. Other rules, and lists of matches in several parts, go by an array
/// (weight_update.h).
#ifndef WEIR_BF16_DESCEND_H
#define WEIR_BF16_DESCEND_H

#include "panel.h"

/// The numbers of the step, and Σ w² of each row, lane by lane (NULL: not wanted).
typedef struct descent_numbers {
    vec rate, decay;
    vec *squares;
} descent_numbers;

/// Rows of weights.
typedef struct weight_rows {
    weir__halves halves;
    size_t stride;
} weight_rows;

/// Rows × vectors (constants, at most 24) of the weights, by the sums of a panel as in add_panel.
INLINE void descend_panel(const int rows, const int vectors, size_t tail, const weight_rows *w, size_t column,
                          left_factor *a, size_t first, const panel_pairs *panel, size_t pair_count,
                          const descent_numbers *n, const target *next) {
    vec sum[24] = {{0}};
    sum_panel(true, rows, vectors, tail, sum, column, a, first, panel, pair_count, next);
    UNROLL for (int r = 0; r < rows; r++) {
        const size_t at = (first + (size_t)r) * w->stride + column;
        uint16_t *const upper = w->halves.upper + at, *const lower = w->halves.lower + at;
        vec now[8];
        load_joined(vectors, tail, now, upper, lower);
        UNROLL for (int v = 0; v < vectors; v++) now[v] -= n->rate * (sum[r * vectors + v] + n->decay * now[v]);
        if (n->squares) {
            UNROLL for (int v = 0; v < vectors; v++) n->squares[first + (size_t)r] += now[v] * now[v];
        }
        store_split(vectors, tail, upper, lower, now);
    }
}

/// Any number of rows, in groups.
INLINE void descend_panel_of_rows(size_t rows, const int vectors, size_t tail, const weight_rows *w, size_t column,
                                  left_factor *a, const panel_pairs *panel, size_t pair_count, const descent_numbers *n,
                                  const target *next) {
    size_t r = 0;
#define SOME_ROWS(some)                                                                                                \
    for (; PANEL_ROWS >= (some) && r + (some) <= rows; r += (some))                                                    \
    descend_panel(some, vectors, tail, w, column, a, r, panel, pair_count, n, next)
    SOME_ROWS(PANEL_ROWS);
    SOME_ROWS(4);
    SOME_ROWS(2);
    SOME_ROWS(1);
#undef SOME_ROWS
}

/// Columns 0 … width of at most LEFT_COLUMNS rows of weights: dW[r][c] = Σ_{k<depth} a[r][k]·b[k][c], as sum_panels has
/// it.
static void descend_panels(size_t rows, const weight_rows *w, size_t width, left_factor *a, const uint16_t *const *b,
                           size_t depth, const descent_numbers *n, const target *next) {
    panel_pairs panel[PANEL_PAIRS * PANEL_VECTORS];
    const size_t pair_count = (depth + 1) / 2;
    size_t c = 0;
    for (; c + PANEL_VECTORS * LANES <= width; c += PANEL_VECTORS * LANES) {
        pack_panel(panel, PANEL_VECTORS, PANEL_VECTORS * LANES, b, depth, c, PANEL_VECTORS * LANES);
        descend_panel_of_rows(rows, PANEL_VECTORS, LANES, w, c, a, panel, pair_count, n, next);
    }
    for (; c < width; c += LANES) {
        const size_t tail = least_of(width - c, LANES);
        pack_panel(panel, 1, tail, b, depth, c, PANEL_VECTORS * LANES);
        descend_panel_of_rows(rows, 1, tail, w, c, a, panel, pair_count, n, next);
    }
}

#endif
