// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Data sets from memory, shared or copied, and training rows that come batch by batch: the same numbers as from
// anywhere else, nothing written that is the caller's, and an error for whatever a caller may get wrong.

#include <unistd.h>

#include "testing.h"

#include "core/core.h"
#include "train_bed.h"

enum { side = 28, pixels = side * side, train_rows = 150, valid_rows = 60, test_rows = 20, batch = 40 };

static uint8_t images[train_rows][pixels], valid_images[valid_rows][pixels], test_images[test_rows][pixels];
static int32_t labels[train_rows], valid_labels[valid_rows], test_labels[test_rows];
static weir_error error;

static int draw_digits(void **state) {
    (void)state;
    return weir_digits(images[0], labels, 1, 0, train_rows, NULL) ||
           weir_digits(valid_images[0], valid_labels, 1, (size_t)1 << 30, valid_rows, NULL) ||
           weir_digits(test_images[0], test_labels, 1, (size_t)1 << 31, test_rows, NULL);
}

static weir_data_arrays digits_in_memory(bool shared) {
    return (weir_data_arrays){.columns = pixels,
                              .height = side,
                              .width = side,
                              .train = {.rows = train_rows, .bytes = images[0], .labels = labels},
                              .valid = {.rows = valid_rows, .bytes = valid_images[0], .labels = valid_labels},
                              .test = {.rows = test_rows, .bytes = test_images[0], .labels = test_labels},
                              .shared = shared};
}

static weir_graph *make_graph(void) {
    weir_node nodes[bed_nodes_most];
    weir_graph *graph = NULL;
    const size_t count = bed_network(nodes, "straight-through");
    const weir_graph_options options = weir_graph_options_default(64);
    must(weir_graph_create(&graph, nodes, count, &options, &error), &error);
    return graph;
}

static weir_train_options short_training(size_t epochs) {
    weir_train_options options = weir_train_options_default();
    options.epochs = epochs;
    options.batch = batch;
    return options;
}

static weir_graph *trained_on(const weir_data *data, size_t epochs) {
    weir_graph *graph = make_graph();
    weir_trainer *trainer = NULL;
    const weir_train_options options = short_training(epochs);
    must(weir_trainer_create(&trainer, graph, data, &options, &error), &error);
    must(weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error), &error);
    weir_trainer_free(trainer);
    return graph;
}

static void assert_same_parameters(weir_graph *a, weir_graph *b) {
    const weir_parameters p = weir_graph_parameters(a), q = weir_graph_parameters(b);
    assert_int_equal(p.count, q.count);
    assert_memory_equal(p.values, q.values, p.count * sizeof *p.values);
}

static void same_as_the_built_in_digits(void **state) {
    (void)state;
    weir_data *built_in = bed_digits(train_rows, valid_rows, test_rows);
    weir_graph *wanted = trained_on(built_in, 2);
    for (int shared = 0; shared < 2; shared++) {
        weir_data *data = NULL;
        const weir_data_arrays arrays = digits_in_memory(shared);
        must(weir_data_create(&data, &arrays, NULL, &error), &error);
        assert_string_equal(weir_data_scale(data)->kind, "1/255");
        assert_int_equal(weir_data_classes(data), 10);
        assert_int_equal(weir_data_test(data).count, test_rows);
        weir_graph *graph = trained_on(data, 2);
        assert_same_parameters(graph, wanted);
        weir_graph_free(graph);
        weir_data_free(data);
    }
    weir_graph_free(wanted);
    weir_data_free(built_in);
}

// Standardised, binarised, halved: shared arrays are as before; copied ones may change afterwards.
static void arrays_stay_the_callers(void **state) {
    (void)state;
    const struct {
        const char *scale, *binarise, *targets;
    } cases[] = {{"standardise", "none", "labels"}, {"auto", "threshold", "labels"}, {"1/255", "fixed", "lower-half"}};
    static uint8_t kept[train_rows][pixels];
    memcpy(kept, images, sizeof images);
    for (size_t i = 0; i < 3; i++) {
        weir_data *copied = NULL, *shared = NULL;
        static float a[pixels], b[pixels];
        weir_data_options options = weir_data_options_default();
        options.scale = cases[i].scale;
        options.binarise = cases[i].binarise;
        options.targets = cases[i].targets;
        weir_data_arrays arrays = digits_in_memory(false);
        must(weir_data_create(&copied, &arrays, &options, &error), &error);
        arrays.shared = true;
        must(weir_data_create(&shared, &arrays, &options, &error), &error);
        for (int changed = 0; changed < 2; changed++) {
            weir_rows_copy(weir_data_train(copied).rows, a, NULL, 7, 1);
            if (!changed) memcpy(b, a, sizeof a);
            assert_memory_equal(a, b, sizeof a);
            memset(images, changed ? 0 : 0x55, sizeof images);
        }
        memcpy(images, kept, sizeof images);
        weir_rows_copy(weir_data_train(shared).rows, a, NULL, 7, 1);
        assert_memory_equal(a, b, sizeof a);
        weir_data_free(copied);
        weir_data_free(shared);
        assert_memory_equal(images, kept, sizeof images);
    }
}

