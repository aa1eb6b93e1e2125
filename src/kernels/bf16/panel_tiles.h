// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file panel_tiles.h
/// The products of panel.h in tile registers.
///
/// The factors are copied into tiles of their kind (tiles.h), with 0 for rows, columns and numbers that are not there,
/// but for weights that fill whole tiles as they lie. 2 × 2 tiles of sums are formed at once, and added to their rows
/// from the first-level cache.
#ifndef WEIR_PANEL_TILES_H
#define WEIR_PANEL_TILES_H

#include "panel.h"
#include "tiles.h"

enum { ROWS_AHEAD = 4 }; // weights are prefetched while others move: sums are formed too fast for that

enum { PANEL_STEPS = PANEL_NUMBERS / TILE_DEPTH, PANEL_TILE_NUMBERS = PANEL_STEPS * TILE_NUMBERS };

INLINE size_t steps_of(size_t depth) { return (depth + TILE_DEPTH - 1) / TILE_DEPTH; }

/// The left factor: of each 16 rows a tile per step.
typedef struct left_factor {
    _Alignas(64) uint16_t tiles[LEFT_ROWS / TILE_EDGE][PANEL_TILE_NUMBERS];
} left_factor;

/// Numbers offset … offset + depth of some rows.
static void left_of_rows(left_factor *a, const uint16_t *const *row, size_t rows, size_t offset, size_t depth) {
    for (size_t r = 0; r < rows; r += TILE_EDGE) {
        for (size_t k = 0; k < depth; k += TILE_DEPTH) {
            left_tile(a->tiles[r / TILE_EDGE] + k * TILE_EDGE, row + r, rows - r, offset + k, depth - k);
        }
    }
}

/// Columns of rows k.
static void left_of_columns(left_factor *a, const uint16_t *const *row, size_t depth, size_t columns) {
    for (size_t u = 0; u < columns; u += 2 * TILE_EDGE) {
        for (size_t k = 0; k < depth; k += TILE_DEPTH) {
            tile_row r[2][TILE_EDGE];
            for (size_t p = 0; p < TILE_EDGE; p++) {
                tile_row pair[2] = {{0}, {0}};
                const size_t at = k + 2 * p;
                if (at < depth) pair_rows(pair, row[at] + u, at + 1 < depth ? row[at + 1] + u : NULL, columns - u);
                r[0][p] = pair[0], r[1][p] = pair[1];
            }
            for (size_t h = 0; h < 2; h++) {
                exchange_tile(r[h]);
                store_tile(a->tiles[u / TILE_EDGE + h] + k * TILE_EDGE, r[h]);
            }
        }
    }
}

typedef float tile_floats __attribute__((vector_size(64)));
typedef float tile_floats_at __attribute__((vector_size(64), aligned(sizeof(float)), may_alias));

/// to[0 … count) (+)= a row of sums, at most 16 of them.
INLINE void move_sums(float *to, const float *from, size_t count, bool fresh) {
    if (count >= TILE_EDGE) {
        tile_floats a = *(const tile_floats *)(const void *)from;
        if (!fresh) a += *(const tile_floats_at *)to;
        *(tile_floats_at *)to = a;
    } else {
        for (size_t n = 0; n < count; n++) to[n] = fresh ? from[n] : to[n] + from[n];
    }
}

/// Right factors of 32 columns.
static void pack_columns(uint16_t right[2][PANEL_TILE_NUMBERS], const uint16_t *const *b, size_t depth, size_t column,
                         size_t count) {
    for (size_t k = 0; k < depth; k += TILE_DEPTH) {
        right_tiles(right[0] + k * TILE_EDGE, PANEL_TILE_NUMBERS, b + k, depth - k, column, count);
    }
}

/// 2 × 2 tiles of sums on their way to rows. They are moved after the next ones have been formed: a processor that has
/// just stored a tile makes those wait who read it.
typedef struct pending_sums {
    _Alignas(64) float sums[2][2][2][TILE_FLOATS]; ///< [turn][left][right]
    int turn;
    size_t rows, column, columns; ///< rows 0: none
    float *const *to;
} pending_sums;

/// Where the next product goes.
INLINE void set_sums(tile_product *p, pending_sums *s) {
    for (int k = 0; k < 4; k++) p->c[k / 2][k % 2] = s->sums[s->turn][k / 2][k % 2];
    p->c_stride = TILE_EDGE;
}

