// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Numbers as text, one row per line. The first line decides what separates values and whether it names columns:
//
//   header "yes"    it does
//   header "no"     it does not
//   header "auto"   it does when no used column of it holds a number (and one a text), or when it counts its columns
//                   0, 1, 2, … (at least three; pandas writes such names), which a note says. Numbers beside text are
//                   refused: nobody but the user knows whether that is a name or a damaged value. Lines before it that
//                   begin with '#' are comments.
//
// Values may stand in quotes. A column that is not used may hold anything. Rows stay bytes, at a quarter of the memory,
// until a value comes that is none.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "table.h"

enum { shown = 25, least_counted = 3 };

typedef enum role { ROLE_VALUE, ROLE_LABEL, ROLE_TARGET, ROLE_NONE } role;

typedef struct csv {
    weir__lines lines;
    weir__csv_options options;
    bool only_labels;
    size_t columns, first_line; ///< of the row that came first
    weir__growing roles;        ///< uint8_t per column
    weir__growing row, targets; ///< floats of the row
    double label;
    weir__growing all_values, all_targets, all_labels;
    bool values_are_floats;
    char *note; ///< [WEIR_NOTE], or NULL
} csv;

static role role_of(const weir__csv_options *o, size_t column) {
    if (weir__columns_have(&o->skipped, column)) return ROLE_NONE;
    if (o->label_column >= 0 && column == (size_t)o->label_column) return o->labels ? ROLE_LABEL : ROLE_NONE;
    return weir__columns_have(&o->targets, column) ? ROLE_TARGET : ROLE_VALUE;
}

static weir_status fail_field(const csv *c, size_t column, const weir__field *field, weir__content content,
                              weir_error *error) {
    char text[shown];
    const char *name = c->lines.stream->name;
    const size_t line = c->lines.line;
    weir__show(text, sizeof text, field->begin, (size_t)(field->end - field->begin));
    if (field->unclosed)
        return weir__fail(error, WEIR_DATA,
                          "%s: line %zu, column %zu: %s begins with a quote that is not closed in its line", name, line,
                          column, text);
    if (field->begin == field->end)
        return weir__fail(error, WEIR_DATA,
                          "%s: line %zu, column %zu is empty; every value must be there: fill it in, or leave out the "
                          "row or the column (data.skip_columns, --skip-columns)",
                          name, line, column);
    if (content == WEIR__IS_MISSING)
        return weir__fail(
            error, WEIR_DATA,
            "%s: line %zu, column %zu: \"%s\" stands for a missing value; fill it in, or leave out the row "
            "or the column (data.skip_columns, --skip-columns)",
            name, line, column, text);
    const bool comma = memchr(field->begin, ',', (size_t)(field->end - field->begin));
    return weir__fail(error, WEIR_DATA, "%s: line %zu, column %zu: \"%s\" is not a number; %s", name, line, column,
                      text,
                      comma ? "decimal points are points"
                            : "write it as one, or leave out the column (data.skip_columns, --skip-columns)");
}

// ---- The header.

/// What the first line holds.
typedef struct first_look {
    size_t columns, numbers, texts;
    size_t text_column;
    weir__field text; ///< the first one
    bool counts;      ///< 0, 1, 2, …, perhaps after an empty field, where pandas names no index
} first_look;

static first_look look(const csv *c) {
    first_look l = {.counts = true};
    const char *at = c->lines.text.data;
    bool index = false;
    for (weir__field field; weir__lines_field(&c->lines, &at, &field); l.columns++) {
        double number;
        const weir__content content = weir__field_read(&field, &number);
        if (!l.columns) index = content == WEIR__IS_MISSING && field.begin == field.end;
        if (l.columns || !index) l.counts &= content == WEIR__IS_NUMBER && number == (double)(l.columns - index);
        if (role_of(&c->options, l.columns) == ROLE_NONE) continue;
        l.numbers += content == WEIR__IS_NUMBER;
        if (content == WEIR__IS_TEXT && !l.texts++) {
            l.text = field;
            l.text_column = l.columns;
        }
    }
    return l;
}

