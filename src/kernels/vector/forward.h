// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward.h
/// y[slot][o] = Σ_i x[row][i]·W[o][i] + bias[o].
///
/// Dense x: weights and inputs are both contiguous along i, so an output is a dot product of two vectors of memory, and
/// weights are used where they lie. The rows of a block are copied first, some columns of up to ROWS of them, which
/// stay in the second-level cache while the block's units pass over them (in place rows would lie a power of two apart
/// and share a few sets of the cache). A register tile of units × rows keeps its weights in the first-level cache while
/// the rows of a block stream by, so that weights are read once per ROWS rows. Of a large x all blocks take some
/// columns before the next ones, and the rows that the next block wants are fetched while a block's sums are formed.
/// Blocks of a few units go another way (forward_few_units.h).
///
/// Compact x: tile by tile where several rows share one, each for all of its rows. Else row by row: through large tiles
/// one after the other, the next one on its way; the dot product of small ones runs through all of the row's open
/// blocks; with blocks of one unit (a tile is then a column) a sum of columns, vectorised over the outputs.
///
/// A sum over i is cut into chunks that the width alone fixes, or into tiles, and each one's lanes are added up in one
/// order, so that how rows are grouped changes no bit.

#include <stdbool.h>
#include <string.h>

#include "lanes.h"

#include "../matches.h"
#include "../side.h"

enum {
    CHUNK = 512,                     // floats of i at a time
    ROWS = 256,                      // rows whose chunk is packed at a time
    PACKED = ROWS * (CHUNK + LANES), // floats that are packed at a time: half of a second-level cache
    FEW_UNITS = 32,                  // least units of a block whose rows are copied
    FEW_ROWS = 64                    // most rows of a dense product that are not
};

/// The output before anything is added.
static void begin_slot(float *y, size_t units, const float *bias) {
    for (size_t u = 0; u < units; u++) y[u] = bias ? bias[u] : 0;
}

/// Some units of all rows of a dense output.
static void begin_units(weir__range units, size_t rows, const weir__side *y, const float *bias) {
    for (size_t r = 0; r < rows; r++) {
        begin_slot(y->values + r * y->width + units.first, units.last - units.first, bias ? bias + units.first : NULL);
    }
}

#include "forward_few_units.h"
#include "forward_rows.h"

/// to[r][u] += Σ_{k<count} x[r][k]·w[u][k] for rows × units outputs (both constants where it is inlined, at most 24).
/// Meanwhile count floats of the next w are fetched, a line at a time: more at once would keep x waiting. copies (a
/// constant): rows of x are read where they lie, at source[r], and copied to x on the way.
INLINE void add_dots(const bool copies, const int rows, const int units, float *const *to, size_t unit, float *const *x,
                     size_t offset, const float *const *source, const float *w, size_t w_stride, size_t count,
                     const float *next_w) {
    vec sum[24] = {{0}};
    const size_t whole = count / LANES * LANES;
    for (size_t k = 0; k < whole; k += LANES) {
        vec xk[8];
        if (k % 16 == 0) __builtin_prefetch(next_w + k, 0, 2);
        UNROLL for (int r = 0; r < rows; r++) {
            xk[r] = load(copies ? source[r] + k : x[r] + offset + k);
            if (!copies) continue;
            __builtin_prefetch(source[rows + r] + k, 0, 3); // the rows after these
            store(x[r] + offset + k, xk[r]);
        }
        UNROLL for (int u = 0; u < units; u++) {
            const vec wk = in_register(load(w + (size_t)u * w_stride + k));
            UNROLL for (int r = 0; r < rows; r++) sum[r * units + u] += xk[r] * wk;
        }
    }
    if (whole < count) {
        const size_t tail = count - whole;
        vec xk[8];
        UNROLL for (int r = 0; r < rows; r++) {
            xk[r] = load_first(copies ? source[r] + whole : x[r] + offset + whole, tail);
            if (copies) store_first(x[r] + offset + whole, xk[r], tail);
        }
        UNROLL for (int u = 0; u < units; u++) {
            const vec wk = load_first(w + (size_t)u * w_stride + whole, tail);
            UNROLL for (int r = 0; r < rows; r++) sum[r * units + u] += xk[r] * wk;
        }
    }
    if (units == 8) {
        UNROLL for (int r = 0; r < rows; r++) add_sums_of_8(to[r] + unit, sum + r * 8);
        return;
    }
    // Sums beyond rows·units are 0 and dropped.
    UNROLL for (int q = 0; q < rows * units; q += 4) {
        const four total = sums(sum[q], sum[q + 1], sum[q + 2], sum[q + 3]);
        if (units == 4) {
            *(four_at *)(to[q / 4] + unit) += total;
            continue;
        }
        UNROLL for (int p = 0; p < 4; p++) {
            if (q + p < rows * units) to[(q + p) / units][unit + (size_t)((q + p) % units)] += total[p];
        }
    }
}

