// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Thresholds that open exactly the target share of the gates: against the sorted list of all pre-activations, with
// ties, over two layers of which the second sees the first one's gates; and the share that weir_evaluate reports.

#include "testing.h"

#include "train_bed.h"

#include "train/evaluate.h"

enum { most_values = 1 << 16 };

static int ascending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

// All pre-activations of a unit node over a part, as the test-time network has them.
static size_t collect(weir_graph *graph, size_t node, const weir_part *part, float *values) {
    const weir_node *nodes = weir_graph_nodes(graph, NULL);
    const size_t from = weir_graph_find(graph, nodes[node].from), units = nodes[node].size;
    weir_error error = {0};
    weir__feed feed = {0};
    size_t count = 0;
    must(weir__feed_init(&feed, graph, part, 50, &error), &error);
    while (weir__feed_next(&feed)) {
        const weir_pass pass = {.mode = WEIR_MODE_DECIDE, .rows = feed.rows, .inputs = feed.inputs};
        must(weir_graph_forward(graph, &pass, &error), &error);
        assert_true(count + feed.rows * units <= most_values);
        memcpy(values + count, weir_graph_output(graph, from), feed.rows * units * sizeof *values);
        count += feed.rows * units;
    }
    weir__feed_free(&feed);
    return count;
}

// Open gates at the node's threshold; and the most and least that ties would have allowed.
static void check_node(weir_graph *graph, const char *name, const weir_part *part, double target) {
    static float values[most_values];
    const size_t node = weir_graph_find(graph, name), count = collect(graph, node, part, values);
    const float threshold = weir_graph_threshold(graph, node);
    size_t open = 0;
    for (size_t k = 0; k < count; k++) open += values[k] > threshold;
    qsort(values, count, sizeof *values, ascending);
    const size_t wanted = (size_t)llround(target * (double)count);
    size_t ties = 0;
    for (size_t k = 0; k < count; k++) ties += values[k] == values[wanted < count ? count - wanted - 1 : 0];
    assert_true(count > 100 && ties >= 1);
    if (ties == 1 && open != wanted) fail_msg("%s: %zu of %zu open, wanted %zu", name, open, count, wanted);
    if (!(llabs((long long)open - (long long)wanted) <= (long long)(ties + 1) / 2)) {
        fail_msg("%s: %zu open, wanted %zu, %zu ties", name, open, wanted, ties);
    }
    // In the middle between two of them, so that no gate opens or closes by a last bit.
    if (!open || open == count) return;
    const double low = (double)values[count - open - 1], high = (double)values[count - open], middle = (double)threshold;
    if (!(fabs((low + high) / 2 - middle) <= 1e-6 * (fabs(low) + fabs(high))))
        fail_msg("%s: threshold %g between %g and %g", name, middle, low, high);
}

static void test_exact(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_node nodes[bed_nodes_most];
    weir_data *data = bed_digits(50, 130, 50);
    const weir_part part = weir_data_valid(data);
    static const char *const rules[] = {"sts", "noisy-rectifier", "reinforce"};
    for (size_t i = 0; i < 3; i++) {
        weir_graph *graph = bed_graph(nodes, bed_network(nodes, rules[i]), 64);
        static const double targets[] = {0.1, 0.5, 0.9, 0.0001, 0.9999};
        for (size_t k = 0; k < 5; k++) {
            weir_evaluation evaluation;
            must(weir_fit_thresholds(graph, &part, targets[k], &error), &error);
            check_node(graph, "gates", &part, targets[k]);
            must(weir_evaluate(graph, &evaluation, NULL, &part, WEIR_MODE_DECIDE, &error), &error);
            if (!(fabs(evaluation.share - targets[k]) <= 0.001)) {
                fail_msg("%s: share %g, target %g", rules[i], evaluation.share, targets[k]);
            }
        }
        weir_graph_free(graph);
    }
    weir_data_free(data);
}

