// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Zip archives (PKWARE's APPNOTE 6.3): the record at the end names the central directory, each entry of it an array.
// Sizes are believed only as far as the file goes. numpy.savez writes 64-bit sizes for every array.

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zip.h"

enum {
    end_size = 22,
    end_most = end_size + 65535, // with the longest comment
    end64_size = 56,
    locator_size = 20,
    entry_size = 46,
    local_size = 30,
    directory_most = 1 << 24,
    names_shown = 300
};

static const uint32_t end_mark = 0x06054b50, end64_mark = 0x06064b50, locator_mark = 0x07064b50,
                      entry_mark = 0x02014b50, local_mark = 0x04034b50;

/// The central directory in memory.
typedef struct directory {
    const char *name; ///< of the file
    int descriptor;
    uint64_t file_size;
    uint8_t *bytes;
    size_t size;
} directory;

static uint64_t little(const uint8_t *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static weir_status fail_archive(const directory *d, const char *what, weir_error *error) {
    return weir__fail(error, WEIR_FORMAT, "%s: its zip archive has %s; it may be cut off: get the file again", d->name,
                      what);
}

static weir_status read_at(const directory *d, uint64_t offset, uint8_t *to, size_t size, weir_error *error) {
    while (size) {
        const ssize_t got = pread(d->descriptor, to, size, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return weir__fail(error, WEIR_IO, "%s: cannot be read: %s", d->name, strerror(errno));
        if (!got) return fail_archive(d, "an end before its time", error);
        to += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return WEIR_OK;
}

// Where the record at the end begins in the last bytes of the file; size when there is none.
static size_t find_end(const uint8_t *tail, size_t size) {
    for (size_t at = size >= end_size ? size - end_size + 1 : 0; at-- > 0;) {
        if (little(tail + at, 4) == end_mark) return at;
    }
    return size;
}

// Offset and size of the directory, from the record at the end or from the 64-bit one that it stands for.
static weir_status find_directory(const directory *d, uint64_t *offset, uint64_t *size, weir_error *error) {
    weir_status status = WEIR_OK;
    uint8_t *tail = NULL, record[end64_size];
    const size_t room = d->file_size < end_most ? (size_t)d->file_size : end_most;
    TRY(weir__new(&tail, room, 1, "the end of an archive", error));
    TRY(read_at(d, d->file_size - room, tail, room, error));
    const size_t at = find_end(tail, room);
    if (at == room) {
        status = fail_archive(d, "no directory at its end", error);
        goto done;
    }
    *size = little(tail + at + 12, 4);
    *offset = little(tail + at + 16, 4);
    const bool wide = at >= locator_size && little(tail + at - locator_size, 4) == locator_mark;
    if (wide && (*size == UINT32_MAX || *offset == UINT32_MAX)) {
        TRY(read_at(d, little(tail + at - locator_size + 8, 8), record, sizeof record, error));
        if (little(record, 4) != end64_mark) {
            status = fail_archive(d, "a damaged directory", error);
            goto done;
        }
        *size = little(record + 40, 8);
        *offset = little(record + 48, 8);
    }
done:
    weir__free(tail);
    return status;
}

static weir_status read_directory(directory *d, weir_error *error) {
    weir_status status = WEIR_OK;
    uint64_t offset = 0, size = 0;
    TRY(find_directory(d, &offset, &size, error));
    if (size > directory_most || size > d->file_size || offset > d->file_size - size) {
        status = fail_archive(d, "a directory beyond its end", error);
        goto done;
    }
    TRY(weir__new(&d->bytes, (size_t)size, 1, "the directory of an archive", error));
    TRY(read_at(d, offset, d->bytes, (size_t)size, error));
    d->size = (size_t)size;
done:
    return status;
}

static size_t entry_length(const uint8_t *entry) {
    return (size_t)(entry_size + little(entry + 28, 2) + little(entry + 30, 2) + little(entry + 32, 2));
}

// The entry at *at, which is moved behind it; NULL at the end or where no whole entry stands.
static const uint8_t *next_entry(const directory *d, size_t *at) {
    if (d->size - *at < entry_size) return NULL;
    const uint8_t *entry = d->bytes + *at;
    if (little(entry, 4) != entry_mark || entry_length(entry) > d->size - *at) return NULL;
    *at += entry_length(entry);
    return entry;
}

// The name of an entry, without the ".npy" that numpy puts behind it.
static size_t name_length(const uint8_t *entry) {
    const size_t length = (size_t)little(entry + 28, 2);
    return length > 4 && !memcmp(entry + entry_size + length - 4, ".npy", 4) ? length - 4 : length;
}

static bool has_name(const uint8_t *entry, const char *name) {
    const size_t length = strlen(name), whole = (size_t)little(entry + 28, 2);
    return (length == whole || length == name_length(entry)) && !memcmp(entry + entry_size, name, length);
}

static weir_status fail_choice(const directory *d, const char *name, size_t count, weir_error *error) {
    char list[names_shown] = "", first[64] = "NAME", one[64];
    size_t at = 0, used = 0;
    for (const uint8_t *entry; (entry = next_entry(d, &at)) && used + sizeof one < sizeof list;) {
        weir__show(one, sizeof one, (const char *)entry + entry_size, name_length(entry));
        if (!used) memcpy(first, one, sizeof first);
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", one);
    }
    if (name)
        return weir__fail(error, WEIR_NOT_FOUND, "%s: the archive has no array \"%s\"; it has %s", d->name, name, list);
    return weir__fail(error, WEIR_ARGUMENT, "%s: holds %zu arrays (%s); name one, as in %s:%s", d->name, count, list,
                      d->name, first);
}

static weir_status choose(const directory *d, const uint8_t **chosen, const char *name, weir_error *error) {
    size_t at = 0, count = 0, matches = 0;
    for (const uint8_t *entry; (entry = next_entry(d, &at)); count++) {
        if (name && !has_name(entry, name)) continue;
        if (!matches++) *chosen = entry;
    }
    if (at != d->size) return fail_archive(d, "a damaged directory", error);
    if (!count) return weir__fail(error, WEIR_DATA, "%s: is an archive without arrays", d->name);
    return matches == 1 || (name && matches) ? WEIR_OK : fail_choice(d, name, count, error);
}

// The 64-bit numbers of the extra field stand for those of packed size and offset that are full.
static void widen(const uint8_t *entry, uint64_t *packed_bytes, uint64_t *local) {
    const size_t name = (size_t)little(entry + 28, 2), size = (size_t)little(entry + 30, 2);
    const uint8_t *extra = entry + entry_size + name;
    for (size_t at = 0; size - at >= 4;) {
        const size_t length = (size_t)little(extra + at + 2, 2), begin = at + 4;
        if (length > size - begin) return;
        at = begin + length;
        if (little(extra + begin - 4, 2) != 1) continue;
        size_t from = begin + (little(entry + 24, 4) == UINT32_MAX ? 8 : 0);
        uint64_t *const fields[] = {packed_bytes, local};
        for (size_t i = 0; i < 2; i++) {
            if (*fields[i] != UINT32_MAX || from + 8 > at) continue;
            *fields[i] = little(extra + from, 8);
            from += 8;
        }
    }
}

static weir_status locate(weir__zip_entry *out, const directory *d, const uint8_t *entry, weir_error *error) {
    weir_status status = WEIR_OK;
    uint8_t head[local_size];
    const uint64_t method = little(entry + 10, 2);
    uint64_t packed_bytes = little(entry + 20, 4), local = little(entry + 42, 4);
    widen(entry, &packed_bytes, &local);
    TRY_THAT(!(little(entry + 8, 2) & 1), WEIR_UNSUPPORTED, "%s: is encrypted; save it without", d->name);
    TRY_THAT(method == 0 || method == 8, WEIR_UNSUPPORTED,
             "%s: is compressed by method %d of zip; numpy.savez or numpy.savez_compressed writes what is supported",
             d->name, (int)method);
    if (d->file_size < local_size || local > d->file_size - local_size) {
        status = fail_archive(d, "an entry beyond its end", error);
        goto done;
    }
    TRY(read_at(d, local, head, sizeof head, error));
    const uint64_t offset = local + local_size + little(head + 26, 2) + little(head + 28, 2);
    if (little(head, 4) != local_mark || offset > d->file_size || packed_bytes > d->file_size - offset) {
        status = fail_archive(d, "a damaged entry", error);
        goto done;
    }
    *out = (weir__zip_entry){.packing = method ? WEIR__DEFLATE : WEIR__STORED,
                             .offset = offset,
                             .packed_bytes = packed_bytes,
                             .checksum = (uint32_t)little(entry + 16, 4)};
done:
    return status;
}

weir_status weir__zip_find(weir__zip_entry *entry, int descriptor, const char *file_name, const char *name,
                           weir_error *error) {
    weir_status status = WEIR_OK;
    struct stat about;
    const uint8_t *chosen = NULL;
    directory d = {.name = file_name, .descriptor = descriptor};
    TRY_THAT(fstat(descriptor, &about) == 0, WEIR_IO, "%s: cannot be read: %s", file_name, strerror(errno));
    d.file_size = (uint64_t)about.st_size;
    TRY(read_directory(&d, error));
    TRY(choose(&d, &chosen, name, error));
    TRY(locate(entry, &d, chosen, error));
done:
    weir__free(d.bytes);
    return status;
}
