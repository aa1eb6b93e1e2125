// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file panel_vectors.h
/// The products of panel.h in vector registers.
///
/// Rows of b are interleaved two by two, column by column, into a panel of some columns in the first-level cache, which
/// every group of rows then reads: a lane is a column, its pair two neighbours k. Where b is contiguous along k, too,
/// it is transposed pair by pair instead. Where the processor multiplies no pairs, and registers are short, both
/// factors are floats there, side by side: nothing is split between the products.
#ifndef WEIR_PANEL_VECTORS_H
#define WEIR_PANEL_VECTORS_H

#include "panel.h"

// 64 pairs × 64 columns are 16 KiB.
enum { PANEL_PAIRS = PANEL_NUMBERS / 2, PANEL_COLUMNS = 64 };

enum { ROWS_AHEAD = 0 }; // weights are prefetched while their sums are formed

/// LANES pairs of a panel; interleave: 2·LANES columns of two rows, column by column, into two of them.
#if LANES == 16
typedef pairs panel_pairs;
INLINE panel_pairs panel_of_pairs(pairs a) { return a; }
INLINE void interleave(panel_pairs *to, const uint16_t *low, const uint16_t *high) {
    const __m512i a = _mm512_loadu_si512(low), b = _mm512_loadu_si512(high);
    to[0] = (pairs)words_of_both(a, b, 0);
    to[1] = (pairs)words_of_both(a, b, LANES);
}
#else
typedef split_pairs panel_pairs;
INLINE panel_pairs panel_of_pairs(pairs a) { return split(a); }
INLINE void interleave(panel_pairs *to, const uint16_t *low, const uint16_t *high) {
    to[0] = (panel_pairs){expand(low), expand(high)};
    to[1] = (panel_pairs){expand(low + LANES), expand(high + LANES)};
}
#endif

INLINE void begin_tiles(void) {}
INLINE void end_tiles(void) {}

/// panel[pair][vector] from rows b[0 … depth) at some columns, at most PANEL_COLUMNS; a row that is not there is 0.
/// ahead: how far the numbers lie that are wanted after these and prefetched from memory meanwhile; 0: none.
static void pack_panel(panel_pairs *panel, size_t vectors, size_t columns, const uint16_t *const *b, size_t depth,
                       size_t column, size_t ahead) {
    static const uint16_t zeros[PANEL_COLUMNS];
    for (size_t k = 0; k < depth; k += 2, panel += vectors) {
        const uint16_t *low = b[k] + column, *high = k + 1 < depth ? b[k + 1] + column : zeros;
        size_t c = 0;
        for (; c + PAIR_LANES <= columns; c += PAIR_LANES) {
            interleave(panel + c / LANES, low + c, high + c);
            if (!ahead) continue;
            __builtin_prefetch(low + c + ahead, 0, 2);
            __builtin_prefetch(high + c + ahead, 0, 2);
        }
        for (; c < columns; c += LANES) {
            const size_t tail = columns - c < LANES ? columns - c : LANES;
            panel[c / LANES] = panel_of_pairs(widen_first(low + c, tail) | widen_first(high + c, tail) << 16);
        }
    }
}

/// What is wanted after a panel: rows of some numbers, a few of which are prefetched with each pair that is summed up.
/// All at once would keep what the sums want waiting.
typedef struct coming_rows {
    const uint16_t *at;
    size_t stride, count, rows, each;
} coming_rows;

/// The rows that lie `ahead` numbers (0: none) behind those of a panel of some depth for so many rows.
INLINE coming_rows rows_ahead(const uint16_t *from, size_t stride, size_t count, size_t rows, size_t ahead,
                              size_t panel_rows, size_t depth) {
    const size_t turns = (panel_rows + PANEL_ROWS - 1) / PANEL_ROWS * ((depth + 1) / 2);
    return (coming_rows){from + ahead, stride, count, ahead ? rows : 0, turns ? (rows + turns - 1) / turns : 0};
}

INLINE void fetch_some(coming_rows *coming) {
    enum { LINE = 32 };
    for (size_t k = 0; k < coming->each && coming->rows; k++, coming->rows--, coming->at += coming->stride) {
        for (size_t i = 0; i < coming->count; i += LINE) __builtin_prefetch(coming->at + i, 0, 2);
    }
}

