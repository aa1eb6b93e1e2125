// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Data sets split in three. A part is a range of rows of a set, so that splitting copies nothing.

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../core/core.h"
#include "notes.h"
#include "rows.h"
#include "scale.h"
#include "streams.h"
#include "table.h"

enum { mnist_valid = 10000, mnist_rows = 60000, share_split_off = 6 };

/// Rows with labels, as one or two files hold them, and what is to be predicted if not the labels.
typedef struct labelled {
    weir_rows *rows;
    int32_t *labels;
    weir_rows *targets;
} labelled;

struct weir_data {
    labelled sets[3];
    weir_part train, valid, test;
    size_t columns, classes;
    weir_scale *scale;
    weir__notes notes;
    bool index; ///< the first column of the training file counts its rows
};

static bool given(const char *text) { return text && *text; }

static bool wants_labels(const weir_data_options *options) {
    return !options->targets || strcmp(options->targets, "labels") == 0;
}

static weir_part part_of(const labelled *set, size_t first, size_t count) {
    return (weir_part){.rows = set->rows, .labels = set->labels, .first = first, .count = count};
}

// ---- Digits: each part has rows of its own, far apart in the generator, so that the size of one does not move the
// others.

static weir_status draw_digits(labelled *set, weir_part *part, uint64_t seed, size_t first, size_t count,
                               weir_error *error) {
    weir_status status = WEIR_OK;
    enum { side = 28, most = 1 << 30 };
    uint8_t *images = NULL;
    TRY_THAT(count <= most, WEIR_ARGUMENT, "%zu digits asked for; at most %d per part", count, most);
    TRY(weir__new(&images, count, side * side, "digits", error));
    TRY(weir__new(&set->labels, count, sizeof *set->labels, "labels", error));
    TRY(weir_digits(images, set->labels, seed, first, count, error));
    const weir_shape shape = {.rows = count, .columns = side * side, .height = side, .width = side};
    uint8_t *bytes = images;
    images = NULL;
    TRY(weir__rows_adopt(&set->rows, shape, bytes, 1.0F / 255, NULL, error));
    *part = part_of(set, 0, count);
done:
    weir__free(images);
    return status;
}

static weir_status load_digits(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t train = options->train ? options->train : 4000, valid = options->valid ? options->valid : 1000,
                 test = options->test ? options->test : 1000;
    TRY(draw_digits(&data->sets[0], &data->train, options->seed, 0, train, error));
    TRY(draw_digits(&data->sets[1], &data->valid, options->seed, (size_t)1 << 30, valid, error));
    TRY(draw_digits(&data->sets[2], &data->test, options->seed, (size_t)1 << 31, test, error));
done:
    return status;
}

// ---- Files.

static weir_status check_counts(const labelled *set, size_t labels, const char *rows_name, const char *labels_name,
                                weir_error *error) {
    const size_t rows = set->rows->shape.rows;
    if (rows == labels) return WEIR_OK;
    return weir__fail(error, WEIR_DATA, "%s holds %zu labels, but %s holds %zu rows; they must agree%s", labels_name,
                      labels, rows_name, rows,
                      labels == rows + 1 || rows == labels + 1 ? "; does one of them begin with a name? See data.header"
                                                               : "");
}

static bool wants_values(const weir_data_options *options) {
    return options->targets && strcmp(options->targets, "values") == 0;
}

/// The files of one set.
typedef struct set_files {
    const char *rows, *labels, *targets; ///< "" or NULL: none
} set_files;

static weir_status read_targets(labelled *set, const set_files *files, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_table table = {0};
    const weir__csv_options all = {.label_column = -1};
    if (!given(files->targets)) return WEIR_OK;
    TRY_THAT(!set->targets, WEIR_CONFIG, "%s: data.target_columns and a file of targets exclude each other",
             files->targets);
    TRY(weir__table_read(&table, files->targets, &all, true, error));
    TRY_THAT(table.rows->shape.rows == set->rows->shape.rows, WEIR_DATA,
             "%s holds %zu targets, but %s holds %zu rows; they must agree", files->targets, table.rows->shape.rows,
             files->rows, set->rows->shape.rows);
    set->targets = table.rows;
    table.rows = NULL;
done:
    weir_table_free(&table);
    return status;
}

