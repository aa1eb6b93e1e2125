// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward_few_units.h
/// The forward product of a dense x for blocks of a few units, slot by slot, with everything in place: too few units
/// share a row for a copy of it to pay. A register tile keeps the weights and streams the rows. Blocks of one unit have
/// a tile of their own. Dense products of a few rows go this way too, some units after the other.

#include "forward_common.h"

enum {
    SHORT_CHUNK = 800, // 6 rows and 4 units of 800 floats: 31 KiB
    UNIT_CHUNK = 1024, // columns of one unit: 256 rows of x are 1 MiB
    MOST_UNIT_ROWS = TILE_SUMS / 2
};

/// The columns of x that are taken at a time.
static size_t chunk_of(size_t width, size_t most) {
    const size_t chunks = (width + most - 1) / most;
    return chunks ? ((width + chunks - 1) / chunks + LANES - 1) / LANES * LANES : 0;
}

/// How many of the rows left go into the next tile: tiles of about the same number.
static size_t few_rows_of_tile(size_t left) {
    const size_t tiles = (left + DOT_ROWS - 1) / DOT_ROWS;
    return (left + tiles - 1) / tiles;
}

/// Weights that come `distance` floats after w, for the given tile of rows: four tiles prefetch one of four units each.
/// distance 0: there are none.
static const float *next_weights(const float *w, size_t distance, size_t tile, size_t w_stride) {
    return distance ? w + distance + tile % 4 * w_stride : w;
}

/// Some units of a dense side, dense x, few rows. Their weights stay in the second-level cache, a few at a time, while
/// all rows pass: they are read from memory once.
static void run_dense_units(const void *context, weir__piece p) {
    enum { CACHED = 32768 }; // floats of weights
    const forward_product *f = context;
    const weir__side *y = f->y, *x = f->x;
    const weir__range units = units_of_piece(f, p);
    const size_t rows = f->rows, in = x->width, chunk = chunk_of(in, SHORT_CHUNK),
                 fit = chunk ? CACHED / chunk / 4 * 4 : y->width;
    begin_units(units, rows, y, f->bias);
    for (size_t u = units.first; u < units.last; u += fit) {
        const size_t some = units.last - u < fit ? units.last - u : fit;
        const bool more = u + 2 * some <= units.last;
        for (size_t k = 0; k < in; k += chunk) {
            const size_t count = in - k < chunk ? in - k : chunk;
            for (size_t r = 0, group = 0, tile = 0; r < rows; r += group, tile++) {
                group = few_rows_of_tile(rows - r);
                const float *from[DOT_ROWS];
                for (size_t i = 0; i < group; i++) from[i] = x->values + (r + i) * in + k;
                const float *w = f->weights + u * in + k;
                const float *next = next_weights(w, k + chunk < in ? chunk : more ? some * in - k : 0, tile, in);
                add_few_dots_of_rows(group, some, y->values + r * y->width + u, y->width, from, w, in, count,
                                     &(units_ahead){next, in, 1});
            }
        }
    }
}

/// y[r] += Σ_{k<count} x[r][k]·w[k] for one unit: two partial sums per row, that few rows do not wait for additions,
/// and the weights of the next unit on their way.
INLINE void add_dots_of_unit(const int rows, float *y, size_t y_stride, const float *const *x, const float *w,
                             size_t count, size_t ahead) {
    vec sum[2 * MOST_UNIT_ROWS] = {{0}};
    size_t k = 0;
    for (; k + 2 * LANES <= count; k += 2 * LANES) {
        const vec even = load(w + k), odd = load(w + k + LANES);
        prefetch_ahead(w + k + ahead, 2 * LANES);
        UNROLL for (int r = 0; r < rows; r++) {
            sum[2 * r] += load(x[r] + k) * even;
            sum[2 * r + 1] += load(x[r] + k + LANES) * odd;
        }
    }
    for (; k < count; k += LANES) {
        const size_t some = count - k < LANES ? count - k : LANES;
        const vec last = load_first(w + k, some);
        UNROLL for (int r = 0; r < rows; r++) sum[2 * r] += load_first(x[r] + k, some) * last;
    }
    UNROLL for (int r = 0; r < rows; r++) sum[2 * r] += sum[2 * r + 1];
    UNROLL for (int q = 0; q < rows; q += 4) { // what the sums beyond the last row give is dropped
        const four total = sums(sum[2 * q], sum[2 * q + 2], sum[2 * q + 4], sum[2 * q + 6]);
        UNROLL for (int p = 0; p < 4; p++) {
            if (q + p < rows) y[(size_t)(q + p) * y_stride] += total[p];
        }
    }
}

/// Slots first … last of a block of one unit, columns k … k + count of x. The next block's weights follow after a width
/// of them.
static void forward_unit(size_t first, size_t last, const weir__side *y, const weir__side *x, const float *w, size_t k,
                         size_t count) {
    const size_t width = x->width;
    for (size_t s = first; s < last;) {
        const size_t rows = last - s < MOST_UNIT_ROWS ? last - s : MOST_UNIT_ROWS;
        const float *from[MOST_UNIT_ROWS];
        for (size_t r = 0; r < rows; r++) from[r] = x->values + weir__row(y, s + r) * width + k;
#define SOME_ROWS(rows) add_dots_of_unit(rows, weir__values(y, s), y->block, from, w + k, count, width)
#if LANES == 16
        WITH_CONSTANT(rows, 8, SOME_ROWS)
#else
        WITH_CONSTANT(rows, 4, SOME_ROWS)
#endif
#undef SOME_ROWS
        s += rows;
    }
}

