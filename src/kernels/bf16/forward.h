// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward.h
/// y[slot][o] = Σ_i x[row][i]·W[o][i] + bias[o] in bf16.
///
/// Weights and inputs are both contiguous along i, so that a vector of pairs is loaded as it lies and few rows need
/// nothing packed. Dense x: a register tile of rows × units dot products. A chunk of i is long, because each tile ends
/// with sums over lanes; the units of a tile stay in the first-level cache while rows pass by from the second. Blocks
/// of many rows bring their weights into panels instead, whose lanes are units (panel.h); so do tiles of compact x that
/// have some rows each. Compact x and few rows: row by row, through large tiles one after the other, the next one on
/// its way; the dot product of small ones runs through all of the row's open blocks; with blocks of one unit a sum of
/// columns. One row, many weights: the units' rows are read once, in order, as fast as memory gives them.

#include "numbers.h"
#include "panel.h"

#include "../walk/forward.h"

#include "../walk/dots.h"

#if defined(BF16_TILES)
#include "forward_tiles.h"
enum { ROWS_OF_PANEL = 4, UNIT_GROUP = 2 * TILE_EDGE };
#else
enum { ROWS_OF_PANEL = 48, UNIT_GROUP = 8 };
#endif
enum { CHUNK = 2048, ROWS_AT_ONCE = 96 }; // 96 rows of 2048 bf16 numbers: 384 KiB, of the second-level cache

/// What a thread computes of a block: some slots, some units.
typedef struct piece {
    size_t block;
    weir__range slots, units;
    float *room;          ///< the thread's own, WEIR__BF16_ROOM floats
    const uint16_t *next; ///< compact x: the tile that is wanted after the piece; NULL: none
} piece;

/// A chunk of a piece of up to ROWS_AT_ONCE slots, dense x. The weights of the units that come next are prefetched, a
/// part of them by each tile of rows; after the last unit those at `after` (NULL: none).
static void add_chunk(const weir__side *y, const piece *p, const weir__bf16_side *x, const uint16_t *strip, size_t k,
                      size_t count, const uint16_t *after) {
    const size_t width = x->side->width;
    for (size_t u = p->units.first; u < p->units.last;) {
        // One row: more units, for there is nothing else to do while memory answers.
        const size_t left = p->units.last - u, rows_left = p->slots.last - p->slots.first;
        if (rows_left == 1 && left >= 8) {
            const uint16_t *from = half_values(x, weir__row(y, p->slots.first)) + k;
            add_few_dots(1, 8, weir__values(y, p->slots.first) + u, 0, &from, strip + u * width + k, width, count,
                         &(units_ahead){0});
            u += 8;
            continue;
        }
        const size_t units = least_of(left, DOT_UNITS), tiles = (rows_left + DOT_ROWS - 1) / DOT_ROWS;
        const uint16_t *w = strip + u * width + k, *next = left >= 2 * units ? w + units * width : after;
        for (size_t s = p->slots.first, tile = 0; s < p->slots.last; tile++) {
            const size_t rows = least_of(p->slots.last - s, DOT_ROWS);
            const weir__range own = weir__part(units, tile, tiles);
            const uint16_t *from[DOT_ROWS];
            units_ahead coming = {0};
            if (next) coming = (units_ahead){next + own.first * width, width, own.last - own.first};
            for (size_t r = 0; r < rows; r++) from[r] = half_values(x, weir__row(y, s + r)) + k;
            add_few_dots_of_rows(rows, units, weir__values(y, s) + u, y->block, from, w, width, count, &coming);
            s += rows;
        }
        u += units;
    }
}

