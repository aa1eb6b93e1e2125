// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file files.c
/// Folders, whole files, and what the operand MODEL means.
#include "cli.h"

#include <errno.h>
#include <math.h>
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
    weir_error error = {0};
    if (weir_folder_make(path, &error) != WEIR_OK) return cli_weir_error(&error);
    if (access(path, W_OK | X_OK) == 0) return CLI_OK;
    return cli_error("%s: cannot write in this folder: %s", path, strerror(errno));
}

int cli_write_file(const char *path, const char *text) {
    weir_error error = {0};
    return weir_file_write(path, text, strlen(text), &error) == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

cli_word cli_shell(const char *path) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,=-";
    cli_word word = {""};
    const bool bare = path[0] != '\0' && path[strspn(path, plain)] == '\0';
    const size_t room = sizeof word.text - 2;
    size_t used = 0;
    if (path[0] == '-') used += (size_t)snprintf(word.text, room, "./"); // else it were an option
    if (!bare) word.text[used++] = '\'';
    for (const char *c = path; *c != '\0' && used + 5 < room; c++) {
        if (*c == '\'')
            used += (size_t)snprintf(word.text + used, room - used, "'\\''");
        else
            word.text[used++] = *c;
    }
    if (!bare) word.text[used++] = '\'';
    word.text[used] = '\0';
    return word;
}

void cli_config_hint(const char *operand) {
    weir_content content;
    if (weir_content_find(&content, operand, NULL) != WEIR_OK) return;
    switch (content) {
    case WEIR_CONTENT_RUN:
        cli_note("to continue that run: weir train --out %s --resume; to train anew with its settings, give its "
                 "config.yaml",
                 cli_shell(operand).text);
        break;
    case WEIR_CONTENT_CSV:
    case WEIR_CONTENT_NPY:
    case WEIR_CONTENT_IDX:
    case WEIR_CONTENT_GZIP:
        cli_note("to train on such a file, name it in a configuration: data: {source: files, train_rows: FILE, "
                 "label_column: NAME}; see 'weir help settings'");
        break;
    case WEIR_CONTENT_SAFETENSORS:
        cli_note("a model is measured by 'weir eval', and shown by 'weir inspect'");
        break;
    default:
        break;
    }
}

char *cli_model_path(const char *operand) {
    // A damaged model looks like no format at all: weir_model_load says more about it.
    const unsigned models =
        WEIR_CONTENT_SET(RUN) | WEIR_CONTENT_SET(FOLDER) | WEIR_CONTENT_SET(SAFETENSORS) | WEIR_CONTENT_SET(BINARY);
    weir_content content;
    weir_error error = {0};
    const weir_status status =
        weir_content_expect(&content, operand, models, "a model file or a run directory", &error);
    if (status == WEIR_NOT_FOUND)
        cli_error("%s: no such model file or run directory; 'weir train digits' makes runs/digits", operand);
    else if (status != WEIR_OK)
        cli_weir_error(&error);
    if (status != WEIR_OK) return NULL;
    const bool run = content == WEIR_CONTENT_RUN, folder = run || content == WEIR_CONTENT_FOLDER;
    char *path = folder ? cli_path(operand, "model.safetensors") : strdup(operand);
    if (path == NULL) {
        cli_error("out of memory");
    } else if (folder && !cli_exists(path)) {
        cli_error("%s is %s without model.safetensors%s", operand, weir_content_text(content),
                  run ? ": no epoch was finished" : "; a run directory, as 'weir train' makes it, is expected");
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
        if (strncmp(changes->items[i], "data.scale=", 11) == 0)
            return cli_error("%s has no effect here: a trained model keeps the scale of its training rows; 'weir "
                             "predict --scale' reads rows that are on another",
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
        options.known_names = weir_graph_names(*graph);
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

double cli_target(const weir_graph *graph, double target) {
    size_t count = 0;
    bool asked = false;
    weir_graph_nodes(graph, &count);
    for (size_t i = 0; i < count; i++) {
        const size_t gates = weir_graph_gates(graph, i);
        const weir_unit *unit = gates < count ? weir_graph_unit(graph, gates) : NULL;
        asked = asked || (unit != NULL && isnan(weir_unit_share(unit)));
    }
    return asked ? target : NAN;
}
