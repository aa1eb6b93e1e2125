// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The products by the way of their plan.
//
// Ways that do everything, with a compact side: what they read of it is spread out with zeros between, what they write
// goes to an array of its own, from which the wanted pairs are collected. For blocks of one unit CBLAS, which does not
// mind, gets that array transposed, since their slots are then neighbours in it.

#include "product.h"

#include <string.h>

#include "../core/parallel.h"
#include "bf16/bf16.h"
#include "scatter.h"
#include "side.h"

void weir__scratch_free(weir__scratch *scratch) {
    weir__buffer_free(&scratch->work);
    weir__buffer_free(&scratch->plain);
}

weir_precision weir__precision_of(weir_operation operation, weir_precision weights) {
    return operation == WEIR_OPERATION_WEIGHT_GRADIENT ? WEIR_FLOAT32 : weights;
}

static weir_precision precision_of(const weir__weights *weights) {
    return weights->bf16 ? WEIR_BFLOAT16 : WEIR_FLOAT32;
}

/// A side in full: as it is, or an array in scratch memory instead of its compact values.
typedef struct plain_side {
    weir__side side;
    bool by_units; // it lies [width][rows]
    weir__strides at;
} plain_side;

static weir_status make_plain(plain_side *plain, const weir__side *side, size_t rows, bool transpose,
                              weir__scratch *scratch, weir_error *error) {
    weir_status status = WEIR_OK;
    *plain = (plain_side){.side = *side, .at = weir__by_rows(side)};
    if (!side->route) goto done;
    TRY(weir__buffer_reserve(&scratch->plain, rows * side->width, error));
    plain->side = (weir__side){.width = side->width, .block = side->width, .values = scratch->plain.data};
    plain->by_units = transpose && side->block == 1;
    if (plain->by_units) plain->at = weir__by_units(rows);
done:
    return status;
}

static weir_status spread(plain_side *plain, const weir__side *side, size_t rows, bool transpose,
                          weir__scratch *scratch, weir_error *error) {
    const weir_status status = make_plain(plain, side, rows, transpose, scratch, error);
    if (status == WEIR_OK && side->route) weir__scatter(side, rows, plain->side.values, plain->at);
    return status;
}

static weir_status reserve_work(weir__scratch *scratch, weir_error *error) {
    return weir__buffer_reserve(&scratch->work, weir__scratch_floats(), error);
}

// ---- forward -------------------------------------------------------------------------------------------------------

/// By the kernels of the precision.
static weir_status kernel_forward(size_t rows, const weir__side *y, const weir__side *x, const weir__weights *weights,
                                  const float *bias, weir__scratch *scratch, weir_error *error) {
    weir_status status = WEIR_OK;
    if (weights->bf16) return weir__bf16_forward(rows, y, x, weights->bf16, bias, &scratch->work, error);
    TRY(reserve_work(scratch, error));
    weir__gated_current()->forward(rows, y, x, weights->values, bias, scratch->work.data);
done:
    return status;
}

weir_status weir__product_forward(const weir_plan *plan, size_t rows, const weir__side *y, const weir__side *x,
                                  const weir__weights *weights, const float *bias, weir__scratch *scratch,
                                  weir_error *error) {
    const weir_precision precision = precision_of(weights);
    const weir_plan own = plan ? *plan : weir__plan_of(WEIR_OPERATION_FORWARD, rows, y, x, precision);
    const bool by_cblas = own.way == WEIR_WAY_DENSE && precision == WEIR_FLOAT32;
    weir_status status = WEIR_OK;
    plain_side to;
    if (!rows) return WEIR_OK;
    if (own.way == WEIR_WAY_GATED) return kernel_forward(rows, y, x, weights, bias, scratch, error);
    const float *early = y->route ? NULL : bias, *late = y->route ? bias : NULL;
    TRY(make_plain(&to, y, rows, by_cblas, scratch, error));
    if (by_cblas) {
        weir__dense_forward(rows, y->width, x->width, to.side.values, to.by_units, x->values, weights->values, early);
    } else {
        TRY(kernel_forward(rows, &to.side, x, weights, early, scratch, error));
    }
    if (y->route) weir__gather(y, rows, to.side.values, to.at, late);
done:
    return status;
}

// ---- input gradient ------------------------------------------------------------------------------------------------

static weir_status kernel_input_gradient(size_t rows, const weir__side *dx, const weir__side *dy,
                                         const weir__weights *weights, weir__scratch *scratch, weir_error *error) {
    weir_status status = WEIR_OK;
    if (weights->bf16) return weir__bf16_input_gradient(rows, dx, dy, weights->bf16, &scratch->work, error);
    TRY(reserve_work(scratch, error));
    weir__gated_current()->input_gradient(rows, dx, dy, weights->values, scratch->work.data);
done:
    return status;
}

