// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Stored sparse rows: a header of 64 bytes, then the arrays begin, label_begin, columns, values and labels, each from a
// multiple of 64 bytes on. They are used where they are mapped. Numbers in the file are believed only after one pass.

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sparse.h"

static const char magic[8] = "WEIRCSR1";
static const uint64_t mark = 0x0102030405060708; // tells the byte order

typedef struct header {
    char magic[8];
    uint64_t mark, rows, columns, classes, pairs, labels, unused;
} header;
_Static_assert(sizeof(header) == 64, "the arrays begin at byte 64");

enum { ARRAYS = 5, alignment = 64 };

/// Where each array lies; the last number is the size of the file.
static void find_places(uint64_t places[ARRAYS + 1], const header *h) {
    const uint64_t sizes[ARRAYS] = {(h->rows + 1) * 8, (h->rows + 1) * 8, h->pairs * 4, h->pairs * 4, h->labels * 4};
    places[0] = sizeof *h;
    for (size_t i = 0; i < ARRAYS; i++) places[i + 1] = (places[i] + sizes[i] + alignment - 1) / alignment * alignment;
}

weir_status weir_sparse_save(const weir_sparse *sparse, const char *path, weir_error *error) {
    static const char nothing[alignment];
    const weir_sparse_shape shape = sparse->shape;
    header h = {.mark = mark,
                .rows = shape.rows,
                .columns = shape.columns,
                .classes = shape.classes,
                .pairs = shape.pairs,
                .labels = shape.labels};
    const void *const arrays[ARRAYS] = {sparse->begin, sparse->label_begin, sparse->columns, sparse->values,
                                        sparse->labels};
    const size_t sizes[ARRAYS] = {(shape.rows + 1) * 8, (shape.rows + 1) * 8, shape.pairs * 4, shape.pairs * 4,
                                  shape.labels * 4};
    uint64_t places[ARRAYS + 1];
    weir__file file;
    memcpy(h.magic, magic, sizeof h.magic);
    find_places(places, &h);
    const weir_status status = weir__file_begin(&file, path, error);
    if (status != WEIR_OK) return status;
    weir__file_put((const char *)&h, sizeof h, &file);
    for (size_t i = 0; i < ARRAYS; i++) {
        weir__file_put(arrays[i], sizes[i], &file);
        weir__file_put(nothing, (size_t)(places[i + 1] - places[i]) - sizes[i], &file);
    }
    return weir__file_commit(&file, error);
}

bool weir__sparse_is_stored(const void *bytes, size_t size) {
    return size >= sizeof magic && !memcmp(bytes, magic, sizeof magic);
}

static weir_status fail_stored(const char *path, const char *what, weir_error *error) {
    return weir__fail(error, WEIR_FORMAT, "%s: stored rows with %s; store them again", path, what);
}

/// Is the header in line with itself, with the file's size and with what is wanted?
static weir_status check_header(const header *h, uint64_t size, const char *path, const weir_sparse_options *options,
                                weir_error *error) {
    uint64_t places[ARRAYS + 1];
    if (!weir__sparse_is_stored(h, sizeof *h))
        return weir__fail(error, WEIR_FORMAT, "%s: stored rows cannot be packed, as they are used where they lie", path);
    if (h->mark != mark) return fail_stored(path, "numbers of a machine with another byte order", error);
    if (h->rows < 1 || h->rows >= UINT32_MAX || h->columns > UINT32_MAX || h->classes > INT32_MAX ||
        h->pairs > size || h->labels > size)
        return fail_stored(path, "a damaged header", error);
    find_places(places, h);
    if (places[ARRAYS] != size) return fail_stored(path, "an end before or behind its time", error);
    if (options->columns > h->columns || options->classes > h->classes)
        return weir__fail(error, WEIR_DATA, "%s: has %llu columns and %llu classes; %zu and %zu are wanted", path,
                          (unsigned long long)h->columns, (unsigned long long)h->classes, options->columns,
                          options->classes);
    return WEIR_OK;
}

static bool are_offsets(const uint64_t *begin, size_t rows, uint64_t end) {
    if (begin[0] || begin[rows] != end) return false;
    for (size_t i = 0; i < rows; i++) {
        if (begin[i + 1] < begin[i]) return false;
    }
    return true;
}

static bool rise(const uint32_t *numbers, size_t count, size_t limit) {
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] >= limit || (i && numbers[i] <= numbers[i - 1])) return false;
    }
    return true;
}

static weir_status check_rows(const weir_sparse *sparse, const char *path, weir_error *error) {
    const weir_sparse_shape shape = sparse->shape;
    if (!are_offsets(sparse->begin, shape.rows, shape.pairs) ||
        !are_offsets(sparse->label_begin, shape.rows, shape.labels))
        return fail_stored(path, "damaged rows", error);
    for (size_t i = 0; i < shape.rows; i++) {
        const weir_sparse_row row = weir_sparse_row_at(sparse, i);
        bool sound = rise(row.columns, row.count, shape.columns) && rise(row.labels, row.label_count, shape.classes);
        for (size_t j = 0; j < row.count; j++) sound = sound && isfinite(row.values[j]);
        if (!sound) return weir__fail(error, WEIR_FORMAT, "%s: row %zu of stored rows is damaged; store them again", path, i);
    }
    return WEIR_OK;
}

weir_status weir__sparse_map(weir_sparse **sparse, const char *path, const weir_sparse_options *options,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    weir_sparse *fresh = NULL;
    struct stat about;
    void *at = MAP_FAILED;
    uint64_t places[ARRAYS + 1];
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    TRY_THAT(file >= 0 && fstat(file, &about) == 0, WEIR_IO, "%s: cannot be read: %s", path, strerror(errno));
    TRY_THAT(S_ISREG(about.st_mode), WEIR_IO, "%s: stored rows are mapped, which needs a file", path);
    if ((uint64_t)about.st_size < sizeof(header)) {
        status = fail_stored(path, "an end before its time", error);
        goto done;
    }
    at = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    TRY_THAT(at != MAP_FAILED, WEIR_IO, "%s: cannot be mapped: %s", path, strerror(errno));
    const header *h = at;
    TRY(check_header(h, (uint64_t)about.st_size, path, options, error));
    TRY(weir__new(&fresh, 1, sizeof *fresh, "sparse rows", error));
    find_places(places, h);
    const char *bytes = at;
    *fresh = (weir_sparse){.shape = {.rows = (size_t)h->rows,
                                     .columns = (size_t)h->columns,
                                     .classes = (size_t)h->classes,
                                     .pairs = (size_t)h->pairs,
                                     .labels = (size_t)h->labels},
                           .begin = (const uint64_t *)(const void *)(bytes + places[0]),
                           .label_begin = (const uint64_t *)(const void *)(bytes + places[1]),
                           .columns = (const uint32_t *)(const void *)(bytes + places[2]),
                           .values = (const float *)(const void *)(bytes + places[3]),
                           .labels = (const uint32_t *)(const void *)(bytes + places[4]),
                           .mapped = at,
                           .mapped_size = (size_t)about.st_size};
    at = MAP_FAILED;
    TRY(check_rows(fresh, path, error));
    *sparse = fresh;
    fresh = NULL;
done:
    if (at != MAP_FAILED) munmap(at, (size_t)about.st_size);
    if (file >= 0) close(file);
    weir_sparse_free(fresh);
    return status;
}
