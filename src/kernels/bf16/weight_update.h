// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file weight_update.h
/// The weight gradient dW[o][i] = Σ_r dy[r][o]·x[r][i] in bf16, applied to both halves of the weights while it is in
/// cache.
///
/// A pair is two rows that are open on both sides of a tile. Rows of either side are interleaved two by two, unit by
/// unit: those of x into a panel of vectors, those of dy into one of which each unit's pair is spread over a vector.
/// Sums go to an array in the second-level cache, over which the rule of the update then runs. How units, columns and
/// rows are cut into pieces depends on the shapes alone: any number of threads gives the same bits.

#include "numbers.h"
#include "panel.h"

#include "../matches.h"
#include "../walk/bias.h"

_Static_assert((int)MATCHES_AT_ONCE <= (int)PANEL_NUMBERS, "the matches at hand are the depth of a panel");

enum { PIECE_UNITS = LEFT_COLUMNS, PIECE_COLUMNS = 256 };

/// The weights of a product on their way to new values.
typedef struct descent {
    const weir__update *update; // of its halves
    const weir__bf16_side *dy, *x;
} descent;

/// A tile of them: where it begins, and how far its rows are apart.
typedef struct place {
    size_t at, stride, height, width;
} place;

// ---- a tile --------------------------------------------------------------------------------------------------------

/// The rows of dy that are at hand: units first … first + height.
static void left_of_matches(left_factor *left, const weir__bf16_side *dy, const matches *m, size_t first,
                            size_t height) {
    const uint16_t *row[PANEL_NUMBERS];
    for (size_t k = 0; k < m->count; k++) row[k] = half_values(dy, (size_t)m->out_slot[k]) + first;
    left_of_columns(left, row, m->count, height);
}

/// g[u][c] (+)= Σ over the matches at hand, for some units and columns of their blocks.
static void add_matches(float *g, bool fresh, left_factor *left, size_t height, const weir__bf16_side *x,
                        const matches *m, weir__range columns, const target *next) {
    const uint16_t *row[PANEL_NUMBERS];
    for (size_t k = 0; k < m->count; k++) row[k] = half_values(x, (size_t)m->in_slot[k]) + columns.first;
    sum_panels(height, fresh, g, columns.last - columns.first, left, row, m->count, next);
}

/// Sends for a row of weights of a piece, or, beyond its last one, of the piece to the right of it.
INLINE void prefetch_row(const descent *d, size_t at, size_t row, size_t height, size_t stride, size_t width) {
    const target coming = {
        weir__halves_at(&d->update->halves, at + (row < height ? row * stride : (row - height) * stride + width)),
        stride};
    prefetch_target(&coming, 0, 1, 0, width);
}

/// Moves a tile as move_tile does, with its gradient in registers (panel_vectors.h). Returns whether it did.
#if defined(BF16_TILES)
static bool descend_tile(const descent *d, const place *tile, weir__range units, weir__range whole, bool limit,
                         const matches *m, const target *next) {
    (void)d, (void)tile, (void)units, (void)whole, (void)limit, (void)m, (void)next;
    return false; // sums leave tile registers by way of memory anyway
}
#else
static bool descend_tile(const descent *d, const place *tile, weir__range units, weir__range whole, bool limit,
                         const matches *m, const target *next) {
    enum { ROWS_COMING = 16 };
    const weir__update *update = d->update;
    vec squares[PIECE_UNITS];
    left_factor left;
    const uint16_t *row[PANEL_NUMBERS];
    if (update->rule != &weir__sgd || !m->complete) return false;
    const descent_numbers n = {splat(update->move.rate), splat(update->move.decay), limit ? squares : NULL};
    for (size_t u = units.first; u < units.last; u += PIECE_UNITS) {
        const size_t height = least_of(PIECE_UNITS, units.last - u);
        for (size_t k = 0; k < height; k++) squares[k] = (vec){0};
        left_of_matches(&left, d->dy, m, u, height);
        for (size_t c = whole.first; c < whole.last; c += PIECE_COLUMNS) {
            const size_t width = least_of(PIECE_COLUMNS, whole.last - c), at = tile->at + u * tile->stride + c;
            const weight_rows w = {weir__halves_at(&d->update->halves, at), tile->stride};
            // Of a narrow tile what comes is some rows on, or in the next tile.
            const size_t on = tile->stride <= PIECE_COLUMNS ? ROWS_COMING * tile->stride : 0;
            const target own = {weir__halves_at(&d->update->halves, at + on), tile->stride};
            for (size_t k = 0; k < m->count; k++) row[k] = half_values(d->x, (size_t)m->in_slot[k]) + c;
            descend_panels(height, &w, width, &left, row, m->count, &n, next ? next : &own);
        }
        for (size_t k = 0; limit && k < height; k++) {
            const vec zero = {0};
            weir__update_limit_row(update, NULL, tile->at + (u + k) * tile->stride, tile->width,
                                   sums(squares[k], zero, zero, zero)[0]);
        }
    }
    return true;
}
#endif

