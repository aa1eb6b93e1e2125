// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Numbers as text, one row per line. The first line decides what separates values (the first that occurs in it of
// semicolon, comma, tab, blank) and is left out when it holds something that is not a number (a header). Decimal points
// are points in every locale. Rows stay bytes, at a quarter of the memory, until a value comes that is none.

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "rows.h"

enum { longest_line = 1 << 26, shown = 24 };

typedef struct csv {
    weir__stream *stream;
    weir__growing text; ///< the line, with a terminating zero
    size_t line;        ///< from 1
    char separator;
    int label_column;
    bool only_labels;
    size_t columns, first_line; ///< columns of the line that came first, the label's included
    weir__growing row;          ///< floats, without the label
    double label;
    weir__growing values, labels;
    bool values_are_floats;
} csv;

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// The next line without its end; *more is false at the end of the stream.
static weir_status read_line(csv *c, bool *more, weir_error *error) {
    weir_status status = WEIR_OK;
    c->text.count = 0;
    *more = false;
    for (bool complete = false; !complete;) {
        TRY(weir__stream_fill(c->stream, error));
        const uint8_t *from = c->stream->buffer + c->stream->at;
        const size_t ready = c->stream->end - c->stream->at;
        if (!ready) break;
        const uint8_t *end = memchr(from, '\n', ready);
        const size_t length = end ? (size_t)(end - from) : ready;
        complete = end;
        *more = true;
        TRY_THAT(c->text.count + length < longest_line, WEIR_FORMAT, "%s: line %zu is longer than %d bytes",
                 c->stream->name, c->line + 1, longest_line);
        TRY(weir__grow(&c->text, length + 1, "a line of text", error));
        memcpy((char *)c->text.data + c->text.count, from, length);
        c->text.count += length;
        c->stream->at += length + complete;
    }
    if (!*more) goto done;
    c->line++;
    ((char *)c->text.data)[c->text.count] = 0;
done:
    return status;
}

// The field at *at, without blanks around it; false when the line has no more.
static bool next_field(const csv *c, const char **at, const char **begin, const char **end) {
    const char *from = *at;
    if (!from) return false;
    while (is_blank(*from) && (*from != c->separator || c->separator == ' ')) from++;
    if (c->separator == ' ') {
        if (!*from) return false;
        *begin = from;
        while (*from && !is_blank(*from)) from++;
        *end = *at = from;
        return true;
    }
    const char *stop = strchr(from, c->separator);
    *at = stop ? stop + 1 : NULL;
    if (!stop) stop = from + strlen(from);
    *begin = from;
    while (stop > from && is_blank(stop[-1])) stop--;
    *end = stop;
    return true;
}

// Whole numbers of a few digits, by far the most frequent in files of images, need no strtod.
static bool read_number(const char *begin, const char *end, double *value) {
    if (begin == end) return false;
    int whole = 0;
    const char *at = begin;
    while (at < end && at - begin < 7 && *at >= '0' && *at <= '9') whole = whole * 10 + (*at++ - '0');
    *value = whole;
    if (at == end) return true;
    char *stop = NULL;
    *value = strtod(begin, &stop);
    return stop == end;
}

static char find_separator(const char *text) {
    static const char candidates[] = ";,\t";
    for (const char *c = candidates; *c; c++) {
        if (strchr(text, *c)) return *c;
    }
    return ' ';
}

static bool is_header(const csv *c) {
    const char *at = c->text.data, *begin, *end;
    double value;
    while (next_field(c, &at, &begin, &end)) {
        if (begin != end && !read_number(begin, end, &value)) return true;
    }
    return false;
}

static weir_status fail_field(const csv *c, size_t column, const char *begin, const char *end, weir_error *error) {
    char text[shown + 1] = {0};
    for (size_t i = 0; i < shown && begin + i < end; i++) {
        const bool plain = begin[i] >= ' ' && begin[i] != 127;
        text[i] = plain ? begin[i] : '?';
    }
    if (begin == end)
        return weir__fail(error, WEIR_DATA, "%s: line %zu, column %zu is empty; every value must be there",
                          c->stream->name, c->line, column);
    return weir__fail(error, WEIR_DATA, "%s: line %zu, column %zu: \"%s\" is not a number", c->stream->name, c->line,
                      column, text);
}

// The line's numbers to c->row and c->label. Columns are counted from 0, as in label_column.
static weir_status read_values(csv *c, size_t *columns, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *at = c->text.data, *begin, *end;
    size_t column = 0;
    c->row.count = 0;
    for (; next_field(c, &at, &begin, &end); column++) {
        double value;
        if (!read_number(begin, end, &value)) {
            status = fail_field(c, column, begin, end, error);
            goto done;
        }
        if (c->label_column >= 0 && column == (size_t)c->label_column) {
            TRY_THAT(value >= 0 && value < INT32_MAX && value == floor(value), WEIR_DATA,
                     "%s: line %zu, column %zu: label %g; labels are whole numbers, 0 or more, below %d",
                     c->stream->name, c->line, column, value, INT32_MAX);
            c->label = value;
            continue;
        }
        TRY_THAT(isfinite((float)value), WEIR_DATA, "%s: line %zu, column %zu is %g; values must be finite floats",
                 c->stream->name, c->line, column, value);
        TRY(weir__grow(&c->row, 1, "a row", error));
        ((float *)c->row.data)[c->row.count++] = (float)value;
    }
    *columns = column;
done:
    return status;
}