static void missing_parts(void **state) {
    (void)state;
    weir_data *data = NULL;
    weir_data_arrays arrays = digits_in_memory(true);
    arrays.valid.rows = arrays.test.rows = 0;
    must(weir_data_create(&data, &arrays, NULL, &error), &error);
    assert_int_equal(weir_data_train(data).count, train_rows - train_rows / 6);
    assert_int_equal(weir_data_valid(data).count, train_rows / 6);
    assert_int_equal(weir_data_valid(data).first, train_rows - train_rows / 6);
    assert_int_equal(weir_data_test(data).count, 0);
    weir_data_free(data);
}

static void refused(const weir_data_arrays *arrays, const weir_data_options *options, weir_status wanted,
                    const char *fragment) {
    weir_data *data = (weir_data *)1;
    const weir_status got = weir_data_create(&data, arrays, options, &error);
    if (got != wanted || !strstr(error.text, fragment)) print_message("%s\n", error.text);
    assert_int_equal(got, wanted);
    assert_non_null(strstr(error.text, fragment));
    assert_null(data);
}

static void wrong_arrays(void **state) {
    (void)state;
    float values[] = {1, 2, 3, 4, 5, 6};
    int32_t some[] = {0, 1, 0};
    weir_data_arrays arrays = {.columns = 2, .train = {.rows = 3, .values = values, .labels = some}};
    weir_data_options options = weir_data_options_default();
    values[3] = NAN;
    refused(&arrays, NULL, WEIR_DATA, "training part, row 1, column 1 is nan");
    values[3] = 4;
    some[2] = -1;
    refused(&arrays, NULL, WEIR_DATA, "training part, row 2: label -1");
    some[2] = 0;
    arrays.train.labels = NULL;
    refused(&arrays, NULL, WEIR_ARGUMENT, "neither labels nor targets");
    arrays.targets = 1;
    refused(&arrays, NULL, WEIR_ARGUMENT, "has no targets, but 1 per row were announced");
    arrays.train.targets = values;
    options.targets = "lower-half";
    refused(&arrays, &options, WEIR_CONFIG, "data.targets is \"lower-half\", but the arrays bring 1 targets per row");
    arrays.targets = 0;
    options.targets = "values";
    refused(&arrays, &options, WEIR_CONFIG, "but the arrays bring none");
    arrays.train.bytes = images[0];
    refused(&arrays, NULL, WEIR_ARGUMENT, "training part: needs either values or bytes");
    arrays.train.bytes = NULL;
    arrays.height = 3;
    arrays.width = 2;
    refused(&arrays, NULL, WEIR_SHAPE, "images of 3 x 2 values, but 2 columns");
    arrays.height = 0;
    arrays.train.rows = 1;
    refused(&arrays, NULL, WEIR_SHAPE, "1 training rows");
    arrays.train.rows = 3;
    arrays.columns = 0;
    refused(&arrays, NULL, WEIR_SHAPE, "rows of no values");
}

static void out_of_memory(void **state) {
    (void)state;
    int failures = 0;
    const weir_data_arrays arrays = digits_in_memory(false);
    for (long allowed = 0; allowed < 100; allowed++) {
        weir_data *data = NULL;
        weir__alloc_fail_after(allowed);
        const weir_status status = weir_data_create(&data, &arrays, NULL, &error);
        weir__alloc_fail_after(-1);
        weir_data_free(data);
        if (status == WEIR_OK) break;
        assert_int_equal(status, WEIR_MEMORY);
        assert_null(data);
        failures++;
    }
    assert_in_range(failures, 8, 60);
}

