// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Evaluation and measurement against counts taken by hand, and result.json.

#define _XOPEN_SOURCE 700
#include <unistd.h>

#include "testing.h"
#include <jansson.h>

#include "train_bed.h"

static weir_data *data;

static weir_graph *graph_of(const char *rule, size_t max_rows) {
    weir_node nodes[bed_nodes_most];
    return bed_graph(nodes, bed_network(nodes, rule), max_rows);
}

// Loss, error and share of a part in batches of any size are those of one batch.
static void test_evaluate(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_part part = weir_data_test(data);
    const size_t n = part.count;
    assert_int_equal(n, 70);
    weir_graph *whole = graph_of("sts", 128), *small = graph_of("sts", 16);
    assert_int_equal(weir_graph_threshold_set(whole, 4, 0.1f, NULL), WEIR_OK);
    assert_int_equal(weir_graph_threshold_set(small, 4, 0.1f, NULL), WEIR_OK);
    weir_evaluation a, b;
    int32_t x[70], y[70];
    must(weir_evaluate(whole, &a, x, &part, WEIR_MODE_DECIDE, &error), &error);
    must(weir_evaluate(small, &b, y, &part, WEIR_MODE_DECIDE, &error), &error);
    assert_memory_equal(x, y, sizeof x);
    assert_true(fabs(a.loss - b.loss) <= 1e-5 && a.error == b.error);
    assert_true(fabs(a.share - b.share) <= 0.002 && a.share > 0 && a.share < 1);
    size_t wrong = 0;
    for (size_t r = 0; r < n; r++) wrong += x[r] != part.labels[part.first + r];
    assert_true(wrong > 0 && a.error == (double)wrong / (double)n);
    // What the graph still holds of the one batch.
    const float *p = weir_graph_output(whole, weir_graph_find(whole, "loss"));
    for (size_t r = 0; r < n; r++) {
        for (size_t c = 0; c < 10; c++) assert_true(p[r * 10 + c] <= p[r * 10 + (size_t)x[r]]);
    }
    double loss = 0;
    for (size_t r = 0; r < n; r++) loss += weir_graph_loss(whole)[r] / (double)n;
    assert_true(fabs(loss - a.loss) <= 1e-6);
    // Main path: 784 × 48 experts in blocks of 2 and 48 × 10 scores; gater: 784 × 12 and 12 × 24.
    const double dense = 784 * 48 + 48 * 10;
    assert_int_equal(a.counters.rows, n);
    assert_int_equal(a.counters.gates, n * 24);
    assert_int_equal(a.counters.forward_dense, n * dense);
    assert_true(fabs((double)a.counters.forward_done - a.share * (double)n * dense) <= 0.5);
    assert_int_equal(a.counters.forward_gater, n * (784 * 12 + 12 * 24));
    // Again: counters are of one run alone.
    must(weir_evaluate(whole, &b, NULL, &part, WEIR_MODE_OPEN, &error), &error);
    assert_int_equal(b.counters.forward_done, n * dense);
    assert_int_equal(b.counters.forward_gater, 0);
    assert_true(b.share == 1);

    part.labels = NULL;
    must(weir_evaluate(whole, &b, y, &part, WEIR_MODE_DECIDE, &error), &error);
    assert_memory_equal(x, y, sizeof x);
    assert_true(isnan(b.loss) && isnan(b.error));
    part.count = 0;
    assert_int_equal(weir_evaluate(whole, &b, NULL, &part, WEIR_MODE_DECIDE, &error), WEIR_DATA);
    weir_graph_free(whole);
    weir_graph_free(small);
}

static double number(const json_t *json, const char *name) {
    const json_t *field = json_object_get(json, name);
    if (!json_is_number(field)) fail_msg("result.json lacks the number %s", name);
    return json_number_value(field);
}

// The file has nine digits.
static void expect_number(const json_t *json, const char *name, double expected) {
    const double value = number(json, name);
    if (!(fabs(value - expected) <= 1e-8 * fabs(expected)))
        fail_msg("%s: %.17g, expected %.17g", name, value, expected);
}