INLINE void finish_sums(const pending_sums *s, bool fresh) {
    const int turn = s->turn ^ 1;
    for (size_t k = 0; k < s->rows; k++) {
        const float *from = s->sums[turn][k / TILE_EDGE][0] + k % TILE_EDGE * TILE_EDGE;
        float *to = s->to[k] + s->column;
        move_sums(to, from, s->columns, fresh);
        if (s->columns > TILE_EDGE) move_sums(to + TILE_EDGE, from + TILE_FLOATS, s->columns - TILE_EDGE, fresh);
    }
}

/// to[r][c] (+)= Σ_{k<depth} a[r][k]·b[k][c] for columns c, depth at most PANEL_NUMBERS. ahead: how far the numbers lie
/// that are wanted after these and prefetched from memory meanwhile; 0: none.
static void add_panels(size_t rows, bool fresh, float *const *to, weir__range columns, const left_factor *a,
                       const uint16_t *const *b, size_t depth, size_t ahead) {
    _Alignas(64) uint16_t right[2][PANEL_TILE_NUMBERS];
    pending_sums pending;
    pending.turn = 0, pending.rows = 0;
    for (size_t c = columns.first; c < columns.last; c += 2 * TILE_EDGE) {
        const size_t count = least_of(columns.last - c, 2 * TILE_EDGE);
        // Rows of b are a constant stride apart where something is wanted after them.
        tile_fetch prefetch =
            prefetch_rows(b[0] + c + ahead, depth > 1 ? (size_t)((const char *)b[1] - (const char *)b[0]) : 0,
                          ahead ? depth : 0, 1, (rows + 2 * TILE_EDGE - 1) / (2 * TILE_EDGE) * steps_of(depth));
        pack_columns(right, b, depth, c, count);
        for (size_t r = 0; r < rows; r += 2 * TILE_EDGE) {
            const size_t some = least_of(rows - r, 2 * TILE_EDGE), tile = r / TILE_EDGE;
            tile_product p = {
                .a = {a->tiles[tile], a->tiles[tile] + PANEL_TILE_NUMBERS},
                .a_stride = TILE_DEPTH,
                .a_step = TILE_NUMBERS,
                .b = {right[0], right[1]},
                .steps = steps_of(depth),
                .fresh = true,
            };
            for (size_t k = 0; !fresh && k < some; k++) { // they are wanted a product later
                __builtin_prefetch(to[r + k] + c, 1, 3);
                __builtin_prefetch(to[r + k] + c + count - 1, 1, 3);
            }
            set_sums(&p, &pending);
            multiply_tiles(some > TILE_EDGE ? 2 : 1, count > TILE_EDGE ? 2 : 1, &p, &prefetch);
            finish_sums(&pending, fresh);
            pending.turn ^= 1, pending.rows = some, pending.column = c, pending.columns = count, pending.to = to + r;
        }
    }
    finish_sums(&pending, fresh);
}

/// g[r·width + c] (+)= the same for columns 0 … width, at most LEFT_COLUMNS rows. g has room for LEFT_COLUMNS of them.
static void sum_panels(size_t rows, bool fresh, float *g, size_t width, const left_factor *a, const uint16_t *const *b,
                       size_t depth, const target *next) {
    _Alignas(64) uint16_t right[2][PANEL_TILE_NUMBERS];
    size_t c = 0;
    (void)next;
    for (; c + TILE_EDGE <= width; c += 2 * TILE_EDGE) {
        const size_t count = least_of((width - c) / TILE_EDGE, 2) * TILE_EDGE;
        pack_columns(right, b, depth, c, count);
        for (size_t r = 0; r < rows; r += 2 * TILE_EDGE) {
            float *to = g + r * width + c, *below = to + TILE_EDGE * width;
            const tile_product p = {
                .a = {a->tiles[r / TILE_EDGE], a->tiles[r / TILE_EDGE] + PANEL_TILE_NUMBERS},
                .a_stride = TILE_DEPTH,
                .a_step = TILE_NUMBERS,
                .b = {right[0], right[1]},
                .c = {{to, to + TILE_EDGE}, {below, below + TILE_EDGE}},
                .c_stride = width,
                .steps = steps_of(depth),
                .fresh = fresh,
            };
            multiply_tiles(rows - r > TILE_EDGE ? 2 : 1, count / TILE_EDGE, &p, &(tile_fetch){0});
        }
    }
    if (width % TILE_EDGE) {
        float *to[LEFT_COLUMNS];
        for (size_t r = 0; r < rows; r++) to[r] = g + r * width;
        add_panels(rows, fresh, to, (weir__range){width / TILE_EDGE * TILE_EDGE, width}, a, b, depth, 0);
    }
}

// ---- both factors contiguous along k -------------------------------------------------------------------------------