weir_status weir__product_input_gradient(const weir_plan *plan, size_t rows, const weir__side *dx, const weir__side *dy,
                                         const weir__weights *weights, weir__scratch *scratch, weir_error *error) {
    const weir_precision precision = precision_of(weights);
    const weir_plan own = plan ? *plan : weir__plan_of(WEIR_OPERATION_INPUT_GRADIENT, rows, dy, dx, precision);
    const bool by_cblas = own.way == WEIR_WAY_DENSE && precision == WEIR_FLOAT32;
    weir_status status = WEIR_OK;
    plain_side from;
    if (!rows) return WEIR_OK;
    if (own.way == WEIR_WAY_GATED) return kernel_input_gradient(rows, dx, dy, weights, scratch, error);
    TRY(spread(&from, dy, rows, by_cblas, scratch, error));
    if (by_cblas) {
        weir__dense_input_gradient(rows, dy->width, dx->width, dx->values, from.side.values, from.by_units,
                                   weights->values);
    } else {
        TRY(kernel_input_gradient(rows, dx, &from.side, weights, scratch, error));
    }
done:
    return status;
}

// ---- weight gradient -----------------------------------------------------------------------------------------------

/// Sums of a block's open slots.
static void sum_slots(const weir__side *dy, size_t j, size_t rows, float *sum) {
    const size_t first = weir__first(dy, j), open = weir__open(dy, j, rows), units = weir__units(dy, j);
    if (dy->block == 1) {
        float total = 0;
#pragma omp simd reduction(+ : total)
        for (size_t slot = first; slot < open; slot++) total += dy->values[slot];
        *sum = total;
        return;
    }
    memset(sum, 0, units * sizeof *sum);
    for (size_t slot = first; slot < open; slot++) {
        const float *from = weir__values(dy, slot);
        for (size_t u = 0; u < units; u++) sum[u] += from[u];
    }
}

typedef struct slot_sums {
    size_t rows;
    const weir__side *dy;
    float *dbias;
    uint8_t *touched;
} slot_sums;

static void sum_blocks(const void *context, weir__range blocks) {
    const slot_sums *s = context;
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const bool any = weir__first(s->dy, j) < weir__open(s->dy, j, s->rows);
        if (any || !s->touched || s->touched[j]) sum_slots(s->dy, j, s->rows, s->dbias + j * s->dy->block);
        if (s->touched) s->touched[j] = any;
    }
}

/// dbias, flags included.
static void bias_gradient(size_t rows, const weir__side *dy, float *dbias, uint8_t *touched) {
    const size_t blocks = weir__blocks(dy);
    if (!dy->route) {
        weir__sum_columns(rows, dy->width, dbias, dy->values);
        if (touched && blocks) *touched = 1;
        return;
    }
    const double each = blocks ? (double)dy->route->slots / (double)blocks * (double)dy->block : 0;
    weir__parallel_ranges(blocks, each, sum_blocks, &(slot_sums){rows, dy, dbias, touched});
}

/// Which tiles of weights, between blocks of dy and a dense x, have a pair.
static void mark_touched(size_t rows, const weir__side *dy, uint8_t *touched) {
    for (size_t j = 0; touched && j < weir__blocks(dy); j++) touched[j] = weir__first(dy, j) < weir__open(dy, j, rows);
}

weir_status weir__product_weight_gradient(const weir_plan *plan, size_t rows, float *dweights, float *dbias,
                                          uint8_t *touched, uint8_t *bias_touched, const weir__side *dy,
                                          const weir__side *x, weir__scratch *scratch, weir_error *error) {
    const weir_plan own = plan ? *plan : weir__plan_of(WEIR_OPERATION_WEIGHT_GRADIENT, rows, dy, x, WEIR_FLOAT32);
    weir_status status = WEIR_OK;
    plain_side from;
    uint8_t all = 1;
    if (own.way == WEIR_WAY_GATED) {
        weir__gated_current()->weight_gradient(rows, dweights, dbias, touched, bias_touched, dy, x);
        return WEIR_OK;
    }
    TRY(spread(&from, dy, rows, own.way == WEIR_WAY_DENSE, scratch, error));
    if (own.way == WEIR_WAY_DENSE) {
        weir__dense_weight_gradient(rows, dy->width, x->width, dweights, from.side.values, from.by_units, x->values);
    } else {
        weir__gated_current()->weight_gradient(rows, dweights, NULL, &all, NULL, &from.side, x);
    }
    mark_touched(rows, dy, touched);
    if (dbias) bias_gradient(rows, dy, dbias, bias_touched);
done:
    return status;
}

// ---- weight update -------------------------------------------------------------------------------------------------

/// W −= rate·dW and nothing more: what has no pair stays as it is whoever visits it.
static bool is_plain_descent(const weir__update *update) {
    return update->rule == &weir__sgd && update->move.decay == 0 && update->most == 0;
}

/// Whether it makes no difference that tiles without a pair are visited.
static bool may_visit_all(size_t rows, const weir__side *dy, const weir__update *update) {
    bool has_pairs = true;
    for (size_t j = 0; j < weir__blocks(dy); j++) has_pairs &= weir__first(dy, j) < weir__open(dy, j, rows);
    return has_pairs || update->all || is_plain_descent(update);
}