/// The outputs of a piece of many rows, for which weights are put into panels or tiles.
#if defined(BF16_TILES)
static void add_panels_of_units(const weir__side *y, const piece *p, const weir__bf16_side *x, const uint16_t *strip) {
    add_tiles_of_units(y, p->units, p->slots, x, strip, p->room);
}
#else
static void add_panels_of_units(const weir__side *y, const piece *p, const weir__bf16_side *x, const uint16_t *strip) {
    enum { LOOKED_UP = LANES == 16 ? 1024 : LEFT_ROWS }; // slots; where the left factor is copied, as many as it has
    const size_t width = x->side->width;
    for (size_t s = p->slots.first; s < p->slots.last; s += LOOKED_UP) {
        const size_t count = least_of(p->slots.last - s, LOOKED_UP);
        float *to[LOOKED_UP];
        const uint16_t *from[LOOKED_UP];
        for (size_t r = 0; r < count; r++) {
            to[r] = weir__values(y, s + r);
            from[r] = half_values(x, weir__row(y, s + r));
        }
        for (size_t k = 0; k < width; k += PANEL_NUMBERS) {
            add_units(count, to, p->units, from, k, strip + k, width, least_of(width - k, PANEL_NUMBERS),
                      PANEL_NUMBERS);
        }
    }
}
#endif

static void forward_piece(size_t rows, const weir__side *y, const piece *p, const weir__bf16_side *x,
                          const uint16_t *weights, const float *bias) {
    const size_t width = x->side->width, first = p->units.first, units = p->units.last - first;
    const uint16_t *strip = weights + weir__tile(y, x->side, p->block, 0);
    for (size_t s = p->slots.first; s < p->slots.last; s++) {
        begin_slot(weir__values(y, s) + first, units, bias ? bias + p->block * y->block + first : NULL);
    }
    // A panel must be worth its making. What decides is the same for all threads.
    if (weir__evaluated(y, p->block, rows) - weir__first(y, p->block) >= ROWS_OF_PANEL && y->block >= LANES) {
        add_panels_of_units(y, p, x, strip);
        return;
    }
    const size_t chunks = (width + CHUNK - 1) / CHUNK;
    const size_t chunk = chunks ? ((width + chunks - 1) / chunks + PAIR_LANES - 1) / PAIR_LANES * PAIR_LANES : 0;
    for (size_t k = 0; k < width; k += chunk) {
        const size_t count = width - k < chunk ? width - k : chunk;
        for (size_t s = p->slots.first; s < p->slots.last; s += ROWS_AT_ONCE) {
            const size_t last = p->slots.last - s < ROWS_AT_ONCE ? p->slots.last : s + ROWS_AT_ONCE;
            const uint16_t *after = last < p->slots.last ? strip + first * width + k
                                    : k + chunk < width  ? strip + first * width + k + chunk
                                    : p->block + 1 < weir__blocks(y)
                                        ? strip + (weir__units(y, p->block) + first) * width
                                        : NULL;
            add_chunk(y, &(piece){p->block, {s, last}, p->units, NULL, NULL}, x, strip, k, count, after);
        }
    }
}

// ---- compact x -----------------------------------------------------------------------------------------------------

static void add_columns_of_row(float *y, weir__range units, const weir__bf16_side *x, size_t row, weir__entries entries,
                               const uint16_t *strip, size_t height) {
    size_t o = units.first;
    for (; o + 4 * LANES <= units.last; o += 4 * LANES) {
        add_columns(4, 4, y + o, 4 * LANES, x, row, entries, strip + o, height);
    }
    for (; o < units.last; o += LANES) {
        const size_t left = units.last - o;
        add_columns(1, 4, y + o, left < LANES ? left : LANES, x, row, entries, strip + o, height);
    }
}

/// Whether tiles are so large that a row goes through them one after the other.
static bool tiles_are_large(const weir__side *y, const weir__side *x) {
    enum { LEAST_UNITS = 8 };
    return y->block >= LEAST_UNITS && x->block >= PAIR_LANES;
}

