// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file file.h
/// Files and folders: written whole or not at all, and told apart by what they hold.
///
/// Any thread may call these functions at any time.
#ifndef WEIR_FILE_H
#define WEIR_FILE_H

#include <stddef.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Makes a folder and those above it; an existing one is fine. WEIR_IO where that is not possible.
WEIR_API weir_status weir_folder_make(const char *path, weir_error *error);

/// Writes bytes [size] to a file, which appears under its name only when it is complete on the disk: the bytes go to a
/// file beside it, which then replaces a former one. WEIR_IO (the text says how many bytes were needed) leaves the
/// former file as it was, WEIR_NOT_FOUND means that there is no such folder.
WEIR_API weir_status weir_file_write(const char *path, const void *bytes, size_t size, weir_error *error);

/// What a file or folder holds, as its first bytes tell: name, and text for a message ("x is ...").
#define WEIR_CONTENT_LIST(X)                                                                                           \
    X(RUN, "a run directory")                                                                                          \
    X(FOLDER, "a folder")                                                                                              \
    X(DEVICE, "a device or a pipe")                                                                                    \
    X(EMPTY, "an empty file")                                                                                          \
    X(SAFETENSORS, "a safetensors file")                                                                               \
    X(NPY, "an NPY file")                                                                                              \
    X(IDX, "an IDX file")                                                                                              \
    X(CSV, "a CSV file")                                                                                               \
    X(YAML, "a YAML file")                                                                                             \
    X(JSON, "a JSON file")                                                                                             \
    X(GZIP, "a gzip file")                                                                                             \
    X(ZIP, "a zip archive (as .npz and .pt files are)")                                                                \
    X(PICKLE, "a Python pickle")                                                                                       \
    X(HDF5, "an HDF5 file")                                                                                            \
    X(PARQUET, "a Parquet file")                                                                                       \
    X(MATLAB, "a MATLAB file")                                                                                         \
    X(PICTURE, "a picture")                                                                                            \
    X(TEXT, "a text")                                                                                                  \
    X(BINARY, "a binary file of unknown format")

typedef enum weir_content {
#define WEIR_CONTENT_ENUM(name, text) WEIR_CONTENT_##name,
    WEIR_CONTENT_LIST(WEIR_CONTENT_ENUM)
#undef WEIR_CONTENT_ENUM
        WEIR_CONTENT_COUNT
} weir_content;

/// "a CSV file"; "unknown" for anything else. Never NULL.
WEIR_API const char *weir_content_text(weir_content content);

/// Recognises what stands under a path. It reads at most 4 KiB, and nothing from a device or a pipe. WEIR_NOT_FOUND
/// where nothing is, WEIR_IO where it cannot be read; *content is then as before.
WEIR_API weir_status weir_content_find(weir_content *content, const char *path, weir_error *error);

/// A set of contents: WEIR_CONTENT_SET(CSV) | WEIR_CONTENT_SET(NPY).
#define WEIR_CONTENT_SET(name) (1u << WEIR_CONTENT_##name)

/// WEIR_FORMAT (WEIR_IO if it is a folder) where something else stands under a path than one of a set of contents:
/// "PATH: is a CSV file, but EXPECTED is expected". Else as weir_content_find; content may be NULL.
WEIR_API weir_status weir_content_expect(weir_content *content, const char *path, unsigned accepted,
                                         const char *expected, weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
