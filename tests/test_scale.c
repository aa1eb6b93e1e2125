// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The scale of rows: one picture is one picture in every kind of file, the training rows decide, the model keeps it,
// and what is guessed is said. Notes on data, and targets from columns and files.

#define _XOPEN_SOURCE 700

#include "scratch_folder.h"

#include "core/core.h"
#include <weir/model.h>
#include <weir/train.h>

enum { side = 4, columns = side * side, rows = 60 };

static weir_data *data;
static weir_error error;

/// Kinds of files for one picture.
typedef enum form { IDX_BYTES, NPY_BYTES, NPY_FLOATS, NPY_INT64, CSV, FORMS } form;

static void write_body(FILE *stream, form kind, const int *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float real = (float)values[i];
        const int64_t whole = values[i];
        if (kind == IDX_BYTES || kind == NPY_BYTES) fputc(values[i], stream);
        if (kind == NPY_FLOATS) fwrite(&real, sizeof real, 1, stream);
        if (kind == NPY_INT64) fwrite(&whole, sizeof whole, 1, stream);
        if (kind == CSV) fprintf(stream, "%d%c", values[i], i % columns == columns - 1 ? '\n' : ',');
    }
}

static void write_rows(form kind, const int *values) {
    static const char *const types[] = {[NPY_BYTES] = "|u1", [NPY_FLOATS] = "<f4", [NPY_INT64] = "<i8"};
    const uint8_t head[] = {0, 0, 8, 2, 0, 0, 0, rows, 0, 0, 0, columns};
    FILE *stream = fopen(path_of("rows"), "wb");
    assert_non_null(stream);
    if (kind == IDX_BYTES) fwrite(head, sizeof head, 1, stream);
    if (kind == NPY_BYTES || kind == NPY_FLOATS || kind == NPY_INT64) {
        fprintf(stream, "\x93NUMPY%c%c%c%c", 1, 0, 70, 0);
        char header[96];
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }", types[kind],
                 rows, columns);
        fprintf(stream, "%-69s\n", header);
    }
    write_body(stream, kind, values, rows * columns);
    fclose(stream);
    stream = fopen(path_of("labels"), "wb");
    assert_non_null(stream);
    for (int r = 0; r < rows; r++) fprintf(stream, "%d\n", r % 3);
    fclose(stream);
}

static void write_text(const char *name, const char *text) {
    FILE *stream = fopen(path_of(name), "wb");
    assert_non_null(stream);
    fputs(text, stream);
    fclose(stream);
}

static weir_data_options of_files(void) {
    weir_data_options options = weir_data_options_default();
    options.source = "files";
    options.train_rows = path_of("rows");
    options.train_labels = path_of("labels");
    return options;
}

static void load(const weir_data_options *options) {
    weir_data_free(data);
    const weir_status status = weir_data_load(&data, options, &error);
    if (status != WEIR_OK) print_message("%s\n", error.text);
    assert_int_equal(status, WEIR_OK);
}

static void refused(const weir_data_options *options, weir_status wanted, const char *fragment) {
    weir_data_free(data);
    const weir_status got = weir_data_load(&data, options, &error);
    if (got != wanted || !strstr(error.text, fragment)) print_message("%s\n", error.text);
    assert_int_equal(got, wanted);
    assert_non_null(strstr(error.text, fragment));
    assert_null(data);
}

static bool noted(const char *fragment) {
    for (size_t i = 0; weir_data_note(data, i); i++) {
        if (strstr(weir_data_note(data, i), fragment)) return true;
    }
    return false;
}

// Grey values 0 … most whose pattern depends on the row.
static void draw(int *values, int most) {
    for (int i = 0; i < rows * columns; i++) values[i] = (i * 37 + i / columns * 11) % (most + 1);
    values[5] = most;
}

static void copy_all(float *out) {
    const weir_part train = weir_data_train(data);
    weir_rows_copy(train.rows, out, NULL, 0, rows);
}

