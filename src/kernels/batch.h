// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file batch.h
/// What a weir_batch is made of.
#ifndef WEIR_BATCH_H
#define WEIR_BATCH_H

#include <weir/layer.h>

#include "gated.h"

struct weir_batch {
    size_t width, block, max_rows; // block 0: dense
    size_t rows;                   // of the present batch
    weir__route route;             // compact only
    weir__buffer values, gradient;
    float *lent_values, *lent_gradient; // of a dense batch: the caller's, instead of the buffers
    bool has_gradient;
};

/// The values, or the gradient, as one side of a product. Sides of products that are only read are not const.
weir__side weir__batch_values(const weir_batch *batch);
weir__side weir__batch_gradient(const weir_batch *batch);

/// Makes room for the gradient of the present rows; undefined where it had none.
weir_status weir__batch_want_gradient(weir_batch *batch, weir_error *error);

#endif
