// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Splits a layer of units into spans and shares them among the threads. Every number that a span writes depends on
// its own inputs alone, so that the result does not depend on who computes it.

#include "../core/noise.h"
#include "rules.h"

static const double work_of_value = 1; // nanoseconds of a random number or an elementary function

typedef struct spans {
    const void *context;
    const weir_unit_batch *batch;
    weir__span_function *function;
} spans;

static size_t spans_of(size_t units) { return (units + weir__span_units - 1) / weir__span_units; }

static void run_spans(const void *context, weir__range numbers) {
    const spans *s = context;
    const size_t units = s->batch->units, per_row = spans_of(units);
    for (size_t k = numbers.first; k < numbers.last; k++) {
        const size_t row = k / per_row, first = k % per_row * weir__span_units, left = units - first;
        const weir__span span = {.row = (uint32_t)row,
                                 .rows = 1,
                                 .first = first,
                                 .count = left < weir__span_units ? left : weir__span_units,
                                 .at = row * units + first};
        s->function(s->context, s->batch, span);
    }
}

/// Short rows, several to a span.
static void run_rows_of_spans(const void *context, weir__range rows) {
    const spans *s = context;
    const size_t units = s->batch->units, all = rows.last - rows.first, most = weir__span_units / units;
    const size_t parts = (all + most - 1) / most;
    for (size_t k = 0; k < parts; k++) { // about alike: a short one costs more than its share
        const weir__range own = weir__part(all, k, parts);
        const size_t row = rows.first + own.first, count = own.last - own.first;
        s->function(s->context, s->batch,
                    (weir__span){.row = (uint32_t)row, .rows = count, .count = count * units, .at = row * units});
    }
}

void weir__for_spans(const void *context, const weir_unit_batch *batch, weir__span_function *function) {
    const size_t units = batch->units, per_row = spans_of(units);
    const spans s = {context, batch, function};
    if (per_row > 1)
        weir__parallel_ranges(batch->rows * per_row, (double)units / (double)per_row * work_of_value, run_spans, &s);
    else if (units)
        weir__parallel_ranges(batch->rows, (double)units * work_of_value, run_rows_of_spans, &s);
}

void weir__span_uniform(float *out, weir_noise noise, weir__span span) {
    if (span.rows > 1)
        weir__random_uniform_rows(out, noise, span.row, span.rows, span.count / span.rows);
    else
        weir__random_uniform_at(out, noise, span.row, span.first, span.count);
}

void weir__span_logistic(float *out, weir_noise noise, weir__span span) {
    if (span.rows > 1)
        weir__random_logistic_rows(out, noise, span.row, span.rows, span.count / span.rows);
    else
        weir__random_logistic_at(out, noise, span.row, span.first, span.count);
}

void weir__span_normal(float *out, weir_noise noise, weir__span span) {
    if (span.rows > 1)
        weir__random_normal_rows(out, noise, span.row, span.rows, span.count / span.rows);
    else
        weir__random_normal_at(out, noise, span.row, span.first, span.count);
}

typedef struct openings {
    const void *context;
    size_t count;
    const float *a;
    float *q, *dq;
    weir__opening_function *function;
} openings;

static void run_openings(const void *context, weir__range pieces) {
    const openings *o = context;
    for (size_t k = pieces.first; k < pieces.last; k++) {
        const size_t first = k * weir__span_units, left = o->count - first;
        o->function(o->context, left < weir__span_units ? left : weir__span_units, o->a + first, o->q + first,
                    o->dq ? o->dq + first : NULL);
    }
}

void weir__for_openings(const void *context, size_t count, const float *a, float *q, float *dq,
                        weir__opening_function *function) {
    const openings o = {context, count, a, q, dq, function};
    weir__parallel_ranges(spans_of(count), work_of_value * weir__span_units, run_openings, &o);
}

typedef struct row_pieces {
    const void *context;
    const weir_unit_batch *batch;
    size_t each;
    weir__rows_function *function;
} row_pieces;

static void run_rows(const void *context, weir__range pieces) {
    const row_pieces *p = context;
    for (size_t k = pieces.first; k < pieces.last; k++) {
        const size_t first = k * p->each, last = first + p->each, rows = p->batch->rows;
        p->function(p->context, p->batch, (weir__rows){.first = first, .last = last < rows ? last : rows, .piece = k});
    }
}

void weir__for_rows(const void *context, const weir_unit_batch *batch, size_t work, weir__rows_function *function) {
    const size_t rows = batch->rows, each = (rows + weir__pieces - 1) / weir__pieces;
    const size_t pieces = rows ? (rows + each - 1) / each : 0;
    const row_pieces p = {context, batch, each, function};
    weir__parallel_ranges(pieces, (double)(each * work) * work_of_value, run_rows, &p);
}
