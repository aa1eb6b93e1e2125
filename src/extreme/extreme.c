// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The network: making it, its hidden layer, and its parameters one by one.

#include "extreme.h"

#include <math.h>
#include <string.h>

#include "../core/clones.h"
#include "../core/parallel.h"

enum { input_stream = 7001, output_stream = 7002, most_hidden = 4096, most_block = 1024, line = 16 };
static const float nowhere = -1e30f;
static const double typical_columns = 64; // that a row has, for the first weights

weir_extreme_options weir_extreme_options_default(void) {
    return (weir_extreme_options){.hidden = 128,
                                  .block = 16,
                                  .sampled = 1024,
                                  .rate = 1e-3,
                                  .beta1 = 0.9,
                                  .beta2 = 0.999,
                                  .epsilon = 1e-8,
                                  .lazy = "exact"};
}

static weir_status check_options(const weir_extreme_options *o, size_t columns, size_t classes, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(columns && columns < UINT32_MAX && classes && classes < INT32_MAX, WEIR_CONFIG,
             "a network of %zu columns and %zu classes; each is 1 or more and below 2^31", columns, classes);
    TRY_THAT(o->hidden && o->hidden <= most_hidden, WEIR_CONFIG, "hidden is %zu; expected 1 to %d", o->hidden,
             most_hidden);
    TRY_THAT(o->block && o->block <= most_block, WEIR_CONFIG, "block is %zu; expected 1 to %d", o->block, most_block);
    TRY_THAT(isfinite(o->rate) && o->rate >= 0, WEIR_CONFIG, "rate is %g; expected a number, at least 0", o->rate);
    TRY_THAT(o->beta1 > 0 && o->beta1 < 1 && o->beta2 > 0 && o->beta2 < 1, WEIR_CONFIG,
             "beta1 and beta2 are %g and %g; expected numbers between 0 and 1", o->beta1, o->beta2);
    // Steps that are made up for end because β₁ʲ falls faster than √β₂ʲ.
    TRY_THAT(o->beta1 * o->beta1 < o->beta2, WEIR_CONFIG, "beta1 is %g; expected less than the root of beta2", o->beta1);
    TRY_THAT(isfinite(o->epsilon) && o->epsilon > 0, WEIR_CONFIG, "epsilon is %g; expected a number above 0",
             o->epsilon);
    TRY_THAT(o->lazy && (!strcmp(o->lazy, "exact") || !strcmp(o->lazy, "stand")), WEIR_CONFIG,
             "lazy is \"%s\"; expected \"exact\" or \"stand\"", o->lazy ? o->lazy : "");
done:
    return status;
}

static weir_status strips_new(weir__strips *strips, size_t count, size_t length, weir_error *error) {
    weir_status status = WEIR_OK;
    *strips = (weir__strips){.count = count, .length = length, .stride = (3 * length + line - 1) / line * line};
    TRY_THAT(count <= SIZE_MAX / 64 / strips->stride, WEIR_MEMORY, "out of memory: %zu times %zu weights", count, length);
    TRY(weir__new(&strips->weights, count * strips->stride, sizeof(float), "weights and moving averages", error));
    TRY(weir__new(&strips->upto, count, sizeof(uint32_t), "steps of weights", error));
done:
    return status;
}

static void strips_free(weir__strips *strips) {
    weir__free(strips->weights);
    weir__free(strips->upto);
}

static weir_status place_classes(weir_extreme *e, const uint32_t *order, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(weir__new(&e->place, e->classes, sizeof *e->place, "places of classes", error));
    TRY(weir__new(&e->class_at, e->blocks * e->o.block, sizeof *e->class_at, "places of classes", error));
    memset(e->class_at, 0xff, e->blocks * e->o.block * sizeof *e->class_at);
    memset(e->place, 0xff, e->classes * sizeof *e->place);
    for (size_t i = 0; i < e->classes; i++) {
        const uint32_t number = order ? order[i] : (uint32_t)i;
        TRY_THAT(number < e->classes && e->place[number] == UINT32_MAX, WEIR_CONFIG,
                 "order[%zu] is %u; expected each class once, of %zu", i, number, e->classes);
        e->place[number] = (uint32_t)i;
        e->class_at[i] = number;
    }
done:
    return status;
}

typedef struct initial {
    weir__strips *strips;
    size_t weights; ///< of a strip that are drawn; those behind are 0
    weir_noise noise;
    float deviation;
} initial;

static void draw_strips(const void *context, weir__range strips) {
    const initial *i = context;
    for (size_t s = strips.first; s < strips.last; s++) {
        float *w = weir__strip(i->strips, s);
        weir_random_normal(w, i->noise, (uint32_t)s, i->weights);
        for (size_t k = 0; k < i->weights; k++) w[k] *= i->deviation;
    }
}

static void draw(weir__strips *strips, size_t weights, uint64_t seed, uint16_t stream, double deviation) {
    const initial i = {strips, weights, {.seed = seed, .stream = stream}, (float)deviation};
    weir__parallel_ranges(strips->count, 10 * (double)weights, draw_strips, &i);
}

