// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Data sets: where they come from, how they are split, and what is said when something is missing.

#define _XOPEN_SOURCE 700
#include <sys/resource.h>
#include <sys/stat.h>

#include "scratch_folder.h"
#include <zlib.h>

#include "core/core.h"
#include "data/rows.h"

static weir_data *data;
static weir_error error;

static void clear(void) {
    weir_data_free(data);
    data = NULL;
    memset(&error, 0, sizeof error);
}

static int drop_folder(void **state) {
    clear();
    return remove_folder(state);
}

static void load(const weir_data_options *options) {
    clear();
    const weir_status status = weir_data_load(&data, options, &error);
    if (status != WEIR_OK) print_message("%s\n", error.text);
    assert_int_equal(status, WEIR_OK);
}

static void refused(const weir_data_options *options, weir_status status, const char *fragment) {
    clear();
    data = (weir_data *)1;
    const weir_status got = weir_data_load(&data, options, &error);
    assert_null(data);
    if (got != status || !strstr(error.text, fragment)) print_message("%s\n", error.text);
    assert_int_equal(got, status);
    assert_non_null(strstr(error.text, fragment));
}

static void assert_counts(size_t train, size_t valid, size_t test) {
    assert_int_equal(weir_data_train(data).count, train);
    assert_int_equal(weir_data_valid(data).count, valid);
    assert_int_equal(weir_data_test(data).count, test);
}

static float first_value(const weir_part *part, size_t row) {
    float values[1024];
    assert_true(weir_rows_shape(part->rows).columns <= 1024);
    weir_rows_copy(part->rows, values, NULL, part->first + row, 1);
    return values[0];
}

// ---- Digits

static void digits(void **state) {
    (void)state;
    weir_data_options options = weir_data_options_default();
    load(&options);
    assert_counts(4000, 1000, 1000);
    assert_int_equal(weir_data_columns(data), 784);
    assert_int_equal(weir_data_classes(data), 10);
    weir_part part = weir_data_valid(data);
    assert_int_equal(weir_rows_shape(part.rows).height, 28);
    float valid[784], train[784];
    weir_rows_copy(part.rows, valid, NULL, part.first + 7, 1);
    options.train = 20;
    options.valid = 30;
    options.test = 10;
    load(&options);
    assert_counts(20, 30, 10);
    // The validation images are the same, however many others there are, and none of the training images.
    part = weir_data_valid(data);
    weir_rows_copy(part.rows, train, NULL, part.first + 7, 1);
    assert_memory_equal(train, valid, sizeof train);
    part = weir_data_train(data);
    weir_rows_copy(part.rows, train, NULL, part.first + 7, 1);
    assert_memory_not_equal(train, valid, sizeof train);
    options.seed++;
    load(&options);
    part = weir_data_valid(data);
    weir_rows_copy(part.rows, train, NULL, part.first + 7, 1);
    assert_memory_not_equal(train, valid, sizeof train);
    options.train = SIZE_MAX / 2;
    refused(&options, WEIR_ARGUMENT, "digits asked for");
    clear();
}

// ---- MNIST

// Images of 1 × 2 bytes, the first of them the row's number; labels are row % 10. Written plain or gzip.
static void write_images(const char *name, size_t rows, size_t columns, bool gzip) {
    char full[64];
    snprintf(full, sizeof full, "%s%s", name, gzip ? ".gz" : "");
    gzFile file = gzopen(path_of(full), gzip ? "wb" : "wbT");
    assert_non_null(file);
    const uint8_t head[] = {0, 0, 8, 3, 0, (uint8_t)(rows >> 16), (uint8_t)(rows >> 8), (uint8_t)rows, 0, 0,
                            0, 1, 0, 0, 0, (uint8_t)columns};
    assert_int_equal(gzwrite(file, head, sizeof head), sizeof head);
    for (size_t i = 0; i < rows * columns; i++) gzputc(file, (int)(i / columns));
    assert_int_equal(gzclose(file), Z_OK);
}

static void write_labels(const char *name, size_t rows, bool gzip) {
    char full[64];
    snprintf(full, sizeof full, "%s%s", name, gzip ? ".gz" : "");
    gzFile file = gzopen(path_of(full), gzip ? "wb" : "wbT");
    assert_non_null(file);
    const uint8_t head[] = {0, 0, 8, 1, 0, (uint8_t)(rows >> 16), (uint8_t)(rows >> 8), (uint8_t)rows};
    assert_int_equal(gzwrite(file, head, sizeof head), sizeof head);
    for (size_t i = 0; i < rows; i++) gzputc(file, (int)(i % 10));
    assert_int_equal(gzclose(file), Z_OK);
}

