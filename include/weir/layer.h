// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file layer.h
/// One gated layer without a network around it: y = x·Wᵀ + bias for the open blocks of y only, from the open blocks of
/// x only, its gradients, and the update of its weights. For programs that have their own gates and their own training
/// loop and want the products alone.
///
///     weir_layer_options options = weir_layer_options_default(4096, 4096);
///     options.output_block = 64;
///     weir_layer_create(&layer, &options, &error);
///     weir_batch_create(&x, 4096, 0, 256, &error);     // dense, at most 256 rows
///     weir_batch_create(&y, 4096, 64, 256, &error);    // blocks of 64 units
///     weir_batch_begin(x, rows, NULL, &error), weir_batch_put(x, inputs);
///     weir_batch_begin(y, rows, gates, &error);        // gates [rows][64]: open where not 0
///     weir_layer_forward(layer, y, x, &error);
///     weir_batch_get(y, outputs);                      // [rows][4096], 0 where closed
///
/// Two batches of blocks, one after the other, make a stack whose closed blocks are skipped on both sides.
#ifndef WEIR_LAYER_H
#define WEIR_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"
#include "status.h"
#include "system.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- batches -------------------------------------------------------------------------------------------------------

/// The values of one vector of units for a batch of rows, and their gradient. Dense: [rows][width]. Compact: of each
/// row only the blocks whose gate is open, block by block. One thread uses a batch at a time.
typedef struct weir_batch weir_batch;

/// Makes an empty batch. width ≥ 1: units. block: units per gate, 1 … width (of the last block what is left), or 0 for
/// a dense batch. max_rows ≥ 1. Memory follows the open blocks, not max_rows. WEIR_SHAPE for sizes outside these or too
/// large together, WEIR_MEMORY. *batch is NULL after a failure.
WEIR_API weir_status weir_batch_create(weir_batch **batch, size_t width, size_t block, size_t max_rows,
                                       weir_error *error);
/// Frees it; NULL is fine.
WEIR_API void weir_batch_free(weir_batch *batch);

/// Begins the next batch of rows ≤ max_rows (0 is fine). gates [rows][blocks], blocks = ⌈width / block⌉, row-major: a
/// block of a row is open where its gate is not 0 (NaN counts as open); read here only. Gates decide what is computed
/// and do not scale it. Dense: gates is NULL. Values and gradient are undefined afterwards. WEIR_SHAPE for too many
/// rows, WEIR_ARGUMENT for gates that are missing or not wanted, WEIR_MEMORY (then the batch has 0 rows).
WEIR_API weir_status weir_batch_begin(weir_batch *batch, size_t rows, const float *gates, weir_error *error);

/// Takes the values from dense [rows][width]; those of closed blocks are not read.
WEIR_API void weir_batch_put(weir_batch *batch, const float *dense);
/// Spreads the values into dense [rows][width], 0 where a block is closed.
WEIR_API void weir_batch_get(const weir_batch *batch, float *dense);
/// The gradient as weir_batch_put and weir_batch_get have the values. Put: WEIR_MEMORY, the first time. Get before
/// there is one: all 0.
WEIR_API weir_status weir_batch_put_gradient(weir_batch *batch, const float *dense, weir_error *error);
WEIR_API void weir_batch_get_gradient(const weir_batch *batch, float *dense);

/// Begins the next batch of rows ≤ max_rows of a dense batch in memory of the caller: values [rows][width] are read and
/// written where they are; so is gradient, [rows][width], or NULL: there is none yet, and weir_layer_backward makes it
/// in memory of the batch. Both stay alive and in place until the next begin or use. WEIR_SHAPE for too many rows,
/// WEIR_ARGUMENT for a batch of blocks or values that are missing; the batch is then as before.
WEIR_API weir_status weir_batch_use(weir_batch *batch, size_t rows, float *values, float *gradient, weir_error *error);

