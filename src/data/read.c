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

weir_read_options weir_read_options_default(void) { return (weir_read_options){0}; }

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

const char *weir__label_column(const char *column) { return column && strcmp(column, "-1") != 0 ? column : ""; }

weir_status weir__csv_options_check(const weir__csv_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__column first;
    const char *at = options->label;
    TRY(weir__columns_check(options->label, "data.label_column", error));
    TRY_THAT(!weir__columns_next(&first, &at) || (!*at && first.first == first.last), WEIR_CONFIG,
             "data.label_column is \"%.60s\"; expected one column, by number from 0 or by name; a name with a comma stands in "
             "quotes of its own, '\"width, cm\"'", options->label);
    TRY(weir__columns_check(options->targets, "data.target_columns", error));
    TRY(weir__columns_check(options->skipped, "data.skip_columns", error));
    TRY_THAT(options->header != WEIR__HEADER_NO ||
                 !(weir__columns_have_names(options->label) || weir__columns_have_names(options->targets) ||
                   weir__columns_have_names(options->skipped)),
             WEIR_CONFIG,
             "data.header is \"no\", but data.label_column, data.target_columns or data.skip_columns "
             "names a column; say its number");
done:
    return status;
}

static weir_status take_options(weir__csv_options *out, const weir_read_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    *out = (weir__csv_options){.label = weir__label_column(options->label_column),
                               .targets = options->target_columns,
                               .skipped = options->skip_columns,
                               .labels = true,
                               .named_labels = true,
                               .may_lack = options->labels_may_lack,
                               .names = options->names};
    TRY(weir__header_find(&out->header, options->header, error));
    TRY(weir__csv_options_check(out, error));
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
        TRY_THAT(csv->header == WEIR__HEADER_AUTO, WEIR_ARGUMENT,
                 "%s: is %s; only CSV has a line that may name columns (data.header, --header)", stream.name,
                 content == WEIR_CONTENT_IDX ? "IDX" : "NPY");
        TRY_THAT(!weir__given(csv->targets) && !weir__given(csv->skipped), WEIR_ARGUMENT,
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
    const weir_status status = take_options(&csv, options, error);
    return status == WEIR_OK ? weir__table_read(table, path, &csv, false, error) : status;
}

void weir_table_free(weir_table *table) {
    if (!table) return;
    weir_rows_free(table->rows);
    weir_labels_free(table->labels);
    weir_rows_free(table->targets);
    weir_names_free(table->names);
    *table = (weir_table){0};
}

weir_status weir_rows_read(weir_rows **rows, int32_t **labels, const char *path, int label_column, weir_error *error) {
    weir_table table;
    char label[16] = "";
    if (label_column >= 0) snprintf(label, sizeof label, "%d", label_column);
    const weir__csv_options csv = {.label = label, .labels = labels != NULL};
    const weir_status status = weir__table_read(&table, path, &csv, false, error);
    *rows = table.rows;
    table.rows = NULL;
    if (labels) {
        *labels = table.labels;
        table.labels = NULL;
    }
    weir_table_free(&table);
    return status;
}

static weir_status read_text_labels(weir_table *table, size_t *count, const weir__array *array, weir__stream *stream,
                                    const weir__csv_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__labels labels = {.file = stream->name, .may_lack = options->may_lack};
    const weir__locale plain = weir__locale_begin();
    if (options->named_labels) TRY(weir_names_create(&table->names, error));
    TRY(weir__array_texts(&labels, array, stream, error));
    *count = labels.numbers.count;
    TRY(weir__labels_finish(&labels, &table->labels, options->names, table->names, table->note, error));
done:
    weir__locale_end(plain);
    weir__labels_free(&labels);
    return status;
}

weir_status weir__labels_read(weir_table *table, size_t *count, const char *path, const weir__csv_options *options,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    weir__stream stream = {0};
    weir__array array;
    weir_content content;
    *table = (weir_table){0};
    *count = 0;
    TRY(weir__stream_open(&stream, path, error));
    TRY(tell_content(&content, &stream, error));
    if (content == WEIR_CONTENT_CSV) {
        TRY(weir__csv_labels(table, count, &stream, options, error));
    } else {
        TRY(read_array_header(&array, &stream, content, error));
        if (array.element == WEIR__TEXT) {
            TRY(read_text_labels(table, count, &array, &stream, options, error));
        } else {
            TRY(weir__array_labels(&table->labels, count, &array, &stream, error));
        }
    }
done:
    weir__stream_close(&stream);
    if (status != WEIR_OK) weir_table_free(table);
    return status;
}

weir_status weir_labels_read(int32_t **labels, size_t *count, const char *path, weir_error *error) {
    weir_table table;
    const weir_status status = weir__labels_read(&table, count, path, &(weir__csv_options){0}, error);
    *labels = table.labels;
    table.labels = NULL;
    weir_table_free(&table);
    return status;
}
