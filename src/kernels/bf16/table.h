// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file table.h
/// The body of a table of bf16 kernels, compiled once per instruction set: the including file names the table
/// (BF16_TABLE, BF16_NAME) and is compiled with that set's options.
///
/// Each sum runs in an order that the shapes and the route fix alone: how rows and units are grouped into register
/// tiles, and where the work is cut between threads, changes no bit.

#include "forward.h"
#include "input_gradient.h"
#include "weight_update.h"

#include "backward.h"

#include "tables.h"

extern const weir__bf16_kernels BF16_TABLE; // declared in tables.h, but for those of a test
const weir__bf16_kernels BF16_TABLE = {
    .name = BF16_NAME,
    .forward = forward,
    .input_gradient = input_gradient,
    .weight_update = weight_update,
    .backward = backward,
    .strategies = {[WEIR_OPERATION_FORWARD] = forward_strategies,
                   [WEIR_OPERATION_INPUT_GRADIENT] = input_gradient_strategies,
                   [WEIR_OPERATION_WEIGHT_UPDATE] = weight_update_strategies},
    .backward_strategies = backward_strategies,
};
