// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward_compact.h
/// The forward product of a compact x: tile by tile where several rows share one, each for all of its rows. Else row by
/// row: through large tiles one after the other, the next one on its way; the dot product of small ones runs through
/// all of the row's open blocks; with blocks of one unit (a tile is then a column) a sum of columns, vectorised over
/// the outputs.

#include "forward_common.h"

static void add_columns_of_row(float *y, size_t count, const weir__side *x, size_t row, weir__entries entries,
                               const float *strip) {
    size_t o = 0;
    for (; o + 4 * LANES <= count; o += 4 * LANES) {
        add_columns(4, 2, y + o, 4 * LANES, x, row, entries, strip + o, count);
    }
    if (count - o > 2 * LANES) {
        add_columns(2, 4, y + o, 2 * LANES, x, row, entries, strip + o, count);
        o += 2 * LANES;
    }
    if (count - o > LANES) {
        add_columns(2, 4, y + o, count - o, x, row, entries, strip + o, count);
    } else if (count > o) {
        add_columns(1, 8, y + o, count - o, x, row, entries, strip + o, count);
    }
}

/// One output, blocks of one input: a dot product with the weights picked by index.
static float dot_of_units(const weir__side *x, size_t row, weir__entries entries, const float *strip) {
    enum { WAYS = 4 };
    float sum[WAYS] = {0};
    size_t e = entries.first;
    for (; e + WAYS <= entries.open; e += WAYS) {
        UNROLL for (size_t w = 0; w < WAYS; w++) {
            sum[w] += strip[weir__entry_block(x, e + w)] * *weir__values(x, weir__entry_slot(x, row, e + w));
        }
    }
    for (; e < entries.open; e++) {
        sum[0] += strip[weir__entry_block(x, e)] * *weir__values(x, weir__entry_slot(x, row, e));
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/// What a tile gives to the rows of a list. As many weights are prefetched meanwhile from `coming` on (NULL: none):
/// memory then has all the time that this tile takes to send them.
static void add_tile_of_list(const row_list *list, size_t height, size_t width, const float *tile,
                             const float *coming) {
    for (size_t u = 0, units = 0; u < height; u += units) {
        const float *w = tile + u * width;
        units = units_of_tile(height - u, list->count);
        const size_t turns = (list->count + TILE_ROWS_OF_8 - 1) / TILE_ROWS_OF_8;
        weights_ahead next = {.w = coming ? coming + u * width : w,
                              .stride = width,
                              .units = coming ? units : 0,
                              .each = (units + turns - 1) / turns};
        add_tile_of_rows(units, list, u, 0, w, width, width, &next);
    }
}

/// One slot of block j by large tiles; `after`: the tile that is wanted then.
static void forward_slot_by_tiles(const weir__side *y, size_t j, size_t slot, const weir__side *x, const float *weights,
                                  const float *bias, const float *after) {
    const size_t height = weir__units(y, j), row = weir__row(y, slot);
    const weir__entries entries = weir__entries_of(x, row);
    row_list list; // most of which is not used
    list.count = 1, list.to[0] = weir__values(y, slot);
    begin_slot(list.to[0], height, bias ? bias + j * y->block : NULL);
    for (size_t e = entries.first; e < entries.open; e++) {
        const size_t ji = weir__entry_block(x, e);
        const float *coming = after;
        if (e + 1 < entries.open) coming = weights + weir__tile(y, x, j, weir__entry_block(x, e + 1));
        list.from[0] = weir__values(x, weir__entry_slot(x, row, e));
        add_tile_of_list(&list, height, weir__units(x, ji), weights + weir__tile(y, x, j, ji), coming);
    }
}

/// One slot of block j, compact x.
static void forward_compact_slot(const weir__side *y, size_t j, size_t slot, const weir__side *x, const float *weights,
                                 const float *bias) {
    const size_t height = weir__units(y, j), row = weir__row(y, slot);
    const weir__entries entries = weir__entries_of(x, row);
    const float *strip = weights + weir__tile(y, x, j, 0);
    float *to = weir__values(y, slot);
    begin_slot(to, height, bias ? bias + j * y->block : NULL);
    if (x->block == 1) {
        if (height == 1) {
            *to += dot_of_units(x, row, entries, strip);
        } else {
            add_columns_of_row(to, height, x, row, entries, strip);
        }
        return;
    }
    add_entries(false, to, (weir__range){0, height}, x, row, entries, strip, height);
}

/// Adds what tile (jo, ji) gives to the slots of y that have matches. Tiles of a block follow one another in memory:
/// the next one is prefetched meanwhile.
static void add_tile_of_matches_to_y(const forward_product *f, size_t jo, size_t ji, matches *m) {
    const weir__side *y = f->y, *x = f->x;
    const size_t height = weir__units(y, jo), width = weir__units(x, ji);
    const float *tile = f->weights + weir__tile(y, x, jo, ji);
    const bool last = jo + 1 == weir__blocks(y) && ji + 1 == weir__blocks(x);
    row_list list;
    list.count = m->count;
    for (size_t r = 0; r < m->count; r++) {
        list.to[r] = weir__values(y, (size_t)m->out_slot[r]);
        list.from[r] = weir__values(x, (size_t)m->in_slot[r]);
    }
    add_tile_of_list(&list, height, width, tile, last ? NULL : tile + height * width);
}

#include "../walk/forward_tiles.h"
