// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file backward.h
/// The input gradient and the weight update of one layer in one pass over its weights: as ../vector/backward.h, in
/// bf16.

enum {
    SUMS = WEIR__BF16_ROOM * 2 / 3, // floats of dx at hand
    HELD = 32768,                   // weights of a block that stay in the second-level cache for both products
    NARROW = 64                     // columns
};

/// Blocks of dy can be, of a dense x some columns at a time.
static bool columns_fit(const weir__case *c) {
    enum { LEAST_UNITS = 16 };
    return weir__blocks_before_dense(c) && c->out_block >= LEAST_UNITS && c->out_block <= HELD / NARROW &&
           !c->limited && c->rows && c->rows <= SUMS / NARROW;
}
static bool weights_are_many(const weir__case *c) { return c->out * c->in >= weir__caches_in_use.weights; }

/// Of each block some columns, for all of its rows.
static void backward_by_columns(weir__range columns, size_t rows, const weir__side *dx, const weir__bf16_side *dy,
                                const weir__bf16_side *x, const descent *d, float *sums) {
    const bool large = rows * dx->width >= weir__caches_in_use.array;
    const size_t width = dx->width, chunk = least_of(SUMS / rows, HELD / dy->side->block) / NARROW * NARROW;
    matches m;
    for (size_t c = columns.first; c < columns.last; c += chunk) {
        const weir__range some = {c, least_of(c + chunk, columns.last)};
        const size_t count = some.last - c;
        memset(sums, 0, rows * count * sizeof *sums);
        for (size_t j = 0; j < weir__blocks(dy->side); j++) {
            const weir__range slots = {weir__first(dy->side, j), weir__open(dy->side, j, rows)};
            const size_t units = weir__units(dy->side, j), at = weir__tile(dy->side, dx, j, 0);
            const place strip = {at, width, units, width};
            if (slots.first == slots.last && !d->update->all) continue;
            add_block(sums, 0, some, slots, dx, dy, j, d->update->halves.upper);
            match_open(&m, rows, dy->side, j, x->side, 0);
            for (size_t p = c; p < some.last; p += PIECE_COLUMNS) {
                const weir__range own = {p, least_of(p + PIECE_COLUMNS, some.last)};
                const size_t after = j + 1 < weir__blocks(dy->side) ? at + units * width + p : at + p;
                const target next = {{NULL, d->update->halves.lower + after}, width}; // the upper half is, for dx
                move_tile(d, &strip, (weir__range){0, units}, own, false, &m, &next);
            }
        }
        for (size_t r = 0; r < rows; r++) copy_out(dx->values + r * width + c, sums + r * count, count, large);
    }
}

/// A range of blocks of x and dx.
static void backward_by_tiles(weir__range blocks, size_t rows, const weir__side *dx, const weir__bf16_side *dy,
                              const weir__bf16_side *x, const descent *d) {
    (void)x; // it has the blocks of dx
    matches m;
    for (size_t ji = blocks.first; ji < blocks.last; ji++) {
        const size_t width = weir__units(dx, ji);
        weir__clear_block(dx, ji, rows);
        for (size_t jo = 0; jo < weir__blocks(dy->side); jo++) {
            const size_t height = weir__units(dy->side, jo);
            const bool last = jo + 1 == weir__blocks(dy->side);
            const size_t after = weir__tile(dy->side, dx, last ? jo : jo + 1, ji);
            const target next = {{NULL, d->update->halves.lower + after}, width}; // the upper half is prefetched for dx
            const place tile = {weir__tile(dy->side, dx, jo, ji), width, height, width};
            const uint16_t *upper = d->update->halves.upper;
            const bool any = add_tile_to_block(rows, dx, ji, dy, jo, upper, &m, upper + after, 0);
            if (!any && !d->update->all) continue;
            move_tile(d, &tile, (weir__range){0, height}, (weir__range){0, width}, false, &m, &next);
        }
    }
}

#include "../walk/backward.h"

static const weir__strategy backward_strategies[] = {
    {.name = "shared tiles", .applies = tiles_move, .suits = weir__tiles_are_shared, .run = run_backward_by_tiles},
    {.name = "block by block", .applies = columns_fit, .suits = weights_are_many, .run = run_backward_by_columns},
    {.name = "two products"},
    {0},
};

static void backward(size_t rows, const weir__side *dx, const weir__bf16_side *dy, const weir__bf16_side *x,
                     float *bias, const weir__update *update, const weir__update *bias_update, float *room) {
    const backward_product b = {rows, dx, dy, x, {update, dy, x}, {bias_update, bias}, room};
    if (run_backward(backward_strategies, &b)) return;
    input_gradient(rows, dx, dy, update->halves.upper, room);
    weight_update(rows, bias, dy, x, update, bias_update);
}
