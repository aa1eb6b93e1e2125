// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// metrics.jsonl: one JSON object per epoch, with the names of weir_epoch. steps.jsonl, where it is asked for: one per so
// many steps. Beside each the same records as .csv, for whoever reads tables; what is not known is empty there.

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
    if (isfinite(epoch->valid_bits_per_byte))
        failed |= json_object_set_new(json, "valid_bits_per_byte", json_real(epoch->valid_bits_per_byte));
    if (isfinite(epoch->valid_entropy)) {
        failed |= json_object_set_new(json, "valid_entropy", json_real(epoch->valid_entropy));
        failed |= json_object_set_new(json, "valid_overlap", weir__json_real(epoch->valid_overlap));
        failed |= json_object_set_new(json, "valid_dead", json_integer((json_int_t)epoch->valid_dead));
    }
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
    *value = json_is_number(field) ? json_number_value(field) : NAN;
    return !field || json_is_number(field) || json_is_null(field);
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
    good = read_if_there(&epoch->valid_bits_per_byte, json, "valid_bits_per_byte") && good;
    good = read_if_there(&epoch->valid_entropy, json, "valid_entropy") && good;
    good = read_if_there(&epoch->valid_overlap, json, "valid_overlap") && good;
    epoch->valid_dead = (size_t)json_integer_value(json_object_get(json, "valid_dead"));
    return good ? WEIR_OK
                : weir__fail(error, WEIR_FORMAT, "an epoch's record lacks a field or has one of another type");
}

weir_status weir__path_in(char **path, const char *folder, const char *name, weir_error *error) {
    const size_t room = strlen(folder) + strlen(name) + 2;
    const weir_status status = weir__new(path, room, 1, "a file name", error);
    if (status == WEIR_OK) snprintf(*path, room, "%s/%s", folder, name);
    return status;
}

// ---- Files of records.

/// A file of records in two forms.
typedef struct record_file {
    const char *lines, *table;         ///< names in the folder
    const char *const *columns; ///< of the table, in their order; the first is the record's number
    size_t count;
} record_file;

static const char *const epoch_columns[] = {"epoch",       "train_loss",  "valid_loss", "valid_error", "valid_nll",
                                            "valid_rmse",  "valid_bits_per_byte", "train_share", "valid_share", "valid_entropy", "valid_overlap",
                                            "valid_dead",  "penalty",    "weight",     "rate",        "seconds",     "train_seconds", "best"};
static const char *const step_columns[] = {"step", "epoch", "batch", "loss", "share", "rate"};
static const record_file of_epochs = {"metrics.jsonl", "metrics.csv", epoch_columns,
                                      sizeof epoch_columns / sizeof *epoch_columns};
static const record_file of_steps = {"steps.jsonl", "steps.csv", step_columns,
                                     sizeof step_columns / sizeof *step_columns};

/// A text in the making.
typedef struct text_stream {
    FILE *stream;
    char *text;
    size_t size;
    bool failed;
} text_stream;

static void text_begin(text_stream *t) {
    *t = (text_stream){0};
    t->stream = open_memstream(&t->text, &t->size);
    t->failed = !t->stream;
}

static weir_status text_end(text_stream *t, weir_error *error) {
    if (t->stream && fclose(t->stream)) t->failed = true;
    t->stream = NULL;
    return t->failed || !t->text ? weir__fail(error, WEIR_MEMORY, "out of memory: metrics") : WEIR_OK;
}

static void put_heading(text_stream *t, const record_file *file) {
    for (size_t i = 0; !t->failed && i < file->count; i++)
        t->failed = fprintf(t->stream, "%s%s", i ? "," : "", file->columns[i]) < 0;
    t->failed = t->failed || fputc('\n', t->stream) == EOF;
}

// Takes the record.
static void put_line(text_stream *t, json_t *record) {
    t->failed = t->failed || !record ||
                json_dumpf(record, t->stream, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9)) ||
                fputc('\n', t->stream) == EOF;
    json_decref(record);
}

// Takes the record.
static void put_row(text_stream *t, const record_file *file, json_t *record) {
    t->failed = t->failed || !record;
    for (size_t i = 0; !t->failed && i < file->count; i++) {
        const json_t *value = json_object_get(record, file->columns[i]);
        char text[40] = "";
        if (json_is_integer(value))
            snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        else if (json_is_real(value))
            weir__print(text, sizeof text, "%.9g", json_real_value(value));
        else if (json_is_boolean(value))
            snprintf(text, sizeof text, "%s", json_is_true(value) ? "true" : "false");
        t->failed = fprintf(t->stream, "%s%s", i ? "," : "", text) < 0;
    }
    t->failed = t->failed || fputc('\n', t->stream) == EOF;
    json_decref(record);
}

static weir_status write_text(const char *folder, const char *name, const text_stream *t, bool appended,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    char *path = NULL;
    weir__file file = {0};
    TRY(weir__path_in(&path, folder, name, error));
    if (appended) {
        TRY(weir__file_append(path, t->text, t->size, error));
        goto done;
    }
    TRY(weir__file_begin(&file, path, error));
    weir__file_put(t->text, t->size, &file);
    TRY(weir__file_commit(&file, error));
done:
    weir__file_abandon(&file);
    weir__free(path);
    return status;
}

