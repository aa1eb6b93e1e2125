// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward.h
/// y[slot][o] = Σ_i x[row][i]·W[o][i] + bias[o]: the strategies, each in a file of its own.
///
/// Dense x: weights and inputs are both contiguous along i, so an output is a dot product of two vectors of memory, and
/// weights are used where they lie.
///
/// A sum over i is cut into chunks that the width alone fixes, or into tiles, and each one's lanes are added up in one
/// order, so that how rows are grouped changes no bit.

#include "forward_compact.h"
#include "forward_few_units.h"
#include "forward_gathered.h"
#include "forward_lanes.h"
#include "forward_rows.h"

enum { FEW_UNITS = 32 }; // least units of a block whose rows are copied

static bool few_dense_rows(const weir__case *c) { return weir__both_dense(c) && c->rows <= FEW_ROWS; }
static bool rows_are_lanes(const weir__case *c) { return rows_fill_lanes(c->rows); }
static bool units_are_single(const weir__case *c) { return !c->in_compact && c->out_block == 1; }
static bool units_are_few(const weir__case *c) { return c->out_block < FEW_UNITS; }

/// Tiles are so large that a row goes through them one after the other.
static bool tiles_are_large(const weir__case *c) {
    enum { LEAST_UNITS = 8 };
    return c->out_block >= LEAST_UNITS && c->in_block >= 2 * LANES;
}

/// A piece has some rows and all weights: these are fewer than the inputs that it would else have in whole. A single unit
/// leaves most lanes idle, and has the bits that it has for one row without them.
static bool rows_share_few_units(const weir__case *c) {
    enum { LEAST_UNITS = 4 };
    return c->rows > FEW_ROWS && c->out <= c->rows && c->out >= LEAST_UNITS;
}

/// A tile is turned for several rows.
static bool rows_share_tiles_of_few_units(const weir__case *c) {
    enum { LEAST_UNITS = 4, LEAST_ROWS = 4 };
    const double blocks = (double)((c->in + c->in_block - 1) / c->in_block);
    return c->out <= c->rows && c->in_block >= LEAST_UNITS && c->in_pairs >= LEAST_ROWS * blocks;
}

/// Slots of block j, of a piece that goes up to slot `end`.
typedef void slots_function(const forward_product *f, size_t j, weir__range slots, size_t end);

static void for_blocks_of_slots(const forward_product *f, weir__piece p, slots_function *function) {
    weir__range slots = slots_of_piece(f, p);
    for (size_t j = weir__block_of_slot(f->y, slots.first); slots.first < slots.last; j++) {
        const size_t last = least_of(weir__evaluated(f->y, j, f->rows), slots.last);
        function(f, j, (weir__range){slots.first, last}, slots.last);
        slots.first = last;
    }
}

static void slots_of_few_units(const forward_product *f, size_t j, weir__range slots, size_t end) {
    (void)end;
    forward_few_units(f->y, j, slots.first, slots.last, f->x, f->weights, f->bias);
}

static void slots_of_large_tiles(const forward_product *f, size_t j, weir__range slots, size_t end) {
    for (size_t s = slots.first; s < slots.last; s++) {
        const size_t owner = s + 1 < slots.last || s + 1 == end ? j : weir__block_of_slot(f->y, s + 1);
        const float *after = s + 1 < end ? first_tile(f->y, owner, s + 1, f->x, f->weights) : NULL;
        forward_slot_by_tiles(f->y, j, s, f->x, f->weights, f->bias, after);
    }
}

static void slots_of_open_blocks(const forward_product *f, size_t j, weir__range slots, size_t end) {
    (void)end;
    for (size_t s = slots.first; s < slots.last; s++) forward_compact_slot(f->y, j, s, f->x, f->weights, f->bias);
}

static void run_few_units(const void *context, weir__piece p) { for_blocks_of_slots(context, p, slots_of_few_units); }
static void run_large_tiles(const void *context, weir__piece p) {
    for_blocks_of_slots(context, p, slots_of_large_tiles);
}
static void run_open_blocks(const void *context, weir__piece p) {
    for_blocks_of_slots(context, p, slots_of_open_blocks);
}

static void run_gathered(const void *context, weir__piece p) {
    const forward_product *f = context;
    const output_cut from = cut_outputs(f->y, f->rows, p.index, p.count),
                     to = cut_outputs(f->y, f->rows, p.index + 1, p.count);
    forward_gathered(&from, &to, f->rows, f->y, f->x, f->weights, f->bias, f->scratch + p.lane * WEIR__THREAD_SCRATCH);
}

static const weir__strategy forward_strategies[] = {
    {.name = "rows as lanes", .applies = few_dense_rows, .suits = rows_are_lanes, .run = run_dense_rows},
    {.name = "rows of dense sides", .applies = few_dense_rows, .run = run_dense_units},
    {.name = "units as lanes", .applies = weir__both_dense, .suits = rows_share_few_units, .run = run_units_as_lanes},
    {.name = "units as lanes of blocks",
     .applies = weir__dense_before_blocks,
     .suits = rows_share_tiles_of_few_units,
     .run = run_units_as_lanes_of_blocks},
    {.name = "single units", .applies = units_are_single, .run = run_single_units},
    {.name = "shared tiles", .applies = weir__both_compact, .suits = weir__tiles_are_shared, .run = run_shared_tiles},
    {.name = "few units", .applies = weir__in_is_dense, .suits = units_are_few, .run = run_few_units},
    {.name = "gathered rows", .applies = weir__in_is_dense, .run = run_gathered},
    {.name = "large tiles", .applies = weir__in_is_compact, .suits = tiles_are_large, .run = run_large_tiles},
    {.name = "open blocks", .applies = weir__in_is_compact, .run = run_open_blocks},
    {0},
};

static void forward(size_t rows, const weir__side *y, const weir__side *x, const float *weights, const float *bias,
                    float *scratch) {
    run_forward(forward_strategies, &(forward_product){rows, y, x, weights, bias, scratch});
}
