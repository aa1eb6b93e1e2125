// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file descend.h
/// Plain gradient descent with the gradient in registers: w −= rate·(dW + decay·w) as soon as a register tile of sums
/// is there, its rounded copy with it. Other rules, and lists of matches in several parts, go by an array
/// (weight_update.h).
#ifndef WEIR_BF16_DESCEND_H
#define WEIR_BF16_DESCEND_H

#include "panel.h"

/// The numbers of the step, and Σ w² of each row, lane by lane.
typedef struct descent_numbers {
    vec rate, decay;
    vec *squares;
    bool streams; ///< the rounded copy is written past the caches
} descent_numbers;

/// Rows of weights and of their rounded copy.
typedef struct weight_rows {
    float *values;
    uint16_t *half;
    size_t stride;
} weight_rows;

/// weir__bf16_of of each lane.
INLINE half_vec round_lanes(vec a) {
    const pairs bits = (pairs)a, rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16, nan = (bits >> 16) | 0x40u;
#if LANES == 16
    const __mmask16 is_nan = _mm512_cmp_ps_mask((__m512)a, (__m512)a, _CMP_UNORD_Q);
    return (half_vec)_mm512_cvtepi32_epi16(_mm512_mask_mov_epi32((__m512i)rounded, is_nan, (__m512i)nan));
#else
    const pairs is_nan = (pairs)((bits & 0x7fffffffu) > (pairs){0} + 0x7f800000u);
    return __builtin_convertvector((nan & is_nan) | (rounded & ~is_nan), half_vec);
#endif
}

/// Some vectors, the last one of `tail` lanes, rounded.
INLINE void store_rounded(const int vectors, size_t tail, uint16_t *to, const vec *from, bool stream) {
    half_vec half[8];
    UNROLL for (int v = 0; v < vectors; v++) half[v] = round_lanes(from[v]);
#if LANES == 16
    if (stream && vectors % 2 == 0 && tail == LANES && (uintptr_t)to % 64 == 0) {
        UNROLL for (int v = 0; v + 1 < vectors; v += 2) {
            const __m512i line = _mm512_inserti64x4(_mm512_castsi256_si512((__m256i)half[v]), (__m256i)half[v + 1], 1);
            _mm512_stream_si512((__m512i *)(void *)(to + v * LANES), line);
        }
        return;
    }
#endif
    (void)stream;
    UNROLL for (int v = 0; v < vectors; v++) {
        memcpy(to + v * LANES, &half[v], (v == vectors - 1 ? tail : LANES) * sizeof *to);
    }
}

/// Rows × vectors (constants, at most 24) of the weights, by the sums of a panel as in add_panel.
INLINE void descend_panel(const int rows, const int vectors, size_t tail, const weight_rows *w, size_t column,
                          const left_factor *a, size_t first, const pairs *panel, size_t pair_count,
                          const descent_numbers *n, const target *next) {
    vec sum[24] = {{0}};
    sum_panel(rows, vectors, tail, sum, column, a, first, panel, pair_count, next);
    UNROLL for (int r = 0; r < rows; r++) {
        const size_t at = (first + (size_t)r) * w->stride + column;
        vec now[8], squares = n->squares[first + (size_t)r];
        UNROLL for (int v = 0; v < vectors; v++) {
            float *to = w->values + at + v * LANES;
            const bool partial = v == vectors - 1 && tail < LANES;
            now[v] = partial ? load_first(to, tail) : load(to);
            now[v] -= n->rate * (sum[r * vectors + v] + n->decay * now[v]);
            if (partial) {
                store_first(to, now[v], tail);
            } else {
                store(to, now[v]);
            }
            squares += now[v] * now[v];
        }
        n->squares[first + (size_t)r] = squares;
        store_rounded(vectors, tail, w->half + at, now, n->streams);
    }
}

/// Any number of rows, in groups.
INLINE void descend_panel_of_rows(size_t rows, const int vectors, size_t tail, const weight_rows *w, size_t column,
                                  const left_factor *a, const pairs *panel, size_t pair_count, const descent_numbers *n,
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
static void descend_panels(size_t rows, const weight_rows *w, size_t width, const left_factor *a,
                           const uint16_t *const *b, size_t depth, const descent_numbers *n, const target *next) {
    pairs panel[PANEL_PAIRS * PANEL_VECTORS];
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