INLINE void fetch_target_of_panel(const target *next, size_t first, const int rows, size_t column, const int vectors,
                                  size_t tail) {
    if (!next->halves.upper && !next->halves.lower) return;
    prefetch_target(next, first, rows, column, vectors == 1 ? tail : (size_t)vectors * LANES);
}

#if LANES == 16
/// The left factor: pair k of row r lies at row[r] + offset + k·step. What lies `ahead` numbers behind it is wanted
/// next, and prefetched meanwhile; 0: nothing.
typedef struct left_factor {
    const uint16_t *const *row;
    size_t offset, step, ahead;
    coming_rows coming;
    pairs columns[PANEL_PAIRS * LEFT_COLUMNS / LANES];
    const uint16_t *column[LEFT_COLUMNS];
} left_factor;

/// Numbers offset … offset + depth of some rows. A last pair is complete: 0 where there is no k.
INLINE void left_of_rows(left_factor *a, const uint16_t *const *row, size_t rows, size_t offset, size_t depth) {
    (void)rows, (void)depth;
    a->row = row, a->offset = offset, a->step = 2, a->ahead = PANEL_NUMBERS, a->coming.rows = 0;
}

/// Columns of rows k.
static void left_of_columns(left_factor *a, const uint16_t *const *row, size_t depth, size_t columns) {
    pack_panel(a->columns, LEFT_COLUMNS / LANES, columns, row, depth, 0, 0);
    for (size_t u = 0; u < columns; u++) a->column[u] = (const uint16_t *)(const void *)a->columns + 2 * u;
    a->row = a->column, a->offset = 0, a->step = 2 * LEFT_COLUMNS, a->ahead = 0, a->coming.rows = 0;
}

/// sum[r][v] = Σ over pairs of numbers of row first + r of a and a panel, for rows × vectors (constants, at most 24).
/// Meanwhile the weights `next` of the same rows and columns are prefetched.
INLINE void sum_panel(const bool of_columns, const int rows, const int vectors, size_t tail, vec *sum, size_t column,
                      left_factor *a, size_t first, const pairs *panel, size_t pair_count, const target *next) {
    (void)of_columns;
    fetch_target_of_panel(next, first, rows, column, vectors, tail);
    for (size_t k = 0, at = a->offset; k < pair_count; k++, at += a->step) {
        pairs b[8];
        UNROLL for (int v = 0; v < vectors; v++) b[v] = panel[k * (size_t)vectors + (size_t)v];
        if (a->coming.rows) fetch_some(&a->coming);
        if (a->ahead && k % 16 == 0) {
            UNROLL for (int r = 0; r < rows; r++) __builtin_prefetch(a->row[first + (size_t)r] + at + a->ahead, 0, 2);
        }
        UNROLL for (int r = 0; r < rows; r++) {
            const pairs ak = splat_pair(*(const pair_at *)(const void *)(a->row[first + (size_t)r] + at));
            UNROLL for (int v = 0; v < vectors; v++) {
                sum[r * vectors + v] = add_pairs(sum[r * vectors + v], ak, b[v]);
            }
        }
    }
}
#else
/// The left factor: number k of row r lies at numbers[r][k] or, where it is of columns, numbers[k][r].
typedef struct left_factor {
    coming_rows coming;
    float numbers[LEFT_ROWS * PANEL_NUMBERS];
} left_factor;

/// Numbers offset … offset + depth of some rows, those after them being prefetched. A last pair is complete: 0 where
/// there is no k.
static void left_of_rows(left_factor *a, const uint16_t *const *row, size_t rows, size_t offset, size_t depth) {
    for (size_t r = 0; r < rows; r++) {
        float *to = a->numbers + r * PANEL_NUMBERS;
        const uint16_t *from = row[r] + offset;
        size_t k = 0;
        for (; k + LANES <= depth; k += LANES) {
            if (k % 32 == 0) __builtin_prefetch(from + k + PANEL_NUMBERS, 0, 2);
            store(to + k, expand(from + k));
        }
        if (k < depth) store(to + k, expand_first(from + k, depth - k));
    }
    a->coming.rows = 0;
}

