// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file matrix.h
/// A matrix of weights that knows its forms.
///
/// A form is a precision (floats, or the halves of bf16) in a layout: in tiles, as products with compact sides read it,
/// or plain, as dense products do. Where these two orders are one, the form in tiles serves as the plain one too. A
/// form is made when it is first wanted, and made anew from one that is current when another one has changed since.
///
/// Whoever reads gets a form that is current and spoils no other. Whoever asks for a form to change it makes all others
/// stale. One thread at a time.
#ifndef WEIR_MATRIX_H
#define WEIR_MATRIX_H

#include "halves.h"
#include "product.h"
#include "tiling.h"

typedef enum weir__layout { WEIR__TILES, WEIR__PLAIN, WEIR__LAYOUTS } weir__layout;

typedef struct weir__form {
    float *values;       ///< of WEIR_FLOAT32, else NULL
    weir__halves halves; ///< of WEIR_BFLOAT16
    bool current;
    bool borrowed; ///< the memory belongs to somebody else
} weir__form;

typedef struct weir__matrix {
    weir__tiling tiling;
    weir_precision precision; ///< of the forms that products read and move
    weir__form forms[WEIR_BFLOAT16 + 1][WEIR__LAYOUTS];
} weir__matrix;

/// Makes a matrix of zeros in one precision; in bf16 it can learn. WEIR_MEMORY names `what`.
weir_status weir__matrix_init(weir__matrix *matrix, const weir__tiling *tiling, weir_precision precision,
                              const char *what, weir_error *error);
/// Makes a matrix in fp32 of floats in tiles that somebody else owns. The floats stay there in either precision.
void weir__matrix_wrap(weir__matrix *matrix, const weir__tiling *tiling, float *tiles);
/// Makes a matrix in bf16 of halves in tiles that somebody else owns. Without lower halves it cannot learn.
void weir__matrix_wrap_halves(weir__matrix *matrix, const weir__tiling *tiling, weir__halves tiles);
void weir__matrix_free(weir__matrix *matrix);

/// Whether the matrix has memory.
static inline bool weir__matrix_exists(const weir__matrix *matrix) { return matrix->tiling.rows > 0; }

/// Whether a matrix in bf16 has lower halves.
static inline bool weir__matrix_learns(const weir__matrix *matrix) {
    return matrix->forms[WEIR_BFLOAT16][WEIR__TILES].halves.lower != NULL;
}

/// Chooses the precision of a wrapped matrix. learns: in bf16 it has lower halves, too. After WEIR_MEMORY the matrix is
/// as before. To WEIR_FLOAT32 it does not fail.
weir_status weir__matrix_precision_use(weir__matrix *matrix, weir_precision precision, bool learns, weir_error *error);

/// Floats in tiles, to be read, or, with edit, to be changed before anything else is asked of the matrix. Of a matrix
/// that has them: in fp32, or wrapped.
const float *weir__matrix_values(weir__matrix *matrix);
float *weir__matrix_edit(weir__matrix *matrix);

/// The form in a layout that products read. WEIR_MEMORY: a first plain copy found no room.
weir_status weir__matrix_read(weir__matrix *matrix, weir__weights *weights, weir__layout layout, weir_error *error);
/// The form in a layout that an update moves; the other ones are stale from now on. WEIR_MEMORY as above; of the tiles
/// of a matrix that learns: never.
weir_status weir__matrix_move(weir__matrix *matrix, weir__form *form, weir__layout layout, weir_error *error);

/// All weights from, or to, floats in plain order.
void weir__matrix_set(weir__matrix *matrix, const float *plain);
void weir__matrix_get(const weir__matrix *matrix, float *plain);

#endif
