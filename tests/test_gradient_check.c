// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// weir_gradient_check: small errors where backward is a derivative, large ones when it is spoiled on purpose, the right
// tensors left out where a unit's gradient is an estimate, and everything put back.

#include "graph_reference.h"

enum { INPUTS = 9, OUTPUTS = 4, ROWS = 24 };

/// Kinks (of rectifiers, of gates that close) that lie between the points of a difference are what is left.
static const double smooth = 3e-3, kinked = 1e-2;

static float inputs[ROWS * INPUTS], targets[ROWS * OUTPUTS];
static int32_t labels[ROWS];

static int fill_batch(void **state) {
    (void)state;
    weir_random_normal(inputs, (weir_noise){.seed = 5, .stream = 60000}, 0, COUNT(inputs));
    weir_random_uniform(targets, (weir_noise){.seed = 5, .stream = 60001}, 0, COUNT(targets));
    for (size_t r = 0; r < ROWS; r++) labels[r] = (int32_t)(r % OUTPUTS);
    return 0;
}

static weir_pass the_pass(void) {
    return (weir_pass){
        .mode = WEIR_MODE_SAMPLE, .rows = ROWS, .inputs = inputs, .labels = labels, .targets = targets, .seed = 3};
}

static weir_graph *create(const weir_node *nodes, size_t count) {
    weir_graph *graph = NULL;
    weir_error error;
    const weir_graph_options options = weir_graph_options_default(ROWS);
    must(weir_graph_create(&graph, nodes, count, &options, &error), &error);
    return graph;
}

static weir_gradient_report check(weir_graph *graph) {
    weir_gradient_report report;
    weir_error error;
    const weir_pass pass = the_pass();
    must(weir_gradient_check(graph, &report, &pass, 3, &error), &error);
    return report;
}

static void check_passes(weir_graph *graph, double tolerance, size_t checked, size_t skipped) {
    const weir_gradient_report report = check(graph);
    if (!(report.error <= tolerance)) {
        fail_msg("%s: analytic %.9g, numeric %.9g, relative error %.3g", report.worst, report.analytic, report.numeric,
                 report.error);
    }
    assert_int_equal(report.checked, checked);
    assert_int_equal(report.skipped, skipped);
}

static void test_dense_networks(void **state) {
    (void)state;
    size_t losses = 0;
    for (size_t k = 0; k < weir_kind_count(); k++) {
        const weir_kind *loss = weir_kind_at(k);
        if (!(loss->traits & WEIR_KIND_LOSS)) continue;
        losses++;
        const weir_node nodes[] = {
            {.kind = "input", .size = INPUTS},
            {.kind = "affine", .size = 11},
            {.kind = "tanh"},
            {.kind = "dropout", .dropout = 0.3},
            {.kind = "affine", .size = 9},
            {.kind = "shift", .shift = 2},
            {.kind = "sigmoid"},
            {.kind = "affine", .size = OUTPUTS},
            {.kind = loss->name},
        };
        weir_graph *graph = create(nodes, COUNT(nodes));
        check_passes(graph, smooth, 6, 0);
        weir_graph_free(graph);
    }
    assert_true(losses >= 3);
    const weir_node rectified[] = {
        {.kind = "input", .size = INPUTS},   {.kind = "affine", .size = 11},    {.kind = "rectifier"},
        {.kind = "affine", .size = OUTPUTS}, {.kind = "softmax-cross-entropy"},
    };
    weir_graph *graph = create(rectified, COUNT(rectified));
    check_passes(graph, kinked, 4, 0);
    weir_graph_free(graph);
}

// ---- gates ---------------------------------------------------------------------------------------------------------

