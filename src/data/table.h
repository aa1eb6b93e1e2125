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
    const char *label;             ///< column of the label, by number or name; "" or NULL: none
    const char *targets, *skipped; ///< lists of columns
    bool labels;                   ///< the label column is read, not left out
    bool named_labels;             ///< labels may be texts, whose classes get names
    bool may_lack;                 ///< a label may be missing: −1
    /// Of what the rows are for: where the file names its columns, values and targets are found by these names, and so
    /// is the label; labels are among these classes. NULL: the rows are the first of their kind.
    const weir_names *names;
} weir__csv_options;

/// "" for what means that there is none: NULL, "" and "-1".
const char *weir__label_column(const char *column);
/// Checks the lists of columns. WEIR_CONFIG names the setting.
weir_status weir__csv_options_check(const weir__csv_options *options, weir_error *error);

/// Reads a table in a stream of text; *table is empty before.
weir_status weir__csv_read(weir_table *table, weir__stream *stream, const weir__csv_options *options,
                           weir_error *error);
/// Reads a table of one column as labels: of options count header, named_labels and names. In *table are then labels,
/// the note and, of labels that are texts, names.
weir_status weir__csv_labels(weir_table *table, size_t *count, weir__stream *stream, const weir__csv_options *options,
                             weir_error *error);

/// Reads a file of any kind. vector: an array of one dimension is a column.
weir_status weir__table_read(weir_table *table, const char *path, const weir__csv_options *options, bool vector,
                             weir_error *error);
/// Labels of a file of any kind, as weir__csv_labels gives them.
weir_status weir__labels_read(weir_table *table, size_t *count, const char *path, const weir__csv_options *options,
                              weir_error *error);

#endif
