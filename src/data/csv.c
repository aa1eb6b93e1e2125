// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Numbers as text, one row per line. Values may stand in quotes. A column that is not used may hold anything. Rows stay
// bytes, at a quarter of the memory, until a value comes that is none. Where the header is to be guessed, lines before
// it that begin with '#' are comments.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"

enum { shown = 25 };

weir_status weir__csv_fail(const weir__csv *c, size_t column, const weir__field *field, weir__content content,
                           weir_error *error) {
    char text[shown], place[80];
    const char *name = c->lines.stream->name;
    weir__csv_place(c, column, place, sizeof place);
    weir__show(text, sizeof text, field->begin, (size_t)(field->end - field->begin));
    if (field->unclosed)
        return weir__fail(error, WEIR_DATA, "%s: %s: %s begins with a quote that is not closed in its line", name,
                          place, text);
    if (field->begin == field->end)
        return weir__fail(error, WEIR_DATA,
                          "%s: %s is empty; every value must be there: fill it in, or leave out the row or the column "
                          "(data.skip_columns, --skip-columns)",
                          name, place);
    if (content == WEIR__IS_MISSING)
        return weir__fail(error, WEIR_DATA,
                          "%s: %s: \"%s\" stands for a missing value; fill it in, or leave out the row or the column "
                          "(data.skip_columns, --skip-columns)",
                          name, place, text);
    const bool comma = memchr(field->begin, ',', (size_t)(field->end - field->begin));
    return weir__fail(error, WEIR_DATA, "%s: %s: \"%s\" is not a number; %s", name, place, text,
                      comma ? "decimal points are points"
                            : "write it as one, or leave out the column (data.skip_columns, --skip-columns)");
}

// ---- Rows.

static weir_status make_room(weir__growing *row, size_t count, weir_error *error) {
    if (row->count >= count) return WEIR_OK;
    const weir_status status = weir__grow(row, count - row->count, "a row", error);
    if (status == WEIR_OK) row->count = count;
    return status;
}

static weir_status read_field(weir__csv *c, size_t number, const weir__field *field, weir_error *error) {
    weir_status status = WEIR_OK;
    double value;
    char place[80];
    if (number >= c->columns.count) return WEIR_OK; // the number of values is wrong, which is told at the line's end
    const weir__csv_column *column = weir__csv_column_at(c, number);
    if (field->unclosed) return weir__csv_fail(c, number, field, WEIR__IS_TEXT, error);
    if (column->role == WEIR__ROLE_NONE) return WEIR_OK;
    if (column->role == WEIR__ROLE_LABEL) {
        c->labels.column = number;
        return weir__labels_add(&c->labels, field, c->lines.line, error);
    }
    const weir__content content = weir__value_read(field, &value);
    if (content != WEIR__IS_NUMBER) return weir__csv_fail(c, number, field, content, error);
    TRY_THAT(isfinite((float)value), WEIR_DATA, "%s: %s is %g; values must be finite floats", c->lines.stream->name,
             weir__csv_place(c, number, place, sizeof place), value);
    weir__growing *row = column->role == WEIR__ROLE_TARGET ? &c->targets : &c->row;
    TRY(make_room(row, column->slot + 1, error));
    ((float *)row->data)[column->slot] = (float)value;
done:
    return status;
}

// The line's numbers to c->row, c->targets and c->labels.
static weir_status read_values(weir__csv *c, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *at = c->lines.text.data;
    size_t column = 0;
    for (weir__field field; weir__lines_field(&c->lines, &at, &field); column++) {
        TRY(read_field(c, column, &field, error));
    }
    TRY_THAT(
        column == c->columns.count, WEIR_DATA, "%s: line %zu has %zu values, but line %zu has %zu%s",
        c->lines.stream->name, c->lines.line, column, c->columns_line, c->columns.count,
        c->named && column == c->columns.count + 1 && !c->all_values.count
            ? " names; R's write.table writes none for the names of rows: write.csv(row.names = FALSE) leaves them "
              "out"
            : "");
done:
    return status;
}

static bool all_bytes(const weir__growing *row) {
    const float *values = row->data;
    for (size_t i = 0; i < row->count; i++) {
        const bool inside = values[i] >= 0 && values[i] <= 255;
        if (!inside || values[i] != (float)(uint8_t)values[i]) return false;
    }
    return true;
}

static weir_status become_floats(weir__csv *c, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__growing floats = {.size = sizeof(float)}, *values = &c->all_values;
    const uint8_t *bytes = values->data;
    if (values->count) TRY(weir__grow(&floats, values->count, "rows", error));
    for (; floats.count < values->count; floats.count++) ((float *)floats.data)[floats.count] = bytes[floats.count];
    weir__free(values->data);
    *values = floats;
    c->values_are_floats = true;
done:
    return status;
}

static weir_status push_values(weir__csv *c, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__growing *values = &c->all_values;
    const float *row = c->row.data;
    const size_t count = c->row.count;
    if (!c->values_are_floats && !all_bytes(&c->row)) TRY(become_floats(c, error));
    TRY(weir__grow(values, count, "rows", error));
    if (c->values_are_floats) {
        memcpy((float *)values->data + values->count, row, count * sizeof *row);
    } else {
        uint8_t *to = (uint8_t *)values->data + values->count;
        for (size_t i = 0; i < count; i++) to[i] = (uint8_t)row[i];
    }
    values->count += count;
done:
    return status;
}

static weir_status push_row(weir__csv *c, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!c->only_labels) TRY(push_values(c, error));
    if (!c->targets.count) goto done;
    TRY(weir__grow(&c->all_targets, c->targets.count, "targets", error));
    memcpy((float *)c->all_targets.data + c->all_targets.count, c->targets.data, c->targets.count * sizeof(float));
    c->all_targets.count += c->targets.count;
