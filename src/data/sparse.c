// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Sparse rows: the object, the way in which rows are put together, and which reader a file is for.

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sparse.h"

weir_sparse_shape weir_sparse_shape_of(const weir_sparse *sparse) { return sparse->shape; }

weir_sparse_row weir_sparse_row_at(const weir_sparse *sparse, size_t row) {
    const uint64_t begin = sparse->begin[row], first_label = sparse->label_begin[row];
    return (weir_sparse_row){.count = (size_t)(sparse->begin[row + 1] - begin),
                             .columns = sparse->columns + begin,
                             .values = sparse->values + begin,
                             .label_count = (size_t)(sparse->label_begin[row + 1] - first_label),
                             .labels = sparse->labels + first_label};
}

void weir_sparse_free(weir_sparse *sparse) {
    if (!sparse) return;
    if (sparse->mapped) {
        munmap(sparse->mapped, sparse->mapped_size);
    } else {
        weir__free((void *)sparse->begin);
        weir__free((void *)sparse->label_begin);
        weir__free((void *)sparse->columns);
        weir__free((void *)sparse->values);
        weir__free((void *)sparse->labels);
    }
    weir__free(sparse);
}

weir_sparse_options weir_sparse_options_default(void) {
    return (weir_sparse_options){.first_column = -1, .duplicates = "refuse", .labels = ""};
}

// ---- putting rows together -----------------------------------------------------------------------------------------

static uint64_t *offsets(const weir__growing *array) { return array->data; }

static weir_status push(weir__growing *array, const void *element, const char *what, weir_error *error) {
    const weir_status status = weir__grow(array, 1, what, error);
    if (status == WEIR_OK) memcpy((char *)array->data + array->size * array->count++, element, array->size);
    return status;
}

size_t weir__sparse_rows(const weir__sparse_builder *b) { return b->begin.count - 1; }

weir_status weir__sparse_begin(weir__sparse_builder *b, const char *duplicates, weir_error *error) {
    const uint64_t none = 0;
    const char *how = duplicates ? duplicates : "refuse";
    weir_status status = WEIR_OK;
    b->begin = b->label_begin = (weir__growing){.size = sizeof(uint64_t)};
    b->column = b->label = (weir__growing){.size = sizeof(uint32_t)};
    b->value = (weir__growing){.size = sizeof(float)};
    b->pairs = (weir__growing){.size = sizeof(weir__sparse_pair)};
    b->sum = strcmp(how, "sum") == 0;
    TRY_THAT(b->sum || strcmp(how, "refuse") == 0, WEIR_CONFIG, "duplicates are \"refuse\" or \"sum\", not \"%s\"",
             how);
    TRY(push(&b->begin, &none, "sparse rows", error));
    TRY(push(&b->label_begin, &none, "sparse rows", error));
done:
    return status;
}

weir_status weir__sparse_fail(const weir__sparse_builder *b, size_t place, weir_error *error, const char *format,
                              ...) {
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    weir__print_arguments(text, sizeof text, format, arguments);
    va_end(arguments);
    return weir__fail(error, WEIR_DATA, "%s%s%s %zu: %s", b->name ? b->name : "", b->name ? ": " : "", b->unit, place,
                      text);
}

weir_status weir__sparse_add(weir__sparse_builder *b, size_t place, uint64_t column, unsigned base, double value,
                             weir_error *error) {
    if (column < base)
        return weir__sparse_fail(b, place, error,
                                 "column 0, where columns are counted from 1; say that the first column is 0");
    const uint64_t at = column - base;
    if (b->columns ? at >= b->columns : at >= UINT32_MAX)
        return weir__sparse_fail(b, place, error, "column %llu; there are %zu, counted from %u",
                                 (unsigned long long)column, b->columns ? b->columns : (size_t)UINT32_MAX, base);
    const weir__sparse_pair pair = {(uint32_t)at, (float)value};
    if (!isfinite(pair.value))
        return weir__sparse_fail(b, place, error, "column %llu has the value %g; values are finite floats",
                                 (unsigned long long)column, value);
    if (at >= b->most_column) b->most_column = (size_t)at + 1;
    return push(&b->pairs, &pair, "pairs of a row", error);
}

