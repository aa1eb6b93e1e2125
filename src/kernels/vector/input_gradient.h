// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file input_gradient.h
/// dx[slot][i] = Σ_o dy[row][o]·W[o][i].
///
/// Weights are contiguous along i, so rows of W are added up. Where rows share a block's weights (a dense side, blocks
/// of some units; two compact sides whose tiles have several rows each) a register tile holds rows × columns; elsewhere
/// it holds one row's columns while the sum runs through the row's open blocks. Threads own columns of a dense dx,
/// slots or blocks of a compact one.

/// Weights that are wanted next: `step` floats of them, at most a line, are prefetched with each row of weights.
typedef struct drip {
    const float *at;
    size_t step;
} drip;

/// to[r][column + c] (+)= Σ_{k<count} a[r][k]·w[k][c] for rows × vectors (constants, at most 16); fresh: without the
/// old value. A partial vector has tail lanes.
INLINE void add_products(const int rows, const int vectors, const bool partial, size_t tail, bool fresh,
                         float *const *to, size_t column, const float *const *a, const float *w, size_t w_stride,
                         size_t count, drip *coming) {
    vec sum[16] = {{0}};
    const drip from_memory = *coming;
    coming->at += count * from_memory.step;
    for (size_t k = 0; k < count; k++) {
        const float *from = w + k * w_stride;
        vec wk[4];
        __builtin_prefetch(from_memory.at + k * from_memory.step, 0, 2);
        UNROLL for (int v = 0; v < vectors; v++) wk[v] = load_columns(partial, tail, from + v * LANES);
        UNROLL for (int r = 0; r < rows; r++) {
            const vec ak = splat(a[r][k]);
            UNROLL for (int v = 0; v < vectors; v++) sum[r * vectors + v] += ak * wk[v];
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            float *at = to[r] + column + v * LANES;
            vec total = sum[r * vectors + v];
            if (!fresh) total += load_columns(partial, tail, at);
            store_columns(partial, tail, at, total);
        }
    }
}

/// add_products for columns first … last; w begins at column first.
INLINE void add_products_of_columns(const int rows, bool fresh, float *const *to, size_t first, size_t last,
                                    const float *const *a, const float *w, size_t w_stride, size_t count,
                                    drip *coming) {
    size_t c = first;
    if (rows * TILE_VECTORS <= MOST_SUMS) {
        for (; c + TILE_VECTORS * LANES <= last; c += TILE_VECTORS * LANES) {
            add_products(rows, TILE_VECTORS, false, 0, fresh, to, c, a, w + (c - first), w_stride, count, coming);
        }
    }
    for (; rows * 2 <= TILE_SUMS && c + 2 * LANES <= last; c += 2 * LANES) {
        add_products(rows, 2, false, 0, fresh, to, c, a, w + (c - first), w_stride, count, coming);
    }
    for (; c + LANES <= last; c += LANES)
        add_products(rows, 1, false, 0, fresh, to, c, a, w + (c - first), w_stride, count, coming);
    if (c < last) add_products(rows, 1, true, last - c, fresh, to, c, a, w + (c - first), w_stride, count, coming);
}

/// rows: of those that rows_of_tile gives.
static void add_products_of_rows(size_t rows, bool fresh, float *const *to, size_t first, size_t last,
                                 const float *const *a, const float *w, size_t w_stride, size_t count, drip *coming) {
#define SOME_ROWS(rows) add_products_of_columns(rows, fresh, to, first, last, a, w, w_stride, count, coming)
#if LANES == 16
    WITH_CONSTANT(rows, 8, SOME_ROWS)
#else
    WITH_CONSTANT(rows, 6, SOME_ROWS)
#endif
#undef SOME_ROWS
}

/// How many of the rows left go into the next tile. A tile of one or two rows takes as long as one of four.
static size_t rows_of_tile(size_t left, size_t columns) {
#if LANES == 16
    if (left >= 8 && columns <= 2 * LANES) return 8;
#else
    (void)columns;
    if (left > 8 || left == 6 || left == 5) return least_of(left, 6);
#endif
    return left < 4 ? left : 4;
}

