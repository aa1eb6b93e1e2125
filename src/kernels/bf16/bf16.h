// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bf16.h
/// Gated products in bf16: both factors are rounded to 8 significant bits (nearest, ties to even), their products are
/// exact and their sums float. Half the bytes per weight, and twice the multiply-adds per instruction where the
/// processor has them (AVX512_BF16, AMX).
///
/// Weights are the upper halves of floats (halves.h), in exactly the order of float weights (gated.h). The side that is
/// read is rounded into scratch memory first; outputs, biases and gradients are float.
#ifndef WEIR_BF16_H
#define WEIR_BF16_H

#include "../gated.h"
#include "../halves.h"
#include "../strategy.h"
#include "../update.h"

/// A side of a product and its values once more in bf16: dense [rows][stride], or compact [slots][stride]. The stride
/// is even, and what lies between the units of a block (of the last one) and the stride is 0; closed slots are
/// undefined.
typedef struct weir__bf16_side {
    const weir__side *side;
    const uint16_t *values;
    size_t stride;
} weir__bf16_side;

/// Floats in which a thread forms sums and keeps a factor: 768 KiB of the second-level cache.
enum { WEIR__BF16_ROOM = 3 << 16 };

/// A table of kernels for one instruction set. The rules are those of weir__gated_kernels.
typedef struct weir__bf16_kernels {
    const char *name;
    /// As in weir__gated_kernels. NULL: the kernel has one way alone, or there is none.
    const weir__strategy *strategies[WEIR_OPERATION_COUNT], *backward_strategies;
    /// room: WEIR__BF16_ROOM floats for each thread, here and below.
    void (*forward)(size_t rows, const weir__side *y, const weir__bf16_side *x, const uint16_t *weights,
                    const float *bias, float *room);
    void (*input_gradient)(size_t rows, const weir__side *dx, const weir__bf16_side *dy, const uint16_t *weights,
                           float *room);
    /// The weights are update->halves.
    void (*weight_update)(size_t rows, float *bias, const weir__bf16_side *dy, const weir__bf16_side *x,
                          const weir__update *update, const weir__update *bias_update);
    void (*backward)(size_t rows, const weir__side *dx, const weir__bf16_side *dy, const weir__bf16_side *x,
                     float *bias, const weir__update *update, const weir__update *bias_update, float *room);
} weir__bf16_kernels;

const weir__bf16_kernels *weir__bf16_kernels_of(weir_isa isa);

/// Instead of those of the current instruction set; NULL: no others. For tests, of kernels for processors elsewhere.
extern const weir__bf16_kernels *weir__bf16_kernels_in_use;

/// The strategies of an operation in bf16: those of the kernels of floats where neither side is worth rounding. NULL:
/// one way alone.
const weir__strategy *weir__bf16_strategies(weir_operation operation, const weir__case *c);

/// The gated products as in weir__gated_kernels, of two dense sides too (that is the dense product), by the kernels of
/// the current instruction set. scratch takes the rounded copy of the side that is read.
weir_status weir__bf16_forward(size_t rows, const weir__side *y, const weir__side *x, const uint16_t *weights,
                               const float *bias, weir__buffer *scratch, weir_error *error);
weir_status weir__bf16_input_gradient(size_t rows, const weir__side *dx, const weir__side *dy, const uint16_t *weights,
                                      weir__buffer *scratch, weir_error *error);
/// Moves the weights, update->halves, by the gradient of rounded dy and x; the bias by that of dy itself. Where a tile
/// has few weights or few rows neither is rounded. Room in scratch is all that can be short, and nothing has moved
/// then.
weir_status weir__bf16_weight_update(size_t rows, float *bias, const weir__side *dy, const weir__side *x,
                                     const weir__update *update, const weir__update *bias_update, weir__buffer *scratch,
                                     weir_error *error);
/// weir__bf16_input_gradient and then weir__bf16_weight_update, the same bits: as the kernel `backward` of gated.h.
weir_status weir__bf16_backward(size_t rows, const weir__side *dx, const weir__side *dy, const weir__side *x,
                                float *bias, const weir__update *update, const weir__update *bias_update,
                                weir__buffer *scratch, weir_error *error);

#endif
