// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file glyphs.h
/// The ways in which people write the ten digits, as strokes.
#ifndef WEIR_DATA_GLYPHS_H
#define WEIR_DATA_GLYPHS_H

#include <stddef.h>

enum { weir__glyph_points = 28 };

/// Points of a glyph in writing order, in a box of 100 × 100 (x to the right, y down, both from 1). The pen follows a
/// smooth curve through them; a point given twice is a corner; (−1, −1) lifts the pen; (0, 0) ends the glyph.
typedef struct weir__point {
    signed char x, y;
} weir__point;

typedef struct weir__glyph {
    int digit;
    int weight; ///< how often it is written, relative to the digit's other glyphs
    weir__point points[weir__glyph_points];
} weir__glyph;

/// All glyphs, sorted by digit.
extern const weir__glyph weir__glyphs[];
extern const size_t weir__glyph_count;

#endif