/// y[u] += Σ_k x[k]·tile[u][k] for some units. As much of the next tile is prefetched meanwhile: memory then has all
/// the time that this one takes to send it.
static void add_tile_of_row(float *y, weir__range units, const uint16_t *x, size_t width, const uint16_t *tile,
                            const uint16_t *next) {
    size_t u = units.first;
    for (; u + 8 <= units.last; u += 8) {
        add_few_dots(1, 8, y + u, 0, &x, tile + u * width, width, width,
                     &(units_ahead){next + u * width, width, next ? 8 : 0});
    }
    for (; u < units.last; u++) add_few_dots(1, 1, y + u, 0, &x, tile + u * width, width, width, &(units_ahead){0});
}

/// Some units of a slot whose row has large tiles.
static void add_tiles_of_row(float *y, weir__range units, const weir__bf16_side *x, size_t row, const uint16_t *strip,
                             size_t height, const uint16_t *next) {
    const weir__entries entries = weir__entries_of(x->side, row);
    for (size_t e = entries.first; e < entries.open; e++) {
        const size_t j = weir__entry_block(x->side, e), after = e + 1;
        const uint16_t *coming = next;
        if (after < entries.open) coming = strip + weir__entry_block(x->side, after) * x->side->block * height;
        add_tile_of_row(y, units, half_values(x, weir__entry_slot(x->side, row, e)), weir__units(x->side, j),
                        strip + j * x->side->block * height, coming);
    }
}

/// A piece of the forward product with a compact x.
static void forward_compact_piece(size_t rows, const weir__side *y, const piece *p, const weir__bf16_side *x,
                                  const uint16_t *weights, const float *bias) {
    (void)rows;
    const size_t height = weir__units(y, p->block);
    const uint16_t *strip = weights + weir__tile(y, x->side, p->block, 0);
    for (size_t s = p->slots.first; s < p->slots.last; s++) {
        const size_t row = weir__row(y, s);
        const weir__entries entries = weir__entries_of(x->side, row);
        const size_t u = p->units.first;
        float *to = weir__values(y, s);
        begin_slot(to + u, p->units.last - u, bias ? bias + p->block * y->block + u : NULL);
        if (x->side->block == 1) {
            add_columns_of_row(to, p->units, x, row, entries, strip, height);
            continue;
        }
        if (tiles_are_large(y, x->side)) {
            const bool more = s + 1 < p->slots.last;
            add_tiles_of_row(to, p->units, x, row, strip, height,
                             more ? first_tile(y, p->block, s + 1, x->side, weights) : p->next);
            continue;
        }
        add_entries(true, to, p->units, x, row, entries, strip, height);
    }
}

// ---- all cases -----------------------------------------------------------------------------------------------------

/// After block j, whose (slot, group) pairs end before number `end`, the tile that a part up to pair `last` wants
/// first.
static const uint16_t *next_tile(const weir__side *y, size_t j, size_t end, size_t last, size_t rows,
                                 const weir__side *x, const uint16_t *weights) {
    if (!x->route || end >= last) return NULL;
    for (j++; weir__first(y, j) == weir__evaluated(y, j, rows);) j++; // there is one: pairs are left
    return first_tile(y, j, weir__first(y, j), x, weights);
}

/// Does a piece of a block.
typedef void piece_function(size_t rows, const weir__side *y, const piece *p, const weir__bf16_side *x,
                            const uint16_t *weights, const float *bias);

/// A part of all units: whole groups of units of a block, such that each part has about as many (slot, group)
/// pairs. Each weight is then read by one thread.
static void forward_by_units(const forward_product *f, weir__piece own, piece_function *function) {
    const weir__side *y = f->y;
    const size_t groups = (y->block + UNIT_GROUP - 1) / UNIT_GROUP;
    const weir__range mine = weir__part(weir__slots(y, f->rows) * groups, own.index, own.count);
    for (size_t j = 0, base = 0; j < weir__blocks(y) && base < mine.last; j++) {
        const weir__range slots = {weir__first(y, j), weir__evaluated(y, j, f->rows)};
        const size_t m = slots.last - slots.first, end = base + m * groups;
        if (m && end > mine.first) {
            // A group belongs to the part in which its first pair lies.
            const size_t g0 = mine.first > base ? (mine.first - base + m - 1) / m : 0;
            const size_t g1 = mine.last < end ? (mine.last - base + m - 1) / m : groups;
            const size_t units = weir__units(y, j), u0 = g0 * UNIT_GROUP, u1 = least_of(g1 * UNIT_GROUP, units);
            const piece p = {j,
                             slots,
                             {u0, u1},
                             f->scratch + own.lane * WEIR__BF16_ROOM,
                             next_tile(y, j, end, mine.last, f->rows, f->x->side, f->weights)};
            if (u0 < u1) function(f->rows, y, &p, f->x, f->weights, f->bias);
        }
        base = end;
    }
}