// ---- dense dx, blocks of dy with several units: block by block, each thread on columns of its own -------------------

/// The products of some units of a block.
static void add_units_to_dense(const weir__side *dx, size_t first, size_t last, const weir__side *dy, size_t j,
                               weir__range units, size_t rows, const float *weights) {
    const size_t open = weir__open(dy, j, rows);
    const float *w = weights + weir__tile(dy, dx, j, 0) + units.first * dx->width + first;
    for (size_t s = weir__first(dy, j); s < open;) {
        const size_t group = rows_of_tile(open - s, last - first);
        float *to[8];
        const float *a[8];
        for (size_t r = 0; r < group; r++) {
            to[r] = dx->values + weir__row(dy, s + r) * dx->width;
            a[r] = weir__values(dy, s + r) + units.first;
        }
        add_products_of_rows(group, false, to, first, last, a, w, dx->width, units.last - units.first, &(drip){w, 0});
        s += group;
    }
}

/// A piece of the weights at a time, which stays in the second-level cache while the rows pass.
static void add_block_to_dense(const weir__side *dx, size_t first, size_t last, const weir__side *dy, size_t j,
                               weir__range units, size_t rows, const float *weights) {
    enum { COLUMNS = TILE_VECTORS * LANES, UNITS = 512 };
    for (size_t u = units.first; u < units.last; u += UNITS) {
        const weir__range some = {u, least_of(u + UNITS, units.last)};
        for (size_t c = first; c < last; c += COLUMNS) {
            add_units_to_dense(dx, c, last - c < COLUMNS ? last : c + COLUMNS, dy, j, some, rows, weights);
        }
    }
}

static void dense_by_blocks(weir__range columns, size_t rows, const weir__side *dx, const weir__side *dy,
                            const float *weights, float *scratch) {
    (void)scratch;                        // sums are formed in place
    enum { CACHED = 65536, NARROW = 64 }; // floats of dx that stay in the second-level cache; least columns
    size_t chunk = CACHED / rows / NARROW * NARROW;
    if (chunk < NARROW) chunk = NARROW;
    for (size_t first = columns.first; first < columns.last; first += chunk) {
        const size_t last = columns.last - first < chunk ? columns.last : first + chunk;
        for (size_t r = 0; r < rows; r++) memset(dx->values + r * dx->width + first, 0, (last - first) * sizeof(float));
        for (size_t j = 0; j < weir__blocks(dy); j++) {
            add_block_to_dense(dx, first, last, dy, j, (weir__range){0, weir__units(dy, j)}, rows, weights);
        }
    }
}

// ---- dense dx, few rows: a few ranges of units apart ---------------------------------------------------------------
//
// A thread takes those rows of W that are its own in the update, and of a dense dy in the forward product, too: weights
// that stay in the caches of two processors need not change places. What the ranges give is added up afterwards, in
// order.

enum { RANGES = 4, LEAST_UNITS_OF_RANGE = 64 };

/// There is room for the sums of each range.
static bool ranges_fit(const weir__case *c) {
    return !c->in_compact && c->rows * c->in <= WEIR__THREAD_SCRATCH / RANGES;
}

/// Adding up costs little: the ranges of a row have many units.
static bool ranges_are_long(const weir__case *c) {
    enum { LEAST_BLOCK = 4, MOST_WEIGHTS = 1 << 22 }; // weights that some cache holds
    if (!c->out_compact) return c->out >= RANGES * LEAST_UNITS_OF_RANGE;
    return c->out_block >= LEAST_BLOCK && c->out <= MOST_WEIGHTS / c->in &&
           c->out_pairs * (double)c->out_block >= (double)(c->rows * RANGES * LEAST_UNITS_OF_RANGE / 2);
}

static bool goes_by_ranges(const weir__case *c) { return ranges_fit(c) && ranges_are_long(c); }

