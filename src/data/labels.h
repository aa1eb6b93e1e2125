// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file labels.h
/// Labels of a text file: whole numbers, which are the classes, or any texts, which name them.
#ifndef WEIR_DATA_LABELS_H
#define WEIR_DATA_LABELS_H

#include "lines.h"
#include "texts.h"

/// Zero-initialise; free with weir__labels_free.
typedef struct weir__labels {
    const char *file;      ///< for errors
    size_t column;         ///< of the labels, for errors; they are lines of a text
    bool of_array;         ///< or entries of an array
    bool may_lack;         ///< a label may be missing: −1
    weir__texts texts;     ///< all different ones
    weir__growing lines;   ///< size_t: where each came first
    weir__growing numbers; ///< int32_t per row: the number of its text, −1: missing
    weir__growing memory;  ///< of the text at hand
} weir__labels;

/// The label of one more row; line: its place, for errors. WEIR_DATA where it is missing.
weir_status weir__labels_add(weir__labels *labels, const weir__field *field, size_t line, weir_error *error);

/// Classes in place of the numbers of texts, in *out, freed by the caller. known, unless NULL: the classes that there
/// are; other labels are WEIR_DATA. Otherwise labels that are whole numbers from 0 are the classes, and other whole
/// numbers or texts are sorted and become the names of the classes in fresh (NULL: they are WEIR_DATA). note
/// [WEIR_NOTE], or NULL: what was guessed.
weir_status weir__labels_finish(weir__labels *labels, int32_t **out, const weir_names *known, weir_names *fresh,
                                char *note, weir_error *error);
void weir__labels_free(weir__labels *labels);

#endif
