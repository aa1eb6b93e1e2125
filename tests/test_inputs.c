// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Nodes that read several nodes, and nodes that several nodes read: outputs and gradients beside a network without
// gates that is computed naively, finite differences, row groups, and lists in descriptions and configurations.

#include "graph_reference.h"
#include <weir/model.h>

enum { INPUTS = 8, OUTPUTS = 4, ROWS = 20 };

static float inputs[ROWS * INPUTS];
static int32_t labels[ROWS];

static int fill_batch(void **state) {
    (void)state;
    weir_random_normal(inputs, (weir_noise){.seed = 21, .stream = 60000}, 0, COUNT(inputs));
    for (size_t r = 0; r < ROWS; r++) labels[r] = (int32_t)(r % OUTPUTS);
    return 0;
}

static weir_pass pass_of(weir_mode mode) {
    return (weir_pass){.mode = mode, .rows = ROWS, .inputs = inputs, .labels = labels, .seed = 4, .step = 2};
}

/// Two gated layers with a connection around each. "sum" is read by a gated layer, by tanh, and twice by "end"; "x" by
/// five nodes.
static weir_graph *residual(const char *rule, const char *closed, size_t gates) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "a1", .kind = "affine", .size = gates, .bias = 0.4},
        {.name = "g1", .kind = "unit", .rule = rule},
        {.name = "a2", .kind = "affine", .from = "x", .size = gates, .bias = 0.4},
        {.name = "g2", .kind = "unit", .rule = rule},
        {.name = "one",
         .kind = "gated-affine",
         .from = "x",
         .gates = "g1",
         .size = INPUTS,
         .block = INPUTS / gates,
         .activation = "tanh",
         .closed = closed,
         .closed_share = 0.5},
        {.name = "sum", .kind = "add", .from = "one, x"},
        {.name = "two",
         .kind = "gated-affine",
         .gates = "g2",
         .size = INPUTS,
         .block = INPUTS / gates,
         .activation = "tanh",
         .closed = closed,
         .closed_share = 0.5},
        {.name = "bend", .kind = "tanh", .from = "sum"},
        {.name = "end", .kind = "add", .from = "sum,two , bend,sum"},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    weir_graph *graph = NULL;
    weir_error error;
    const weir_graph_options options = weir_graph_options_default(ROWS);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    return graph;
}

static void test_reads(void **state) {
    (void)state;
    weir_graph *graph = residual("sts", NULL, 4);
    const weir_node *specs = weir_graph_nodes(graph, NULL);
    assert_string_equal(specs[9].from, "sum, two, bend, sum");
    const size_t read[] = {6, 7, 8, 6, SIZE_MAX};
    for (size_t k = 0; k < COUNT(read); k++) assert_true(weir_graph_reads(graph, 9, k) == read[k]);
    weir_graph_free(graph);
}

/// Skipping gives what the masked dense network gives, forward and backward, however many nodes read an output.
static void test_masked_dense(void **state) {
    (void)state;
    static const char *const ways[][2] = {{"sts", NULL},
                                          {"straight-through", "all"},
                                          {"straight-through", "none"},
                                          {"straight-through", "sample"},
                                          {"sigmoid", NULL},
                                          {"reinforce:baseline=none", NULL}};
    static const weir_mode modes[] = {WEIR_MODE_SAMPLE, WEIR_MODE_DECIDE, WEIR_MODE_EXPECT, WEIR_MODE_OPEN};
    for (size_t w = 0; w < COUNT(ways); w++) {
        for (size_t gates = 4; gates <= 8; gates += 4) {
            weir_graph *graph = residual(ways[w][0], ways[w][1], gates);
            for (size_t m = 0; m < COUNT(modes); m++) {
                weir_error error;
                const weir_pass pass = pass_of(modes[m]);
                must(weir_graph_forward(graph, &pass, &error), &error);
                reference *ref = reference_create(graph, &pass);
                reference_check_forward(ref, 2e-6);
                if (modes[m] == WEIR_MODE_SAMPLE) {
                    must(weir_graph_backward(graph, &pass, &error), &error);
                    reference_backward(ref);
                    reference_check_backward(ref, 5e-6);
                }
                reference_free(ref);
            }
            weir_graph_free(graph);
        }
    }
}

static void test_gradient_check(void **state) {
    (void)state;
    weir_graph *graph = residual("sigmoid", NULL, 4);
    weir_gradient_report report;
    weir_error error;
    const weir_pass pass = pass_of(WEIR_MODE_SAMPLE);
    must(weir_gradient_check(graph, &report, &pass, 3, &error), &error);
    if (!(report.error <= 3e-3)) fail_msg("%s: relative error %g", report.worst, report.error);
    assert_int_equal(report.checked, 10);
    weir_graph_free(graph);
}

