// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file input_gradient.h
/// dx[slot][i] = Σ_o dy[row][o]·W[o][i] in bf16.
///
/// A pair must hold two neighbours o, but rows of W are contiguous along i: two rows are interleaved, column by column,
/// into a panel in the first-level cache, where all rows of the block find it. A register tile holds rows × columns.
/// Where hardly any rows share weights (both sides compact, few rows) a row runs through its open blocks, the weights
/// widened to floats. Threads own columns of a dense dx, slots or blocks of a compact one.

#include "numbers.h"

#include "../matches.h"

// ---- dense dx, blocks of dy with several units: block by block, each thread on columns of its own -------------------

/// Adds what slots of block j of dy give to columns of sums, whose rows begin with row `begin` of the batch.
static void add_block(float *sums, size_t begin, weir__range columns, weir__range slots, const weir__side *dx,
                      const weir__bf16_side *dy, size_t j, const uint16_t *weights) {
    enum { LOOKED_UP = LEFT_ROWS };
    const weir__side *side = dy->side;
    const size_t units = weir__units(side, j), width = dx->width, count = columns.last - columns.first;
    const uint16_t *strip = weights + weir__tile(side, dx, j, 0) + columns.first;
    left_factor left;
    for (; slots.first < slots.last; slots.first += LOOKED_UP) {
        const size_t some = least_of(slots.last - slots.first, LOOKED_UP);
        float *to[LOOKED_UP];
        const uint16_t *a[LOOKED_UP];
        for (size_t r = 0; r < some; r++) {
            to[r] = sums + (weir__row(side, slots.first + r) - begin) * count;
            a[r] = half_values(dy, slots.first + r);
        }
        for (size_t o = 0; o < units; o += PANEL_NUMBERS) {
            const size_t depth = least_of(units - o, PANEL_NUMBERS);
            const bool last = o + depth == units && j + 1 == weir__blocks(side);
            const uint16_t *b[PANEL_NUMBERS];
            for (size_t k = 0; k < depth; k++) b[k] = strip + (o + k) * width;
            left_of_rows(&left, a, some, o, depth);
            add_panels(some, false, to, (weir__range){0, count}, &left, b, depth, last ? 0 : depth * width);
        }
    }
}

/// Sums of some rows and columns are formed in one piece of the second-level cache, then copied: rows of dx itself may
/// lie a power of two apart, all in the same few places of a cache.
static void dense_by_blocks(weir__range columns, size_t rows, const weir__side *dx, const weir__bf16_side *dy,
                            const uint16_t *weights, float *sums) {
    const bool large = rows * dx->width >= weir__caches_in_use.array;
    enum { MOST_ROWS = 1024, NARROW = WEIR__BF16_ROOM / MOST_ROWS };
    for (size_t begin = 0; begin < rows; begin += MOST_ROWS) {
        const size_t count = least_of(rows - begin, MOST_ROWS), chunk = WEIR__BF16_ROOM / count / NARROW * NARROW;
        for (size_t c = columns.first; c < columns.last; c += chunk) {
            const weir__range some = {c, least_of(c + chunk, columns.last)};
            const size_t width = some.last - c;
            memset(sums, 0, count * width * sizeof *sums);
            for (size_t j = 0; j < weir__blocks(dy->side); j++) {
                const weir__range open = {weir__first(dy->side, j), weir__open(dy->side, j, rows)};
                const weir__range slots = {weir__slot_from_row(dy->side, open, begin),
                                           weir__slot_from_row(dy->side, open, begin + count)};
                add_block(sums, begin, some, slots, dx, dy, j, weights);
            }
            for (size_t r = 0; r < count; r++) {
                copy_out(dx->values + (begin + r) * dx->width + c, sums + r * width, width, large);
            }
        }
    }
    finish_streams();
}

// ---- compact dx, dense dy: the rows of a block share its tile -------------------------------------------------------

