// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward.h
/// y[slot][o] = Σ_i x[row][i]·W[o][i] + bias[o].
///
/// Dense x: weights and inputs are both contiguous along i, so an output is a dot product of two vectors of memory and
/// nothing is packed or gathered. A register tile holds rows × units partial sums, and a chunk of i is chosen so that
/// a tile's rows and units stay in the first-level cache. Blocks of one unit have a tile of their own.
/// Compact x: row by row, the dot product running through the row's open blocks; with blocks of one unit (a
/// tile is then a column) a sum of columns, vectorised over the outputs.

#include <omp.h>
#include <stdbool.h>
#include <string.h>

#include "lanes.h"

#include "../side.h"

enum { CHUNK = 768 };       // 4 rows and 4 units of 768 floats: 24 KiB
enum { UNIT_CHUNK = 4096 }; // one unit: 16 KiB
enum { MOST_UNIT_ROWS = TILE_SUMS / 2 };

/// y[r][u] += Σ_{k<count} x[r][k]·w[u][k] for rows × units outputs (both constants where it is inlined, at most 16).
INLINE void add_dots(const int rows, const int units, float *y, size_t y_stride, const float *const *x, const float *w,
                     size_t w_stride, size_t count) {
    vec sum[16] = {{0}};
    size_t k = 0;
    for (; k + LANES <= count; k += LANES) {
        vec wk[8];
        UNROLL for (int u = 0; u < units; u++) wk[u] = load(w + (size_t)u * w_stride + k);
        UNROLL for (int r = 0; r < rows; r++) {
            const vec xk = load(x[r] + k);
            UNROLL for (int u = 0; u < units; u++) sum[r * units + u] += xk * wk[u];
        }
    }
    if (k < count) {
        vec wk[8];
        UNROLL for (int u = 0; u < units; u++) wk[u] = load_first(w + (size_t)u * w_stride + k, count - k);
        UNROLL for (int r = 0; r < rows; r++) {
            const vec xk = load_first(x[r] + k, count - k);
            UNROLL for (int u = 0; u < units; u++) sum[r * units + u] += xk * wk[u];
        }
    }
    // Lanes beyond rows·units hold 0 and are dropped.
    UNROLL for (int q = 0; q < rows * units; q += 4) {
        const four total = sums(sum[q], sum[q + 1], sum[q + 2], sum[q + 3]);
        if (units % 4 == 0) {
            four_at *to = (four_at *)(y + (size_t)(q / units) * y_stride + (size_t)(q % units));
            *to += total;
            continue;
        }
        UNROLL for (int p = 0; p < 4; p++) {
            const int r = (q + p) / units, u = (q + p) % units;
            if (r < rows) y[(size_t)r * y_stride + (size_t)u] += total[p];
        }
    }
}

/// The same for any number of units.
INLINE void add_dots_of_units(const int rows, size_t units, float *y, size_t y_stride, const float *const *x,
                              const float *w, size_t w_stride, size_t count) {
    size_t u = 0;
    if (rows == 1) {
        for (; u + 8 <= units; u += 8) add_dots(rows, 8, y + u, y_stride, x, w + u * w_stride, w_stride, count);
    }
    for (; u + 4 <= units; u += 4) add_dots(rows, 4, y + u, y_stride, x, w + u * w_stride, w_stride, count);
    switch (units - u) {
    case 3:
        add_dots(rows, 3, y + u, y_stride, x, w + u * w_stride, w_stride, count);
        break;
    case 2:
        add_dots(rows, 2, y + u, y_stride, x, w + u * w_stride, w_stride, count);
        break;
    case 1:
        add_dots(rows, 1, y + u, y_stride, x, w + u * w_stride, w_stride, count);
        break;
    default:
        break;
    }
}

static void add_dots_of_rows(size_t rows, size_t units, float *y, size_t y_stride, const float *const *x,
                             const float *w, size_t w_stride, size_t count) {
    switch (rows) {
    case 4:
        add_dots_of_units(4, units, y, y_stride, x, w, w_stride, count);
        break;
    case 3:
        add_dots_of_units(3, units, y, y_stride, x, w, w_stride, count);
        break;
    case 2:
        add_dots_of_units(2, units, y, y_stride, x, w, w_stride, count);
        break;
    default:
        add_dots_of_units(1, units, y, y_stride, x, w, w_stride, count);
        break;
    }
}

/// The output before anything is added.
static void begin_slot(float *y, size_t units, const float *bias) {
    for (size_t u = 0; u < units; u++) y[u] = bias ? bias[u] : 0;
}

/// A thread's part of count things, in whole groups.
static weir__range groups_of_part(size_t count, size_t group, size_t part, size_t parts) {
    weir__range own = weir__part((count + group - 1) / group, part, parts);
    own.first *= group;
    own.last = own.last * group < count ? own.last * group : count;
    return own;
}

/// The columns of x that are taken at a time.
static size_t chunk_of(size_t width, size_t most) {
    const size_t chunks = (width + most - 1) / most;
    return chunks ? ((width + chunks - 1) / chunks + LANES - 1) / LANES * LANES : 0;
}

