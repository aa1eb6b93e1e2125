// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file weight_update.h
/// The weight gradient, applied while it is in cache: w moves by dW[o][i] = Σ_r dy[r][o]·x[r][i] at once.
///
/// A piece of a tile's gradient is summed as in weight_gradient.h into an array that stays in the first-level cache,
/// and the rule of the update then runs over it and the weights it belongs to. Weights are read and written once,
/// gradients never leave the cache. How rows and columns are cut into pieces depends on the shapes alone: any number of
/// threads gives the same bits.
///
/// A dense x that is larger than a cache is copied by panels of columns, each of which stays in the second-level cache
/// while all blocks go over it: in place its rows, often a power of two apart, would be read from memory for every
/// block.

#include "../bf16/bf16.h"
#include "../matches.h"

#include "../walk/bias.h"

enum { PIECE = RUN, PIECE_UNITS = 16, MOST_UNITS = 64 };

/// The weights of a product on their way to new values.
typedef moving_floats descent;
INLINE float *floats_of(const descent *d) { return d->weights; }

/// A tile of them: where it begins, and how far its rows are apart.
typedef struct place {
    size_t at, stride, height, width;
    const float *next; // half of the tile that comes after it, to be prefetched; NULL: what follows in memory comes
} place;

/// The pairs of a tile, Σ_k a_k·b_k: all at once, or some matches of two compact sides at a time.
typedef struct pairs {
    factor a, b;
    size_t count;
    matches *m; // NULL: all are at hand
} pairs;

static void first_pairs(pairs *p) {
    if (!p->m) return;
    first_matches(p->m);
    p->count = p->m->count;
}
static bool are_more_pairs(const pairs *p) { return p->m && are_more_matches(p->m); }
static void next_pairs(pairs *p) {
    next_matches(p->m);
    p->count = p->m->count;
}

/// Whether a tile moves with its gradient in registers.
static bool descends(const weir__update *update, const pairs *p) {
    const bool rule = update->rule == &weir__sgd || update->rule == &weir__momentum;
    return rule && !update->halves.upper && (!p->m || p->m->complete);
}

/// Moves a tile as move_tile does, with its gradient in registers (weight_gradient.h).
INLINE void descend_tile(const bool momentum, const descent *d, const place *tile, weir__range units, bool limit,
                         const pairs *p) {
    enum { PACKED_PAIRS = 256, LEAST_COLUMNS = 128, NARROW = 64, AHEAD = 128 };
    const weir__update *update = d->update;
    _Alignas(64) float packed[PACKED_PAIRS * MOST_UNITS];
    vec squares[MOST_UNITS];
    descent_numbers n = {splat(update->move.rate), splat(update->move.decay), splat(update->move.momentum), NULL,
                         squares};
    for (size_t u = units.first; u < units.last; u += MOST_UNITS) {
        const size_t rows = least_of(MOST_UNITS, units.last - u), at = tile->at + u * tile->stride;
        // Of a tile of one row the next one is prefetched, of other narrow tiles what is a whole group of units on:
        // most often that is in the next tile.
        const size_t distance = rows == 1               ? tile->width
                                : tile->stride > NARROW ? AHEAD
                                                        : tile->width + MOST_UNITS * tile->stride;
        factor a = p->a;
        a.values += u;
        // Values of some units lie a whole row of dy apart, often a power of two: they are brought together.
        if (rows > 1 && p->count <= PACKED_PAIRS && tile->width >= LEAST_COLUMNS) {
            for (size_t k = 0; k < p->count; k++) {
                memcpy(packed + k * MOST_UNITS, factor_at(&a, k), rows * sizeof *packed);
            }
            a = (factor){packed, MOST_UNITS, 0, NULL};
        }
        for (size_t k = 0; k < rows; k++) squares[k] = (vec){0};
        if (momentum) n.velocity = update->slot[0] + at;
        const outer_tile t = {.to = d->weights + at,
                              .stride = tile->stride,
                              .units = rows,
                              .columns = {0, tile->width},
                              .a = &a,
                              .b = &p->b,
                              .count = p->count,
                              .n = &n,
                              .half = tile->next ? tile->next + u / 2 * tile->stride : NULL,
                              .distance = distance};
        do_outer_tile(momentum ? DESCENDING_BY_MOMENTUM : DESCENDING, &t);
        for (size_t k = 0; limit && k < rows; k++) {
            const vec zero = {0};
            weir__update_limit_row(update, d->weights, at + k * tile->stride, tile->width,
                                   sums(squares[k], zero, zero, zero)[0]);
        }
    }
}