/// Moves some units (rows of W) and columns of a tile, prefetching `next` meanwhile (NULL: the weights themselves).
/// limit: the columns are whole rows of W, which are held to the limit.
static void move_tile(const descent *d, const place *tile, weir__range units, weir__range whole, bool limit, matches *m,
                      const target *next) {
    _Alignas(64) float g[PIECE_UNITS * PIECE_COLUMNS];
    float squares[PIECE_UNITS];
    left_factor left;
    if (descend_tile(d, tile, units, whole, limit, m, next)) return;
    for (size_t u = units.first; u < units.last; u += PIECE_UNITS) {
        const weir__range some = {u, least_of(u + PIECE_UNITS, units.last)};
        const size_t height = some.last - u;
        memset(squares, 0, sizeof squares);
        if (m->complete) left_of_matches(&left, d->dy, m, u, height);
        for (size_t c = whole.first; c < whole.last; c += PIECE_COLUMNS) {
            const weir__range columns = {c, least_of(c + PIECE_COLUMNS, whole.last)};
            const size_t width = columns.last - c, at = tile->at + u * tile->stride + c;
            const target own = {weir__halves_at(&d->update->halves, at), tile->stride};
            bool fresh = true;
            first_matches(m);
            for (;;) {
                if (!m->complete) left_of_matches(&left, d->dy, m, u, height);
                add_matches(g, fresh, &left, height, d->x, m, columns, !fresh ? &(target){0} : next ? next : &own);
                if (!are_more_matches(m)) break;
                fresh = false;
                next_matches(m);
            }
            if (width == tile->stride && !limit) {
                weir__update_span(d->update, NULL, at, height * width, g);
                continue;
            }
            for (size_t k = 0; k < height; k++) {
                if (ROWS_AHEAD) prefetch_row(d, at, k + ROWS_AHEAD, height, tile->stride, width);
                squares[k] += weir__update_span(d->update, NULL, at + k * tile->stride, width, g + k * width);
            }
        }
        for (size_t k = 0; limit && k < height; k++) {
            weir__update_limit_row(d->update, NULL, tile->at + (u + k) * tile->stride, tile->width, squares[k]);
        }
    }
}

// ---- the three cases -----------------------------------------------------------------------------------------------

