// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Decimal points are points: the caller sees to it that strtod follows no other locale.

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lines.h"

enum { longest_line = 1 << 26, quick_digits = 7 };

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// The next line without its end; *more is false at the end of the stream.
static weir_status read_line(weir__lines *l, bool *more, weir_error *error) {
    weir_status status = WEIR_OK;
    l->text.count = 0;
    *more = false;
    for (bool complete = false; !complete;) {
        TRY(weir__stream_fill(l->stream, error));
        const uint8_t *from = l->stream->buffer + l->stream->at;
        const size_t ready = l->stream->end - l->stream->at;
        if (!ready) break;
        const uint8_t *end = memchr(from, '\n', ready);
        const size_t length = end ? (size_t)(end - from) : ready;
        complete = end;
        *more = true;
        TRY_THAT(l->text.count + length < longest_line, WEIR_FORMAT, "%s: line %zu is longer than %d bytes",
                 l->stream->name, l->line + 1, longest_line);
        TRY(weir__grow(&l->text, length + 1, "a line of text", error));
        memcpy((char *)l->text.data + l->text.count, from, length);
        l->text.count += length;
        l->stream->at += length + complete;
    }
    if (!*more) goto done;
    l->line++;
    ((char *)l->text.data)[l->text.count] = 0;
done:
    return status;
}

static bool is_empty(const weir__lines *l) {
    const char *text = l->text.data;
    while (is_blank(*text)) text++;
    return (size_t)(text - (const char *)l->text.data) == l->text.count;
}

weir_status weir__lines_next(weir__lines *l, bool *more, weir_error *error) {
    weir_status status = WEIR_OK;
    l->text.size = 1;
    do {
        TRY(read_line(l, more, error));
        if (!*more) break;
        TRY_THAT(!memchr(l->text.data, 0, l->text.count), WEIR_FORMAT,
                 "%s: line %zu holds a byte 0: this is not text in UTF-8 or ASCII", l->stream->name, l->line);
        const char *end = memchr(l->text.data, '\r', l->text.count);
        TRY_THAT(l->line > 1 || !end || end[strspn(end, "\r")] == 0, WEIR_FORMAT,
                 "%s: line 1 holds a carriage return (CR) before its end: lines end with LF, or CR and LF; \"tr '\\r' "
                 "'\\n'\" turns one into the other",
                 l->stream->name);
        const bool marked = l->line == 1 && strncmp(l->text.data, "\xEF\xBB\xBF", 3) == 0; // byte order mark
        if (marked) memset(l->text.data, ' ', 3);
    } while (is_empty(l));
done:
    return status;
}

void weir__lines_free(weir__lines *l) { weir__free(l->text.data); }

void weir__lines_find_separator(weir__lines *l) {
    static const char candidates[] = ";,\t";
    l->separator = ' ';
    for (const char *c = candidates; *c && l->separator == ' '; c++) {
        bool quoted = false;
        for (const char *at = l->text.data; *at; at++) {
            if (*at == '"') quoted = !quoted;
            if (*at == *c && !quoted) l->separator = *c;
        }
    }
}

// Behind the quote that closes a field whose text begins at from; NULL when none does. A doubled quote is a letter.
static const char *closing_quote(const char *from) {
    for (const char *at = strchr(from, '"'); at; at = strchr(at + 2, '"')) {
        if (at[1] != '"') return at;
    }
    return NULL;
}

static const char *field_end(const weir__lines *l, const char *from) {
    if (l->separator != ' ') return strchr(from, l->separator);
    while (*from && !is_blank(*from)) from++;
    return *from ? from : NULL;
}

bool weir__lines_field(const weir__lines *l, const char **at, weir__field *field) {
    const char *from = *at;
    if (!from) return false;
    while (is_blank(*from) && (*from != l->separator || l->separator == ' ')) from++;
    if (l->separator == ' ' && !*from) return false;
    const char *close = *from == '"' ? closing_quote(from + 1) : NULL;
    const char *stop = field_end(l, close ? close : from);
    *at = stop ? stop + (l->separator != ' ') : NULL;
    if (!stop) stop = from + strlen(from);
    while (stop > from && is_blank(stop[-1])) stop--;
    *field = (weir__field){.begin = from, .end = stop, .unclosed = *from == '"' && !close};
    if (close && stop == close + 1) { // what follows a closed quote would make it text
        field->quoted = true;
        field->begin = from + 1;
        field->end = close;
        while (is_blank(*field->begin) && field->begin < close) field->begin++;
        while (field->end > field->begin && is_blank(field->end[-1])) field->end--;
    }
    return true;
}

weir_status weir__field_copy(const char **text, weir__growing *memory, const weir__field *field, weir_error *error) {
    memory->size = 1;
    memory->count = 0;
    const weir_status status = weir__grow(memory, (size_t)(field->end - field->begin) + 1, "a text", error);
    if (status != WEIR_OK) return status;
    char *to = memory->data;
    for (const char *from = field->begin; from < field->end; from++) {
        *to++ = *from;
        if (field->quoted && *from == '"') from++;
    }
    *to = 0;
    *text = memory->data;
    return WEIR_OK;
}

static bool is_missing(const char *begin, size_t length) {
    static const char *const words[] = {"?", "NA", "N/A", "#N/A", "null", "none", "-", "."};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == length && !strncasecmp(begin, words[i], length)) return true;
    }
    return !length;
}

// Whole numbers of a few digits, by far the most frequent in files of images, need no strtod.
weir__content weir__field_read(const weir__field *field, double *number) {
    const char *begin = field->begin, *end = field->end, *at = begin;
    *number = 0;
    if (begin == end) return WEIR__IS_MISSING;
    int whole = 0;
    while (at < end && at - begin < quick_digits && *at >= '0' && *at <= '9') whole = whole * 10 + (*at++ - '0');
    *number = whole;
    if (at == end) return WEIR__IS_NUMBER;
    char *stop = NULL;
    *number = strtod(begin, &stop);
    const bool hexadecimal = memchr(begin, 'x', (size_t)(end - begin)) || memchr(begin, 'X', (size_t)(end - begin));
    if (stop == end && !hexadecimal) return WEIR__IS_NUMBER; // strtod takes 0x10 for 16
    return is_missing(begin, (size_t)(end - begin)) ? WEIR__IS_MISSING : WEIR__IS_TEXT;
}

// pandas writes True and False (so get_dummies comes out), R TRUE and FALSE, polars true and false.
weir__content weir__value_read(const weir__field *field, double *number) {
    static const char *const words[] = {"False", "True", "FALSE", "TRUE", "false", "true"};
    const weir__content content = weir__field_read(field, number);
    const size_t length = (size_t)(field->end - field->begin);
    for (size_t i = 0; content == WEIR__IS_TEXT && i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) != length || strncmp(field->begin, words[i], length) != 0) continue;
        *number = (double)(i % 2);
        return WEIR__IS_NUMBER;
    }
    return content;
}
