// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file columns.h
/// Columns of a text file by their numbers, from 0: "3", "0,4-7".
#ifndef WEIR_DATA_COLUMNS_H
#define WEIR_DATA_COLUMNS_H

#include "../core/core.h"

enum { weir__column_spans = 64 };

typedef struct weir__columns {
    size_t count;
    struct {
        size_t first, last;
    } spans[weir__column_spans];
} weir__columns;

/// Reads a list; NULL and "" are empty ones. WEIR_CONFIG, with setting before the text.
weir_status weir__columns_parse(weir__columns *columns, const char *text, const char *setting, weir_error *error);
bool weir__columns_have(const weir__columns *columns, size_t column);
/// The greatest column + 1; 0 of an empty list.
size_t weir__columns_end(const weir__columns *columns);

#endif
