// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include <stdlib.h>
#include <string.h>

#include "columns.h"

static const size_t column_most = INT32_MAX;
static const char blanks[] = " \t";

// A number at *at, which is moved behind it.
static bool take_number(const char **at, size_t *number) {
    char *end = NULL;
    if (**at < '0' || **at > '9') return false;
    const unsigned long long value = strtoull(*at, &end, 10);
    *number = value > column_most ? SIZE_MAX : (size_t)value;
    *at = end;
    return true;
}

// A name in quotes at *at, which is moved behind it; a doubled quote is a letter.
static bool take_quoted(const char **at, weir__column *column) {
    size_t used = 0;
    for (const char *from = *at + 1; *from; from++) {
        if (*from == '"' && from[1] != '"') {
            *at = from + 1;
            column->name[used] = 0;
            return used > 0;
        }
        if (*from == '"') from++;
        if (used + 1 < sizeof column->name) column->name[used++] = *from;
    }
    return false;
}

static bool take_numbers(const char **at, weir__column *column) {
    const char *from = *at;
    if (!take_number(&from, &column->first)) return false;
    column->last = column->first;
    from += strspn(from, blanks);
    if (*from == '-') {
        from += 1 + strspn(from + 1, blanks);
        if (!take_number(&from, &column->last)) return false;
        from += strspn(from, blanks);
    }
    if (*from && *from != ',') return false; // "2 rooms" is a name
    *at = from;
    return true;
}

static bool take_name(const char **at, weir__column *column) {
    size_t length = strcspn(*at, ",");
    const char *from = *at;
    *at += length;
    while (length && strchr(blanks, from[length - 1])) length--;
    const bool number = length > 1 && *from == '-' && strspn(from + 1, "0123456789") == length - 1;
    if (!length || number || length >= sizeof column->name) return false;
    memcpy(column->name, from, length);
    column->name[length] = 0;
    return true;
}

static bool take(weir__column *column, const char **at) {
    *column = (weir__column){.first = SIZE_MAX, .last = SIZE_MAX};
    *at += strspn(*at, blanks);
    bool good = take_numbers(at, column);
    if (good) {
        good = column->last >= column->first && column->last <= column_most;
    } else {
        good = **at == '"' ? take_quoted(at, column) : take_name(at, column);
        column->first = column->last = SIZE_MAX;
    }
    *at += strspn(*at, blanks);
    if (!good || !**at) return good;
    if (**at != ',') return false;
    ++*at;
    return *(*at + strspn(*at, blanks)) != 0;
}

bool weir__columns_next(weir__column *column, const char **at) { return *at && **at && take(column, at); }

weir_status weir__columns_check(const char *list, const char *setting, weir_error *error) {
    weir__column column;
    for (const char *at = list; at && *at;) {
        if (take(&column, &at)) continue;
        return weir__fail(error, WEIR_CONFIG,
                          "%s is \"%.60s\"; expected columns by number from 0 or by name, as in 0,3-5,width", setting,
                          list);
    }
    return WEIR_OK;
}

bool weir__columns_have(const char *list, size_t number, const char *name) {
    weir__column column;
    for (const char *at = list; weir__columns_next(&column, &at);) {
        if (*column.name ? name && !strcmp(name, column.name) : number >= column.first && number <= column.last)
            return true;
    }
    return false;
}

bool weir__columns_have_names(const char *list) {
    weir__column column;
    for (const char *at = list; weir__columns_next(&column, &at);) {
        if (*column.name) return true;
    }
    return false;
}
