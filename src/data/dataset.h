// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file dataset.h
/// The inside of a data set, for the files that make one.
#ifndef WEIR_DATA_DATASET_H
#define WEIR_DATA_DATASET_H

#include <string.h>

#include "columns.h"
#include "notes.h"
#include "rows.h"

/// Rows with labels, as one or two files hold them, and what is to be predicted if not the labels.
typedef struct weir__labelled {
    weir_rows *rows;
    int32_t *labels;
    weir_rows *targets;
    bool borrowed; ///< labels are the caller's
} weir__labelled;

/// A text with what was made of it.
typedef struct weir__text weir__text;
void weir__text_free(weir__text *text);

struct weir_data {
    weir__labelled sets[3];
    weir_part train, valid, test;
    size_t columns, classes;
    weir_scale *scale;
    weir_names *names; ///< of columns, classes, targets; or NULL
    weir__notes notes;
    bool index;           ///< the first column of the training file counts its rows
    weir__text *text;     ///< that the rows are made of, or NULL
    weir_batches batches; ///< next NULL: the training rows are in memory
};

static inline weir_part weir__part_of(const weir__labelled *set, size_t first, size_t count) {
    return (weir_part){.rows = set->rows, .labels = set->labels, .first = first, .count = count};
}

static inline bool weir__wants_labels(const weir_data_options *options) {
    return !options->targets || strcmp(options->targets, "labels") == 0;
}

static inline bool weir__wants_values(const weir_data_options *options) {
    return options->targets && strcmp(options->targets, "values") == 0;
}

/// The sources of weir_data_load: each fills sets, parts and notes.
weir_status weir__load_digits(weir_data *data, const weir_data_options *options, weir_error *error);
weir_status weir__load_mnist(weir_data *data, const weir_data_options *options, weir_error *error);
weir_status weir__load_text(weir_data *data, const weir_data_options *options, weir_error *error);
weir_status weir__load_files(weir_data *data, const weir_data_options *options, weir_error *error);

/// What follows whatever sets and parts came from: scale (unless there is one), binarisation, halves, classes, notes.
weir_status weir__data_finish(weir_data *data, const weir_data_options *options, weir_error *error);

#endif
