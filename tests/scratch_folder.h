// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file scratch_folder.h
/// A folder of a test program's own, which its set-up makes and its tear-down removes, and the files in it.
#ifndef SCRATCH_FOLDER_H
#define SCRATCH_FOLDER_H

#include <dirent.h>
#include <unistd.h>

#include "testing.h"

static char folder[64];
static char path[96]; ///< a file in it

/// The path of a file in it; 64 of them are kept.
static inline const char *path_of(const char *name) {
    static char paths[64][128];
    static size_t next;
    char *made = paths[next++ % 64];
    snprintf(made, sizeof *paths, "%s/%s", folder, name);
    return made;
}

static inline int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/weir-test-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

/// With the files that are left in it.
static inline int remove_folder(void **state) {
    (void)state;
    DIR *listed = opendir(folder);
    if (!listed) return -1;
    for (const struct dirent *entry; (entry = readdir(listed));) {
        if (entry->d_name[0] != '.') unlink(path_of(entry->d_name));
    }
    closedir(listed);
    return rmdir(folder);
}

static inline void write_file(const char *where, const void *bytes, size_t size) {
    FILE *stream = fopen(where, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
}

#endif
