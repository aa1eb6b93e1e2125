// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file backward.h
/// The input gradient and the weight update of one layer in one pass over its weights.
///
/// Where both sides are compact and rows share tiles, a tile gives dx its part and moves while it is in cache: its
/// weights are read once, not twice, and the rows that it is for are found once. Blocks before a dense x are gone
/// through for some columns at a time, of which dx and a copy of x are at hand. Everything else goes by the two
/// products, one after the other. The bits are theirs in any case.

enum { HELD_SUMS = 96 * 1024, HELD_COLUMNS = 256 }; // floats of dx, and as many of x, that stay in a cache; columns

/// Columns that are gone through together.
static size_t held_columns(size_t rows) {
    const size_t fit = HELD_SUMS / rows;
    return fit > LANES ? least_of(fit - LANES, HELD_COLUMNS) / PANEL * PANEL : 0;
}

/// Blocks can be, of a dense x some columns at a time.
static bool columns_fit(const weir__case *c) {
    return weir__blocks_before_dense(c) && !c->limited && c->rows && c->rows <= MOST_ROWS && held_columns(c->rows) > 0;
}
static bool weights_are_many(const weir__case *c) {
    return units_are_many(c) && c->out * c->in >= weir__caches_in_use.weights && !goes_by_ranges(c);
}

/// Of each block some columns, for all of its rows.
static void backward_by_columns(weir__range columns, size_t rows, const weir__side *dx, const weir__side *dy,
                                const weir__side *x, const descent *d, float *scratch) {
    const bool large = rows * dx->width >= weir__caches_in_use.array;
    const size_t chunk = held_columns(rows), stride = chunk + LANES; // no power of two
    sums_at_hand sums = {.rows = {0, rows}, .stride = stride, .values = scratch + PANEL_UNITS * PANEL, .copy = scratch};
    float *inputs = sums.values + rows * stride;
    for (size_t c = columns.first; c < columns.last; c += chunk) {
        sums.columns = (weir__range){c, least_of(c + chunk, columns.last)};
        const panel at_hand = {inputs, stride, c, sums.columns.last - c};
        for (size_t r = 0; r < rows; r++) {
            memset(sums_of_row(&sums, r), 0, at_hand.count * sizeof(float));
            memcpy(inputs + r * stride, x->values + r * x->width + c, at_hand.count * sizeof(float));
        }
        for (size_t j = 0; j < weir__blocks(dy); j++) {
            add_block_to_sums(&sums, dx, dy, j, d->weights);
            update_strips(rows, d, (weir__range){j, j + 1}, 0, 1, dy, x, &at_hand);
        }
        for (size_t r = 0; r < rows; r++) {
            copy_out(dx->values + r * dx->width + c, sums_of_row(&sums, r), at_hand.count, large);
        }
    }
}

/// A range of blocks of x and dx.
static void backward_by_tiles(weir__range blocks, size_t rows, const weir__side *dx, const weir__side *dy,
                              const weir__side *x, const descent *d) {
    matches m;
    for (size_t ji = blocks.first; ji < blocks.last; ji++) {
        weir__clear_block(dx, ji, rows);
        for (size_t jo = 0; jo < weir__blocks(dy); jo++) {
            // One half of the tile that comes is prefetched during one product, the other during the other.
            const size_t after = jo + 1 < weir__blocks(dy) ? jo + 1 : jo, units = weir__units(dy, after);
            const size_t half = (units - units / 2) * weir__units(dx, ji);
            const float *next = d->weights + weir__tile(dy, dx, after, ji);
            const bool any = add_tile_to_block(rows, dx, ji, dy, jo, d->weights, &m, next, half);
            if (any || d->update->all) move_tile_of_matches(d, dy, jo, x, ji, &m, next + half);
        }
    }
}

#include "../walk/backward.h"

static const weir__strategy backward_strategies[] = {
    {.name = "shared tiles", .applies = tiles_move, .suits = weir__tiles_are_shared, .run = run_backward_by_tiles},
    {.name = "sums at hand", .applies = columns_fit, .suits = weights_are_many, .run = run_backward_by_columns},
    {.name = "two products"},
    {0},
};

static void backward(size_t rows, const weir__side *dx, const weir__side *dy, const weir__side *x, float *weights,
                     float *bias, const weir__update *update, const weir__update *bias_update, float *scratch) {
    const backward_product b = {rows, dx, dy, x, {update, weights}, {bias_update, bias}, scratch};
    if (run_backward(backward_strategies, &b)) return;
    input_gradient(rows, dx, dy, weights, scratch);
    weight_update(rows, weights, bias, dy, x, update, bias_update, scratch);
}
