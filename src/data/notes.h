// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file notes.h
/// What a person should know of a data set before training on it: one line each, with what may be done.
#ifndef WEIR_DATA_NOTES_H
#define WEIR_DATA_NOTES_H

#include <weir/data.h>

#include "../core/core.h"

enum { weir__notes_most = 16 };

typedef struct weir__notes {
    size_t count, guesses; ///< guesses come first
    char text[weir__notes_most][WEIR_NOTE];
} weir__notes;

/// Adds a line unless there is no more room.
void weir__note(weir__notes *notes, const char *format, ...) WEIR_PRINTF(2, 3);

/// Columns of the training part: constant ones, and ranges a thousandfold apart. In images neither means anything.
/// names: of the columns, or NULL.
weir_status weir__note_columns(weir__notes *notes, const weir_part *train, const weir_names *names,
                               weir_error *error);
/// Labels of the parts (training, validation, test): gaps, classes that only other parts have, a single class, one that
/// is nearly all. names: of the classes, or NULL.
weir_status weir__note_labels(weir__notes *notes, const weir_part parts[3], size_t classes, const weir_names *names,
                              weir_error *error);
/// Targets of the training part that are constant or large.
weir_status weir__note_targets(weir__notes *notes, const weir_part *train, weir_error *error);
/// Whether the first column counts the rows, as they stand in the file: an index, most likely.
bool weir__counts_rows(const weir_rows *rows);
/// Binarised rows in which all values are the same.
void weir__note_binarised(weir__notes *notes, const weir_part *train, const char *binarise);

#endif
