// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file stream.h
/// Bytes from a file or standard input, gzip taken off where there is some, through one buffer of fixed size.
#ifndef WEIR_DATA_STREAM_H
#define WEIR_DATA_STREAM_H

#include <zlib.h>

#include "../core/core.h"

/// Zero-initialise; close with weir__stream_close. Used by one thread.
typedef struct weir__stream {
    const char *name; ///< for messages: the path, or "standard input"
    gzFile file;
    uint8_t *buffer;
    size_t at, end; ///< buffer[at … end) is not read yet
    bool finished;  ///< nothing beyond the buffer
} weir__stream;

/// Opens a file ("-": standard input). WEIR_NOT_FOUND, or WEIR_IO for a folder or an unreadable file.
weir_status weir__stream_open(weir__stream *stream, const char *path, weir_error *error);
void weir__stream_close(weir__stream *stream);

/// Makes at least one byte available in buffer[at … end), unless the stream is at its end; the first time as many as
/// the buffer holds. WEIR_FORMAT for gzip data that is damaged or cut off.
weir_status weir__stream_fill(weir__stream *stream, weir_error *error);

/// Takes up to size bytes; *got says how many there were, fewer only at the end.
weir_status weir__stream_take(weir__stream *stream, void *out, size_t size, size_t *got, weir_error *error);
/// Takes size bytes. WEIR_FORMAT when the stream ends before; what names the field in the text.
weir_status weir__stream_read(weir__stream *stream, void *out, size_t size, const char *what, weir_error *error);

/// Fails with WEIR_FORMAT unless everything has been read (and with it the checksum of gzip data).
weir_status weir__stream_expect_end(weir__stream *stream, weir_error *error);

#endif
