// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Tells what kind of file it is from its first bytes, whatever its name, and calls the parser for it.

#include <string.h>

#include "array.h"
#include "table.h"

// Has the first line several values, whatever they look like.
static bool has_columns(const char *text, size_t size) {
    for (size_t i = 0; i < size && text[i] != '\n'; i++) {
        if (strchr(",;\t", text[i])) return true;
    }
    return false;
}

static weir_status tell_content(weir_content *content, weir__stream *stream, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(weir__stream_fill(stream, error));
    const char *text = (const char *)stream->buffer;
    *content = weir__content_of(text, stream->end);
    // Names of columns may look like anything.
    if (*content == WEIR_CONTENT_TEXT) *content = WEIR_CONTENT_CSV;
    if (*content == WEIR_CONTENT_YAML && has_columns(text, stream->end)) *content = WEIR_CONTENT_CSV;
    const uint8_t *first = stream->buffer;
    TRY_THAT(*content != WEIR_CONTENT_EMPTY, WEIR_FORMAT, "%s: is empty; IDX, NPY or CSV is expected", stream->name);
    TRY_THAT(*content == WEIR_CONTENT_IDX || *content == WEIR_CONTENT_NPY || *content == WEIR_CONTENT_CSV, WEIR_FORMAT,
             "%s: is %s, neither IDX nor NPY nor CSV, plain or gzip: its first bytes are %02x %02x %02x %02x",
             stream->name, weir_content_text(*content), first[0], first[1], first[2], first[3]);
done:
    return status;
}

static weir_status read_array_header(weir__array *array, weir__stream *stream, weir_content content,
                                     weir_error *error) {
    return content == WEIR_CONTENT_IDX ? weir__idx_header(array, stream, error)
                                       : weir__npy_header(array, stream, error);
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
    weir_content content;
    *table = (weir_table){0};
    TRY(weir__stream_open(&stream, path, error));
    TRY(tell_content(&content, &stream, error));
    if (content == WEIR_CONTENT_CSV) {
        TRY(weir__csv_read(table, &stream, csv, error));
    } else {
        TRY_THAT(!csv->targets.count && !csv->skipped.count, WEIR_ARGUMENT,
                 "%s: is %s; only CSV has columns to leave out or to predict (data.skip_columns, "
                 "data.target_columns; --skip-columns, --label-column)",
                 stream.name, content == WEIR_CONTENT_IDX ? "IDX" : "NPY");
        TRY(read_array_header(&array, &stream, content, error));
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
    weir_content content;
    *labels = NULL;
    *count = 0;
    TRY(weir__stream_open(&stream, path, error));
    TRY(tell_content(&content, &stream, error));
    if (content == WEIR_CONTENT_CSV) {
        TRY(weir__csv_labels(labels, count, &stream, header, note, error));
    } else {
        TRY(read_array_header(&array, &stream, content, error));
        TRY(weir__array_labels(labels, count, &array, &stream, error));
    }
done:
    weir__stream_close(&stream);
    return status;
}

weir_status weir_labels_read(int32_t **labels, size_t *count, const char *path, weir_error *error) {
    return weir__labels_read(labels, count, path, WEIR__HEADER_AUTO, NULL, error);
}