/// Multiplies the values of each open block by its gate: y = g·z. gates as in weir_batch_begin. Dense: nothing happens.
WEIR_API void weir_batch_gate(weir_batch *batch, const float *gates);
/// From the values y = g·z and the gradient ∂L/∂y: dgates[row][block] = ∂L/∂g = Σ ∂L/∂y·y / g over the block's units, 0
/// where it is closed (NULL: not wanted), and the gradient becomes ∂L/∂z = g·∂L/∂y. gates are those of weir_batch_gate.
WEIR_API void weir_batch_gate_backward(weir_batch *batch, float *dgates, const float *gates);

/// Where everything lies. Valid until the next call that takes the batch as one that it changes.
///
/// Block j owns slots start[j] … start[j+1] − 1; slot s is row row[s], rows ascending within a block; its values are
/// values[s·block] …, of a short last block the first ones. A dense batch has one slot per row, block = width,
/// blocks = 1, and neither start nor row.
typedef struct weir_batch_view {
    size_t rows, width, block, blocks, slots;
    const int32_t *start; ///< [blocks + 1], NULL: dense
    const int32_t *row;   ///< [slots], NULL: dense
    float *values;        ///< [slots][block]; may be changed in place (an activation function, a scale)
    float *gradient;      ///< the same shape; NULL until weir_batch_put_gradient or weir_layer_backward made it
} weir_batch_view;
WEIR_API weir_batch_view weir_batch_look(weir_batch *batch);

// ---- layers --------------------------------------------------------------------------------------------------------

/// The weights of one layer, and how they are stored for its blocks. One thread uses a layer at a time; its
/// calls use weir_threads() threads inside, and their results are the same bits for any number of these.
typedef struct weir_layer weir_layer;

typedef struct weir_layer_options {
    size_t inputs, outputs;           ///< units, at least 1
    size_t input_block, output_block; ///< units per gate of x and of y; 0: dense
    weir_precision precision;
    const float *weights; ///< [outputs][inputs] row-major, copied; NULL: uniform within ±1/√inputs, from seed
    const float *bias;    ///< [outputs], copied; NULL: 0
    uint64_t seed;
} weir_layer_options;

/// Dense on both sides, float32, drawn weights, seed 1.
WEIR_API weir_layer_options weir_layer_options_default(size_t inputs, size_t outputs);

/// WEIR_SHAPE for sizes that are 0, blocks larger than their side, or products beyond memory; WEIR_UNSUPPORTED for a
/// precision that the library does not have; WEIR_MEMORY. *layer is NULL after a failure.
WEIR_API weir_status weir_layer_create(weir_layer **layer, const weir_layer_options *options, weir_error *error);
/// Where the numbers of a layer lie, for programs that keep them themselves. Weights, and their v, lie in strips of
/// output_block rows, in these in tiles of input_block columns, each tile row-major, without padding; a dense side is
/// one block. So without input blocks that is plain row-major [outputs][inputs], and of blocks that divide their side
/// [outputs/output_block][inputs/input_block][output_block][input_block].
typedef struct weir_layer_memory {
    float *weights;                  ///< of WEIR_FLOAT32
    uint16_t *upper, *lower;         ///< of WEIR_BFLOAT16: bf16 numbers, which products read, and what they are short
                                     ///< of the float that learns (as a signed number, in units of its last place);
                                     ///< lower NULL: the layer makes no steps
    float *bias;                     ///< [outputs]; NULL: there is none
    float *velocity, *bias_velocity; ///< v of steps with momentum; NULL: the layer makes none
} weir_layer_memory;

/// Makes a layer whose numbers are those in the memory: read there, moved there by steps, never copied or freed; the
/// caller keeps the memory alive, and may read and change it between calls. weights, bias and seed of the options are
/// not looked at. Errors as weir_layer_create; WEIR_ARGUMENT where the weights of the precision are NULL.
WEIR_API weir_status weir_layer_borrow(weir_layer **layer, const weir_layer_options *options,
                                       const weir_layer_memory *memory, weir_error *error);
/// Gives such a layer other memory from now on; O(1). The same memory once more where numbers have been changed and the
/// layer has input blocks and dense calls, whose second copy is then made anew. WEIR_ARGUMENT for a layer that was not
/// borrowed, or weights that are NULL: the layer is then as before.
WEIR_API weir_status weir_layer_use(weir_layer *layer, const weir_layer_memory *memory, weir_error *error);