// A line through the targets of rows in memory is found.
static void regression_from_memory(void **state) {
    (void)state;
    enum { n = 400 };
    static float x[n][2], y[n];
    const weir_node nodes[] = {
        {.kind = "input", .size = 2}, {.name = "line", .kind = "affine", .size = 1}, {.kind = "squared-error"}};
    for (size_t i = 0; i < n; i++) {
        x[i][0] = (float)(i % 20) / 10 - 1;
        x[i][1] = (float)(i / 20) / 10 - 1;
        y[i] = 3 * x[i][0] - 2 * x[i][1] + 0.5F;
    }
    const weir_data_arrays arrays = {
        .columns = 2, .targets = 1, .train = {.rows = n, .values = x[0], .targets = y}, .shared = true};
    weir_data *data = NULL;
    weir_graph *graph = NULL;
    weir_trainer *trainer = NULL;
    const weir_graph_options making = weir_graph_options_default(20);
    weir_train_options options = weir_train_options_default();
    options.epochs = 60;
    options.batch = 20;
    options.optimizer.rate = 0.05;
    must(weir_data_create(&data, &arrays, NULL, &error), &error);
    assert_int_equal(weir_data_targets(data), 1);
    must(weir_graph_create(&graph, nodes, 3, &making, &error), &error);
    must(weir_trainer_create(&trainer, graph, data, &options, &error), &error);
    must(weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error), &error);
    const weir_part all = weir_data_train(data);
    weir_evaluation found;
    must(weir_evaluate(graph, &found, NULL, &all, WEIR_MODE_DECIDE, &error), &error);
    assert_true(found.loss < 1e-2);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(data);
}

// ---- Streams

/// Rows of the arrays above, in another order in each epoch.
typedef struct feed {
    size_t epoch, at, most_at_once, rows, begun;
    bool fails, cannot_begin;
    int32_t wrong_label;
    float wrong_value;
} feed;

static size_t row_of(const feed *f, size_t i) { return (i * 7 + f->epoch * 31) % train_rows; }

static int begin(void *context, size_t epoch) {
    feed *f = context;
    f->epoch = epoch;
    f->at = 0;
    f->begun++;
    return f->cannot_begin;
}

static size_t next(void *context, float *inputs, int32_t *to, float *targets, size_t most) {
    feed *f = context;
    if (f->fails) return SIZE_MAX;
    assert_non_null(to);
    assert_null(targets);
    size_t rows = f->rows - f->at;
    if (rows > most) rows = most;
    if (rows > f->most_at_once) rows = f->most_at_once;
    for (size_t i = 0; i < rows; i++) {
        const size_t row = row_of(f, f->at + i);
        for (size_t j = 0; j < pixels; j++) inputs[i * pixels + j] = images[row][j];
        to[i] = f->wrong_label ? f->wrong_label : labels[row];
        if (f->wrong_value != 0) inputs[i * pixels + 3] = f->wrong_value;
    }
    f->at += rows;
    return rows;
}

static weir_data *stream_of(feed *f, size_t announced) {
    weir_data *data = NULL;
    const weir_data_arrays arrays = digits_in_memory(true);
    const weir_batches batches = {
        .columns = pixels, .classes = 10, .rows = announced, .begin = begin, .next = next, .context = f};
    weir_data_options options = weir_data_options_default();
    options.scale = "1/255";
    must(weir_data_stream(&data, &batches, &arrays, &options, &error), &error);
    return data;
}

static feed whole_feed(void) { return (feed){.most_at_once = SIZE_MAX, .rows = train_rows}; }

