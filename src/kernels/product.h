// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file product.h
/// The three products of a layer, each done the way a plan says: what stands between those who have layers (graphs, the
/// layer API) and the kernels. Sides and tiles of weights are those of gated.h.
#ifndef WEIR_PRODUCT_H
#define WEIR_PRODUCT_H

#include <weir/plan.h>

#include "gated.h"

/// Weights in tiles.
typedef struct weir__weights {
    const float *values;
    const uint16_t
        *bf16; ///< in the same order, rounded (bf16.h): values is not looked at; NULL: the product is in fp32
} weir__weights;

/// Memory that grows as needed and holds nothing between calls. Zero-initialise.
typedef struct weir__scratch {
    weir__buffer work;  ///< of kernels
    weir__buffer plain; ///< a compact side, spread out
} weir__scratch;
void weir__scratch_free(weir__scratch *scratch);

/// The precision that a product is done in with weights of one precision.
weir_precision weir__precision_of(weir_operation operation, weir_precision weights);

/// The plan of a product, without the name of its strategy; out and in are y and x, or their gradients. Shares are counted as the product needs them:
/// evaluated pairs of the side that is written, open pairs of the sides that are read.
weir_plan weir__plan_of(weir_operation operation, size_t rows, const weir__side *out, const weir__side *in,
                        weir_precision precision);

/// The way that weir_plan_use or WEIR_PLAN asks for, WEIR_WAY_AUTO where none does.
weir_way weir__plan_wanted(void);

/// weir_plan_choose without the name of the strategy, which only readers of plans want.
void weir__plan_way(weir_plan *plan);

/// y = W·x + bias (NULL: none), as the kernel `forward`. plan NULL: weir__plan_of decides. The way changes the time a
/// product takes; what it computes of finite numbers is the same up to rounding. (Where everything is computed, a
/// number that is not finite, times the 0 of a closed gate, is not 0.)
weir_status weir__product_forward(const weir_plan *plan, size_t rows, const weir__side *y, const weir__side *x,
                                  const weir__weights *weights, const float *bias, weir__scratch *scratch,
                                  weir_error *error);
/// dx = Wᵀ·dy, as the kernel `input_gradient`.
weir_status weir__product_input_gradient(const weir_plan *plan, size_t rows, const weir__side *dx, const weir__side *dy,
                                         const weir__weights *weights, weir__scratch *scratch, weir_error *error);
/// dW and dbias, as the kernel `weight_gradient`, flags included.
weir_status weir__product_weight_gradient(const weir_plan *plan, size_t rows, float *dweights, float *dbias,
                                          uint8_t *touched, uint8_t *bias_touched, const weir__side *dy,
                                          const weir__side *x, weir__scratch *scratch, weir_error *error);
/// dW and dbias, applied to the weights and the bias at once, as the kernel `weight_update`, or, where the update has
/// halves, as that of bf16: always the gated way. In fp32 a way that does
/// everything is taken for a compact dy only where it moves nothing that has no pair. Room for scratch is all that can
/// be short, and nothing has moved then.
weir_status weir__product_weight_update(const weir_plan *plan, size_t rows, float *weights, float *bias,
                                        const weir__side *dy, const weir__side *x, const weir__update *update,
                                        const weir__update *bias_update, weir__scratch *scratch, weir_error *error);
/// weir__product_input_gradient and then weir__product_weight_update with the plans of their own; where both go the
/// gated way, as the kernel `backward`, which reads each weight once. Room for scratch is all that can be short, and
/// nothing has moved then.
weir_status weir__product_backward(size_t rows, const weir__side *dx, const weir__side *dy, const weir__side *x,
                                   float *weights, float *bias, const weir__update *update,
                                   const weir__update *bias_update, weir__scratch *scratch, weir_error *error);

#endif
