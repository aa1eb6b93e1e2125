// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward_gathered.h
/// The forward product of a dense x for blocks of many units: the rows of a block are copied first, some columns of up
/// to ROWS of them, which stay in the second-level cache while the block's units pass over them (in place rows would
/// lie a power of two apart and share a few sets of the cache). A register tile of units × rows keeps its weights in
/// the first-level cache while the rows of a block stream by, so that weights are read once per ROWS rows. Of a large x
/// all blocks take some columns before the next ones, and the rows that the next block wants are prefetched while a
/// block's sums are formed.

#include "forward_common.h"

/// A cut through the outputs of y: block, and unit in it.
typedef struct output_cut {
    size_t block, unit;
} output_cut;

/// Where the given part of all outputs, counted block by block, ends.
static output_cut cut_outputs(const weir__side *y, size_t rows, size_t part, size_t parts) {
    const size_t last = weir__blocks(y) - 1, before = weir__first(y, last);
    const size_t total = before * y->block + (weir__slots(y, rows) - before) * weir__units(y, last);
    const size_t at = total / parts * part + total % parts * part / parts;
    const size_t slot = at / y->block;
    const size_t j = slot < before ? weir__block_of_slot(y, slot) : last;
    const size_t count = weir__evaluated(y, j, rows) - weir__first(y, j);
    if (part == parts) return (output_cut){last, weir__units(y, last)};
    if (!count) return (output_cut){j, 0};
    return (output_cut){j, (at - weir__first(y, j) * y->block) / count / 8 * 8};
}

/// What a thread does of a block.
typedef struct block_part {
    weir__range units, slots;
} block_part;

static block_part own_part(const weir__side *y, size_t rows, size_t j, const output_cut *from, const output_cut *to) {
    return (block_part){.units = {j == from->block ? from->unit : 0, j == to->block ? to->unit : weir__units(y, j)},
                        .slots = {weir__first(y, j), weir__evaluated(y, j, rows)}};
}

/// How inputs lie when they are packed: [chunk][row][stride].
typedef struct input_layout {
    size_t width, length; // floats of a row, of a chunk
    size_t stride;        // of the rows of a chunk: not a power of two, or all would share a few sets of the cache
    size_t chunk_stride;
    weir__range chunks; // at hand
} input_layout;

static size_t chunk_count(const input_layout *x, size_t chunk) {
    const size_t left = x->width - chunk * x->length;
    return left < x->length ? left : x->length;
}

/// Copies the chunks at hand of some rows; those of the rows after are on their way meanwhile.
static void pack_rows(float *packed, const input_layout *x, size_t rows, const float *const *from) {
    enum { AHEAD = 2 };
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = x->chunks.first; c < x->chunks.last; c++) {
            const size_t count = chunk_count(x, c);
            if (r + AHEAD < rows) prefetch_ahead(from[r + AHEAD] + c * x->length, count);
            memcpy(packed + (c - x->chunks.first) * x->chunk_stride + r * x->stride, from[r] + c * x->length,
                   count * sizeof *packed);
        }
    }
}

/// Where a thread is among its outputs: a block, and a slot of it.
typedef struct place_of_outputs {
    size_t block, slot;
} place_of_outputs;

/// The work of one thread: its outputs, block by block, each cut into lists of at most ROWS slots.
typedef struct gathering {
    const output_cut *from, *to;
    size_t rows;
    const weir__side *y, *x;
    const float *weights, *bias;
    float *scratch;
    input_layout layout;
} gathering;

/// A list of slots of a block, and where the next one begins.
typedef struct slot_list {
    size_t block, first, count;
    weir__range units;
    place_of_outputs next;
} slot_list;

static slot_list list_at(const gathering *g, place_of_outputs at) {
    const block_part part = own_part(g->y, g->rows, at.block, g->from, g->to);
    slot_list list = {.block = at.block, .first = at.slot > part.slots.first ? at.slot : part.slots.first};
    const bool any = part.units.first < part.units.last && list.first < part.slots.last;
    list.units = part.units;
    list.count = any ? least_of(part.slots.last - list.first, ROWS) : 0;
    list.next = any && list.first + list.count < part.slots.last ? (place_of_outputs){at.block, list.first + list.count}
                                                                 : (place_of_outputs){at.block + 1, 0};
    return list;
}

/// Where the rows of a list are in x, from the given column on.
static void find_rows(const gathering *g, const slot_list *list, size_t column, const float **from) {
    for (size_t r = 0; r < list->count; r++) {
        from[r] = g->x->values + weir__row(g->y, list->first + r) * g->x->width + column;
    }
}

/// Weights of the first unit of a list.
static const float *weights_of(const gathering *g, const slot_list *list) {
    return g->weights + (list->block * g->y->block + list->units.first) * g->x->width;
}

