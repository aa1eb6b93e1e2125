// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file data.h
/// Rows and labels: files (IDX, NPY, CSV, plain or gzip), the built-in digits, and sets split for training.
#ifndef WEIR_DATA_H
#define WEIR_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Rows of equal length, kept as they came: bytes (value = byte·scale) or floats. Opaque; immutable after it
/// is made: any number of threads may read one at a time. Free with weir_rows_free.
typedef struct weir_rows weir_rows;

struct weir_data_options;

/// What rows look like.
typedef struct weir_shape {
    size_t rows, columns; ///< columns: values per row (images are flattened)
    size_t height, width; ///< of an image; 1 × columns when it is none
} weir_shape;
WEIR_API weir_shape weir_rows_shape(const weir_rows *rows);

/// Copies rows[index[0]], rows[index[1]], … (NULL: first, first + 1, …) as floats to out [count][columns].
/// Every index must be smaller than the number of rows.
WEIR_API void weir_rows_copy(const weir_rows *rows, float *out, const uint32_t *index, size_t first, size_t count);

/// Rows in memory: floats [rows][columns], copied. WEIR_DATA if one is not finite.
WEIR_API weir_status weir_rows_create(weir_rows **rows, const float *values, size_t count, size_t columns,
                                      weir_error *error);
/// Rows over the caller's array [count][columns], which is not copied and stays as it is while the rows live: exactly
/// one of values and bytes (unsigned bytes, value = byte until weir_rows_scale says otherwise) is not NULL. WEIR_DATA if
/// a value is not finite, WEIR_ARGUMENT for two arrays or none, WEIR_SHAPE for rows without columns or too many.
WEIR_API weir_status weir_rows_share(weir_rows **rows, const float *values, const uint8_t *bytes, size_t count,
                                     size_t columns, weir_error *error);

/// How a file is read; from weir_read_options_default. Strings belong to the caller; NULL means the default. Columns of
/// a CSV file are said by number, from 0, or by the names in its first line: "3", "3,5-7", "id,petal width". A name that
/// holds a comma or looks like a number stands in quotes: "\"2019\"".
typedef struct weir_read_options {
    const char *label_column;   ///< CSV: column of the label; "" or "-1": none
    const char *target_columns; ///< CSV: columns of what is to be predicted; "": none
    const char *skip_columns;   ///< CSV: columns that are not used and may hold text; "": none
    const char *header;         ///< CSV: does the first line name columns? "yes", "no" or "auto": it does when one of
                                ///< the above, or of names, names a column of it, when no column of values in it holds
                                ///< a number, or when it counts 0, 1, 2, … as pandas' names do; numbers beside text are
                                ///< WEIR_DATA. Lines before it that begin with '#' are left out
    const weir_names *names;    ///< a model's (weir_graph_names), for rows that it is to read; empty ones for a model
                                ///< without names; NULL: the rows are for no model yet. Where both the model and the
                                ///< file name columns, values, targets and the label are found by these names, whatever
                                ///< their order; columns beyond them are left out, which the note says; one that lacks
                                ///< is WEIR_DATA. Labels are then the model's classes, other ones are WEIR_DATA
    bool labels_may_lack;       ///< a label that is missing is −1 and no error
} weir_read_options;
WEIR_API weir_read_options weir_read_options_default(void);

#define WEIR_NOTE 256 ///< size of a note in bytes, its terminating zero included

/// What a file holds. Free what is in it with weir_table_free.
typedef struct weir_table {
    weir_rows *rows;
    int32_t *labels;      ///< [rows], of a CSV file with a label column; else NULL
    weir_rows *targets;   ///< of a CSV file with target columns, in the order of the file or of the model; else NULL
    weir_names *names;    ///< of a CSV file that is read for no model: of its columns, where it names them; and of the
                          ///< classes, where labels are no whole numbers from 0 but other whole numbers, in their order,
                          ///< or texts, in the order of their bytes
    char note[WEIR_NOTE]; ///< what was guessed and how to say otherwise, one line for a person; "" when nothing was
} weir_table;

/// Reads a file, its kind told by its content, plain or gzip: IDX, NPY (versions 1–3, C order, booleans, integers,
/// float16, float32 and float64) or CSV (comma, semicolon, tab or blank between numbers, which may stand in quotes;
/// true and false, in any of pandas', R's and polars' spellings, are 1 and 0;
/// empty lines are ignored). "FILE.npz:ARRAY" is an array of a .npz archive, "FILE.npz" the only one; "-" is standard
/// input. The size in a header is believed only as far as the file goes: memory stays in proportion to the file. Values
/// are scaled as weir_rows_read says. Errors name the file, the line and column or the field, what was found and what
/// to do. *table is empty after a failure.
WEIR_API weir_status weir_table_read(weir_table *table, const char *path, const weir_read_options *options,
                                     weir_error *error);
