// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The table of a data set's options, which weir_data_options_default follows.

#include "fields.h"
#include "table.h"

static weir_status check_label(const char *text, weir_error *error) {
    return weir__csv_options_check(&(weir__csv_options){.label = weir__label_column(text)}, error);
}
static weir_status check_columns(const char *text, weir_error *error) {
    return weir__columns_check(text, "the list", error);
}
static const char columns[] = "columns by number or name, as in 0,3-5,width";

#define AT(member) offsetof(weir_data_options, member)

static const weir__field fields[] = {
    {"data", WEIR__SECTION, 0, .about = "where rows and labels come from"},
    {"data.source", WEIR__CHOICE, AT(source), .choices = "digits|mnist|files|text", .initial = "digits",
     .numbers = WEIR__ALWAYS, .about = "built-in digits, a folder with MNIST's four files, files, or a text"},
    {"data.path", WEIR__TEXT, AT(path), .names_file = true, .initial = "", .applies = "data.source=mnist|text",
     .numbers = WEIR__ALWAYS, .about = "mnist: the folder; text: the file"},
    {"data.tokens", WEIR__CHOICE, AT(tokens), .choices = "bytes|characters|words", .initial = "bytes",
     .applies = "data.source=text", .numbers = WEIR__ALWAYS,
     .about = "text: what is predicted, one by one: bytes of any file, or characters or words of one in UTF-8"},
    {"data.vocabulary", WEIR__SIZE, AT(vocabulary), &weir__size_from_2, .initial = "10000",
     .applies = "data.tokens=words", .numbers = WEIR__ALWAYS,
     .about = "words: most classes, of which one is every word beyond the most frequent ones"},
    {"data.context", WEIR__SIZE, AT(context), &weir__size_from_1, .initial = "16", .applies = "data.source=text",
     .numbers = WEIR__ALWAYS, .about = "text: tokens that the network sees before the one that it predicts"},
    {"data.train", WEIR__SIZE, AT(train), &weir__size_from_0, .initial = "0", .numbers = WEIR__ALWAYS,
     .about = "training rows; 0: what there is"},
    {"data.valid", WEIR__SIZE, AT(valid), &weir__size_from_0, .initial = "0", .numbers = WEIR__ALWAYS,
     .about = "validation rows; 0: what there is"},
    {"data.test", WEIR__SIZE, AT(test), &weir__size_from_0, .initial = "0", .numbers = WEIR__ALWAYS,
     .about = "test rows; 0: what there is"},
    {"data.seed", WEIR__SEED, AT(seed), .initial = "1", .applies = "data.source=digits|files or data.binarise=fixed|dynamic",
     .numbers = WEIR__ALWAYS, .about = "seed of the digits, or of the split of files"},
    {"data.train_rows", WEIR__TEXT, AT(train_rows), .names_file = true, .initial = "", .applies = "data.source=files",
     .numbers = WEIR__ALWAYS, .about = "files: training rows"},
    {"data.train_labels", WEIR__TEXT, AT(train_labels), .names_file = true, .initial = "",
     .applies = "data.source=files", .numbers = WEIR__ALWAYS, .about = "files: their labels"},
    {"data.test_rows", WEIR__TEXT, AT(test_rows), .names_file = true, .initial = "", .applies = "data.source=files",
     .numbers = WEIR__ALWAYS, .about = "files: test rows"},
    {"data.test_labels", WEIR__TEXT, AT(test_labels), .names_file = true, .initial = "",
     .applies = "data.source=files and data.test_rows", .numbers = WEIR__ALWAYS, .about = "files: their labels"},
    {"data.label_column", WEIR__TEXT, AT(label_column), .initial = "", .applies = "data.source=files",
     .numbers = WEIR__ALWAYS, .expects = "a column's number from 0, or its name", .check = check_label,
     .about = "files, CSV: column of the label, whose texts name the classes; empty: labels are in files of their own"},
    {"data.binarise", WEIR__CHOICE, AT(binarise), .choices = "none|threshold|fixed|dynamic",
     .initial = "none", .numbers = WEIR__ALWAYS,
     .about = "values of rows: as they are, 1 above 0.5, or 1 with the value's probability, drawn once or in each epoch"},
    {"data.targets", WEIR__CHOICE, AT(targets), .choices = "labels|lower-half|values|inputs",
     .initial = "labels", .numbers = WEIR__ALWAYS,
     .about = "what is predicted; lower-half: of each image, from its upper half; values: target_columns or files; "
              "inputs: the row itself"},
    {"data.scale", WEIR__CHOICE, AT(scale), .choices = "auto|none|1/255|standardise", .initial = "auto",
     .numbers = WEIR__ALWAYS,
     .about = "of values, kept by the model; auto: 1/255 of grey values, else none; standardise: mean 0, deviation 1 "
              "per column"},
    {"data.header", WEIR__CHOICE, AT(header), .choices = "auto|yes|no", .initial = "auto",
     .applies = "data.source=files", .numbers = WEIR__ALWAYS,
     .about = "files, CSV: does the first line name columns; auto: it does without numbers, or counting 0, 1, 2, ..."},
    {"data.skip_columns", WEIR__TEXT, AT(skip_columns), .is_list = true, .has_quotes = true, .initial = "", .applies = "data.source=files",
     .numbers = WEIR__ALWAYS, .expects = columns, .check = check_columns,
     .about = "files, CSV: columns that are not used and may hold text"},
    {"data.target_columns", WEIR__TEXT, AT(target_columns), .is_list = true, .has_quotes = true, .initial = "",
     .applies = "data.source=files and data.targets=values", .numbers = WEIR__ALWAYS, .expects = columns,
     .check = check_columns, .about = "files, CSV, targets values: columns that are predicted"},
    {"data.train_targets", WEIR__TEXT, AT(train_targets), .names_file = true, .initial = "",
     .applies = "data.source=files and data.targets=values", .numbers = WEIR__ALWAYS,
     .about = "files, targets values: rows of targets of the training rows"},
    {"data.test_targets", WEIR__TEXT, AT(test_targets), .names_file = true, .initial = "",
     .applies = "data.source=files and data.targets=values and data.test_rows", .numbers = WEIR__ALWAYS,
     .about = "files, targets values: rows of targets of the test rows"},
};

const weir__fields weir__data_fields = {fields, sizeof fields / sizeof *fields};

weir_data_options weir_data_options_default(void) {
    weir_data_options options = {0};
    weir__fields_initial(&weir__data_fields, &options);
    return options;
}