/// A part of all slots, whole units.
static void forward_by_slots(const forward_product *f, weir__piece own, piece_function *function) {
    const weir__side *y = f->y;
    weir__range slots = slots_of_piece(f, own);
    for (size_t j = weir__block_of_slot(y, slots.first); slots.first < slots.last; j++) {
        const size_t last = least_of(weir__evaluated(y, j, f->rows), slots.last);
        const piece p = {j, {slots.first, last}, {0, weir__units(y, j)}, f->scratch + own.lane * WEIR__BF16_ROOM, NULL};
        function(f->rows, y, &p, f->x, f->weights, f->bias);
        slots.first = last;
    }
}

/// Adds what tile (jo, ji) gives to the slots of y that have matches, the next tile being prefetched.
static void add_tile_of_matches_to_y(const forward_product *f, size_t jo, size_t ji, matches *m) {
    const weir__side *y = f->y, *x = f->x->side;
    const size_t height = weir__units(y, jo), width = weir__units(x, ji);
    const uint16_t *tile = f->weights + weir__tile(y, x, jo, ji);
    float *to[MATCHES_AT_ONCE];
    const uint16_t *from[MATCHES_AT_ONCE];
    for (size_t r = 0; r < m->count; r++) {
        to[r] = weir__values(y, (size_t)m->out_slot[r]);
        from[r] = half_values(f->x, (size_t)m->in_slot[r]);
    }
    for (size_t k = 0; k < width; k += PANEL_NUMBERS) {
        add_units(m->count, to, (weir__range){0, height}, from, k, tile + k, width, least_of(width - k, PANEL_NUMBERS),
                  height * width);
    }
}

/// Whether threads own units, not slots, so that each weight is read by one of them.
static bool threads_own_units(size_t slots, const weir__side *y, const weir__bf16_side *x, size_t parts) {
    if (slots < 8 * parts) return true;
#if defined(BF16_TILES)
    if (!x->side->route && !y->route) return y->width >= 4 * UNIT_GROUP * parts;
#endif
    return !x->side->route && y->route && y->block >= 8;
}

static void for_blocks(const forward_product *f, weir__piece p, piece_function *function) {
    const bool by_units = threads_own_units(weir__slots(f->y, f->rows), f->y, f->x, p.count);
    begin_tiles();
    (by_units ? forward_by_units : forward_by_slots)(f, p, function);
    end_tiles();
}

#include "../walk/forward_tiles.h"

static void run_dense_inputs(const void *context, weir__piece p) { for_blocks(context, p, forward_piece); }
static void run_open_blocks(const void *context, weir__piece p) { for_blocks(context, p, forward_compact_piece); }

static const weir__strategy forward_strategies[] = {
    {.name = "shared tiles", .applies = weir__both_compact, .suits = weir__tiles_are_shared, .run = run_shared_tiles},
    {.name = "rows of a block", .applies = weir__in_is_dense, .run = run_dense_inputs},
    {.name = "open blocks", .applies = weir__in_is_compact, .run = run_open_blocks},
    {0},
};

static void forward(size_t rows, const weir__side *y, const weir__bf16_side *x, const uint16_t *weights,
                    const float *bias, float *room) {
    run_forward(forward_strategies, &(forward_product){rows, y, x, weights, bias, room});
}
