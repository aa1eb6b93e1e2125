// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Losses that compare values: what is said of a network beside sums formed here, of targets that lie far from 0 or do
// not vary, and that none of it speaks of classes or likelihoods.

#include "graph_reference.h"
#include <weir/model.h>
#include <weir/train.h>

enum { INPUTS = 3, OUTPUTS = 2, ROWS = 50 };

static float inputs[ROWS * INPUTS], targets[ROWS * OUTPUTS];
static weir_rows *rows, *wanted;
static weir_error error;

static weir_graph *network(const char *loss) {
    const weir_node nodes[] = {{.kind = "input", .size = INPUTS},
                               {.kind = "affine", .size = 6},
                               {.kind = "tanh"},
                               {.kind = "affine", .size = OUTPUTS},
                               {.kind = loss}};
    weir_graph *graph = NULL;
    const weir_graph_options options = weir_graph_options_default(7); // batches end inside the part
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    return graph;
}

static weir_part part_of(size_t first, size_t count) {
    return (weir_part){.rows = rows, .targets = wanted, .first = first, .count = count};
}

static void check_close(const char *what, double got, double want) {
    if (!(fabs(got - want) <= 1e-6 * fabs(want))) fail_msg("%s: %.9g, expected %.9g", what, got, want);
}

static void fill(double offset, double spread) {
    weir_random_normal(inputs, (weir_noise){.seed = 12, .stream = 60000}, 0, COUNT(inputs));
    weir_random_normal(targets, (weir_noise){.seed = 12, .stream = 60001}, 0, COUNT(targets));
    for (size_t k = 0; k < COUNT(targets); k++) targets[k] = (float)(offset + spread * (double)targets[k]);
    weir_rows_free(rows);
    weir_rows_free(wanted);
    rows = wanted = NULL;
    must(weir_rows_create(&rows, inputs, ROWS, INPUTS, &error), &error);
    must(weir_rows_create(&wanted, targets, ROWS, OUTPUTS, &error), &error);
}

static void test_evaluation(void **state) {
    (void)state;
    static const double offsets[] = {0, 3, 30000};
    for (size_t o = 0; o < COUNT(offsets); o++) {
        fill(offsets[o], 2);
        weir_graph *graph = network("squared-error");
        weir_evaluation found;
        const weir_part part = part_of(5, 40);
        float y[40 * OUTPUTS];
        must(weir_evaluate(graph, &found, NULL, &part, WEIR_MODE_DECIDE, &error), &error);
        must(weir_predict(graph, NULL, y, rows, 5, 40, &error), &error);
        double squares = 0, spread = 0;
        for (size_t k = 0; k < OUTPUTS; k++) {
            double mean = 0;
            for (size_t r = 0; r < 40; r++) mean += (double)targets[(5 + r) * OUTPUTS + k] / 40;
            for (size_t r = 0; r < 40; r++) {
                const double t = (double)targets[(5 + r) * OUTPUTS + k];
                squares += ((double)y[r * OUTPUTS + k] - t) * ((double)y[r * OUTPUTS + k] - t);
                spread += (t - mean) * (t - mean);
            }
        }
        check_close("rmse", found.rmse, sqrt(squares / (40 * OUTPUTS)));
        check_close("r2", found.r2, 1 - squares / spread);
        check_close("loss", found.loss, squares / 2 / 40);
        assert_true(isnan(found.error) && isnan(found.nll));
        weir_graph_free(graph);
    }
}

/// Targets that do not vary have no share of variance to explain; without targets there is nothing to say.
static void test_nothing_to_explain(void **state) {
    (void)state;
    fill(4, 0);
    weir_graph *graph = network("squared-error");
    weir_evaluation found;
    weir_part part = part_of(0, ROWS);
    must(weir_evaluate(graph, &found, NULL, &part, WEIR_MODE_DECIDE, &error), &error);
    assert_true(found.rmse > 0 && isnan(found.r2));
    part.targets = NULL;
    must(weir_evaluate(graph, &found, NULL, &part, WEIR_MODE_DECIDE, &error), &error);
    assert_true(isnan(found.rmse) && isnan(found.r2) && isnan(found.loss));
    weir_graph_free(graph);
}

static void test_no_classes_no_likelihood(void **state) {
    (void)state;
    fill(0, 1);
    weir_graph *graph = network("squared-error");
    weir_evaluation found;
    int32_t classes[ROWS];
    const weir_part part = part_of(0, ROWS);
    assert_int_equal(weir_evaluate_samples(graph, &found, &part, 3, 1, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "squared-error has no likelihood"));
    assert_int_equal(weir_predict(graph, classes, NULL, rows, 0, ROWS, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "squared-error predicts no classes"));
    assert_int_equal(weir_evaluate(graph, &found, classes, &part, WEIR_MODE_DECIDE, &error), WEIR_ARGUMENT);
    weir_result result = weir_result_empty();
    must(weir_measure(graph, &result, &part, 0, 0, &error), &error);
    must(weir_measure_samples(graph, &result, &part, 3, 1, &error), &error);
    assert_true(isfinite(result.test_rmse) && isfinite(result.test_r2));
    assert_true(isnan(result.test_nll) && isnan(result.test_error) && result.samples == 0);
    weir_graph_free(graph);
    // A likelihood of targets is judged as before.
    fill(0.5, 0);
    graph = network("bernoulli-cross-entropy");
    const weir_part halves = part_of(0, ROWS);
    must(weir_evaluate_samples(graph, &found, &halves, 3, 1, &error), &error);
    assert_true(isfinite(found.nll) && isnan(found.rmse) && isnan(found.r2));
    weir_graph_free(graph);
}

static int tear_down(void **state) {
    (void)state;
    weir_rows_free(rows);
    weir_rows_free(wanted);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evaluation),
        cmocka_unit_test(test_nothing_to_explain),
        cmocka_unit_test(test_no_classes_no_likelihood),
    };
    return cmocka_run_group_tests_name("regression", tests, NULL, tear_down);
}
