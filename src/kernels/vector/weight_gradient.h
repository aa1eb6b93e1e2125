// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file weight_gradient.h
/// dW[o][i] = Σ_r dy[r][o]·x[r][i] over the rows that are open on both sides of a tile.
///
/// A tile of W is a sum of outer products over its list of pairs. A register tile holds units × columns over the whole
/// list, so that each gradient is written once and never read. With one compact side the list is a block's
/// slots; with two it is the intersection of two blocks' rows, or, for tiles of a few weights, rank-one updates go
/// straight to memory. Threads own tiles, or columns of them when there are few.

/// One factor of the outer products: pair k is slot index[k], or first + k without an index.
typedef struct factor {
    const float *values;
    size_t stride, first;
    const int32_t *index;
} factor;

INLINE const float *factor_at(const factor *f, size_t k) {
    return f->values + (f->index ? (size_t)f->index[k] : f->first + k) * f->stride;
}

/// Weights that will be moved by a tile's sums: they are prefetched from memory while those are formed.
typedef struct target {
    const float *values;
    size_t stride;
} target;

/// Sends for count floats of some rows of weights.
INLINE void prefetch_rows(const float *from, size_t stride, const int rows, size_t count) {
    UNROLL for (int r = 0; r < rows; r++) prefetch_ahead(from + (size_t)r * stride, count);
}

/// sum[u][v] = Σ_k a_k[u]·b_k[v] for units × vectors (constants, at most 16) at the given unit and column.
INLINE void sum_outer(const int units, const int vectors, const bool partial, size_t tail, vec *sum, size_t unit,
                      size_t column, const factor *a, const factor *b, size_t count) {
    for (size_t k = 0; k < count; k++) {
        const float *ak = factor_at(a, k) + unit, *bk = factor_at(b, k) + column;
        vec row[8];
        UNROLL for (int v = 0; v < vectors; v++) row[v] = load_columns(partial, tail, bk + v * LANES);
        UNROLL for (int u = 0; u < units; u++) {
            const vec scale = splat(ak[u]);
            UNROLL for (int v = 0; v < vectors; v++) sum[u * vectors + v] += scale * row[v];
        }
    }
}

/// The numbers of a step of gradient descent, v of the first weight (with momentum), and Σ w² of each unit, lane by
/// lane.
typedef struct descent_numbers {
    vec rate, decay, momentum;
    float *velocity;
    vec *squares;
} descent_numbers;

/// What becomes of a tile's sums, a constant where it is inlined.
typedef enum outer_kind {
    ADDED,                 // they are added to a tile of gradients, or begin it
    DESCENDING,            // its weights move: w −= rate·(dW + decay·w)
    DESCENDING_BY_MOMENTUM // v = momentum·v + dW + decay·w, w −= rate·v
} outer_kind;

/// A tile, gradients or weights, of which row u begins at to + u·stride; and the count pairs that its sums run over.
typedef struct outer_tile {
    float *to;
    size_t stride, units;
    weir__range columns;
    const factor *a, *b;
    size_t count;
    bool fresh;               // ADDED: without the old values
    const target *next;       // ADDED: prefetched meanwhile
    const descent_numbers *n; // DESCENDING: the weights are then prefetched, too, as weights_after says
    const float *half;        // half of a tile that comes after it, as many columns; NULL: what is
    size_t distance;          // so many columns to the right
} outer_tile;

/// Weights that come later and are prefetched meanwhile: as many, or half as many units.
typedef struct coming_weights {
    const float *at;
    bool half;
} coming_weights;

/// Where the weights are that come after column c; beyond the last one those of the units below.
INLINE coming_weights weights_after(const outer_tile *t, size_t c) {
    const size_t columns = t->columns.last;
    if (t->half) return (coming_weights){t->half + c, true};
    if (c + t->distance < columns) return (coming_weights){t->to + c + t->distance, false};
    return (coming_weights){t->to + t->units * t->stride + (c + t->distance - columns), false};
}

