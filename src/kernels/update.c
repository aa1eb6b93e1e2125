// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The table of update rules, and the pass that takes one of them over a tensor: each row of weights is moved, its norm
// taken and, if need be, the row scaled back while it is in cache.
//
// Max-norm: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to prevent neural
// networks from overfitting", JMLR 15, 2014, section 5.1. A row is held to the limit after updates that touched it;
// initial weights above it are scaled at their first update.

#include "update.h"

#include <math.h>
#include <string.h>

#include "../core/clones.h"
#include "../core/core.h"
#include "../core/parallel.h"

#define ROW(name) &weir__##name,
static const weir__update_rule *const rules[] = {WEIR__UPDATE_RULES(ROW)};
enum { rule_count = sizeof rules / sizeof *rules };

enum { group_rows = 64 }; // rows of tiles whose norms are taken together

const weir__update_rule *weir__update_rule_at(size_t index) { return index < rule_count ? rules[index] : NULL; }

const weir__update_rule *weir__update_rule_find(const char *name) {
    for (size_t i = 0; name && i < rule_count; i++) {
        if (!strcmp(rules[i]->name, name)) return rules[i];
    }
    return NULL;
}

enum { AT_ONCE = 1024 }; // weights that are joined from halves at a time

void weir__update_get(const weir__update *update, float *weights, size_t first, size_t count, float *floats) {
    if (update->halves.upper) {
        weir__halves_join(count, floats, update->halves.upper + first, update->halves.lower + first);
    } else {
        memcpy(floats, weights + first, count * sizeof *floats);
    }
}

void weir__update_put(const weir__update *update, float *weights, size_t first, size_t count, float *floats) {
    if (update->halves.upper) {
        const weir__halves halves = weir__halves_at(&update->halves, first);
        weir__halves_split(count, &halves, floats);
    } else {
        memcpy(weights + first, floats, count * sizeof *floats);
    }
}

static float move_floats(const weir__update *update, float *weights, size_t first, size_t count, const float *g) {
    float *slot[WEIR__UPDATE_SLOTS] = {NULL};
    for (size_t i = 0; i < WEIR__UPDATE_SLOTS; i++) {
        if (update->slot[i]) slot[i] = update->slot[i] + first;
    }
    return update->rule->move(&update->move, count, weights, g, slot);
}

float weir__update_span(const weir__update *update, float *weights, size_t first, size_t count, const float *g) {
    _Alignas(64) float joined[AT_ONCE];
    float squares = 0;
    if (!update->halves.upper) return move_floats(update, weights + first, first, count, g);
    for (size_t k = 0, some = 0; k < count; k += some) {
        some = count - k < AT_ONCE ? count - k : AT_ONCE;
        weir__update_get(update, NULL, first + k, some, joined);
        squares += move_floats(update, joined, first + k, some, g + k);
        weir__update_put(update, NULL, first + k, some, joined);
    }
    return squares;
}

WEIR__CLONES float weir__sum_of_squares(const float *w, size_t count) {
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (size_t i = 0; i < count; i++) squares += w[i] * w[i];
    return squares;
}

WEIR__CLONES static void multiply(float *w, size_t count, float factor) {
#pragma omp simd
    for (size_t i = 0; i < count; i++) w[i] *= factor;
}

static void scale(const weir__update *update, float *weights, size_t first, size_t count, float factor) {
    _Alignas(64) float joined[AT_ONCE];
    if (!update->halves.upper) {
        multiply(weights + first, count, factor);
        return;
    }
    for (size_t k = 0, some = 0; k < count; k += some) {
        some = count - k < AT_ONCE ? count - k : AT_ONCE;
        weir__update_get(update, NULL, first + k, some, joined);
        multiply(joined, some, factor);
        weir__update_put(update, NULL, first + k, some, joined);
    }
}

/// Σ w² of weights[first … first + count).
static float squares_of(const weir__update *update, float *weights, size_t first, size_t count) {
    _Alignas(64) float joined[AT_ONCE];
    float squares = 0;
    if (!update->halves.upper) return weir__sum_of_squares(weights + first, count);
    for (size_t k = 0, some = 0; k < count; k += some) {
        some = count - k < AT_ONCE ? count - k : AT_ONCE;
        weir__update_get(update, NULL, first + k, some, joined);
        squares += weir__sum_of_squares(joined, some);
    }
    return squares;
}

// ---- max-norm -------------------------------------------------------------------------------------------------------

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// An infinite or undefined norm is left alone: the next loss will show it, a zeroed row would hide it.
static bool exceeds(const weir__update *u, float squares) { return squares > u->most && isfinite(squares); }

void weir__update_limit_row(const weir__update *u, float *weights, size_t first, size_t count, float squares) {
    if (exceeds(u, squares)) scale(u, weights, first, count, sqrtf(u->most / squares));
}

// Rows inside … inside + count − 1 of the strip of `height` rows that begins at row `strip`.
typedef struct row_group {
    size_t strip, height, inside, count;
} row_group;

static row_group group_of(const weir__tiling *t, size_t first, size_t last) {
    const size_t strip = first / t->block_rows * t->block_rows;
    return (row_group){strip, smaller(t->block_rows, t->rows - strip), first - strip, last - first};
}

// Where columns c0 … c0 + length − 1 of the group's first row lie.
static size_t span_begin(const weir__tiling *t, const row_group *g, size_t c0, size_t length) {
    return g->strip * t->columns + c0 * g->height + g->inside * length;
}

