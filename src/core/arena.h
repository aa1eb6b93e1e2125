// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file arena.h
/// Blocks of memory that are freed together: a configuration's strings and lists.
#ifndef WEIR_ARENA_H
#define WEIR_ARENA_H

#include <stddef.h>

/// Zero-initialise; free with weir__arena_free. Used by one thread at a time.
typedef struct weir__arena {
    struct weir__arena_block *last;
} weir__arena;

/// size zeroed bytes; NULL when memory is short.
void *weir__arena_new(weir__arena *arena, size_t size);
/// A copy of the first length bytes of text, and a terminating zero; NULL when memory is short.
char *weir__arena_copy(weir__arena *arena, const char *text, size_t length);
/// The memory, NULL or a whole block of the arena, with another size: what is new is zero. NULL when memory is short;
/// then the block is as it was.
void *weir__arena_resize(weir__arena *arena, void *memory, size_t size);
/// Frees all blocks.
void weir__arena_free(weir__arena *arena);

#endif