static void one_picture_in_every_file(void **state) {
    (void)state;
    static int values[rows * columns];
    static float first[rows * columns], out[rows * columns];
    char text[128];
    const weir_data_options options = of_files();
    draw(values, 255);
    for (form kind = 0; kind < FORMS; kind++) {
        write_rows(kind, values);
        load(&options);
        assert_string_equal(weir_data_scale(data)->kind, "1/255");
        assert_string_equal(weir_scale_text(weir_data_scale(data), text, sizeof text), "1/255 (bytes 0 to 255)");
        copy_all(kind ? out : first);
        if (kind) assert_memory_equal(out, first, sizeof out);
    }
    float greatest = 0;
    for (size_t i = 0; i < rows * columns; i++) greatest = fmaxf(greatest, first[i]);
    assert_true(greatest == 1);
}

// Switches stay switches, and binarised they are what they were.
static void bytes_of_switches(void **state) {
    (void)state;
    static int values[rows * columns];
    static float plain[rows * columns], binary[rows * columns];
    draw(values, 1);
    for (form kind = 0; kind < FORMS; kind++) {
        weir_data_options options = of_files();
        write_rows(kind, values);
        load(&options);
        assert_string_equal(weir_data_scale(data)->kind, "none");
        copy_all(plain);
        float sum = 0;
        for (size_t i = 0; i < rows * columns; i++) {
            assert_true(plain[i] == 0 || plain[i] == 1);
            sum += plain[i];
        }
        assert_true(sum > 100);
        options.binarise = "threshold";
        load(&options);
        copy_all(binary);
        assert_memory_equal(plain, binary, sizeof plain);
    }
    weir_data_options options = of_files();
    options.binarise = "threshold";
    options.scale = "1/255";
    load(&options);
    assert_true(noted("data.binarise threshold makes all inputs 0: look at data.scale"));
}

static void scale_that_is_asked_for(void **state) {
    (void)state;
    static int values[rows * columns];
    static float out[rows * columns], raw[rows * columns];
    weir_data_options options = of_files();
    draw(values, 16);
    write_rows(NPY_FLOATS, values);
    load(&options);
    assert_string_equal(weir_data_scale(data)->kind, "none");
    options.scale = "none";
    load(&options);
    copy_all(raw);
    options.scale = "1/255";
    load(&options);
    copy_all(out);
    for (size_t i = 0; i < rows * columns; i++) assert_true(out[i] == raw[i] * (1.0F / 255));
    options.scale = "often";
    refused(&options, WEIR_CONFIG, "data.scale is \"often\"; expected one of auto, none, 1/255, standardise");
    options.scale = "standardise";
    options.binarise = "fixed";
    refused(&options, WEIR_CONFIG, "data.binarise is \"fixed\" and takes values 0 to 1");
}

// Mean and deviation of the training rows alone; a constant column is 0.
static void standardised_columns(void **state) {
    (void)state;
    static int values[rows * columns];
    static float raw[rows * columns], out[rows * columns];
    weir_data_options options = of_files();
    for (form kind = NPY_BYTES; kind <= NPY_FLOATS; kind++) {
        draw(values, 255);
        for (int r = 0; r < rows; r++) values[r * columns + 3] = 7;
        write_rows(kind, values);
        options.scale = "none";
        load(&options);
        copy_all(raw);
        options.scale = "standardise";
        load(&options);
        copy_all(out);
        static float applied[rows * columns];
        memcpy(applied, raw, sizeof raw);
        weir_scale_apply(weir_data_scale(data), applied, rows, columns);
        assert_memory_equal(applied, out, sizeof out);
        const weir_part train = weir_data_train(data);
        assert_true(train.count < rows);
        for (size_t j = 0; j < columns; j++) {
            double mean = 0, square = 0;
            for (size_t r = train.first; r < train.first + train.count; r++) mean += (double)raw[r * columns + j];
            mean /= (double)train.count;
            for (size_t r = train.first; r < train.first + train.count; r++)
                square += pow((double)raw[r * columns + j] - mean, 2);
            const double deviation = sqrt(square / (double)train.count);
            for (size_t r = 0; r < rows; r++) {
                const double wanted = j == 3 ? 0 : ((double)raw[r * columns + j] - mean) / deviation;
                assert_true(fabs((double)out[r * columns + j] - wanted) <= 1e-5);
            }
        }
        char text[128];
        assert_non_null(
            strstr(weir_scale_text(weir_data_scale(data), text, sizeof text), "1 constant column becomes 0"));
    }
}

