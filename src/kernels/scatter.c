// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Compact values to dense arrays and back, block by block.
//
// Blocks of one unit are the hard case: their slots follow each other row by row, while in a dense array each row's
// value lies in a cache line of its own, and rows that are a power of two apart all fall into the same few places of a
// cache. So these go through a small tile of SOME units × MOST_ROWS rows, which is filled or emptied line by line.

#include "scatter.h"

#include <string.h>

#include "side.h"

enum { SOME = 16, MOST_ROWS = 256 };

typedef float tile_values[SOME][MOST_ROWS];

static void copy(float *to, const float *from, size_t units) {
    if (units == 8) {
        memcpy(to, from, 8 * sizeof *to); // a load and a store
    } else {
        memcpy(to, from, units * sizeof *to);
    }
}

/// A tile: units first … first + count of the rows from … from + rows.
typedef struct tile {
    size_t first, count, from, rows;
} tile;

/// Slots of block j, from *at on, whose rows lie in the tile: *at … the result. Rows ascend.
static size_t slots_in(const weir__side *side, const tile *t, size_t at, size_t end) {
    const int32_t *row = side->route->row, past = (int32_t)(t->from + t->rows);
    if (end - at <= t->rows && (at == end || row[end - 1] < past)) return end; // most often: all that are left
    return weir__slot_from_row(side, (weir__range){at, end}, t->from + t->rows);
}

// ---- blocks of one unit --------------------------------------------------------------------------------------------

static void gather_part(const weir__side *side, const tile *t, size_t slot, size_t end, const float *column, float bias,
                        bool add) {
    const int32_t *row = side->route->row;
    float *to = side->values;
    if (add) {
        for (; slot < end; slot++) to[slot] += column[(size_t)row[slot] - t->from];
    } else if (end - slot == t->rows) { // all of them
        for (size_t r = 0; r < t->rows; r++) to[slot + r] = column[r] + bias;
    } else {
        for (; slot < end; slot++) to[slot] = column[(size_t)row[slot] - t->from] + bias;
    }
}

static void take_tile(tile_values values, const tile *t, const float *dense, size_t stride) {
    for (size_t r = 0; r < t->rows; r++) {
        const float *line = dense + (t->from + r) * stride + t->first;
        for (size_t u = 0; u < t->count; u++) values[u][r] = line[u];
    }
}

/// Units first … first + count, each a block.
static void gather_units(const weir__side *side, size_t rows, size_t first, size_t count, const float *dense,
                         weir__strides at, const float *bias, bool add) {
    tile_values values;
    size_t slot[2][SOME]; // open, closed
    for (size_t u = 0; u < count; u++) {
        slot[0][u] = weir__first(side, first + u);
        slot[1][u] = weir__open(side, first + u, rows);
    }
    for (size_t from = 0; from < rows; from += MOST_ROWS) {
        const tile t = {first, count, from, rows - from < MOST_ROWS ? rows - from : MOST_ROWS};
        if (at.unit == 1) take_tile(values, &t, dense, at.row);
        for (size_t u = 0; u < count; u++) {
            const float *column = at.unit == 1 ? values[u] : dense + (first + u) * at.unit + from;
            const float more = bias ? bias[first + u] : 0;
            for (size_t kind = 0; kind < 2; kind++) {
                const size_t last =
                    kind == 0 ? weir__open(side, first + u, rows) : weir__evaluated(side, first + u, rows);
                const size_t end = slots_in(side, &t, slot[kind][u], last);
                gather_part(side, &t, slot[kind][u], end, column, more, add);
                slot[kind][u] = end;
            }
        }
    }
}

static void scatter_part(const weir__side *side, const tile *t, size_t slot, size_t end, float *column) {
    const int32_t *row = side->route->row;
    if (end - slot == t->rows) {
        memcpy(column, side->values + slot, t->rows * sizeof *column);
        return;
    }
    memset(column, 0, t->rows * sizeof *column);
    for (; slot < end; slot++) column[(size_t)row[slot] - t->from] = side->values[slot];
}

static void put_tile(float *dense, size_t stride, const tile *t, tile_values values) {
    for (size_t r = 0; r < t->rows; r++) {
        float *line = dense + (t->from + r) * stride + t->first;
        for (size_t u = 0; u < t->count; u++) line[u] = values[u][r];
    }
}