INLINE void prefetch_for_outer(const outer_kind kind, const int units, const int vectors, const outer_tile *t,
                               size_t unit, size_t column) {
    const size_t count = (size_t)vectors * LANES, at = unit * t->stride;
    if (kind == ADDED) {
        const target *next = t->next;
        if (next) prefetch_rows(next->values + unit * next->stride + column, next->stride, units, count);
        return;
    }
    const coming_weights coming = weights_after(t, column);
    if (coming.half) {
        prefetch_rows(coming.at + unit / 2 * t->stride, t->stride, (units + 1) / 2, count);
        return;
    }
    prefetch_rows(coming.at + at, t->stride, units, count);
    if (kind == DESCENDING_BY_MOMENTUM)
        prefetch_rows(t->n->velocity + (coming.at - t->to) + at, t->stride, units, count);
}

/// Units × vectors (constants, at most 16) of a tile at the given unit and column.
INLINE void do_outer(const outer_kind kind, const int units, const int vectors, const bool partial, size_t tail,
                     const outer_tile *t, size_t unit, size_t column) {
    const descent_numbers *n = t->n;
    vec sum[16] = {{0}};
    prefetch_for_outer(kind, units, vectors, t, unit, column);
    sum_outer(units, vectors, partial, tail, sum, unit, column, t->a, t->b, t->count);
    UNROLL for (int u = 0; u < units; u++) {
        vec squares = kind == ADDED ? (vec){0} : n->squares[unit + (size_t)u];
        UNROLL for (int v = 0; v < vectors; v++) {
            const size_t at = (unit + (size_t)u) * t->stride + column + v * LANES;
            vec step = sum[u * vectors + v];
            if (kind == ADDED) {
                if (!t->fresh) step += load_columns(partial, tail, t->to + at);
                store_columns(partial, tail, t->to + at, step);
                continue;
            }
            vec now = load_columns(partial, tail, t->to + at);
            step += n->decay * now;
            if (kind == DESCENDING_BY_MOMENTUM) {
                step += n->momentum * load_columns(partial, tail, n->velocity + at);
                store_columns(partial, tail, n->velocity + at, step);
            }
            now -= n->rate * step;
            store_columns(partial, tail, t->to + at, now);
            squares += now * now;
        }
        if (kind != ADDED) n->squares[unit + (size_t)u] = squares;
    }
}

/// All units of a tile, for some vectors of columns.
INLINE void do_outer_of_units(const outer_kind kind, const int vectors, const bool partial, size_t tail,
                              const outer_tile *t, size_t column) {
    const int most = kind == ADDED ? TILE_SUMS : MOST_SUMS;
    size_t u = 0;
#define UNITS_AT_ONCE(some)                                                                                            \
    for (; ((some) == 1 || vectors * (some) <= most) && u + (some) <= t->units; u += (some))                           \
    do_outer(kind, some, vectors, partial, tail, t, u, column)
    UNITS_AT_ONCE(8);
    if (kind != ADDED) UNITS_AT_ONCE(6);
    UNITS_AT_ONCE(4);
    UNITS_AT_ONCE(2);
    UNITS_AT_ONCE(1);
#undef UNITS_AT_ONCE
}

/// A whole tile.
INLINE void do_outer_tile(const outer_kind kind, const outer_tile *t) {
    const size_t last = t->columns.last;
    size_t c = t->columns.first;
    for (; t->units < 4 && c + 8 * LANES <= last; c += 8 * LANES) do_outer_of_units(kind, 8, false, 0, t, c);
    for (; c + TILE_VECTORS * LANES <= last; c += TILE_VECTORS * LANES)
        do_outer_of_units(kind, TILE_VECTORS, false, 0, t, c);
    for (; c + LANES <= last; c += LANES) do_outer_of_units(kind, 1, false, 0, t, c);
    if (c < last) do_outer_of_units(kind, 1, true, last - c, t, c);
}

/// Columns first … last of a tile of gradients of some units, over count ≥ 1 pairs. next NULL: nothing is prefetched.
static void add_tile(float *to, size_t stride, size_t units, weir__range columns, bool fresh, const factor *a,
                     const factor *b, size_t count, const target *next) {
    const outer_tile t = {to, stride, units, columns, a, b, count, fresh, next, NULL, NULL, 0};
    do_outer_tile(ADDED, &t);
}