static void compact_from_dense(weir__range slots, const weir__side *dx, const weir__bf16_side *dy,
                               const uint16_t *weights) {
    enum { LOOKED_UP = LEFT_ROWS };
    left_factor left;
    for (size_t j = weir__block_of_slot(dx, slots.first); slots.first < slots.last; j++) {
        const size_t end = weir__evaluated(dx, j, 0), last = end < slots.last ? end : slots.last;
        const size_t width = weir__units(dx, j), units = dy->side->width;
        const uint16_t *tile = weights + weir__tile(dy->side, dx, 0, j);
        for (size_t s = slots.first; s < last; s += LOOKED_UP) {
            const size_t count = last - s < LOOKED_UP ? last - s : LOOKED_UP;
            float *to[LOOKED_UP];
            const uint16_t *a[LOOKED_UP];
            for (size_t r = 0; r < count; r++) {
                to[r] = weir__values(dx, s + r);
                a[r] = half_values(dy, weir__row(dx, s + r));
            }
            for (size_t o = 0; o < units; o += PANEL_NUMBERS) {
                const size_t depth = units - o < PANEL_NUMBERS ? units - o : PANEL_NUMBERS;
                const uint16_t *b[PANEL_NUMBERS];
                for (size_t k = 0; k < depth; k++) b[k] = tile + (o + k) * width;
                left_of_rows(&left, a, count, o, depth);
                add_panels(count, o == 0, to, (weir__range){0, width}, &left, b, depth,
                           o + depth < units ? depth * width : 0);
            }
        }
        slots.first = last;
    }
}

// ---- few rows: row by row through the open blocks of dy -------------------------------------------------------------

