// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The names of files in a configuration: made absolute, so that a run finds its data from anywhere, or pointed to
// another folder.

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../data/fields.h"
#include "assign.h"

enum { path_most = 4096 };

static bool is_stream(const char *name) { return !strcmp(name, "-") || !strncmp(name, "/dev/", 5); }

static const char **name_of(weir_config *config, const weir__field *field) {
    return (const char **)(void *)((char *)&config->data + field->offset);
}

static weir_status put(weir_config *config, const char **name, const char *folder, const char *rest,
                       weir_error *error) {
    char path[path_most];
    const int length = snprintf(path, sizeof path, *rest ? "%s/%s" : "%s%s", folder, rest);
    if (length < 0 || (size_t)length >= sizeof path) {
        return weir__fail(error, WEIR_ARGUMENT, "the name %.80s in %.80s is too long", rest, folder);
    }
    const char *copy = weir__arena_copy(config->memory, path, (size_t)length);
    if (!copy) return weir__fail(error, WEIR_MEMORY, "out of memory: a configuration");
    *name = copy;
    return WEIR_OK;
}

weir_status weir_config_absolute(weir_config *config, weir_error *error) {
    weir_status status = WEIR_OK;
    char here[path_most];
    TRY_THAT(getcwd(here, sizeof here), WEIR_IO, "the current folder has no name: %s", strerror(errno));
    if (!strcmp(here, "/")) *here = 0;
    for (size_t i = 0; i < weir__data_fields.count; i++) {
        if (!weir__data_fields.at[i].names_file) continue;
        const char **name = name_of(config, &weir__data_fields.at[i]), *rest = *name;
        if (!rest || !*rest || *rest == '/' || is_stream(rest)) continue;
        while (!strncmp(rest, "./", 2)) rest += 2;
        TRY(put(config, name, here, rest, error));
    }
done:
    return status;
}

weir_status weir_config_data_folder(weir_config *config, const char *folder, weir_error *error) {
    weir_status status = WEIR_OK;
    struct stat about;
    const weir_data_options *data = &config->data;
    TRY_THAT(strcmp(data->source, "digits") != 0, WEIR_ARGUMENT,
             "%s: no data set is read from a folder: its digits are drawn (data.source is digits)", folder);
    // Their loaders look at what is there, and say how to get one.
    const bool whole = !strcmp(data->source, "mnist") || !strcmp(data->source, "text");
    TRY_THAT(whole || stat(folder, &about) == 0, WEIR_NOT_FOUND,
             "%s: no such folder; expected the one with the data set", folder);
    TRY_THAT(whole || S_ISDIR(about.st_mode), WEIR_ARGUMENT,
             "%s: is a file; expected the folder with the data set (one file: --set data.train_rows=FILE, or "
             "data.test_rows)",
             folder);
    for (size_t i = 0; i < weir__data_fields.count; i++) {
        if (!weir__data_fields.at[i].names_file) continue;
        const char **name = name_of(config, &weir__data_fields.at[i]), *rest = *name;
        const bool is_folder = !strcmp(weir__data_fields.at[i].path, "data.path");
        if (is_folder != whole || (!whole && (!rest || !*rest || is_stream(rest)))) continue;
        if (!whole && *rest == '/') rest = strrchr(rest, '/') + 1;
        TRY(put(config, name, folder, whole ? "" : rest, error));
    }
done:
    return status;
}
