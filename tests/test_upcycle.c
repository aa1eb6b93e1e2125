// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// From dense to gated (weir/upcycle.h): groups that are planted are found; with all gates open the twin is the dense
// network; where a block works for one class alone, a gater finds it and nothing is lost.

#include <math.h>
#include <string.h>

#include "testing.h"

#include <weir/weir.h>

enum { GROUPS = 6, BLOCK = 5, UNITS = GROUPS * BLOCK, ROWS = 120 };

// Unit u belongs to group (7·u) % GROUPS, whose members are active on the same rows, each to a degree of its own.
static void plant(float *activity) {
    for (size_t r = 0; r < ROWS; r++)
        for (size_t u = 0; u < UNITS; u++)
            activity[r * UNITS + u] = (r * 31 % 17) % GROUPS == u * 7 % GROUPS ? 1 + (float)((r + 3 * u) % 5) / 10 : 0;
}

static void test_groups_are_found(void **state) {
    (void)state;
    float activity[ROWS * UNITS];
    uint32_t order[UNITS], again[UNITS];
    plant(activity);
    for (uint64_t seed = 1; seed <= 5; seed++) {
        uint8_t seen[UNITS] = {0};
        assert_int_equal(weir_group_units(order, activity, ROWS, UNITS, BLOCK, seed, NULL), WEIR_OK);
        for (size_t k = 0; k < UNITS; k++) {
            assert_true(order[k] < UNITS && !seen[order[k]]);
            seen[order[k]] = 1;
            assert_int_equal(order[k] * 7 % GROUPS, order[k / BLOCK * BLOCK] * 7 % GROUPS);
        }
        assert_int_equal(weir_group_units(again, activity, ROWS, UNITS, BLOCK, seed, NULL), WEIR_OK);
        assert_memory_equal(order, again, sizeof order);
    }
}

// A last group that is smaller, units that are never active, blocks wider than the layer.
static void test_groups_of_any_size(void **state) {
    (void)state;
    float activity[ROWS * UNITS];
    uint32_t order[UNITS];
    plant(activity);
    for (size_t r = 0; r < ROWS; r++) activity[r * UNITS] = activity[r * UNITS + 9] = 0;
    for (size_t block = 1; block <= UNITS + 3; block++) {
        uint8_t seen[UNITS] = {0};
        assert_int_equal(weir_group_units(order, activity, ROWS, UNITS, block, 3, NULL), WEIR_OK);
        for (size_t k = 0; k < UNITS; k++) seen[order[k]]++;
        for (size_t k = 0; k < UNITS; k++) assert_int_equal(seen[k], 1);
    }
    assert_int_equal(weir_group_units(order, activity, ROWS, UNITS, 0, 3, NULL), WEIR_ARGUMENT);
    assert_int_equal(weir_group_units(order, activity, 0, UNITS, 4, 3, NULL), WEIR_ARGUMENT);
    activity[7] = NAN;
    assert_int_equal(weir_group_units(order, activity, ROWS, UNITS, 4, 3, NULL), WEIR_DATA);
}

// ---- networks --------------------------------------------------------------------------------------------------------

static const weir_node two_layers[] = {
    {.name = "image", .kind = "input", .size = 784},
    {.name = "hidden", .kind = "affine", .size = 40},
    {.name = "active", .kind = "rectifier"},
    {.name = "drop", .kind = "dropout", .dropout = 0.2},
    {.name = "second", .kind = "affine", .size = 27},
    {.kind = "gelu"},
    {.name = "logits", .kind = "affine", .size = 10},
    {.name = "loss", .kind = "softmax-cross-entropy"},
};

static weir_data *digits(void) {
    weir_data_options o = weir_data_options_default();
    weir_data *data = NULL;
    o.train = 300;
    o.valid = o.test = 100;
    assert_int_equal(weir_data_load(&data, &o, NULL), WEIR_OK);
    return data;
}

static weir_graph *make(const weir_node *nodes, size_t count) {
    weir_graph *graph = NULL;
    weir_error error = {0};
    weir_graph_options options = weir_graph_options_default(64);
    if (weir_graph_create(&graph, nodes, count, &options, &error) != WEIR_OK) fail_msg("%s", error.text);
    return graph;
}

