// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file stream.h
/// Bytes from a file, standard input or an array of a .npz file, unpacked where they are packed, through buffers of
/// fixed size.
#ifndef WEIR_DATA_STREAM_H
#define WEIR_DATA_STREAM_H

#include <zlib.h>

#include "../core/core.h"

typedef enum weir__packing {
    WEIR__PLAIN,
    WEIR__GZIP,   ///< one gzip member after the other
    WEIR__STORED, ///< an entry of a zip archive that is not compressed
    WEIR__DEFLATE ///< a compressed entry of a zip archive
} weir__packing;

/// Zero-initialise; close with weir__stream_close. Used by one thread.
typedef struct weir__stream {
    const char *name; ///< for messages: the path, or "standard input"
    bool opened;      ///< descriptor is to be closed
    int descriptor;
    uint8_t *buffer;
    size_t at, end; ///< buffer[at … end) is not read yet
    bool finished;  ///< nothing beyond the buffer
    // Private to stream.c.
    weir__packing packing;
    uint8_t *packed; ///< bytes of the file: packed[packed_at … packed_end) is not unpacked yet
    size_t packed_at, packed_end;
    uint64_t left; ///< bytes of the file behind packed that belong to the stream, at most
    bool file_ended;
    bool inflating, inside; ///< inflater is to be ended; it is inside a gzip member or an entry
    z_stream inflater;
    uint32_t checksum, expected_checksum; ///< of an entry's unpacked bytes
    char *file_name;                      ///< of FILE.npz:ARRAY
} weir__stream;

/// Opens a file ("-": standard input), or the array of "FILE.npz:ARRAY"; a .npz file with one array needs no name.
/// WEIR_NOT_FOUND, or WEIR_IO for a folder or an unreadable file; WEIR_ARGUMENT with the names of the arrays when one
/// has to be chosen.
weir_status weir__stream_open(weir__stream *stream, const char *path, weir_error *error);
void weir__stream_close(weir__stream *stream);

/// Makes at least one byte available in buffer[at … end), unless the stream is at its end; the first time as many as
/// the buffer holds. WEIR_FORMAT for packed data that is damaged or cut off, or with something else behind it.
weir_status weir__stream_fill(weir__stream *stream, weir_error *error);

/// Takes up to size bytes; *got says how many there were, fewer only at the end.
weir_status weir__stream_take(weir__stream *stream, void *out, size_t size, size_t *got, weir_error *error);
/// Takes size bytes. WEIR_FORMAT when the stream ends before; what names the field in the text.
weir_status weir__stream_read(weir__stream *stream, void *out, size_t size, const char *what, weir_error *error);

/// Fails with WEIR_FORMAT unless everything has been read (and with it the checksum of packed data).
weir_status weir__stream_expect_end(weir__stream *stream, weir_error *error);

#endif
