// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file status.h
/// Status codes, and the error text that goes with them.
///
/// Every function that can fail returns a weir_status and takes, as its last argument, the caller's
/// own weir_error (NULL when only the code is wanted). The library never prints, exits or aborts on
/// bad input.
#ifndef WEIR_STATUS_H
#define WEIR_STATUS_H

#include <stddef.h>

#if defined(__GNUC__)
#define WEIR_API                 __attribute__((visibility("default")))
#define WEIR_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define WEIR_API
#define WEIR_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// Every status: name and text. The order is part of the interface; new ones go to the end.
#define WEIR_STATUS_LIST(X)                                                                                            \
    X(OK, "success")                                                                                                   \
    X(ARGUMENT, "invalid argument")                                                                                    \
    X(SHAPE, "shapes do not fit together")                                                                             \
    X(MEMORY, "out of memory")                                                                                         \
    X(IO, "input or output failed")                                                                                    \
    X(NOT_FOUND, "not found")                                                                                          \
    X(FORMAT, "malformed file")                                                                                        \
    X(VERSION, "file from a newer version")                                                                            \
    X(DATA, "unusable data")                                                                                           \
    X(CONFIG, "invalid configuration")                                                                                 \
    X(DIVERGED, "the loss is not finite")                                                                              \
    X(INTERRUPTED, "interrupted")                                                                                      \
    X(UNSUPPORTED, "not supported")

typedef enum weir_status {
#define WEIR_STATUS_ENUM(name, text) WEIR_##name,
    WEIR_STATUS_LIST(WEIR_STATUS_ENUM)
#undef WEIR_STATUS_ENUM
        WEIR_STATUS_COUNT
} weir_status;

/// Size in bytes of an error's text, its terminating zero included.
#define WEIR_ERROR_TEXT 512

/// What went wrong, for a person: names the file, the field and what was expected. Owned by the caller;
/// written only when a call fails (truncated to fit, always terminated).
typedef struct weir_error {
    weir_status status;
    char text[WEIR_ERROR_TEXT];
} weir_error;

/// The fixed one-line text of a status ("malformed file"); "unknown status" for anything else. Never NULL.
WEIR_API const char *weir_status_text(weir_status status);

/// The name of a status without its prefix ("FORMAT"). Never NULL.
WEIR_API const char *weir_status_name(weir_status status);

/// The end of a message about an unknown name.
typedef struct weir_hint {
    char text[88];
} weir_hint;

/// "; did you mean 'NAME'?" with the name of names[0 … count) that is nearest to word by edit distance, letter case
/// ignored; "" if none is near. word and names: any strings; names of 64 letters or more are never near.
WEIR_API weir_hint weir_suggest(const char *word, const char *const *names, size_t count);

#ifdef __cplusplus
}
#endif
#endif