static weir_gate_options quick(void) {
    weir_gate_options o = weir_gate_options_default();
    o.block = 4;
    o.share = 0.25;
    o.narrow = 8;
    o.rows = 200;
    o.batch = 64;
    o.steps = 200;
    return o;
}

static void outputs_of(weir_graph *graph, const float *inputs, size_t rows, weir_mode mode, const char *node, float *to,
                       size_t width) {
    weir_error error = {0};
    const weir_pass pass = {.mode = mode, .rows = rows, .inputs = inputs};
    if (weir_graph_forward(graph, &pass, &error) != WEIR_OK) fail_msg("%s", error.text);
    memcpy(to, weir_graph_output(graph, weir_graph_find(graph, node)), rows * width * sizeof *to);
}

// All open, the twin's outputs are the dense network's but for the biases that make up for what closes: the same
// difference on every row.
static void test_open_is_dense(void **state) {
    (void)state;
    static const char *const ways[] = {"co-activation", "order", "random"};
    weir_data *data = digits();
    weir_graph *dense = make(two_layers, 8);
    const weir_part test = weir_data_test(data);
    float inputs[20 * 784], wanted[200], found[200];
    weir_rows_copy(test.rows, inputs, NULL, test.first, 20);
    for (size_t w = 0; w < 3; w++) {
        weir_graph *gated = NULL;
        weir_gated_layer *layers = NULL;
        size_t count = 0;
        weir_error error = {0};
        weir_gate_options o = quick();
        o.groups = ways[w];
        if (weir_gate_create(&gated, &layers, &count, dense, data, &o, NULL, NULL, &error) != WEIR_OK)
            fail_msg("%s", error.text);
        assert_int_equal(count, 2);
        assert_string_equal(layers[0].name, "hidden");
        assert_string_equal(layers[1].gates, "second-gates");
        assert_int_equal(layers[0].blocks, 10);
        assert_int_equal(layers[1].blocks, 7);
        for (size_t l = 0; l < 2; l++)
            assert_true(layers[l].best > 0.25 && layers[l].best <= 1 && layers[l].gated > 0 && layers[l].gated <= layers[l].best + 1e-6);
        outputs_of(dense, inputs, 20, WEIR_MODE_DECIDE, "logits", wanted, 10);
        outputs_of(gated, inputs, 20, WEIR_MODE_OPEN, "logits", found, 10);
        for (size_t k = 0; k < 200; k++)
            assert_float_equal(found[k] - wanted[k], found[k % 10] - wanted[k % 10], 2e-5f);
        weir_evaluation e;
        const weir_part valid = weir_data_valid(data);
        assert_int_equal(weir_evaluate(gated, &e, NULL, &valid, WEIR_MODE_DECIDE, NULL), WEIR_OK);
        assert_true(fabs(e.share - 0.25) < 0.03);
        weir_bytes_free(layers);
        weir_graph_free(gated);
    }
    weir_graph_free(dense);
    weir_data_free(data);
}

// Rows of class c have a 1 at place c; hidden units 3·c … 3·c + 2 read it alone, and weigh on the outputs. Their order is
// stirred. A gate for three units, one of them open: nothing is lost.
static void test_planted_experts(void **state) {
    (void)state;
    enum { CLASSES = 8, HIDDEN = 3 * CLASSES, COUNT = 256 };
    static const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = CLASSES},
        {.name = "hidden", .kind = "affine", .size = HIDDEN},
        {.kind = "rectifier"},
        {.name = "logits", .kind = "affine", .size = CLASSES},
        {.kind = "softmax-cross-entropy"},
    };
    float values[COUNT * CLASSES] = {0}, first[HIDDEN * CLASSES] = {0}, second[CLASSES * HIDDEN] = {0};
    int32_t labels[COUNT];
    for (size_t r = 0; r < COUNT; r++) values[r * CLASSES + (size_t)(labels[r] = (int32_t)(r % CLASSES))] = 1;
    for (size_t u = 0; u < HIDDEN; u++) {
        const size_t class = u * 5 % HIDDEN / 3;
        first[u * CLASSES + class] = 1 + (float)(u % 3) / 4;
        for (size_t c = 0; c < CLASSES; c++) second[c * HIDDEN + u] = c == class ? 2 : -0.5f;
    }
    weir_graph *dense = make(nodes, 5), *gated = NULL;
    assert_int_equal(weir_graph_values_set(dense, 0, first, NULL), WEIR_OK);
    assert_int_equal(weir_graph_values_set(dense, 2, second, NULL), WEIR_OK);
    const weir_data_arrays arrays = {.columns = CLASSES,
                                     .train = {.rows = COUNT, .values = values, .labels = labels},
                                     .valid = {.rows = COUNT, .values = values, .labels = labels}};
    weir_data *data = NULL;
    assert_int_equal(weir_data_create(&data, &arrays, NULL, NULL), WEIR_OK);
    weir_gate_options o = quick();
    o.block = 3;
    o.share = 0.125;
    o.narrow = 16;
    o.steps = 600;
    o.rate = 0.01;
    weir_gated_layer *layers = NULL;
    weir_error error = {0};
    if (weir_gate_create(&gated, &layers, NULL, dense, data, &o, NULL, NULL, &error) != WEIR_OK) fail_msg("%s", error.text);
    assert_float_equal(layers[0].best, 1, 1e-5);
    assert_true(layers[0].gated > 0.95);
    weir_evaluation e;
    const weir_part valid = weir_data_valid(data);
    assert_int_equal(weir_evaluate(gated, &e, NULL, &valid, WEIR_MODE_DECIDE, NULL), WEIR_OK);
    assert_true(e.error < 0.05);
    assert_true(e.share < 0.13);
    weir_bytes_free(layers);
    weir_graph_free(gated);
    weir_graph_free(dense);
    weir_data_free(data);
}

