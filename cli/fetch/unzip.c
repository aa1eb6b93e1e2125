// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// One member of a zip archive, written to a file of its own: stored or deflated (PKWARE's APPNOTE 6.3), no larger than
// is expected. Sizes are believed only as far as the archive goes.

#include "unzip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

enum { end_size = 22, end_most = end_size + 65535, entry_size = 46, local_size = 30, piece = 1 << 16 };

static const uint32_t end_mark = 0x06054b50, entry_mark = 0x02014b50, local_mark = 0x04034b50;

/// Where the bytes of a member lie.
typedef struct place {
    uint64_t offset, packed, size;
    uint32_t checksum;
    unsigned method; ///< 0: stored, 8: deflated
} place;

static uint64_t little(const unsigned char *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static bool read_at(FILE *file, uint64_t offset, void *to, size_t size) {
    return fseeko(file, (off_t)offset, SEEK_SET) == 0 && fread(to, 1, size, file) == size;
}

/// The end record: where the central directory lies. False where there is none.
static bool find_directory(FILE *file, uint64_t all, uint64_t *first, uint64_t *size) {
    const size_t length = all < end_most ? (size_t)all : (size_t)end_most;
    unsigned char *tail = malloc(length + 1);
    bool found = false;
    if (tail != NULL && read_at(file, all - length, tail, length)) {
        for (size_t at = length; at-- > 0 && !found;) {
            if (length - at < end_size || little(tail + at, 4) != end_mark) continue;
            *size = little(tail + at + 12, 4);
            *first = little(tail + at + 16, 4);
            found = *first <= all && *size <= all - *first;
        }
    }
    free(tail);
    return found;
}

static bool find_member(FILE *file, uint64_t all, const char *name, place *p) {
    uint64_t first = 0, size = 0;
    bool found = false;
    if (!find_directory(file, all, &first, &size) || size > (1u << 24)) return false;
    unsigned char *directory = malloc((size_t)size + 1), local[local_size];
    if (directory != NULL && read_at(file, first, directory, (size_t)size)) {
        for (uint64_t at = 0; at + entry_size <= size && !found;) {
            const unsigned char *entry = directory + at;
            const size_t length = (size_t)little(entry + 28, 2);
            if (little(entry, 4) != entry_mark || at + entry_size + length > size) break;
            found = length == strlen(name) && memcmp(entry + entry_size, name, length) == 0;
            if (found)
                *p = (place){.offset = little(entry + 42, 4),
                             .packed = little(entry + 20, 4),
                             .size = little(entry + 24, 4),
                             .checksum = (uint32_t)little(entry + 16, 4),
                             .method = (unsigned)little(entry + 10, 2)};
            at += entry_size + length + little(entry + 30, 2) + little(entry + 32, 2);
        }
    }
    free(directory);
    if (!found || p->offset > all || all - p->offset < local_size) return false;
    if (!read_at(file, p->offset, local, local_size) || little(local, 4) != local_mark) return false;
    p->offset += local_size + little(local + 26, 2) + little(local + 28, 2);
    return p->offset <= all && p->packed <= all - p->offset;
}

/// What became of the bytes.
typedef enum outcome { WRITTEN, DAMAGED, NO_MEMORY, NOT_WRITTEN } outcome;

static outcome inflate_to(FILE *from, FILE *to, const place *p, uint64_t most) {
    unsigned char *in = malloc(piece), *out = malloc(piece);
    z_stream stream = {0};
    uint64_t left = p->packed, written = 0;
    uLong checksum = crc32(0, NULL, 0);
    const bool packed = p->method == 8;
    outcome result = in != NULL && out != NULL && inflateInit2(&stream, -MAX_WBITS) == Z_OK ? WRITTEN : NO_MEMORY;
    bool over = result != WRITTEN || fseeko(from, (off_t)p->offset, SEEK_SET) != 0;
    while (!over) {
        if (stream.avail_in == 0 && left > 0) {
            const size_t wanted = left < piece ? (size_t)left : (size_t)piece;
            if (fread(in, 1, wanted, from) != wanted) break;
            left -= wanted;
            stream.next_in = in;
            stream.avail_in = (uInt)wanted;
        }
        size_t got = stream.avail_in;
        int code = left == 0 ? Z_STREAM_END : Z_OK;
        const unsigned char *bytes = stream.next_in;
        if (packed) {
            stream.next_out = out;
            stream.avail_out = piece;
            code = inflate(&stream, Z_NO_FLUSH);
            got = piece - stream.avail_out;
            bytes = out;
            if (code != Z_OK && code != Z_STREAM_END) break;
        } else
            stream.avail_in = 0;
        if (got > most - written) break;
        checksum = crc32(checksum, bytes, (uInt)got);
        errno = 0;
        if (fwrite(bytes, 1, got, to) != got) {
            result = NOT_WRITTEN;
            break;
        }
        written += got;
        over = code == Z_STREAM_END;
    }
    inflateEnd(&stream);
    free(in);
    free(out);
    if (result == WRITTEN && (!over || written != p->size || checksum != p->checksum)) result = DAMAGED;
    return result;
}

weir_status fetch_unzip(const char *archive, const char *member, const char *path, uint64_t most, weir_error *error) {
    place p = {0};
    outcome result = DAMAGED;
    FILE *from = fopen(archive, "rb"), *to = NULL;
    if (from != NULL && fseeko(from, 0, SEEK_END) == 0 && find_member(from, (uint64_t)ftello(from), member, &p) &&
        (p.method == 0 || p.method == 8)) {
        errno = 0;
        to = fopen(path, "wb");
        result = to == NULL ? NOT_WRITTEN : inflate_to(from, to, &p, most);
    }
    int code = errno;
    if (to != NULL && fclose(to) != 0 && result == WRITTEN) {
        code = errno;
        result = NOT_WRITTEN;
    }
    if (from != NULL) fclose(from);
    if (result == WRITTEN) return WEIR_OK;
    if (to != NULL) remove(path);
    if (error == NULL) return result == DAMAGED ? WEIR_DATA : result == NO_MEMORY ? WEIR_MEMORY : WEIR_IO;
    if (result == DAMAGED)
        snprintf(error->text, sizeof error->text, "%s: holds no sound '%s' of at most %llu bytes", archive, member,
                 (unsigned long long)most);
    else if (result == NO_MEMORY)
        snprintf(error->text, sizeof error->text, "out of memory: an archive");
    else
        snprintf(error->text, sizeof error->text, "%s: cannot be written: %s (%llu bytes are needed)", path, strerror(code),
                 (unsigned long long)p.size);
    return error->status = result == DAMAGED ? WEIR_DATA : result == NO_MEMORY ? WEIR_MEMORY : WEIR_IO;
}
