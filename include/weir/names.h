// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file names.h
/// What a table calls things: its columns, its classes, its targets, the column of the label. A data set has them, a
/// model keeps them (weir_graph_names) as it keeps the scale of its rows.
#ifndef WEIR_NAMES_H
#define WEIR_NAMES_H

#include <stddef.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Lists of names. Opaque; any number of threads may read one that none changes. Free with weir_names_free.
typedef struct weir_names weir_names;

/// The lists.
typedef enum weir_named {
    WEIR_NAMED_COLUMNS, ///< of the values that a network reads, in their order; no two are equal
    WEIR_NAMED_CLASSES, ///< class k is called name k; no two are equal
    WEIR_NAMED_TARGETS, ///< of the values that a network predicts, in their order
    WEIR_NAMED_LABEL    ///< of the column that holds the label: at most one name
} weir_named;

/// Lists without names.
WEIR_API weir_status weir_names_create(weir_names **names, weir_error *error);
/// Replaces a list by copies of items[0 … count), texts in UTF-8; count 0 empties it. WEIR_ARGUMENT for a name that is
/// empty or NULL, for two equal ones, and for more than one name of the label; the list is then as before.
WEIR_API weir_status weir_names_set(weir_names *names, weir_named list, const char *const *items, size_t count,
                                    weir_error *error);
/// Number of names in a list; 0 of NULL.
WEIR_API size_t weir_names_count(const weir_names *names, weir_named list);
/// A name, owned by names; NULL beyond the last one, and of NULL.
WEIR_API const char *weir_names_at(const weir_names *names, weir_named list, size_t index);
/// The index of a name; SIZE_MAX where the list has no such name, and of NULL.
WEIR_API size_t weir_names_find(const weir_names *names, weir_named list, const char *name);
/// *copy is NULL for NULL.
WEIR_API weir_status weir_names_copy(weir_names **copy, const weir_names *names, weir_error *error);
WEIR_API void weir_names_free(weir_names *names);

#ifdef __cplusplus
}
#endif
#endif