/// What the chunks at hand give to the outputs of a list. Meanwhile the weights `after` it and the rows that come are
/// prefetched. rows: where those of the list are in x.
static void forward_units(const gathering *g, const slot_list *own, row_list *list, const input_layout *x,
                          const float *const *rows, const float *after, rows_ahead *coming) {
    const size_t width = x->width, first = own->units.first, units = own->units.last - first;
    const float *strip = weights_of(g, own);
    const bool copies = units >= 8 && TILE_ROWS_OF_8 > 1; // on the way of the first eight units
    if (!x->chunks.first) {
        const float *from = g->bias ? g->bias + own->block * g->y->block + first : NULL;
        for (size_t r = 0; r < list->count; r++) begin_slot(list->to[r] + first, units, from);
    }
    if (!copies) pack_rows(g->scratch, x, list->count, rows);
    for (size_t u = 0, tile = 0; u < units; u += tile) {
        const float *w = strip + u * width;
        tile = units_of_tile(units - u, list->count);
        const float *tile_after = u + tile < units ? w + tile * width : after;
        for (size_t c = x->chunks.first; c < x->chunks.last; c++) {
            const size_t offset = (c - x->chunks.first) * x->chunk_stride, count = chunk_count(x, c);
            const bool last = c + 1 == x->chunks.last;
            weights_ahead next = {.w = last ? tile_after + x->chunks.first * x->length : w + (c + 1) * x->length,
                                  .stride = width,
                                  .units = tile,
                                  .rows = coming};
            if (copies && !u) {
                for (size_t r = 0; r < list->count + 8; r++) {
                    list->source[r] = rows[r < list->count ? r : list->count - 1] + c * x->length;
                }
                add_tile_and_copy(list, first, offset, w + c * x->length, width, count, &next);
            } else {
                add_tile_of_rows(tile, list, first + u, offset, w + c * x->length, width, count, &next);
            }
        }
    }
}

/// The given chunks of a list. Meanwhile the rows of the next list are prefetched.
static void gather_list(const gathering *g, const slot_list *own, weir__range chunks) {
    row_list list;
    input_layout layout = g->layout;
    const float *rows[ROWS], *next_rows[ROWS];
    if (!own->count) return;
    list.count = own->count;
    layout.chunk_stride = list.count * layout.stride;
    for (size_t r = 0; r < list.count; r++) {
        list.to[r] = weir__values(g->y, own->first + r);
        list.from[r] = g->scratch + r * layout.stride;
    }
    find_rows(g, own, 0, rows);
    rows_ahead coming = {.from = next_rows};
    const float *after = weights_of(g, own);
    const size_t at_once = PACKED / layout.chunk_stride;
    for (size_t c = chunks.first; c < chunks.last; c += at_once) {
        layout.chunks = (weir__range){c, least_of(c + at_once, chunks.last)};
        if (layout.chunks.last == chunks.last && own->next.block <= g->to->block) {
            const slot_list next = list_at(g, own->next);
            find_rows(g, &next, chunks.first * layout.length, next_rows);
            coming.left = next.count;
            after = weights_of(g, &next);
        }
        forward_units(g, own, &list, &layout, rows, after, &coming);
    }
}

/// Outputs from … to of all rows: those of each block are gathered. Every block wants many of the rows: a band of
/// outputs goes over a piece of x, some columns of all rows, before the next one, so that it is read from memory once.
static void forward_gathered(const output_cut *from, const output_cut *to, size_t rows, const weir__side *y,
                             const weir__side *x, const float *weights, const float *bias, float *scratch) {
    // Without inputs there is one empty chunk: a bias is wanted all the same.
    const size_t all = x->width ? (x->width + CHUNK - 1) / CHUNK : 1;
    const size_t even = x->width ? (x->width + all - 1) / all : 1;
    gathering g = {from, to, rows, y, x, weights, bias, scratch, {.width = x->width}};
    g.layout.length = (even + LANES - 1) / LANES * LANES; // at most CHUNK
    g.layout.stride = g.layout.length + LANES;
    const weir__caches *fits = &weir__caches_in_use;
    const size_t fit = fits->piece / (rows * g.layout.length);
    const size_t some = rows * x->width <= fits->inputs ? all : fit > 1 ? fit : 1;
    for (place_of_outputs band = {from->block, 0}, end = band; band.block <= to->block; band = end) {
        for (size_t c = 0; c < all; c += some) {
            const weir__range chunks = {c, least_of(c + some, all)};
            size_t outputs = 0;
            for (end = band; end.block <= to->block && outputs < fits->band;) {
                const slot_list list = list_at(&g, end);
                gather_list(&g, &list, chunks);
                outputs += list.count * (list.units.last - list.units.first);
                end = list.next;
            }
        }
    }
}