static weir_status check_columns(csv *c, size_t columns, weir_error *error) {
    if (c->first_line) {
        if (columns == c->columns) return WEIR_OK;
        return weir__fail(error, WEIR_DATA, "%s: line %zu has %zu values, but line %zu has %zu", c->stream->name,
                          c->line, columns, c->first_line, c->columns);
    }
    c->columns = columns;
    c->first_line = c->line;
    if (c->label_column >= 0 && (size_t)c->label_column >= columns)
        return weir__fail(error, WEIR_DATA, "%s: line %zu has %zu columns, but the label's is %d (counted from 0)",
                          c->stream->name, c->line, columns, c->label_column);
    if (c->only_labels && columns != 1)
        return weir__fail(error, WEIR_DATA, "%s: line %zu has %zu values; labels are one per line", c->stream->name,
                          c->line, columns);
    if (!c->only_labels && !c->row.count)
        return weir__fail(error, WEIR_DATA, "%s: line %zu has a label and no values", c->stream->name, c->line);
    return WEIR_OK;
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
    weir__growing floats = {.size = sizeof(float)};
    const uint8_t *bytes = c->values.data;
    if (c->values.count) TRY(weir__grow(&floats, c->values.count, "rows", error));
    for (; floats.count < c->values.count; floats.count++) ((float *)floats.data)[floats.count] = bytes[floats.count];
    weir__free(c->values.data);
    c->values = floats;
    c->values_are_floats = true;
done:
    return status;
}

static weir_status push_values(csv *c, weir_error *error) {
    weir_status status = WEIR_OK;
    const float *row = c->row.data;
    const size_t count = c->row.count;
    if (!c->values_are_floats && !all_bytes(&c->row)) TRY(become_floats(c, error));
    TRY(weir__grow(&c->values, count, "rows", error));
    if (c->values_are_floats) {
        memcpy((float *)c->values.data + c->values.count, row, count * sizeof *row);
    } else {
        uint8_t *to = (uint8_t *)c->values.data + c->values.count;
        for (size_t i = 0; i < count; i++) to[i] = (uint8_t)row[i];
    }
    c->values.count += count;
done:
    return status;
}

static weir_status push_label(csv *c, weir_error *error) {
    const weir_status status = weir__grow(&c->labels, 1, "labels", error);
    if (status == WEIR_OK) ((int32_t *)c->labels.data)[c->labels.count++] = (int32_t)c->label;
    return status;
}

static bool line_is_empty(const csv *c) {
    const char *text = c->text.data;
    while (is_blank(*text)) text++;
    return (size_t)(text - (const char *)c->text.data) == c->text.count;
}

static weir_status read_lines(csv *c, size_t *rows, weir_error *error) {
    weir_status status = WEIR_OK;
    *rows = 0;
    for (;;) {
        bool more;
        TRY(read_line(c, &more, error));
        if (!more) break;
        TRY_THAT(!memchr(c->text.data, 0, c->text.count), WEIR_FORMAT, "%s: line %zu holds a byte 0: this is not text",
                 c->stream->name, c->line);
        char *text = c->text.data;
        const bool marked = c->line == 1 && strncmp(text, "\xEF\xBB\xBF", 3) == 0; // byte order mark
        if (marked) memset(text, ' ', 3);
        if (line_is_empty(c)) continue;
        if (!c->separator) {
            c->separator = find_separator(text);
            if (is_header(c)) continue;
        }
        size_t columns = 0;
        TRY(read_values(c, &columns, error));
        TRY(check_columns(c, columns, error));
        if (!c->only_labels) TRY(push_values(c, error));
        if (c->label_column >= 0) TRY(push_label(c, error));
        ++*rows;
    }
    TRY_THAT(*rows, WEIR_DATA, "%s: holds no rows", c->stream->name);
    TRY_THAT(*rows <= UINT32_MAX, WEIR_DATA, "%s: holds more than 2^32 rows", c->stream->name);
done:
    return status;
}

// strtod follows the thread's locale, which is the caller's business: it is set aside meanwhile.
static weir_status parse(csv *c, size_t *rows, weir_error *error) {
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain) return weir__fail(error, WEIR_MEMORY, "out of memory: a locale");
    const locale_t former = uselocale(plain);
    const weir_status status = read_lines(c, rows, error);
    uselocale(former);
    freelocale(plain);
    return status;
}

static csv start(weir__stream *stream, int label_column) {
    return (csv){.stream = stream,
                 .label_column = label_column,
                 .text.size = 1,
                 .row.size = sizeof(float),
                 .values.size = 1,
                 .labels.size = sizeof(int32_t)};
}

static void release(csv *c) {
    weir__free(c->text.data);
    weir__free(c->row.data);
    weir__free(c->values.data);
    weir__free(c->labels.data);
}

weir_status weir__csv_rows(weir_rows **rows, int32_t **labels, weir__stream *stream, int label_column,
                           weir_error *error) {
    weir_status status = WEIR_OK;
    size_t count = 0;
    csv c = start(stream, label_column);
    *rows = NULL;
    TRY(parse(&c, &count, error));
    const weir_shape shape = {.rows = count, .columns = c.row.count, .height = 1, .width = c.row.count};
    void *values = c.values.data;
    c.values.data = NULL;
    TRY(weir__rows_adopt(rows, shape, c.values_are_floats ? NULL : values, 1, c.values_are_floats ? values : NULL,
                         error));
    if (labels) {
        *labels = c.labels.data;
        c.labels.data = NULL;
    }
done:
    release(&c);
    return status;
}

weir_status weir__csv_labels(int32_t **labels, size_t *count, weir__stream *stream, weir_error *error) {
    weir_status status = WEIR_OK;
    csv c = start(stream, 0);
    c.only_labels = true;
    TRY(parse(&c, count, error));
    *labels = c.labels.data;
    c.labels.data = NULL;
done:
    release(&c);
    return status;
}