static const weir_node network[] = {
    {.name = "in", .kind = "input", .size = columns},
    {.kind = "affine", .size = 3},
    {.kind = "softmax-cross-entropy"},
};

static void same_scale(const weir_scale *a, const weir_scale *b) {
    assert_string_equal(a->kind, b->kind);
    assert_true(a->least == b->least && a->greatest == b->greatest);
    assert_int_equal(a->columns, b->columns);
    if (!a->columns) return;
    assert_memory_equal(a->offset, b->offset, a->columns * sizeof *a->offset);
    assert_memory_equal(a->factor, b->factor, a->columns * sizeof *a->factor);
}

// A trainer gives the scale of its data to the graph, a model file keeps it to the bit, and a data set takes it.
static void models_keep_their_scale(void **state) {
    (void)state;
    static int values[rows * columns];
    static float one[rows * columns], other[rows * columns];
    const char *const scales[] = {"1/255", "none", "standardise"};
    draw(values, 255);
    for (size_t i = 0; i < 3; i++) {
        weir_data_options options = of_files();
        weir_graph *graph = NULL, *loaded = NULL;
        weir_trainer *trainer = NULL;
        const weir_graph_options making = weir_graph_options_default(32);
        const weir_train_options training = weir_train_options_default();
        write_rows(CSV, values);
        options.scale = scales[i];
        load(&options);
        assert_int_equal(weir_graph_create(&graph, network, 3, &making, &error), WEIR_OK);
        assert_null(weir_graph_scale(graph));
        assert_int_equal(weir_trainer_create(&trainer, graph, data, &training, &error), WEIR_OK);
        same_scale(weir_graph_scale(graph), weir_data_scale(data));
        assert_int_equal(weir_model_save(graph, path_of("model.safetensors"), NULL, 1, &error), WEIR_OK);
        assert_int_equal(weir_model_load(&loaded, NULL, path_of("model.safetensors"), 32, &error), WEIR_OK);
        same_scale(weir_graph_scale(loaded), weir_data_scale(data));
        copy_all(one);
        options.scale = "auto";
        options.known_scale = weir_graph_scale(loaded);
        load(&options);
        copy_all(other);
        assert_memory_equal(one, other, sizeof one);
        weir_trainer_free(trainer);
        weir_graph_free(loaded);
        assert_int_equal(weir_graph_scale_set(graph, NULL, &error), WEIR_OK);
        assert_int_equal(weir_model_save(graph, path_of("model.safetensors"), NULL, 1, &error), WEIR_OK);
        assert_int_equal(weir_model_load(&loaded, NULL, path_of("model.safetensors"), 32, &error), WEIR_OK);
        assert_string_equal(weir_graph_scale(loaded)->kind, "as-read"); // as models of former versions
        weir_graph_free(loaded);
        weir_graph_free(graph);
    }
}