static void test_measure_and_write(void **unused) {
    (void)unused;
    weir_error error = {0};
    char path[] = "/tmp/weir-result-XXXXXX";
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    weir_graph *graph = graph_of("noisy-rectifier:sd=0.5", 32);
    const weir_part valid = weir_data_valid(data), test = weir_data_test(data);
    weir_train_options options = weir_train_options_default();
    weir_trainer *trainer = NULL;
    options.epochs = 2;
    options.seed = UINT64_MAX;
    options.sparsity.target = 0.2;
    must(weir_trainer_create(&trainer, graph, data, &options, &error), &error);
    must(weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error), &error);

    weir_result r = weir_result_empty();
    r.name = "a \"quoted\" name";
    weir_trainer_result(trainer, &r);
    must(weir_measure(graph, &r, &test, 20, 3, &error), &error);
    must(weir_result_write(&r, path, &error), &error);

    size_t best;
    const weir_epoch *epochs = weir_trainer_epochs(trainer, NULL, &best);
    json_error_t why;
    json_t *json = json_load_file(path, 0, &why);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "name")), "a \"quoted\" name");
    assert_string_equal(json_string_value(json_object_get(json, "rule")), "noisy-rectifier:sd=0.5");
    assert_string_equal(json_string_value(json_object_get(json, "version")), weir_version());
    assert_string_equal(json_string_value(json_object_get(json, "seed")), "18446744073709551615");
    assert_string_equal(json_string_value(json_object_get(json, "isa")), weir_isa_name(weir_isa_current()));
    assert_string_equal(json_string_value(json_object_get(json, "precision")), "fp32");
    expect_number(json, "train_loss", epochs[best - 1].train_loss);
    expect_number(json, "train_share", epochs[best - 1].train_share);
    expect_number(json, "valid_error", epochs[best - 1].valid_error);
    assert_true(number(json, "epochs") == 2 && number(json, "best_epoch") == (double)best);
    expect_number(json, "seconds", epochs[0].seconds + epochs[1].seconds);
    expect_number(json, "rows_per_second_train", 200 / (epochs[0].train_seconds + epochs[1].train_seconds));
    weir_evaluation evaluation;
    must(weir_evaluate(graph, &evaluation, NULL, &test, WEIR_MODE_DECIDE, &error), &error);
    expect_number(json, "test_error", evaluation.error);
    expect_number(json, "share", evaluation.share);
    const double dense = 784 * 48 + 48 * 10;
    assert_true(number(json, "multiply_adds_dense") == dense);
    expect_number(json, "multiply_adds_done", evaluation.share * dense);
    assert_true(number(json, "multiply_adds_gater") == 784 * 12 + 12 * 24);
    assert_true(number(json, "predict_ms_dense") > 0 && number(json, "predict_ms_gated") > 0);
    assert_true(number(json, "predict_rows") == 70 && number(json, "predict_batch") == 20);
    assert_true(number(json, "predict_repeats") == 3 && number(json, "threads") == weir_threads());
    assert_true(number(json, "memory_peak") > 1e6);
    assert_true(number(json, "parameters") == 784 * 12 + 12 + 12 * 24 + 24 + 784 * 48 + 48 + 48 * 10 + 10);
    const float threshold = weir_graph_threshold(graph, weir_graph_find(graph, "gates"));
    assert_true(threshold != 0);
    assert_true((float)number(json, "threshold") == threshold);
    assert_true((float)number(json_object_get(json, "thresholds"), "gates") == threshold);
    json_decref(json);

    // Thresholds come from the validation part; there the share is exact.
    must(weir_evaluate(graph, &evaluation, NULL, &valid, WEIR_MODE_DECIDE, &error), &error);
    assert_true(fabs(evaluation.share - 0.2) <= 0.001);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    unlink(path);
}

// A network without gates: all is done, and what there is not is null.
static void test_dense(void **unused) {
    (void)unused;
    weir_error error = {0};
    const weir_node nodes[] = {
        {.kind = "input", .size = 784}, {.kind = "affine", .size = 10}, {.kind = "softmax-cross-entropy"}};
    weir_graph *graph = bed_graph(nodes, 3, 64);
    const weir_part test = weir_data_test(data);
    weir_result r = weir_result_empty();
    must(weir_measure(graph, &r, &test, 0, 0, &error), &error);
    assert_true(r.share == 1 && isnan(r.threshold) && r.gate_count == 0 && !r.rule[0]);
    assert_true(r.multiply_adds_done == 7840 && r.multiply_adds_dense == 7840 && r.multiply_adds_gater == 0);
    assert_true(isnan(r.predict_ms_dense) && r.predict_batch == 64);
    assert_int_equal(weir_measure(graph, &r, &test, 0, -1, &error), WEIR_ARGUMENT);
    char path[] = "/tmp/weir-result-XXXXXX";
    close(mkstemp(path));
    must(weir_result_write(&r, path, &error), &error);
    json_t *json = json_load_file(path, 0, NULL);
    assert_true(json_is_null(json_object_get(json, "threshold")) && json_is_null(json_object_get(json, "train_loss")));
    assert_true(json_is_null(json_object_get(json, "rule")) && json_is_null(json_object_get(json, "name")));
    json_decref(json);
    unlink(path);
    assert_true(weir_result_write(&r, "/nonexistent/result.json", &error) != WEIR_OK);
    assert_non_null(strstr(error.text, "/nonexistent/result.json"));
    weir_graph_free(graph);
}

static int set_up(void **unused) {
    (void)unused;
    data = bed_digits(100, 60, 70);
    return 0;
}

static int tear_down(void **unused) {
    (void)unused;
    weir_data_free(data);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evaluate),
        cmocka_unit_test(test_measure_and_write),
        cmocka_unit_test(test_dense),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
