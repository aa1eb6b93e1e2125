// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The table of update rules, and the loop that takes one of them over the tensors: one pass, in which each row of
// weights is moved, its norm taken and, if need be, the row scaled back while it is in cache.
//
// Max-norm: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to prevent neural
// networks from overfitting", JMLR 15, 2014, section 5.1. A row is held to the limit after updates that touched it;
// initial weights above it are scaled at their first update.

#include <math.h>
#include <string.h>

#include "../core/clones.h"
#include "optimizer.h"

static const weir__optimizer_rule *const rules[] = {&weir__sgd, &weir__momentum, &weir__adam};
enum { rule_count = sizeof rules / sizeof *rules };

enum {
    piece_values = 8192,
    group_rows = 64
}; // work of one turn of a thread: 32 KiB of weights, or so many rows of tiles

const weir__optimizer_rule *weir__optimizer_at(size_t index) { return index < rule_count ? rules[index] : NULL; }

const weir__optimizer_rule *weir__optimizer_find(const char *name) {
    for (size_t i = 0; name && i < rule_count; i++) {
        if (!strcmp(rules[i]->name, name)) return rules[i];
    }
    return NULL;
}

static weir_status check(const weir_optimizer_options *o, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(weir__optimizer_find(o->kind), WEIR_CONFIG, "optimizer.kind is \"%s\"; expected sgd, momentum or adam",
             o->kind ? o->kind : "");
    TRY_THAT(o->rate > 0 && isfinite(o->rate), WEIR_CONFIG, "optimizer.rate is %g; expected a number above 0", o->rate);
    TRY_THAT(o->momentum >= 0 && o->momentum < 1, WEIR_CONFIG, "optimizer.momentum is %g; expected 0 <= momentum < 1",
             o->momentum);
    TRY_THAT(o->beta1 >= 0 && o->beta1 < 1, WEIR_CONFIG, "optimizer.beta1 is %g; expected 0 <= beta1 < 1", o->beta1);
    TRY_THAT(o->beta2 >= 0 && o->beta2 < 1, WEIR_CONFIG, "optimizer.beta2 is %g; expected 0 <= beta2 < 1", o->beta2);
    TRY_THAT(o->epsilon > 0 && isfinite(o->epsilon), WEIR_CONFIG, "optimizer.epsilon is %g; expected a number above 0",
             o->epsilon);
    TRY_THAT(o->decay >= 0 && isfinite(o->decay), WEIR_CONFIG, "optimizer.decay is %g; expected 0 or more", o->decay);
done:
    return status;
}

weir_status weir__optimizer_init(weir__optimizer *optimizer, const weir_optimizer_options *options, size_t count,
                                 weir_error *error) {
    weir_status status = WEIR_OK;
    *optimizer = (weir__optimizer){.options = *options, .count = count};
    TRY(check(options, error));
    optimizer->rule = weir__optimizer_find(options->kind);
    optimizer->options.kind = optimizer->rule->name;
    for (size_t i = 0; optimizer->rule->slots[i]; i++) {
        TRY(weir__new(&optimizer->slots[i], count, sizeof(float), "the optimizer's moving averages", error));
    }
done:
    if (status != WEIR_OK) weir__optimizer_free(optimizer);
    return status;
}

void weir__optimizer_free(weir__optimizer *optimizer) {
    for (size_t i = 0; i < WEIR__OPTIMIZER_SLOTS; i++) weir__free(optimizer->slots[i]);
    *optimizer = (weir__optimizer){0};
}

// One tensor, in this step.
typedef struct tensor_step {
    const weir_tensor *t;
    float (*apply)(const weir__move *move, size_t count, float *w, const float *g, float *const *slot);
    weir__move move;
    float *w;
    const float *g;
    float *slot[WEIR__OPTIMIZER_SLOTS];
    const uint8_t *touched; // NULL: everything is visited
    size_t tiles;           // per strip
    float most;             // square of max_norm; 0: unlimited
} tensor_step;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static float move_span(const tensor_step *s, size_t begin, size_t count) {
    float *slot[WEIR__OPTIMIZER_SLOTS] = {NULL};
    for (size_t i = 0; i < WEIR__OPTIMIZER_SLOTS; i++) {
        if (s->slot[i]) slot[i] = s->slot[i] + begin;
    }
    return s->apply(&s->move, count, s->w + begin, s->g + begin, slot);
}

WEIR__CLONES float weir__sum_of_squares(const float *w, size_t count) {
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (size_t i = 0; i < count; i++) squares += w[i] * w[i];
    return squares;
}

static void scale(float *w, size_t count, float factor) {
#pragma omp simd
    for (size_t i = 0; i < count; i++) w[i] *= factor;
}

// Where columns c0 … of row r lie, r being row `inside` of a strip of `height` rows that begins at `strip`.
static size_t span_begin(const tensor_step *s, size_t strip, size_t height, size_t inside, size_t c0, size_t length) {
    return strip * s->t->columns + c0 * height + inside * length;
}

// An infinite or undefined norm is left alone: the next loss will show it, a zeroed row would hide it.
static bool exceeds(const tensor_step *s, float squares) { return squares > s->most && isfinite(squares); }

