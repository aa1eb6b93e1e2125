// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file files.c
/// Folders, whole files, and what the operand MODEL means.
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool cli_exists(const char *path) {
    struct stat facts;
    return lstat(path, &facts) == 0;
}

bool cli_is_folder(const char *path) {
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

char *cli_path(const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path == NULL) {
        cli_error("out of memory");
        return NULL;
    }
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') length--;
    snprintf(path, size, "%.*s/%s", (int)length, folder, name);
    return path;
}

int cli_folder_make(const char *path) {
    char *part = strdup(path);
    if (part == NULL) return cli_error("out of memory");
    int status = CLI_OK;
    for (char *end = part; status == CLI_OK && *end != '\0';) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        char rest = *end;
        *end = '\0';
        if (mkdir(part, 0777) != 0 && !cli_is_folder(part))
            status = cli_error("cannot make the folder %s: %s", part,
                               errno == EEXIST ? "there is a file of that name" : strerror(errno));
        *end = rest;
    }
    free(part);
    return status;
}

static int write_whole(int file, const char *text) {
    for (size_t left = strlen(text); left > 0;) {
        ssize_t done = write(file, text, left);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return -1;
        text += done;
        left -= (size_t)done;
    }
    return fsync(file);
}

int cli_write_file(const char *path, const char *text) {
    size_t size = strlen(path) + 16;
    char *temporary = malloc(size);
    if (temporary == NULL) return cli_error("out of memory");
    snprintf(temporary, size, "%s.part", path);
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666), status = CLI_OK;
    bool failed = file < 0 || write_whole(file, text) != 0;
    int reason = errno;
    if (file >= 0 && close(file) != 0 && !failed) {
        failed = true;
        reason = errno;
    }
    if (!failed && rename(temporary, path) != 0) {
        failed = true;
        reason = errno;
    }
    if (failed) {
        if (file >= 0) unlink(temporary);
        status = cli_error("cannot write %s: %s", path, strerror(reason));
    }
    free(temporary);
    return status;
}

char *cli_model_path(const char *operand) {
    if (!cli_is_folder(operand)) {
        if (!cli_exists(operand)) {
            cli_error("%s: no such model file or run directory; 'weir train digits' makes runs/digits", operand);
            return NULL;
        }
        char *path = strdup(operand);
        if (path == NULL) cli_error("out of memory");
        return path;
    }
    char *path = cli_path(operand, "model.safetensors");
    if (path != NULL && !cli_exists(path)) {
        cli_error("%s holds no model.safetensors: it is no run directory, or no epoch was finished", operand);
        free(path);
        path = NULL;
    }
    return path;
}

/// Another place, or other settings, of the data that a model brings.
static int change_data(weir_config *config, const char *data_folder, const cli_list *changes) {
    weir_error error = {0};
    char *idle = NULL;
    const size_t count = changes != NULL ? changes->count : 0;
    if (data_folder != NULL && weir_config_data_folder(config, data_folder, &error) != WEIR_OK)
        return cli_weir_error(&error);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(changes->items[i], "data.", 5) != 0)
            return cli_error("%s: of a trained model only the settings data.KEY=VALUE can be changed",
                             changes->items[i]);
        if (weir_config_set(config, changes->items[i], &error) != WEIR_OK) return cli_weir_error(&error);
    }
    if (count > 0 && weir_config_idle(config, &idle, (const char *const *)changes->items, count, &error) != WEIR_OK)
        return cli_weir_error(&error);
    int status = idle == NULL ? CLI_OK : cli_error("%s", idle);
    weir_text_free(idle);
    return status;
}

int cli_open_model(const char *operand, const char *data_folder, const cli_list *changes, size_t max_rows,
                   weir_graph **graph, weir_config *config, weir_data **data) {
    weir_error error = {0};
    int status = CLI_OK;
    char *path = cli_model_path(operand);
    if (path == NULL) return CLI_FAILED;
    if (weir_model_load(graph, config, path, max_rows, &error) != WEIR_OK)
        status = cli_weir_error(&error);
    else
        status = change_data(config, data_folder, changes);
    if (status == CLI_OK && data != NULL) {
        weir_data_options options = config->data;
        options.known_scale = weir_graph_scale(*graph);
        if (weir_data_load(data, &options, &error) != WEIR_OK)
            status = cli_weir_error(&error);
        else
            for (size_t i = 0; i < weir_data_guesses(*data); i++) cli_note("%s", weir_data_note(*data, i));
    }
    free(path);
    return status;
}

int cli_use_precision(weir_graph *graph, const char *name) {
    weir_error error = {0};
    weir_precision precision = weir_graph_precision(graph);
    if (name == NULL) return CLI_OK;
    if (weir_precision_find(&precision, name) != WEIR_OK) return cli_error("unknown precision '%s'", name);
    return weir_graph_precision_use(graph, precision, &error) == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

weir_part cli_part(const weir_data *data, const char *name) {
    if (strcmp(name, "train") == 0) return weir_data_train(data);
    return strcmp(name, "valid") == 0 ? weir_data_valid(data) : weir_data_test(data);
}

cli_judge cli_judged_by(const weir_graph *graph) {
    size_t count = 0;
    weir_graph_nodes(graph, &count);
    const weir_kind *loss = weir_graph_kind(graph, count - 1);
    if (loss->takes != WEIR_TAKES_TARGETS) return CLI_BY_ERROR;
    return loss->traits & WEIR_KIND_LIKELIHOOD ? CLI_BY_LIKELIHOOD : CLI_BY_DISTANCE;
}

size_t cli_gated_layers(const weir_graph *graph) {
    size_t count = 0, gated = 0;
    weir_graph_nodes(graph, &count);
    for (size_t i = 0; i < count; i++) gated += (weir_graph_kind(graph, i)->traits & WEIR_KIND_GATED) != 0;
    return gated;
}
