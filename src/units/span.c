// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Splits a layer of units into spans and shares them among the threads. Every number that a span writes depends on
// its own inputs alone, so that the result does not depend on who computes it.

#include "rules.h"

static const double work_of_value = 2; // a random number or an elementary function, in operations

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
                                 .first = first,
                                 .count = left < weir__span_units ? left : weir__span_units,
                                 .at = row * units + first};
        s->function(s->context, s->batch, span);
    }
}

void weir__for_spans(const void *context, const weir_unit_batch *batch, weir__span_function *function) {
    const size_t per_row = spans_of(batch->units);
    const double work = per_row ? (double)batch->units / (double)per_row * work_of_value : 0;
    weir__parallel_ranges(batch->rows * per_row, work, run_spans, &(spans){context, batch, function});
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