// Rows first … last − 1 without a limit: runs of touched tiles that adjoin in memory move as one span.
static void move_free_rows(const tensor_step *s, size_t first, size_t last) {
    const weir_tensor *t = s->t;
    size_t run = 0, run_count = 0;
    for (size_t r = first, end; r < last; r = end) {
        const size_t index = r / t->block_rows, strip = index * t->block_rows;
        const size_t height = smaller(t->block_rows, t->rows - strip);
        end = smaller(last, strip + height);
        for (size_t i = 0, c0 = 0; i < s->tiles; i++, c0 += t->block_columns) {
            if (s->touched && !s->touched[index * s->tiles + i]) continue;
            const size_t length = smaller(t->block_columns, t->columns - c0);
            const size_t begin = span_begin(s, strip, height, r - strip, c0, length), count = (end - r) * length;
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
    const weir_tensor *t = s->t;
    if (s->touched && !s->touched[r / t->block_rows]) return;
    const float squares = move_span(s, r * t->columns, t->columns);
    if (exceeds(s, squares)) scale(s->w + r * t->columns, t->columns, sqrtf(s->most / squares));
}

// Rows inside … inside + count − 1 of the strip of `height` rows that begins at row `strip`.
typedef struct row_group {
    size_t strip, height, inside, count;
} row_group;

// Σ w² of each row of the group.
static void take_norms(const tensor_step *s, const row_group *g, float *squares) {
    const weir_tensor *t = s->t;
    for (size_t r = 0; r < g->count; r++) squares[r] = 0;
    for (size_t c0 = 0; c0 < t->columns; c0 += t->block_columns) {
        const size_t length = smaller(t->block_columns, t->columns - c0);
        const float *w = s->w + span_begin(s, g->strip, g->height, g->inside, c0, length);
        if (length == 1) {
            for (size_t r = 0; r < g->count; r++) squares[r] += w[r] * w[r];
        } else {
            for (size_t r = 0; r < g->count; r++) squares[r] += weir__sum_of_squares(w + r * length, length);
        }
    }
}

// A group under a limit: moves the touched tiles, then takes the norms of its rows across all tiles. A tile has a piece
// of every row of its strip, so that one touched tile means that all rows moved.
static void move_group(const tensor_step *s, const row_group *g) {
    const weir_tensor *t = s->t;
    const uint8_t *touched = s->touched ? s->touched + g->strip / t->block_rows * s->tiles : NULL;
    float squares[group_rows];
    if (touched && !memchr(touched, 1, s->tiles)) return;
    move_free_rows(s, g->strip + g->inside, g->strip + g->inside + g->count);
    take_norms(s, g, squares);
    for (size_t r = 0; r < g->count; r++) {
        if (!exceeds(s, squares[r])) continue;
        const float factor = sqrtf(s->most / squares[r]);
        for (size_t c0 = 0; c0 < t->columns; c0 += t->block_columns) {
            const size_t length = smaller(t->block_columns, t->columns - c0);
            scale(s->w + span_begin(s, g->strip, g->height, g->inside + r, c0, length), length, factor);
        }
    }
}

// Row by row, several rows a turn: tensors without a limit, or whose rows lie in one piece.
static void move_by_rows(const tensor_step *s) {
    const weir_tensor *t = s->t;
    const size_t rows_each = t->columns < piece_values ? piece_values / t->columns : 1;
    const size_t pieces = (t->rows + rows_each - 1) / rows_each;
#pragma omp parallel for schedule(dynamic, 1) if (pieces > 2)
    for (size_t i = 0; i < pieces; i++) {
        const size_t first = i * rows_each, last = smaller(t->rows, first + rows_each);
        if (s->most > 0) {
            for (size_t r = first; r < last; r++) move_row(s, r);
        } else {
            move_free_rows(s, first, last);
        }
    }
}

// Group by group: a limit on rows that lie in several tiles.
static void move_by_groups(const tensor_step *s) {
    const weir_tensor *t = s->t;
    const size_t strips = (t->rows + t->block_rows - 1) / t->block_rows;
    const size_t each = (smaller(t->block_rows, t->rows) + group_rows - 1) / group_rows; // groups of a strip
#pragma omp parallel for schedule(dynamic, 1) if (strips * each > 1)
    for (size_t i = 0; i < strips * each; i++) {
        const size_t strip = i / each * t->block_rows, inside = i % each * group_rows;
        const size_t height = smaller(t->block_rows, t->rows - strip);
        if (inside >= height) continue;
        move_group(s, &(row_group){strip, height, inside, smaller(group_rows, height - inside)});
    }
}

void weir__optimizer_step(weir__optimizer *optimizer, const weir_parameters *parameters, double rate) {
    const weir_optimizer_options *o = &optimizer->options;
    const weir__optimizer_rule *rule = optimizer->rule;
    const double t = (double)++optimizer->step;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const weir_tensor *tensor = &parameters->tensors[i];
        const double decay = tensor->decays ? o->decay : 0;
        tensor_step s = {
            .t = tensor,
            .apply = rule->move,
            .move = {.rate = (float)(rate * tensor->rate),
                     .decay = (float)decay,
                     .momentum = (float)o->momentum,
                     .epsilon = (float)o->epsilon,
                     .past1 = (float)o->beta1,
                     .new1 = (float)(1 - o->beta1),
                     .past2 = (float)o->beta2,
                     .new2 = (float)(1 - o->beta2),
                     .correction1 = (float)(1 / (1 - pow(o->beta1, t))),
                     .correction2 = (float)(1 / (1 - pow(o->beta2, t)))},
            .w = parameters->values + tensor->offset,
            .g = parameters->gradients + tensor->offset,
            .touched = decay > 0 && rule->visits_all_for_decay ? NULL : tensor->touched,
            .tiles = (tensor->columns + tensor->block_columns - 1) / tensor->block_columns,
            .most = (float)(tensor->max_norm * tensor->max_norm),
        };
        for (size_t k = 0; rule->slots[k]; k++) s.slot[k] = optimizer->slots[k] + tensor->offset;
        if (s.most > 0 && s.tiles > 1) {
            move_by_groups(&s);
        } else {
            move_by_rows(&s);
        }
    }
}
