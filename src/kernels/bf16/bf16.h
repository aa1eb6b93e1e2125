// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bf16.h
/// Gated products in bf16: both factors are rounded to 8 significant bits (nearest, ties to even), their products are
/// exact and their sums float. Half the bytes per weight, and twice the multiply-adds per instruction where the
/// processor has them (AVX512_BF16, AMX).
///
/// A bf16 number is the upper half of a float. Weights are an array of them in exactly the order of float weights
/// (gated.h). Those that learn have an array of lower halves beside it, from which the float that they are rounded from
/// comes back bit for bit: 4 bytes a weight to read and 4 to write in an update, where floats with a rounded copy are 4
/// and 6. The side that is read is rounded into scratch memory first; outputs, biases and gradients are float.
#ifndef WEIR_BF16_H
#define WEIR_BF16_H

#include "../gated.h"
#include "../update.h"

/// The nearest bf16 number, ties to even. A NaN stays one. Branch-free: loops over it are vectorised.
static inline uint16_t weir__bf16_of(float a) {
    union {
        float value;
        uint32_t bits;
    } u = {a};
    const uint32_t rounded = (u.bits + 0x7fffu + ((u.bits >> 16) & 1)) >> 16, nan = (u.bits >> 16) | 0x40;
    return (uint16_t)((u.bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

static inline float weir__bf16_value(uint16_t a) {
    const union {
        uint32_t bits;
        float value;
    } u = {(uint32_t)a << 16};
    return u.value;
}

/// to[k] = weir__bf16_of(from[k]), by the calling thread.
void weir__bf16_round_alone(size_t count, uint16_t *to, const float *from);

/// A float as a weight: the upper half rounded to nearest, ties away from 0, and the lower 16 bits. Where these are
/// 0x8000 or more the upper half is one more than that of the float, so that the lower one, as a signed number, says
/// how far the float is from it. Of a NaN no more than that it is one stays.
static inline uint32_t weir__bf16_weight_bits(float a) {
    union {
        float value;
        uint32_t bits;
    } u = {a};
    return (u.bits & 0x7fffffffu) > 0x7f800000u ? (u.bits & 0xffff0000u) | 0x400000u : u.bits;
}
static inline uint16_t weir__bf16_upper(float a) { return (uint16_t)((weir__bf16_weight_bits(a) + 0x8000u) >> 16); }
static inline uint16_t weir__bf16_lower(float a) { return (uint16_t)weir__bf16_weight_bits(a); }
static inline float weir__bf16_joined(uint16_t upper, uint16_t lower) {
    const union {
        uint32_t bits;
        float value;
    } u = {((uint32_t)upper << 16) + lower - ((uint32_t)(lower >> 15) << 16)};
    return u.value;
}

/// Makes halves of count weights, 0, or, without lower, upper ones alone; WEIR_MEMORY for what it says. Frees them.
weir_status weir__halves_new(weir__halves *halves, size_t count, bool lower, const char *what, weir_error *error);
void weir__halves_free(weir__halves *halves);

/// Floats into halves (to->lower NULL: only the upper ones), and back: by all threads, and by the calling one.
void weir__bf16_split(size_t count, const weir__halves *to, const float *from);
void weir__bf16_split_alone(size_t count, const weir__halves *to, const float *from);
void weir__bf16_join(size_t count, float *to, const weir__halves *from);
void weir__bf16_join_alone(size_t count, float *to, const weir__halves *from);

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
