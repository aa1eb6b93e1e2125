// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file sparse.h
/// How sparse rows are stored, and how readers put them together row by row.
#ifndef WEIR_DATA_SPARSE_H
#define WEIR_DATA_SPARSE_H

#include <weir/sparse.h>

#include "rows.h"
#include "stream.h"

struct weir_sparse {
    weir_sparse_shape shape;
    const uint64_t *begin, *label_begin; ///< [rows + 1]
    const uint32_t *columns, *labels;
    const float *values;
    void *mapped; ///< the file that the arrays lie in; NULL: each is memory of its own
    size_t mapped_size;
};

/// A pair of a row that is not finished.
typedef struct weir__sparse_pair {
    uint32_t column;
    float value;
} weir__sparse_pair;

/// Rows that grow. Begin with weir__sparse_begin; weir__sparse_end makes an object of it, or frees it after a failure.
typedef struct weir__sparse_builder {
    const char *name;             ///< of the file, for messages; NULL: arrays
    const char *unit;             ///< what places are counted in: "line" or "row"
    bool sum;                     ///< duplicates are summed
    size_t columns, classes;      ///< numbers must stay below them; 0: any
    size_t most_column, most_class; ///< largest number that occurred and one
    size_t summed;                ///< duplicates
    weir__growing begin, label_begin, column, value, label, pairs;
    size_t first_label; ///< of the row that is not finished
} weir__sparse_builder;

weir_status weir__sparse_begin(weir__sparse_builder *builder, const char *duplicates, weir_error *error);
/// Fails with WEIR_DATA at a place: "NAME: UNIT PLACE: …".
weir_status weir__sparse_fail(const weir__sparse_builder *builder, size_t place, weir_error *error, const char *format,
                              ...) WEIR_PRINTF(4, 5);
/// Adds a pair, or a label, to the row that is not finished. base is what the file adds to column numbers.
weir_status weir__sparse_add(weir__sparse_builder *builder, size_t place, uint64_t column, unsigned base, double value,
                             weir_error *error);
weir_status weir__sparse_label(weir__sparse_builder *builder, size_t place, uint64_t label, weir_error *error);
/// Finishes the row: sorts its pairs and labels, sums or refuses duplicates.
weir_status weir__sparse_row_end(weir__sparse_builder *builder, size_t place, weir_error *error);
/// Rows so far.
size_t weir__sparse_rows(const weir__sparse_builder *builder);
/// Makes the object where status is WEIR_OK; frees what is left in any case. Returns the status.
weir_status weir__sparse_end(weir__sparse_builder *builder, weir_sparse **sparse, weir_status status,
                             weir_error *error);

/// The readers of each kind. note [WEIR_NOTE].
weir_status weir__sparse_read_text(weir_sparse **sparse, weir__stream *stream, const weir_sparse_options *options,
                                   char *note, weir_error *error);
weir_status weir__sparse_read_npz(weir_sparse **sparse, const char *path, const weir_sparse_options *options,
                                  char *note, weir_error *error);
/// Is this the beginning of what weir_sparse_save wrote?
bool weir__sparse_is_stored(const void *bytes, size_t size);
weir_status weir__sparse_map(weir_sparse **sparse, const char *path, const weir_sparse_options *options,
                             weir_error *error);

#endif
