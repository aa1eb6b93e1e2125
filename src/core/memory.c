// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Aligned, zeroed memory with overflow-checked sizes, and a switch that makes allocations fail in tests.

#if defined(__linux__)
#define _DEFAULT_SOURCE // madvise
#include <sys/mman.h>
#endif
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

static const size_t alignment = 64; // a cache line, and one AVX-512 vector

/// Large arrays lie on large pages where the system has them for the asking: weights are read in pieces that are rows
/// apart, and each would cost a walk through the page tables.
static const size_t large_page = (size_t)2 << 20, least_large = (size_t)8 << 20;

static atomic_long allocations_left = -1;

void weir__alloc_fail_after(long count) { atomic_store(&allocations_left, count); }

static bool allocation_is_refused(void) {
    long left = atomic_load(&allocations_left);
    while (left > 0 && !atomic_compare_exchange_weak(&allocations_left, &left, left - 1)) {
    }
    return left == 0;
}

/// Memory of *rounded bytes, whole cache lines, whose contents are undefined: pages that nobody writes take no memory.
static void *reserve(size_t count, size_t size, size_t *rounded) {
    if (allocation_is_refused() || (size && count > (SIZE_MAX - alignment) / size)) return NULL;
    const size_t wanted = count * size != 0 ? count * size : 1;
    const size_t bytes = (wanted + alignment - 1) / alignment * alignment;
    void *memory = NULL;
#if defined(MADV_HUGEPAGE)
    if (bytes >= least_large && bytes <= SIZE_MAX - large_page) {
        const size_t whole = (bytes + large_page - 1) / large_page * large_page;
        memory = aligned_alloc(large_page, whole);
        if (memory) madvise(memory, whole, MADV_HUGEPAGE); // a wish: without it the memory is as good
    }
#endif
    if (!memory) memory = aligned_alloc(alignment, bytes);
    *rounded = bytes;
    return memory;
}

void *weir__alloc(size_t count, size_t size) {
    size_t bytes = 0;
    void *memory = reserve(count, size, &bytes);
    if (memory) memset(memory, 0, bytes);
    return memory;
}

void weir__free(void *memory) { free(memory); }

static weir_status fail_memory(size_t count, size_t size, const char *what, weir_error *error) {
    return weir__fail(error, WEIR_MEMORY, "out of memory: %zu x %zu bytes for %s", count, size, what);
}

weir_status weir__new(void *memory, size_t count, size_t size, const char *what, weir_error *error) {
    void *fresh = weir__alloc(count, size);
    memcpy(memory, &fresh, sizeof fresh);
    return fresh ? WEIR_OK : fail_memory(count, size, what, error);
}

char *weir__copy_string(const char *text) {
    if (!text) return NULL;
    const size_t size = strlen(text) + 1;
    char *copy = weir__alloc(size, 1);
    if (copy) memcpy(copy, text, size);
    return copy;
}

weir_status weir__buffer_reserve(weir__buffer *buffer, size_t count, weir_error *error) {
    if (count <= buffer->count) return WEIR_OK;
    // Grow by at least half, so that batches of slowly growing size do not reallocate each time.
    size_t wanted = buffer->count + buffer->count / 2;
    if (wanted < count) wanted = count;
    size_t bytes = 0;
    float *fresh = reserve(wanted, sizeof *fresh, &bytes);
    if (!fresh) return fail_memory(wanted, sizeof *fresh, "a work array", error);
    weir__free(buffer->data);
    *buffer = (weir__buffer){.data = fresh, .count = wanted};
    return WEIR_OK;
}

void weir__buffer_free(weir__buffer *buffer) {
    weir__free(buffer->data);
    *buffer = (weir__buffer){0};
}
