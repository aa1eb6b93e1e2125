// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file texts.h
/// Different texts, numbered in the order in which they came.
#ifndef WEIR_DATA_TEXTS_H
#define WEIR_DATA_TEXTS_H

#include "../core/core.h"
#include <weir/names.h>

/// Zero-initialise; free with weir__texts_free.
typedef struct weir__texts {
    char **items; ///< [room / 2]
    size_t count;
    size_t *index; ///< [room]: 1 + number of a text; 0: free
    size_t room;   ///< 0 or a power of 2
} weir__texts;

/// The number of a text; SIZE_MAX where it is none of them.
size_t weir__texts_find(const weir__texts *texts, const char *text);
/// The number of a text, which is copied unless it is there already.
weir_status weir__texts_add(weir__texts *texts, size_t *number, const char *text, weir_error *error);
void weir__texts_free(weir__texts *texts);

/// The name of a list nearest to a word, as "did you mean".
weir_hint weir__names_hint(const weir_names *names, weir_named list, const char *word);
/// What stands around a name in a list: a quote where it has a comma, else nothing.
const char *weir__quote_of(const char *name);
/// "a, b, c" or, where there are more, "a, b, c and 7 others", in text [size]. Returns text.
const char *weir__names_text(char *text, size_t size, const weir_names *names, weir_named list);

enum { WEIR__CODE_POINTS = 0x110000 };
/// Bytes of the character in UTF-8 at the front of `left` bytes, at least 1, and its number; 0 where there is none
/// (RFC 3629).
size_t weir__utf8_next(const uint8_t *text, size_t left, uint32_t *number);
/// Whether a text is in UTF-8 (RFC 3629).
bool weir__is_utf8(const char *text);

#endif