/// to[0 … ] = Σ over the row's open units of dy, for vectors of columns of block ji, in ways interleaved partial sums.
INLINE void sum_entries(const int vectors, const int ways, const bool partial, size_t tail, float *to,
                        const weir__side *dx, size_t ji, size_t column, const weir__bf16_side *dy, size_t row,
                        weir__entries entries, const uint16_t *weights) {
    const size_t width = weir__units(dx, ji);
    vec sum[16] = {{0}};
    for (size_t e = entries.first; e < entries.open; e++) {
        const size_t jo = weir__entry_block(dy->side, e), height = weir__units(dy->side, jo);
        const uint16_t *from = weights + weir__tile(dy->side, dx, jo, ji) + column;
        const uint16_t *a = half_values(dy, weir__entry_slot(dy->side, row, e));
        for (size_t u = 0; u < height; u += (size_t)ways) {
            UNROLL for (int k = 0; k < ways; k++) {
                if (u + (size_t)k >= height) break;
                const vec ak = splat(weir__bf16_value(a[u + (size_t)k]));
                const uint16_t *w = from + (u + (size_t)k) * width;
                UNROLL for (int v = 0; v < vectors; v++) {
                    sum[k * vectors + v] += ak * (partial ? expand_first(w + v * LANES, tail) : expand(w + v * LANES));
                }
            }
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        vec total = sum[v];
        UNROLL for (int k = 1; k < ways; k++) total += sum[k * vectors + v];
        if (partial) {
            store_first(to + column + v * LANES, total, tail);
        } else {
            store(to + column + v * LANES, total);
        }
    }
}

/// Columns first … last of block ji in one row.
static void sum_entries_of_columns(float *to, const weir__side *dx, size_t ji, size_t first, size_t last,
                                   const weir__bf16_side *dy, size_t row, const uint16_t *weights) {
    const weir__entries entries = weir__entries_of(dy->side, row);
    size_t c = first;
    for (; c + 4 * LANES <= last; c += 4 * LANES) {
        sum_entries(4, 2, false, 0, to, dx, ji, c, dy, row, entries, weights);
    }
    for (; c + LANES <= last; c += LANES) sum_entries(1, 4, false, 0, to, dx, ji, c, dy, row, entries, weights);
    if (c < last) sum_entries(1, 4, true, last - c, to, dx, ji, c, dy, row, entries, weights);
}

// ---- both compact, many rows: tile by tile, each for all of its rows -----------------------------------------------

/// Adds what tile (jo, ji) gives to the slots of dx that have matches.
static void add_tile_to_dx(const weir__side *dx, size_t ji, const weir__bf16_side *dy, size_t jo,
                           const uint16_t *weights, matches *m) {
    const size_t units = weir__units(dy->side, jo), width = weir__units(dx, ji);
    const uint16_t *tile = weights + weir__tile(dy->side, dx, jo, ji);
    const size_t ahead = jo + 1 < weir__blocks(dy->side) ? weir__tile(dy->side, dx, jo + 1, ji) : 0;
    left_factor left;
    for (;;) {
        float *to[MATCHES_AT_ONCE];
        const uint16_t *a[MATCHES_AT_ONCE];
        for (size_t r = 0; r < m->count; r++) {
            to[r] = weir__values(dx, (size_t)m->in_slot[r]);
            a[r] = half_values(dy, (size_t)m->out_slot[r]);
        }
        for (size_t o = 0; m->count && o < units; o += PANEL_NUMBERS) {
            const size_t depth = least_of(units - o, PANEL_NUMBERS);
            const uint16_t *b[PANEL_NUMBERS];
            for (size_t k = 0; k < depth; k++) b[k] = tile + (o + k) * width;
            left_of_rows(&left, a, m->count, o, depth);
            add_panels(m->count, false, to, (weir__range){0, width}, &left, b, depth,
                       ahead ? ahead - (size_t)(tile - weights) : 0);
        }
        if (!are_more_matches(m)) return;
        next_matches(m);
    }
}

/// Adds a tile to all slots of a block: those of rows that are closed in dx but evaluated, and then the open ones,
/// which m keeps. Returns whether there are any of these.
static bool add_tile_to_block(size_t rows, const weir__side *dx, size_t ji, const weir__bf16_side *dy, size_t jo,
                              const uint16_t *weights, matches *m) {
    const part_of_block of_dy = open_slots(dy->side, jo, rows), closed = closed_slots(dx, ji, rows);
    if (closed.slots.first < closed.slots.last) {
        match_parts(m, &of_dy, &closed);
        add_tile_to_dx(dx, ji, dy, jo, weights, m);
    }
    match_open(m, rows, dy->side, jo, dx, ji);
    const bool any = m->count > 0;
    add_tile_to_dx(dx, ji, dy, jo, weights, m);
    return any;
}

static void compact_by_tiles(weir__range blocks, size_t rows, const weir__side *dx, const weir__bf16_side *dy,
                             const uint16_t *weights) {
    matches m;
    for (size_t ji = blocks.first; ji < blocks.last; ji++) {
        weir__clear_block(dx, ji, rows);
        for (size_t jo = 0; jo < weir__blocks(dy->side); jo++) add_tile_to_block(rows, dx, ji, dy, jo, weights, &m);
    }
}

// ---- all cases -----------------------------------------------------------------------------------------------------

#include "../walk/input_gradient.h"

static const weir__strategy input_gradient_strategies[] = {
    // A tile is one column, contiguous along o: the forward product with the sides exchanged.
    {.name = "transposed", .applies = columns_are_contiguous},
    {.name = "block by block", .applies = weir__in_is_dense, .suits = units_are_several, .run = run_dense_by_blocks},
    {.name = "row by row", .applies = weir__in_is_dense, .run = run_dense_by_rows},
    {.name = "pairs of units", .applies = both_are_units, .run = run_unit_pairs},
    {.name = "rows of a block", .applies = weir__dense_before_blocks, .run = run_compact_from_dense},
    {.name = "shared tiles",
     .applies = weir__both_compact,
     .suits = weir__tiles_are_shared,
     .run = run_compact_by_tiles},
    {.name = "open blocks", .applies = weir__both_compact, .run = run_compact_by_slots},
    {0},
};

static void input_gradient(size_t rows, const weir__side *dx, const weir__bf16_side *dy, const uint16_t *weights,
                           float *room) {
    run_input_gradient(input_gradient_strategies, &(input_product){rows, dx, dy, weights, room});
}
