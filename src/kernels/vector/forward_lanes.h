// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward_lanes.h
/// The product of a dense y of few units: a lane is a unit. Weights are transposed, [i][unit], some at a time, and a
/// number of x times some vectors of them goes straight into the sums of its row: nothing is added up across lanes. A
/// piece is some rows, whose inputs and outputs nobody else goes to.
///
/// The sum of an output runs over i in order, block by block of a compact x.

#include "forward_rows.h"

enum {
    UNIT_VECTORS = 3, // of units, and the rows of a register tile
    LANE_UNITS = UNIT_VECTORS * LANES,
    LANE_ROWS = LANES == 16 ? 8 : 4,
    LANE_COLUMNS = 256 // of x, whose weights are transposed at a time
};

/// Weights of some units, transposed, and of how many columns.
typedef struct unit_lanes {
    const float *weights;
    size_t units, columns;
} unit_lanes;

/// y[r][u] += Σ_k x[r][k]·w[k][u] for rows × vectors of units (constants).
INLINE void add_unit_lanes(const int rows, const int vectors, float *const *y, const float *const *x,
                           const unit_lanes *w) {
    vec sum[UNIT_VECTORS * LANE_ROWS];
    const size_t tail = w->units - (size_t)(vectors - 1) * LANES;
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int v = 0; v < vectors - 1; v++) sum[r * vectors + v] = load(y[r] + v * LANES);
        sum[r * vectors + vectors - 1] = load_first(y[r] + (vectors - 1) * LANES, tail);
    }
    for (size_t k = 0; k < w->columns; k++) {
        vec wk[UNIT_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) {
            wk[v] = in_register(load(w->weights + (k * (size_t)vectors + (size_t)v) * LANES));
        }
        UNROLL for (int r = 0; r < rows; r++) {
            const vec xk = splat(x[r][k]);
            UNROLL for (int v = 0; v < vectors; v++) sum[r * vectors + v] += xk * wk[v];
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int v = 0; v < vectors - 1; v++) store(y[r] + v * LANES, sum[r * vectors + v]);
        store_first(y[r] + (vectors - 1) * LANES, sum[r * vectors + vectors - 1], tail);
    }
}

INLINE void add_unit_lanes_of_rows(const int vectors, size_t rows, float *const *y, const float *const *x,
                                   const unit_lanes *w) {
    if (rows == LANE_ROWS) {
        add_unit_lanes(LANE_ROWS, vectors, y, x, w);
        return;
    }
    size_t r = 0;
    for (; r + 2 <= rows; r += 2) add_unit_lanes(2, vectors, y + r, x + r, w);
    if (r < rows) add_unit_lanes(1, vectors, y + r, x + r, w);
}

/// For at most LANE_ROWS rows.
static void add_lanes_to_rows(size_t rows, float *const *y, const float *const *x, const unit_lanes *w) {
#define SOME_VECTORS(vectors) add_unit_lanes_of_rows(vectors, rows, y, x, w)
    WITH_CONSTANT((w->units + LANES - 1) / LANES, 3, SOME_VECTORS)
#undef SOME_VECTORS
}

static size_t lanes_of(size_t units) { return (units + LANES - 1) / LANES * LANES; }

/// Some rows of a dense side, dense x.
static void run_units_as_lanes(const void *context, weir__piece p) {
    const forward_product *f = context;
    const weir__side *y = f->y, *x = f->x;
    const weir__range own = weir__part(f->rows, p.index, p.count);
    float *transposed = f->scratch + p.lane * WEIR__THREAD_SCRATCH;
    for (size_t r = own.first; r < own.last; r++) begin_slot(weir__values(y, r), y->width, f->bias);
    for (size_t u = 0; u < y->width; u += LANE_UNITS) {
        for (size_t k = 0; k < x->width; k += LANE_COLUMNS) {
            const unit_lanes w = {transposed, least_of(y->width - u, LANE_UNITS), least_of(x->width - k, LANE_COLUMNS)};
            transpose_rows(transposed, lanes_of(w.units), w.units, f->weights + u * x->width + k, x->width, w.columns);
            for (size_t r = own.first, some = 0; r < own.last; r += some) {
                float *to[LANE_ROWS];
                const float *from[LANE_ROWS];
                some = least_of(own.last - r, LANE_ROWS);
                for (size_t i = 0; i < some; i++) {
                    to[i] = weir__values(y, r + i) + u;
                    from[i] = weir__values(x, r + i) + k;
                }
                add_lanes_to_rows(some, to, from, &w);
            }
        }
    }
}

/// Some rows of a dense side, compact x.
static void run_units_as_lanes_of_blocks(const void *context, weir__piece p) {
    const forward_product *f = context;
    const weir__side *y = f->y, *x = f->x;
    const weir__range own = weir__part(f->rows, p.index, p.count);
    float *transposed = f->scratch + p.lane * WEIR__THREAD_SCRATCH;
    for (size_t r = own.first; r < own.last; r++) begin_slot(weir__values(y, r), y->width, f->bias);
    for (size_t j = 0; j < weir__blocks(x); j++) {
        const weir__range all = {weir__first(x, j), weir__open(x, j, f->rows)};
        const weir__range slots = {weir__slot_from_row(x, all, own.first), weir__slot_from_row(x, all, own.last)};
        const size_t width = weir__units(x, j);
        const float *tile = f->weights + weir__tile(y, x, 0, j);
        for (size_t u = 0; slots.first < slots.last && u < y->width; u += LANE_UNITS) {
            for (size_t k = 0; k < width; k += LANE_COLUMNS) {
                const unit_lanes w = {transposed, least_of(y->width - u, LANE_UNITS),
                                      least_of(width - k, LANE_COLUMNS)};
                transpose_rows(transposed, lanes_of(w.units), w.units, tile + u * width + k, width, w.columns);
                for (size_t s = slots.first, some = 0; s < slots.last; s += some) {
                    float *to[LANE_ROWS];
                    const float *from[LANE_ROWS];
                    some = least_of(slots.last - s, LANE_ROWS);
                    for (size_t i = 0; i < some; i++) {
                        to[i] = weir__values(y, weir__row(x, s + i)) + u;
                        from[i] = weir__values(x, s + i) + k;
                    }
                    add_lanes_to_rows(some, to, from, &w);
                }
            }
        }
    }
}
