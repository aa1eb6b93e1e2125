// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file csv.h
/// A text file on its way to a table: csv.c reads rows, csv_columns.c says what each column is for.
#ifndef WEIR_DATA_CSV_H
#define WEIR_DATA_CSV_H

#include "labels.h"
#include "table.h"

typedef enum weir__role { WEIR__ROLE_VALUE, WEIR__ROLE_LABEL, WEIR__ROLE_TARGET, WEIR__ROLE_NONE } weir__role;

typedef struct weir__csv_column {
    char *name; ///< owned; NULL: the file gives none
    weir__role role;
    bool matched; ///< its name is one that the model knows
    size_t slot;  ///< of values and targets: their place in the row
} weir__csv_column;

typedef struct weir__csv {
    weir__lines lines;
    weir__csv_options options;
    bool only_labels;
    bool named;                 ///< the file names its columns
    weir__growing columns;      ///< weir__csv_column
    size_t columns_line;        ///< that decided what they are
    weir__growing memory;       ///< of a text
    weir__growing row, targets; ///< floats of the row
    weir__labels labels;
    weir__growing all_values, all_targets;
    bool values_are_floats;
    weir_table *table; ///< names and note
} weir__csv;

static inline weir__csv_column *weir__csv_column_at(const weir__csv *c, size_t column) {
    return (weir__csv_column *)c->columns.data + column;
}

/// Whether the line at hand names columns, which then are known.
weir_status weir__csv_header(weir__csv *c, bool *header, weir_error *error);
/// What the columns are for, from the line at hand, which is a row, where no header has told.
weir_status weir__csv_columns(weir__csv *c, weir_error *error);
/// Adds a remark to the table's note.
void weir__csv_note(weir__csv *c, const char *format, ...) WEIR_PRINTF(2, 3);
/// "line 3, column 2 (petal width)" in text [size]. Returns text.
const char *weir__csv_place(const weir__csv *c, size_t column, char *text, size_t size);
/// Fails because of a field.
weir_status weir__csv_fail(const weir__csv *c, size_t column, const weir__field *field, weir__content content,
                           weir_error *error);

#endif