/// Some columns of one range, added to sums.
static void add_range(const weir__side *sums, weir__range columns, size_t range, size_t rows, const weir__side *dy,
                      const float *weights) {
    if (!dy->route) {
        const weir__range units = weir__groups_of_part(dy->width, 16, range, RANGES);
        add_block_to_dense(sums, columns.first, columns.last, dy, 0, units, rows, weights);
        return;
    }
    const weir__range blocks = weir__blocks_of_part(dy, range, RANGES);
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const weir__range units = {0, weir__units(dy, j)};
        add_block_to_dense(sums, columns.first, columns.last, dy, j, units, rows, weights);
    }
}

/// A part of all columns of all ranges: sums [RANGES][rows][columns].
static void sum_ranges(size_t part, size_t parts, size_t rows, const weir__side *dx, const weir__side *dy,
                       const float *weights, float *sums) {
    enum { GROUP = 64 };
    const size_t groups = (dx->width + GROUP - 1) / GROUP;
    const weir__range own = weir__part(RANGES * groups, part, parts);
    for (size_t k = own.first, end = own.first; k < own.last; k = end) {
        const size_t range = k / groups;
        end = least_of((range + 1) * groups, own.last);
        const weir__range columns = {k % groups * GROUP, least_of((end - range * groups) * GROUP, dx->width)};
        const weir__side to = {.width = dx->width, .block = dx->width, .values = sums + range * rows * dx->width};
        for (size_t r = 0; r < rows; r++) {
            memset(to.values + r * to.width + columns.first, 0, (columns.last - columns.first) * sizeof(float));
        }
        add_range(&to, columns, range, rows, dy, weights);
    }
}

static void add_ranges(weir__range values, float *dx, const float *sums, size_t count) {
    for (size_t k = values.first; k < values.last; k++) {
        float total = sums[k];
        for (size_t range = 1; range < RANGES; range++) total += sums[range * count + k];
        dx[k] = total;
    }
}

// ---- dense dx, compact dy in blocks of many units: sums of some columns at hand -------------------------------------

enum {
    PANEL = TILE_VECTORS * LANES,
    PANEL_ROWS = 6,
    PANEL_UNITS = 64,         // copied at a time
    MANY_UNITS = 16,          // least units of a block
    MOST_ROWS = 1024,         // of which sums are at hand
    SUMS_AT_HAND = 128 * 1024 // floats: half of a second-level cache
};

/// Sums of some columns of some rows, [row][stride]: in place, rows a power of two apart would share a few sets of the
/// cache.
typedef struct sums_at_hand {
    weir__range rows, columns;
    size_t stride;
    float *values, *copy; // copy [PANEL_UNITS][PANEL] of weights
} sums_at_hand;

static float *sums_of_row(const sums_at_hand *sums, size_t row) {
    return sums->values + (row - sums->rows.first) * sums->stride;
}

/// Weights of some units, a panel of columns; a panel that comes next is prefetched meanwhile.
typedef struct panel_weights {
    const float *w, *next;
    size_t stride, units;
} panel_weights;

/// to[r][c] += Σ_k a[r][k]·w[k][c] for a panel of columns c and a constant number of rows. The first tile copies the
/// weights, the others read the copy.
INLINE void add_to_panel(const int rows, const bool first, float *const *to, const float *const *a,
                         const panel_weights *from, float *copy, size_t line) {
    vec sum[PANEL_ROWS * TILE_VECTORS];
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int v = 0; v < TILE_VECTORS; v++) sum[r * TILE_VECTORS + v] = load(to[r] + v * LANES);
    }
    const float *next = from->next + line;
    for (size_t k = 0; k < from->units; k++) {
        vec wk[TILE_VECTORS];
        __builtin_prefetch(next + k * from->stride, 0, 2);
        UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
            wk[v] = in_register(load((first ? from->w + k * from->stride : copy + k * PANEL) + v * LANES));
            if (first) store(copy + k * PANEL + v * LANES, wk[v]);
        }
        UNROLL for (int r = 0; r < rows; r++) {
            const vec ak = splat(a[r][k]);
            UNROLL for (int v = 0; v < TILE_VECTORS; v++) sum[r * TILE_VECTORS + v] += ak * wk[v];
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int v = 0; v < TILE_VECTORS; v++) store(to[r] + v * LANES, sum[r * TILE_VECTORS + v]);
    }
}