static void descend_tile_plainly(const descent *d, const place *tile, weir__range units, bool limit, const pairs *p) {
    descend_tile(false, d, tile, units, limit, p);
}
static void descend_tile_with_momentum(const descent *d, const place *tile, weir__range units, bool limit,
                                       const pairs *p) {
    descend_tile(true, d, tile, units, limit, p);
}

/// Moves some units (rows of W) of a tile. limit: the tile has whole rows of W, which are held to the limit.
static void move_tile(const descent *d, const place *tile, weir__range units, bool limit, pairs *p) {
    _Alignas(64) float g[PIECE];
    float squares[MOST_UNITS];
    if (descends(d->update, p)) {
        (d->update->rule == &weir__momentum ? descend_tile_with_momentum : descend_tile_plainly)(d, tile, units, limit,
                                                                                                 p);
        return;
    }
    size_t panel = least_of(tile->width, PIECE / least_of(tile->height, PIECE_UNITS));
    if (panel < tile->width && panel > MOST_UNITS) panel -= panel % MOST_UNITS;
    const size_t group = least_of(PIECE / panel, MOST_UNITS);
    for (size_t u = units.first; u < units.last; u += group) {
        const size_t rows = least_of(group, units.last - u);
        memset(squares, 0, sizeof squares);
        for (size_t c = 0; c < tile->width; c += panel) {
            const size_t columns = least_of(panel, tile->width - c), at = tile->at + u * tile->stride + c;
            factor a = p->a, b = p->b;
            // A tile of one row: the next one follows it, and would come too late if it were prefetched by itself.
            const target next = {d->weights + at + (tile->height == 1 ? tile->stride : 0), tile->stride};
            const bool floats = !d->update->halves.upper; // halves: there are half as many lines to wait for
            bool fresh = true;
            a.values += u, b.values += c;
            first_pairs(p);
            for (;; fresh = false) {
                add_tile(g, panel, rows, (weir__range){0, columns}, fresh, &a, &b, p->count, floats ? &next : NULL);
                if (!are_more_pairs(p)) break;
                next_pairs(p);
            }
            if (columns == tile->stride && !limit) {
                weir__update_span(d->update, d->weights, at, rows * columns, g);
                continue;
            }
            for (size_t k = 0; k < rows; k++) {
                squares[k] += weir__update_span(d->update, d->weights, at + k * tile->stride, columns, g + k * panel);
            }
        }
        for (size_t k = 0; limit && k < rows; k++) {
            weir__update_limit_row(d->update, d->weights, tile->at + (u + k) * tile->stride, tile->width, squares[k]);
        }
    }
}

// ---- dense x: strips of dy's blocks ---------------------------------------------------------------------------------

/// Columns first … first + count of a dense x: row r of them begins at values + r·stride.
typedef struct panel {
    const float *values;
    size_t stride, first, count;
} panel;

/// Strips of a range of blocks, and of each the columns of a panel; the rows of one part.
static void update_strips(size_t rows, const descent *d, weir__range blocks, size_t part, size_t parts,
                          const weir__side *dy, const weir__side *x, const panel *at_hand) {
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const size_t first = weir__first(dy, j), count = weir__open(dy, j, rows) - first, units = weir__units(dy, j);
        if (dy->route && !count && !d->update->all) continue;
        pairs p = {.a = {dy->values, dy->block, first, NULL},
                   .b = {at_hand->values, at_hand->stride, first, dy->route ? dy->route->row + first : NULL},
                   .count = count};
        const place strip = {weir__tile(dy, x, j, 0) + at_hand->first, x->width, units, at_hand->count, NULL};
        const weir__range groups = weir__part((units + PIECE_UNITS - 1) / PIECE_UNITS, part, parts);
        const weir__range own = {groups.first * PIECE_UNITS, least_of(groups.last * PIECE_UNITS, units)};
        move_tile(d, &strip, own, d->update->most > 0, &p);
    }
}