/// Frees it; NULL is fine.
WEIR_API void weir_layer_free(weir_layer *layer);

/// The weights, [outputs][inputs] row-major, and bias [outputs], whatever the layout inside. NULL: leave that one out.
WEIR_API void weir_layer_set_weights(weir_layer *layer, const float *weights, const float *bias);
WEIR_API void weir_layer_get_weights(const weir_layer *layer, float *weights, float *bias);

/// Values of y = x·Wᵀ + bias, for open blocks of y, from open blocks of x; what belongs to a closed block is neither
/// read nor written. Both batches have begun with the same number of rows. Their forms are those of the layer
/// (output_block, input_block), or dense both: the same weights without gates, by the dense product. A layer with input
/// blocks keeps a second copy of its weights from its first dense call on. WEIR_SHAPE for batches of other widths,
/// blocks or rows than that, WEIR_MEMORY.
WEIR_API weir_status weir_layer_forward(weir_layer *layer, weir_batch *y, const weir_batch *x, weir_error *error);

/// One step of gradient descent: v = momentum·v + dW, W −= rate·v (without momentum: W −= rate·dW), the bias alike.
/// Weights between blocks that no row has open on both sides stay as they are, and so does their v.
typedef struct weir_layer_step {
    float rate;     ///< of dW, which sums over the rows: a mean loss has its 1/rows in the gradient of y
    float momentum; ///< 0 … < 1
} weir_layer_step;

/// After weir_layer_forward with the same batches: from the gradient of y (weir_batch_put_gradient, or of the layer
/// above) the gradient of x, dx = dy·W, where input_gradient is true, and then, where step is not NULL, the update with
/// dW = dyᵀ·x. Forms as in weir_layer_forward. WEIR_ARGUMENT where y has no gradient or step has a number out of range,
/// WEIR_SHAPE, WEIR_MEMORY; after a failure the weights are as they were.
WEIR_API weir_status weir_layer_backward(weir_layer *layer, weir_batch *x, const weir_batch *y, bool input_gradient,
                                         const weir_layer_step *step, weir_error *error);

/// The gradient of the weights and of the bias instead of a step: dweights = dyᵀ·x, [outputs·inputs] floats in the
/// order of weir_layer_memory, and dbias [outputs], NULL: not wanted. Every number is written, exactly 0 where no row
/// has both blocks open. In fp32 whatever the precision of the layer. After weir_layer_forward with the same batches;
/// errors as weir_layer_backward.
WEIR_API weir_status weir_layer_gradient(weir_layer *layer, float *dweights, float *dbias, const weir_batch *y,
                                         const weir_batch *x, weir_error *error);

/// Work that the open blocks of two batches ask of a layer, counted from shapes and gates. O(rows · open blocks of x
/// and y) time.
typedef struct weir_layer_work {
    uint64_t products;             ///< multiply-adds of each product: forward, input gradient, weight gradient
    uint64_t dense;                ///< the same with every gate open
    uint64_t weights;              ///< weights in all
    uint64_t weights_needed;       ///< weights between blocks that some row has open on both sides
    uint64_t forward_bytes;        ///< of weights read by the forward product
    uint64_t input_gradient_bytes; ///< of weights read by it
    uint64_t step_bytes;           ///< of weights (and of their v, with momentum) read and written by the update
} weir_layer_work;
/// WEIR_SHAPE as weir_layer_forward, WEIR_MEMORY.
WEIR_API weir_status weir_layer_count(const weir_layer *layer, weir_layer_work *work, const weir_batch *y,
                                      const weir_batch *x, weir_error *error);

/// How a product of these batches would be done, and why (weir_plan_describe says it in words). WEIR_SHAPE as
/// weir_layer_forward, WEIR_ARGUMENT for an unknown operation.
WEIR_API weir_status weir_layer_plan(const weir_layer *layer, weir_plan *plan, weir_operation operation,
                                     const weir_batch *y, const weir_batch *x, weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