/// Columns of rows k.
static void left_of_columns(left_factor *a, const uint16_t *const *row, size_t depth, size_t columns) {
    for (size_t k = 0; k < depth; k++) {
        float *to = a->numbers + k * LEFT_COLUMNS;
        size_t u = 0;
        for (; u + LANES <= columns; u += LANES) store(to + u, expand(row[k] + u));
        if (u < columns) store(to + u, expand_first(row[k] + u, columns - u));
    }
    if (depth % 2) memset(a->numbers + depth * LEFT_COLUMNS, 0, columns * sizeof(float));
    a->coming.rows = 0;
}

/// sum[r][v] = Σ over the numbers of row first + r of a and a panel, for rows × vectors (constants, at most 24).
/// of_columns (a constant): a is. Meanwhile the weights `next` of the same rows and columns are prefetched.
INLINE void sum_panel(const bool of_columns, const int rows, const int vectors, size_t tail, vec *sum, size_t column,
                      left_factor *a, size_t first, const panel_pairs *panel, size_t pair_count, const target *next) {
    enum { BY_ROW = PANEL_NUMBERS, BY_NUMBER = LEFT_COLUMNS };
    const float *at = a->numbers + first * (of_columns ? 1 : BY_ROW);
    fetch_target_of_panel(next, first, rows, column, vectors, tail);
    for (const panel_pairs *end = panel + pair_count * (size_t)vectors; panel < end; panel += vectors) {
        if (!of_columns && a->coming.rows) fetch_some(&a->coming);
        UNROLL for (int r = 0; r < rows; r++) {
            const vec ak = in_register(splat(at[r * (of_columns ? 1 : BY_ROW)]));
            UNROLL for (int v = 0; v < vectors; v++) sum[r * vectors + v] += ak * panel[v].first;
        }
        at += of_columns ? BY_NUMBER : 1;
        UNROLL for (int r = 0; r < rows; r++) {
            const vec ak = in_register(splat(at[r * (of_columns ? 1 : BY_ROW)]));
            UNROLL for (int v = 0; v < vectors; v++) sum[r * vectors + v] += ak * panel[v].second;
        }
        at += of_columns ? BY_NUMBER : 1;
    }
}
#endif

/// to[r][column …] (+)= these sums.
INLINE void add_panel(const bool of_columns, const int rows, const int vectors, size_t tail, bool fresh,
                      float *const *to, size_t column, left_factor *a, size_t first, const panel_pairs *panel,
                      size_t pair_count, const target *next) {
    vec sum[24] = {{0}};
    sum_panel(of_columns, rows, vectors, tail, sum, column, a, first, panel, pair_count, next);
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            float *at = to[first + (size_t)r] + column + v * LANES;
            const bool partial = v == vectors - 1 && tail < LANES;
            vec total = sum[r * vectors + v];
            if (!fresh) total += load_columns(partial, tail, at);
            store_columns(partial, tail, at, total);
        }
    }
}

/// Any number of rows, in groups.
INLINE void add_panel_to_rows(const bool of_columns, size_t rows, const int vectors, size_t tail, bool fresh,
                              float *const *to, size_t column, left_factor *a, const panel_pairs *panel,
                              size_t pair_count, const target *next) {
    size_t r = 0;
    for (; r + PANEL_ROWS <= rows; r += PANEL_ROWS) {
        add_panel(of_columns, PANEL_ROWS, vectors, tail, fresh, to, column, a, r, panel, pair_count, next);
    }
    switch (rows - r) {
    case 5:
        add_panel(of_columns, 5, vectors, tail, fresh, to, column, a, r, panel, pair_count, next);
        break;
    case 4:
        add_panel(of_columns, 4, vectors, tail, fresh, to, column, a, r, panel, pair_count, next);
        break;
    case 3:
        add_panel(of_columns, 3, vectors, tail, fresh, to, column, a, r, panel, pair_count, next);
        break;
    case 2:
        add_panel(of_columns, 2, vectors, tail, fresh, to, column, a, r, panel, pair_count, next);
        break;
    case 1:
        add_panel(of_columns, 1, vectors, tail, fresh, to, column, a, r, panel, pair_count, next);
        break;
    default:
        break;
    }
}

