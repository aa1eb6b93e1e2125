// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Batches of activations, dense or compact, and the way from one form to the other.

#include "batch.h"

#include <string.h>

#include "../core/clones.h"
#include "scatter.h"
#include "side.h"

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
    batch->lent_values = batch->lent_gradient = NULL;
    if (batch->block) TRY(weir__route_build(&batch->route, rows, blocks_of(batch), gates, NULL, error));
    batch->rows = rows;
    status = weir__buffer_reserve(&batch->values, floats_of(batch), error);
    if (status == WEIR_OK) goto done;
    weir__route_free(&batch->route);
    batch->rows = 0;
done:
    return status;
}

weir_status weir_batch_use(weir_batch *batch, size_t rows, float *values, float *gradient, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(!batch->block, WEIR_ARGUMENT, "a batch of blocks has memory of its own");
    TRY_THAT(rows <= batch->max_rows, WEIR_SHAPE, "%zu rows; expected at most %zu", rows, batch->max_rows);
    TRY_THAT(values || !rows, WEIR_ARGUMENT, "no memory for the values of %zu rows", rows);
    batch->rows = rows;
    batch->has_gradient = gradient != NULL;
    batch->lent_values = values;
    batch->lent_gradient = gradient;
done:
    return status;
}

weir_status weir__batch_want_gradient(weir_batch *batch, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!batch->lent_gradient) TRY(weir__buffer_reserve(&batch->gradient, floats_of(batch), error));
    batch->has_gradient = true;
done:
    return status;
}

static float *values_of(const weir_batch *batch) {
    return batch->lent_values ? batch->lent_values : batch->values.data;
}
static float *gradient_of(const weir_batch *batch) {
    return batch->lent_gradient ? batch->lent_gradient : batch->gradient.data;
}

static weir__side side_of(const weir_batch *batch, float *values) {
    return (weir__side){.route = batch->block ? &batch->route : NULL,
                        .width = batch->width,
                        .block = batch->block ? batch->block : batch->width,
                        .values = values};
}

weir__side weir__batch_values(const weir_batch *batch) { return side_of(batch, values_of(batch)); }

weir__side weir__batch_gradient(const weir_batch *batch) { return side_of(batch, gradient_of(batch)); }

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

// ---- gates ---------------------------------------------------------------------------------------------------------

/// What a pass over the open pairs of a batch reads and writes, block by block.
typedef struct gating {
    const weir__side *values, *gradient; ///< gradient NULL: forward
    size_t rows, blocks;
    const float *gates;
    float *dgates;
} gating;

WEIR__CLONES static void scale(float *restrict values, size_t count, float by) {
    for (size_t k = 0; k < count; k++) values[k] *= by;
}

/// In 16 lanes, so that it is vectorised in one order on every machine.
WEIR__CLONES static float dot(const float *restrict a, const float *restrict b, size_t count) {
    float lane[16] = {0}, sum = 0;
    size_t k = 0;
    for (; k + 16 <= count; k += 16) {
        for (size_t l = 0; l < 16; l++) lane[l] += a[k + l] * b[k + l];
    }
    for (; k < count; k++) lane[k % 16] += a[k] * b[k];
    for (size_t l = 0; l < 16; l++) sum += lane[l];
    return sum;
}

static void gate_blocks(const void *context, weir__range blocks) {
    const gating *g = context;
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const size_t units = weir__units(g->values, j);
        for (size_t s = weir__first(g->values, j); s < weir__open(g->values, j, g->rows); s++) {
            const size_t at = weir__row(g->values, s) * g->blocks + j;
            const float gate = g->gates[at];
            if (!g->gradient) {
                if (gate != 1) scale(weir__values(g->values, s), units, gate);
                continue;
            }
            float *dy = weir__values(g->gradient, s);
            if (g->dgates) g->dgates[at] = dot(weir__values(g->values, s), dy, units) / gate;
            if (gate != 1) scale(dy, units, gate);
        }
    }
}

static void gate(const weir_batch *batch, const gating *g) {
    const size_t blocks = blocks_of(batch);
    if (!batch->block || !batch->rows) return;
    const double each = (double)batch->route.slots / (double)blocks * (double)batch->block;
    weir__parallel_ranges(blocks, each, gate_blocks, g);
}

void weir_batch_gate(weir_batch *batch, const float *gates) {
    const weir__side values = weir__batch_values(batch);
    gate(batch, &(gating){.values = &values, .rows = batch->rows, .blocks = blocks_of(batch), .gates = gates});
}

void weir_batch_gate_backward(weir_batch *batch, float *dgates, const float *gates) {
    const weir__side values = weir__batch_values(batch), gradient = weir__batch_gradient(batch);
    if (dgates) memset(dgates, 0, batch->rows * blocks_of(batch) * sizeof *dgates);
    if (!batch->has_gradient) return;
    gate(batch, &(gating){&values, &gradient, batch->rows, blocks_of(batch), gates, dgates});
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
                             .values = values_of(batch),
                             .gradient = batch->has_gradient ? gradient_of(batch) : NULL};
}
