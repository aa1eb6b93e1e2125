// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file input_gradient.h
/// The walks of the input gradient, for either precision (numbers.h), around what each one does with its registers:
/// sum_entries_of_columns, dense_by_blocks, compact_from_dense, compact_by_tiles.

/// Input gradient between two sides in blocks of one unit: the row's units of dx are summed up side by side, picked from rows of W.
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
        for (; u + NUMBER_LANES <= height; u += NUMBER_LANES) sum = sum_products(sum, a + u, column + u);
        if (u < height) sum = sum_first_products(sum, a + u, column + u, height - u);
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