weir_status weir__sparse_label(weir__sparse_builder *b, size_t place, uint64_t label, weir_error *error) {
    if (b->classes ? label >= b->classes : label >= INT32_MAX)
        return weir__sparse_fail(b, place, error, "label %llu; there are %zu, counted from 0",
                                 (unsigned long long)label, b->classes ? b->classes : (size_t)INT32_MAX);
    const uint32_t number = (uint32_t)label;
    if (label >= b->most_class) b->most_class = (size_t)label + 1;
    return push(&b->label, &number, "labels", error);
}

static int by_column(const void *a, const void *b) {
    const uint32_t x = ((const weir__sparse_pair *)a)->column, y = ((const weir__sparse_pair *)b)->column;
    return (x > y) - (x < y);
}

static int by_number(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool rises(const weir__sparse_pair *pairs, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (pairs[i].column <= pairs[i - 1].column) return false;
    }
    return true;
}

// Sorts the pairs and makes one of those of the same column. Sums are exact enough in double, whatever their order.
static weir_status merge(weir__sparse_builder *b, size_t place, weir_error *error) {
    weir__sparse_pair *pairs = b->pairs.data;
    if (rises(pairs, b->pairs.count)) return WEIR_OK;
    qsort(pairs, b->pairs.count, sizeof *pairs, by_column);
    size_t kept = 0;
    for (size_t i = 0; i < b->pairs.count;) {
        const uint32_t column = pairs[i].column;
        double sum = 0;
        size_t same = 0;
        for (; i < b->pairs.count && pairs[i].column == column; i++, same++) sum += (double)pairs[i].value;
        if (same > 1 && !b->sum)
            return weir__sparse_fail(b, place, error,
                                     "column %u (counted from 0) stands %zu times; say duplicates \"sum\" to add them",
                                     column, same);
        if (!isfinite((float)sum))
            return weir__sparse_fail(b, place, error, "the values of column %u sum to %g", column, sum);
        b->summed += same - 1;
        pairs[kept++] = (weir__sparse_pair){column, (float)sum};
    }
    b->pairs.count = kept;
    return WEIR_OK;
}

weir_status weir__sparse_row_end(weir__sparse_builder *b, size_t place, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(merge(b, place, error));
    const weir__sparse_pair *pairs = b->pairs.data;
    for (size_t i = 0; i < b->pairs.count; i++) {
        if (!(pairs[i].value < 0 || pairs[i].value > 0)) continue;
        TRY(push(&b->column, &pairs[i].column, "columns", error));
        TRY(push(&b->value, &pairs[i].value, "values", error));
    }
    b->pairs.count = 0;
    if (b->label.count > b->first_label) {
        uint32_t *labels = (uint32_t *)b->label.data + b->first_label;
        const size_t count = b->label.count - b->first_label;
        size_t kept = 1;
        qsort(labels, count, sizeof *labels, by_number);
        for (size_t i = 1; i < count; i++) {
            if (labels[i] != labels[kept - 1]) labels[kept++] = labels[i];
        }
        b->label.count = b->first_label + kept;
    }
    b->first_label = b->label.count;
    TRY_THAT(weir__sparse_rows(b) < UINT32_MAX, WEIR_DATA, "%s: has more than %zu rows", b->name ? b->name : "rows",
             (size_t)UINT32_MAX);
    const uint64_t pairs_end = b->column.count, labels_end = b->label.count;
    TRY(push(&b->begin, &pairs_end, "sparse rows", error));
    TRY(push(&b->label_begin, &labels_end, "sparse rows", error));
done:
    return status;
}

weir_status weir__sparse_end(weir__sparse_builder *b, weir_sparse **sparse, weir_status status, weir_error *error) {
    weir__growing *const arrays[] = {&b->begin, &b->label_begin, &b->column, &b->value, &b->label};
    weir_sparse *fresh = NULL;
    // An array that nothing was put in is memory all the same.
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && status == WEIR_OK; i++)
        status = weir__grow(arrays[i], 1, "sparse rows", error);
    if (status == WEIR_OK && !weir__sparse_rows(b))
        status = weir__fail(error, WEIR_DATA, "%s: holds no rows", b->name ? b->name : "sparse rows");
    if (status == WEIR_OK) status = weir__new(&fresh, 1, sizeof *fresh, "sparse rows", error);
    if (status == WEIR_OK) {
        fresh->shape = (weir_sparse_shape){.rows = weir__sparse_rows(b),
                                           .columns = b->columns ? b->columns : b->most_column,
                                           .classes = b->classes ? b->classes : b->most_class,
                                           .pairs = b->column.count,
                                           .labels = b->label.count};
        fresh->begin = offsets(&b->begin);
        fresh->label_begin = offsets(&b->label_begin);
        fresh->columns = b->column.data;
        fresh->values = b->value.data;
        fresh->labels = b->label.data;
        for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) arrays[i]->data = NULL;
    }
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) weir__free(arrays[i]->data);
    weir__free(b->pairs.data);
    *sparse = fresh;
    return status;
}

