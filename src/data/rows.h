// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file rows.h
/// How rows are stored, for the parsers that fill them.
#ifndef WEIR_DATA_ROWS_H
#define WEIR_DATA_ROWS_H

#include <weir/data.h>

#include "../core/core.h"

/// Exactly one of bytes and floats is set: raw values [shape.rows][shape.columns]. What is read of them is
/// (raw − pairs[j])·pairs[columns + j], or raw·scale without pairs.
struct weir_rows {
    weir_shape shape;
    float scale;
    bool pixels;   ///< the file said that its values are unsigned bytes
    bool borrowed; ///< bytes or floats are the caller's and not to be changed or freed
    uint8_t *bytes;
    float *floats;
    float *pairs;           ///< offsets and factors of the columns, or NULL
    size_t stride;          ///< from the first value of a row to that of the next; 0: as many as there are columns
    const uint8_t *lengths; ///< of a text: bytes of each class of token; or NULL
    const uint8_t *token_bytes; ///< of a text of words, whose class 0 has any length: bytes of each token; else NULL
    bool redrawn;           ///< values are probabilities, and what is read of them is a draw: see weir__rows_copy_drawn
    uint64_t seed;          ///< of these draws
    uint16_t set;           ///< which file's rows they are
};

/// weir_rows_copy; of rows that are redrawn, the draw of that number. weir_rows_copy takes draw 0.
void weir__rows_copy_drawn(const weir_rows *rows, float *out, const uint32_t *index, size_t first, size_t count,
                           uint32_t draw);

/// Where in bytes or floats a row begins.
static inline size_t weir__row_begin(const weir_rows *rows, size_t row) {
    return row * (rows->stride ? rows->stride : rows->shape.columns);
}

/// A value as it was in the file.
static inline float weir__rows_raw(const weir_rows *rows, size_t index) {
    const size_t columns = rows->shape.columns;
    if (rows->stride) index = weir__row_begin(rows, index / columns) + index % columns;
    return rows->floats ? rows->floats[index] : (float)rows->bytes[index];
}

/// A value as it is read.
static inline float weir__rows_value(const weir_rows *rows, size_t index) {
    const float raw = weir__rows_raw(rows, index);
    if (!rows->pairs) return raw * rows->scale;
    const size_t columns = rows->shape.columns, j = index % columns;
    return (raw - rows->pairs[j]) * rows->pairs[columns + j];
}

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

/// Rows that own bytes or floats (the other one is NULL), which are freed in any case when it fails. scale: the value
/// of byte 1; below 1 where the bytes are said to be unsigned bytes.
weir_status weir__rows_adopt(weir_rows **rows, weir_shape shape, uint8_t *bytes, float scale, float *floats,
                             weir_error *error);

/// Reorders rows and labels (or NULL) in place: the new row i is the former row order[i]. order is used up.
weir_status weir__rows_reorder(weir_rows *rows, int32_t *labels, uint32_t *order, weir_error *error);

#endif
