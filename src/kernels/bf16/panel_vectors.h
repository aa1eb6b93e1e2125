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
INLINE void sum_panel(const bool of_columns, const int rows, const int vectors, vec *sum, left_factor *a, size_t first,
                      const pairs *panel, size_t pair_count) {
    (void)of_columns;
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
/// of_columns (a constant): a is.
INLINE void sum_panel(const bool of_columns, const int rows, const int vectors, vec *sum, left_factor *a, size_t first,
                      const panel_pairs *panel, size_t pair_count) {
    enum { BY_ROW = PANEL_NUMBERS, BY_NUMBER = LEFT_COLUMNS };
    const size_t row = of_columns ? 1 : BY_ROW, next = of_columns ? BY_NUMBER : 1;
    const float *at = a->numbers + first * row;
    for (const panel_pairs *end = panel + pair_count * (size_t)vectors; panel < end; panel += vectors) {
        if (!of_columns && a->coming.rows) fetch_some(&a->coming);
        UNROLL for (int half = 0; half < 2; half++, at += next) {
            UNROLL for (int r = 0; r < rows; r++) {
                const vec ak = in_register(splat(at[(size_t)r * row]));
                UNROLL for (int v = 0; v < vectors; v++) {
                    sum[r * vectors + v] += ak * (half ? panel[v].second : panel[v].first);
                }
            }
        }
    }
}
#endif

/// panel[k·step], k < LANES: pair k of LANES rows, of which only `rows` are there, and the first `count` numbers of
/// each.
static void transpose_pairs(panel_pairs *to, size_t step, const uint16_t *from, size_t stride, size_t rows,
                            size_t count) {
    pairs r[LANES];
    UNROLL for (size_t i = 0; i < LANES; i++) {
        r[i] = (pairs){0};
        if (i < rows)
            r[i] = count < PAIR_LANES ? load_first_pairs(from + i * stride, count) : load_pairs(from + i * stride);
    }
    exchange(r);
    UNROLL for (size_t k = 0; k < LANES; k++) to[k * step] = panel_of_pairs(r[k]);
}

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

/// Where a panel's sums come from and go to, constants where it is inlined.
typedef enum panel_kind {
    OF_ROWS,    // the left factor is of rows; the sums are added to rows
    OF_UNITS,   // so they are, and columns of the right factor are contiguous along k
    OF_COLUMNS, // the left factor is of columns
    DESCENT     // so it is, and the sums move weights
} panel_kind;

/// The numbers of a step of gradient descent, and Σ w² of each row, lane by lane (NULL: not wanted).
typedef struct descent_numbers {
    vec rate, decay;
    vec *squares;
} descent_numbers;

/// Rows of weights.
typedef struct weight_rows {
    weir__halves halves;
    size_t stride;
} weight_rows;

/// A product, and where it has got to: one panel of columns at a time.
typedef struct panel_product {
    left_factor *left;
    size_t rows, depth;
    const uint16_t *const *b; // rows k
    const uint16_t *units;    // OF_UNITS: row u is column u
    size_t stride;            // of these, or of rows of b
    size_t ahead;             // how far the numbers lie that are prefetched meanwhile; 0: none
    float *const *to;
    bool fresh;
    const weight_rows *weights; // DESCENT
    const descent_numbers *numbers;
    const target *next;
    size_t column, tail; // first column of the panel, columns of its last vector
} panel_product;

/// to[r][column …] (+)= these sums.
INLINE void add_sums(const int rows, const int vectors, const vec *sum, const panel_product *p, size_t first) {
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            float *at = p->to[first + (size_t)r] + p->column + v * LANES;
            const bool partial = v == vectors - 1 && p->tail < LANES;
            vec total = sum[r * vectors + v];
            if (!p->fresh) total += load_columns(partial, p->tail, at);
            store_columns(partial, p->tail, at, total);
        }
    }
}

/// Plain gradient descent with the gradient in registers: w −= rate·(dW + decay·w), both halves of it. Other rules, and
/// lists of matches in several parts, go by an array (weight_update.h).
INLINE void descend_by_sums(const int rows, const int vectors, const vec *sum, const panel_product *p, size_t first) {
    const descent_numbers *n = p->numbers;
    UNROLL for (int r = 0; r < rows; r++) {
        const size_t at = (first + (size_t)r) * p->weights->stride + p->column;
        uint16_t *const upper = p->weights->halves.upper + at, *const lower = p->weights->halves.lower + at;
        vec now[8];
        load_joined(vectors, p->tail, now, upper, lower);
        UNROLL for (int v = 0; v < vectors; v++) now[v] -= n->rate * (sum[r * vectors + v] + n->decay * now[v]);
        if (n->squares) {
            UNROLL for (int v = 0; v < vectors; v++) n->squares[first + (size_t)r] += now[v] * now[v];
        }
        store_split(vectors, p->tail, upper, lower, now);
    }
}