// Known length or not, many rows at once or a few: the bits of batches given by hand.
static void streams_train_as_batches_by_hand(void **state) {
    (void)state;
    enum { epochs = 2 };
    weir_graph *by_hand = make_graph();
    feed source = whole_feed();
    weir_data *data = stream_of(&source, 0);
    weir_trainer *trainer = NULL;
    const weir_train_options options = short_training(epochs);
    must(weir_trainer_create(&trainer, by_hand, data, &options, &error), &error);
    static float inputs[batch][pixels];
    int32_t some[batch];
    for (source.epoch = 0; source.epoch < epochs; source.epoch++) {
        for (size_t first = 0; first < train_rows; first += batch) {
            const size_t rows = train_rows - first < batch ? train_rows - first : batch;
            for (size_t i = 0; i < rows; i++) {
                const size_t row = row_of(&source, first + i);
                for (size_t j = 0; j < pixels; j++) inputs[i][j] = (1.0F / 255) * (float)images[row][j];
                some[i] = labels[row];
            }
            must(weir_trainer_step(trainer, inputs[0], some, rows, &error), &error);
        }
    }
    weir_trainer_free(trainer);
    weir_data_free(data);
    const size_t announced[] = {0, train_rows}, pieces[] = {SIZE_MAX, 7};
    for (size_t i = 0; i < 4; i++) {
        feed f = whole_feed();
        f.most_at_once = pieces[i % 2];
        data = stream_of(&f, announced[i / 2]);
        assert_int_equal(weir_data_train(data).count, 0);
        assert_int_equal(weir_data_columns(data), pixels);
        weir_graph *graph = make_graph();
        const weir_epoch *lines = NULL;
        size_t count = 0, best = 0;
        must(weir_trainer_create(&trainer, graph, data, &options, &error), &error);
        must(weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error), &error);
        lines = weir_trainer_epochs(trainer, &count, &best);
        assert_int_equal(count, epochs);
        assert_true(lines[1].train_loss < lines[0].train_loss);
        assert_int_equal(f.begun, epochs);
        if (best == epochs) assert_same_parameters(graph, by_hand);
        assert_int_equal(best, epochs);
        weir_trainer_free(trainer);
        weir_graph_free(graph);
        weir_data_free(data);
    }
    weir_graph_free(by_hand);
}

static int stop_at_batch(void *context, const weir_progress *p) {
    const size_t *stop = context;
    return !p->finished && p->epoch == stop[0] && p->batch == stop[1];
}

