// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What is said of gates and parameters that do nothing: shares of a rule that lists all outcomes, gates that no row
// opens, tensors that no gradient reaches.

#include "graph_reference.h"
#include <weir/kind.h>
#include <weir/train.h>

enum { INPUTS = 5, GATES = 4, ROWS = 256 };

static float inputs[ROWS * INPUTS];
static int32_t labels[ROWS];
static weir_error error;

static int fill_batch(void **state) {
    (void)state;
    weir_random_normal(inputs, (weir_noise){.seed = 41, .stream = 60000}, 0, COUNT(inputs));
    for (size_t r = 0; r < ROWS; r++) labels[r] = (int32_t)(r % 3);
    return 0;
}

static weir_graph *gated(const char *rule, double bias) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "a", .kind = "affine", .size = GATES, .bias = bias},
        {.name = "g", .kind = "unit", .rule = rule},
        {.name = "one", .kind = "gated-affine", .from = "x", .gates = "g", .size = 8, .block = 2},
        {.name = "out", .kind = "affine", .size = 3},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    weir_graph *graph = NULL;
    const weir_graph_options options = weir_graph_options_default(ROWS);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    return graph;
}

typedef struct seen {
    double open, chance;
} seen;

static double look(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a, const float *h,
                   float *da) {
    seen *s = context;
    (void)unit, (void)da;
    for (size_t k = 0; k < rows * units; k++) {
        s->open += (h[k] != 0) / (double)(rows * units);
        s->chance += 1 / (1 + exp(-(double)a[k])) / (double)(rows * units);
    }
    return 0;
}

/// The share in training is that of draws, for a rule that draws none as for one that does: within four standard
/// errors.
static void test_share_in_training(void **state) {
    (void)state;
    static const char *const rules[] = {"exact", "disarm", "straight-through"};
    static const double biases[] = {-1.5, 0, 1};
    for (size_t k = 0; k < COUNT(rules); k++) {
        for (size_t b = 0; b < COUNT(biases); b++) {
            weir_graph *graph = gated(rules[k], biases[b]);
            seen s = {0};
            must(weir_graph_penalty_set(graph, 2, look, &s, &error), &error);
            const weir_pass pass = {.mode = WEIR_MODE_SAMPLE, .rows = ROWS, .inputs = inputs, .labels = labels};
            must(weir_graph_forward(graph, &pass, &error), &error);
            must(weir_graph_backward(graph, &pass, &error), &error);
            const weir_counters c = weir_graph_node_counters(graph, 2);
            const double share = (double)c.gates_open / (double)c.gates, within = 4 * 0.5 / sqrt(ROWS * GATES);
            if (!(fabs(share - s.chance) <= within && fabs(s.open - s.chance) <= within && s.chance > 0)) {
                fail_msg("%s: share %g, seen by a penalty %g, expected %g", rules[k], share, s.open, s.chance);
            }
            weir_graph_free(graph);
        }
    }
}

static void test_gates_that_no_row_opens(void **state) {
    (void)state;
    weir_graph *graph = gated("straight-through", 0);
    weir_rows *rows = NULL;
    must(weir_rows_create(&rows, inputs, ROWS, INPUTS, &error), &error);
    const weir_part part = {.rows = rows, .labels = labels, .count = ROWS};
    weir_evaluation found;
    must(weir_evaluate(graph, &found, NULL, &part, WEIR_MODE_DECIDE, &error), &error);
    assert_true(found.gates == GATES && found.never_open == 0);
    const weir_tensor *bias = tensor_of(graph, 1, true);
    weir_graph_parameters(graph).values[bias->offset + 1] = -1000;
    weir_graph_parameters(graph).values[bias->offset + 3] = -1000;
    must(weir_evaluate(graph, &found, NULL, &part, WEIR_MODE_DECIDE, &error), &error);
    assert_true(found.gates == GATES && found.never_open == 2);
    weir_result result = weir_result_empty();
    must(weir_measure(graph, &result, &part, 0, 0, &error), &error);
    assert_true(result.gates_all == GATES && result.gates_never_open == 2);
    must(weir_evaluate(graph, &found, NULL, &part, WEIR_MODE_OPEN, &error), &error);
    assert_true(found.gates == 0 && found.never_open == 0);
    weir_rows_free(rows);
    weir_graph_free(graph);
}

static weir_status copy(const weir_node_call *call, weir_error *why) {
    (void)why;
    memcpy(call->outputs, call->inputs[0], call->rows * call->size * sizeof(float));
    return WEIR_OK;
}

/// A tensor learns if and only if a backward pass can give it a gradient that is not 0.
static void test_what_learns(void **state) {
    (void)state;
    static const weir_custom_kind stop = {.about = {.name = "stop"}, .forward = copy};
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "idle", .kind = "affine", .size = 3},                     // read by nobody
        {.name = "before", .kind = "affine", .from = "x", .size = INPUTS}, // behind what passes nothing back
        {.name = "wall", .kind = "stop"},
        {.name = "through", .kind = "affine", .size = GATES}, // learns from the loss, through units
        {.name = "g", .kind = "unit", .rule = "reinforce"},
        {.name = "one", .kind = "gated-affine", .from = "wall", .gates = "g", .size = 8, .block = 2},
        {.name = "out", .kind = "affine", .size = 3},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    static const bool learns[COUNT(nodes)] = {[4] = true, [6] = true, [7] = true};
    weir_graph *graph = NULL;
    weir_graph_options options = weir_graph_options_default(ROWS);
    options.kinds = &stop;
    options.kind_count = 1;
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    const weir_pass pass = {.mode = WEIR_MODE_SAMPLE, .rows = ROWS, .inputs = inputs, .labels = labels};
    must(weir_graph_forward(graph, &pass, &error), &error);
    must(weir_graph_backward(graph, &pass, &error), &error);
    const weir_parameters p = weir_graph_parameters(graph);
    assert_int_equal(p.tensor_count, 10);
    for (size_t t = 0; t < p.tensor_count; t++) {
        const weir_tensor *tensor = &p.tensors[t];
        bool moved = false;
        for (size_t i = 0; i < tensor->rows * tensor->columns; i++) moved |= p.gradients[tensor->offset + i] != 0;
        if (moved != learns[tensor->node] || weir_graph_learns(graph, t) != moved) {
            fail_msg("%s: gradient %d, said %d", tensor->name, moved, weir_graph_learns(graph, t));
        }
    }
    assert_false(weir_graph_learns(graph, p.tensor_count));
    weir_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share_in_training),
        cmocka_unit_test(test_gates_that_no_row_opens),
        cmocka_unit_test(test_what_learns),
    };
    return cmocka_run_group_tests_name("shares", tests, fill_batch, NULL);
}
