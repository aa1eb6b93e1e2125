// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Data sets split in three, whatever they come from. What is done to all rows alike: scale, binarisation, notes.

#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "scale.h"

// ---- Digits: each part has rows of its own, far apart in the generator, so that the size of one does not move the
// others.

static weir_status draw_digits(weir__labelled *set, weir_part *part, uint64_t seed, size_t first, size_t count,
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
    *part = weir__part_of(set, 0, count);
done:
    weir__free(images);
    return status;
}

weir_status weir__load_digits(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t train = options->train ? options->train : 4000, valid = options->valid ? options->valid : 1000,
                 test = options->test ? options->test : 1000;
    TRY(draw_digits(&data->sets[0], &data->train, options->seed, 0, train, error));
    TRY(draw_digits(&data->sets[1], &data->valid, options->seed, (size_t)1 << 30, valid, error));
    TRY(draw_digits(&data->sets[2], &data->test, options->seed, (size_t)1 << 31, test, error));
done:
    return status;
}

// ---- All sources.

static const struct {
    const char *name;
    weir_status (*load)(weir_data *data, const weir_data_options *options, weir_error *error);
} sources[] = {{"digits", weir__load_digits}, {"mnist", weir__load_mnist}, {"files", weir__load_files}, {"text", weir__load_text}};

enum { source_count = sizeof sources / sizeof *sources };

static weir_status find_source(size_t *index, const char *name, weir_error *error) {
    const char *names[source_count];
    for (size_t i = 0; i < source_count; i++) {
        names[i] = sources[i].name;
        *index = i;
        if (name && strcmp(name, names[i]) == 0) return WEIR_OK;
    }
    if (!name) name = "";
    return weir__fail(error, WEIR_NOT_FOUND, "unknown data source \"%s\"; there are digits, mnist, files and text%s", name,
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

// Parts that are split from the training rows' file: their values had no say in the scale.
static void note_split(weir_data *data) {
    const weir_part *const parts[] = {&data->valid, &data->test};
    for (size_t i = 0; i < 2; i++) {
        char note[WEIR_NOTE];
        if (!parts[i]->count || parts[i]->rows != data->train.rows) continue;
        weir__scale_note(note, data->scale, parts[i]);
        if (*note) weir__note(&data->notes, "%s rows: %s", i ? "test" : "validation", note);
    }
}

static weir_status scale_rows(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_part *train = &data->train;
    char note[WEIR_NOTE];
    if (data->text) return WEIR_OK; // tokens are numbers of classes
    if (data->scale) {
        // a stream's
    } else if (options->known_scale) {
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
    if (!options->known_scale) note_split(data);
done:
    return status;
}

static weir_status prepare(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_part *const parts[] = {&data->train, &data->valid, &data->test};
    for (uint32_t i = 0; i < 3; i++) {
        weir__labelled *set = &data->sets[i];
        weir_rows *halves = NULL;
        const bool some = set->rows && set->rows->shape.rows;
        const weir_status status = some ? weir_rows_prepare(set->rows, &halves, options, i, error) : WEIR_OK;
        if (status != WEIR_OK) return status;
        if (halves) set->targets = halves;
        for (size_t k = 0; k < 3; k++) {
            if (some && parts[k]->rows == set->rows) parts[k]->targets = set->targets;
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
        if (!weir__given(settings[i].value)) continue;
        if (strcmp(o->source, "files") != 0)
            return weir__fail(error, WEIR_CONFIG, "%s is \"%s\", but has no effect with data.source %s; leave it out",
                              settings[i].name, settings[i].value, o->source);
        if (settings[i].of_targets && !weir__wants_values(o))
            return weir__fail(error, WEIR_CONFIG,
                              "%s is \"%s\", but has no effect with data.targets %s; set data.targets to values",
                              settings[i].name, settings[i].value, o->targets ? o->targets : "labels");
    }
    if (weir__wants_values(o) && strcmp(o->source, "files") != 0)
        return weir__fail(error, WEIR_CONFIG, "data.targets \"values\" needs data.source files, not %s", o->source);
    return WEIR_OK;
}

static void count_classes(weir_data *data) {
    const weir_part *const parts[] = {&data->train, &data->valid, &data->test};
    for (size_t i = 0; i < 3; i++) {
        const size_t classes = parts[i]->labels && parts[i]->count ? largest_label(parts[i]) + 1 : 0;
        if (classes > data->classes) data->classes = classes;
    }
}

// Halves of rows have no names. A class with a name counts, whether a row has it or not.
static weir_status check_names(weir_data *data, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t columns = weir_names_count(data->names, WEIR_NAMED_COLUMNS),
                 classes = weir_names_count(data->names, WEIR_NAMED_CLASSES),
                 targets = weir_names_count(data->names, WEIR_NAMED_TARGETS), halves = weir_data_targets(data);
    if (columns && columns == data->columns + halves && columns != data->columns)
        TRY(weir_names_set(data->names, WEIR_NAMED_COLUMNS, NULL, 0, error));
    else
        TRY_THAT(!columns || columns == data->columns, WEIR_SHAPE, "names of %zu columns, but rows of %zu values",
                 columns, data->columns);
    TRY_THAT(!classes || data->classes <= classes, WEIR_DATA, "names of %zu classes, but a label is %zu", classes,
             data->classes - 1);
    TRY_THAT(!targets || targets == halves, WEIR_SHAPE, "names of %zu targets, but there are %zu per row", targets,
             halves);
    if (classes) data->classes = classes;
    if (columns + classes + targets == 0) {
        weir_names_free(data->names);
        data->names = NULL;
    }
done:
    return status;
}

static weir_status note_all(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    const bool binarised = options->binarise && strcmp(options->binarise, "none") != 0;
    data->notes.guesses = data->notes.count;
    if (!data->train.count || data->text) return WEIR_OK;
    if (data->index)
        weir__note(&data->notes,
                   "the first value of each row counts the rows of %s: if it is an index, data.skip_columns "
                   "leaves it out",
                   options->train_rows);
    TRY(weir__note_columns(&data->notes, &data->train, data->names, error));
    if (binarised) weir__note_binarised(&data->notes, &data->train, options->binarise);
    if (weir__wants_values(options)) TRY(weir__note_targets(&data->notes, &data->train, error));
    if (data->train.labels && weir__wants_labels(options))
        TRY(weir__note_labels(&data->notes, (const weir_part[]){data->train, data->valid, data->test}, data->classes,
                              data->names, error));
done:
    return status;
}

weir_status weir__data_finish(weir_data *data, const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(scale_rows(data, options, error));
    TRY(prepare(data, options, error));
    data->columns = data->train.rows->shape.columns;
    count_classes(data);
    TRY(check_names(data, error));
    TRY(note_all(data, options, error));
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
    TRY(weir__data_finish(fresh, options, error));
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
const weir_names *weir_data_names(const weir_data *data) { return data->names; }
size_t weir_data_guesses(const weir_data *data) { return data->notes.guesses; }
const char *weir_data_note(const weir_data *data, size_t index) {
    return index < data->notes.count ? data->notes.text[index] : NULL;
}

void weir_data_free(weir_data *data) {
    if (!data) return;
    weir_scale_free(data->scale);
    weir_names_free(data->names);
    weir__text_free(data->text);
    for (size_t i = 0; i < 3; i++) {
        weir_rows_free(data->sets[i].rows);
        if (!data->sets[i].borrowed) weir_labels_free(data->sets[i].labels);
        weir_rows_free(data->sets[i].targets);
    }
    weir__free(data);
}
