// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Splits a layer of units into spans and shares them among the threads. Every number that a span writes depends on
// its own inputs alone, so that the result does not depend on who computes it.

#include <weir/system.h>

#include "rules.h"

static const size_t worth_threads = 8192; // values; starting a team of threads takes as long as computing some thousand

void weir__for_spans(const void *context, const weir_unit_batch *batch, weir__span_function *function) {
    const size_t per_row = (batch->units + weir__span_units - 1) / weir__span_units;
    const size_t spans = batch->rows * per_row;
#pragma omp parallel for schedule(static) num_threads(weir_threads()) if (batch->rows * batch->units >= worth_threads)
    for (size_t s = 0; s < spans; s++) {
        const size_t row = s / per_row, first = s % per_row * weir__span_units;
        const size_t left = batch->units - first;
        const weir__span span = {.row = (uint32_t)row,
                                 .first = first,
                                 .count = left < weir__span_units ? left : weir__span_units,
                                 .at = row * batch->units + first};
        function(context, batch, span);
    }
}

void weir__for_openings(const weir_unit *unit, size_t count, const float *a, float *q, float *dq,
                        weir__opening_function *function) {
    const size_t pieces = (count + weir__span_units - 1) / weir__span_units;
#pragma omp parallel for schedule(static) num_threads(weir_threads()) if (count >= worth_threads)
    for (size_t piece = 0; piece < pieces; piece++) {
        const size_t first = piece * weir__span_units, left = count - first;
        function(unit, left < weir__span_units ? left : weir__span_units, a + first, q + first, dq ? dq + first : NULL);
    }
}

void weir__for_rows(const void *context, const weir_unit_batch *batch, size_t work, weir__rows_function *function) {
    const size_t rows = batch->rows, each = (rows + weir__pieces - 1) / weir__pieces;
    const size_t pieces = rows ? (rows + each - 1) / each : 0;
#pragma omp parallel for schedule(static) num_threads(weir_threads()) if (rows * work >= worth_threads)
    for (size_t piece = 0; piece < pieces; piece++) {
        const size_t first = piece * each, last = first + each;
        function(context, batch, (weir__rows){.first = first, .last = last < rows ? last : rows, .piece = piece});
    }
}