// ---- from memory ---------------------------------------------------------------------------------------------------

static weir_status check_offsets(const uint64_t *begin, size_t rows, const char *what, weir_error *error) {
    if (begin[0]) return weir__fail(error, WEIR_ARGUMENT, "%s[0] is not 0", what);
    for (size_t i = 0; i < rows; i++) {
        if (begin[i + 1] < begin[i])
            return weir__fail(error, WEIR_ARGUMENT, "%s[%zu] is smaller than the one before it", what, i + 1);
    }
    return WEIR_OK;
}

weir_status weir_sparse_create(weir_sparse **sparse, size_t rows, size_t columns, size_t classes, const uint64_t *begin,
                               const uint32_t *indices, const float *values, const uint64_t *label_begin,
                               const uint32_t *labels, const char *duplicates, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__sparse_builder b = {.unit = "row", .columns = columns, .classes = classes};
    *sparse = NULL;
    TRY(weir__sparse_begin(&b, duplicates, error));
    TRY_THAT(begin && !label_begin == !labels, WEIR_ARGUMENT, "sparse rows need their offsets, and labels theirs");
    TRY(check_offsets(begin, rows, "begin", error));
    if (label_begin) TRY(check_offsets(label_begin, rows, "label_begin", error));
    for (size_t i = 0; i < rows; i++) {
        for (uint64_t j = begin[i]; j < begin[i + 1]; j++)
            TRY(weir__sparse_add(&b, i, indices[j], 0, (double)values[j], error));
        for (uint64_t j = label_begin ? label_begin[i] : 0; label_begin && j < label_begin[i + 1]; j++)
            TRY(weir__sparse_label(&b, i, labels[j], error));
        TRY(weir__sparse_row_end(&b, i, error));
    }
done:
    return weir__sparse_end(&b, sparse, status, error);
}

// ---- from a file ---------------------------------------------------------------------------------------------------

weir_status weir_sparse_read(weir_sparse **sparse, const char *path, const weir_sparse_options *options,
                             char note[WEIR_NOTE], weir_error *error) {
    weir_status status = WEIR_OK;
    weir__stream stream = {0};
    char unread[WEIR_NOTE];
    const weir_sparse_options plain = weir_sparse_options_default();
    if (!options) options = &plain;
    if (!note) note = unread;
    *sparse = NULL;
    note[0] = 0;
    TRY_THAT(options->first_column >= -1 && options->first_column <= 1, WEIR_CONFIG,
             "the first column is 0 or 1, or -1 for what is usual in the format; not %d", options->first_column);
    weir_content content = WEIR_CONTENT_DEVICE;
    if (strcmp(path, "-") != 0) TRY(weir_content_find(&content, path, error));
    if (content == WEIR_CONTENT_ZIP) return weir__sparse_read_npz(sparse, path, options, note, error);
    TRY_THAT(!options->labels || !*options->labels, WEIR_CONFIG,
             "%s: holds its labels itself; a file of labels belongs to a .npz file", path);
    TRY(weir__stream_open(&stream, path, error));
    TRY(weir__stream_fill(&stream, error));
    if (weir__sparse_is_stored(stream.buffer + stream.at, stream.end - stream.at)) {
        status = weir__sparse_map(sparse, path, options, error);
        goto done;
    }
    TRY_THAT(content == WEIR_CONTENT_DEVICE || content == WEIR_CONTENT_EMPTY || content == WEIR_CONTENT_GZIP ||
                 content == WEIR_CONTENT_TEXT || content == WEIR_CONTENT_CSV || content == WEIR_CONTENT_YAML ||
                 content == WEIR_CONTENT_JSON,
             WEIR_FORMAT,
             "%s: is %s, but sparse rows are expected: a text of LABEL,LABEL COLUMN:VALUE …, a .npz file of "
             "scipy.sparse.save_npz, or stored rows",
             path, weir_content_text(content));
    status = weir__sparse_read_text(sparse, &stream, options, note, error);
done:
    weir__stream_close(&stream);
    return status;
}
