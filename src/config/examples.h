// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file examples.h
/// The files of examples/, as the build puts them into the library.
#ifndef WEIR_EXAMPLES_H
#define WEIR_EXAMPLES_H

#include <stddef.h>

typedef struct weir__example {
    const char *name, *text;
} weir__example;

extern const weir__example weir__examples[];
extern const size_t weir__example_count;

#endif
