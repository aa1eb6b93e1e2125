// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file scatter.h
/// Compact values to dense arrays and back.
#ifndef WEIR_SCATTER_H
#define WEIR_SCATTER_H

#include "gated.h"

/// Where unit u of row r of a dense array is: [r·row + u·unit].
typedef struct weir__strides {
    size_t row, unit;
} weir__strides;

/// [rows][width], as dense sides lie.
static inline weir__strides weir__by_rows(const weir__side *side) { return (weir__strides){side->width, 1}; }
/// [width][rows]: the slots of blocks of one unit are then neighbours. Only for these.
static inline weir__strides weir__by_units(size_t rows) { return (weir__strides){1, rows}; }

/// Fills all slots of a compact side from a dense array, with bias [width] (NULL: none) added.
void weir__gather(const weir__side *side, size_t rows, const float *dense, weir__strides at, const float *bias);

/// Adds to all slots of a compact side what a dense array [rows][width] has there.
void weir__gather_add(const weir__side *side, size_t rows, const float *dense);

/// Fills a dense array: the open slots of a compact side, and 0 elsewhere.
void weir__scatter(const weir__side *side, size_t rows, float *dense, weir__strides at);

#endif