/// The sums of tiles whose columns are rows r, exchanged, into units of these rows.
INLINE void move_exchanged(float *const *to, size_t rows, const float *sums, size_t unit, size_t units, bool fresh) {
    tile_row r[TILE_EDGE];
    UNROLL for (size_t i = 0; i < TILE_EDGE; i++) r[i] = ((const tile_row *)(const void *)sums)[i];
    exchange_tile(r);
    for (size_t k = 0; k < least_of(rows, TILE_EDGE); k++) {
        move_sums(to[k] + unit, (const float *)(const void *)&r[k], units, fresh);
    }
}

/// The columns of pending sums are rows.
INLINE void finish_exchanged(const pending_sums *s) {
    for (size_t k = 0; k < s->rows; k += TILE_EDGE) {
        for (size_t u = 0; u < s->columns; u += TILE_EDGE) {
            move_exchanged(s->to + k, s->rows - k, s->sums[s->turn ^ 1][u / TILE_EDGE][k / TILE_EDGE], s->column + u,
                           s->columns - u, false);
        }
    }
}

/// Weights of at most 32 units as the left factor: where they lie or, where they do not fill whole tiles, in a copy,
/// whose second half begins `half` numbers after the first.
INLINE void weights_on_the_left(tile_product *p, uint16_t *copy, size_t half, const uint16_t *weights, size_t stride,
                                size_t units, size_t depth) {
    p->a[0] = weights, p->a[1] = weights + TILE_EDGE * stride, p->a_stride = stride, p->a_step = TILE_DEPTH;
    if (units % TILE_EDGE == 0 && depth % TILE_DEPTH == 0) return;
    const uint16_t *row[2 * TILE_EDGE];
    for (size_t k = 0; k < units; k++) row[k] = weights + k * stride;
    for (size_t k = 0; k < depth; k += TILE_DEPTH) {
        left_tile(copy + k * TILE_EDGE, row, units, k, depth - k);
        if (units > TILE_EDGE) left_tile(copy + half + k * TILE_EDGE, row + TILE_EDGE, units - TILE_EDGE, k, depth - k);
    }
    p->a[0] = copy, p->a[1] = copy + half, p->a_stride = TILE_DEPTH, p->a_step = TILE_NUMBERS;
}

/// to[r][u] += Σ_{k<depth} a[r][offset + k]·b[u][k] for units u, depth at most PANEL_NUMBERS, at most LEFT_ROWS rows:
/// weights are the left factor.
static void add_units(size_t rows, float *const *to, weir__range units, const uint16_t *const *a, size_t offset,
                      const uint16_t *b, size_t stride, size_t depth, size_t ahead) {
    _Alignas(64) uint16_t right[LEFT_ROWS / TILE_EDGE][PANEL_TILE_NUMBERS], copy[2][PANEL_TILE_NUMBERS];
    pending_sums pending;
    pending.turn = 0, pending.rows = 0;
    for (size_t r = 0; r < rows; r += TILE_EDGE) {
        for (size_t k = 0; k < depth; k += TILE_DEPTH) {
            right_tile(right[r / TILE_EDGE] + k * TILE_EDGE, a + r, rows - r, offset + k, depth - k);
        }
    }
    for (size_t u = units.first; u < units.last; u += 2 * TILE_EDGE) {
        const size_t some = least_of(units.last - u, 2 * TILE_EDGE);
        const uint16_t *strip = b + u * stride;
        tile_fetch prefetch = prefetch_rows(strip + ahead, stride * sizeof *b, ahead ? some : 0, (depth + 31) / 32,
                                            (rows + 2 * TILE_EDGE - 1) / (2 * TILE_EDGE) * steps_of(depth));
        tile_product p = {.steps = steps_of(depth), .fresh = true};
        weights_on_the_left(&p, copy[0], PANEL_TILE_NUMBERS, strip, stride, some, depth);
        for (size_t r = 0; r < rows; r += 2 * TILE_EDGE) {
            const size_t halves = rows - r > TILE_EDGE ? 2 : 1;
            p.b[0] = right[r / TILE_EDGE], p.b[1] = right[r / TILE_EDGE] + PANEL_TILE_NUMBERS;
            set_sums(&p, &pending);
            multiply_tiles(some > TILE_EDGE ? 2 : 1, halves, &p, &prefetch);
            finish_exchanged(&pending);
            pending.turn ^= 1, pending.rows = least_of(rows - r, 2 * TILE_EDGE), pending.column = u,
                               pending.columns = some, pending.to = to + r;
        }
    }
    finish_exchanged(&pending);
}

#endif