static void write_mnist(size_t train, size_t test, bool gzip) {
    write_images("train-images-idx3-ubyte", train, 2, gzip);
    write_labels("train-labels-idx1-ubyte", train, gzip);
    write_images("t10k-images-idx3-ubyte", test, 2, gzip);
    write_labels("t10k-labels-idx1-ubyte", test, gzip);
}

static weir_data_options mnist_options(void) {
    weir_data_options options = weir_data_options_default();
    options.source = "mnist";
    options.path = folder;
    return options;
}

static void mnist_split(void **state) {
    (void)state;
    weir_data_options options = mnist_options();
    for (int gzip = 0; gzip < 2; gzip++) {
        write_mnist(60, 12, gzip);
        load(&options);
        assert_counts(50, 10, 12);
        assert_int_equal(weir_data_columns(data), 2);
        assert_int_equal(weir_data_classes(data), 10);
        const weir_part train = weir_data_train(data), valid = weir_data_valid(data), test = weir_data_test(data);
        assert_true(first_value(&train, 49) == 49 * (1.0F / 255));
        assert_true(first_value(&valid, 0) == 50 * (1.0F / 255));
        assert_true(first_value(&test, 11) == 11 * (1.0F / 255));
        assert_int_equal(valid.labels[valid.first + 3], 53 % 10);
        clear();
        drop_folder(state);
        make_folder(state);
    }
    write_mnist(60, 12, false);
    options.train = 20;
    options.valid = 5;
    options.test = 3;
    load(&options);
    assert_counts(20, 5, 3);
    const weir_part train = weir_data_train(data), valid = weir_data_valid(data);
    assert_int_equal(train.first, 0);
    assert_int_equal(valid.first, 55); // at the end, whatever else was asked for
    // Parts that are smaller than what there is come evenly from all of it, labels with their rows.
    const weir_part test = weir_data_test(data), spread[] = {valid, test};
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < spread[p].count; i++) {
            const size_t row = p ? 4 * i : 50 + 2 * i;
            assert_true(first_value(&spread[p], i) == (float)row * (1.0F / 255));
            assert_int_equal(spread[p].labels[spread[p].first + i], row % 10);
        }
    }
    options.train = 0;
    load(&options);
    assert_counts(55, 5, 3);
    const weir_part rest = weir_data_train(data), last = weir_data_valid(data);
    uint8_t seen[60] = {0};
    for (size_t i = 0; i < 55; i++) seen[lroundf(255 * first_value(&rest, i))]++;
    for (size_t i = 0; i < 5; i++) {
        assert_true(first_value(&last, i) == (float)(50 + 2 * i) * (1.0F / 255));
        seen[50 + 2 * i]++;
    }
    for (size_t i = 0; i < 60; i++) assert_int_equal(seen[i], 1);
    options = mnist_options();
    options.train = 58;
    load(&options);
    assert_counts(58, 2, 12);
    options.train = 57;
    options.valid = 4;
    refused(&options, WEIR_DATA, "60 rows are too few");
    options.train = 60;
    refused(&options, WEIR_DATA, "60 training rows asked for, but it holds only 60");
    options = mnist_options();
    options.test = 13;
    refused(&options, WEIR_DATA, "13 test rows asked for, but it holds 12");
    options.test = SIZE_MAX;
    refused(&options, WEIR_DATA, "test rows asked for");
    options.test = 0;
    options.valid = SIZE_MAX;
    refused(&options, WEIR_DATA, "too few");
}

// Of a file as large as MNIST's or larger, 10 000 rows are for validation.
static void mnist_split_large(void **state) {
    (void)state;
    const weir_data_options options = mnist_options();
    write_mnist(70000, 12, false);
    load(&options);
    assert_counts(60000, 10000, 12);
}

static void mnist_missing(void **state) {
    (void)state;
    weir_data_options options = mnist_options();
    refused(&options, WEIR_NOT_FOUND, "weir fetch mnist");
    assert_non_null(strstr(error.text, "train-images-idx3-ubyte"));
    write_mnist(12, 6, false);
    unlink(path_of("t10k-labels-idx1-ubyte"));
    refused(&options, WEIR_NOT_FOUND, "t10k-labels-idx1-ubyte");
    options.path = path_of("nowhere");
    refused(&options, WEIR_NOT_FOUND, "nowhere: no such folder; \"weir fetch mnist\"");
    options.path = path_of("t10k-images-idx3-ubyte");
    refused(&options, WEIR_IO, "is a file, but the folder");
    options.path = "";
    refused(&options, WEIR_NOT_FOUND, "--data");
    options.path = NULL;
    refused(&options, WEIR_NOT_FOUND, "--data");
}