/// to[r][c] (+)= Σ_{k<depth} a[r][k]·b[k][c] for columns c, depth at most PANEL_NUMBERS. ahead: how far the numbers lie
/// that are wanted after these and prefetched from memory meanwhile; 0: none. Rows of b are then a constant stride
/// apart.
static void add_panels(size_t rows, bool fresh, float *const *to, weir__range columns, left_factor *a,
                       const uint16_t *const *b, size_t depth, size_t ahead, const target *next) {
    panel_pairs panel[PANEL_PAIRS * PANEL_VECTORS];
    const size_t pair_count = (depth + 1) / 2, stride = depth > 1 ? (size_t)(b[1] - b[0]) : 0;
    size_t c = columns.first;
    for (; c + PANEL_VECTORS * LANES <= columns.last; c += PANEL_VECTORS * LANES) {
        pack_panel(panel, PANEL_VECTORS, PANEL_VECTORS * LANES, b, depth, c, 0);
        a->coming = rows_ahead(b[0] + c, stride, PANEL_VECTORS * LANES, depth, ahead, rows, depth);
        add_panel_to_rows(false, rows, PANEL_VECTORS, LANES, fresh, to, c, a, panel, pair_count, next);
    }
    for (; c < columns.last; c += LANES) {
        const size_t tail = columns.last - c < LANES ? columns.last - c : LANES;
        pack_panel(panel, 1, tail, b, depth, c, 0);
        a->coming = rows_ahead(b[0] + c, stride, tail, depth, ahead, rows, depth);
        add_panel_to_rows(false, rows, 1, tail, fresh, to, c, a, panel, pair_count, next);
    }
}

/// g[r·width + c] (+)= the same for columns 0 … width, at most LEFT_COLUMNS rows, and rows of b anywhere. Each panel
/// prefetches the next one.
static void sum_panels(size_t rows, bool fresh, float *g, size_t width, left_factor *a, const uint16_t *const *b,
                       size_t depth, const target *next) {
    enum { WHOLE = PANEL_VECTORS * LANES };
    panel_pairs panel[PANEL_PAIRS * PANEL_VECTORS];
    const size_t pair_count = (depth + 1) / 2;
    float *to[LEFT_COLUMNS];
    size_t c = 0;
    for (size_t r = 0; r < rows; r++) to[r] = g + r * width;
    for (; c + WHOLE <= width; c += WHOLE) {
        pack_panel(panel, PANEL_VECTORS, WHOLE, b, depth, c, WHOLE);
        add_panel_to_rows(true, rows, PANEL_VECTORS, LANES, fresh, to, c, a, panel, pair_count, next);
    }
    for (; c < width; c += LANES) {
        const size_t tail = least_of(width - c, LANES);
        pack_panel(panel, 1, tail, b, depth, c, WHOLE);
        add_panel_to_rows(true, rows, 1, tail, fresh, to, c, a, panel, pair_count, next);
    }
}

// ---- the other factor contiguous along k, too -----------------------------------------------------------------------

