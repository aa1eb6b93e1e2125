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
#include "panel.h"

#include "../matches.h"

// ---- dense dx, blocks of dy with several units: block by block, each thread on columns of its own -------------------

/// to[r][c] (+)= Σ_u a[r][u]·w[u][c] for all units and some columns of a tile whose rows lie a stride apart, and at
/// most LEFT_ROWS rows. Numbers `ahead` behind are prefetched meanwhile; 0: the units that come, beyond the tile too
/// where what follows it is wanted.
static void add_units_of_tile(size_t rows, bool fresh, float *const *to, const uint16_t *const *a, weir__range columns,
                              const uint16_t *w, size_t stride, size_t units, size_t ahead, bool follows) {
    left_factor left;
    for (size_t o = 0; o < units; o += PANEL_NUMBERS) {
        const size_t depth = least_of(units - o, PANEL_NUMBERS);
        const uint16_t *b[PANEL_NUMBERS];
        for (size_t k = 0; k < depth; k++) b[k] = w + (o + k) * stride;
        left_of_rows(&left, a, rows, o, depth);
        add_panels(rows, fresh && o == 0, to, columns, &left, b, depth,
                   ahead                          ? ahead
                   : o + depth < units || follows ? depth * stride
                                                  : 0);
    }
}

/// Adds what slots of block j of dy give to columns of sums, whose rows begin with row `begin` of the batch.
static void add_block(float *sums, size_t begin, weir__range columns, weir__range slots, const weir__side *dx,
                      const weir__bf16_side *dy, size_t j, const uint16_t *weights) {
    enum { LOOKED_UP = LEFT_ROWS };
    const weir__side *side = dy->side;
    const size_t units = weir__units(side, j), width = dx->width, count = columns.last - columns.first;
    const uint16_t *strip = weights + weir__tile(side, dx, j, 0) + columns.first;
    for (; slots.first < slots.last; slots.first += LOOKED_UP) {
        const size_t some = least_of(slots.last - slots.first, LOOKED_UP);
        float *to[LOOKED_UP];
        const uint16_t *a[LOOKED_UP];
        for (size_t r = 0; r < some; r++) {
            to[r] = sums + (weir__row(side, slots.first + r) - begin) * count;
            a[r] = half_values(dy, slots.first + r);
        }
        add_units_of_tile(some, false, to, a, (weir__range){0, count}, strip, width, units, 0,
                          j + 1 < weir__blocks(side));
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
            add_units_of_tile(count, true, to, a, (weir__range){0, width}, tile, width, units, 0, false);
        }
        slots.first = last;
    }
}

// ---- both compact, many rows: tile by tile, each for all of its rows -----------------------------------------------

/// Adds what tile (jo, ji) gives to the slots of dx that have matches. Meanwhile the numbers at next are prefetched, as
/// many as are worked on.
static void add_tile_of_matches(const weir__side *dx, size_t ji, const weir__bf16_side *dy, size_t jo,
                                const uint16_t *weights, matches *m, const uint16_t *next, size_t coming) {
    const size_t width = weir__units(dx, ji);
    const uint16_t *tile = weights + weir__tile(dy->side, dx, jo, ji);
    (void)coming;
    for (;;) {
        float *to[MATCHES_AT_ONCE];
        const uint16_t *a[MATCHES_AT_ONCE];
        for (size_t r = 0; r < m->count; r++) {
            to[r] = weir__values(dx, (size_t)m->in_slot[r]);
            a[r] = half_values(dy, (size_t)m->out_slot[r]);
        }
        if (m->count)
            add_units_of_tile(m->count, false, to, a, (weir__range){0, width}, tile, width, weir__units(dy->side, jo),
                              (size_t)(next - tile), false);
        if (!are_more_matches(m)) return;
        next_matches(m);
    }
}

enum { MOST_ENTRY_VECTORS = 4, ENTRY_WAYS = 4 }; // of sums that run through a row's entries

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
