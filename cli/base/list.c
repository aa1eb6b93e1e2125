// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file list.c
/// Lists of texts, in their order.
#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool cli_list_add(cli_list *list, const char *format, ...) {
    char **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (items == NULL) return false;
    list->items = items;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text == NULL) return false;
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    items[list->count++] = text;
    return true;
}

void cli_list_free(cli_list *list) {
    for (size_t i = 0; i < list->count; i++) free(list->items[i]);
    free(list->items);
    *list = (cli_list){0};
}

bool cli_list_split(cli_list *list, const char *text) {
    bool done = true;
    while (done && *text != '\0') {
        size_t length = strcspn(text, ",");
        for (const char *next = text + length; *next == ',' && memchr(text, ':', length); next = text + length) {
            const size_t piece = strcspn(next + 1, ",");
            const char *equals = memchr(next + 1, '=', piece);
            if (equals == NULL || memchr(next + 1, ':', (size_t)(equals - next - 1)) != NULL) break;
            length += 1 + piece;
        }
        done = cli_list_add(list, "%.*s", (int)length, text);
        text += length + (text[length] == ',');
    }
    return done;
}

bool cli_pairs(cli_list *pairs, const cli_list *given) {
    for (size_t i = 0; i < given->count; i++)
        for (const char *at = given->items[i]; *at != '\0'; at += strspn(at, ",")) {
            const size_t length = strcspn(at, ",");
            if (!cli_list_add(pairs, "%.*s", (int)length, at)) return false;
            at += length;
        }
    return true;
}
