// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file rows.h
/// How rows are stored, for the parsers that fill them.
#ifndef WEIR_DATA_ROWS_H
#define WEIR_DATA_ROWS_H

#include <weir/data.h>

#include "../core/core.h"

/// Exactly one of bytes and floats is set: [shape.rows][shape.columns].
struct weir_rows {
    weir_shape shape;
    float scale; ///< value of byte 1
    uint8_t *bytes;
    float *floats;
};

/// An array of count elements that is filled from the front, its memory in proportion to what has arrived.
typedef struct weir__growing {
    void *data;
    size_t size;  ///< bytes per element
    size_t count; ///< elements in use
    size_t room;  ///< elements that fit
    size_t limit; ///< never more elements than this (0: unknown)
} weir__growing;

/// Makes room for `more` elements behind the used ones: at least twice as much as before, up to the limit.
weir_status weir__grow(weir__growing *array, size_t more, const char *what, weir_error *error);

/// Rows that own bytes or floats (the other one is NULL), which are freed in any case when it fails.
weir_status weir__rows_adopt(weir_rows **rows, weir_shape shape, uint8_t *bytes, float scale, float *floats,
                             weir_error *error);

/// Reorders rows and labels (or NULL) in place: the new row i is the former row order[i]. order is used up.
weir_status weir__rows_reorder(weir_rows *rows, int32_t *labels, uint32_t *order, weir_error *error);

#endif