static void clear_tile(float *tile, size_t stride, size_t units, weir__range columns) {
    for (size_t u = 0; u < units; u++) {
        memset(tile + u * stride + columns.first, 0, (columns.last - columns.first) * sizeof *tile);
    }
}

// ---- dense x: strips of dy's blocks ---------------------------------------------------------------------------------

static void strip_gradient(size_t rows, weir__range blocks, weir__range columns, float *dweights,
                           const uint8_t *touched, const weir__side *dy, const weir__side *x) {
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const size_t first = weir__first(dy, j), count = weir__open(dy, j, rows) - first, units = weir__units(dy, j);
        float *strip = dweights + weir__tile(dy, x, j, 0);
        if (count) {
            const factor a = {dy->values, dy->block, first, NULL};
            const factor b = {x->values, x->width, first, dy->route ? dy->route->row + first : NULL};
            add_tile(strip, x->width, units, columns, true, &a, &b, count, NULL);
        } else if (!dy->route || touched[j]) {
            clear_tile(strip, x->width, units, columns);
        }
    }
}

// ---- dense dy, compact x: tiles of x's blocks -----------------------------------------------------------------------

static void column_gradient(weir__range blocks, float *dweights, uint8_t *touched, const weir__side *dy,
                            const weir__side *x) {
    const size_t height = dy->width;
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const size_t first = weir__first(x, j), count = weir__open(x, j, 0) - first, width = weir__units(x, j);
        float *tile = dweights + weir__tile(dy, x, 0, j);
        if (count) {
            const factor a = {dy->values, height, first, x->route->row + first};
            const factor b = {x->values, x->block, first, NULL};
            if (width == 1) { // a column: contiguous along o
                add_tile(tile, height, 1, (weir__range){0, height}, true, &b, &a, count, NULL);
            } else {
                add_tile(tile, width, height, (weir__range){0, width}, true, &a, &b, count, NULL);
            }
        } else if (touched[j]) {
            memset(tile, 0, height * width * sizeof *tile);
        }
        touched[j] = count != 0;
    }
}

// ---- both compact ---------------------------------------------------------------------------------------------------

enum { ROWS_AT_ONCE = 1024 }; // whose slots are looked up on the stack

/// Weight gradient between two sides in blocks of one unit: a strip is a row of W, each weight a tile.
static void unit_tiles(float *strip, uint8_t *touched, const weir__side *dy, size_t jo, const weir__side *x) {
    for (size_t ji = 0; ji < x->width; ji++) strip[ji] = touched[ji] ? 0 : strip[ji];
    memset(touched, 0, x->width);
    for (size_t so = weir__first(dy, jo); so < weir__open(dy, jo, 0); so++) {
        const weir__entries entries = weir__entries_of(x, weir__row(dy, so));
        const float a = *weir__values(dy, so);
        for (size_t e = entries.first; e < entries.open; e++) {
            const size_t ji = (size_t)x->route->row_block[e];
            const float former = touched[ji] ? strip[ji] : 0;
            strip[ji] = former + a * x->values[x->route->row_slot[e]];
            touched[ji] = 1;
        }
    }
}

/// Tiles of a few weights: each row adds its rank-one update to the tiles of its open input blocks.
static void small_tiles(float *dweights, uint8_t *touched, const weir__side *dy, size_t jo, const weir__side *x) {
    const size_t height = weir__units(dy, jo);
    for (size_t ji = 0; ji < weir__blocks(x); ji++) {
        if (!touched[ji]) continue;
        float *tile = dweights + weir__tile(dy, x, jo, ji);
        for (size_t k = 0; k < height * weir__units(x, ji); k++) tile[k] = 0;
        touched[ji] = 0;
    }
    for (size_t so = weir__first(dy, jo); so < weir__open(dy, jo, 0); so++) {
        const size_t row = weir__row(dy, so);
        const weir__entries entries = weir__entries_of(x, row);
        const float *a = weir__values(dy, so);
        for (size_t e = entries.first; e < entries.open; e++) {
            const size_t ji = weir__entry_block(x, e), width = weir__units(x, ji);
            const float *b = weir__values(x, weir__entry_slot(x, row, e));
            float *tile = dweights + weir__tile(dy, x, jo, ji);
            const bool fresh = !touched[ji];
            touched[ji] = 1;
            for (size_t u = 0; u < height; u++) {
                for (size_t i = 0; i < width; i++) {
                    tile[u * width + i] = a[u] * b[i] + (fresh ? 0 : tile[u * width + i]);
                }
            }
        }
    }
}

