// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The products by the way of their plan.
//
// The dense way of a product with compact sides: what it reads is spread out with zeros between, what it writes goes
// to an array of its own, from which the wanted pairs are copied.

#include <string.h>

#include "bf16/bf16.h"
#include "product.h"
#include "side.h"

/// Copies the evaluated pairs of a side out of a dense array.
static void copy_out(const weir__side *side, const float *dense) {
    const size_t blocks = side->route->blocks;
#pragma omp parallel for num_threads(weir_threads()) schedule(static)
    for (size_t j = 0; j < blocks; j++) {
        const size_t bytes = weir__units(side, j) * sizeof *dense;
        for (size_t slot = weir__first(side, j); slot < weir__evaluated(side, j, 0); slot++) {
            memcpy(weir__values(side, slot), dense + weir__row(side, slot) * side->width + j * side->block, bytes);
        }
    }
}

weir_status weir__product_forward(const weir_plan *plan, size_t rows, const weir__side *y, const weir__side *x,
                                  const weir__weights *weights, const float *bias, weir__buffer *scratch,
                                  weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_plan own = plan ? *plan : weir__plan_of(WEIR_OPERATION_FORWARD, rows, y, x);
    if (!rows) return WEIR_OK;
    if (weights->bf16) return weir__bf16_forward(rows, y, x, weights->bf16, bias, scratch, error);
    const bool spread = own.way == WEIR_WAY_DENSE && y->route;
    const size_t work = weir__scratch_floats();
    TRY(weir__buffer_reserve(scratch, work + (spread ? rows * y->width : 0), error));
    if (own.way != WEIR_WAY_DENSE) {
        weir__gated_current()->forward(rows, y, x, weights->values, bias, scratch->data);
        goto done;
    }
    float *const to = spread ? scratch->data + work : y->values;
    weir__dense_forward(rows, y->width, x->width, to, x->values, weights->values, bias, scratch->data);
    if (spread) copy_out(y, to);
done:
    return status;
}

weir_status weir__product_input_gradient(const weir_plan *plan, size_t rows, const weir__side *dx, const weir__side *dy,
                                         const weir__weights *weights, weir__buffer *scratch, weir_error *error) {
    const weir_plan own = plan ? *plan : weir__plan_of(WEIR_OPERATION_INPUT_GRADIENT, rows, dy, dx);
    if (weights->bf16) return weir__bf16_input_gradient(rows, dx, dy, weights->bf16, scratch, error);
    weir_status status = WEIR_OK;
    TRY(weir__buffer_reserve(scratch, weir__scratch_floats(), error));
    if (own.way == WEIR_WAY_DENSE) {
        weir__dense_input_gradient(rows, dy->width, dx->width, dx->values, dy->values, weights->values, scratch->data);
    } else {
        weir__gated_current()->input_gradient(rows, dx, dy, weights->values, scratch->data);
    }
done:
    return status;
}

weir_status weir__product_weight_gradient(const weir_plan *plan, size_t rows, float *dweights, float *dbias,
                                          uint8_t *touched, uint8_t *bias_touched, const weir__side *dy,
                                          const weir__side *x, weir__buffer *scratch, weir_error *error) {
    const weir_plan own = plan ? *plan : weir__plan_of(WEIR_OPERATION_WEIGHT_GRADIENT, rows, dy, x);
    (void)scratch, (void)error; // for ways that need room
    if (own.way == WEIR_WAY_DENSE) {
        weir__dense_weight_gradient(rows, dy->width, x->width, dweights, dbias, dy->values, x->values);
        if (touched) *touched = 1;
        if (bias_touched) *bias_touched = 1;
    } else {
        weir__gated_current()->weight_gradient(rows, dweights, dbias, touched, bias_touched, dy, x);
    }
    return WEIR_OK;
}

/// Rows up to which the update fused with the gradient beats a dense gradient and a pass over it.
static const size_t most_rows_fused = 64;

weir_status weir__product_weight_update(const weir_plan *plan, size_t rows, float *weights, float *bias,
                                        const weir__side *dy, const weir__side *x, const weir__update *update,
                                        const weir__update *bias_update, weir__buffer *scratch, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_plan own = plan ? *plan : weir__plan_of(WEIR_OPERATION_WEIGHT_GRADIENT, rows, dy, x);
    if (update->half) return weir__bf16_weight_update(rows, weights, bias, dy, x, update, bias_update, scratch, error);
    const weir__tiling tiling = {dy->width, x->width, dy->width, x->width}, of_bias = {dy->width, 1, dy->width, 1};
    if (own.way != WEIR_WAY_DENSE || rows <= most_rows_fused) {
        weir__gated_current()->weight_update(rows, weights, bias, dy, x, update, bias_update);
        return WEIR_OK;
    }
    TRY(weir__buffer_reserve(scratch, dy->width * (x->width + 1), error));
    float *dweights = scratch->data, *dbias = dweights + dy->width * x->width;
    weir__dense_weight_gradient(rows, dy->width, x->width, dweights, bias ? dbias : NULL, dy->values, x->values);
    weir__update_apply(update, weights, dweights, NULL, &tiling);
    if (bias) weir__update_apply(bias_update, bias, dbias, NULL, &of_bias);
done:
    return status;
}
