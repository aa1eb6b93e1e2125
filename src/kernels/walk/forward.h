// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward.h
/// The walk of the forward product, for either precision (numbers.h).

#include "../matches.h"

typedef struct forward_product {
    size_t rows;
    const weir__side *y;
    const numbers_side *x;
    const number *weights;
    const float *bias;
    float *scratch;
} forward_product;

/// The output before anything is added.
static void begin_slot(float *y, size_t units, const float *bias) {
    for (size_t u = 0; u < units; u++) y[u] = bias ? bias[u] : 0;
}

/// The first tile that a slot of block j wants; NULL if it wants none.
static const number *first_tile(const weir__side *y, size_t j, size_t slot, const weir__side *x,
                                const number *weights) {
    const weir__entries entries = weir__entries_of(x, weir__row(y, slot));
    if (entries.first == entries.open) return NULL;
    return weights + weir__tile(y, x, j, weir__entry_block(x, entries.first));
}

static weir__range slots_of_piece(const forward_product *f, weir__piece p) {
    return weir__part(weir__slots(f->y, f->rows), p.index, p.count);
}

/// Runs the strategy that fits.
static void run_forward(const weir__strategy *table, const forward_product *f) {
    const weir__side *y = f->y, *x = side_of(f->x);
    const size_t slots = weir__slots(y, f->rows), open_x = x->route ? x->route->open_slots : f->rows;
    if (!slots || !y->width) return;
    // About: each slot of y has the mean row's open inputs.
    const double work =
        (double)slots * (double)y->block * (double)open_x * (double)x->block / (double)f->rows + weir__entry_work(x);
    const weir__case c = weir__case_of(WEIR_OPERATION_FORWARD, f->rows, y, x);
    weir__parallel(weir__parts_for(work), weir__strategy_choose(table, &c)->run, f);
}
