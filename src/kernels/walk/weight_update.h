// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file weight_update.h
/// The walk of the weight update, for either precision (numbers.h), around what each one does with its registers:
/// update_pairs, update_columns, and whole strips.

typedef struct update_product {
    size_t rows;
    descent weights;
    moving_floats bias; // weights NULL: not wanted
    const numbers_side *dy, *x;
    float *scratch;
    size_t least_strips; // of a piece that takes whole ones
} update_product;

/// What a piece moves: whole strips where there are many, else some units of every strip.
typedef struct own_strips {
    weir__range blocks;
    size_t part, parts;
} own_strips;

static own_strips strips_of_piece(const update_product *u, weir__piece p) {
    const weir__side *dy = side_of(u->dy);
    const size_t strips = weir__blocks(dy);
    if (strips < u->least_strips * p.count) return (own_strips){{0, strips}, p.index, p.count};
    return (own_strips){weir__blocks_of_part(dy, p.index, p.count), 0, 1};
}

static void bias_of_piece(const update_product *u, weir__piece p) {
    const own_strips own = strips_of_piece(u, p);
    if (u->bias.weights) update_bias(u->rows, &u->bias, own.blocks, own.part, own.parts, side_of(u->dy));
}

static void run_update_pairs(const void *context, weir__piece p) {
    const update_product *u = context;
    begin_tiles();
    update_pairs(u->rows, &u->weights, weir__blocks_of_part(side_of(u->dy), p.index, p.count), u->dy, u->x);
    bias_of_piece(u, p);
    end_tiles();
}

static void run_update_columns(const void *context, weir__piece p) {
    const update_product *u = context;
    begin_tiles();
    update_columns(u->rows, &u->weights, weir__blocks_of_part(side_of(u->x), p.index, p.count), u->dy, u->x);
    bias_of_piece(u, p);
    end_tiles();
}

/// Holds the rows of W to the limit, a part of them in groups: columns of W were moved, and rows are known only when
/// all are.
static void limit_part(const void *context, weir__piece p) {
    enum { GROUP = 64 };
    const update_product *u = context;
    const weir__side *dy = side_of(u->dy), *x = side_of(u->x);
    const weir__tiling tiling = {dy->width, x->width, dy->block, x->block};
    const weir__range own = weir__groups_of_part(tiling.rows, GROUP, p.index, p.count);
    if (own.first >= own.last) return;
    weir__update_limit(u->weights.update, floats_of(&u->weights), &tiling, own.first, own.last);
}

/// Runs the strategy that fits.
static void run_weight_update(const weir__strategy *table, const weir__case *c, const update_product *u) {
    const weir__side *dy = side_of(u->dy), *x = side_of(u->x);
    const size_t open_x = x->route ? x->route->open_slots : u->rows;
    const double work = (double)dy->width * (double)open_x * (double)x->block + weir__entry_work(x);
    const weir__strategy *strategy = weir__strategy_choose(table, c);
    const size_t parts = weir__parts_for(work);
    weir__parallel(parts, strategy->run, u);
    const bool limits = c->limited && (open_x || u->weights.update->all);
    if (strategy->finish && limits) weir__parallel(parts, strategy->finish, u);
}
