// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A doubly linked list of blocks: each can be resized or freed alone, and all of them at once.

#include <stdalign.h>
#include <string.h>

#include "arena.h"
#include "core.h"

struct weir__arena_block {
    struct weir__arena_block *before, *after;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static struct weir__arena_block *block_of(void *memory) {
    return (struct weir__arena_block *)(void *)((char *)memory - offsetof(struct weir__arena_block, bytes));
}

void *weir__arena_new(weir__arena *arena, size_t size) {
    const size_t head = sizeof(struct weir__arena_block);
    struct weir__arena_block *block = size <= SIZE_MAX - head ? weir__alloc(head + size, 1) : NULL;
    if (!block) return NULL;
    *block = (struct weir__arena_block){.before = arena->last, .size = size};
    if (arena->last) arena->last->after = block;
    arena->last = block;
    return block->bytes;
}

char *weir__arena_copy(weir__arena *arena, const char *text, size_t length) {
    char *copy = weir__arena_new(arena, length + 1);
    if (copy) memcpy(copy, text, length);
    return copy;
}

static void unlink_block(weir__arena *arena, struct weir__arena_block *block) {
    if (block->before) block->before->after = block->after;
    if (block->after) block->after->before = block->before;
    if (arena->last == block) arena->last = block->before;
    weir__free(block);
}

void *weir__arena_resize(weir__arena *arena, void *memory, size_t size) {
    void *fresh = weir__arena_new(arena, size);
    if (!fresh || !memory) return fresh;
    struct weir__arena_block *block = block_of(memory);
    memcpy(fresh, memory, size < block->size ? size : block->size);
    unlink_block(arena, block);
    return fresh;
}

void weir__arena_free(weir__arena *arena) {
    while (arena->last) unlink_block(arena, arena->last);
}