/// A piece of x: some rows, some columns, the latter `chunk` at a time.
typedef struct piece_of_x {
    weir__range rows, columns;
    size_t chunk;
} piece_of_x;

/// What a piece of x gives to slots first … last of block j: open ones, then closed ones that are evaluated.
static void forward_unit_piece(const piece_of_x *p, size_t rows, const weir__side *y, size_t j, size_t first,
                               size_t last, const weir__side *x, const float *weights) {
    const float *w = weights + weir__tile(y, x, j, 0);
    const size_t open = weir__open(y, j, rows), middle = open < first ? first : open < last ? open : last;
    weir__range parts[2] = {{first, middle}, {middle, last}};
    if (p->rows.last - p->rows.first < rows) {
        for (size_t k = 0; k < 2; k++) {
            parts[k] = (weir__range){weir__slot_from_row(y, parts[k], p->rows.first),
                                     weir__slot_from_row(y, parts[k], p->rows.last)};
        }
    }
    for (size_t k = p->columns.first; k < p->columns.last; k += p->chunk) {
        const size_t count = least_of(p->columns.last - k, p->chunk);
        for (size_t part = 0; part < 2; part++) {
            forward_unit(parts[part].first, parts[part].last, y, x, w, k, count);
        }
    }
}

/// Slots of blocks of one unit each, dense x. All blocks go over a piece of x before the next one: it then stays in the
/// second-level cache, which one unit alone reads too seldom. The sums are the same either way.
static void run_single_units(const void *context, weir__piece own) {
    enum { MOST_ROWS = 256 };
    const forward_product *f = context;
    const weir__side *y = f->y, *x = f->x;
    const weir__range slots = slots_of_piece(f, own);
    const size_t rows = f->rows, width = x->width, begin = weir__block_of_slot(y, slots.first);
    const size_t bands = (rows + MOST_ROWS - 1) / MOST_ROWS, band = bands ? (rows + bands - 1) / bands : 1;
    piece_of_x p = {.chunk = chunk_of(width, UNIT_CHUNK)};
    const size_t columns = rows < FEW_ROWS ? width : p.chunk;
    for (size_t s = slots.first, j = begin; s < slots.last; s++) {
        while (s >= weir__evaluated(y, j, rows)) j++;
        begin_slot(weir__values(y, s), 1, f->bias ? f->bias + j : NULL);
    }
    for (size_t r = 0; r < rows; r += band) {
        p.rows = (weir__range){r, least_of(r + band, rows)};
        for (size_t k = 0; k < width; k += columns) {
            p.columns = (weir__range){k, least_of(k + columns, width)};
            size_t first = slots.first;
            for (size_t j = begin; first < slots.last; j++) {
                const size_t last = least_of(weir__evaluated(y, j, rows), slots.last);
                forward_unit_piece(&p, rows, y, j, first, last, x, f->weights);
                first = last;
            }
        }
    }
}

/// Slots first … last of block j, dense x.
static void forward_few_units(const weir__side *y, size_t j, size_t first, size_t last, const weir__side *x,
                              const float *weights, const float *bias) {
    const size_t units = weir__units(y, j), width = x->width, stride = y->block;
    const float *strip = weights + weir__tile(y, x, j, 0);
    for (size_t s = first; s < last; s++) begin_slot(weir__values(y, s), units, bias ? bias + j * y->block : NULL);
    const size_t chunk = chunk_of(width, SHORT_CHUNK);
    const bool more = j + 1 < weir__blocks(y) && weir__units(y, j + 1) == units;
    // The tiles of a block share its successor's weights: of each four units that a tile goes over it sends for some.
    const size_t tiles = (last - first + DOT_ROWS - 1) / DOT_ROWS;
    const size_t each = tiles && tiles < DOT_UNITS ? (DOT_UNITS + tiles - 1) / tiles : 1;
    for (size_t k = 0; k < width; k += chunk) {
        const size_t count = width - k < chunk ? width - k : chunk;
        const size_t distance = k + chunk < width ? chunk : more ? units * width - k : 0;
        for (size_t s = first, tile = 0; s < last; tile++) {
            const size_t rows = few_rows_of_tile(last - s);
            const float *from[DOT_ROWS];
            for (size_t r = 0; r < rows; r++) from[r] = x->values + weir__row(y, s + r) * width + k;
            const size_t sent = least_of(tile * each, DOT_UNITS),
                         some = distance ? least_of(each, DOT_UNITS - sent) : 0;
            add_few_dots_of_rows(rows, units, weir__values(y, s), stride, from, strip + k, width, count,
                                 &(units_ahead){strip + k + distance + sent * width, width, some});
            s += rows;
        }
    }
}