// Rows for a model: as in training, unless they are evidently on another scale; then it is said.
static void rows_on_another_scale(void **state) {
    (void)state;
    static const struct {
        const char *kind;
        double least, greatest;
        float values[2], wanted[2];
        const char *note;
    } cases[] = {
        {"1/255", 0, 255, {0, 255}, {0, 1}, ""},
        {"1/255", 0, 255, {0.25F, 1}, {0.25F, 1}, "taken as divided by 255 already"},
        {"none", 0, 1, {0, 255}, {0, 1}, "divided by 255"},
        {"none", 0, 1, {0.5F, 0.25F}, {0.5F, 0.25F}, ""},
        {"none", 0, 3, {0, 255}, {0, 255}, "are they on another scale?"},
        {"none", -4, 3, {-5, 4}, {-5, 4}, ""},
        {"none", 0, 9000, {1, 2}, {1, 2}, "are they on another scale?"},
        {"none", 0, 255, {0.25F, 1}, {0.25F, 1}, "are they on another scale?"},
        {"none", 0, 9, {0.25F, 1}, {0.25F, 1}, ""},
        {"1/255", 0, 255, {-128, 127}, {-128 * (1.0F / 255), 127 * (1.0F / 255)}, "are they on another scale?"},
        {"as-read", 0, 0, {0, 255}, {0, 255}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_scale *scale = NULL;
        weir_rows *some = NULL;
        float out[2];
        char note[WEIR_NOTE];
        assert_int_equal(weir_scale_create(&scale, cases[i].kind, 0, &error), WEIR_OK);
        scale->least = cases[i].least;
        scale->greatest = cases[i].greatest;
        assert_int_equal(weir_rows_create(&some, cases[i].values, 1, 2, &error), WEIR_OK);
        assert_int_equal(weir_rows_scale_like(some, note, scale, &error), WEIR_OK);
        weir_rows_copy(some, out, NULL, 0, 1);
        if (memcmp(out, cases[i].wanted, sizeof out))
            print_message("case %zu: %g %g\n", i, (double)out[0], (double)out[1]);
        assert_memory_equal(out, cases[i].wanted, sizeof out);
        if (!strstr(note, cases[i].note)) print_message("case %zu: %s\n", i, note);
        assert_non_null(strstr(note, cases[i].note));
        assert_true(cases[i].note[0] || !note[0]);
        weir_rows_free(some);
        weir_scale_free(scale);
    }
    weir_scale *wide = NULL;
    weir_rows *some = NULL;
    assert_int_equal(weir_scale_create(&wide, "standardise", 3, &error), WEIR_OK);
    assert_int_equal(weir_rows_create(&some, cases[0].values, 1, 2, &error), WEIR_OK);
    assert_int_equal(weir_rows_scale(some, wide, &error), WEIR_SHAPE);
    assert_non_null(strstr(error.text, "of rows of 3 values, but these have 2"));
    weir_rows_free(some);
    weir_scale_free(wide);
    assert_int_equal(weir_scale_create(&wide, "loud", 0, &error), WEIR_ARGUMENT);
    assert_null(wide);
}

// One line of text per row: its number, a value, another, a label.
static void write_table(bool constant, int label_every, int label_start) {
    FILE *stream = fopen(path_of("rows"), "wb");
    assert_non_null(stream);
    for (int r = 0; r < rows; r++) {
        fprintf(stream, "%d,%g,%g,%d\n", r, constant ? 7 : (r * 7) % 10 / 10.0, (r * 3) % 5 * 1e5,
                label_start + r / label_every);
    }
    fclose(stream);
}

static void what_is_noted(void **state) {
    (void)state;
    weir_data_options options = of_files();
    options.train_labels = "";
    options.label_column = "3";
    write_table(false, 20, 0);
    load(&options);
    assert_true(noted("the first value of each row counts the rows"));
    assert_true(noted("data.scale standardise evens them out"));
    options.scale = "standardise";
    load(&options);
    assert_false(noted("evens them out"));
    options.scale = "auto";
    options.skip_columns = "0";
    load(&options);
    assert_false(noted("counts the rows"));
    options.skip_columns = "";
    write_table(true, 1000, 2);
    load(&options);
    assert_true(noted("1 of 3 values per row is constant, the first of them value 1"));
    assert_true(noted("all training rows have the label 2"));
    write_table(false, 20, 1);
    load(&options);
    assert_true(noted("the label 0 never occurs in training: labels count from 0"));
    write_table(false, 30, 4);
    load(&options);
    assert_true(noted("of the labels 0 to 5 these never occur in training: 0-3; labels without gaps"));
    weir_data_options digits = weir_data_options_default();
    digits.train = digits.valid = digits.test = 100;
    load(&digits);
    assert_null(weir_data_note(data, 0));
    assert_int_equal(weir_data_guesses(data), 0);
}

static void nearly_all_of_one_class(void **state) {
    (void)state;
    weir_data_options options = of_files();
    FILE *stream = fopen(path_of("rows"), "wb");
    for (int r = 0; r < 600; r++) fprintf(stream, "%g,%d\n", r % 7 / 7.0, r % 100 == 0);
    fclose(stream);
    options.train_labels = "";
    options.label_column = "1";
    load(&options);
    assert_true(noted("of the training rows have the label 0: an error of"));
}

// Every row keeps its targets when rows are shuffled and split.
static void check_targets(size_t wanted) {
    assert_int_equal(weir_data_targets(data), wanted);
    const weir_part parts[] = {weir_data_train(data), weir_data_valid(data), weir_data_test(data)};
    size_t seen = 0;
    for (size_t p = 0; p < 3; p++) {
        for (size_t i = 0; i < parts[p].count; i++, seen++) {
            float row[8], target[8];
            weir_rows_copy(parts[p].rows, row, NULL, parts[p].first + i, 1);
            weir_rows_copy(parts[p].targets, target, NULL, parts[p].first + i, 1);
            assert_true(target[0] == 2 * row[0]);
            if (wanted > 1) assert_true(target[1] == -row[0]);
        }
    }
    assert_int_equal(seen, rows);
}

static void targets_of_columns_and_files(void **state) {
    (void)state;
    weir_data_options options = of_files();
    options.train_labels = "";
    options.targets = "values";
    FILE *stream = fopen(path_of("rows"), "wb"), *others = fopen(path_of("targets"), "wb");
    fprintf(stream, "twice,x,y,minus,name\n");
    for (int r = 0; r < rows; r++) {
        fprintf(stream, "%g,%g,1,%g,row %d\n", 2 * r * 0.5, r * 0.5, -r * 0.5, r);
        fprintf(others, "%g\n", 2 * r * 0.5);
    }
    fclose(stream);
    fclose(others);
    options.skip_columns = "4";
    refused(&options, WEIR_ARGUMENT, "no targets; name their columns");
    options.target_columns = "0,3";
    load(&options);
    assert_int_equal(weir_data_columns(data), 2);
    check_targets(2);
    options.target_columns = "0";
    load(&options);
    check_targets(1);
    options.train_targets = path_of("targets");
    refused(&options, WEIR_CONFIG, "data.target_columns and a file of targets exclude each other");
    options.target_columns = "";
    options.skip_columns = "0,3-4";
    load(&options);
    check_targets(1);
    write_text("targets", "1\n2\n3\n");
    refused(&options, WEIR_DATA, "holds 3 targets, but ");
    options.targets = "labels";
    refused(&options, WEIR_CONFIG, "has no effect with data.targets labels; set data.targets to values");
    options = weir_data_options_default();
    options.skip_columns = "1";
    refused(&options, WEIR_CONFIG, "data.skip_columns is \"1\", but has no effect with data.source digits");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_picture_in_every_file),
        cmocka_unit_test(bytes_of_switches),
        cmocka_unit_test(scale_that_is_asked_for),
        cmocka_unit_test(standardised_columns),
        cmocka_unit_test(models_keep_their_scale),
        cmocka_unit_test(rows_on_another_scale),
        cmocka_unit_test(what_is_noted),
        cmocka_unit_test(nearly_all_of_one_class),
        cmocka_unit_test(targets_of_columns_and_files),
    };
    const int failed = cmocka_run_group_tests(tests, make_folder, remove_folder);
    weir_data_free(data);
    return failed;
}