WEIR_API void weir_table_free(weir_table *table);

/// weir_table_read without options but the label column. labels (may be NULL: then the column is left out, whatever it
/// holds): receives the labels of a CSV file with label_column ≥ 0, freed with weir_labels_free; *labels is NULL
/// otherwise. Unsigned bytes of IDX and NPY files are multiplied by 1/255, all other values are as in the file.
WEIR_API weir_status weir_rows_read(weir_rows **rows, int32_t **labels, const char *path, int label_column,
                                    weir_error *error);
/// How raw values become those that a network reads: value = (raw − offset)·factor. A model keeps the scale of its
/// training rows. kind:
/// - "none": as in the file
/// - "1/255": raw/255
/// - "standardise": (raw − offset[j])·factor[j], mean and 1/standard deviation of column j over the training rows;
///   factor 0 where a column is constant
/// - "as-read": 1/255 of unsigned bytes of IDX and NPY files, else none: of models that do not say
/// Made by weir_data_load or weir_scale_create. Many threads may read one that none changes.
typedef struct weir_scale {
    const char *kind;       ///< static
    double least, greatest; ///< raw values of the training rows; NaN when not known
    size_t columns;         ///< of offset and factor; 0 unless kind is "standardise"
    float *offset, *factor; ///< [columns], or NULL
} weir_scale;
/// A scale of that kind with offsets and factors 0, to be filled in; WEIR_ARGUMENT for an unknown kind.
WEIR_API weir_status weir_scale_create(weir_scale **scale, const char *kind, size_t columns, weir_error *error);
/// *copy is NULL for NULL.
WEIR_API weir_status weir_scale_copy(weir_scale **copy, const weir_scale *scale, weir_error *error);
WEIR_API void weir_scale_free(weir_scale *scale);
/// "1/255 (bytes 0 to 255)", for a person, in text [size]. Returns text.
WEIR_API const char *weir_scale_text(const weir_scale *scale, char *text, size_t size);
/// Gives rows that scale in place of the one they have. Nothing else may use the rows yet. WEIR_SHAPE when it is of
/// another number of columns.
WEIR_API weir_status weir_rows_scale(weir_rows *rows, const weir_scale *scale, weir_error *error);
/// Scales raw values [rows][columns] in place, for whoever has them in an array: what weir_predict_row reads, say. Does
/// nothing for "none" and "as-read". columns must be those of a scale that has some.
WEIR_API void weir_scale_apply(const weir_scale *scale, float *values, size_t rows, size_t columns);
/// weir_rows_scale for rows of another file than the training rows, unless their values are evidently on another scale:
/// of "1/255", values 0 to 1 stay as they are; of "none" with training values 0 to 1, bytes are divided by 255. note
/// [WEIR_NOTE] says so, or that values are ten times larger or a thousand times smaller than in training, where nothing
/// is guessed; else it is "".
WEIR_API weir_status weir_rows_scale_like(weir_rows *rows, char *note, const weir_scale *scale, weir_error *error);

/// Binarises rows as the options say and cuts them in halves if they ask for it: *targets (freed by the caller, before
/// rows) gets the lower halves, for targets "inputs" the rows themselves, or NULL; rows, which nothing else may use yet,
/// is changed and keeps the upper ones. set tells files apart in the noise of "fixed" and "dynamic": 0 is the training
/// rows, 1 the test rows. weir_data_load does this to what it loads.
WEIR_API weir_status weir_rows_prepare(weir_rows *rows, weir_rows **targets, const struct weir_data_options *options,
                                       uint32_t set, weir_error *error);
/// Reads labels: IDX or NPY of integers with one dimension or a second one of size 1, or CSV with one column (header
/// "auto"); values 0 … 2³¹−2.
WEIR_API weir_status weir_labels_read(int32_t **labels, size_t *count, const char *path, weir_error *error);
WEIR_API void weir_rows_free(weir_rows *rows);
WEIR_API void weir_labels_free(int32_t *labels);