/// Columns of x that are copied together; 0: there is no room for LEAST of them.
static size_t panel_columns(size_t rows, size_t width) {
    enum { MOST = 256, LEAST = 64, EVEN = 4 };
    const size_t room = WEIR__THREAD_SCRATCH / rows;
    const size_t fit = room > LANES ? least_of(room - LANES, MOST) / LANES * LANES : 0;
    if (fit < LEAST) return 0;
    const size_t panels = (width + fit - 1) / fit, even = (panels + EVEN - 1) / EVEN * EVEN;
    return ((width + even - 1) / even + LANES - 1) / LANES * LANES;
}

/// A limit on the norms of rows of W wants these in one piece.
static bool panels_fit(const weir__case *c) {
    return !c->in_compact && !c->limited && c->rows && panel_columns(c->rows, c->in) > 0;
}

/// Where x is small it is read in place.
static bool inputs_are_many(const weir__case *c) { return c->rows * c->in > 128 * 1024; }

/// All strips, by a part of the panels, which are `columns` wide but for the last.
static void update_panels(size_t rows, const descent *d, size_t columns, size_t part, size_t parts,
                          const weir__side *dy, const weir__side *x, float *packed) {
    enum { AHEAD = 8 }; // rows
    const weir__range all = {0, weir__blocks(dy)}, own = weir__part((x->width + columns - 1) / columns, part, parts);
    for (size_t k = own.first; k < own.last; k++) {
        const size_t first = k * columns;
        const panel copy = {packed, columns + LANES, first, least_of(columns, x->width - first)}; // no power of two
        for (size_t r = 0; r < rows; r++) {
            const float *row = x->values + r * x->width + first;
            if (r + AHEAD < rows) prefetch_ahead(row + AHEAD * x->width, copy.count);
            memcpy(packed + r * copy.stride, row, copy.count * sizeof *packed);
        }
        update_strips(rows, d, all, 0, 1, dy, x, &copy);
    }
}

// ---- dense dy, compact x: tiles of x's blocks -----------------------------------------------------------------------

/// g[o] = Σ_s dy[row of s][o]·x[s], the gradient of a column of a few outputs: of one unit of x.
INLINE void sum_column(const int vectors, float *g, const weir__side *dy, const weir__side *x, size_t first,
                       size_t count) {
    const size_t height = dy->width, tail = height - (size_t)(vectors - 1) * LANES;
    vec sum[4] = {{0}};
    for (size_t s = first; s < first + count; s++) {
        const float *from = dy->values + (size_t)x->route->row[s] * height;
        const vec a = splat(x->values[s]);
        UNROLL for (int v = 0; v < vectors; v++) {
            sum[v] += a * load_columns(v == vectors - 1, tail, from + v * LANES);
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) store_columns(v == vectors - 1, tail, g + v * LANES, sum[v]);
}

/// Units of x, a few outputs: column by column.
INLINE void update_short_columns(const int vectors, const descent *d, weir__range blocks, const weir__side *dy,
                                 const weir__side *x) {
    run together = {.d = d};
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const size_t first = weir__first(x, j), count = weir__open(x, j, 0) - first;
        if (!count && !d->update->all) continue;
        sum_column(vectors, extend_run(&together, weir__tile(dy, x, 0, j), dy->width), dy, x, first, count);
    }
    finish_run(&together);
}

static void update_tiles_of_columns(const descent *d, weir__range blocks, const weir__side *dy, const weir__side *x) {
    const size_t height = dy->width;
    run small = {.d = d};
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const size_t first = weir__first(x, j), count = weir__open(x, j, 0) - first, width = weir__units(x, j);
        if (!count && !d->update->all) continue;
        const factor of_dy = {dy->values, height, first, x->route->row + first};
        const factor of_x = {x->values, x->block, first, NULL};
        place tile = {weir__tile(dy, x, 0, j), width, height, width, NULL};
        pairs p = {.a = of_dy, .b = of_x, .count = count};
        if (width == 1) { // a column: contiguous along o
            p.a = of_x, p.b = of_dy;
            tile.height = 1, tile.width = tile.stride = height;
        }
        if (height * width <= PIECE / 8) {
            float *g = extend_run(&small, tile.at, height * width);
            add_tile(g, tile.width, tile.height, (weir__range){0, tile.width}, true, &p.a, &p.b, count, NULL);
        } else {
            move_tile(d, &tile, (weir__range){0, tile.height}, false, &p);
        }
    }
    finish_run(&small);
}