static void mnist_that_does_not_fit_together(void **state) {
    (void)state;
    const weir_data_options options = mnist_options();
    write_mnist(12, 6, false);
    write_labels("train-labels-idx1-ubyte", 11, false);
    refused(&options, WEIR_DATA, "holds 11 labels, but ");
    assert_non_null(strstr(error.text, "train-labels-idx1-ubyte"));
    assert_non_null(strstr(error.text, "train-images-idx3-ubyte holds 12 rows"));
    write_mnist(12, 6, false);
    write_images("t10k-images-idx3-ubyte", 6, 3, false);
    refused(&options, WEIR_SHAPE, "has 3 values per row, but the training rows have 2");
    write_mnist(1, 6, false);
    refused(&options, WEIR_DATA, "holds 1 row; at least 2 are needed");
    write_labels("train-images-idx3-ubyte", 12, false); // labels where images belong
    refused(&options, WEIR_SHAPE, "train-images-idx3-ubyte: has 1 dimension");
}

// ---- Files

static void write_csv(const char *name, size_t rows, size_t base) {
    FILE *stream = fopen(path_of(name), "wb");
    assert_non_null(stream);
    fprintf(stream, "x,y,label\n");
    for (size_t i = 0; i < rows; i++) fprintf(stream, "%zu,0.5,%zu\n", base + i, (base + i) % 7);
    fclose(stream);
}

// Labels belong to their rows, and every row of the file is in exactly one part.
static void check_files(size_t rows, const weir_part *parts, size_t part_count, int *order) {
    int seen[200] = {0};
    size_t at = 0;
    for (size_t p = 0; p < part_count; p++) {
        for (size_t i = 0; i < parts[p].count; i++) {
            const int value = (int)first_value(&parts[p], i);
            assert_in_range(value, 0, rows - 1);
            assert_int_equal(parts[p].labels[parts[p].first + i], value % 7);
            seen[value]++;
            order[at++] = value;
        }
    }
    assert_int_equal(at, rows);
    for (size_t i = 0; i < rows; i++) assert_int_equal(seen[i], 1);
}

static void files_split_off(void **state) {
    (void)state;
    int first[60], again[60], other[60];
    write_csv("train.csv", 60, 0);
    weir_data_options options = weir_data_options_default();
    options.source = "files";
    options.train_rows = path_of("train.csv");
    options.label_column = "2";
    for (int i = 0; i < 3; i++) {
        options.seed = i < 2 ? 5 : 6;
        load(&options);
        assert_counts(40, 10, 10);
        assert_int_equal(weir_data_columns(data), 2);
        assert_int_equal(weir_data_classes(data), 7);
        const weir_part parts[] = {weir_data_train(data), weir_data_valid(data), weir_data_test(data)};
        check_files(60, parts, 3, i == 0 ? first : i == 1 ? again : other);
    }
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
    int in_place = 0;
    for (int i = 0; i < 60; i++) in_place += first[i] == i;
    assert_true(in_place < 15);

    options.train = 58;
    load(&options);
    assert_counts(58, 1, 1);
    options.train = 20;
    options.valid = 7;
    options.test = 9;
    load(&options);
    assert_counts(20, 7, 9);
    write_csv("train.csv", 2, 0);
    options.train = options.valid = options.test = 0;
    refused(&options, WEIR_DATA, "holds 2 rows; at least 3 are needed");
    write_csv("train.csv", 3, 0);
    load(&options);
    assert_counts(1, 1, 1);
    write_csv("train.csv", 60, 0);
    options.train = 59;
    refused(&options, WEIR_DATA, "too few");
}

static void files_with_tests_of_their_own(void **state) {
    (void)state;
    int order[60];
    write_csv("train.csv", 60, 0);
    write_csv("test.csv", 5, 100);
    weir_data_options options = weir_data_options_default();
    options.source = "files";
    options.train_rows = path_of("train.csv");
    options.test_rows = path_of("test.csv");
    options.label_column = "2";
    load(&options);
    assert_counts(50, 10, 5);
    const weir_part parts[] = {weir_data_train(data), weir_data_valid(data)}, test = weir_data_test(data);
    check_files(60, parts, 2, order);
    for (size_t i = 0; i < 5; i++) assert_true(first_value(&test, i) == (float)(100 + i));

    options.label_column = "-1";
    refused(&options, WEIR_ARGUMENT, "no labels");
    options.test_rows = NULL;
    options.train_rows = "";
    refused(&options, WEIR_ARGUMENT, "no file of training rows");
    options.train_rows = path_of("absent.csv");
    refused(&options, WEIR_NOT_FOUND, "absent.csv");
}