/// Where a data set comes from; from weir_data_options_default. Strings belong to the caller.
typedef struct weir_data_options {
    const char *source;        ///< "digits" (built in), "mnist" (a folder with the four IDX files, .gz or not), "files",
                               ///< "text" (a file: a row is `context` tokens in a row, its label the token behind them)
    const char *path;          ///< mnist: the folder; text: the file, which is mapped and may be larger than memory
    size_t train, valid, test; ///< rows of each part; 0: what there is. mnist: valid rows are the last ones of the
                               ///< training file; digits: 4 000 / 1 000 / 1 000 when 0
    uint64_t seed;             ///< digits: of the generator. files: of the split
    const char *train_rows, *train_labels; ///< files: rows and labels (labels "" when a CSV column holds them)
    const char *test_rows, *test_labels;   ///< files: may be "": then the test part is split off the training rows
    const char *label_column; ///< files, CSV: column of the label, by number or name; "" or "-1": labels are in files of
                              ///< their own. Labels that are texts name the classes (weir_data_names)
    const char *binarise; ///< values of rows: "none" (as they are), "threshold" (1 above ½, else 0), "fixed" (1 with
                          ///< the value's probability, drawn once, a pure function of seed, row and column) or
                          ///< "dynamic" (likewise, and training rows anew in each epoch; else the draw is the first)
    const char *targets; ///< what is predicted: "labels"; "lower-half": the network sees the upper half of each row (of
                         ///< an image's lines) and predicts the lower one; "values": the target columns, or files of
                         ///< targets; "inputs": the row itself, as it is read. Labels count for the first alone
    const char *scale; ///< of all rows, before they are binarised: "none", "1/255", "standardise", or "auto": 1/255 for
                       ///< whole numbers 0 … 255 of which one in the training rows is above 127, or above 1 where the
                       ///< file says that they are unsigned bytes (IDX, NPY); else none
    const weir_scale *known_scale; ///< a model's, used in place of `scale` as by weir_rows_scale_like; NULL: none
    const weir_names *known_names; ///< files: a model's, as in weir_read_options; NULL: the training rows' own, which
                                   ///< hold for the test rows
    const char *header, *skip_columns; ///< files, CSV: as in weir_read_options
    const char *target_columns;        ///< files, CSV, targets "values": as in weir_read_options
    const char *train_targets, *test_targets; ///< files, targets "values": rows of targets in files of their own, one
                                              ///< per row of values (an array of one dimension: one target), as they
                                              ///< are but unsigned bytes of IDX and NPY, which are multiplied by 1/255
    const char *tokens; ///< text: "bytes" (256 classes), "characters" of UTF-8 (those that occur, by their numbers, or
                        ///< known_names' classes) or "words": runs of letters and digits with the blank before them, and
                        ///< other characters one by one. Parts are cut in the order of the text: training, validation (a
                        ///< twentieth where 0), test (likewise)
    size_t context;     ///< text: values per row, numbers of tokens on no scale
    size_t vocabulary;  ///< words: most classes, at least 2. Class 0 is every word that is none of the others, which are
                        ///< the most frequent ones of the file, or known_names' classes
} weir_data_options;

/// The tokens of `length` bytes of text: kind is weir_data_options.tokens, and names a model's (its classes are the
/// characters or words). *tokens [*count] is freed with weir_labels_free. The token k of bytes is the byte k, of characters and
/// words the name of class k. WEIR_DATA: no UTF-8, or a character that is no class.
WEIR_API weir_status weir_text_tokens(int32_t **tokens, size_t *count, const char *text, size_t length, const char *kind,
                                      const weir_names *names, weir_error *error);

WEIR_API weir_data_options weir_data_options_default(void);

/// One part of a data set: a range of rows with labels, or with rows of target values.
typedef struct weir_part {
    const weir_rows *rows;
    const int32_t *labels; ///< [of the whole rows object]: label of row first + i is labels[first + i]; or NULL
    size_t first, count;
    const weir_rows *targets; ///< what is to be predicted of row first + i is its row first + i; NULL: the label
} weir_part;

/// A data set split in three. Immutable: any number of threads may read one at a time. Free with weir_data_free.
typedef struct weir_data weir_data;
/// Loads a data set. Errors say what is missing and how to get it ("weir fetch mnist").
WEIR_API weir_status weir_data_load(weir_data **data, const weir_data_options *options, weir_error *error);
WEIR_API weir_part weir_data_train(const weir_data *data);
WEIR_API weir_part weir_data_valid(const weir_data *data);
WEIR_API weir_part weir_data_test(const weir_data *data);
WEIR_API size_t weir_data_columns(const weir_data *data);
/// Values per row of targets; 0 when labels are predicted.
WEIR_API size_t weir_data_targets(const weir_data *data);
/// The scale of its rows. Never NULL; lives as long as the data set.
WEIR_API const weir_scale *weir_data_scale(const weir_data *data);
/// What its columns, classes and targets are called; NULL where nothing has a name. Lives as long as the data set.
WEIR_API const weir_names *weir_data_names(const weir_data *data);
/// What a person should know of the data before training on it, one line at a time, from index 0: first so many guesses
/// as weir_data_guesses says, with how to say otherwise, then columns that are constant or differ a thousandfold in
/// range, labels with gaps, a single class, …; NULL beyond the last line.
WEIR_API const char *weir_data_note(const weir_data *data, size_t index);
WEIR_API size_t weir_data_guesses(const weir_data *data);
/// Largest label + 1 over all parts; 0 without labels.
WEIR_API size_t weir_data_classes(const weir_data *data);
WEIR_API void weir_data_free(weir_data *data);