weir_status weir_extreme_create(weir_extreme **extreme, size_t columns, size_t classes,
                                const weir_extreme_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_extreme *e = NULL;
    *extreme = NULL;
    TRY(check_options(options, columns, classes, error));
    TRY(weir__new(&e, 1, sizeof *e, "a network", error));
    e->o = *options;
    e->exact = !strcmp(options->lazy, "exact");
    e->o.lazy = e->exact ? "exact" : "stand";
    e->o.order = NULL;
    e->columns = columns;
    e->classes = classes;
    e->blocks = (classes + options->block - 1) / options->block;
    e->history = (weir__history){.beta1 = options->beta1, .beta2 = options->beta2, .epsilon = options->epsilon};
    TRY(strips_new(&e->input, columns, options->hidden, error));
    TRY(strips_new(&e->bias, 1, options->hidden, error));
    TRY(strips_new(&e->output, e->blocks, options->block * (options->hidden + 1), error));
    TRY(place_classes(e, options->order, error));
    draw(&e->input, options->hidden, options->seed, input_stream, 1 / sqrt(typical_columns));
    draw(&e->output, options->block * options->hidden, options->seed, output_stream, 1 / sqrt((double)options->hidden));
    // Places behind the last class have no share in any softmax.
    for (size_t i = classes; i < e->blocks * options->block; i++)
        weir__strip(&e->output, e->blocks - 1)[options->block * options->hidden + i % options->block] = nowhere;
    *extreme = e;
    e = NULL;
done:
    weir_extreme_free(e);
    return status;
}

void weir_extreme_free(weir_extreme *e) {
    if (!e) return;
    strips_free(&e->input);
    strips_free(&e->bias);
    strips_free(&e->output);
    weir__free(e->place);
    weir__free(e->class_at);
    weir__history_free(&e->history);
    weir__extreme_scratch_free(e->scratch);
    weir__free(e);
}

weir_status weir__extreme_fits(const weir_extreme *e, const weir_sparse *rows, size_t first, size_t count,
                               weir_error *error) {
    const weir_sparse_shape shape = weir_sparse_shape_of(rows);
    if (shape.columns > e->columns || shape.classes > e->classes)
        return weir__fail(error, WEIR_SHAPE, "rows of %zu columns and %zu classes; the network has %zu and %zu",
                          shape.columns, shape.classes, e->columns, e->classes);
    if (first > shape.rows || count > shape.rows - first)
        return weir__fail(error, WEIR_ARGUMENT, "rows %zu to %zu of %zu", first, first + count, shape.rows);
    return WEIR_OK;
}

/// The steps that a strip has missed: none before its first gradient, and none where averages stand.
static weir__gap missed(const weir_extreme *e, const weir__strips *strips, size_t s) {
    const size_t now = e->history.count, upto = strips->upto[s];
    strips->upto[s] = (uint32_t)now;
    return weir__gap_between(&e->history, upto && e->exact ? upto : now, now);
}

void weir__strip_catch_up(const weir_extreme *e, const weir__strips *strips, size_t s) {
    if (strips->upto[s] == e->history.count) return;
    float *w = weir__strip(strips, s);
    const weir__gap gap = missed(e, strips, s);
    if (gap.steps) weir__gap_cross(&gap, strips->length, w, w + strips->length, w + 2 * strips->length);
}

weir__past weir__strip_catch_up_weights(const weir_extreme *e, const weir__strips *strips, size_t s) {
    if (strips->upto[s] == e->history.count) return (weir__past){1, 1};
    float *w = weir__strip(strips, s);
    const weir__gap gap = missed(e, strips, s);
    weir__gap_cross_weights(&gap, strips->length, w, w + strips->length, w + 2 * strips->length);
    return (weir__past){gap.past1, gap.past2};
}

// ---- the hidden layer ----------------------------------------------------------------------------------------------

WEIR__CLONES static void add_column(float *restrict sum, const float *restrict weights, float value, size_t count) {
    for (size_t i = 0; i < count; i++) sum[i] += value * weights[i];
}

WEIR__CLONES static void rectify(float *sum, size_t count) {
    for (size_t i = 0; i < count; i++) sum[i] = sum[i] > 0 ? sum[i] : 0;
}

typedef struct hidden_pass {
    const weir_extreme *e;
    const weir_sparse *rows;
    const uint32_t *index;
    size_t first;
    float *hidden;
} hidden_pass;

static void hidden_rows(const void *context, weir__range rows) {
    const hidden_pass *p = context;
    const size_t hidden = p->e->o.hidden;
    for (size_t r = rows.first; r < rows.last; r++) {
        const weir_sparse_row row = weir_sparse_row_at(p->rows, p->index ? p->index[r] : p->first + r);
        float *h = p->hidden + r * hidden;
        memcpy(h, p->e->bias.weights, hidden * sizeof *h);
        for (size_t j = 0; j < row.count; j++)
            add_column(h, weir__strip(&p->e->input, row.columns[j]), row.values[j], hidden);
        rectify(h, hidden);
    }
}

void weir__extreme_hidden(const weir_extreme *e, const weir_sparse *rows, const uint32_t *index, size_t first,
                          size_t count, float *hidden) {
    const hidden_pass p = {e, rows, index, first, hidden};
    const weir_sparse_shape shape = weir_sparse_shape_of(rows);
    const double pairs = (double)shape.pairs / (double)shape.rows;
    weir__parallel_ranges(count, (1 + pairs) * (double)e->o.hidden / 8, hidden_rows, &p);
}

// ---- parameters one by one -----------------------------------------------------------------------------------------

void weir_extreme_column(weir_extreme *e, size_t column, float *weights) {
    weir__strip_catch_up(e, &e->input, column);
    memcpy(weights, weir__strip(&e->input, column), e->o.hidden * sizeof *weights);
}

void weir_extreme_class(weir_extreme *e, size_t number, float *weights, float *bias) {
    const size_t place = e->place[number], b = place / e->o.block, inside = place % e->o.block;
    weir__strip_catch_up(e, &e->output, b);
    const float *strip = weir__strip(&e->output, b);
    memcpy(weights, strip + inside * e->o.hidden, e->o.hidden * sizeof *weights);
    *bias = strip[e->o.block * e->o.hidden + inside];
}