/// Units first … last of a dense side, dense x, few rows. The weights of some units stay in the second-level cache
/// while all rows pass: they are read from memory once.
static void forward_dense_units(weir__range units, size_t rows, const weir__side *y, const weir__side *x,
                                const float *weights, const float *bias) {
    enum { CACHED = 32768 }; // floats of weights
    const size_t in = x->width, chunk = chunk_of(in, CHUNK), fit = chunk ? CACHED / chunk / 4 * 4 : y->width;
    for (size_t r = 0; r < rows; r++) {
        begin_slot(y->values + r * y->width + units.first, units.last - units.first, bias ? bias + units.first : NULL);
    }
    for (size_t u = units.first; u < units.last; u += fit) {
        const size_t some = units.last - u < fit ? units.last - u : fit;
        for (size_t k = 0; k < in; k += chunk) {
            const size_t count = in - k < chunk ? in - k : chunk;
            for (size_t r = 0; r < rows; r += TILE_ROWS) {
                const size_t group = rows - r < TILE_ROWS ? rows - r : TILE_ROWS;
                const float *from[TILE_ROWS];
                for (size_t i = 0; i < group; i++) from[i] = x->values + (r + i) * in + k;
                add_dots_of_rows(group, some, y->values + r * y->width + u, y->width, from, weights + u * in + k, in,
                                 count);
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
        fetch_ahead(w + k + ahead, 2 * LANES);
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

/// Slots first … last of a block of one unit.
static void forward_unit(size_t first, size_t last, const weir__side *y, const weir__side *x, const float *w) {
    const size_t width = x->width, chunk = chunk_of(width, UNIT_CHUNK);
    for (size_t k = 0; k < width; k += chunk) {
        const size_t count = width - k < chunk ? width - k : chunk;
        for (size_t s = first; s < last;) {
            const size_t rows = last - s < MOST_UNIT_ROWS ? last - s : MOST_UNIT_ROWS;
            const float *from[MOST_UNIT_ROWS];
            for (size_t r = 0; r < rows; r++) from[r] = x->values + weir__row(y, s + r) * width + k;
            switch (rows) {
#define CASE(rows)                                                                                                     \
    case rows:                                                                                                         \
        add_dots_of_unit(rows, weir__values(y, s), y->block, from, w + k, count, width);                               \
        break
                CASE(1);
                CASE(2);
                CASE(3);
                CASE(4);
#if LANES == 16
                CASE(5);
                CASE(6);
                CASE(7);
                CASE(8);
#endif
#undef CASE
            default:
                break;
            }
            s += rows;
        }
    }
}

/// Slots first … last of block j, dense x.
static void forward_dense_block(const weir__side *y, size_t j, size_t first, size_t last, const weir__side *x,
                                const float *weights, const float *bias) {
    const size_t units = weir__units(y, j), width = x->width, stride = y->block;
    const float *strip = weights + weir__tile(y, x, j, 0);
    for (size_t s = first; s < last; s++) begin_slot(weir__values(y, s), units, bias ? bias + j * y->block : NULL);
    const size_t chunk = chunk_of(width, CHUNK);
    if (units == 1) {
        forward_unit(first, last, y, x, strip);
        return;
    }
    for (size_t k = 0; k < width; k += chunk) {
        const size_t count = width - k < chunk ? width - k : chunk;
        for (size_t s = first; s < last;) {
            const size_t left = last - s, rows = left < TILE_ROWS ? left : TILE_ROWS;
            const float *from[TILE_ROWS];
            for (size_t r = 0; r < rows; r++) from[r] = x->values + weir__row(y, s + r) * width + k;
            add_dots_of_rows(rows, units, weir__values(y, s), stride, from, strip + k, width, count);
            s += rows;
        }
    }
}

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

static void forward_slots(weir__range slots, size_t rows, const weir__side *y, const weir__side *x,
                          const float *weights, const float *bias) {
    for (size_t j = weir__block_of_slot(y, slots.first); slots.first < slots.last; j++) {
        const size_t end = weir__evaluated(y, j, rows), last = end < slots.last ? end : slots.last;
        if (!x->route) {
            forward_dense_block(y, j, slots.first, last, x, weights, bias);
        } else {
            for (size_t s = slots.first; s < last; s++) forward_compact_slot(y, j, s, x, weights, bias);
        }
        slots.first = last;
    }
}

static void forward(size_t rows, const weir__side *y, const weir__side *x, const float *weights, const float *bias) {
    const size_t slots = weir__slots(y, rows), open_x = x->route ? x->route->open_slots : rows;
    if (!slots || !y->width) return;
    // About: each slot of y has the mean row's open inputs.
    const double work = (double)slots * (double)y->block * (double)open_x * (double)x->block / (double)rows;
#pragma omp parallel num_threads(weir_threads()) if (work > weir__small_work)
    {
        const size_t part = (size_t)omp_get_thread_num(), parts = (size_t)omp_get_num_threads();
        if (y->route || x->route) {
            forward_slots(weir__part(slots, part, parts), rows, y, x, weights, bias);
        } else {
            forward_dense_units(groups_of_part(y->width, 16, part, parts), rows, y, x, weights, bias);
        }
    }
}
