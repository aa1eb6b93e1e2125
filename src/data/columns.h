// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file columns.h
/// Columns of a text file, by their numbers from 0 or by their names: "3", "0,4-7", "id,petal width". A name that holds
/// a comma or looks like a number stands in quotes, as in a CSV file: "\"2019\",\"a, b\"".
#ifndef WEIR_DATA_COLUMNS_H
#define WEIR_DATA_COLUMNS_H

#include "../core/core.h"

static inline bool weir__given(const char *text) { return text && *text; }

/// One entry of a list.
typedef struct weir__column {
    size_t first, last; ///< numbers; of a name SIZE_MAX
    char name[256];     ///< "" of numbers
} weir__column;

/// Takes the entry at *at, which is moved behind it; false at the end of the list. The list was checked.
bool weir__columns_next(weir__column *column, const char **at);
/// NULL and "" are empty lists. WEIR_CONFIG, with setting before the text.
weir_status weir__columns_check(const char *list, const char *setting, weir_error *error);
/// Whether a list names the column of that number and name (NULL: it has none).
bool weir__columns_have(const char *list, size_t column, const char *name);
/// Whether an entry of a list is a name.
bool weir__columns_have_names(const char *list);

#endif
