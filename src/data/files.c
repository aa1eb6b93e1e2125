// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Data sets in files: MNIST's four, or rows, labels and targets in files of the user. A part is a range of rows of a
// set, so that splitting copies nothing.

#include <stdlib.h>
#include <sys/stat.h>

#include "dataset.h"
#include "streams.h"
#include "table.h"

enum { mnist_valid = 10000, mnist_rows = 60000, share_split_off = 6 };

static weir_status check_counts(const weir__labelled *set, size_t labels, const char *rows_name,
                                const char *labels_name, weir_error *error) {
    const size_t rows = set->rows->shape.rows;
    if (rows == labels) return WEIR_OK;
    return weir__fail(error, WEIR_DATA, "%s holds %zu labels, but %s holds %zu rows; they must agree%s", labels_name,
                      labels, rows_name, rows,
                      labels == rows + 1 || rows == labels + 1 ? "; does one of them begin with a name? See data.header"
                                                               : "");
}

/// The files of one set.
typedef struct set_files {
    const char *rows, *labels, *targets; ///< "" or NULL: none
} set_files;

static weir_status read_targets(weir__labelled *set, const set_files *files, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_table table = {0};
    const weir__csv_options all = {0};
    if (!weir__given(files->targets)) return WEIR_OK;
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

// Names that a file has, beside those that are there. Nothing is said of lists without names.
static weir_status add_names(weir_data *data, const weir_names *names, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!data->names) TRY(weir_names_create(&data->names, error));
    for (weir_named list = WEIR_NAMED_COLUMNS; list <= WEIR_NAMED_LABEL; list++) {
        const size_t count = weir_names_count(names, list);
        const char **texts = NULL;
        if (!count) continue;
        TRY(weir__new((void *)&texts, count, sizeof *texts, "names", error));
        for (size_t i = 0; i < count; i++) texts[i] = weir_names_at(names, list, i);
        status = weir_names_set(data->names, list, texts, count, error);
        weir__free((void *)texts);
        TRY(status);
    }
done:
    return status;
}

static weir_status read_options_of(weir__csv_options *out, const set_files *files, const weir_data_options *options,
                                   const weir_names *known, weir_error *error) {
    weir_status status = WEIR_OK;
    *out = (weir__csv_options){.label = weir__given(files->labels) ? "" : weir__label_column(options->label_column),
                               .targets = options->target_columns,
                               .skipped = options->skip_columns,
                               .labels = true,
                               .named_labels = true,
                               .names = known};
    TRY(weir__header_find(&out->header, options->header, error));
    TRY(weir__csv_options_check(out, error));
done:
    return status;
}

static weir_status read_labels(weir__labelled *set, weir_data *data, const set_files *files,
                               const weir__csv_options *csv, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t count = 0;
    weir_table table = {0};
    if (!weir__given(files->labels)) return WEIR_OK;
    TRY(weir__labels_read(&table, &count, files->labels, csv, error));
    TRY(check_counts(set, count, files->rows, files->labels, error));
    if (*table.note) weir__note(&data->notes, "%s", table.note);
    set->labels = table.labels;
    table.labels = NULL;
    if (!csv->names) TRY(add_names(data, table.names, error));
done:
    weir_table_free(&table);
    return status;
}

static weir_status read_set(weir__labelled *set, weir_data *data, const set_files *files,
                            const weir_data_options *options, const weir_names *known, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_table table = {0};
    weir__csv_options csv;
    TRY(read_options_of(&csv, files, options, known, error));
    TRY(weir__table_read(&table, files->rows, &csv, false, error));
    *set = (weir__labelled){.rows = table.rows, .labels = table.labels, .targets = table.targets};
    table.rows = table.targets = NULL;
    table.labels = NULL;
    if (*table.note) weir__note(&data->notes, "%s", table.note);
    if (!known) TRY(add_names(data, table.names, error));
    TRY(read_labels(set, data, files, &csv, error));
    TRY(read_targets(set, files, error));
    TRY_THAT(set->labels || !weir__wants_labels(options), WEIR_ARGUMENT,
             "%s: no labels; name a file of labels, or the label's column of a CSV file", files->rows);
    TRY_THAT(set->targets || !weir__wants_values(options), WEIR_ARGUMENT,
             "%s: no targets; name their columns (data.target_columns) or a file of them (data.train_targets, "
             "data.test_targets)",
             files->rows);
done:
    weir_table_free(&table);
    return status;
}

// Cuts rows 0 … all−1 of a set into train, valid and, from the end, test rows (test NULL: none are wanted).
static weir_status cut(const weir__labelled *set, weir_part *train, weir_part *valid, weir_part *test,
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
    *train = weir__part_of(set, 0, options->train ? options->train : all - tests - valids);
    *valid = weir__part_of(set, all - tests - valids, valids);
    if (test) *test = weir__part_of(set, all - tests, tests);
done:
    return status;
}

