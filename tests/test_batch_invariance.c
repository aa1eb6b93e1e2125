// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Bits of a row: the same for any number of threads; and, in a graph that is asked for it, whatever batch the row is
// in. And a row of a small network never wakes a second thread.

#include "testing.h"
#include <weir/weir.h>

#include "core/pool.h"

enum { ROWS = 300, INPUTS = 450, OUTPUTS = 45 };

static const weir_node dense[] = {
    {.kind = "input", .name = "input", .size = INPUTS},
    {.kind = "affine", .size = 800},
    {.kind = "rectifier"},
    {.kind = "affine", .size = OUTPUTS},
    {.kind = "softmax-cross-entropy"},
};

static const weir_node gated[] = {
    {.kind = "input", .name = "input", .size = INPUTS},
    {.kind = "affine", .size = 40},
    {.kind = "unit", .name = "gates", .rule = "straight-through"},
    {.kind = "gated-affine", .from = "input", .gates = "gates", .size = 640, .block = 16, .activation = "rectifier"},
    {.kind = "affine", .size = 32},
    {.kind = "unit", .name = "second", .rule = "straight-through"},
    {.kind = "gated-affine", .gates = "second", .size = 64, .block = 2, .activation = "tanh"},
    {.kind = "affine", .size = OUTPUTS},
    {.kind = "softmax-cross-entropy"},
};

typedef struct net {
    const weir_node *nodes;
    size_t count;
} net;
static const net nets[] = {{dense, sizeof dense / sizeof *dense}, {gated, sizeof gated / sizeof *gated}};

static float inputs[ROWS * INPUTS];
static int32_t labels[ROWS];

static int fill(void **state) {
    (void)state;
    weir_random_normal(inputs, (weir_noise){.seed = 3}, 0, ROWS * INPUTS);
    for (size_t r = 0; r < ROWS; r++) labels[r] = (int32_t)(r % OUTPUTS);
    return 0;
}

static weir_graph *new_graph(const net *n, weir_precision precision, bool invariant, int threads) {
    weir_graph_options options = weir_graph_options_default(ROWS);
    weir_graph *graph = NULL;
    weir_error error = {0};
    options.training = false;
    options.precision = precision;
    options.batch_invariant = invariant;
    options.threads = threads;
    if (weir_graph_create(&graph, n->nodes, n->count, &options, &error) != WEIR_OK) fail_msg("%s", error.text);
    return graph;
}

static void run(weir_graph *graph, weir_mode mode, size_t first, size_t rows) {
    const weir_pass pass = {.inputs = inputs + first * INPUTS,
                            .labels = labels + first,
                            .rows = rows,
                            .mode = mode,
                            .seed = 5,
                            .first_row = first};
    weir_error error = {0};
    if (weir_graph_forward(graph, &pass, &error) != WEIR_OK) fail_msg("%s", error.text);
}

/// Row r of all outputs of the last pass, which began at row `first`, against those of `wanted`, [node][row][width].
static void compare_row(weir_graph *graph, const net *n, float *const *wanted, const float *loss, size_t first,
                        size_t r) {
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(graph, &count);
    assert_int_equal(count, n->count);
    for (size_t k = 0; k < count; k++) {
        const float *got = weir_graph_output(graph, k);
        assert_non_null(got);
        const size_t width = nodes[k].size;
        assert_memory_equal(got + (r - first) * width, wanted[k] + r * width, width * sizeof *got);
    }
    assert_memory_equal(weir_graph_loss(graph) + (r - first), loss + r, sizeof *loss);
}

static void keep(weir_graph *graph, const net *n, float **wanted, float *loss) {
    const weir_node *nodes = weir_graph_nodes(graph, NULL);
    for (size_t k = 0; k < n->count; k++) {
        const size_t bytes = ROWS * nodes[k].size * sizeof **wanted;
        wanted[k] = malloc(bytes);
        assert_non_null(wanted[k]);
        memcpy(wanted[k], weir_graph_output(graph, k), bytes);
    }
    memcpy(loss, weir_graph_loss(graph), ROWS * sizeof *loss);
}