static weir_status read_options_of(weir__csv_options *out, const set_files *files, const weir_data_options *options,
                                   weir_error *error) {
    weir_status status = WEIR_OK;
    *out = (weir__csv_options){.label_column = given(files->labels) ? -1 : options->label_column, .labels = true};
    TRY(weir__header_find(&out->header, options->header, error));
    TRY(weir__columns_parse(&out->targets, options->target_columns, "data.target_columns", error));
    TRY(weir__columns_parse(&out->skipped, options->skip_columns, "data.skip_columns", error));
done:
    return status;
}

static weir_status read_labels(labelled *set, weir__notes *notes, const set_files *files, weir__header header,
                               weir_error *error) {
    weir_status status = WEIR_OK;
    size_t count = 0;
    char note[WEIR_NOTE] = "";
    if (!given(files->labels)) return WEIR_OK;
    TRY(weir__labels_read(&set->labels, &count, files->labels, header, note, error));
    TRY(check_counts(set, count, files->rows, files->labels, error));
    if (*note) weir__note(notes, "%s", note);
done:
    return status;
}

static weir_status read_set(labelled *set, weir__notes *notes, const set_files *files, const weir_data_options *options,
                            weir_error *error) {
    weir_status status = WEIR_OK;
    weir_table table = {0};
    weir__csv_options csv;
    TRY(read_options_of(&csv, files, options, error));
    TRY(weir__table_read(&table, files->rows, &csv, false, error));
    *set = (labelled){table.rows, table.labels, table.targets};
    if (*table.note) weir__note(notes, "%s", table.note);
    TRY(read_labels(set, notes, files, csv.header, error));
    TRY(read_targets(set, files, error));
    TRY_THAT(set->labels || !wants_labels(options), WEIR_ARGUMENT,
             "%s: no labels; name a file of labels, or the label's column of a CSV file", files->rows);
    TRY_THAT(set->targets || !wants_values(options), WEIR_ARGUMENT,
             "%s: no targets; name their columns (data.target_columns) or a file of them (data.train_targets, "
             "data.test_targets)",
             files->rows);
done:
    return status;
}

// Cuts rows 0 … all−1 of a set into train, valid and, from the end, test rows (test NULL: none are wanted).
static weir_status cut(const labelled *set, weir_part *train, weir_part *valid, weir_part *test,
                       const weir_data_options *options, size_t usual_valid, const char *name, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t all = set->rows->shape.rows, asked_train = options->train ? options->train : 1;
    const size_t fewest = test ? 3 : 2;
    TRY_THAT(all >= fewest, WEIR_DATA, "%s: holds %zu row%s; at least %zu are needed for the parts", name, all,
             all == 1 ? "" : "s", fewest);
    TRY_THAT(asked_train < all, WEIR_DATA, "%s: %zu training rows asked for, but it holds only %zu in all", name,
             asked_train, all);
    // What was not asked for takes its usual share of what was not asked for either, at least one row.
    size_t tests = 0, left = all - asked_train;
    if (test) {
        tests = options->test ? options->test : all / share_split_off;
        if (!options->test && options->train && tests > left / 2) tests = left / 2;
        if (!tests) tests = 1;
    }
    TRY_THAT(tests < left, WEIR_DATA, "%s: its %zu rows are too few for %zu test rows and the others", name, all,
             tests);
    left -= tests;
    size_t valids = options->valid ? options->valid : usual_valid;
    if (!options->valid && valids > left) valids = left;
    if (!valids) valids = 1;
    TRY_THAT(valids <= left, WEIR_DATA, "%s: its %zu rows are too few for %zu validation rows and the others", name,
             all, valids);
    *train = part_of(set, 0, options->train ? options->train : all - tests - valids);
    *valid = part_of(set, all - tests - valids, valids);
    if (test) *test = part_of(set, all - tests, tests);
done:
    return status;
}