/// The exact rule's loss is an expectation, whose gradient is a derivative: what reads several narrow and wide nodes at
/// once has that of central differences, the parameters before the units as those behind them.
static void test_row_groups(void **state) {
    (void)state;
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "early", .kind = "affine", .size = INPUTS},
        {.name = "a", .kind = "affine", .size = 4, .bias = 0.3},
        {.name = "g", .kind = "unit", .rule = "exact"},
        {.name = "one", .kind = "gated-affine", .from = "early", .gates = "g", .size = INPUTS, .block = 2},
        {.name = "sum", .kind = "add", .from = "early, one, x, early"},
        {.name = "bend", .kind = "tanh"},
        {.name = "end", .kind = "add", .from = "bend, early"},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        {.kind = "softmax-cross-entropy"},
    };
    weir_graph *graph = NULL;
    weir_error error;
    const weir_graph_options options = weir_graph_options_default(ROWS);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    const weir_pass pass = pass_of(WEIR_MODE_SAMPLE);
    must(weir_graph_forward(graph, &pass, &error), &error);
    must(weir_graph_backward(graph, &pass, &error), &error);
    const weir_parameters p = weir_graph_parameters(graph);
    size_t compared = 0;
    for (size_t t = 0; t < p.tensor_count; t++) {
        const weir_tensor *tensor = &p.tensors[t];
        const size_t count = tensor->rows * tensor->columns;
        double analytic = 0, norm = 0, up = 0, down = 0;
        for (size_t i = 0; i < count; i++) norm += pow((double)p.gradients[tensor->offset + i], 2);
        norm = sqrt(norm);
        assert_true(norm > 0);
        float *start = new_floats(count);
        memcpy(start, p.values + tensor->offset, count * sizeof *start);
        analytic = norm; // along the gradient itself
        const double width = 1e-2;
        for (int side = 0; side < 2; side++) {
            float *values = weir_graph_parameters(graph).values + tensor->offset;
            for (size_t i = 0; i < count; i++) {
                const double unit = (double)p.gradients[tensor->offset + i] / norm;
                values[i] = start[i] + (float)((side ? -width : width) * unit);
            }
            must(weir_graph_forward(graph, &pass, &error), &error);
            *(side ? &down : &up) = weir_graph_mean_loss(graph);
        }
        memcpy(weir_graph_parameters(graph).values + tensor->offset, start, count * sizeof *start);
        free(start);
        const double numeric = (up - down) / (2 * width);
        if (!(fabs(numeric - analytic) <= 0.01 * analytic)) {
            fail_msg("%s: %.9g, by differences %.9g", tensor->name, analytic, numeric);
        }
        compared++;
    }
    assert_int_equal(compared, 8);
    weir_graph_free(graph);
}

static void check_refused(weir_node wrong, weir_status code, const char *word) {
    wrong.name = "wrong";
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS}, {.name = "y", .kind = "affine", .from = "x", .size = 3}, wrong};
    weir_graph *graph = NULL;
    weir_error error = {0};
    const weir_graph_options options = weir_graph_options_default(1);
    const weir_status status = weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error);
    if (status != code || graph || !strstr(error.text, "wrong") || !strstr(error.text, word)) {
        fail_msg("expected %s with '%s', got %s: %s", weir_status_name(code), word, weir_status_name(status),
                 error.text);
    }
}

static void test_refusals(void **state) {
    (void)state;
    check_refused((weir_node){.kind = "add", .from = "x, y"}, WEIR_SHAPE, "'x' has 8, 'y' 3");
    check_refused((weir_node){.kind = "add", .from = "x, z"}, WEIR_NOT_FOUND, "reads 'z'");
    check_refused((weir_node){.kind = "add", .from = "x, wrong"}, WEIR_NOT_FOUND, "reads 'wrong'");
    check_refused((weir_node){.kind = "tanh", .from = "x, y"}, WEIR_ARGUMENT, "reads one node, not 2: 'x, y'");
    const weir_node nodes[] = {{.name = "x, y", .kind = "input", .size = 3}, {.kind = "tanh"}};
    weir_graph *graph = NULL;
    weir_error error = {0};
    const weir_graph_options options = weir_graph_options_default(1);
    assert_int_equal(weir_graph_create(&graph, nodes, 2, &options, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "no comma"));
}

/// YAML takes a list, or one text; both print as one text, which reads back.
static void test_configuration(void **state) {
    (void)state;
    static const char *const froms[] = {"[x, y]", "\"x, y\"", "[ x,\n      y ]", "\n      - x\n      - 'y'\n",
                                        "\n    - x\n    - y"};
    for (size_t k = 0; k < COUNT(froms); k++) {
        char text[400];
        snprintf(text, sizeof text,
                 "about: für [jeden] Ärger\nnetwork:\n  - {name: x, kind: input, size: 3}\n"
                 "  - {name: y, kind: tanh}\n  - kind: add\n    from: %s\n  - {kind: tanh, from: x}\n",
                 froms[k]);
        weir_config config, again;
        weir_error error = {0};
        char *printed = NULL;
        must(weir_config_parse(&config, text, "t", NULL, 0, &error), &error);
        must(weir_config_print(&config, &printed, &error), &error);
        must(weir_config_parse(&again, printed, "p", NULL, 0, &error), &error);
        weir_graph *graph = NULL;
        const weir_graph_options options = weir_graph_options_default(1);
        must(weir_graph_create(&graph, again.network, again.network_count, &options, &error), &error);
        assert_true(weir_graph_reads(graph, 2, 0) == 0 && weir_graph_reads(graph, 2, 1) == 1);
        assert_true(weir_graph_reads(graph, 3, 0) == 0);
        assert_string_equal(again.about, "für [jeden] Ärger");
        weir_graph_free(graph);
        weir_text_free(printed);
        weir_config_free(&config);
        weir_config_free(&again);
    }
    weir_config config;
    weir_error error = {0};
    const weir_status status = weir_config_parse(
        &config, "network:\n  - {kind: input, size: 3}\n  - {kind: add, from: [[a]]}\n", "t", NULL, 0, &error);
    assert_int_equal(status, WEIR_CONFIG);
    assert_non_null(strstr(error.text, "network.1.from"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),      cmocka_unit_test(test_masked_dense), cmocka_unit_test(test_gradient_check),
        cmocka_unit_test(test_row_groups), cmocka_unit_test(test_refusals),     cmocka_unit_test(test_configuration),
    };
    return cmocka_run_group_tests_name("inputs", tests, fill_batch, NULL);
}