/// The plan of an update; what has no pair is looked at again by may_visit_all.
static weir_plan plan_update(size_t rows, const weir__side *dy, const weir__side *x, const weir__update *update) {
    weir_plan plan = weir__plan_of(WEIR_OPERATION_WEIGHT_UPDATE, rows, dy, x, WEIR_FLOAT32);
    if (is_plain_descent(update)) return plan;
    plan.gradient_array = 1;
    weir__plan_way(&plan);
    return plan;
}

/// In one pass, if it can be, or by way of an array of gradients.
static weir_status dense_update(size_t rows, float *weights, const plain_side *dy, const weir__side *x,
                                const weir__update *update, weir__scratch *scratch, weir_error *error) {
    const size_t out = dy->side.width, in = x->width;
    const weir__tiling tiling = {out, in, out, in};
    weir_status status = WEIR_OK;
    if (is_plain_descent(update)) {
        weir__dense_descend(rows, out, in, weights, -update->move.rate, dy->side.values, dy->by_units, x->values);
        goto done;
    }
    TRY(weir__buffer_reserve(&scratch->work, out * in, error));
    weir__dense_weight_gradient(rows, out, in, scratch->work.data, dy->side.values, dy->by_units, x->values);
    weir__update_apply(update, weights, scratch->work.data, NULL, &tiling);
done:
    return status;
}

static weir_status bias_step(size_t rows, float *bias, const weir__side *dy, const weir__update *update,
                             weir__scratch *scratch, weir_error *error) {
    const size_t blocks = weir__blocks(dy), width = dy->width;
    const weir__tiling tiling = {width, 1, dy->block, 1};
    weir_status status = WEIR_OK;
    TRY(weir__buffer_reserve(&scratch->work, width + blocks, error)); // a flag is smaller than a float
    float *sums = scratch->work.data;
    uint8_t *touched = (uint8_t *)(sums + width);
    memset(touched, 0, blocks);
    bias_gradient(rows, dy, sums, touched);
    weir__update_apply(update, bias, sums, touched, &tiling);
done:
    return status;
}

weir_status weir__product_weight_update(const weir_plan *plan, size_t rows, float *weights, float *bias,
                                        const weir__side *dy, const weir__side *x, const weir__update *update,
                                        const weir__update *bias_update, weir__scratch *scratch, weir_error *error) {
    if (update->halves.upper) {
        return weir__bf16_weight_update(rows, bias, dy, x, update, bias_update, &scratch->work, error);
    }
    const weir_plan own = plan ? *plan : plan_update(rows, dy, x, update);
    weir_status status = WEIR_OK;
    plain_side from;
    TRY(reserve_work(scratch, error));
    if (own.way == WEIR_WAY_GATED || (dy->route && !may_visit_all(rows, dy, update)) ||
        (own.way == WEIR_WAY_STREAM && !dy->route)) {
        weir__gated_current()->weight_update(rows, weights, bias, dy, x, update, bias_update, scratch->work.data);
        goto done;
    }
    TRY(weir__buffer_reserve(&scratch->work, 2 * dy->width, error)); // of bias_step, which cannot fail after this
    TRY(spread(&from, dy, rows, own.way == WEIR_WAY_DENSE, scratch, error));
    if (own.way == WEIR_WAY_DENSE) {
        TRY(dense_update(rows, weights, &from, x, update, scratch, error));
    } else {
        weir__gated_current()->weight_update(rows, weights, NULL, &from.side, x, update, bias_update,
                                             scratch->work.data);
    }
    if (bias) TRY(bias_step(rows, bias, dy, bias_update, scratch, error));
done:
    return status;
}

// ---- both ----------------------------------------------------------------------------------------------------------

weir_status weir__product_backward(size_t rows, const weir__side *dx, const weir__side *dy, const weir__side *x,
                                   float *weights, float *bias, const weir__update *update,
                                   const weir__update *bias_update, weir__scratch *scratch, weir_error *error) {
    const weir__weights w = {weights, update->halves.upper};
    const weir_precision precision = precision_of(&w);
    const weir_plan first = weir__plan_of(WEIR_OPERATION_INPUT_GRADIENT, rows, dy, dx, precision);
    const weir_plan second = plan_update(rows, dy, x, update);
    weir_status status = WEIR_OK;
    if (first.way != WEIR_WAY_GATED || (!w.bf16 && second.way != WEIR_WAY_GATED)) {
        TRY(weir__product_input_gradient(&first, rows, dx, dy, &w, scratch, error));
        return weir__product_weight_update(&second, rows, weights, bias, dy, x, update, bias_update, scratch, error);
    }
    if (w.bf16) {
        return weir__bf16_backward(rows, dx, dy, x, bias, update, bias_update, &scratch->work, error);
    }
    TRY(reserve_work(scratch, error));
    weir__gated_current()->backward(rows, dx, dy, x, weights, bias, update, bias_update, scratch->work.data);
done:
    return status;
}