// The test part is the first rows of a set of its own.
static weir_status take_test(weir_data *data, const labelled *set, const weir_data_options *options, const char *name,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_shape shape = set->rows->shape, train = data->sets[0].rows->shape;
    TRY_THAT(options->test <= shape.rows, WEIR_DATA, "%s: %zu test rows asked for, but it holds %zu", name,
             options->test, shape.rows);
    TRY_THAT(shape.columns == train.columns, WEIR_SHAPE, "%s: has %zu values per row, but the training rows have %zu",
             name, shape.columns, train.columns);
    data->test = part_of(set, 0, options->test ? options->test : shape.rows);
done:
    return status;
}

// "FOLDER/NAME", or "FOLDER/NAME.gz" where only that one is there. Freed with weir__free.
static weir_status find_file(char **path, const char *folder, const char *name, weir_error *error) {
    weir_status status = WEIR_OK;
    struct stat about;
    const size_t room = strlen(folder) + strlen(name) + 5;
    TRY(weir__new(path, room, 1, "a file name", error));
    for (int packed = 0; packed < 2; packed++) {
        snprintf(*path, room, "%s/%s%s", folder, name, packed ? ".gz" : "");
        if (stat(*path, &about) == 0) goto done;
    }
    status =
        weir__fail(error, WEIR_NOT_FOUND, "%s: not found, nor without .gz; \"weir fetch mnist\" downloads it", *path);
done:
    return status;
}

static weir_status read_mnist_set(labelled *set, weir__notes *notes, const weir_data_options *options,
                                  const char *which, weir_error *error) {
    weir_status status = WEIR_OK;
    char name[64], *rows = NULL, *labels = NULL;
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", which);
    TRY(find_file(&rows, options->path, name, error));
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", which);
    TRY(find_file(&labels, options->path, name, error));
    TRY(read_set(set, notes, &(set_files){.rows = rows, .labels = labels}, options, error));
done:
    weir__free(rows);
    weir__free(labels);
    return status;
}

static weir_status load_mnist(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    struct stat about;
    const char *folder = options->path;
    TRY_THAT(given(folder), WEIR_NOT_FOUND,
             "no folder given for the \"mnist\" data; \"weir fetch mnist\" downloads it, --data FOLDER names it");
    TRY_THAT(stat(folder, &about) == 0, WEIR_NOT_FOUND,
             "%s: no such folder; \"weir fetch mnist\" downloads the data, --data FOLDER names it", folder);
    TRY_THAT(S_ISDIR(about.st_mode), WEIR_IO, "%s: is a file, but the folder with the four MNIST files is needed",
             folder);
    TRY(read_mnist_set(&data->sets[0], &data->notes, options, "train", error));
    TRY(read_mnist_set(&data->sets[1], &data->notes, options, "t10k", error));
    const size_t rows = data->sets[0].rows->shape.rows;
    const size_t valid = rows >= mnist_rows ? mnist_valid : rows / share_split_off;
    TRY(cut(&data->sets[0], &data->train, &data->valid, NULL, options, valid, "the MNIST training file", error));
    TRY(take_test(data, &data->sets[1], options, "the MNIST test file", error));
done:
    return status;
}

static weir_status shuffle(labelled *set, uint64_t seed, weir_error *error) {
    weir_status status = WEIR_OK;
    uint32_t *order = NULL;
    const size_t rows = set->rows->shape.rows;
    const weir_noise noise = {.seed = seed, .stream = weir__split_stream};
    TRY(weir__new(&order, rows, sizeof *order, "the order of rows", error));
    weir_random_permutation(order, noise, rows);
    TRY(weir__rows_reorder(set->rows, set->labels, order, error));
    if (!set->targets) goto done;
    weir_random_permutation(order, noise, rows); // reordering has used it up
    TRY(weir__rows_reorder(set->targets, NULL, order, error));
done:
    weir__free(order);
    return status;
}

