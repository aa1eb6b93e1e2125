// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Tells what kind of file it is from its first bytes, whatever its name, and calls the parser for it.

#include <string.h>

#include "array.h"
#include "table.h"

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

static weir_status read_array_header(weir__array *array, weir__stream *stream, file_kind kind, weir_error *error) {
    return kind == KIND_IDX ? weir__idx_header(array, stream, error) : weir__npy_header(array, stream, error);
}

weir_read_options weir_read_options_default(void) { return (weir_read_options){.label_column = -1}; }

weir_status weir__header_find(weir__header *header, const char *name, weir_error *error) {
    static const char *const names[] = {
        [WEIR__HEADER_AUTO] = "auto", [WEIR__HEADER_YES] = "yes", [WEIR__HEADER_NO] = "no"};
    *header = WEIR__HEADER_AUTO;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (name && strcmp(name, names[i]) == 0) *header = (weir__header)i;
        if (!name || strcmp(name, names[i]) == 0) return WEIR_OK;
    }
    return weir__fail(error, WEIR_CONFIG, "data.header is \"%s\"; expected auto, yes or no", name);
}

static weir_status check_options(weir__csv_options *out, const weir_read_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    *out = (weir__csv_options){.label_column = options->label_column, .labels = true};
    TRY(weir__header_find(&out->header, options->header, error));
    TRY(weir__columns_parse(&out->targets, options->target_columns, "data.target_columns", error));
    TRY(weir__columns_parse(&out->skipped, options->skip_columns, "data.skip_columns", error));
    out->labels = out->label_column >= 0 && !weir__columns_have(&out->skipped, (size_t)out->label_column);
done:
    return status;
}

weir_status weir__table_read(weir_table *table, const char *path, const weir__csv_options *csv, bool vector,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    weir__stream stream = {0};
    weir__array array;
    file_kind kind;
    *table = (weir_table){0};
    TRY(weir__stream_open(&stream, path, error));
    TRY(tell_kind(&kind, &stream, error));
    if (kind == KIND_CSV) {
        TRY(weir__csv_read(table, &stream, csv, error));
    } else {
        TRY_THAT(!csv->targets.count && !csv->skipped.count, WEIR_ARGUMENT,
                 "%s: is %s; only CSV has columns for data.target_columns and data.skip_columns", stream.name,
                 kind == KIND_IDX ? "IDX" : "NPY");
        TRY(read_array_header(&array, &stream, kind, error));
        TRY(weir__array_rows(&table->rows, &array, &stream, vector, error));
    }
done:
    weir__stream_close(&stream);
    if (status != WEIR_OK) weir_table_free(table);
    return status;
}

weir_status weir_table_read(weir_table *table, const char *path, const weir_read_options *options, weir_error *error) {
    weir__csv_options csv;
    *table = (weir_table){0};
    const weir_status status = check_options(&csv, options, error);
    return status == WEIR_OK ? weir__table_read(table, path, &csv, false, error) : status;
}

void weir_table_free(weir_table *table) {
    if (!table) return;
    weir_rows_free(table->rows);
    weir_labels_free(table->labels);
    weir_rows_free(table->targets);
    *table = (weir_table){0};
}

weir_status weir_rows_read(weir_rows **rows, int32_t **labels, const char *path, int label_column, weir_error *error) {
    weir_table table;
    const weir__csv_options csv = {.label_column = label_column, .labels = labels != NULL};
    const weir_status status = weir__table_read(&table, path, &csv, false, error);
    *rows = table.rows;
    if (labels) *labels = table.labels;
    return status;
}

weir_status weir__labels_read(int32_t **labels, size_t *count, const char *path, weir__header header, char *note,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    weir__stream stream = {0};
    weir__array array;
    file_kind kind;
    *labels = NULL;
    *count = 0;
    TRY(weir__stream_open(&stream, path, error));
    TRY(tell_kind(&kind, &stream, error));
    if (kind == KIND_CSV) {
        TRY(weir__csv_labels(labels, count, &stream, header, note, error));
    } else {
        TRY(read_array_header(&array, &stream, kind, error));
        TRY(weir__array_labels(labels, count, &array, &stream, error));
    }
done:
    weir__stream_close(&stream);
    return status;
}

weir_status weir_labels_read(int32_t **labels, size_t *count, const char *path, weir_error *error) {
    return weir__labels_read(labels, count, path, WEIR__HEADER_AUTO, NULL, error);
}