// Stopped within an epoch and continued, in another process as it were.
static void streams_continue_bit_for_bit(void **state) {
    (void)state;
    char folder[] = "/tmp/weir-arrays-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    feed f = whole_feed();
    weir_data *data = stream_of(&f, 0);
    weir_graph *wanted = trained_on(data, 3), *graph = make_graph();
    weir_trainer *trainer = NULL;
    const weir_train_options options = short_training(3);
    size_t stop[] = {2, 3};
    must(weir_trainer_create(&trainer, graph, data, &options, &error), &error);
    assert_int_equal(weir_trainer_run(trainer, folder, "name: x", stop_at_batch, stop, &error), WEIR_INTERRUPTED);
    assert_non_null(strstr(error.text, "interrupted after 1 epochs and 3 batches"));
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(data);

    feed again = whole_feed();
    data = stream_of(&again, 0);
    graph = make_graph();
    must(weir_trainer_create(&trainer, graph, data, &options, &error), &error);
    must(weir_trainer_resume(trainer, folder, &error), &error);
    must(weir_trainer_run(trainer, folder, "name: x", NULL, NULL, &error), &error);
    assert_same_parameters(graph, wanted);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_graph_free(wanted);
    weir_data_free(data);
    const char *const names[] = {"checkpoint.safetensors", "model.safetensors", "metrics.jsonl", "metrics.csv"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void run_fails(feed f, size_t announced, const char *fragment) {
    weir_data *data = stream_of(&f, announced);
    weir_graph *graph = make_graph();
    weir_trainer *trainer = NULL;
    const weir_train_options options = short_training(1);
    must(weir_trainer_create(&trainer, graph, data, &options, &error), &error);
    const weir_status status = weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error);
    if (status != WEIR_DATA || !strstr(error.text, fragment)) print_message("%s\n", error.text);
    assert_int_equal(status, WEIR_DATA);
    assert_non_null(strstr(error.text, fragment));
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(data);
}

static void streams_that_go_wrong(void **state) {
    (void)state;
    feed f = whole_feed();
    f.fails = true;
    run_fails(f, 0, "the stream of training rows failed at row 0");
    f = whole_feed();
    f.cannot_begin = true;
    run_fails(f, 0, "cannot begin epoch 1");
    f = whole_feed();
    f.rows = 0;
    run_fails(f, 0, "has no rows in epoch 1");
    f = whole_feed();
    run_fails(f, train_rows + 5, "ended after 150 rows of epoch 1; 155 were announced");
    f = whole_feed();
    f.wrong_label = 10;
    run_fails(f, 0, "row 0 has the label 10, but 10 classes were announced");
    f = whole_feed();
    f.wrong_value = NAN;
    run_fails(f, 0, "row 0, column 3 is nan");
    f.wrong_value = HUGE_VALF;
    run_fails(f, train_rows, "row 0, column 3 is inf");
}

static void streams_refused(void **state) {
    (void)state;
    feed f = whole_feed();
    const weir_data_arrays arrays = digits_in_memory(true);
    const weir_batches good = {.columns = pixels, .classes = 10, .next = next, .context = &f};
    struct {
        weir_batches batches;
        weir_data_arrays arrays;
        const char *scale, *binarise, *fragment;
    } cases[7];
    for (size_t i = 0; i < 7; i++) {
        cases[i].batches = good;
        cases[i].arrays = arrays;
        cases[i].scale = "auto";
        cases[i].binarise = "none";
    }
    cases[0].batches.next = NULL;
    cases[0].fragment = "have no function `next`";
    cases[1].batches.columns = 3;
    cases[1].fragment = "they must agree";
    cases[2].batches.classes = 0;
    cases[2].fragment = "bring either labels, of some classes, or targets";
    cases[3].arrays.valid.rows = 0;
    cases[3].fragment = "needs arrays of validation rows";
    cases[4].scale = "standardise";
    cases[4].fragment = "give a known_scale";
    cases[5].binarise = "fixed";
    cases[5].fragment = "binarised by the stream";
    cases[6].scale = "loud";
    cases[6].fragment = "unknown scale \"loud\"";
    for (size_t i = 0; i < 7; i++) {
        weir_data *data = (weir_data *)1;
        weir_data_options options = weir_data_options_default();
        options.scale = cases[i].scale;
        options.binarise = cases[i].binarise;
        assert_int_not_equal(weir_data_stream(&data, &cases[i].batches, &cases[i].arrays, &options, &error), WEIR_OK);
        if (!strstr(error.text, cases[i].fragment)) print_message("%s\n", error.text);
        assert_non_null(strstr(error.text, cases[i].fragment));
        assert_null(data);
    }
}

static void rows_over_the_callers_array(void **state) {
    (void)state;
    float values[2][3] = {{1, -2, 3}, {4, 5, 6}}, read[2][3];
    const uint8_t bytes[2][3] = {{0, 255, 51}, {1, 2, 3}};
    weir_rows *rows = NULL;
    weir_scale *scale = NULL;
    must(weir_rows_share(&rows, values[0], NULL, 2, 3, &error), &error);
    values[1][0] = 7; // it is the caller's array, and no copy, that is read
    weir_rows_copy(rows, read[0], NULL, 0, 2);
    assert_memory_equal(read, values, sizeof values);
    weir_rows_free(rows);
    must(weir_rows_share(&rows, NULL, bytes[0], 2, 3, &error), &error);
    weir_rows_copy(rows, read[0], NULL, 0, 1);
    assert_float_equal(read[0][1], 255, 0);
    must(weir_scale_create(&scale, "1/255", 0, &error), &error);
    must(weir_rows_scale(rows, scale, &error), &error);
    weir_rows_copy(rows, read[0], NULL, 0, 1);
    assert_float_equal(read[0][2], 0.2F, 1e-7);
    weir_scale_free(scale);
    weir_rows_free(rows);
    assert_int_equal(weir_rows_share(&rows, NULL, NULL, 2, 3, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_rows_share(&rows, values[0], bytes[0], 2, 3, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_rows_share(&rows, values[0], NULL, 2, 0, &error), WEIR_SHAPE);
    assert_int_equal(weir_rows_share(&rows, values[0], NULL, SIZE_MAX, 3, &error), WEIR_SHAPE);
    values[1][2] = NAN;
    assert_int_equal(weir_rows_share(&rows, values[0], NULL, 2, 3, &error), WEIR_DATA);
    assert_string_equal(error.text, "row 1, column 2 is nan; it must be finite");
    assert_null(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_the_built_in_digits),
        cmocka_unit_test(arrays_stay_the_callers),
        cmocka_unit_test(missing_parts),
        cmocka_unit_test(wrong_arrays),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(rows_over_the_callers_array),
        cmocka_unit_test(regression_from_memory),
        cmocka_unit_test(streams_train_as_batches_by_hand),
        cmocka_unit_test(streams_continue_bit_for_bit),
        cmocka_unit_test(streams_that_go_wrong),
        cmocka_unit_test(streams_refused),
    };
    return cmocka_run_group_tests(tests, draw_digits, NULL);
}
