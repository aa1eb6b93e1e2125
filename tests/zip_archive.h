// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file zip_archive.h
/// Small zip archives, as numpy.savez and scipy.sparse.save_npz write them.
#ifndef ZIP_ARCHIVE_H
#define ZIP_ARCHIVE_H

#include <stdbool.h>

#include <zlib.h>

#include "testing.h"

static inline void put(uint8_t **at, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) *(*at)++ = (uint8_t)(value >> (8 * i));
}

/// A zip archive in the making, as numpy.savez writes it: every entry with 64-bit sizes in its own header.
typedef struct archive {
    uint8_t bytes[4096], *at;
    uint8_t directory[1024], *end;
    unsigned entries;
} archive;

/// Adds a file, packed or as it is.
static inline void add_entry(archive *a, const char *name, const uint8_t *body, size_t size, bool deflated) {
    uint8_t packed[1024];
    size_t packed_size = size;
    memcpy(packed, body, size);
    if (deflated) {
        z_stream z = {0};
        assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
        uint8_t copy[1024];
        memcpy(copy, body, size);
        z.next_in = copy;
        z.avail_in = (uInt)size;
        z.next_out = packed;
        z.avail_out = sizeof packed;
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        packed_size = z.total_out;
        deflateEnd(&z);
    }
    const uint64_t sum = crc32_z(0, body, size), offset = (uint64_t)(a->at - a->bytes), length = strlen(name);
    put(&a->at, 0x04034b50, 4);
    put(&a->at, 45, 2);
    put(&a->at, 0, 2);
    put(&a->at, deflated ? 8 : 0, 2);
    put(&a->at, 0, 4);
    put(&a->at, sum, 4);
    put(&a->at, UINT32_MAX, 4);
    put(&a->at, UINT32_MAX, 4);
    put(&a->at, length, 2);
    put(&a->at, 20, 2);
    memcpy(a->at, name, length);
    a->at += length;
    put(&a->at, 1, 2);
    put(&a->at, 16, 2);
    put(&a->at, size, 8);
    put(&a->at, packed_size, 8);
    memcpy(a->at, packed, packed_size);
    a->at += packed_size;
    put(&a->end, 0x02014b50, 4);
    put(&a->end, 45, 2);
    put(&a->end, 45, 2);
    put(&a->end, 0, 2);
    put(&a->end, deflated ? 8 : 0, 2);
    put(&a->end, 0, 4);
    put(&a->end, sum, 4);
    put(&a->end, packed_size, 4);
    put(&a->end, size, 4);
    put(&a->end, length, 2);
    put(&a->end, 0, 8);
    put(&a->end, 0, 4);
    put(&a->end, offset, 4);
    memcpy(a->end, name, length);
    a->end += length;
    a->entries++;
}

/// Writes the directory; returns the size of the whole.
static inline size_t finish(archive *a) {
    const size_t start = (size_t)(a->at - a->bytes), size = (size_t)(a->end - a->directory);
    memcpy(a->at, a->directory, size);
    a->at += size;
    put(&a->at, 0x06054b50, 4);
    put(&a->at, 0, 4);
    put(&a->at, a->entries, 2);
    put(&a->at, a->entries, 2);
    put(&a->at, size, 4);
    put(&a->at, start, 4);
    put(&a->at, 0, 2);
    return (size_t)(a->at - a->bytes);
}

#endif
