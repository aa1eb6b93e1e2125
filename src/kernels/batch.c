// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Batches of activations, dense or compact, and the way from one form to the other.

#include "batch.h"

#include <string.h>

#include "scatter.h"

static size_t blocks_of(const weir_batch *batch) {
    return batch->block ? (batch->width + batch->block - 1) / batch->block : 1;
}

/// Floats of the values of the present rows.
static size_t floats_of(const weir_batch *batch) {
    return batch->block ? batch->route.slots * batch->block : batch->rows * batch->width;
}

weir_status weir_batch_create(weir_batch **batch, size_t width, size_t block, size_t max_rows, weir_error *error) {
    weir_status status = WEIR_OK;
    *batch = NULL;
    TRY_THAT(width >= 1 && max_rows >= 1, WEIR_SHAPE, "a batch of %zu rows x %zu units: expected at least 1 of both",
             max_rows, width);
    TRY_THAT(block <= width, WEIR_SHAPE, "blocks of %zu units in a batch of %zu units: expected 0 (dense) to %zu",
             block, width, width);
    TRY_THAT(max_rows <= INT32_MAX && width <= SIZE_MAX / sizeof(float) / max_rows, WEIR_SHAPE,
             "a batch of %zu rows x %zu units is too large", max_rows, width);
    TRY(weir__new(batch, 1, sizeof **batch, "a batch", error));
    **batch = (weir_batch){.width = width, .block = block, .max_rows = max_rows};
done:
    return status;
}

void weir_batch_free(weir_batch *batch) {
    if (!batch) return;
    weir__route_free(&batch->route);
    weir__buffer_free(&batch->values);
    weir__buffer_free(&batch->gradient);
    weir__free(batch);
}

weir_status weir_batch_begin(weir_batch *batch, size_t rows, const float *gates, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(rows <= batch->max_rows, WEIR_SHAPE, "%zu rows; expected at most %zu", rows, batch->max_rows);
    TRY_THAT(!batch->block || gates || !rows, WEIR_ARGUMENT, "a batch of blocks needs gates [%zu rows][%zu blocks]",
             rows, blocks_of(batch));
    TRY_THAT(batch->block || !gates, WEIR_ARGUMENT, "a dense batch has no gates");
    batch->rows = 0;
    batch->has_gradient = false;
    if (batch->block) TRY(weir__route_build(&batch->route, rows, blocks_of(batch), gates, NULL, error));
    batch->rows = rows;
    status = weir__buffer_reserve(&batch->values, floats_of(batch), error);
    if (status == WEIR_OK) goto done;
    weir__route_free(&batch->route);
    batch->rows = 0;
done:
    return status;
}

weir_status weir__batch_want_gradient(weir_batch *batch, weir_error *error) {
    const weir_status status = weir__buffer_reserve(&batch->gradient, floats_of(batch), error);
    if (status == WEIR_OK) batch->has_gradient = true;
    return status;
}

static weir__side side_of(const weir_batch *batch, float *values) {
    return (weir__side){.route = batch->block ? &batch->route : NULL,
                        .width = batch->width,
                        .block = batch->block ? batch->block : batch->width,
                        .values = values};
}

weir__side weir__batch_values(const weir_batch *batch) { return side_of(batch, batch->values.data); }

weir__side weir__batch_gradient(const weir_batch *batch) { return side_of(batch, batch->gradient.data); }

// ---- one form to the other -----------------------------------------------------------------------------------------

static void put(const weir__side *side, size_t rows, const float *dense) {
    if (!rows) return;
    if (side->route) {
        weir__gather(side, rows, dense, weir__by_rows(side), NULL);
    } else {
        memcpy(side->values, dense, rows * side->width * sizeof *dense);
    }
}

static void get(const weir__side *side, size_t rows, float *dense) {
    if (!rows) return;
    if (side->route) {
        weir__scatter(side, rows, dense, weir__by_rows(side));
    } else {
        memcpy(dense, side->values, rows * side->width * sizeof *dense);
    }
}

void weir_batch_put(weir_batch *batch, const float *dense) {
    const weir__side side = weir__batch_values(batch);
    put(&side, batch->rows, dense);
}

void weir_batch_get(const weir_batch *batch, float *dense) {
    const weir__side side = weir__batch_values(batch);
    get(&side, batch->rows, dense);
}

weir_status weir_batch_put_gradient(weir_batch *batch, const float *dense, weir_error *error) {
    const weir_status status = weir__batch_want_gradient(batch, error);
    if (status != WEIR_OK) return status;
    const weir__side side = weir__batch_gradient(batch);
    put(&side, batch->rows, dense);
    return WEIR_OK;
}

void weir_batch_get_gradient(const weir_batch *batch, float *dense) {
    const weir__side side = weir__batch_gradient(batch);
    if (batch->has_gradient) {
        get(&side, batch->rows, dense);
    } else {
        memset(dense, 0, batch->rows * batch->width * sizeof *dense);
    }
}

weir_batch_view weir_batch_look(weir_batch *batch) {
    const bool compact = batch->block != 0;
    return (weir_batch_view){.rows = batch->rows,
                             .width = batch->width,
                             .block = compact ? batch->block : batch->width,
                             .blocks = blocks_of(batch),
                             .slots = compact ? batch->route.slots : batch->rows,
                             .start = compact ? batch->route.start : NULL,
                             .row = compact ? batch->route.row : NULL,
                             .values = batch->values.data,
                             .gradient = batch->has_gradient ? batch->gradient.data : NULL};
}