/// Dense x: strips of a range of blocks, some columns at a time (all of them where there is a limit), so that those of
/// x stay in cache; of each strip the units of one part.
static void update_strips(size_t rows, const descent *d, weir__range blocks, size_t part, size_t parts,
                          const weir__bf16_side *dy, const weir__bf16_side *x) {
    enum { GROUP = 16 };
    const bool limit = d->update->most > 0;
    const size_t width = x->side->width, chunk = limit ? width : PIECE_COLUMNS;
    matches m;
    for (size_t c = 0; c < width; c += chunk) {
        for (size_t j = blocks.first; j < blocks.last; j++) {
            const size_t units = weir__units(dy->side, j);
            match_open(&m, rows, dy->side, j, x->side, 0);
            if (!m.count && !d->update->all) continue;
            const weir__range groups = weir__part((units + GROUP - 1) / GROUP, part, parts);
            const weir__range own = {groups.first * GROUP, least_of(groups.last * GROUP, units)};
            const place strip = {weir__tile(dy->side, x->side, j, 0), width, units, width};
            // The next strip is prefetched where it is one piece, too, and is going to be moved.
            const bool ahead = parts == 1 && units <= PIECE_UNITS && !limit && j + 1 < blocks.last &&
                               weir__units(dy->side, j + 1) == units &&
                               weir__first(dy->side, j + 1) < weir__open(dy->side, j + 1, rows);
            const size_t at = strip.at + units * width + c;
            const target next = {weir__halves_at(&d->update->halves, at), width};
            move_tile(d, &strip, own, (weir__range){c, least_of(c + chunk, width)}, limit, &m, ahead ? &next : NULL);
        }
    }
}

/// Dense dy, compact x: tiles of x's blocks.
static void update_columns(size_t rows, const descent *d, weir__range blocks, const weir__bf16_side *dy,
                           const weir__bf16_side *x) {
    matches m;
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const size_t height = dy->side->width, width = weir__units(x->side, j);
        match_open(&m, rows, dy->side, 0, x->side, j);
        if (!m.count && !d->update->all) continue;
        const place tile = {weir__tile(dy->side, x->side, 0, j), width, height, width};
        move_tile(d, &tile, (weir__range){0, height}, (weir__range){0, width}, false, &m, NULL);
    }
}

/// Update of weights between two compact sides: tiles of pairs of blocks.
static void update_pairs(size_t rows, const descent *d, weir__range blocks, const weir__bf16_side *dy,
                         const weir__bf16_side *x) {
    const weir__side *out = dy->side, *in = x->side;
    const weir__tiling tiling = {out->width, in->width, out->block, in->block};
    matches m;
    for (size_t jo = blocks.first; jo < blocks.last; jo++) {
        const size_t height = weir__units(out, jo), first = jo * out->block;
        bool any = false;
        for (size_t ji = 0; ji < weir__blocks(in); ji++) {
            match_open(&m, rows, out, jo, in, ji);
            if (!m.count && !d->update->all) continue;
            const size_t width = weir__units(in, ji);
            const place tile = {weir__tile(out, in, jo, ji), width, height, width};
            move_tile(d, &tile, (weir__range){0, height}, (weir__range){0, width}, false, &m, NULL);
            any = true;
        }
        if (any && d->update->most > 0) weir__update_limit(d->update, NULL, &tiling, first, first + height);
    }
}

// ---- all cases -----------------------------------------------------------------------------------------------------

/// They have no floats.
INLINE float *floats_of(const descent *d) {
    (void)d;
    return NULL;
}

#include "../walk/weight_update.h"

static void run_update_strips(const void *context, weir__piece p) {
    const update_product *u = context;
    const own_strips own = strips_of_piece(u, p);
    begin_tiles();
    update_strips(u->rows, &u->weights, own.blocks, own.part, own.parts, u->weights.dy, u->weights.x);
    bias_of_piece(u, p);
    end_tiles();
}

static const weir__strategy weight_update_strategies[] = {
    {.name = "tiles", .applies = weir__both_compact, .run = run_update_pairs},
    // Columns of W are moved: rows are known only when all are.
    {.name = "columns", .applies = weir__dense_before_blocks, .run = run_update_columns, .finish = limit_part},
    {.name = "strips", .applies = weir__in_is_dense, .run = run_update_strips},
    {0},
};

static void weight_update(size_t rows, float *bias, const weir__bf16_side *dy, const weir__bf16_side *x,
                          const weir__update *update, const weir__update *bias_update) {
    const update_product u = {rows, {update, dy, x}, {bias_update, bias}, dy, x, NULL, 8};
    weir__case c = weir__case_of(WEIR_OPERATION_WEIGHT_UPDATE, rows, dy->side, x->side);
    c.limited = update->most > 0;
    run_weight_update(weight_update_strategies, &c, &u);
}