static weir_status load_files(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *name = options->train_rows;
    TRY_THAT(given(name), WEIR_ARGUMENT, "no file of training rows given for the \"files\" data");
    const set_files train = {name, options->train_labels, options->train_targets},
                    test = {options->test_rows, options->test_labels, options->test_targets};
    TRY(read_set(&data->sets[0], &data->notes, &train, options, error));
    data->index = weir__counts_rows(data->sets[0].rows);
    TRY(shuffle(&data->sets[0], options->seed, error));
    const bool own_test = given(options->test_rows);
    const size_t valid = data->sets[0].rows->shape.rows / share_split_off;
    TRY(cut(&data->sets[0], &data->train, &data->valid, own_test ? NULL : &data->test, options, valid, name, error));
    if (own_test) {
        TRY(read_set(&data->sets[1], &data->notes, &test, options, error));
        TRY(take_test(data, &data->sets[1], options, options->test_rows, error));
    }
done:
    return status;
}

// ---- All sources.

static const struct {
    const char *name;
    weir_status (*load)(weir_data *data, const weir_data_options *options, weir_error *error);
} sources[] = {{"digits", load_digits}, {"mnist", load_mnist}, {"files", load_files}};

enum { source_count = sizeof sources / sizeof *sources };

static weir_status find_source(size_t *index, const char *name, weir_error *error) {
    const char *names[source_count];
    for (size_t i = 0; i < source_count; i++) {
        names[i] = sources[i].name;
        *index = i;
        if (name && strcmp(name, names[i]) == 0) return WEIR_OK;
    }
    if (!name) name = "";
    return weir__fail(error, WEIR_NOT_FOUND, "unknown data source \"%s\"; there are digits, mnist and files%s", name,
                      weir_suggest(name, names, source_count).text);
}

static size_t largest_label(const weir_part *part) {
    int32_t largest = 0;
    for (size_t i = 0; part->labels && i < part->count; i++) {
        const int32_t label = part->labels[part->first + i];
        if (label > largest) largest = label;
    }
    return (size_t)largest;
}

// ---- What is done to rows of any source.

static weir_status scale_rows(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_part *train = &data->train;
    char note[WEIR_NOTE];
    if (options->known_scale) {
        TRY(weir_scale_copy(&data->scale, options->known_scale, error));
    } else {
        TRY(weir__scale_find(&data->scale, options->scale, train->rows, train->first, train->count, error));
    }
    const bool standardised = strcmp(data->scale->kind, "standardise") == 0;
    TRY_THAT(!standardised || !options->binarise || strcmp(options->binarise, "none") == 0, WEIR_CONFIG,
             "data.binarise is \"%s\" and takes values 0 to 1, but data.scale \"standardise\" gives others; set one of "
             "them to none",
             options->binarise);
    for (size_t i = 0; i < 3; i++) {
        if (!data->sets[i].rows) continue;
        if (!i && !options->known_scale) {
            TRY(weir_rows_scale(data->sets[i].rows, data->scale, error));
            continue;
        }
        TRY(weir_rows_scale_like(data->sets[i].rows, note, data->scale, error));
        if (*note) weir__note(&data->notes, "%s rows: %s", i ? "test" : "training", note);
    }
done:
    return status;
}

static weir_status prepare(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_part *const parts[] = {&data->train, &data->valid, &data->test};
    for (uint32_t i = 0; i < 3; i++) {
        labelled *set = &data->sets[i];
        weir_rows *halves = NULL;
        const weir_status status = set->rows ? weir_rows_prepare(set->rows, &halves, options, i, error) : WEIR_OK;
        if (status != WEIR_OK) return status;
        if (halves) set->targets = halves;
        for (size_t k = 0; k < 3; k++) {
            if (parts[k]->rows == set->rows) parts[k]->targets = set->targets;
        }
    }
    return WEIR_OK;
}

