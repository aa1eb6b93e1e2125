// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file input_gradient.h
/// The walks of the input gradient, for either precision (numbers.h), around what each one does with its registers:
/// dense_by_blocks, compact_from_dense, add_tile_of_matches.

/// to[0 … ] = Σ over the row's open units of dy, for vectors of columns of block ji, in ways interleaved partial sums.
INLINE void sum_entries(const int vectors, const int ways, const bool partial, size_t tail, float *to,
                        const weir__side *dx, size_t ji, size_t column, const numbers_side *dy, size_t row,
                        weir__entries entries, const number *weights) {
    const weir__side *side = side_of(dy);
    const size_t width = weir__units(dx, ji);
    vec sum[16] = {{0}};
    for (size_t e = entries.first; e < entries.open; e++) {
        const size_t jo = weir__entry_block(side, e), height = weir__units(side, jo);
        const number *from = weights + weir__tile(side, dx, jo, ji) + column;
        const number *a = numbers_at(dy, weir__entry_slot(side, row, e));
        for (size_t u = 0, some = 0; u < height; u += some) {
            some = u + (size_t)ways <= height ? (size_t)ways : 1;
            UNROLL for (int k = 0; k < ways; k++) {
                if (k && some == 1) break;
                const vec ak = splat(value_of(a[u + (size_t)k]));
                const number *w = from + (u + (size_t)k) * width;
                UNROLL for (int v = 0; v < vectors; v++) {
                    const number *at = w + v * LANES;
                    sum[k * vectors + v] += ak * (partial ? first_floats_at(at, tail) : floats_at(at));
                }
            }
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        vec total = sum[v];
        UNROLL for (int k = 1; k < ways; k++) total += sum[k * vectors + v];
        store_columns(partial, tail, to + column + v * LANES, total);
    }
}

/// Columns first … last of block ji in one row.
static void sum_entries_of_columns(float *to, const weir__side *dx, size_t ji, size_t first, size_t last,
                                   const numbers_side *dy, size_t row, const number *weights) {
    const weir__entries entries = weir__entries_of(side_of(dy), row);
    size_t c = first;
#define SOME_VECTORS(vectors, ways, partial)                                                                           \
    sum_entries(vectors, ways, partial, last - c, to, dx, ji, c, dy, row, entries, weights)
    for (; MOST_ENTRY_VECTORS >= 8 && c + 8 * LANES <= last; c += 8 * LANES) SOME_VECTORS(8, 1, false);
    for (; c + 4 * LANES <= last; c += 4 * LANES) SOME_VECTORS(4, 2, false);
    for (; c + LANES <= last; c += LANES) SOME_VECTORS(1, ENTRY_WAYS, false);
    if (c < last) SOME_VECTORS(1, ENTRY_WAYS, true);
#undef SOME_VECTORS
}

/// Input gradient between two sides in blocks of one unit: the row's units of dx are summed up side by side, picked
/// from rows of W.
static void unit_pairs_by_rows(weir__range rows, const weir__side *dx, const numbers_side *dy, const number *weights) {
    enum { AT_ONCE = 512 };
    const weir__side *side = side_of(dy);
    for (size_t r = rows.first; r < rows.last; r++) {
        const weir__entries entries = weir__entries_of(side, r);
        const size_t end = (size_t)dx->route->row_start[r + 1];
        for (size_t first = (size_t)dx->route->row_start[r]; first < end; first += AT_ONCE) {
            const size_t count = least_of(end - first, AT_ONCE);
            const int32_t *blocks = dx->route->row_block + first, *slots = dx->route->row_slot + first;
            float sum[AT_ONCE] = {0};
            for (size_t e = entries.first; e < entries.open; e++) {
                const number *w = weights + weir__entry_block(side, e) * dx->width;
                const float a = value_of(*numbers_at(dy, weir__entry_slot(side, r, e)));
                for (size_t k = 0; k < count; k++) sum[k] += a * value_of(w[blocks[k]]);
            }
            for (size_t k = 0; k < count; k++) dx->values[slots[k]] = sum[k];
        }
    }
}

/// A slot of a block of one unit, blocks of several in dy: a tile is a column, contiguous along o.
static float sum_columns_of_entries(const weir__side *dx, size_t ji, const numbers_side *dy, size_t row,
                                    const number *weights) {
    const weir__side *side = side_of(dy);
    const weir__entries entries = weir__entries_of(side, row);
    const vec zero = {0};
    vec sum = {0};
    for (size_t e = entries.first; e < entries.open; e++) {
        const size_t jo = weir__entry_block(side, e), height = weir__units(side, jo);
        const number *column = weights + weir__tile(side, dx, jo, ji);
        const number *a = numbers_at(dy, weir__entry_slot(side, row, e));
        size_t u = 0;
        for (; u + NUMBER_LANES <= height; u += NUMBER_LANES) {
            sum = add_numbers(sum, load_numbers(a + u), load_numbers(column + u));
        }
        const size_t left = height - u;
        if (left) sum = add_numbers(sum, load_first_numbers(a + u, left), load_first_numbers(column + u, left));
    }
    return sums(sum, zero, zero, zero)[0];
}

/// Columns of a dense dx by rows: as many columns at a time as keep that part of W in the second-level cache.
static void dense_by_rows(weir__range columns, size_t rows, const weir__side *dx, const numbers_side *dy,
                          const number *weights) {
    enum { WIDTH = 128 };
    for (size_t first = columns.first; first < columns.last; first += WIDTH) {
        const size_t last = least_of(first + WIDTH, columns.last);
        for (size_t r = 0; r < rows; r++) {
            sum_entries_of_columns(dx->values + r * dx->width, dx, 0, first, last, dy, r, weights);
        }
    }
}

static void compact_by_slots(weir__range slots, const weir__side *dx, const numbers_side *dy, const number *weights) {
    for (size_t j = weir__block_of_slot(dx, slots.first); slots.first < slots.last; j++) {
        const size_t last = least_of(weir__evaluated(dx, j, 0), slots.last), units = weir__units(dx, j);
        for (size_t s = slots.first; s < last; s++) {
            float *to = weir__values(dx, s);
            if (units == 1) {
                *to = sum_columns_of_entries(dx, j, dy, weir__row(dx, s), weights);
            } else {
                sum_entries_of_columns(to, dx, j, 0, units, dy, weir__row(dx, s), weights);
            }
        }
        slots.first = last;
    }
}

// ---- pieces --------------------------------------------------------------------------------------------------------

/// Adds a tile to all slots of a block: those of rows that are closed in dx but evaluated, and then the open ones,
/// which m keeps. Meanwhile `coming` numbers at next are prefetched. Returns whether there are any open ones.
static bool add_tile_to_block(size_t rows, const weir__side *dx, size_t ji, const numbers_side *dy, size_t jo,
                              const number *weights, matches *m, const number *next, size_t coming) {
    const part_of_block of_dy = open_slots(side_of(dy), jo, rows), closed = closed_slots(dx, ji, rows);
    if (closed.slots.first < closed.slots.last) {
        match_parts(m, &of_dy, &closed);
        add_tile_of_matches(dx, ji, dy, jo, weights, m, next, 0);
    }
    match_open(m, rows, side_of(dy), jo, dx, ji);
    const bool any = m->count > 0;
    add_tile_of_matches(dx, ji, dy, jo, weights, m, next, coming);
    return any;
}

/// A range of blocks of dx. Tiles of a column of them lie apart: the next one is prefetched meanwhile.
static void compact_by_tiles(weir__range blocks, size_t rows, const weir__side *dx, const numbers_side *dy,
                             const number *weights) {
    const weir__side *side = side_of(dy);
    matches m;
    for (size_t ji = blocks.first; ji < blocks.last; ji++) {
        weir__clear_block(dx, ji, rows);
        for (size_t jo = 0; jo < weir__blocks(side); jo++) {
            const size_t after = jo + 1 < weir__blocks(side) ? jo + 1 : jo;
            const number *next = weights + weir__tile(side, dx, after, ji);
            add_tile_to_block(rows, dx, ji, dy, jo, weights, &m, next, weir__units(side, after) * weir__units(dx, ji));
        }
    }
}

typedef struct input_product {
    size_t rows;
    const weir__side *dx;
    const numbers_side *dy;
    const number *weights;
    float *scratch;
} input_product;

static bool columns_are_contiguous(const weir__case *c) { return weir__dense_before_blocks(c) && c->in_block == 1; }
static bool both_are_units(const weir__case *c) {
    return weir__both_compact(c) && c->in_block == 1 && c->out_block == 1;
}
static bool units_are_several(const weir__case *c) { return c->out_block >= 4; }

static weir__range columns_of_piece(const input_product *g, weir__piece p) {
    enum { GROUP = 64 }; // columns of a part at least
    return weir__groups_of_part(g->dx->width, GROUP, p.index, p.count);
}
static weir__range dx_slots_of_piece(const input_product *g, weir__piece p) {
    return weir__part(weir__slots(g->dx, g->rows), p.index, p.count);
}

static void run_dense_by_blocks(const void *context, weir__piece p) {
    const input_product *g = context;
    begin_tiles();
    dense_by_blocks(columns_of_piece(g, p), g->rows, g->dx, g->dy, g->weights, g->scratch + p.lane * LANE_FLOATS);
    end_tiles();
}
static void run_dense_by_rows(const void *context, weir__piece p) {
    const input_product *g = context;
    dense_by_rows(columns_of_piece(g, p), g->rows, g->dx, g->dy, g->weights);
}
static void run_unit_pairs(const void *context, weir__piece p) {
    const input_product *g = context;
    unit_pairs_by_rows(weir__part(g->rows, p.index, p.count), g->dx, g->dy, g->weights);
}
static void run_compact_from_dense(const void *context, weir__piece p) {
    const input_product *g = context;
    begin_tiles();
    compact_from_dense(dx_slots_of_piece(g, p), g->dx, g->dy, g->weights);
    end_tiles();
}
static void run_compact_by_tiles(const void *context, weir__piece p) {
    const input_product *g = context;
    begin_tiles();
    compact_by_tiles(weir__blocks_of_part(g->dx, p.index, p.count), g->rows, g->dx, g->dy, g->weights);
    end_tiles();
}
static void run_compact_by_slots(const void *context, weir__piece p) {
    const input_product *g = context;
    compact_by_slots(dx_slots_of_piece(g, p), g->dx, g->dy, g->weights);
}

/// Runs the strategy that fits; one without pieces is the forward product with the sides exchanged.
static void run_input_gradient(const weir__strategy *table, const input_product *g) {
    const weir__side *dx = g->dx, *dy = side_of(g->dy);
    const size_t slots = weir__slots(dx, g->rows), open_dy = dy->route ? dy->route->open_slots : g->rows;
    if (!slots || !dx->width) return;
    const weir__case c = weir__case_of(WEIR_OPERATION_INPUT_GRADIENT, g->rows, dy, dx);
    const weir__strategy *strategy = weir__strategy_choose(table, &c);
    if (!strategy->run) {
        forward(g->rows, dx, g->dy, g->weights, NULL, g->scratch);
        return;
    }
    const size_t parts =
        weir__parts_for((double)slots * (double)dx->block * (double)open_dy * (double)dy->block / (double)g->rows +
                        weir__entry_work(dx));
    weir__parallel(parts, strategy->run, g);
    if (strategy->finish) weir__parallel(parts, strategy->finish, g);
}