/// Rows in the caller's memory, with what is to be predicted of each: labels or targets.
typedef struct weir_array_part {
    size_t rows;           ///< 0: the part is missing
    const float *values;   ///< [rows][columns], finite; or NULL
    const uint8_t *bytes;  ///< [rows][columns], in place of values; or NULL
    const int32_t *labels; ///< [rows], 0 or more; or NULL
    const float *targets;  ///< [rows][targets], finite; or NULL
} weir_array_part;

/// The arrays of a data set.
typedef struct weir_data_arrays {
    size_t columns;       ///< values per row
    size_t height, width; ///< of images, height·width = columns; 0: rows are none
    size_t targets;       ///< target values per row; 0: labels are predicted
    weir_array_part train;
    weir_array_part valid; ///< missing: the last sixth of the training rows, as they stand (shuffle them before where
                           ///< their order means something)
    weir_array_part test;  ///< missing: weir_data_test has no rows
    const weir_names *names; ///< of columns (as many as there are), classes (more than the largest label) and targets;
                             ///< copied; NULL: none
    bool shared; ///< the arrays stay the caller's, who keeps them unchanged as long as the data set lives; false: they
                 ///< are copied and may be freed at once
} weir_data_arrays;

/// A data set from memory. Of options (NULL: the defaults) counts what is done to rows: scale and known_scale (bytes
/// are unsigned bytes to "auto"), binarise and seed, and targets "lower-half". Shared arrays are read only; binarised
/// or halved rows are new memory all the same. WEIR_SHAPE, WEIR_DATA or WEIR_CONFIG name the part, row and column.
WEIR_API weir_status weir_data_create(weir_data **data, const weir_data_arrays *arrays,
                                      const weir_data_options *options, weir_error *error);

/// Training rows that the caller brings batch by batch: larger than memory, or made on the way. Called by the thread
/// that trains, and by no other. The order of rows is the caller's: a trainer shuffles nothing, so that begin, or next,
/// should bring another order in each epoch.
typedef struct weir_batches {
    size_t columns; ///< values per row
    size_t targets; ///< target values per row; 0: labels are predicted
    size_t classes; ///< labels are below it; 0 with targets
    size_t rows;    ///< of an epoch; 0: not known, an epoch lasts until next brings no row
    /// Epoch 0, 1, … begins, at its first row, also one that was begun before. Non-zero: it cannot. NULL: every epoch
    /// goes on where the former one ended.
    int (*begin)(void *context, size_t epoch);
    /// Writes up to `most` rows to inputs [most][columns], and their labels [most] or targets [most][targets] (the
    /// other one is NULL). Returns how many, fewer are no end; 0: the epoch is over; SIZE_MAX: failed.
    size_t (*next)(void *context, float *inputs, int32_t *labels, float *targets, size_t most);
    void *context;
} weir_batches;

/// A data set whose training rows come from batches (copied; context stays the caller's) and whose valid part, and test
/// part if there is one, are arrays (their train part is not read). weir_data_train then has no rows.
/// Options as in weir_data_create, without binarise and targets; scale "auto" is "none" here, and
/// "standardise" needs a known_scale: nothing is looked at in advance. A trainer's checkpoint inside an epoch continues
/// by begin and by taking again, and throwing away, the rows that it had; bit for bit where they are the same ones.
/// While the rows of an epoch are not known, a cosine schedule changes the rate at epochs only.
WEIR_API weir_status weir_data_stream(weir_data **data, const weir_batches *batches, const weir_data_arrays *arrays,
                                      const weir_data_options *options, weir_error *error);

/// Draws the built-in digits: count images of 28 × 28 bytes (0 background … 255 ink, row-major, [count][784]) and
/// labels [count], as pure functions of (seed, first + i): stroke glyphs with random variants, affine and elastic
/// distortion, pen width, blur and noise.
WEIR_API weir_status weir_digits(uint8_t *images, int32_t *labels, uint64_t seed, size_t first, size_t count,
                                 weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