/// Rows that are worked on together, and where their outputs and inputs are.
typedef struct row_list {
    size_t count;
    float *to[ROWS], *from[ROWS];
    const float *source[ROWS + 8]; // of inputs that are being copied to from, a few more than there are
} row_list;

/// Rows of x that are copied next.
typedef struct rows_ahead {
    size_t left;
    const float *const *from;
} rows_ahead;

/// What is worked on next: weights of some units, fetched a unit at a time (or as many as `each` says), then rows of x
/// (NULL: none).
typedef struct ahead {
    const float *w;
    size_t stride, units, each;
    rows_ahead *rows;
} ahead;

/// The next `count` floats to be fetched; those of further units are sent for at once.
INLINE const float *next_piece(ahead *next, size_t count) {
    for (size_t more = 1; more < next->each && next->units > 1; more++) {
        fetch_ahead(next->w, count);
        next->units--;
        next->w += next->stride;
    }
    const float *w = next->w;
    if (next->units) {
        next->units--;
        next->w += next->units ? next->stride : 0;
    } else if (next->rows && next->rows->left) {
        next->rows->left--;
        return *next->rows->from++;
    }
    return w;
}

/// All rows of a list, most at a time (a constant), for a constant number of units.
INLINE void add_dots_of_rows(const bool copies, const int units, const int most, const row_list *rows, size_t unit,
                             size_t offset, const float *w, size_t w_stride, size_t count, ahead *next) {
    size_t r = 0;
#define ADD_DOTS(n)                                                                                                    \
    add_dots(copies, n, units, rows->to + r, unit, rows->from + r, offset, rows->source + r, w, w_stride, count,       \
             next_piece(next, count))
    for (; r + (size_t)most <= rows->count; r += (size_t)most) ADD_DOTS(most);
    if (most > 4 && r + 4 <= rows->count) {
        ADD_DOTS(4);
        r += 4;
    }
    if (most > 3 && r + 3 <= rows->count) {
        ADD_DOTS(3);
        r += 3;
    }
    if (most > 2 && r + 2 <= rows->count) {
        ADD_DOTS(2);
        r += 2;
    }
    if (most > 1 && r < rows->count) ADD_DOTS(1);
#undef ADD_DOTS
}