static void update_columns(size_t rows, const descent *d, weir__range blocks, const weir__side *dy,
                           const weir__side *x) {
    (void)rows;
    const size_t vectors = x->block == 1 ? (dy->width + LANES - 1) / LANES : 0;
#define SOME_VECTORS(vectors) update_short_columns(vectors, d, blocks, dy, x)
    WITH_CONSTANT(vectors, 4, SOME_VECTORS)
#undef SOME_VECTORS
    if (!vectors || vectors > 4) update_tiles_of_columns(d, blocks, dy, x);
}

// ---- both compact ---------------------------------------------------------------------------------------------------

/// Moves tile (jo, ji) by all rows that match. next: as in place.
static void move_tile_of_matches(const descent *d, const weir__side *dy, size_t jo, const weir__side *x, size_t ji,
                                 matches *m, const float *next) {
    const size_t height = weir__units(dy, jo), width = weir__units(x, ji);
    const factor of_dy = {dy->values, dy->block, 0, m->out_slot}, of_x = {x->values, x->block, 0, m->in_slot};
    const bool column = width == 1; // contiguous along o
    pairs p = {.a = column ? of_x : of_dy, .b = column ? of_dy : of_x, .count = m->count, .m = m};
    place tile = {weir__tile(dy, x, jo, ji), width, height, width, next};
    if (column) tile = (place){tile.at, height, 1, height, next};
    move_tile(d, &tile, (weir__range){0, tile.height}, false, &p);
}

/// Tiles of many weights. Returns whether one of them moved.
static bool update_large_tiles(size_t rows, const descent *d, const weir__side *dy, size_t jo, const weir__side *x) {
    matches m;
    bool any = false;
    if (weir__first(dy, jo) == weir__open(dy, jo, rows) && !d->update->all) return false;
    for (size_t ji = 0; ji < weir__blocks(x); ji++) {
        match_open(&m, rows, dy, jo, x, ji);
        if (!m.count && !d->update->all) continue;
        move_tile_of_matches(d, dy, jo, x, ji, &m, NULL);
        any = true;
    }
    return any;
}

/// Tiles of a few weights that adjoin, of one strip: their gradients by rank-one updates.
typedef struct window {
    size_t first, last; // blocks of x
    size_t tile;        // weights of all but a short last tile
    uint8_t touched[PIECE];
    _Alignas(64) float g[PIECE];
} window;

static void sum_window(window *w, const weir__side *dy, size_t jo, const weir__side *x) {
    const size_t height = weir__units(dy, jo);
    for (size_t so = weir__first(dy, jo); so < weir__open(dy, jo, 0); so++) {
        const size_t row = weir__row(dy, so);
        const weir__entries entries = weir__entries_of(x, row);
        const float *a = weir__values(dy, so);
        for (size_t e = entries.first; e < entries.open; e++) {
            const size_t ji = weir__entry_block(x, e);
            if (ji < w->first) continue;
            if (ji >= w->last) break;
            const size_t width = weir__units(x, ji);
            const float *b = weir__values(x, weir__entry_slot(x, row, e));
            float *g = w->g + (ji - w->first) * w->tile;
            w->touched[ji - w->first] = 1;
            for (size_t u = 0; u < height; u++) {
                for (size_t i = 0; i < width; i++) g[u * width + i] += a[u] * b[i];
            }
        }
    }
}