static void scatter_units(const weir__side *side, size_t rows, size_t first, size_t count, float *dense,
                          weir__strides at) {
    tile_values values;
    size_t slot[SOME];
    for (size_t u = 0; u < count; u++) slot[u] = weir__first(side, first + u);
    for (size_t from = 0; from < rows; from += MOST_ROWS) {
        const tile t = {first, count, from, rows - from < MOST_ROWS ? rows - from : MOST_ROWS};
        for (size_t u = 0; u < count; u++) {
            const size_t end = slots_in(side, &t, slot[u], weir__open(side, first + u, rows));
            scatter_part(side, &t, slot[u], end, at.unit == 1 ? values[u] : dense + (first + u) * at.unit + from);
            slot[u] = end;
        }
        if (at.unit == 1) put_tile(dense, at.row, &t, values);
    }
}

// ---- blocks of several units ---------------------------------------------------------------------------------------

static void gather_block(const weir__side *side, size_t j, const float *dense, const float *bias, bool add) {
    const size_t units = weir__units(side, j), end = weir__evaluated(side, j, 0);
    const float *from = dense + j * side->block;
    for (size_t slot = weir__first(side, j); slot < end; slot++) {
        float *to = weir__values(side, slot);
        const float *line = from + weir__row(side, slot) * side->width;
        if (add) {
            for (size_t u = 0; u < units; u++) to[u] += line[u];
            continue;
        }
        copy(to, line, units);
        for (size_t u = 0; bias && u < units; u++) to[u] += bias[j * side->block + u];
    }
}

static void scatter_block(const weir__side *side, size_t rows, size_t j, float *dense) {
    const size_t units = weir__units(side, j), end = weir__open(side, j, rows);
    float *to = dense + j * side->block;
    size_t r = 0; // the next row that has not been written
    for (size_t slot = weir__first(side, j); slot < end; slot++, r++) {
        for (const size_t row = weir__row(side, slot); r < row; r++) {
            memset(to + r * side->width, 0, units * sizeof *to);
        }
        copy(to + r * side->width, weir__values(side, slot), units);
    }
    for (; r < rows; r++) memset(to + r * side->width, 0, units * sizeof *to);
}

// ---- both ----------------------------------------------------------------------------------------------------------

typedef struct move {
    const weir__side *side;
    size_t rows;
    float *dense;
    weir__strides at;
    const float *bias;
    bool add;
} move;

/// Goes over the blocks of a side, of one unit each SOME at a time.
static void for_blocks(const move *m, weir__range_function *function) {
    const size_t groups = m->side->block == 1 ? (m->side->width + SOME - 1) / SOME : weir__blocks(m->side);
    if (!groups) return;
    const double values = (double)m->rows * (double)m->side->width;
    weir__parallel_ranges(groups, 0.5 * values / (double)groups, function, m);
}

static void gather_range(const void *context, weir__range groups) {
    const move *m = context;
    const size_t blocks = weir__blocks(m->side);
    for (size_t g = groups.first; g < groups.last; g++) {
        const size_t j = m->side->block == 1 ? g * SOME : g;
        if (m->side->block == 1) {
            gather_units(m->side, m->rows, j, blocks - j < SOME ? blocks - j : SOME, m->dense, m->at, m->bias, m->add);
        } else {
            gather_block(m->side, j, m->dense, m->bias, m->add);
        }
    }
}

void weir__gather(const weir__side *side, size_t rows, const float *dense, weir__strides at, const float *bias) {
    for_blocks(&(move){side, rows, (float *)(uintptr_t)dense, at, bias, false}, gather_range); // which reads it only
}

void weir__gather_add(const weir__side *side, size_t rows, const float *dense) {
    for_blocks(&(move){side, rows, (float *)(uintptr_t)dense, weir__by_rows(side), NULL, true}, gather_range);
}

static void scatter_range(const void *context, weir__range groups) {
    const move *m = context;
    const size_t blocks = weir__blocks(m->side);
    for (size_t g = groups.first; g < groups.last; g++) {
        const size_t j = m->side->block == 1 ? g * SOME : g;
        if (m->side->block == 1) {
            scatter_units(m->side, m->rows, j, blocks - j < SOME ? blocks - j : SOME, m->dense, m->at);
        } else {
            scatter_block(m->side, m->rows, j, m->dense);
        }
    }
}

void weir__scatter(const weir__side *side, size_t rows, float *dense, weir__strides at) {
    for_blocks(&(move){side, rows, dense, at, NULL, false}, scatter_range);
}