// The test part is the first rows of a set of its own.
static weir_status take_test(weir_data *data, const weir__labelled *set, const weir_data_options *options,
                             const char *name, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_shape shape = set->rows->shape, train = data->sets[0].rows->shape;
    TRY_THAT(options->test <= shape.rows, WEIR_DATA, "%s: %zu test rows asked for, but it holds %zu", name,
             options->test, shape.rows);
    TRY_THAT(shape.columns == train.columns, WEIR_SHAPE, "%s: has %zu values per row, but the training rows have %zu",
             name, shape.columns, train.columns);
    data->test = weir__part_of(set, 0, options->test ? options->test : shape.rows);
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

static weir_status read_mnist_set(weir__labelled *set, weir_data *data, const weir_data_options *options,
                                  const char *which, weir_error *error) {
    weir_status status = WEIR_OK;
    char name[64], *rows = NULL, *labels = NULL;
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", which);
    TRY(find_file(&rows, options->path, name, error));
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", which);
    TRY(find_file(&labels, options->path, name, error));
    TRY(read_set(set, data, &(set_files){.rows = rows, .labels = labels}, options, NULL, error));
done:
    weir__free(rows);
    weir__free(labels);
    return status;
}

// Moves `wanted` rows that lie evenly among the `count` rows from `first` on to their end, or to their beginning. MNIST's
// files are sorted by who wrote the digits: errors on the first half of the test file are 1.7 times those on the second,
// so that a small part has to come from all of it.
static weir_status spread(weir__labelled *set, size_t first, size_t count, size_t wanted, bool to_end,
                          weir_error *error) {
    weir_status status = WEIR_OK;
    uint32_t *order = NULL;
    const size_t rows = set->rows->shape.rows;
    if (!wanted || wanted >= count) return WEIR_OK;
    TRY(weir__new(&order, rows, sizeof *order, "the order of rows", error));
    for (size_t i = 0; i < rows; i++) order[i] = (uint32_t)i;
    size_t taken = to_end ? first + count - wanted : first, left = to_end ? first : first + wanted;
    for (size_t i = 0, next = 0; i < count; i++) {
        const bool take = next < wanted && i == next * count / wanted;
        next += take;
        order[take ? taken++ : left++] = (uint32_t)(first + i);
    }
    TRY(weir__rows_reorder(set->rows, set->labels, order, error));
done:
    weir__free(order);
    return status;
}

weir_status weir__load_mnist(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_content content;
    const char *folder = options->path;
    TRY_THAT(weir__given(folder), WEIR_NOT_FOUND,
             "no folder given for the \"mnist\" data; \"weir fetch mnist\" downloads it, --data FOLDER names it");
    status = weir_content_find(&content, folder, error);
    TRY_THAT(status != WEIR_NOT_FOUND, WEIR_NOT_FOUND,
             "%s: no such folder; \"weir fetch mnist\" downloads the data, --data FOLDER names it", folder);
    TRY(status);
    TRY_THAT(content == WEIR_CONTENT_FOLDER || content == WEIR_CONTENT_RUN, WEIR_IO,
             "%s: is a file, but the folder with the four MNIST files is needed; it looks like %s", folder,
             weir_content_text(content));
    TRY(read_mnist_set(&data->sets[0], data, options, "train", error));
    TRY(read_mnist_set(&data->sets[1], data, options, "t10k", error));
    const size_t rows = data->sets[0].rows->shape.rows;
    const size_t valid = rows >= mnist_rows ? mnist_valid : rows / share_split_off;
    TRY(cut(&data->sets[0], &data->train, &data->valid, NULL, options, valid, "the MNIST training file", error));
    const size_t behind = rows - options->train, pool = valid < behind ? valid : behind;
    TRY(spread(&data->sets[0], rows - pool, pool, data->valid.count, true, error));
    TRY(spread(&data->sets[1], 0, data->sets[1].rows->shape.rows, options->test, false, error));
    TRY(take_test(data, &data->sets[1], options, "the MNIST test file", error));
done:
    return status;
}

static weir_status shuffle(weir__labelled *set, uint64_t seed, weir_error *error) {
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

weir_status weir__load_files(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *name = options->train_rows;
    TRY_THAT(weir__given(name), WEIR_ARGUMENT, "no file of training rows given for the \"files\" data");
    const set_files train = {name, options->train_labels, options->train_targets},
                    test = {options->test_rows, options->test_labels, options->test_targets};
    const bool own_test = weir__given(options->test_rows);
    const char *label = weir__label_column(options->label_column);
    TRY_THAT(!*label || !weir__given(train.labels) || (own_test && !weir__given(test.labels)), WEIR_CONFIG,
             "data.label_column is %s, but data.train_labels names %s: labels are in a column or in a file of their "
             "own; set label_column or train_labels to \"\" (data.skip_columns leaves columns out)",
             label, train.labels);
    TRY(weir_names_copy(&data->names, options->known_names, error));
    if (options->known_scale && !data->names) TRY(weir_names_create(&data->names, error)); // of a model without names
    TRY(read_set(&data->sets[0], data, &train, options, data->names, error));
    data->index = weir__counts_rows(data->sets[0].rows);
    TRY(shuffle(&data->sets[0], options->seed, error));
    const size_t valid = data->sets[0].rows->shape.rows / share_split_off;
    TRY(cut(&data->sets[0], &data->train, &data->valid, own_test ? NULL : &data->test, options, valid, name, error));
    if (own_test) {
        TRY(read_set(&data->sets[1], data, &test, options, data->names, error));
        TRY(take_test(data, &data->sets[1], options, options->test_rows, error));
    }
done:
    return status;
}