static weir_status judge_header(const csv *c, bool *header, weir_error *error) {
    char text[shown];
    const first_look l = look(c);
    const char *name = c->lines.stream->name;
    if (l.text.unclosed) return fail_field(c, l.text_column, &l.text, WEIR__IS_TEXT, error);
    *header = c->options.header == WEIR__HEADER_YES;
    if (c->options.header != WEIR__HEADER_AUTO) return WEIR_OK;
    if (l.texts && l.numbers)
        return weir__fail(error, WEIR_DATA,
                          "%s: line %zu has numbers, but in column %zu the text \"%s\": are these names of columns, or "
                          "values? Say data.header (--header) yes or no",
                          name, c->lines.line, l.text_column,
                          weir__show(text, sizeof text, l.text.begin, (size_t)(l.text.end - l.text.begin)));
    *header = l.texts || (l.counts && l.columns >= least_counted);
    if (l.counts && l.columns > 1 && c->note)
        snprintf(c->note, WEIR_NOTE, "%s: line %zu counts 0, 1, ...: read as %s; data.header (--header) %s otherwise",
                 name, c->lines.line, *header ? "names of columns" : "a row", *header ? "no" : "yes");
    return WEIR_OK;
}

// ---- Rows.

static weir_status push_float(weir__growing *to, double value, const char *what, weir_error *error) {
    const weir_status status = weir__grow(to, 1, what, error);
    if (status == WEIR_OK) ((float *)to->data)[to->count++] = (float)value;
    return status;
}

// The roles of the columns of the row that comes first.
static weir_status assign_role(csv *c, size_t column, weir_error *error) {
    const weir_status status = weir__grow(&c->roles, 1, "the columns", error);
    if (status == WEIR_OK) ((uint8_t *)c->roles.data)[c->roles.count++] = (uint8_t)role_of(&c->options, column);
    return status;
}

static weir_status read_field(csv *c, size_t column, const weir__field *field, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *name = c->lines.stream->name;
    const size_t line = c->lines.line;
    double value;
    if (!c->first_line) TRY(assign_role(c, column, error));
    if (column >= c->roles.count) return WEIR_OK; // the number of values is wrong, which is told at the line's end
    const role part = ((const uint8_t *)c->roles.data)[column];
    if (part == ROLE_NONE) return field->unclosed ? fail_field(c, column, field, WEIR__IS_TEXT, error) : WEIR_OK;
    const weir__content content = weir__field_read(field, &value);
    if (content != WEIR__IS_NUMBER) return fail_field(c, column, field, content, error);
    if (part == ROLE_LABEL) {
        TRY_THAT(value >= 0 && value < INT32_MAX && value == floor(value), WEIR_DATA,
                 "%s: line %zu, column %zu: label %g; labels are whole numbers, 0 or more, below %d", name, line,
                 column, value, INT32_MAX);
        c->label = value;
        return WEIR_OK;
    }
    TRY_THAT(isfinite((float)value), WEIR_DATA, "%s: line %zu, column %zu is %g; values must be finite floats", name,
             line, column, value);
    TRY(push_float(part == ROLE_TARGET ? &c->targets : &c->row, value, "a row", error));
done:
    return status;
}

// The line's numbers to c->row, c->targets and c->label. Columns are counted from 0, as in label_column.
static weir_status read_values(csv *c, size_t *columns, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *at = c->lines.text.data;
    size_t column = 0;
    c->row.count = c->targets.count = 0;
    for (weir__field field; weir__lines_field(&c->lines, &at, &field); column++) {
        TRY(read_field(c, column, &field, error));
    }
    *columns = column;
done:
    return status;
}

// What is only known when the row that comes first has been read.
static weir_status check_first(csv *c, size_t columns, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *name = c->lines.stream->name;
    const size_t line = c->lines.line, targets = weir__columns_end(&c->options.targets),
                 skipped = weir__columns_end(&c->options.skipped);
    TRY_THAT(!c->only_labels || columns == 1, WEIR_DATA, "%s: line %zu has %zu values; labels are one per line", name,
             line, columns);
    TRY_THAT(c->options.label_column < 0 || (size_t)c->options.label_column < columns, WEIR_DATA,
             "%s: line %zu has %zu columns, but the label's is %d (counted from 0)", name, line, columns,
             c->options.label_column);
    TRY_THAT(targets <= columns, WEIR_DATA, "%s: line %zu has %zu columns, but data.target_columns goes up to %zu",
             name, line, columns, targets - 1);
    TRY_THAT(skipped <= columns, WEIR_DATA, "%s: line %zu has %zu columns, but data.skip_columns goes up to %zu", name,
             line, columns, skipped - 1);
    TRY_THAT(c->only_labels || c->row.count, WEIR_DATA, "%s: line %zu has %s and no values", name, line,
             c->options.label_column >= 0 ? "a label" : "targets, or columns that are left out,");
    c->columns = columns;
    c->first_line = line;
done:
    return status;
}

