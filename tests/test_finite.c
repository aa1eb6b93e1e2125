// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A number that is none never becomes a class: NaN, infinity and fill values in inputs, targets and parameters are
// reported with their place by every call that runs a network.

#include "graph_reference.h"
#include <weir/model.h>
#include <weir/train.h>

enum { INPUTS = 6, ROWS = 9, CLASSES = 3 };

static float inputs[ROWS * INPUTS];
static int32_t labels[ROWS];
static weir_error error;

static int fill_batch(void **state) {
    (void)state;
    weir_random_uniform(inputs, (weir_noise){.seed = 8, .stream = 60000}, 0, COUNT(inputs));
    for (size_t r = 0; r < ROWS; r++) labels[r] = (int32_t)(r % CLASSES);
    return 0;
}

/// Gates close for NaN, and a saturated tanh hides infinity: nothing behind them shows what came in.
static weir_graph *gated(size_t max_rows) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "a", .kind = "affine", .size = 4},
        {.name = "g", .kind = "unit", .rule = "straight-through"},
        {.name = "one",
         .kind = "gated-affine",
         .from = "x",
         .gates = "g",
         .size = 10,
         .block = 3,
         .activation = "tanh",
         .bias = 0.1},
        {.name = "out", .kind = "affine", .size = CLASSES},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    weir_graph *graph = NULL;
    const weir_graph_options options = weir_graph_options_default(max_rows);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    return graph;
}

static void expect_failure(weir_status got, weir_status code, const char *const *words) {
    if (got != code) fail_msg("%s, expected %s: %s", weir_status_name(got), weir_status_name(code), error.text);
    for (; *words; words++) {
        if (!strstr(error.text, *words)) fail_msg("no '%s' in: %s", *words, error.text);
    }
}
#define EXPECT(call, code, ...) expect_failure(call, code, (const char *const[]){__VA_ARGS__, NULL})

static const weir_mode modes[] = {WEIR_MODE_SAMPLE, WEIR_MODE_DECIDE, WEIR_MODE_EXPECT, WEIR_MODE_OPEN, WEIR_MODE_DRAW};

static weir_pass pass_of(weir_mode mode) {
    return (weir_pass){.mode = mode, .rows = ROWS, .inputs = inputs, .labels = labels};
}

static void test_inputs(void **state) {
    (void)state;
    static const float values[] = {NAN, INFINITY, -INFINITY};
    static const char *const names[] = {"nan", "inf", "-inf"};
    weir_graph *graph = gated(ROWS);
    for (size_t m = 0; m < COUNT(modes); m++) {
        const weir_pass pass = pass_of(modes[m]);
        for (size_t v = 0; v < COUNT(values); v++) {
            const float kept = inputs[7 * INPUTS + 2];
            must(weir_graph_forward(graph, &pass, &error), &error);
            assert_non_null(weir_graph_output(graph, 5));
            inputs[7 * INPUTS + 2] = values[v];
            EXPECT(weir_graph_forward(graph, &pass, &error), WEIR_DATA, "'x' (input)", "value 2 of row 7", names[v]);
            assert_null(weir_graph_output(graph, 5));
            assert_null(weir_graph_loss(graph));
            inputs[7 * INPUTS + 2] = kept;
        }
    }
    weir_graph_free(graph);
}

/// What stands for "absent" in files of the earth sciences is a float, and its products are not.
static void test_fill_values(void **state) {
    (void)state;
    weir_graph *graph = gated(ROWS);
    float wrong[ROWS * INPUTS];
    memcpy(wrong, inputs, sizeof wrong);
    for (size_t k = 0; k < INPUTS; k++) wrong[4 * INPUTS + k] = 9.97e36f;
    const weir_parameters p = weir_graph_parameters(graph);
    for (size_t k = 0; k < p.count; k++) p.values[k] *= 200;
    weir_pass pass = pass_of(WEIR_MODE_DECIDE);
    pass.inputs = wrong;
    EXPECT(weir_graph_forward(graph, &pass, &error), WEIR_DIVERGED, "'a' (affine)", "of row 4", "9.97e+36");
    weir_rows *rows = NULL;
    int32_t classes[ROWS] = {7, 7, 7, 7, 7, 7, 7, 7, 7};
    must(weir_rows_create(&rows, wrong, ROWS, INPUTS, &error), &error);
    EXPECT(weir_predict(graph, classes, NULL, rows, 0, ROWS, &error), WEIR_DIVERGED, "of row 4");
    assert_int_equal(classes[4], 7);
    weir_evaluation evaluation;
    const weir_part part = {.rows = rows, .labels = labels, .count = ROWS};
    EXPECT(weir_evaluate(graph, &evaluation, NULL, &part, WEIR_MODE_DECIDE, &error), WEIR_DIVERGED, "of row 4");
    EXPECT(weir_evaluate_samples(graph, &evaluation, &part, 3, 1, &error), WEIR_DIVERGED, "of row 4");
    weir_rows_free(rows);
    weir_graph_free(graph);
}