// ---- refusals --------------------------------------------------------------------------------------------------------

static void refuse(const weir_node *nodes, size_t count, const weir_gate_options *o, weir_status wanted, const char *text) {
    weir_data *data = digits();
    weir_graph *dense = make(nodes, count), *gated = NULL;
    weir_error error = {0};
    assert_int_equal(weir_gate_create(&gated, NULL, NULL, dense, data, o, NULL, NULL, &error), wanted);
    assert_null(gated);
    if (!strstr(error.text, text)) fail_msg("\"%s\" does not say \"%s\"", error.text, text);
    weir_graph_free(dense);
    weir_data_free(data);
}

static int stop(void *context, const char *layer, size_t step, size_t steps) {
    (void)layer;
    (void)steps;
    return (int)step >= *(int *)context;
}

static void test_refusals(void **state) {
    (void)state;
    static const weir_node residual[] = {
        {.name = "image", .kind = "input", .size = 784}, {.name = "wide", .kind = "affine", .size = 784},
        {.name = "active", .kind = "rectifier"},         {.name = "sum", .kind = "add", .from = "image, active"},
        {.name = "logits", .kind = "affine", .size = 10}, {.kind = "softmax-cross-entropy"},
    };
    weir_gate_options o = quick();
    refuse(residual, 6, &o, WEIR_NOT_FOUND, "no hidden layer that can be gated");
    o.layers = "wide";
    refuse(residual, 6, &o, WEIR_NOT_FOUND, "'wide' is no hidden layer that can be gated: something else than an affine node");
    o.layers = "hidden, thrid";
    refuse(two_layers, 8, &o, WEIR_NOT_FOUND, "no node 'thrid'");
    o.layers = "logits";
    refuse(two_layers, 8, &o, WEIR_NOT_FOUND, "'logits' is no hidden layer");
    o = quick();
    o.block = 100;
    refuse(two_layers, 8, &o, WEIR_NOT_FOUND, "more than 100 units");
    o = quick();
    o.share = 1;
    refuse(two_layers, 8, &o, WEIR_CONFIG, "share is 1");
    o = quick();
    o.groups = "none";
    refuse(two_layers, 8, &o, WEIR_CONFIG, "groups is \"none\"");
    o = quick();
    o.batch = 100;
    refuse(two_layers, 8, &o, WEIR_CONFIG, "batch is 100");
    o = quick();
    weir_data *data = digits();
    weir_graph *dense = make(two_layers, 8), *gated = NULL;
    for (int after = 0; after <= 200; after += 100)
        assert_int_equal(weir_gate_create(&gated, NULL, NULL, dense, data, &o, stop, &after, NULL), WEIR_INTERRUPTED);
    weir_graph_free(dense);
    weir_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_are_found), cmocka_unit_test(test_groups_of_any_size),
        cmocka_unit_test(test_open_is_dense),    cmocka_unit_test(test_planted_experts),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