static void test_two_layers(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_node nodes[bed_nodes_most];
    weir_data *data = bed_digits(50, 130, 50);
    const weir_part part = weir_data_valid(data);
    weir_graph *graph = bed_graph(nodes, bed_two_layers(nodes, "sts"), 64);
    must(weir_fit_thresholds(graph, &part, 0.2, &error), &error);
    check_node(graph, "gates1", &part, 0.2);
    check_node(graph, "gates2", &part, 0.2);
    weir_evaluation evaluation;
    must(weir_evaluate(graph, &evaluation, NULL, &part, WEIR_MODE_DECIDE, &error), &error);
    assert_true(fabs(evaluation.share - 0.2) <= 0.001);
    assert_int_equal(evaluation.counters.rows, part.count);
    assert_true(evaluation.counters.forward_done < evaluation.counters.forward_dense / 2);
    weir_graph_free(graph);
    weir_data_free(data);
}

// With equal pre-activations all gates open or none: whichever is nearer.
static void test_ties(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_node nodes[bed_nodes_most];
    weir_data *data = bed_digits(50, 40, 50);
    const weir_part part = weir_data_valid(data);
    weir_graph *graph = bed_graph(nodes, bed_network(nodes, "sts"), 64);
    const weir_parameters p = weir_graph_parameters(graph);
    const size_t logits = weir_graph_find(graph, "logits");
    // Biases of −1 (18 units) and 0 (6), weights 0.
    for (size_t i = 0; i < p.tensor_count; i++) {
        if (p.tensors[i].node != logits) continue;
        float *values = p.values + p.tensors[i].offset;
        for (size_t k = 0; k < p.tensors[i].rows * p.tensors[i].columns; k++) {
            values[k] = p.tensors[i].columns > 1 ? 0 : k < 18 ? -1 : 0;
        }
    }
    static const struct {
        double target, share;
    } cases[] = {{0.1, 0}, {0.13, 0.25}, {0.2, 0.25}, {0.25, 0.25}, {0.5, 0.25}, {0.7, 1}, {0.99, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_evaluation evaluation;
        must(weir_fit_thresholds(graph, &part, cases[i].target, &error), &error);
        must(weir_evaluate(graph, &evaluation, NULL, &part, WEIR_MODE_DECIDE, &error), &error);
        if (!(fabs(evaluation.share - cases[i].share) <= 1e-9)) {
            fail_msg("target %g: share %g, expected %g", cases[i].target, evaluation.share, cases[i].share);
        }
    }
    weir_graph_free(graph);
    weir_data_free(data);
}

static void test_what_cannot_close_is_left(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_node nodes[bed_nodes_most];
    weir_data *data = bed_digits(50, 40, 50);
    const weir_part part = weir_data_valid(data);
    weir_graph *graph = bed_graph(nodes, bed_network(nodes, "sigmoid"), 64);
    const size_t gates = weir_graph_find(graph, "gates");
    assert_int_equal(weir_graph_threshold_set(graph, gates, 0.25f, NULL), WEIR_OK);
    must(weir_fit_thresholds(graph, &part, 0.1, &error), &error);
    assert_true(weir_graph_threshold(graph, gates) == 0.25f);
    weir_graph_free(graph);
    weir_data_free(data);
}

static void test_errors_leave_thresholds(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_node nodes[bed_nodes_most];
    weir_data *data = bed_digits(50, 40, 50);
    weir_part part = weir_data_valid(data);
    weir_graph *graph = bed_graph(nodes, bed_network(nodes, "sts"), 64);
    const size_t gates = weir_graph_find(graph, "gates");
    assert_int_equal(weir_graph_threshold_set(graph, gates, 0.5f, NULL), WEIR_OK);
    assert_int_equal(weir_fit_thresholds(graph, &part, 1.5, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_fit_thresholds(graph, &part, NAN, &error), WEIR_ARGUMENT);
    const weir_parameters p = weir_graph_parameters(graph);
    p.values[p.tensors[0].offset] = NAN;
    assert_int_equal(weir_fit_thresholds(graph, &part, 0.1, &error), WEIR_DIVERGED);
    assert_true(weir_graph_threshold(graph, gates) == 0.5f);
    part.count = 0;
    assert_int_equal(weir_fit_thresholds(graph, &part, 0.1, &error), WEIR_DATA);
    weir_graph_free(graph);

    nodes[0].size = 700;
    graph = bed_graph(nodes, 8, 64);
    part = weir_data_valid(data);
    assert_int_equal(weir_fit_thresholds(graph, &part, 0.1, &error), WEIR_SHAPE);
    assert_non_null(strstr(error.text, "784"));
    weir_graph_free(graph);
    weir_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_two_layers),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_what_cannot_close_is_left),
        cmocka_unit_test(test_errors_leave_thresholds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