static void files_of_images_and_labels(void **state) {
    (void)state;
    write_mnist(30, 6, true);
    weir_data_options options = weir_data_options_default();
    options.source = "files";
    options.train_rows = path_of("train-images-idx3-ubyte.gz");
    options.train_labels = path_of("train-labels-idx1-ubyte.gz");
    load(&options);
    assert_counts(20, 5, 5);
    const weir_part valid = weir_data_valid(data);
    for (size_t i = 0; i < valid.count; i++) {
        const int row = (int)(first_value(&valid, i) * 255 + 0.5F);
        assert_int_equal(valid.labels[valid.first + i], row % 10);
    }
    options.train_labels = path_of("t10k-labels-idx1-ubyte.gz");
    refused(&options, WEIR_DATA, "holds 6 labels, but ");
}

static void unknown_source(void **state) {
    (void)state;
    weir_data_options options = weir_data_options_default();
    options.source = "mnits";
    refused(&options, WEIR_NOT_FOUND,
            "unknown data source \"mnits\"; there are digits, mnist, files and text; did you mean 'mnist'?");
    options.source = NULL;
    refused(&options, WEIR_NOT_FOUND, "unknown data source");
    weir_data_free(NULL);
}

static void out_of_memory(void **state) {
    (void)state;
    write_mnist(12, 6, true);
    weir_data_options options[3] = {weir_data_options_default(), mnist_options(), weir_data_options_default()};
    options[0].train = options[0].valid = options[0].test = 2;
    options[2].source = "files";
    options[2].train_rows = path_of("train-images-idx3-ubyte.gz");
    options[2].train_labels = path_of("train-labels-idx1-ubyte.gz");
    for (size_t i = 0; i < 3; i++) {
        int failures = 0;
        for (long allowed = 0; allowed < 100; allowed++) {
            clear();
            weir__alloc_fail_after(allowed);
            const weir_status status = weir_data_load(&data, &options[i], &error);
            weir__alloc_fail_after(-1);
            if (status == WEIR_OK) break;
            assert_int_equal(status, WEIR_MEMORY);
            assert_null(data);
            failures++;
        }
        assert_in_range(failures, 8, 60);
        assert_non_null(data);
    }
}

// ---- The real one, where it is

static void real_mnist(void **state) {
    (void)state;
    struct stat about;
    weir_data_options options = mnist_options();
    options.path = getenv("WEIR_MNIST") ? getenv("WEIR_MNIST") : "../shared/data/mnist";
    if (stat(options.path, &about)) {
        print_message("MNIST is neither in $WEIR_MNIST nor in ../shared/data/mnist: skipped\n");
        skip();
    }
    load(&options);
    assert_counts(50000, 10000, 10000);
    assert_int_equal(weir_data_columns(data), 784);
    assert_int_equal(weir_data_classes(data), 10);
    const weir_part train = weir_data_train(data), valid = weir_data_valid(data), test = weir_data_test(data);
    const int32_t train_starts[] = {5, 0, 4, 1, 9}, test_starts[] = {7, 2, 1, 0, 4};
    assert_memory_equal(train.labels, train_starts, sizeof train_starts);
    assert_memory_equal(test.labels, test_starts, sizeof test_starts);
    assert_int_equal(valid.first, 50000);
    assert_non_null(train.rows->bytes);
    double sum = 0;
    for (size_t i = 0; i < (size_t)60000 * 784; i++) sum += train.rows->bytes[i];
    assert_true(sum / (60000.0 * 784 * 255) > 0.1306 && sum / (60000.0 * 784 * 255) < 0.1308); // published: 0.1307
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    print_message("peak memory with MNIST: %ld MB\n", usage.ru_maxrss / 1024);
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(digits),
        IN_FOLDER(mnist_split),
        IN_FOLDER(mnist_split_large),
        IN_FOLDER(mnist_missing),
        IN_FOLDER(mnist_that_does_not_fit_together),
        IN_FOLDER(files_split_off),
        IN_FOLDER(files_with_tests_of_their_own),
        IN_FOLDER(files_of_images_and_labels),
        IN_FOLDER(unknown_source),
        IN_FOLDER(out_of_memory),
        IN_FOLDER(real_mnist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