/// Two gated layers, the second fed by the first, with a gater each: 12 tensors, of which 4 belong to the gaters.
static weir_graph *create_gated(const char *rule, size_t block) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "a1", .kind = "affine", .size = (10 + block - 1) / block, .bias = 0.5},
        {.name = "g1", .kind = "unit", .rule = rule},
        {.name = "a2", .kind = "affine", .from = "x", .size = (7 + block - 1) / block, .bias = 0.5},
        {.name = "g2", .kind = "unit", .rule = rule},
        {.name = "one",
         .kind = "gated-affine",
         .from = "x",
         .gates = "g1",
         .size = 10,
         .block = block,
         .activation = "tanh"},
        {.name = "two", .kind = "gated-affine", .gates = "g2", .size = 7, .block = block},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        {.kind = "softmax-cross-entropy"},
    };
    return create(nodes, COUNT(nodes));
}

/// ½ λ Σ (a² + h²) / rows, with the gradient of h² through a unit h = max(0, a + z); spoil multiplies the gradient.
typedef struct decay {
    double weight, spoil;
    bool outputs;
} decay;

static double decay_penalty(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a,
                            const float *h, float *da) {
    const decay *penalty = context;
    const double weight = penalty->weight / (double)rows;
    double sum = 0;
    assert_non_null(unit->rule);
    for (size_t k = 0; k < rows * units; k++) {
        const double output = penalty->outputs ? (double)h[k] : 0;
        sum += weight * ((double)a[k] * (double)a[k] + output * output) / 2;
        da[k] += (float)(penalty->spoil * weight * ((double)a[k] + output));
    }
    return sum;
}

static void test_gated_networks(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        double tolerance;
        bool rectifies;
    } cases[] = {{"sigmoid", smooth, false},          {"sigmoid:noise=gaussian", smooth, false},
                 {"semantic-hashing", smooth, false}, {"rectifier", kinked, true},
                 {"noisy-rectifier", kinked, true},   {"noisy-rectifier:noise=logistic", kinked, true}};
    for (size_t c = 0; c < COUNT(cases); c++) {
        for (size_t block = 1; block <= 3; block += 2) {
            weir_graph *graph = create_gated(cases[c].rule, block);
            decay one = {.weight = 0.3, .spoil = 1, .outputs = cases[c].rectifies}, two = {.weight = 0.1, .spoil = 1};
            check_passes(graph, cases[c].tolerance, 10, 0);
            assert_int_equal(weir_graph_penalty_set(graph, weir_graph_find(graph, "g1"), decay_penalty, &one, NULL),
                             WEIR_OK);
            assert_int_equal(weir_graph_penalty_set(graph, weir_graph_find(graph, "g2"), decay_penalty, &two, NULL),
                             WEIR_OK);
            check_passes(graph, cases[c].tolerance, 10, 0);
            weir_graph_free(graph);
        }
    }
}

static void test_spoiled_gradients_are_found(void **state) {
    (void)state;
    static const char *const rules[] = {"sigmoid", "rectifier", "noisy-rectifier"};
    for (size_t c = 0; c < COUNT(rules); c++) {
        weir_graph *graph = create_gated(rules[c], 3);
        decay wrong = {.weight = 0.3, .spoil = 1.5};
        assert_int_equal(weir_graph_penalty_set(graph, weir_graph_find(graph, "g1"), decay_penalty, &wrong, NULL),
                         WEIR_OK);
        const weir_gradient_report report = check(graph);
        assert_true(report.error > 0.05);
        assert_memory_equal(report.worst, "a1.", 3);
        assert_true(report.analytic != report.numeric);
        assert_int_equal(weir_graph_penalty_set(graph, weir_graph_find(graph, "g1"), NULL, NULL, NULL), WEIR_OK);
        check_passes(graph, kinked, 10, 0);
        weir_graph_free(graph);
    }
}

static void test_estimates_are_skipped(void **state) {
    (void)state;
    static const char *const rules[] = {"straight-through", "reinforce", "sts"};
    for (size_t c = 0; c < COUNT(rules); c++) {
        weir_graph *graph = create_gated(rules[c], 3);
        check_passes(graph, smooth, 6, 4);
        weir_graph_free(graph);
    }
    // Everything that a unit on the main path reads is upstream of it, gaters of layers below included.
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.kind = "affine", .size = 5},
        {.name = "g", .kind = "unit", .rule = "sigmoid"},
        {.kind = "gated-affine", .from = "x", .gates = "g", .size = 10, .block = 2},
        {.kind = "unit", .rule = "straight-through"},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        {.kind = "squared-error"},
    };
    weir_graph *graph = create(nodes, COUNT(nodes));
    check_passes(graph, smooth, 2, 4);
    weir_graph_free(graph);
}