/// A register tile: how many of the units left are taken together.
static size_t units_of_tile(size_t left, size_t rows) {
    if (left >= 8 && (TILE_ROWS_OF_8 > 1 || rows == 1)) return 8;
    return left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

static void add_tile_of_rows(size_t units, const row_list *rows, size_t unit, size_t offset, const float *w,
                             size_t w_stride, size_t count, ahead *next) {
    switch (units) {
    case 8:
        add_dots_of_rows(false, 8, TILE_ROWS_OF_8, rows, unit, offset, w, w_stride, count, next);
        break;
    case 4:
        add_dots_of_rows(false, 4, TILE_ROWS, rows, unit, offset, w, w_stride, count, next);
        break;
    case 2:
        add_dots_of_rows(false, 2, 4, rows, unit, offset, w, w_stride, count, next);
        break;
    default:
        add_dots_of_rows(false, 1, 8, rows, unit, offset, w, w_stride, count, next);
        break;
    }
}

/// Eight units, the first ones of a block: rows of x are copied on the way.
static void add_tile_and_copy(const row_list *rows, size_t unit, size_t offset, const float *w, size_t w_stride,
                              size_t count, ahead *next) {
    add_dots_of_rows(true, 8, TILE_ROWS_OF_8, rows, unit, offset, w, w_stride, count, next);
}

// ---- dense x -------------------------------------------------------------------------------------------------------

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
            if (r + AHEAD < rows) fetch_ahead(from[r + AHEAD] + c * x->length, count);
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
/// fetched. rows: where those of the list are in x.
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
            ahead next = {.w = last ? tile_after + x->chunks.first * x->length : w + (c + 1) * x->length,
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

/// The given chunks of a list. Meanwhile the rows of the next list are fetched.
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

// ---- compact x -----------------------------------------------------------------------------------------------------

/// y[u] += Σ over the entries of x and their units, for units constant outputs. tile_of(entry) begins at the first.
INLINE void add_dots_of_entries(const int units, float *y, const weir__side *x, size_t row, weir__entries entries,
                                const float *strip, size_t height, size_t u) {
    vec sum[8] = {{0}};
    for (size_t e = entries.first; e < entries.open; e++) {
        const size_t j = weir__entry_block(x, e), width = weir__units(x, j);
        const float *from = weir__values(x, weir__entry_slot(x, row, e));
        const float *tile = strip + j * x->block * height + u * width;
        size_t k = 0;
        for (; k + LANES <= width; k += LANES) {
            const vec xk = load(from + k);
            UNROLL for (int o = 0; o < units; o++) sum[o] += xk * load(tile + (size_t)o * width + k);
        }
        if (k < width) {
            const vec xk = load_first(from + k, width - k);
            UNROLL for (int o = 0; o < units; o++) {
                sum[o] += xk * load_first(tile + (size_t)o * width + k, width - k);
            }
        }
    }
    UNROLL for (int q = 0; q < units; q += 4) {
        const four total = sums(sum[q], sum[q + 1], sum[q + 2], sum[q + 3]);
        UNROLL for (int p = 0; p < 4; p++) {
            if (q + p < units) y[q + p] += total[p];
        }
    }
}

/// Columns: y[0 … count) += Σ_e x_e·column_e, in the given number of vectors (the last may be partial) and of
/// interleaved partial sums, which hide the latency of the additions.
INLINE void add_columns(const int vectors, const int ways, float *y, size_t count, const weir__side *x, size_t row,
                        weir__entries entries, const float *strip, size_t height) {
    const size_t tail = count - (size_t)(vectors - 1) * LANES;
    vec sum[8] = {{0}};
    size_t e = entries.first;
    for (; e + (size_t)ways <= entries.open; e += (size_t)ways) {
        UNROLL for (int w = 0; w < ways; w++) {
            const float *column = strip + weir__entry_block(x, e + (size_t)w) * height;
            const vec a = splat(*weir__values(x, weir__entry_slot(x, row, e + (size_t)w)));
            UNROLL for (int v = 0; v < vectors; v++) {
                sum[w * vectors + v] += a * (v == vectors - 1 && tail < LANES ? load_first(column + v * LANES, tail)
                                                                              : load(column + v * LANES));
            }
        }
    }
    for (; e < entries.open; e++) {
        const float *column = strip + weir__entry_block(x, e) * height;
        const vec a = splat(*weir__values(x, weir__entry_slot(x, row, e)));
        UNROLL for (int v = 0; v < vectors; v++) {
            sum[v] += a * (v == vectors - 1 && tail < LANES ? load_first(column + v * LANES, tail)
                                                            : load(column + v * LANES));
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        vec total = sum[v];
        UNROLL for (int w = 1; w < ways; w++) total += sum[w * vectors + v];
        if (v == vectors - 1 && tail < LANES) {
            store_first(y + v * LANES, load_first(y + v * LANES, tail) + total, tail);
        } else {
            store(y + v * LANES, load(y + v * LANES) + total);
        }
    }
}

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

/// What a tile gives to the rows of a list. As many weights are fetched meanwhile from `coming` on (NULL: none): memory
/// then has all the time that this tile takes to send them.
static void add_tile_of_list(const row_list *list, size_t height, size_t width, const float *tile,
                             const float *coming) {
    for (size_t u = 0, units = 0; u < height; u += units) {
        const float *w = tile + u * width;
        units = units_of_tile(height - u, list->count);
        const size_t turns = (list->count + TILE_ROWS_OF_8 - 1) / TILE_ROWS_OF_8;
        ahead next = {.w = coming ? coming + u * width : w,
                      .stride = width,
                      .units = coming ? units : 0,
                      .each = (units + turns - 1) / turns};
        add_tile_of_rows(units, list, u, 0, w, width, width, &next);
    }
}

/// The first tile that a slot of block j wants; NULL if it wants none.
static const float *first_tile(const weir__side *y, size_t j, size_t slot, const weir__side *x, const float *weights) {
    const weir__entries entries = weir__entries_of(x, weir__row(y, slot));
    if (entries.first == entries.open) return NULL;
    return weights + weir__tile(y, x, j, weir__entry_block(x, entries.first));
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
    size_t u = 0;
    for (; u + 8 <= height; u += 8) add_dots_of_entries(8, to + u, x, row, entries, strip, height, u);
    if (u + 4 <= height) {
        add_dots_of_entries(4, to + u, x, row, entries, strip, height, u);
        u += 4;
    }
    switch (height - u) {
    case 3:
        add_dots_of_entries(3, to + u, x, row, entries, strip, height, u);
        break;
    case 2:
        add_dots_of_entries(2, to + u, x, row, entries, strip, height, u);
        break;
    case 1:
        add_dots_of_entries(1, to + u, x, row, entries, strip, height, u);
        break;
    default:
        break;
    }
}

/// Tile by tile, a range of blocks of y. Tiles of a block follow one another in memory: the next one is fetched
/// meanwhile.
static void forward_by_tiles(weir__range blocks, size_t rows, const weir__side *y, const weir__side *x,
                             const float *weights, const float *bias) {
    matches m;
    row_list list;
    for (size_t jo = blocks.first; jo < blocks.last; jo++) {
        const part_of_block parts[2] = {open_slots(y, jo, rows), closed_slots(y, jo, rows)};
        const size_t height = weir__units(y, jo);
        for (size_t s = parts[0].slots.first; s < parts[1].slots.last; s++) {
            begin_slot(weir__values(y, s), height, bias ? bias + jo * y->block : NULL);
        }
        const size_t kinds = parts[1].slots.first < parts[1].slots.last ? 2 : 1;
        for (size_t k = 0; k < kinds * weir__blocks(x); k++) {
            const size_t ji = k / kinds, width = weir__units(x, ji);
            const part_of_block of_x = open_slots(x, ji, rows);
            const float *tile = weights + weir__tile(y, x, jo, ji);
            const bool last = jo + 1 == weir__blocks(y) && ji + 1 == weir__blocks(x);
            for (match_parts(&m, &parts[k % kinds], &of_x); m.count; next_matches(&m)) {
                list.count = m.count;
                for (size_t r = 0; r < m.count; r++) {
                    list.to[r] = weir__values(y, (size_t)m.out_slot[r]);
                    list.from[r] = weir__values(x, (size_t)m.in_slot[r]);
                }
                add_tile_of_list(&list, height, width, tile, last ? NULL : tile + height * width);
                if (!are_more_matches(&m)) break;
            }
        }
    }
}

// ---- all cases -----------------------------------------------------------------------------------------------------

typedef struct forward_product {
    size_t rows;
    const weir__side *y, *x;
    const float *weights, *bias;
    float *scratch;
} forward_product;

static bool few_dense_rows(const weir__case *c) { return weir__both_dense(c) && c->rows <= FEW_ROWS; }
static bool rows_are_lanes(const weir__case *c) { return rows_fill_lanes(c->rows); }
static bool units_are_single(const weir__case *c) { return !c->in_compact && c->out_block == 1; }
static bool units_are_few(const weir__case *c) { return c->out_block < FEW_UNITS; }

/// Tiles are so large that a row goes through them one after the other.
static bool tiles_are_large(const weir__case *c) {
    enum { LEAST_UNITS = 8 };
    return c->out_block >= LEAST_UNITS && c->in_block >= 2 * LANES;
}

static weir__range dense_units(const forward_product *f, weir__piece p) {
    return weir__groups_of_part(f->y->width, 16, p.index, p.count);
}

static void run_dense_rows(const void *context, weir__piece p) {
    const forward_product *f = context;
    forward_dense_rows(dense_units(f, p), f->rows, f->y, f->x, f->weights, f->bias,
                       f->scratch + p.lane * WEIR__THREAD_SCRATCH);
}

static void run_dense_units(const void *context, weir__piece p) {
    const forward_product *f = context;
    forward_dense_units(dense_units(f, p), f->rows, f->y, f->x, f->weights, f->bias);
}

static weir__range slots_of_piece(const forward_product *f, weir__piece p) {
    return weir__part(weir__slots(f->y, f->rows), p.index, p.count);
}

static void run_single_units(const void *context, weir__piece p) {
    const forward_product *f = context;
    forward_single_units(slots_of_piece(f, p), f->rows, f->y, f->x, f->weights, f->bias);
}

static void run_shared_tiles(const void *context, weir__piece p) {
    const forward_product *f = context;
    forward_by_tiles(weir__blocks_of_part(f->y, p.index, p.count), f->rows, f->y, f->x, f->weights, f->bias);
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
    const size_t slots = weir__slots(y, rows), open_x = x->route ? x->route->open_slots : rows;
    if (!slots || !y->width) return;
    // About: each slot of y has the mean row's open inputs.
    const double work =
        (double)slots * (double)y->block * (double)open_x * (double)x->block / (double)rows + weir__entry_work(x);
    const forward_product f = {rows, y, x, weights, bias, scratch};
    const weir__case c = weir__case_of(WEIR_OPERATION_FORWARD, rows, y, x);
    weir__parallel(weir__parts_for(work), weir__strategy_choose(forward_strategies, &c)->run, &f);
}
