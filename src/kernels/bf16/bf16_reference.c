// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The bf16 products in plain C.

#include <string.h>

#include "numbers.h"
#include "tables.h"

#include "../walk/reference.h"

static void weight_update(size_t rows, float *bias, const weir__bf16_side *dy, const weir__bf16_side *x,
                          const weir__update *update, const weir__update *bias_update) {
    update_weights(rows, NULL, bias, dy, x, update, bias_update);
}

static void backward(size_t rows, const weir__side *dx, const weir__bf16_side *dy, const weir__bf16_side *x,
                     float *bias, const weir__update *update, const weir__update *bias_update, float *room) {
    input_gradient(rows, dx, dy, update->halves.upper, room);
    weight_update(rows, bias, dy, x, update, bias_update);
}

const weir__bf16_kernels weir__bf16_reference = {
    .name = "reference",
    .forward = forward,
    .input_gradient = input_gradient,
    .weight_update = weight_update,
    .backward = backward,
};