/// The touched weights of a window are brought together, moved, and put back.
static bool move_window(const descent *d, window *w, size_t at, size_t height, const weir__side *x) {
    float values[PIECE], averages[WEIR__UPDATE_SLOTS][PIECE];
    weir__update together = *d->update;
    size_t count = 0;
    together.halves = (weir__halves){NULL, NULL};
    for (int back = 0; back < 2; back++) {
        count = 0;
        for (size_t ji = w->first; ji < w->last; ji++) {
            if (!w->touched[ji - w->first] && !d->update->all) continue;
            const size_t from = (ji - w->first) * w->tile, area = height * weir__units(x, ji);
            (back ? weir__update_put : weir__update_get)(d->update, d->weights, at + from, area, values + count);
            for (size_t k = 0; k < area; k++, count++) {
                if (!back) w->g[count] = w->g[from + k]; // count never passes from + k
                for (size_t s = 0; s < WEIR__UPDATE_SLOTS && d->update->slot[s]; s++) {
                    float *average = d->update->slot[s] + at + from + k;
                    *(back ? average : &averages[s][count]) = *(back ? &averages[s][count] : average);
                }
            }
        }
        if (back || !count) break;
        for (size_t s = 0; s < WEIR__UPDATE_SLOTS && together.slot[s]; s++) together.slot[s] = averages[s];
        weir__update_span(&together, values, 0, count, w->g);
    }
    return count != 0;
}

static bool update_small_tiles(const descent *d, const weir__side *dy, size_t jo, const weir__side *x) {
    const size_t height = weir__units(dy, jo), tile = height * x->block, each = PIECE / tile;
    bool any = false;
    for (size_t ji = 0; ji < weir__blocks(x); ji += each) {
        window w = {.first = ji, .last = least_of(ji + each, weir__blocks(x)), .tile = tile};
        sum_window(&w, dy, jo, x);
        any |= move_window(d, &w, weir__tile(dy, x, jo, ji), height, x);
    }
    return any;
}

static void update_pairs(size_t rows, const descent *d, weir__range blocks, const weir__side *dy, const weir__side *x) {
    enum { SMALL_TILE = 64 };
    const weir__tiling tiling = {dy->width, x->width, dy->block, x->block};
    for (size_t jo = blocks.first; jo < blocks.last; jo++) {
        const bool any = dy->block * x->block < SMALL_TILE ? update_small_tiles(d, dy, jo, x)
                                                           : update_large_tiles(rows, d, dy, jo, x);
        const size_t first = jo * dy->block;
        if (any && d->update->most > 0) {
            weir__update_limit(d->update, d->weights, &tiling, first, first + weir__units(dy, jo));
        }
    }
}

// ---- all cases ------------------------------------------------------------------------------------------------------

#include "../walk/weight_update.h"

static void run_update_panels(const void *context, weir__piece p) {
    const update_product *u = context;
    update_panels(u->rows, &u->weights, panel_columns(u->rows, u->x->width), p.index, p.count, u->dy, u->x,
                  u->scratch + p.lane * WEIR__THREAD_SCRATCH);
    bias_of_piece(u, p);
}

static void run_update_strips(const void *context, weir__piece p) {
    const update_product *u = context;
    const panel in_place = {u->x->values, u->x->width, 0, u->x->width};
    const own_strips own = strips_of_piece(u, p);
    update_strips(u->rows, &u->weights, own.blocks, own.part, own.parts, u->dy, u->x, &in_place);
    bias_of_piece(u, p);
}

static const weir__strategy weight_update_strategies[] = {
    {.name = "tiles", .applies = weir__both_compact, .run = run_update_pairs},
    // Columns of W are moved: rows are known only when all are.
    {.name = "columns", .applies = weir__dense_before_blocks, .run = run_update_columns, .finish = limit_part},
    {.name = "panels", .applies = panels_fit, .suits = inputs_are_many, .run = run_update_panels},
    {.name = "strips", .applies = weir__in_is_dense, .run = run_update_strips},
    {0},
};

static void weight_update(size_t rows, float *weights, float *bias, const weir__side *dy, const weir__side *x,
                          const weir__update *update, const weir__update *bias_update, float *scratch) {
    weir__case c = weir__case_of(WEIR_OPERATION_WEIGHT_UPDATE, rows, dy, x);
    c.limited = update->most > 0;
    const update_product u = {.rows = rows,
                              .weights = {update, weights},
                              .bias = {bias_update, bias},
                              .dy = dy,
                              .x = x,
                              .scratch = scratch,
                              // A thread that has just read its own ranges of W for the input gradient moves these.
                              .least_strips = goes_by_ranges(&c) ? RANGES / 2 : 8};
    run_weight_update(weight_update_strategies, &c, &u);
}