static weir_status write_epochs(const weir_trainer *trainer, size_t first, const char *folder, bool appended,
                                weir_error *error) {
    weir_status status = WEIR_OK;
    text_stream lines, table;
    text_begin(&lines);
    text_begin(&table);
    if (!appended) put_heading(&table, &of_epochs);
    for (size_t i = first; i < trainer->epoch_count; i++) {
        put_line(&lines, weir__epoch_to_json(&trainer->epochs[i]));
        put_row(&table, &of_epochs, weir__epoch_to_json(&trainer->epochs[i]));
    }
    const weir_status lines_made = text_end(&lines, error), table_made = text_end(&table, error);
    TRY(lines_made);
    TRY(table_made);
    TRY(write_text(folder, of_epochs.lines, &lines, appended, error));
    TRY(write_text(folder, of_epochs.table, &table, appended, error));
done:
    free(lines.text);
    free(table.text);
    return status;
}

weir_status weir__metrics_append(const weir_trainer *trainer, const char *folder, weir_error *error) {
    return write_epochs(trainer, trainer->epoch_count - 1, folder, true, error);
}

// ---- Records of steps.

static json_t *step_to_json(const weir_trainer *trainer) {
    const weir__place *place = &trainer->place;
    const uint64_t rows = place->rows - place->logged_rows;
    const double batches = trainer->batches ? (double)trainer->batches : 1;
    json_t *json = json_object();
    int failed = json_object_set_new(json, "step", json_integer((json_int_t)place->step));
    failed |= json_object_set_new(json, "epoch", json_integer((json_int_t)place->epoch + 1));
    failed |= json_object_set_new(json, "batch", json_integer((json_int_t)place->batch));
    failed |= json_object_set_new(json, "loss", weir__json_real((place->loss - place->logged_loss) / (double)rows));
    failed |= json_object_set_new(json, "share",
                                  weir__json_real(weir__share_between(place->logged_gates, place->gates)));
    failed |= json_object_set_new(json, "rate",
                                  json_real(weir__schedule_rate(&trainer->options.optimizer, place->epoch,
                                                                trainer->batches ? (double)(place->batch - 1) / batches
                                                                                 : 0,
                                                                trainer->options.epochs)));
    if (!failed) return json;
    json_decref(json);
    return NULL;
}

weir_status weir__steps_append(weir_trainer *trainer, const char *folder, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__place *place = &trainer->place;
    const size_t every = trainer->options.log_steps;
    text_stream lines, table;
    if (!every || place->step % every) return WEIR_OK;
    text_begin(&lines);
    text_begin(&table);
    put_line(&lines, step_to_json(trainer));
    put_row(&table, &of_steps, step_to_json(trainer));
    const weir_status lines_made = text_end(&lines, error), table_made = text_end(&table, error);
    TRY(lines_made);
    TRY(table_made);
    TRY(write_text(folder, of_steps.lines, &lines, true, error));
    TRY(write_text(folder, of_steps.table, &table, true, error));
    place->logged_loss = place->loss;
    place->logged_rows = place->rows;
    place->logged_gates = place->gates;
done:
    free(lines.text);
    free(table.text);
    return status;
}

// The number in front of a record: of {"step":12,…} and of 12,….
static uint64_t number_of(const char *line) {
    const char *digits = strpbrk(line, "0123456789");
    return digits ? strtoull(digits, NULL, 10) : 0;
}

// Keeps the records up to the trainer's step: those behind it are made again. A line that is cut is one of them.
static weir_status keep_steps(const weir_trainer *trainer, const char *folder, const char *name, text_stream *kept,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    char *path = NULL, *line = NULL;
    size_t size = 0;
    ssize_t length;
    FILE *from = NULL;
    TRY(weir__path_in(&path, folder, name, error));
    from = trainer->place.step ? fopen(path, "re") : NULL;
    while (from && (length = getline(&line, &size, from)) > 0) {
        const bool record = line[0] == '{' || (line[0] >= '0' && line[0] <= '9');
        if (!record || line[length - 1] != '\n' || number_of(line) > trainer->place.step) continue;
        kept->failed = kept->failed || fputs(line, kept->stream) == EOF;
    }
    TRY(text_end(kept, error));
    TRY(write_text(folder, name, kept, false, error));
done:
    if (from) fclose(from);
    free(line);
    weir__free(path);
    return status;
}

static weir_status rewrite_steps(const weir_trainer *trainer, const char *folder, weir_error *error) {
    weir_status status = WEIR_OK;
    text_stream lines, table;
    if (!trainer->options.log_steps) return WEIR_OK;
    text_begin(&lines);
    text_begin(&table);
    put_heading(&table, &of_steps);
    status = keep_steps(trainer, folder, of_steps.lines, &lines, error);
    if (status == WEIR_OK) status = keep_steps(trainer, folder, of_steps.table, &table, error);
    (void)text_end(&lines, NULL);
    (void)text_end(&table, NULL);
    free(lines.text);
    free(table.text);
    return status;
}

weir_status weir__metrics_rewrite(const weir_trainer *trainer, const char *folder, weir_error *error) {
    const weir_status status = write_epochs(trainer, 0, folder, false, error);
    return status == WEIR_OK ? rewrite_steps(trainer, folder, error) : status;
}