/// Slots of a block, of which there are more than one tile. Each tile prefetches one more line of the rows that come
/// next.
static void add_slots_to_panel(const sums_at_hand *sums, size_t column, const weir__side *dy, weir__range slots,
                               size_t unit, const panel_weights *from) {
    size_t line = 0;
    for (size_t s = slots.first; s < slots.last; s += PANEL_ROWS) {
        const size_t group = slots.last - s < PANEL_ROWS ? slots.last - s : PANEL_ROWS;
        float *to[PANEL_ROWS];
        const float *a[PANEL_ROWS];
        for (size_t r = 0; r < group; r++) {
            to[r] = sums_of_row(sums, weir__row(dy, s + r)) + column;
            a[r] = weir__values(dy, s + r) + unit;
        }
        if (s == slots.first) add_to_panel(PANEL_ROWS, true, to, a, from, sums->copy, line);
#define SOME_ROWS(rows) add_to_panel(rows, false, to, a, from, sums->copy, line)
        WITH_CONSTANT(s == slots.first ? 0 : group, 6, SOME_ROWS)
#undef SOME_ROWS
        if (line + 16 < PANEL) line += 16;
    }
}

/// Slots of few rows, or columns that are no whole panel, with the weights where they lie.
static void add_slots_in_place(const sums_at_hand *sums, weir__range columns, const weir__side *dy, weir__range slots,
                               size_t units, const float *w, size_t w_stride) {
    for (size_t s = slots.first, group = 0; s < slots.last; s += group) {
        group = rows_of_tile(slots.last - s, columns.last - columns.first);
        float *to[8];
        const float *a[8];
        for (size_t r = 0; r < group; r++) {
            to[r] = sums_of_row(sums, weir__row(dy, s + r));
            a[r] = weir__values(dy, s + r);
        }
        add_products_of_rows(group, false, to, columns.first, columns.last, a, w, w_stride, units, &(drip){w, 0});
    }
}

static void add_block_to_sums(const sums_at_hand *sums, const weir__side *dx, const weir__side *dy, size_t j,
                              const float *weights) {
    const weir__range open = {weir__first(dy, j), weir__open(dy, j, 0)};
    const weir__range slots = {weir__slot_from_row(dy, open, sums->rows.first),
                               weir__slot_from_row(dy, open, sums->rows.last)};
    const size_t units = weir__units(dy, j), stride = dx->width, columns = sums->columns.last - sums->columns.first;
    const float *strip = weights + weir__tile(dy, dx, j, 0) + sums->columns.first;
    const float *next_strip = j + 1 < weir__blocks(dy) ? strip + units * stride : strip;
    const size_t whole = slots.last - slots.first < 2 * PANEL_ROWS ? 0 : columns / PANEL * PANEL;
    for (size_t c = 0; c < whole; c += PANEL) {
        for (size_t u = 0; u < units; u += PANEL_UNITS) {
            panel_weights from = {.w = strip + u * stride + c, .stride = stride};
            from.units = units - u < PANEL_UNITS ? units - u : PANEL_UNITS;
            from.next = c + PANEL < whole ? from.w + PANEL : next_strip;
            add_slots_to_panel(sums, c, dy, slots, u, &from);
        }
    }
    if (whole < columns)
        add_slots_in_place(sums, (weir__range){whole, columns}, dy, slots, units, strip + whole, stride);
}

