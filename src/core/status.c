// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Status texts, and the two ways in which an error gets its own.

#include <string.h>

#include "core.h"

const char *weir_status_text(weir_status status) {
    static const char *const texts[] = {
#define STATUS_TEXT(name, text) text,
        WEIR_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    };
    return (unsigned)status < WEIR_STATUS_COUNT ? texts[status] : "unknown status";
}

const char *weir_status_name(weir_status status) {
    static const char *const names[] = {
#define STATUS_NAME(name, text) #name,
        WEIR_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
    };
    return (unsigned)status < WEIR_STATUS_COUNT ? names[status] : "UNKNOWN";
}

weir_status weir__fail(weir_error *error, weir_status status, const char *format, ...) {
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->status = status;
        weir__print_arguments(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
    }
    return status;
}

weir_status weir__fail_in(weir_error *error, weir_status status, const char *prefix) {
    if (error) {
        char text[WEIR_ERROR_TEXT];
        memcpy(text, error->text, sizeof text);
        text[sizeof text - 1] = 0;
        error->status = status;
        const size_t room = sizeof error->text;
        const int written = snprintf(error->text, room, "%s: ", prefix);
        if (written > 0 && (size_t)written < room) {
            snprintf(error->text + written, room - (size_t)written, "%s", text);
        }
    }
    return status;
}