/// The pairs of tile (jo, ji) with rows in [from, from + ROWS_AT_ONCE), found by looking x's rows up in dy's.
static size_t find_pairs(int32_t *pairs_dy, int32_t *pairs_x, const int32_t *slot_of_row, size_t from,
                         const weir__side *x, size_t ji) {
    const int32_t *row = x->route->row, open = x->route->open[ji];
    int32_t s = x->route->start[ji];
    size_t count = 0;
    if (from) s = (int32_t)weir__slot_from_row(x, (weir__range){(size_t)s, (size_t)open}, from);
    for (; s < open && (size_t)row[s] < from + ROWS_AT_ONCE; s++) {
        pairs_dy[count] = slot_of_row[(size_t)row[s] - from];
        pairs_x[count] = s;
        count += pairs_dy[count] >= 0;
    }
    return count;
}

/// Adds to the tiles of strip jo what its slots first … last give, whose rows lie in [from, from + ROWS_AT_ONCE).
static void strip_of_rows(float *dweights, uint8_t *found, const weir__side *dy, size_t jo, size_t from, size_t first,
                          size_t last, const weir__side *x) {
    int32_t slot_of_row[ROWS_AT_ONCE], pairs_dy[ROWS_AT_ONCE], pairs_x[ROWS_AT_ONCE];
    memset(slot_of_row, -1, sizeof slot_of_row);
    for (size_t s = first; s < last; s++) slot_of_row[weir__row(dy, s) - from] = (int32_t)s;
    const size_t height = weir__units(dy, jo);
    for (size_t ji = 0; ji < weir__blocks(x); ji++) {
        const size_t count = find_pairs(pairs_dy, pairs_x, slot_of_row, from, x, ji), width = weir__units(x, ji);
        if (!count) continue;
        const factor a = {dy->values, dy->block, 0, pairs_dy}, b = {x->values, x->block, 0, pairs_x};
        float *tile = dweights + weir__tile(dy, x, jo, ji);
        const bool fresh = !(found[ji] & 2);
        if (width == 1) {
            add_tile(tile, height, 1, (weir__range){0, height}, fresh, &b, &a, count, NULL);
        } else {
            add_tile(tile, width, height, (weir__range){0, width}, fresh, &a, &b, count, NULL);
        }
        found[ji] |= 2;
    }
}

/// Tiles of many weights: pair lists. While a strip is worked on, bit 1 of a flag says that its tile has been written.
static void large_tiles(float *dweights, uint8_t *touched, const weir__side *dy, size_t jo, const weir__side *x) {
    const size_t end = weir__open(dy, jo, 0);
    for (size_t first = weir__first(dy, jo); first < end;) {
        const size_t from = weir__row(dy, first) / ROWS_AT_ONCE * ROWS_AT_ONCE;
        size_t last = first;
        while (last < end && weir__row(dy, last) < from + ROWS_AT_ONCE) last++;
        strip_of_rows(dweights, touched, dy, jo, from, first, last, x);
        first = last;
    }
    for (size_t ji = 0; ji < weir__blocks(x); ji++) {
        if (touched[ji] == 1) {
            memset(dweights + weir__tile(dy, x, jo, ji), 0,
                   weir__units(dy, jo) * weir__units(x, ji) * sizeof *dweights);
        }
        touched[ji] = touched[ji] > 1;
    }
}

