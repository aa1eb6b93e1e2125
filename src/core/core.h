// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file core.h
/// What every other part of weir stands on: errors, aligned memory, whole-file replacement, the processor.
#ifndef WEIR_CORE_H
#define WEIR_CORE_H

#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <weir/file.h>
#include <weir/random.h>
#include <weir/status.h>
#include <weir/system.h>

/// Fills *error (NULL is fine) and returns status, so that a function can end with "return weir__fail(…)".
weir_status weir__fail(weir_error *error, weir_status status, const char *format, ...) WEIR_PRINTF(3, 4);

/// Puts "prefix: " before the text of an error that a callee filled in, and returns its status.
weir_status weir__fail_in(weir_error *error, weir_status status, const char *prefix);

/// Leaves the function through its label "done" when a call fails. The function has a weir_status status.
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        status = (call);                                                                                               \
        if (status != WEIR_OK) goto done;                                                                              \
    } while (0)

/// Like TRY for a condition that must hold: fails with the code and text given.
#define TRY_THAT(condition, code, ...)                                                                                 \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            status = weir__fail(error, code, __VA_ARGS__);                                                             \
            goto done;                                                                                                 \
        }                                                                                                              \
    } while (0)

/// count objects of size bytes, 64-byte aligned and zeroed; NULL when count·size overflows or memory is short. count 0
/// gives one byte. Free with weir__free (NULL is fine).
void *weir__alloc(size_t count, size_t size);
void weir__free(void *memory);

/// As weir__alloc, with the error: *memory is NULL after a failure; what names the array in the text.
weir_status weir__new(void *memory, size_t count, size_t size, const char *what, weir_error *error);

/// A copy of a string, freed with weir__free; NULL for NULL or when memory is short.
char *weir__copy_string(const char *text);

/// For tests: the allocations after the next `count` ones fail; negative: none fails (the usual state).
void weir__alloc_fail_after(long count);

/// A float array that grows on demand and keeps what it has. Zero-initialise; free with weir__buffer_free.
typedef struct weir__buffer {
    float *data;
    size_t count;
} weir__buffer;
/// Makes room for count floats; the contents are undefined after growth.
weir_status weir__buffer_reserve(weir__buffer *buffer, size_t count, weir_error *error);
void weir__buffer_free(weir__buffer *buffer);

/// A file that appears under its name only when it is complete: written to a temporary name in the same folder,
/// flushed to the disk, then renamed over the former one. After any failure the former file is as it was.
typedef struct weir__file {
    FILE *stream;
    char *path, *temporary;
    uint64_t wanted; ///< bytes that weir__file_put was given
    int code;        ///< errno of its first failure; 0: none
    bool former;     ///< there is a file of that name, which is replaced
} weir__file;
weir_status weir__file_begin(weir__file *file, const char *path, weir_error *error);
/// Appends bytes to *file (a weir__file). A failure is remembered for the commit, which reports it with all bytes that
/// were wanted. Always 0, so that it is a callback of jansson's, too.
int weir__file_put(const char *bytes, size_t size, void *file);
/// Flushes, renames and frees (also when it fails: then the temporary file is removed).
weir_status weir__file_commit(weir__file *file, weir_error *error);
/// Removes the temporary file. Does nothing after a commit, or on a zero-initialised file.
void weir__file_abandon(weir__file *file);

/// Removes the temporary files of processes that were killed while they wrote into the folder.
void weir__file_sweep(const char *folder);

/// A whole file in memory, with a terminating zero beyond *size. WEIR_FORMAT if larger than most bytes.
weir_status weir__file_read(const char *path, size_t most, char **text, size_t *size, weir_error *error);

/// Appends bytes to a file in one piece, or leaves it as it was.
weir_status weir__file_append(const char *path, const char *bytes, size_t size, weir_error *error);

/// What the first bytes of a file say it is; size: of those that are known.
weir_content weir__content_of(const void *bytes, size_t size);

/// What the processor calls itself ("AMD EPYC 9554 64-Core Processor"), or "unknown"; truncated to size bytes.
void weir__processor_name(char *name, size_t size);

/// Seconds of a clock that only moves forward; where it began means nothing.
double weir__seconds(void);

/// Texts with numbers in them as in the C locale, whatever the program's own is. Between begin and end this thread
/// reads and prints so.
typedef struct weir__locale {
    locale_t plain, former;
} weir__locale;
weir__locale weir__locale_begin(void);
void weir__locale_end(weir__locale locale);
/// snprintf and vsnprintf in it.
int weir__print(char *text, size_t size, const char *format, ...) WEIR_PRINTF(3, 4);
int weir__print_arguments(char *text, size_t size, const char *format, va_list arguments) WEIR_PRINTF(3, 0);
/// A decimal number that fills the whole text: no blanks, hexadecimal digits, "nan" or "inf" (an infinite value is one
/// that is too large). False for anything else.
bool weir__number_read(const char *text, double *value);
/// As few digits, at least 15, as read back to the same number.
void weir__number_print(char *text, size_t size, double value);

/// The name in names[0 … count) nearest to text by edit distance, for "did you mean"; NULL if none is near.
const char *weir__nearest(const char *text, const char *const *names, size_t count);

/// Puts text [length] of unknown origin into a buffer for a message, cut to fit, with '?' for what is not printable.
/// Returns the buffer.
const char *weir__show(char *buffer, size_t size, const char *text, size_t length);

#endif