static void dense_by_sums(weir__range columns, size_t rows, const weir__side *dx, const weir__side *dy,
                          const float *weights, float *scratch) {
    const bool large = rows * dx->width >= weir__caches_in_use.array;
    const size_t lists = (rows + MOST_ROWS - 1) / MOST_ROWS, most = (rows + lists - 1) / lists;
    const size_t chunk = SUMS_AT_HAND / most / PANEL * PANEL;
    sums_at_hand sums = {.stride = chunk + LANES, .values = scratch + PANEL_UNITS * PANEL, .copy = scratch};
    for (size_t r = 0; r < rows; r += most) {
        sums.rows = (weir__range){r, rows - r < most ? rows : r + most};
        for (size_t c = columns.first; c < columns.last; c += chunk) {
            sums.columns = (weir__range){c, columns.last - c < chunk ? columns.last : c + chunk};
            const size_t count = sums.columns.last - c;
            for (size_t k = r; k < sums.rows.last; k++) memset(sums_of_row(&sums, k), 0, count * sizeof(float));
            for (size_t j = 0; j < weir__blocks(dy); j++) add_block_to_sums(&sums, dx, dy, j, weights);
            for (size_t k = r; k < sums.rows.last; k++) {
                copy_out(dx->values + k * dx->width + c, sums_of_row(&sums, k), count, large);
            }
        }
    }
    finish_streams();
}

// ---- compact dx, dense dy: the rows of a block share its tile -------------------------------------------------------

static void compact_from_dense(weir__range slots, const weir__side *dx, const weir__side *dy, const float *weights) {
    for (size_t j = weir__block_of_slot(dx, slots.first); slots.first < slots.last; j++) {
        const size_t end = weir__evaluated(dx, j, 0), last = end < slots.last ? end : slots.last;
        const size_t width = weir__units(dx, j);
        const float *tile = weights + weir__tile(dy, dx, 0, j);
        for (size_t s = slots.first; s < last;) {
            const size_t group = rows_of_tile(last - s, width);
            float *to[8];
            const float *a[8];
            for (size_t r = 0; r < group; r++) {
                to[r] = weir__values(dx, s + r);
                a[r] = dy->values + weir__row(dx, s + r) * dy->width;
            }
            add_products_of_rows(group, true, to, 0, width, a, tile, width, dy->width, &(drip){tile, 0});
            s += group;
        }
        slots.first = last;
    }
}

// ---- compact dx in blocks of one unit ------------------------------------------------------------------------------

/// Few outputs: the row of dy stays in registers, and each of the row's units is one dot product with its column.
INLINE void units_of_row(const int vectors, const weir__side *dx, size_t row, const weir__side *dy,
                         const float *weights) {
    const size_t out = dy->width, tail = out - (size_t)(vectors - 1) * LANES;
    const size_t end = (size_t)dx->route->row_start[row + 1];
    const float *from = dy->values + row * out;
    vec d[4];
    UNROLL for (int v = 0; v < vectors; v++) { d[v] = load_columns(v == vectors - 1, tail, from + v * LANES); }
    for (size_t e = (size_t)dx->route->row_start[row]; e < end; e += 4) {
        vec sum[4] = {{0}};
        UNROLL for (size_t k = 0; k < 4; k++) {
            const float *column = weights + weir__entry_block(dx, e + k < end ? e + k : e) * out;
            UNROLL for (int v = 0; v < vectors; v++) {
                sum[k] += d[v] * load_columns(v == vectors - 1, tail, column + v * LANES);
            }
        }
        const four total = sums(sum[0], sum[1], sum[2], sum[3]);
        UNROLL for (size_t k = 0; k < 4; k++) {
            if (e + k < end) *weir__values(dx, weir__entry_slot(dx, row, e + k)) = total[k];
        }
    }
}

static void units_by_rows(weir__range rows, const weir__side *dx, const weir__side *dy, const float *weights) {
    for (size_t r = rows.first; r < rows.last; r++) {
#define SOME_VECTORS(vectors) units_of_row(vectors, dx, r, dy, weights)
        WITH_CONSTANT((dy->width + LANES - 1) / LANES, 4, SOME_VECTORS)
#undef SOME_VECTORS
    }
}

// ---- both compact, rows that share tiles: tile by tile -------------------------------------------------------------