static weir_status check_columns(csv *c, size_t columns, weir_error *error) {
    if (!c->first_line) return check_first(c, columns, error);
    if (columns == c->columns) return WEIR_OK;
    return weir__fail(error, WEIR_DATA, "%s: line %zu has %zu values, but line %zu has %zu", c->lines.stream->name,
                      c->lines.line, columns, c->first_line, c->columns);
}

static bool all_bytes(const weir__growing *row) {
    const float *values = row->data;
    for (size_t i = 0; i < row->count; i++) {
        const bool inside = values[i] >= 0 && values[i] <= 255;
        if (!inside || values[i] != (float)(uint8_t)values[i]) return false;
    }
    return true;
}

static weir_status become_floats(csv *c, weir_error *error) {
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

static weir_status push_values(csv *c, weir_error *error) {
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

static weir_status push_row(csv *c, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!c->only_labels) TRY(push_values(c, error));
    const float *targets = c->targets.data;
    for (size_t i = 0; i < c->targets.count; i++)
        TRY(push_float(&c->all_targets, (double)targets[i], "targets", error));
    if (c->options.label_column >= 0 && c->options.labels) {
        TRY(weir__grow(&c->all_labels, 1, "labels", error));
        ((int32_t *)c->all_labels.data)[c->all_labels.count++] = (int32_t)c->label;
    }
done:
    return status;
}

static bool is_comment(const csv *c) {
    const char *text = c->lines.text.data;
    return c->options.header == WEIR__HEADER_AUTO && text[strspn(text, " \t")] == '#';
}

static weir_status read_lines(csv *c, size_t *rows, weir_error *error) {
    weir_status status = WEIR_OK;
    *rows = 0;
    for (;;) {
        bool more = false, header = false;
        TRY(weir__lines_next(&c->lines, &more, error));
        if (!more) break;
        if (!c->lines.separator) {
            if (is_comment(c)) continue;
            weir__lines_find_separator(&c->lines);
            TRY(judge_header(c, &header, error));
            if (header) continue;
        }
        size_t columns = 0;
        TRY(read_values(c, &columns, error));
        TRY(check_columns(c, columns, error));
        TRY(push_row(c, error));
        ++*rows;
    }
    TRY_THAT(*rows, WEIR_DATA, "%s: holds no rows", c->lines.stream->name);
    TRY_THAT(*rows <= UINT32_MAX, WEIR_DATA, "%s: holds more than 2^32 rows", c->lines.stream->name);
done:
    return status;
}

// strtod follows the thread's locale, which is the caller's business: it is set aside meanwhile.
static weir_status parse(csv *c, size_t *rows, weir_error *error) {
    const weir__locale plain = weir__locale_begin();
    const weir_status status = read_lines(c, rows, error);
    weir__locale_end(plain);
    return status;
}

static csv start(weir__stream *stream, const weir__csv_options *options) {
    return (csv){.lines.stream = stream,
                 .options = *options,
                 .roles.size = 1,
                 .row.size = sizeof(float),
                 .targets.size = sizeof(float),
                 .all_values.size = 1,
                 .all_targets.size = sizeof(float),
                 .all_labels.size = sizeof(int32_t)};
}

static void release(csv *c) {
    weir__lines_free(&c->lines);
    weir__free(c->roles.data);
    weir__free(c->row.data);
    weir__free(c->targets.data);
    weir__free(c->all_values.data);
    weir__free(c->all_targets.data);
    weir__free(c->all_labels.data);
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
    csv c = start(stream, options);
    c.note = table->note;
    TRY(parse(&c, &count, error));
    const weir_shape shape = {.rows = count, .columns = c.row.count, .height = 1, .width = c.row.count};
    void *values = take(&c.all_values);
    TRY(weir__rows_adopt(&table->rows, shape, c.values_are_floats ? NULL : values, 1,
                         c.values_are_floats ? values : NULL, error));
    if (c.targets.count) {
        const weir_shape wide = {.rows = count, .columns = c.targets.count, .height = 1, .width = c.targets.count};
        TRY(weir__rows_adopt(&table->targets, wide, NULL, 1, take(&c.all_targets), error));
    }
    table->labels = take(&c.all_labels);
done:
    release(&c);
    return status;
}

weir_status weir__csv_labels(int32_t **labels, size_t *count, weir__stream *stream, weir__header header, char *note,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    csv c = start(stream, &(weir__csv_options){.header = header, .labels = true});
    c.only_labels = true;
    c.note = note;
    TRY(parse(&c, count, error));
    *labels = take(&c.all_labels);
done:
    release(&c);
    return status;
}