/// A parameter of each tensor in turn.
static void test_parameters(void **state) {
    (void)state;
    weir_graph *graph = gated(ROWS);
    static const char *const first_hit[] = {"'a' (affine)",         "'a' (affine)",   "'one' (gated-affine)",
                                            "'one' (gated-affine)", "'out' (affine)", "'out' (affine)"};
    for (size_t t = 0; t < COUNT(first_hit); t++) {
        const weir_parameters p = weir_graph_parameters(graph);
        float *value = p.values + p.tensors[t].offset, kept = *value;
        *value = NAN;
        for (size_t m = 0; m < COUNT(modes); m++) {
            const weir_pass pass = pass_of(modes[m]);
            const bool unseen = modes[m] == WEIR_MODE_OPEN && t < 2; // the gater is not run
            if (unseen) {
                must(weir_graph_forward(graph, &pass, &error), &error);
            } else {
                EXPECT(weir_graph_forward(graph, &pass, &error), WEIR_DIVERGED, first_hit[t], "output 0", "nan");
            }
        }
        weir_graph_parameters(graph).values[p.tensors[t].offset] = kept;
    }
    weir_graph_free(graph);
}

/// A gated layer that gates are drawn from: its compact output is looked at, too.
static void test_compact_outputs(void **state) {
    (void)state;
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "a", .kind = "affine", .size = 2, .bias = 1},
        {.name = "g", .kind = "unit", .rule = "rectifier"},
        {.name = "inner", .kind = "gated-affine", .from = "x", .gates = "g", .size = 5, .block = 3},
        {.name = "h", .kind = "unit", .rule = "rectifier"},
        {.name = "loss", .kind = "squared-error"},
    };
    weir_graph *graph = NULL;
    const weir_graph_options options = weir_graph_options_default(ROWS);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    const weir_pass pass = pass_of(WEIR_MODE_DECIDE);
    must(weir_graph_forward(graph, &pass, &error), &error);
    const weir_parameters p = weir_graph_parameters(graph);
    p.values[p.tensors[3].offset + 4] = INFINITY; // the bias of the last unit
    EXPECT(weir_graph_forward(graph, &pass, &error), WEIR_DIVERGED, "'inner' (gated-affine)", "output 4", "inf");
    weir_graph_free(graph);
}

static void test_targets(void **state) {
    (void)state;
    const weir_node nodes[] = {{.name = "x", .kind = "input", .size = INPUTS},
                               {.kind = "affine", .size = 2},
                               {.name = "loss", .kind = "squared-error"}};
    weir_graph *graph = NULL;
    const weir_graph_options options = weir_graph_options_default(ROWS);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    float targets[2 * ROWS] = {0};
    weir_pass pass = pass_of(WEIR_MODE_SAMPLE);
    pass.targets = targets;
    must(weir_graph_forward(graph, &pass, &error), &error);
    targets[2 * 3 + 1] = INFINITY;
    EXPECT(weir_graph_forward(graph, &pass, &error), WEIR_DATA, "'loss' (squared-error)", "target 1 of row 3", "inf");
    weir_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inputs),          cmocka_unit_test(test_fill_values), cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_compact_outputs), cmocka_unit_test(test_targets),
    };
    return cmocka_run_group_tests_name("finite", tests, fill_batch, NULL);
}
