// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include <stdlib.h>
#include <string.h>

#include "columns.h"

static const size_t column_most = INT32_MAX;

// A number at *at, which is moved behind it and the blanks around it.
static bool take_number(const char **at, size_t *number) {
    const char *from = *at + strspn(*at, " \t");
    char *end = NULL;
    if (*from < '0' || *from > '9') return false;
    const unsigned long long value = strtoull(from, &end, 10);
    if (value > column_most) return false;
    *number = (size_t)value;
    *at = end + strspn(end, " \t");
    return true;
}

weir_status weir__columns_parse(weir__columns *columns, const char *text, const char *setting, weir_error *error) {
    *columns = (weir__columns){0};
    for (const char *at = text ? text : ""; *at;) {
        size_t first = 0;
        bool good = columns->count < weir__column_spans && take_number(&at, &first);
        size_t last = first;
        if (good && *at == '-') {
            at++;
            good = take_number(&at, &last) && last >= first;
        }
        if (good && *at == ',') {
            at++;
            good = *at != 0;
        } else if (good) {
            good = *at == 0;
        }
        if (!good)
            return weir__fail(error, WEIR_CONFIG, "%s is \"%.60s\"; expected columns by number from 0, as in 0,3-5",
                              setting, text);
        columns->spans[columns->count].first = first;
        columns->spans[columns->count++].last = last;
    }
    return WEIR_OK;
}

bool weir__columns_have(const weir__columns *columns, size_t column) {
    for (size_t i = 0; i < columns->count; i++) {
        if (column >= columns->spans[i].first && column <= columns->spans[i].last) return true;
    }
    return false;
}

size_t weir__columns_end(const weir__columns *columns) {
    size_t end = 0;
    for (size_t i = 0; i < columns->count; i++) end = columns->spans[i].last >= end ? columns->spans[i].last + 1 : end;
    return end;
}