static void test_everything_is_restored(void **state) {
    (void)state;
    weir_graph *graph = create_gated("reinforce", 3);
    const size_t gates = weir_graph_find(graph, "g1");
    const weir_parameters p = weir_graph_parameters(graph);
    const weir_pass pass = the_pass();
    weir_error error;
    size_t states = 0;
    must(weir_graph_forward(graph, &pass, &error), &error);
    must(weir_graph_backward(graph, &pass, &error), &error); // running averages are not at their start
    const float *running = weir_graph_unit_state(graph, gates, &states);
    assert_true(states > 0 && running[0] != 0);
    float *values = new_floats(p.count), *averages = new_floats(states);
    memcpy(values, p.values, p.count * sizeof *values);
    memcpy(averages, running, states * sizeof *averages);
    check_passes(graph, smooth, 6, 4);
    assert_memory_equal(values, p.values, p.count * sizeof *values);
    assert_memory_equal(averages, running, states * sizeof *averages);
    free(values);
    free(averages);
    weir_graph_free(graph);
}

static void test_refusals(void **state) {
    (void)state;
    weir_gradient_report report;
    weir_error error;
    weir_pass pass = the_pass();
    const weir_node estimated[] = {
        {.kind = "input", .size = INPUTS},
        {.kind = "affine", .size = OUTPUTS},
        {.kind = "unit", .rule = "reinforce"},
        {.kind = "squared-error"},
    };
    weir_graph *graph = create(estimated, COUNT(estimated));
    assert_int_equal(weir_gradient_check(graph, &report, &pass, 2, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "no tensor"));
    weir_graph_free(graph);

    graph = create_gated("sigmoid", 1);
    assert_int_equal(weir_gradient_check(graph, &report, &pass, 0, &error), WEIR_ARGUMENT);
    pass.rows = ROWS + 1;
    assert_int_equal(weir_gradient_check(graph, &report, &pass, 1, &error), WEIR_SHAPE);
    pass = the_pass();
    pass.labels = NULL;
    assert_int_equal(weir_gradient_check(graph, &report, &pass, 1, &error), WEIR_ARGUMENT);
    pass = the_pass();
    pass.mode = WEIR_MODE_EXPECT;
    assert_int_equal(weir_gradient_check(graph, &report, &pass, 1, &error), WEIR_ARGUMENT);
    weir_graph_free(graph);
}

/// A loss that is not finite is an error that no tolerance passes.
static void test_not_a_number_fails(void **state) {
    (void)state;
    weir_graph *graph = create_gated("sigmoid", 1);
    const weir_parameters p = weir_graph_parameters(graph);
    p.values[p.tensors[0].offset] = NAN;
    weir_gradient_report none;
    weir_error error;
    const weir_pass pass = the_pass();
    assert_int_equal(weir_gradient_check(graph, &none, &pass, 3, &error), WEIR_DIVERGED);
    weir_graph_free(graph);
    // One tensor's gradient among many that are right.
    graph = create_gated("sigmoid", 1);
    decay wrong = {.weight = 0.3, .spoil = NAN};
    assert_int_equal(weir_graph_penalty_set(graph, weir_graph_find(graph, "g1"), decay_penalty, &wrong, NULL), WEIR_OK);
    const weir_gradient_report report = check(graph);
    assert_false(report.error <= 1e30);
    assert_memory_equal(report.worst, "a1.", 3);
    weir_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_networks),
        cmocka_unit_test(test_gated_networks),
        cmocka_unit_test(test_spoiled_gradients_are_found),
        cmocka_unit_test(test_estimates_are_skipped),
        cmocka_unit_test(test_everything_is_restored),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_not_a_number_fails),
    };
    return cmocka_run_group_tests_name("gradient check", tests, fill_batch, NULL);
}
