// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file fetch.h
/// Data sets that the tool can download, and the download itself.
#ifndef WEIR_CLI_FETCH_H
#define WEIR_CLI_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include <weir/status.h>

/// A file of a data set.
typedef struct fetch_file {
    const char *name; ///< "train-images-idx3-ubyte.gz"
    const char *url;
    const char *md5; ///< 32 hexadecimal digits, as published; NULL: of an archive whose member is checked
    uint64_t bytes;  ///< 0: nobody published its size
    uint64_t archive_bytes; ///< not 0: url is a zip archive of so many bytes, and the file its member of this name
} fetch_file;

/// A data set: "mnist", "text8", …
typedef struct fetch_source {
    const char *name, *about;
    const fetch_file *files;
    size_t file_count;
    const char *next; ///< example that trains on its file; NULL: mnist-blocks, on the folder
} fetch_source;
size_t fetch_source_count(void);
/// NULL beyond the last one.
const fetch_source *fetch_source_at(size_t index);

/// Called now and then with the progress of one file; returning non-zero stops with WEIR_INTERRUPTED.
typedef int (*fetch_progress)(void *context, const char *file, uint64_t done, uint64_t total);
/// Downloads a data set into a folder (made if missing) through libcurl. A file that is there with the right checksum
/// is kept; a partial one ("NAME.part") is continued; a wrong checksum is WEIR_DATA and leaves nothing under the final
/// name. base_url replaces everything before the last "/" of each address (for mirrors and tests); NULL: as published.
weir_status fetch_download(const fetch_source *source, const char *folder, const char *base_url,
                           fetch_progress progress, void *context, weir_error *error);

#endif
