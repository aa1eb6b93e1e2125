// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// metrics.jsonl: one JSON object per epoch, with the names of weir_epoch.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "trainer.h"

#define EPOCH_REALS(X)                                                                                                 \
    X(train_loss)                                                                                                      \
    X(penalty)                                                                                                         \
    X(weight)                                                                                                          \
    X(train_share)                                                                                                     \
    X(valid_loss)                                                                                                      \
    X(valid_error)                                                                                                     \
    X(valid_share)                                                                                                     \
    X(rate)                                                                                                            \
    X(seconds)                                                                                                         \
    X(train_seconds)

json_t *weir__json_real(double value) { return isfinite(value) ? json_real(value) : json_null(); }

json_t *weir__epoch_to_json(const weir_epoch *epoch) {
    json_t *json = json_object();
    int failed = json_object_set_new(json, "epoch", json_integer((json_int_t)epoch->epoch));
#define SET_REAL(name) failed |= json_object_set_new(json, #name, weir__json_real(epoch->name));
    EPOCH_REALS(SET_REAL)
#undef SET_REAL
    if (isfinite(epoch->valid_nll)) failed |= json_object_set_new(json, "valid_nll", json_real(epoch->valid_nll));
    if (isfinite(epoch->valid_rmse)) failed |= json_object_set_new(json, "valid_rmse", json_real(epoch->valid_rmse));
    failed |= json_object_set_new(json, "best", json_boolean(epoch->best));
    if (!failed) return json;
    json_decref(json);
    return NULL;
}

static bool read_real(double *value, const json_t *json, const char *name) {
    const json_t *field = json_object_get(json, name);
    *value = json_is_null(field) ? NAN : json_number_value(field);
    return json_is_null(field) || json_is_number(field);
}

/// What only some networks are judged by.
static bool read_if_there(double *value, const json_t *json, const char *name) {
    const json_t *field = json_object_get(json, name);
    *value = field ? json_number_value(field) : NAN;
    return !field || json_is_number(field);
}

weir_status weir__epoch_from_json(weir_epoch *epoch, const json_t *json, weir_error *error) {
    const json_t *number = json_object_get(json, "epoch"), *best = json_object_get(json, "best");
    bool good = json_is_integer(number) && json_integer_value(number) > 0 && json_is_boolean(best);
    *epoch = (weir_epoch){.epoch = (size_t)json_integer_value(number), .best = json_is_true(best)};
#define READ_REAL(name) good = read_real(&epoch->name, json, #name) && good;
    EPOCH_REALS(READ_REAL)
#undef READ_REAL
    good = read_if_there(&epoch->valid_nll, json, "valid_nll") && good;
    good = read_if_there(&epoch->valid_rmse, json, "valid_rmse") && good;
    return good ? WEIR_OK
                : weir__fail(error, WEIR_FORMAT, "an epoch's record lacks a field or has one of another type");
}

weir_status weir__path_in(char **path, const char *folder, const char *name, weir_error *error) {
    const size_t room = strlen(folder) + strlen(name) + 2;
    const weir_status status = weir__new(path, room, 1, "a file name", error);
    if (status == WEIR_OK) snprintf(*path, room, "%s/%s", folder, name);
    return status;
}

// The line of an epoch, freed by the caller with free.
static char *line_of(const weir_epoch *epoch) {
    json_t *json = weir__epoch_to_json(epoch);
    char *line = NULL;
    size_t size = 0;
    FILE *stream = json ? open_memstream(&line, &size) : NULL;
    bool good = stream && !json_dumpf(json, stream, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9)) &&
                fputc('\n', stream) != EOF;
    if (stream && fclose(stream)) good = false;
    json_decref(json);
    if (good) return line;
    free(line);
    return NULL;
}

weir_status weir__metrics_rewrite(const weir_trainer *trainer, const char *folder, weir_error *error) {
    weir_status status = WEIR_OK;
    char *path = NULL, *line = NULL;
    weir__file file = {0};
    TRY(weir__path_in(&path, folder, "metrics.jsonl", error));
    TRY(weir__file_begin(&file, path, error));
    for (size_t i = 0; i < trainer->epoch_count; i++) {
        free(line);
        line = line_of(&trainer->epochs[i]);
        TRY_THAT(line, WEIR_MEMORY, "out of memory: a line of metrics.jsonl");
        weir__file_put(line, strlen(line), &file);
    }
    TRY(weir__file_commit(&file, error));
done:
    weir__file_abandon(&file);
    free(line);
    weir__free(path);
    return status;
}

weir_status weir__metrics_append(const weir_trainer *trainer, const char *folder, weir_error *error) {
    weir_status status = WEIR_OK;
    char *path = NULL, *line = line_of(&trainer->epochs[trainer->epoch_count - 1]);
    TRY_THAT(line, WEIR_MEMORY, "out of memory: a line of metrics.jsonl");
    TRY(weir__path_in(&path, folder, "metrics.jsonl", error));
    TRY(weir__file_append(path, line, strlen(line), error));
done:
    free(line);
    weir__free(path);
    return status;
}
