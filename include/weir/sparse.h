// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file sparse.h
/// Rows of few values among many columns, with any number of labels each: what extreme classification reads.
#ifndef WEIR_SPARSE_H
#define WEIR_SPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Rows as compressed pairs of column and value (CSR), each with a set of labels. In a row, columns and labels rise
/// strictly and no value is 0. Opaque; immutable after it is made: any number of threads may read one at a time. Free
/// with weir_sparse_free.
typedef struct weir_sparse weir_sparse;

/// What sparse rows look like. No column or label number reaches columns or classes.
typedef struct weir_sparse_shape {
    size_t rows, columns, classes;
    size_t pairs, labels; ///< over all rows
} weir_sparse_shape;
WEIR_API weir_sparse_shape weir_sparse_shape_of(const weir_sparse *sparse);

/// One row, in memory of the object it is of.
typedef struct weir_sparse_row {
    size_t count;
    const uint32_t *columns; ///< [count], rising
    const float *values;     ///< [count], finite, none is 0
    size_t label_count;
    const uint32_t *labels; ///< [label_count], rising
} weir_sparse_row;
/// row must be below the number of rows.
WEIR_API weir_sparse_row weir_sparse_row_at(const weir_sparse *sparse, size_t row);

/// How a file is read; from weir_sparse_options_default. Strings belong to the caller.
typedef struct weir_sparse_options {
    int first_column; ///< number of the first column in the file: 0 or 1; −1: 0 behind a header, in .npz files and in
                      ///< stored rows, 1 in texts without a header (SVMlight's own rule). It is never guessed from the
                      ///< numbers that occur
    size_t columns, classes; ///< at least so many, also when the file uses fewer; 0: what its header says, or the
                             ///< largest number that occurs and one. A number beyond a header's or these is WEIR_DATA
    const char *duplicates;  ///< a column that stands twice in a row: "refuse" (WEIR_DATA) or "sum"
    const char *labels;      ///< of .npz files: a .npz file with a matrix [rows][classes], whose entries other than 0
                             ///< are the labels; "" or NULL: rows have none
} weir_sparse_options;
WEIR_API weir_sparse_options weir_sparse_options_default(void);

/// Reads a file, its kind told by its content:
/// - extreme classification's text: a first line "ROWS COLUMNS CLASSES" of three whole numbers (the header), then a line
///   for each row: "LABEL,LABEL COLUMN:VALUE COLUMN:VALUE". What the header counts must be there.
/// - SVMlight's text: as above without a header; empty lines and what stands behind '#' are left out. Labels that are all
///   −1 and 1 become 0 and 1, which the note says.
/// - a .npz file of scipy.sparse.save_npz in the form csr: indices of 4 or 8 bytes, any type of numbers.
/// - rows stored by weir_sparse_save, which are mapped: pages are read when they are used, after one pass that checks
///   them.
/// Texts may be packed by gzip; "-" is standard input. Labels are numbers from 0. A row may have no label (it begins with
/// a blank, or with a pair) and no pair; lines end in LF or CRLF; columns stand in any order. Values that are 0 are left
/// out, as a row does not differ by them. Memory stays in proportion to the file, whatever its header says.
/// note (may be NULL): receives one line about what was made of the file, "" when there is nothing to say.
/// WEIR_DATA names the line, or the row, and what was expected; WEIR_FORMAT is for damaged files.
WEIR_API weir_status weir_sparse_read(weir_sparse **sparse, const char *path, const weir_sparse_options *options,
                                      char note[WEIR_NOTE], weir_error *error);

/// Sparse rows from memory, copied: row i has pairs begin[i] … begin[i + 1] of indices and values (begin [rows + 1],
/// begin[0] = 0), and labels label_begin[i] … label_begin[i + 1] of labels (NULL both: rows have none). Columns may
/// stand in any order; label sets, too, where a repeated label counts once. duplicates as in the options.
WEIR_API weir_status weir_sparse_create(weir_sparse **sparse, size_t rows, size_t columns, size_t classes,
                                        const uint64_t *begin, const uint32_t *indices, const float *values,
                                        const uint64_t *label_begin, const uint32_t *labels, const char *duplicates,
                                        weir_error *error);

/// Stores rows as weir_sparse_read maps them: a header of 64 bytes, then the arrays, each at a multiple of 64, in the
/// byte order of the machine. The file is replaced at once.
WEIR_API weir_status weir_sparse_save(const weir_sparse *sparse, const char *path, weir_error *error);

WEIR_API void weir_sparse_free(weir_sparse *sparse);

#ifdef __cplusplus
}
#endif
#endif
