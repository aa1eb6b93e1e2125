// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file backward.h
/// The walk of the input gradient and the weight update in one pass, for either precision (numbers.h), around
/// backward_by_tiles and backward_by_columns.

typedef struct backward_product {
    size_t rows;
    const weir__side *dx;
    const numbers_side *dy, *x;
    descent weights;
    moving_floats bias; // weights NULL: not wanted
    float *scratch;
} backward_product;

static bool tiles_move(const weir__case *c) { return weir__both_compact(c) && !c->limited; }

static void finish_backward(const backward_product *b, weir__piece p) {
    const weir__side *dy = side_of(b->dy);
    if (b->bias.weights) update_bias(b->rows, &b->bias, weir__blocks_of_part(dy, p.index, p.count), 0, 1, dy);
    end_tiles();
    finish_streams();
}

static void run_backward_by_tiles(const void *context, weir__piece p) {
    const backward_product *b = context;
    begin_tiles();
    backward_by_tiles(weir__blocks_of_part(b->dx, p.index, p.count), b->rows, b->dx, b->dy, b->x, &b->weights);
    finish_backward(b, p);
}

static void run_backward_by_columns(const void *context, weir__piece p) {
    enum { GROUP = 64 }; // columns
    const backward_product *b = context;
    begin_tiles();
    backward_by_columns(weir__groups_of_part(b->dx->width, GROUP, p.index, p.count), b->rows, b->dx, b->dy, b->x,
                        &b->weights, b->scratch + p.lane * LANE_FLOATS);
    finish_backward(b, p);
}

/// Runs the strategy that fits. False: it is the two products, one after the other.
static bool run_backward(const weir__strategy *table, const backward_product *b) {
    const weir__side *dy = side_of(b->dy);
    weir__case c = weir__case_of(WEIR_OPERATION_INPUT_GRADIENT, b->rows, dy, b->dx);
    c.limited = b->weights.update->most > 0;
    const weir__strategy *strategy = weir__strategy_choose(table, &c);
    if (!strategy->run) return false;
    const double work = (double)dy->route->open_slots * (double)dy->block * (double)b->dx->block;
    weir__parallel(weir__parts_for(work), strategy->run, b);
    return true;
}