static void pair_gradient(weir__range blocks, float *dweights, uint8_t *touched, const weir__side *dy,
                          const weir__side *x) {
    enum { SMALL_TILE = 64 };
    const size_t area = dy->block * x->block;
    for (size_t jo = blocks.first; jo < blocks.last; jo++) {
        uint8_t *flags = touched + jo * weir__blocks(x);
        if (area == 1) {
            unit_tiles(dweights + jo * x->width, flags, dy, jo, x);
        } else {
            (area < SMALL_TILE ? small_tiles : large_tiles)(dweights, flags, dy, jo, x);
        }
    }
}

// ---- all cases ------------------------------------------------------------------------------------------------------

static void bias_gradient(weir__range blocks, float *dbias, uint8_t *touched, const weir__side *dy) {
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const size_t first = weir__first(dy, j), open = weir__open(dy, j, 0), units = weir__units(dy, j);
        float *sum = dbias + j * dy->block;
        if (first < open || touched[j]) memset(sum, 0, units * sizeof *sum);
        for (size_t s = first; s < open; s++) {
            const float *from = weir__values(dy, s);
            for (size_t u = 0; u < units; u++) sum[u] += from[u];
        }
        touched[j] = first < open;
    }
}

typedef struct weight_product {
    size_t rows;
    float *dweights, *dbias;
    uint8_t *touched, *bias_touched;
    const weir__side *dy, *x;
} weight_product;

static void bias_of_blocks(const weight_product *g, weir__range blocks) {
    if (g->dbias && g->dy->route) bias_gradient(blocks, g->dbias, g->bias_touched, g->dy);
}

static void run_pair_gradient(const void *context, weir__piece p) {
    const weight_product *g = context;
    const weir__range blocks = weir__blocks_of_part(g->dy, p.index, p.count);
    pair_gradient(blocks, g->dweights, g->touched, g->dy, g->x);
    bias_of_blocks(g, blocks);
}

static void run_column_gradient(const void *context, weir__piece p) {
    const weight_product *g = context;
    column_gradient(weir__blocks_of_part(g->x, p.index, p.count), g->dweights, g->touched, g->dy, g->x);
}

/// Many strips: whole ones to each part. Few: some columns of every one.
static void run_strip_gradient(const void *context, weir__piece p) {
    enum { GROUP = 64 };
    const weight_product *g = context;
    const weir__range blocks = weir__blocks_of_part(g->dy, p.index, p.count);
    const size_t strips = weir__blocks(g->dy);
    if (strips >= 8 * p.count) {
        strip_gradient(g->rows, blocks, (weir__range){0, g->x->width}, g->dweights, g->touched, g->dy, g->x);
    } else {
        const weir__range columns = weir__groups_of_part(g->x->width, GROUP, p.index, p.count);
        strip_gradient(g->rows, (weir__range){0, strips}, columns, g->dweights, g->touched, g->dy, g->x);
    }
    bias_of_blocks(g, blocks);
}

static const weir__strategy weight_gradient_strategies[] = {
    {.name = "tiles", .applies = weir__both_compact, .run = run_pair_gradient},
    {.name = "columns", .applies = weir__dense_before_blocks, .run = run_column_gradient},
    {.name = "strips", .applies = weir__in_is_dense, .run = run_strip_gradient},
    {0},
};

static void weight_gradient(size_t rows, float *dweights, float *dbias, uint8_t *touched, uint8_t *bias_touched,
                            const weir__side *dy, const weir__side *x) {
    const size_t strips = weir__blocks(dy), open_x = x->route ? x->route->open_slots : rows;
    const double work = (double)dy->width * (double)open_x * (double)x->block;
    const weight_product g = {rows, dweights, dbias, touched, bias_touched, dy, x};
    const weir__case c = weir__case_of(WEIR_OPERATION_WEIGHT_GRADIENT, rows, dy, x);
    weir__parallel(weir__parts_for(work), weir__strategy_choose(weight_gradient_strategies, &c)->run, &g);
    if (!x->route) {
        for (size_t j = 0; j < strips; j++) {
            touched[j] = !dy->route || weir__first(dy, j) < weir__open(dy, j, rows);
        }
    }
    if (dbias && !dy->route) {
        weir__sum_columns(rows, dy->width, dbias, dy->values);
        if (bias_touched) memset(bias_touched, 1, strips);
    }
}