#if LANES == 16
/// The pairs of LANES rows at LANES places, exchanged: to[k·step] has pair k of every row. Only `rows` of them are
/// there, and the first `count` numbers of each.
static void transpose_pairs(panel_pairs *to, size_t step, const uint16_t *from, size_t stride, size_t rows,
                            size_t count) {
    __m512i r[16], t[16];
    UNROLL for (size_t i = 0; i < 16; i++) {
        r[i] = _mm512_setzero_si512();
        if (i < rows)
            r[i] = (__m512i)(count < PAIR_LANES ? load_first_pairs(from + i * stride, count)
                                                : load_pairs(from + i * stride));
    }
    UNROLL for (size_t i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    UNROLL for (size_t i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    // Now quarter q of r[4·g + c] has pair 4·q + c of rows 4·g … 4·g + 3.
    UNROLL for (size_t c = 0; c < 4; c++) {
        const __m512i even_low = _mm512_shuffle_i32x4(r[c], r[4 + c], 0x88);
        const __m512i even_high = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0x88);
        const __m512i odd_low = _mm512_shuffle_i32x4(r[c], r[4 + c], 0xdd);
        const __m512i odd_high = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0xdd);
        to[c * step] = (pairs)_mm512_shuffle_i32x4(even_low, even_high, 0x88);
        to[(4 + c) * step] = (pairs)_mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
        to[(8 + c) * step] = (pairs)_mm512_shuffle_i32x4(even_low, even_high, 0xdd);
        to[(12 + c) * step] = (pairs)_mm512_shuffle_i32x4(odd_low, odd_high, 0xdd);
    }
}
#elif LANES == 8
/// transpose_pairs in AVX2 registers, eight by eight.
static void transpose_pairs(panel_pairs *to, size_t step, const uint16_t *from, size_t stride, size_t rows,
                            size_t count) {
    __m256i r[8], t[8];
    UNROLL for (size_t i = 0; i < 8; i++) {
        r[i] = _mm256_setzero_si256();
        if (i < rows)
            r[i] = (__m256i)(count < PAIR_LANES ? load_first_pairs(from + i * stride, count)
                                                : load_pairs(from + i * stride));
    }
    UNROLL for (size_t i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
    }
    UNROLL for (size_t i = 0; i < 8; i += 4) {
        r[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    // Now half h of r[4·g + c] has pair 4·h + c of rows 4·g … 4·g + 3.
    UNROLL for (size_t c = 0; c < 4; c++) {
        to[c * step] = panel_of_pairs((pairs)_mm256_permute2x128_si256(r[c], r[4 + c], 0x20));
        to[(4 + c) * step] = panel_of_pairs((pairs)_mm256_permute2x128_si256(r[c], r[4 + c], 0x31));
    }
}
#else
/// transpose_pairs without permutations of the instruction set: number by number.
static void transpose_pairs(panel_pairs *to, size_t step, const uint16_t *from, size_t stride, size_t rows,
                            size_t count) {
    pairs transposed[LANES] = {{0}};
    for (size_t i = 0; i < LANES; i++) {
        pairs row = {0};
        if (i < rows)
            row = count < PAIR_LANES ? load_first_pairs(from + i * stride, count) : load_pairs(from + i * stride);
        for (size_t k = 0; k < LANES; k++) transposed[k][i] = row[k];
    }
    for (size_t k = 0; k < LANES; k++) to[k * step] = panel_of_pairs(transposed[k]);
}
#endif

/// panel[pair][vector] of units (lanes) that are rows of b, depth numbers of each.
static void pack_units(panel_pairs *panel, size_t vectors, size_t units, const uint16_t *b, size_t stride,
                       size_t depth) {
    for (size_t u = 0; u < units; u += LANES) {
        for (size_t k = 0; k < depth; k += PAIR_LANES) {
            const uint16_t *from = b + u * stride + k;
            const size_t rows = least_of(LANES, units - u);
            transpose_pairs(panel + k / 2 * vectors + u / LANES, vectors, from, stride, rows, depth - k);
        }
    }
}

/// to[r][u] += Σ_{k<depth} a[r][offset + k]·b[u][k] for units u, depth at most PANEL_NUMBERS. ahead as in add_panels.
static void add_units(size_t rows, float *const *to, weir__range units, const uint16_t *const *a, size_t offset,
                      const uint16_t *b, size_t stride, size_t depth, size_t ahead) {
    enum { WHOLE = PANEL_VECTORS * LANES };
    panel_pairs panel[PANEL_PAIRS * PANEL_VECTORS];
    left_factor left;
    const size_t pair_count = (depth + 1) / 2;
    size_t u = units.first;
    left_of_rows(&left, a, rows, offset, depth);
    for (; u + WHOLE <= units.last; u += WHOLE) {
        pack_units(panel, PANEL_VECTORS, WHOLE, b + u * stride, stride, depth);
        left.coming = rows_ahead(b + u * stride, stride, depth, WHOLE, ahead, rows, depth);
        add_panel_to_rows(false, rows, PANEL_VECTORS, LANES, false, to, u, &left, panel, pair_count, &(target){0});
    }
    for (; u < units.last; u += LANES) {
        const size_t tail = least_of(units.last - u, LANES);
        pack_units(panel, 1, tail, b + u * stride, stride, depth);
        left.coming = rows_ahead(b + u * stride, stride, depth, tail, ahead, rows, depth);
        add_panel_to_rows(false, rows, 1, tail, false, to, u, &left, panel, pair_count, &(target){0});
    }
}

#endif
