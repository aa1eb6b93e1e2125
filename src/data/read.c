// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Tells what kind of file it is from its first bytes, whatever its name, and calls the parser for it.

#include <string.h>

#include "array.h"

typedef enum file_kind { KIND_IDX, KIND_NPY, KIND_CSV } file_kind;

enum { looked_at = 256, fewest = 4 };

static bool is_text(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        const bool control = bytes[i] < ' ' && bytes[i] != '\t' && bytes[i] != '\n' && bytes[i] != '\r';
        if (control || bytes[i] == 127) return false;
    }
    return true;
}

static weir_status tell_kind(file_kind *kind, weir__stream *stream, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(weir__stream_fill(stream, error));
    const uint8_t *bytes = stream->buffer;
    const size_t size = stream->end < looked_at ? stream->end : looked_at;
    TRY_THAT(size, WEIR_FORMAT, "%s: is empty; IDX, NPY or CSV is expected", stream->name);
    if (size >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0) {
        *kind = KIND_NPY;
    } else if (!bytes[0] && (size < 2 || !bytes[1])) {
        *kind = KIND_IDX;
    } else {
        uint8_t first[fewest] = {0};
        memcpy(first, bytes, size < fewest ? size : fewest);
        TRY_THAT(is_text(bytes, size), WEIR_FORMAT,
                 "%s: is neither IDX nor NPY nor CSV, plain or gzip: its first bytes are %02x %02x %02x %02x",
                 stream->name, first[0], first[1], first[2], first[3]);
        *kind = KIND_CSV;
    }
done:
    return status;
}

weir_status weir_rows_read(weir_rows **rows, int32_t **labels, const char *path, int label_column, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__stream stream = {0};
    weir__array array;
    file_kind kind;
    *rows = NULL;
    if (labels) *labels = NULL;
    TRY(weir__stream_open(&stream, path, error));
    TRY(tell_kind(&kind, &stream, error));
    if (kind == KIND_CSV) {
        TRY(weir__csv_rows(rows, labels, &stream, label_column, error));
    } else {
        TRY(kind == KIND_IDX ? weir__idx_header(&array, &stream, error) : weir__npy_header(&array, &stream, error));
        TRY(weir__array_rows(rows, &array, &stream, error));
    }
done:
    weir__stream_close(&stream);
    return status;
}

weir_status weir_labels_read(int32_t **labels, size_t *count, const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__stream stream = {0};
    weir__array array;
    file_kind kind;
    *labels = NULL;
    *count = 0;
    TRY(weir__stream_open(&stream, path, error));
    TRY(tell_kind(&kind, &stream, error));
    if (kind == KIND_CSV) {
        TRY(weir__csv_labels(labels, count, &stream, error));
    } else {
        TRY(kind == KIND_IDX ? weir__idx_header(&array, &stream, error) : weir__npy_header(&array, &stream, error));
        TRY(weir__array_labels(labels, count, &array, &stream, error));
    }
done:
    weir__stream_close(&stream);
    return status;
}
