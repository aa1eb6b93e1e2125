// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Numbers as texts, as in the C locale: a program that has chosen another one (a decimal comma) reads and writes the
// same files.

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

weir__locale weir__locale_begin(void) {
    weir__locale now = {.plain = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    now.former = uselocale(now.plain);
    return now;
}

void weir__locale_end(weir__locale now) {
    uselocale(now.former);
    if (now.plain) freelocale(now.plain);
}

int weir__print_arguments(char *text, size_t size, const char *format, va_list arguments) {
    const weir__locale plain = weir__locale_begin();
    const int length = vsnprintf(text, size, format, arguments);
    weir__locale_end(plain);
    return length;
}

int weir__print(char *text, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = weir__print_arguments(text, size, format, arguments);
    va_end(arguments);
    return length;
}

bool weir__number_read(const char *text, double *value) {
    if (!*text || text[strspn(text, "0123456789+-.eE")]) return false;
    char *end = NULL;
    const weir__locale plain = weir__locale_begin();
    *value = strtod(text, &end);
    weir__locale_end(plain);
    return end != text && *end == 0;
}

void weir__number_print(char *text, size_t size, double value) {
    const weir__locale plain = weir__locale_begin();
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    weir__locale_end(plain);
}