done:
    return status;
}

static bool is_comment(const weir__csv *c) {
    const char *text = c->lines.text.data;
    return c->options.header == WEIR__HEADER_AUTO && text[strspn(text, " \t")] == '#';
}

// The first line that is no comment: what separates values, and what the columns are.
static weir_status read_first(weir__csv *c, bool *is_row, weir_error *error) {
    weir_status status = WEIR_OK;
    bool header = false;
    *is_row = false;
    if (is_comment(c)) return WEIR_OK;
    weir__lines_find_separator(&c->lines);
    TRY(weir__csv_header(c, &header, error));
    *is_row = !header;
done:
    return status;
}

static weir_status read_lines(weir__csv *c, size_t *rows, weir_error *error) {
    weir_status status = WEIR_OK;
    *rows = 0;
    for (;;) {
        bool more = false, is_row = true;
        TRY(weir__lines_next(&c->lines, &more, error));
        if (!more) break;
        if (!c->lines.separator) TRY(read_first(c, &is_row, error));
        if (!is_row) continue;
        if (!c->columns.count) TRY(weir__csv_columns(c, error));
        TRY(read_values(c, error));
        TRY(push_row(c, error));
        ++*rows;
    }
    TRY_THAT(*rows, WEIR_DATA, "%s: holds no rows%s", c->lines.stream->name,
             c->lines.separator ? ": its only line was taken for names of columns (data.header, --header)" : "");
    TRY_THAT(*rows <= UINT32_MAX, WEIR_DATA, "%s: holds more than 2^32 rows", c->lines.stream->name);
done:
    return status;
}

// A file of labels that are texts: is the first line one of them, or a name? It is one that occurs again.
static weir_status judge_first_label(weir__csv *c, size_t *rows, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *first = c->named ? weir__csv_column_at(c, 0)->name : NULL;
    if (!first || c->options.header != WEIR__HEADER_AUTO || weir__texts_find(&c->labels.texts, first) == SIZE_MAX)
        return WEIR_OK;
    const weir__field field = {.begin = first, .end = first + strlen(first)};
    TRY(weir__labels_add(&c->labels, &field, c->columns_line, error));
    int32_t *numbers = c->labels.numbers.data, last = numbers[*rows];
    memmove(numbers + 1, numbers, *rows * sizeof *numbers);
    numbers[0] = last;
    ++*rows;
done:
    return status;
}

// strtod follows the thread's locale, which is the caller's business: it is set aside meanwhile.
static weir_status parse(weir__csv *c, size_t *rows, weir_error *error) {
    const weir__locale plain = weir__locale_begin();
    weir_status status = read_lines(c, rows, error);
    if (status == WEIR_OK && c->only_labels) status = judge_first_label(c, rows, error);
    if (status == WEIR_OK && c->labels.numbers.count)
        status = weir__labels_finish(&c->labels, &c->table->labels, c->options.names, c->table->names, c->table->note,
                                     error);
    weir__locale_end(plain);
    return status;
}

static weir_status start(weir__csv *c, weir_table *table, weir__stream *stream, const weir__csv_options *options,
                         weir_error *error) {
    *c = (weir__csv){.lines.stream = stream,
                     .options = *options,
                     .labels = {.file = stream->name, .may_lack = options->may_lack},
                     .row.size = sizeof(float),
                     .targets.size = sizeof(float),
                     .all_values.size = 1,
                     .all_targets.size = sizeof(float),
                     .table = table};
    return options->named_labels ? weir_names_create(&table->names, error) : WEIR_OK;
}

static void release(weir__csv *c) {
    for (size_t j = 0; j < c->columns.count; j++) weir__free(weir__csv_column_at(c, j)->name);
    weir__lines_free(&c->lines);
    weir__labels_free(&c->labels);
    weir__free(c->columns.data);
    weir__free(c->memory.data);
    weir__free(c->row.data);
    weir__free(c->targets.data);
    weir__free(c->all_values.data);
    weir__free(c->all_targets.data);
}

static void *take(weir__growing *from) {
    void *data = from->data;
    from->data = NULL;
    return data;
}

weir_status weir__csv_read(weir_table *table, weir__stream *stream, const weir__csv_options *options,
                           weir_error *error) {
    weir_status status = WEIR_OK;
    size_t count = 0;
    weir__csv c;
    TRY(start(&c, table, stream, options, error));
    TRY(parse(&c, &count, error));
    const weir_shape shape = {.rows = count, .columns = c.row.count, .height = 1, .width = c.row.count};
    void *values = take(&c.all_values);
    TRY(weir__rows_adopt(&table->rows, shape, c.values_are_floats ? NULL : values, 1,
                         c.values_are_floats ? values : NULL, error));
    if (c.targets.count) {
        const weir_shape wide = {.rows = count, .columns = c.targets.count, .height = 1, .width = c.targets.count};
        TRY(weir__rows_adopt(&table->targets, wide, NULL, 1, take(&c.all_targets), error));
    }
done:
    release(&c);
    return status;
}

weir_status weir__csv_labels(weir_table *table, size_t *count, weir__stream *stream, const weir__csv_options *options,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    weir__csv c;
    const weir__csv_options alone = {
        .header = options->header, .labels = true, .named_labels = options->named_labels, .names = options->names};
    TRY(start(&c, table, stream, &alone, error));
    c.only_labels = true;
    TRY(parse(&c, count, error));
done:
    release(&c);
    return status;
}
