// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file table.h
/// Tables of numbers as text (CSV), and what of them is read.
#ifndef WEIR_DATA_TABLE_H
#define WEIR_DATA_TABLE_H

#include <weir/data.h>

#include "columns.h"
#include "stream.h"

typedef enum weir__header { WEIR__HEADER_AUTO, WEIR__HEADER_YES, WEIR__HEADER_NO } weir__header;

/// "auto" (or NULL), "yes" or "no".
weir_status weir__header_find(weir__header *header, const char *name, weir_error *error);

/// weir_read_options, checked.
typedef struct weir__csv_options {
    weir__header header;
    int label_column; ///< −1: none
    bool labels;      ///< the label column is read, not left out
    weir__columns targets, skipped;
} weir__csv_options;

/// Reads a table in a stream of text; *table is empty before.
weir_status weir__csv_read(weir_table *table, weir__stream *stream, const weir__csv_options *options,
                           weir_error *error);
/// Reads a table of one column as labels. note [WEIR_NOTE], or NULL: what was guessed.
weir_status weir__csv_labels(int32_t **labels, size_t *count, weir__stream *stream, weir__header header, char *note,
                             weir_error *error);

/// Reads a file of any kind. vector: an array of one dimension is a column.
weir_status weir__table_read(weir_table *table, const char *path, const weir__csv_options *options, bool vector,
                             weir_error *error);
/// weir_labels_read with the rule for the header of a CSV file, and what was guessed.
weir_status weir__labels_read(int32_t **labels, size_t *count, const char *path, weir__header header, char *note,
                              weir_error *error);

#endif