// Σ w² of each row of the group, across all tiles.
static void take_norms(const weir__update *u, const weir__tiling *t, float *weights, const row_group *g,
                       float *squares) {
    for (size_t r = 0; r < g->count; r++) squares[r] = 0;
    for (size_t c0 = 0; c0 < t->columns; c0 += t->block_columns) {
        const size_t length = smaller(t->block_columns, t->columns - c0), first = span_begin(t, g, c0, length);
        if (length == 1 && !u->halves.upper) {
            for (size_t r = 0; r < g->count; r++) squares[r] += weights[first + r] * weights[first + r];
        } else {
            for (size_t r = 0; r < g->count; r++) squares[r] += squares_of(u, weights, first + r * length, length);
        }
    }
}

static void limit_group(const weir__update *u, float *weights, const weir__tiling *t, const row_group *g) {
    float squares[group_rows];
    take_norms(u, t, weights, g, squares);
    for (size_t r = 0; r < g->count; r++) {
        if (!exceeds(u, squares[r])) continue;
        const float factor = sqrtf(u->most / squares[r]);
        for (size_t c0 = 0; c0 < t->columns; c0 += t->block_columns) {
            const size_t length = smaller(t->block_columns, t->columns - c0);
            scale(u, weights, span_begin(t, g, c0, length) + r * length, length, factor);
        }
    }
}

void weir__update_limit(const weir__update *u, float *weights, const weir__tiling *t, size_t first, size_t last) {
    for (size_t r = first; r < last; r += group_rows) {
        const row_group g = group_of(t, r, smaller(r + group_rows, last));
        limit_group(u, weights, t, &g);
    }
}

// ---- a gradient array -----------------------------------------------------------------------------------------------

// One tensor, in this step.
typedef struct tensor_step {
    const weir__update *update;
    const weir__tiling *t;
    float *weights;
    const float *gradients;
    const uint8_t *touched; // NULL: everything is visited
    size_t tiles;           // per strip
} tensor_step;

static float move_span(const tensor_step *s, size_t first, size_t count) {
    return weir__update_span(s->update, s->weights, first, count, s->gradients + first);
}

// Rows first … last − 1 without a limit: runs of touched tiles that adjoin in memory move as one span.
static void move_free_rows(const tensor_step *s, size_t first, size_t last) {
    const weir__tiling *t = s->t;
    size_t run = 0, run_count = 0;
    for (size_t r = first, end; r < last; r = end) {
        const size_t index = r / t->block_rows;
        end = smaller(last, (index + 1) * t->block_rows);
        const row_group g = group_of(t, r, end);
        for (size_t i = 0, c0 = 0; i < s->tiles; i++, c0 += t->block_columns) {
            if (s->touched && !s->touched[index * s->tiles + i]) continue;
            const size_t length = smaller(t->block_columns, t->columns - c0);
            const size_t begin = span_begin(t, &g, c0, length), count = g.count * length;
            if (run_count && run + run_count == begin) {
                run_count += count;
                continue;
            }
            if (run_count) move_span(s, run, run_count);
            run = begin;
            run_count = count;
        }
    }
    if (run_count) move_span(s, run, run_count);
}

// A row under a limit, in one piece: moves it, takes its norm and scales it.
static void move_row(const tensor_step *s, size_t r) {
    const weir__tiling *t = s->t;
    if (s->touched && !s->touched[r / t->block_rows]) return;
    const float squares = move_span(s, r * t->columns, t->columns);
    weir__update_limit_row(s->update, s->weights, r * t->columns, t->columns, squares);
}

// A group under a limit: moves the touched tiles, then takes the norms of its rows across all tiles. A tile has a piece
// of every row of its strip, so that one touched tile means that all rows moved.
static void move_group(const tensor_step *s, size_t first, size_t last) {
    const uint8_t *touched = s->touched ? s->touched + first / s->t->block_rows * s->tiles : NULL;
    if (touched && !memchr(touched, 1, s->tiles)) return;
    move_free_rows(s, first, last);
    weir__update_limit(s->update, s->weights, s->t, first, last);
}

// Row by row: tensors without a limit, or whose rows lie in one piece.
static void move_by_rows(const void *context, weir__range rows) {
    const tensor_step *s = context;
    if (s->update->most > 0) {
        for (size_t r = rows.first; r < rows.last; r++) move_row(s, r);
    } else {
        move_free_rows(s, rows.first, rows.last);
    }
}

// Groups of a strip.
static size_t groups_of_strip(const weir__tiling *t) {
    return (smaller(t->block_rows, t->rows) + group_rows - 1) / group_rows;
}

// Group by group: a limit on rows that lie in several tiles.
static void move_by_groups(const void *context, weir__range groups) {
    const tensor_step *s = context;
    const weir__tiling *t = s->t;
    const size_t each = groups_of_strip(t);
    for (size_t i = groups.first; i < groups.last; i++) {
        const size_t strip = i / each * t->block_rows, inside = i % each * group_rows;
        const size_t height = smaller(t->block_rows, t->rows - strip);
        if (inside < height) move_group(s, strip + inside, strip + smaller(inside + group_rows, height));
    }
}

void weir__update_apply(const weir__update *update, float *weights, const float *gradients, const uint8_t *touched,
                        const weir__tiling *tiling) {
    const tensor_step s = {.update = update,
                           .t = tiling,
                           .weights = weights,
                           .gradients = gradients,
                           .touched = update->all ? NULL : touched,
                           .tiles = (tiling->columns + tiling->block_columns - 1) / tiling->block_columns};
    const double columns = (double)tiling->columns;
    if (update->most > 0 && s.tiles > 1) {
        const size_t strips = (tiling->rows + tiling->block_rows - 1) / tiling->block_rows;
        weir__parallel_ranges(strips * groups_of_strip(tiling), group_rows * columns, move_by_groups, &s);
    } else {
        weir__parallel_ranges(tiling->rows, columns, move_by_rows, &s);
    }
}
