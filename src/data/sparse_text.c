// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Sparse rows as texts: the format of the Extreme Classification Repository (Bhatia et al., a header, then
// "LABEL,LABEL COLUMN:VALUE …"), and SVMlight's (Joachims; columns from 1, remarks behind '#'), of which LIBSVM's
// multi-label files are a part. A header is three plain whole numbers, which no row is, as columns need a colon.

#include <math.h>
#include <string.h>

#include "sparse.h"

enum { longest_number = 64, exact_digits = 15, exact_power = 22 };

/// One line in pieces between blanks.
typedef struct reader {
    weir__stream *stream;
    weir__growing text; ///< the line, a terminating zero behind it
    size_t line;        ///< its number, from 1
    weir__sparse_builder b;
    unsigned base;
    bool header;
    size_t header_rows;
    size_t minus, plus, other; ///< labels −1, 1 and others; line of the first −1
    size_t minus_line;
} reader;

/// The next line without its end; *more is false behind the last one. A line cut off by the end of the file counts.
static weir_status next_line(reader *r, bool *more, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__stream *s = r->stream;
    bool any = false;
    r->text.count = 0;
    for (bool ended = false; !ended;) {
        TRY(weir__stream_fill(s, error));
        if (s->at == s->end) break;
        any = true;
        const uint8_t *from = s->buffer + s->at, *stop = memchr(from, '\n', s->end - s->at);
        const size_t size = stop ? (size_t)(stop - from) : s->end - s->at;
        TRY(weir__grow(&r->text, size + 1, "a line", error));
        memcpy((char *)r->text.data + r->text.count, from, size);
        r->text.count += size;
        s->at += size + (stop != NULL);
        ended = stop != NULL;
    }
    *more = any;
    if (!any) return WEIR_OK;
    r->line++;
    char *text = r->text.data;
    if (r->text.count && text[r->text.count - 1] == '\r') r->text.count--;
    text[r->text.count] = 0;
    TRY_THAT(strlen(text) == r->text.count, WEIR_DATA, "%s: line %zu: holds a zero byte; texts do not", s->name,
             r->line);
done:
    return status;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static const char *skip_blanks(const char *at) {
    while (is_blank(*at)) at++;
    return at;
}

/// A whole number in front of *at, which is moved behind it. False: none, or one beyond 2⁶².
static bool take_whole(const char **at, uint64_t *number) {
    const char *from = *at;
    uint64_t value = 0;
    for (; is_digit(**at); ++*at) {
        if (value >> 58) return false;
        value = value * 10 + (uint64_t)(**at - '0');
    }
    *number = value;
    return *at > from;
}

/// A number in front of *at that ends at a blank or the line's end. Few digits and a small power of ten are exact in
/// double (Clinger 1990: both are, and one operation rounds once); others are the C library's.
static bool take_number(const char **at, double *number) {
    static const double powers[exact_power + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *from = *at, *p = from + (*from == '-' || *from == '+');
    uint64_t digits = 0;
    size_t count = 0, behind_point = 0;
    bool point = false;
    for (; is_digit(*p) || (*p == '.' && !point); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        if (count < exact_digits + 1) digits = digits * 10 + (uint64_t)(*p - '0');
        count += count || *p != '0';
        behind_point += point;
    }
    const bool ends = !*p || is_blank(*p);
    const bool some = p > from + (*from == '-' || *from == '+') + point;
    if (ends && some && count <= exact_digits && behind_point <= exact_power) {
        const double value = (double)digits / powers[behind_point];
        *number = *from == '-' ? -value : value;
        *at = p;
        return true;
    }
    char text[longest_number];
    size_t length = 0;
    while (from[length] && !is_blank(from[length])) length++;
    if (length >= sizeof text) return false;
    memcpy(text, from, length);
    text[length] = 0;
    *at = from + length;
    return weir__number_read(text, number);
}

static weir_status fail_piece(const reader *r, const char *at, const char *expected, weir_error *error) {
    char text[40];
    size_t length = 0;
    while (at[length] && !is_blank(at[length])) length++;
    return weir__sparse_fail(&r->b, r->line, error, "\"%s\", where %s is expected", weir__show(text, sizeof text, at, length),
                             expected);
}

/// "LABEL,LABEL". Labels of −1 are kept as class 0 until all have been seen.
static weir_status read_labels(reader *r, const char **at, weir_error *error) {
    static const char expected[] = "a label (a whole number from 0), several with commas between them,";
    weir_status status = WEIR_OK;
    const char *piece = *at;
    for (;; ++*at) {
        const bool minus = **at == '-';
        uint64_t label = 0;
        if (minus || **at == '+') ++*at;
        if (!take_whole(at, &label)) return fail_piece(r, piece, expected, error);
        if (**at == '.') { // "1.0", as some tools write labels
            do ++*at;
            while (**at == '0');
        }
        if (**at && **at != ',' && !is_blank(**at)) return fail_piece(r, piece, expected, error);
        if (minus && label) {
            if (label != 1 || r->header) return fail_piece(r, piece, expected, error);
            if (!r->minus++) r->minus_line = r->line;
            label = 0;
        } else if (label == 1) {
            r->plus++;
        } else {
            r->other++;
        }
        TRY(weir__sparse_label(&r->b, r->line, label, error));
        if (**at != ',') break;
    }
done:
    return status;
}

static weir_status read_row(reader *r, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *at = r->text.data;
    // What begins with a blank, or with a pair, is a row without labels.
    if (*at && !is_blank(*at) && !memchr(at, ':', strcspn(at, " \t"))) TRY(read_labels(r, &at, error));
    for (at = skip_blanks(at); *at; at = skip_blanks(at)) {
        const char *piece = at;
        uint64_t column = 0;
        double value = 0;
        if (!strncmp(at, "qid:", 4))
            return weir__sparse_fail(&r->b, r->line, error, "\"qid\" groups rows for ranking, which nothing here reads; take it out");
        if (!take_whole(&at, &column) || *at++ != ':' || !take_number(&at, &value))
            return fail_piece(r, piece, "COLUMN:VALUE", error);
        TRY(weir__sparse_add(&r->b, r->line, column, r->base, value, error));
    }
    TRY(weir__sparse_row_end(&r->b, r->line, error));
done:
    return status;
}

/// Three whole numbers and nothing else.
static bool find_header(const char *at, uint64_t counts[3]) {
    for (size_t i = 0; i < 3; i++) {
        at = skip_blanks(at);
        if (!take_whole(&at, &counts[i]) || (*at && !is_blank(*at))) return false;
    }
    return !*skip_blanks(at);
}

static weir_status use_header(reader *r, const uint64_t counts[3], const weir_sparse_options *options,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(counts[0] && counts[0] < UINT32_MAX && counts[1] && counts[1] < UINT32_MAX && counts[2] < INT32_MAX,
             WEIR_DATA, "%s: line %zu: counts of the header (rows, columns, classes) are 1 or more and below 2^32",
             r->b.name, r->line);
    TRY_THAT(options->columns <= counts[1] && options->classes <= counts[2], WEIR_DATA,
             "%s: line %zu: its header says %llu columns and %llu classes; %zu and %zu are wanted", r->b.name, r->line,
             (unsigned long long)counts[1], (unsigned long long)counts[2], options->columns, options->classes);
    r->header = true;
    r->header_rows = (size_t)counts[0];
    r->b.columns = (size_t)counts[1];
    r->b.classes = (size_t)counts[2];
done:
    return status;
}

/// Cuts a remark off; true when nothing is left of the line.
static bool is_empty(reader *r) {
    char *text = r->text.data, *remark = strchr(text, '#');
    if (remark) *remark = 0;
    return !*skip_blanks(text);
}

static weir_status read_lines(reader *r, const weir_sparse_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    bool more = true, first = true;
    while (true) {
        TRY(next_line(r, &more, error));
        if (!more) break;
        if (first && r->text.count >= 3 && !memcmp(r->text.data, "\xef\xbb\xbf", 3))
            memmove(r->text.data, (char *)r->text.data + 3, r->text.count - 2);
        const bool full = r->header && weir__sparse_rows(&r->b) == r->header_rows;
        // Behind a header each line is a row, also an empty one; elsewhere it is none.
        if ((!r->header || full) && is_empty(r)) continue;
        uint64_t counts[3];
        if (first && find_header(r->text.data, counts)) {
            TRY(use_header(r, counts, options, error));
        } else {
            if (full)
                return weir__sparse_fail(&r->b, r->line, error, "stands behind the %zu rows of the header",
                                         r->header_rows);
            TRY(read_row(r, error));
        }
        if (first) r->base = options->first_column >= 0 ? (unsigned)options->first_column : !r->header;
        first = false;
    }
    TRY_THAT(!r->header || weir__sparse_rows(&r->b) == r->header_rows, WEIR_DATA,
             "%s: ends behind %zu rows; its header says %zu", r->b.name, weir__sparse_rows(&r->b), r->header_rows);
done:
    return status;
}

/// −1 and 1 are two classes; beside other labels a negative one is an error.
static weir_status settle_labels(reader *r, weir_error *error) {
    if (r->minus && r->other)
        return weir__sparse_fail(&r->b, r->minus_line, error,
                                 "label -1 beside others than 1; labels are whole numbers from 0");
    return WEIR_OK;
}

weir_status weir__sparse_read_text(weir_sparse **sparse, weir__stream *stream, const weir_sparse_options *options,
                                   char *note, weir_error *error) {
    weir_status status = WEIR_OK;
    reader r = {.stream = stream, .text = {.size = 1}, .b = {.name = stream->name, .unit = "line"}};
    r.base = options->first_column >= 0 ? (unsigned)options->first_column : 1;
    r.b.columns = options->columns;
    r.b.classes = options->classes;
    TRY(weir__sparse_begin(&r.b, options->duplicates, error));
    TRY(read_lines(&r, options, error));
    TRY(settle_labels(&r, error));
    snprintf(note, WEIR_NOTE, "%s%s", r.minus ? "labels -1 and 1 are classes 0 and 1" : "",
             r.minus && r.b.summed ? "; " : "");
    if (r.b.summed)
        snprintf(note + strlen(note), WEIR_NOTE - strlen(note), "%zu repeated columns were added to those before them",
                 r.b.summed);
done:
    weir__free(r.text.data);
    return weir__sparse_end(&r.b, sparse, status, error);
}
