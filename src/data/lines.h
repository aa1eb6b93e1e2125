// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file lines.h
/// Lines of text and the fields in them.
#ifndef WEIR_DATA_LINES_H
#define WEIR_DATA_LINES_H

#include "rows.h"
#include "stream.h"

typedef struct weir__lines {
    weir__stream *stream;
    weir__growing text; ///< the line, with a terminating zero
    size_t line;        ///< its number, from 1
    char separator;     ///< 0 before it is known
} weir__lines;

/// One field, without the blanks and quotes around it.
typedef struct weir__field {
    const char *begin, *end;
    bool quoted;   ///< it stood in quotes: a doubled quote inside is one letter
    bool unclosed; ///< it begins with a quote that nothing closes
} weir__field;

typedef enum weir__content {
    WEIR__IS_NUMBER,
    WEIR__IS_MISSING, ///< empty, or what stands for a value that is not there: ?, NA, null, …
    WEIR__IS_TEXT
} weir__content;

/// The next line that is not empty, a byte order mark taken off; *more is false at the end of the stream.
weir_status weir__lines_next(weir__lines *lines, bool *more, weir_error *error);
void weir__lines_free(weir__lines *lines);

/// Sets the separator to the first that the line holds outside quotes of semicolon, comma and tab, else to blank.
void weir__lines_find_separator(weir__lines *lines);

/// The field at *at, which is moved behind it (begin with text.data); false when the line has no more.
bool weir__lines_field(const weir__lines *lines, const char **at, weir__field *field);

/// The text of a field, doubled quotes made single, in memory that the next call uses again.
weir_status weir__field_copy(const char **text, weir__growing *memory, const weir__field *field, weir_error *error);

/// What a field holds, and its number.
weir__content weir__field_read(const weir__field *field, double *number);
/// weir__field_read of a value: true and false, as True and FALSE, are 1 and 0.
weir__content weir__value_read(const weir__field *field, double *number);

#endif