// What only matters where targets are values of files. Said before anything is read.
static weir_status check_options(const weir_data_options *o, weir_error *error) {
    const struct {
        const char *name, *value;
        bool of_targets;
    } settings[] = {{"data.target_columns", o->target_columns, true},
                    {"data.train_targets", o->train_targets, true},
                    {"data.test_targets", o->test_targets, true},
                    {"data.skip_columns", o->skip_columns, false}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (!given(settings[i].value)) continue;
        if (strcmp(o->source, "files") != 0)
            return weir__fail(error, WEIR_CONFIG, "%s is \"%s\", but has no effect with data.source %s; leave it out",
                              settings[i].name, settings[i].value, o->source);
        if (settings[i].of_targets && !wants_values(o))
            return weir__fail(error, WEIR_CONFIG,
                              "%s is \"%s\", but has no effect with data.targets %s; set data.targets to values",
                              settings[i].name, settings[i].value, o->targets ? o->targets : "labels");
    }
    if (wants_values(o) && strcmp(o->source, "files") != 0)
        return weir__fail(error, WEIR_CONFIG, "data.targets \"values\" needs data.source files, not %s", o->source);
    return WEIR_OK;
}

static weir_status note_all(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    const bool binarised = options->binarise && strcmp(options->binarise, "none") != 0;
    data->notes.guesses = data->notes.count;
    if (data->index)
        weir__note(&data->notes,
                   "the first value of each row counts the rows of %s: if it is an index, data.skip_columns "
                   "leaves it out",
                   options->train_rows);
    TRY(weir__note_columns(&data->notes, &data->train, error));
    if (binarised) weir__note_binarised(&data->notes, &data->train, options->binarise);
    if (wants_values(options)) TRY(weir__note_targets(&data->notes, &data->train, error));
    if (data->train.labels && wants_labels(options))
        TRY(weir__note_labels(&data->notes, &data->train, data->classes, error));
done:
    return status;
}

weir_status weir_data_load(weir_data **data, const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_data *fresh = NULL;
    size_t source;
    *data = NULL;
    TRY(find_source(&source, options->source, error));
    TRY(check_options(options, error));
    TRY(weir__new(&fresh, 1, sizeof *fresh, "a data set", error));
    TRY(sources[source].load(fresh, options, error));
    TRY(scale_rows(fresh, options, error));
    TRY(prepare(fresh, options, error));
    fresh->columns = fresh->train.rows->shape.columns;
    const weir_part *const parts[] = {&fresh->train, &fresh->valid, &fresh->test};
    for (size_t i = 0; i < 3 && fresh->train.labels; i++) {
        const size_t classes = largest_label(parts[i]) + 1;
        if (classes > fresh->classes) fresh->classes = classes;
    }
    TRY(note_all(fresh, options, error));
    *data = fresh;
    fresh = NULL;
done:
    weir_data_free(fresh);
    return status;
}

weir_part weir_data_train(const weir_data *data) { return data->train; }
weir_part weir_data_valid(const weir_data *data) { return data->valid; }
weir_part weir_data_test(const weir_data *data) { return data->test; }
size_t weir_data_columns(const weir_data *data) { return data->columns; }
size_t weir_data_classes(const weir_data *data) { return data->classes; }
size_t weir_data_targets(const weir_data *data) {
    return data->train.targets ? weir_rows_shape(data->train.targets).columns : 0;
}

const weir_scale *weir_data_scale(const weir_data *data) { return data->scale; }
size_t weir_data_guesses(const weir_data *data) { return data->notes.guesses; }
const char *weir_data_note(const weir_data *data, size_t index) {
    return index < data->notes.count ? data->notes.text[index] : NULL;
}

void weir_data_free(weir_data *data) {
    if (!data) return;
    weir_scale_free(data->scale);
    for (size_t i = 0; i < 3; i++) {
        weir_rows_free(data->sets[i].rows);
        weir_labels_free(data->sets[i].labels);
        weir_rows_free(data->sets[i].targets);
    }
    weir__free(data);
}