/// Some rows of a panel.
INLINE void use_panel(const panel_kind kind, const int rows, const int vectors, const panel_pairs *panel,
                      panel_product *p, size_t first) {
    vec sum[24] = {{0}};
    if (p->next && (p->next->halves.upper || p->next->halves.lower))
        prefetch_target(p->next, first, rows, p->column, vectors == 1 ? p->tail : (size_t)vectors * LANES);
    sum_panel(kind >= OF_COLUMNS, rows, vectors, sum, p->left, first, panel, (p->depth + 1) / 2);
    if (kind == DESCENT)
        descend_by_sums(rows, vectors, sum, p, first);
    else
        add_sums(rows, vectors, sum, p, first);
}

/// Packs a panel of some columns, and goes through all rows, in groups.
INLINE void do_panel(const panel_kind kind, const int vectors, size_t columns, panel_pairs *panel, panel_product *p) {
    enum { WHOLE = PANEL_VECTORS * LANES };
    p->tail = columns < LANES ? columns : LANES;
    if (kind == OF_UNITS) {
        const uint16_t *from = p->units + p->column * p->stride;
        pack_units(panel, (size_t)vectors, columns, from, p->stride, p->depth);
        p->left->coming = rows_ahead(from, p->stride, p->depth, columns, p->ahead, p->rows, p->depth);
    } else {
        pack_panel(panel, (size_t)vectors, columns, p->b, p->depth, p->column, kind == OF_ROWS ? 0 : WHOLE);
        if (kind == OF_ROWS)
            p->left->coming =
                rows_ahead(p->b[0] + p->column, p->stride, columns, p->depth, p->ahead, p->rows, p->depth);
    }
    size_t r = 0;
    for (; r + PANEL_ROWS <= p->rows; r += PANEL_ROWS) use_panel(kind, PANEL_ROWS, vectors, panel, p, r);
#define SOME_ROWS(some) use_panel(kind, some, vectors, panel, p, r)
    WITH_CONSTANT(p->rows - r, 5, SOME_ROWS)
#undef SOME_ROWS
}

/// Whole panels of columns, then vectors.
INLINE void do_panels(const panel_kind kind, weir__range columns, panel_product *p) {
    enum { WHOLE = PANEL_VECTORS * LANES };
    panel_pairs panel[PANEL_PAIRS * PANEL_VECTORS];
    for (p->column = columns.first; p->column + WHOLE <= columns.last; p->column += WHOLE) {
        do_panel(kind, PANEL_VECTORS, WHOLE, panel, p);
    }
    for (; p->column < columns.last; p->column += LANES) {
        do_panel(kind, 1, least_of(columns.last - p->column, LANES), panel, p);
    }
}

/// to[r][c] (+)= Σ_{k<depth} a[r][k]·b[k][c] for columns c, depth at most PANEL_NUMBERS. ahead: how far the numbers lie
/// that are wanted after these and prefetched from memory meanwhile; 0: none. Rows of b are then a constant stride
/// apart.
static void add_panels(size_t rows, bool fresh, float *const *to, weir__range columns, left_factor *a,
                       const uint16_t *const *b, size_t depth, size_t ahead) {
    panel_product p;
    p.left = a, p.rows = rows, p.depth = depth, p.b = b, p.ahead = ahead, p.to = to, p.fresh = fresh, p.next = NULL;
    p.stride = depth > 1 ? (size_t)(b[1] - b[0]) : 0;
    do_panels(OF_ROWS, columns, &p);
}

/// g[r·width + c] (+)= the same for columns 0 … width, at most LEFT_COLUMNS rows, and rows of b anywhere. Each panel
/// prefetches the next one.
static void sum_panels(size_t rows, bool fresh, float *g, size_t width, left_factor *a, const uint16_t *const *b,
                       size_t depth, const target *next) {
    panel_product p;
    float *to[LEFT_COLUMNS];
    for (size_t r = 0; r < rows; r++) to[r] = g + r * width;
    p.left = a, p.rows = rows, p.depth = depth, p.b = b, p.to = to, p.fresh = fresh, p.next = next;
    do_panels(OF_COLUMNS, (weir__range){0, width}, &p);
}

/// Columns 0 … width of at most LEFT_COLUMNS rows of weights move by the sums of sum_panels.
static void descend_panels(size_t rows, const weight_rows *w, size_t width, left_factor *a, const uint16_t *const *b,
                           size_t depth, const descent_numbers *n, const target *next) {
    panel_product p;
    p.left = a, p.rows = rows, p.depth = depth, p.b = b, p.weights = w, p.numbers = n, p.next = next;
    do_panels(DESCENT, (weir__range){0, width}, &p);
}

/// to[r][u] += Σ_{k<depth} a[r][offset + k]·b[u][k] for units u, depth at most PANEL_NUMBERS. ahead as in add_panels.
static void add_units(size_t rows, float *const *to, weir__range units, const uint16_t *const *a, size_t offset,
                      const uint16_t *b, size_t stride, size_t depth, size_t ahead) {
    panel_product p;
    left_factor left;
    left_of_rows(&left, a, rows, offset, depth);
    p.left = &left, p.rows = rows, p.depth = depth, p.units = b, p.stride = stride, p.ahead = ahead, p.to = to;
    p.fresh = false, p.next = NULL;
    do_panels(OF_UNITS, units, &p);
}

#endif