static void check_invariance(const net *n, weir_precision precision, weir_mode mode) {
    static const size_t rows[] = {0, 1, 6, 7, 150, 293, 299};
    weir_graph *graph = new_graph(n, precision, true, 0);
    float *wanted[16], loss[ROWS];
    run(graph, mode, 0, ROWS);
    keep(graph, n, wanted, loss);
    double mean = 0;
    for (size_t r = 0; r < ROWS; r++) mean += (double)loss[r] / ROWS;
    assert_true(mean > 0 && weir_graph_mean_loss(graph) - mean < 1e-6 && mean - weir_graph_mean_loss(graph) < 1e-6);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        run(graph, mode, rows[k], 1);
        compare_row(graph, n, wanted, loss, rows[k], rows[k]);
        const size_t first = rows[k] < 293 ? rows[k] : 293;
        run(graph, mode, first, 7);
        for (size_t r = first; r < first + 7; r++) compare_row(graph, n, wanted, loss, first, r);
    }
    // A row alone in a graph that was not asked for it: those are the bits.
    weir_graph *plain = new_graph(n, precision, false, 0);
    run(plain, mode, 42, 1);
    compare_row(plain, n, wanted, loss, 42, 42);
    weir_graph_free(plain);
    for (size_t k = 0; k < n->count; k++) free(wanted[k]);
    weir_graph_free(graph);
}

static void rows_do_not_depend_on_their_batch(void **state) {
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        check_invariance(&nets[k], WEIR_FLOAT32, WEIR_MODE_DECIDE);
        check_invariance(&nets[k], WEIR_BFLOAT16, WEIR_MODE_DECIDE);
        check_invariance(&nets[k], WEIR_FLOAT32, WEIR_MODE_DRAW);
    }
}

static void bits_do_not_depend_on_threads(void **state) {
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        weir_graph *alone = new_graph(&nets[k], WEIR_FLOAT32, false, 1);
        run(alone, WEIR_MODE_DECIDE, 0, ROWS);
        for (int threads = 2; threads <= 5; threads++) {
            weir_graph *graph = new_graph(&nets[k], WEIR_FLOAT32, false, threads);
            run(graph, WEIR_MODE_DECIDE, 0, ROWS);
            const size_t last = nets[k].count - 1;
            assert_memory_equal(weir_graph_output(graph, last), weir_graph_output(alone, last),
                                ROWS * OUTPUTS * sizeof(float));
            weir_graph_free(graph);
        }
        weir_graph_free(alone);
    }
}

static void wrong_settings_are_errors(void **state) {
    (void)state;
    weir_graph_options options = weir_graph_options_default(ROWS);
    weir_graph *graph = NULL;
    weir_error error = {0};
    options.batch_invariant = true; // and training
    assert_int_equal(weir_graph_create(&graph, dense, nets[0].count, &options, &error), WEIR_ARGUMENT);
    assert_null(graph);
    options.batch_invariant = false;
    options.threads = WEIR_THREADS_MOST + 1;
    assert_int_equal(weir_graph_create(&graph, dense, nets[0].count, &options, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "257 threads"));
    graph = new_graph(&nets[0], WEIR_FLOAT32, false, 0);
    assert_int_equal(weir_graph_threads_use(graph, -1, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_graph_threads_use(graph, WEIR_THREADS_MOST, &error), WEIR_OK);
    weir_graph_free(graph);
}

/// The first test of the process: nobody has started threads yet.
static void a_row_wakes_nobody(void **state) {
    (void)state;
    weir_threads_use(1); // drawing the parameters is work for several
    weir_graph *graph = new_graph(&nets[0], WEIR_FLOAT32, false, 0);
    weir_threads_use(4);
    for (size_t r = 0; r < 20; r++) run(graph, WEIR_MODE_DECIDE, r, 1);
    assert_int_equal(weir__pool_threads(), 0);
    run(graph, WEIR_MODE_DECIDE, 0, ROWS);
    assert_true(weir__pool_threads() > 0); // but 300 do
    weir_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_wakes_nobody),
        cmocka_unit_test(rows_do_not_depend_on_their_batch),
        cmocka_unit_test(bits_do_not_depend_on_threads),
        cmocka_unit_test(wrong_settings_are_errors),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