/// Adds to slots of block ji of dx what the rows give that match, by tile (jo, ji). Meanwhile `coming` floats at next
/// are prefetched.
static void add_tile_of_matches(const weir__side *dx, size_t ji, const weir__side *dy, size_t jo, const float *weights,
                                matches *m, const float *next, size_t coming) {
    const size_t units = weir__units(dy, jo), width = weir__units(dx, ji);
    const float *tile = weights + weir__tile(dy, dx, jo, ji);
    // As if all groups were of 8 rows and 2 vectors: of the others there are more, which prefetch less.
    const size_t turns = units * ((m->count + 7) / 8) * ((width + 2 * LANES - 1) / (2 * LANES));
    drip from_memory = {next, turns ? least_of((coming + turns - 1) / turns, 16) : 0};
    for (; m->count; next_matches(m)) {
        for (size_t r = 0, group = 0; r < m->count; r += group) {
            float *to[8];
            const float *a[8];
            group = rows_of_tile(m->count - r, width);
            for (size_t q = 0; q < group; q++) {
                to[q] = weir__values(dx, (size_t)m->in_slot[r + q]);
                a[q] = weir__values(dy, (size_t)m->out_slot[r + q]);
            }
            add_products_of_rows(group, false, to, 0, width, a, tile, width, units, &from_memory);
        }
        from_memory.step = 0;
        if (!are_more_matches(m)) break;
    }
}

enum { MOST_ENTRY_VECTORS = 8, ENTRY_WAYS = 8 }; // of sums that run through a row's entries

// ---- all cases -----------------------------------------------------------------------------------------------------

#include "../walk/input_gradient.h"

static bool few_units_of_rows(const weir__case *c) { return columns_are_contiguous(c) && c->out <= 4 * LANES; }
static bool units_are_many(const weir__case *c) { return c->out_block >= MANY_UNITS; }

static void run_sum_ranges(const void *context, weir__piece p) {
    const input_product *g = context;
    sum_ranges(p.index, p.count, g->rows, g->dx, g->dy, g->weights, g->scratch);
}
static void run_add_ranges(const void *context, weir__piece p) {
    const input_product *g = context;
    const size_t count = g->rows * g->dx->width;
    add_ranges(weir__groups_of_part(count, 16, p.index, p.count), g->dx->values, g->scratch, count);
}
static void run_dense_by_sums(const void *context, weir__piece p) {
    const input_product *g = context;
    dense_by_sums(columns_of_piece(g, p), g->rows, g->dx, g->dy, g->weights,
                  g->scratch + p.lane * WEIR__THREAD_SCRATCH);
}
static void run_units_by_rows(const void *context, weir__piece p) {
    const input_product *g = context;
    units_by_rows(weir__part(g->rows, p.index, p.count), g->dx, g->dy, g->weights);
}
static const weir__strategy input_gradient_strategies[] = {
    {.name = "units of a row", .applies = few_units_of_rows, .run = run_units_by_rows},
    // A tile is one column, contiguous along o: the forward product with the sides exchanged.
    {.name = "transposed", .applies = columns_are_contiguous},
    {.name = "ranges of units",
     .applies = ranges_fit,
     .suits = ranges_are_long,
     .run = run_sum_ranges,
     .finish = run_add_ranges},
    {.name = "sums at hand", .applies = weir__blocks_before_dense, .suits = units_are_many, .run = run_dense_by_sums},
    {.name = "block by block", .applies = weir__in_is_dense, .suits = units_are_several, .run = run_dense_by_blocks},
    {.name = "row by row", .applies = weir__in_is_dense, .run = run_dense_by_rows},
    {.name = "pairs of units", .applies = both_are_units, .run = run_unit_pairs},
    {.name = "rows of a block", .applies = weir__dense_before_blocks, .run = run_compact_from_dense},
    {.name = "shared tiles",
     .applies = weir__both_compact,
     .suits = weir__tiles_are_shared,
     .run = run_compact_by_tiles},
    {.name = "open blocks", .applies = weir__both_compact, .run = run_compact_by_slots},
    {0},
};

static void input_gradient(size_t rows, const weir__side *dx, const weir__side *dy, const float *weights,
                           float *scratch) {
    run_input_gradient(input_gradient_strategies, &(input_product){rows, dx, dy, weights, scratch});
}
