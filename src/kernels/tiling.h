// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file tiling.h
/// How a matrix lies in memory: strips of block_rows rows, in them tiles of block_columns columns, each row-major,
/// without padding. One tile a strip is plain row-major order.
#ifndef WEIR_TILING_H
#define WEIR_TILING_H

#include <stdbool.h>
#include <stddef.h>

typedef struct weir__tiling {
    size_t rows, columns, block_rows, block_columns;
} weir__tiling;

static inline size_t weir__tiling_count(const weir__tiling *t) { return t->rows * t->columns; }

static inline bool weir__tiling_is_plain(const weir__tiling *t) { return t->block_columns >= t->columns; }

/// Columns of the tile that begins at a column: block_columns, or what is left for the last one.
static inline size_t weir__tiling_width(const weir__tiling *t, size_t column) {
    return t->columns - column < t->block_columns ? t->columns - column : t->block_columns;
}

/// Where the part of a row that lies in the tile from `column` on begins.
static inline size_t weir__tiling_at(const weir__tiling *t, size_t row, size_t column) {
    const size_t strip = row / t->block_rows * t->block_rows, left = t->rows - strip;
    const size_t height = left < t->block_rows ? left : t->block_rows;
    return strip * t->columns + column * height + (row - strip) * weir__tiling_width(t, column);
}

/// Copies floats in tiles to plain order, and back.
void weir__tiling_unpack(const weir__tiling *tiling, float *plain, const float *tiles);
void weir__tiling_pack(const weir__tiling *tiling, float *tiles, const float *plain);

#endif
