// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Networks with gated layers against the naive double-precision ones of graph_reference.h: outputs, loss per row, the
// gradient of every parameter and of every gate. Every rule × block × rows × threads × instruction set, layers in
// stacks, gates beside and on the main path, every kind of node after a gated layer, and several readers of one node.

#include "graph_reference.h"

enum { INPUTS = 13, OUTPUTS = 5, WIDE = 11, NARROW = 9, MOST_ROWS = 32 };

static const double tolerance = 1e-5;

/// One way to learn gates.
typedef struct way {
    const char *rule, *closed;
} way;
static const way ways[] = {
    {"straight-through", "all"},
    {"straight-through", "none"},
    {"straight-through", "sample"},
    {"straight-through:derivative=sigmoid", "all"},
    {"reinforce:baseline=none", NULL},
    {"reinforce:baseline=average", NULL},
    {"reinforce:baseline=optimal", NULL},
    {"sts", NULL},
    {"sts:noise=beta", NULL},
    {"noisy-rectifier", NULL},
    {"noisy-rectifier:noise=logistic", NULL},
    {"rectifier", NULL},
    {"sigmoid", NULL},
    {"sigmoid:noise=gaussian", NULL},
    {"semantic-hashing", "all"},
};
static const size_t blocks[] = {1, 3, 4, 64};
static const char *const activations[] = {"linear", "rectifier", "tanh"};
static const char *const losses[] = {"softmax-cross-entropy", "squared-error", "bernoulli-cross-entropy"};

/// A batch: inputs, labels and targets, from a seed.
typedef struct batch {
    float inputs[MOST_ROWS * INPUTS], targets[MOST_ROWS * OUTPUTS];
    int32_t labels[MOST_ROWS];
} batch;

static void fill_batch(batch *data, uint64_t seed) {
    weir_random_normal(data->inputs, (weir_noise){.seed = seed, .stream = 60000}, 0, COUNT(data->inputs));
    weir_random_uniform(data->targets, (weir_noise){.seed = seed, .stream = 60001}, 0, COUNT(data->targets));
    for (size_t r = 0; r < MOST_ROWS; r++) {
        data->labels[r] =
            (int32_t)weir_random_below((weir_noise){.seed = seed, .stream = 60002}, 0, (uint32_t)r, OUTPUTS);
    }
}

static weir_pass pass_of(const batch *data, size_t rows, uint32_t step) {
    return (weir_pass){.mode = WEIR_MODE_SAMPLE,
                       .rows = rows,
                       .inputs = data->inputs,
                       .labels = data->labels,
                       .targets = data->targets,
                       .seed = 7,
                       .step = step};
}

static weir_graph *create(const weir_node *nodes, size_t count) {
    weir_graph *graph = NULL;
    weir_error error;
    const weir_graph_options options = weir_graph_options_default(MOST_ROWS);
    must(weir_graph_create(&graph, nodes, count, &options, &error), &error);
    return graph;
}

static size_t gates_of(size_t width, size_t block) { return (width + block - 1) / block; }

/// Two gated layers, one-sided then two-sided, each with a gater of its own.
static weir_graph *create_stack(const way *chosen, size_t block, const char *activation, const char *loss) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.kind = "affine", .size = 7},
        {.kind = "tanh"},
        {.name = "a1", .kind = "affine", .size = gates_of(WIDE, block), .bias = 0.6},
        {.name = "g1", .kind = "unit", .rule = chosen->rule},
        {.kind = "affine", .from = "x", .size = 6},
        {.kind = "tanh"},
        {.name = "a2", .kind = "affine", .size = gates_of(NARROW, block), .bias = 0.6},
        {.name = "g2", .kind = "unit", .rule = chosen->rule},
        {.name = "one",
         .kind = "gated-affine",
         .from = "x",
         .gates = "g1",
         .size = WIDE,
         .block = block,
         .activation = activation,
         .closed = chosen->closed,
         .closed_share = 0.5,
         .bias = 0.1},
        {.name = "two",
         .kind = "gated-affine",
         .gates = "g2",
         .size = NARROW,
         .block = block,
         .activation = activation,
         .closed = chosen->closed,
         .closed_share = 0.5,
         .bias = 0.1},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        {.name = "loss", .kind = loss},
    };
    return create(nodes, COUNT(nodes));
}

static bool opens_in_row(weir_graph *graph, size_t node, size_t row) {
    const size_t width = weir_graph_nodes(graph, NULL)[node].size;
    const float *y = weir_graph_output(graph, node) + row * width;
    for (size_t i = 0; i < width; i++) {
        if (y[i] != 0) return true;
    }
    return false;
}

/// Fills a batch, and finds a step, so that some row has an open block in every layer: no comparison is of zeros alone.
static weir_pass open_pass(weir_graph *graph, batch *data, size_t rows) {
    weir_error error;
    size_t count = 0;
    const weir_node *specs = weir_graph_nodes(graph, &count);
    for (uint32_t step = 1; step < 1000; step++) {
        const weir_pass pass = pass_of(data, rows, step);
        fill_batch(data, step);
        must(weir_graph_forward(graph, &pass, &error), &error);
        for (size_t r = 0; r < rows; r++) {
            bool all = true;
            for (size_t k = 0; k < count; k++) all = all && (!specs[k].gates || opens_in_row(graph, k, r));
            if (all) return pass;
        }
    }
    fail_msg("no step opens a block in every layer");
    return (weir_pass){0};
}

/// Two batches, so that the second meets what the first left (touched flags, baselines, buffers of another size).
static void check_graph(weir_graph *graph, batch *data, size_t rows) {
    weir_error error;
    for (size_t turn = 0; turn < 2; turn++) {
        const weir_pass pass = open_pass(graph, data, turn ? rows : (rows + 3) / 2);
        reference *ref = reference_create(graph, &pass);
        reference_check_forward(ref, tolerance);
        must(weir_graph_backward(graph, &pass, &error), &error);
        reference_backward(ref);
        reference_check_backward(ref, tolerance);
        reference_free(ref);
    }
}

static void test_stack(void **state) {
    (void)state;
    static const size_t rows[] = {1, 5, MOST_ROWS};
    size_t number = 0;
    batch data;
    for (size_t w = 0; w < COUNT(ways); w++) {
        for (size_t b = 0; b < COUNT(blocks); b++, number++) {
            weir_graph *graph = create_stack(&ways[w], blocks[b], activations[number % 3], losses[(number + b) % 3]);
            for (weir_isa isa = WEIR_ISA_REFERENCE; isa <= weir_isa_best(); isa++) {
                assert_int_equal(weir_isa_use(isa), WEIR_OK);
                for (size_t r = 0; r < COUNT(rows); r++) {
                    for (int threads = 1; threads <= 2; threads++) {
                        weir_threads_use(threads);
                        check_graph(graph, &data, rows[r]);
                    }
                }
            }
            weir_graph_free(graph);
        }
    }
    weir_threads_use(0);
}

// ---- other shapes of networks --------------------------------------------------------------------------------------

/// Every activation with every rule, which the big product above does not have.
static void test_activations(void **state) {
    (void)state;
    batch data;
    for (size_t w = 0; w < COUNT(ways); w++) {
        for (size_t f = 0; f < COUNT(activations); f++) {
            for (size_t l = 0; l < COUNT(losses); l++) {
                weir_graph *graph = create_stack(&ways[w], 3, activations[f], losses[l]);
                check_graph(graph, &data, 7);
                weir_graph_free(graph);
            }
        }
    }
}

/// A one-sided gated layer of 11, and what reads it.
#define GATED_HEAD(way, units)                                                                                         \
    {.name = "x", .kind = "input", .size = INPUTS}, {.kind = "affine", .size = gates_of(WIDE, units), .bias = 0.5},    \
        {.name = "g1", .kind = "unit", .rule = (way)->rule}, {                                                         \
        .name = "one", .kind = "gated-affine", .from = "x", .gates = "g1", .size = WIDE, .block = (units),             \
        .bias = 0.2, .closed = (way)->closed, .closed_share = 0.7                                                      \
    }

static void check_network(const weir_node *nodes, size_t count) {
    batch data;
    weir_graph *graph = create(nodes, count);
    for (int threads = 1; threads <= 2; threads++) {
        weir_threads_use(threads);
        check_graph(graph, &data, 9);
    }
    weir_graph_free(graph);
    weir_threads_use(0);
}

static void test_elementwise_after_gated(void **state) {
    (void)state;
    static const char *const kinds[] = {"tanh", "rectifier", "sigmoid"};
    for (size_t w = 0; w < COUNT(ways); w++) {
        for (size_t block = 1; block <= 3; block += 2) {
            for (size_t k = 0; k < COUNT(kinds); k++) {
                const weir_node one_sided[] = {
                    GATED_HEAD(&ways[w], block),       {.kind = kinds[k]},
                    {.kind = kinds[(k + 1) % 3]},      {.kind = "affine", .size = OUTPUTS},
                    {.kind = "softmax-cross-entropy"},
                };
                check_network(one_sided, COUNT(one_sided));
                const weir_node two_sided[] = {
                    GATED_HEAD(&ways[w], block),
                    {.name = "f", .kind = kinds[k]},
                    {.kind = "affine", .from = "x", .size = 5, .bias = 0.5},
                    {.name = "g2", .kind = "unit", .rule = ways[w].rule},
                    {.name = "two", .kind = "gated-affine", .from = "f", .gates = "g2", .size = NARROW, .block = 2},
                    {.kind = "affine", .size = OUTPUTS},
                    {.kind = "squared-error"},
                };
                check_network(two_sided, COUNT(two_sided));
            }
        }
    }
}

static void test_dropout_and_unit_after_gated(void **state) {
    (void)state;
    for (size_t w = 0; w < COUNT(ways); w++) {
        for (size_t block = 1; block <= 3; block += 2) {
            const weir_node nodes[] = {
                GATED_HEAD(&ways[w], block),
                {.kind = "dropout", .dropout = 0.3},
                {.name = "plain", .kind = "unit", .rule = ways[(w + 5) % COUNT(ways)].rule},
                {.kind = "affine", .size = 9},
                {.kind = "shift", .shift = 1 + w % 2},
                {.kind = "dropout", .dropout = 0.5},
                {.kind = "affine", .size = OUTPUTS},
                {.kind = "bernoulli-cross-entropy"},
            };
            check_network(nodes, COUNT(nodes));
        }
    }
}

/// A loss right after a gated layer.
static void test_gated_last(void **state) {
    (void)state;
    for (size_t w = 0; w < COUNT(ways); w++) {
        for (size_t l = 0; l < COUNT(losses); l++) {
            const weir_node nodes[] = {
                {.name = "x", .kind = "input", .size = INPUTS},
                {.kind = "affine", .size = 3, .bias = 0.5},
                {.name = "g1", .kind = "unit", .rule = ways[w].rule},
                {.name = "one",
                 .kind = "gated-affine",
                 .from = "x",
                 .gates = "g1",
                 .size = OUTPUTS,
                 .block = 2,
                 .closed = ways[w].closed,
                 .closed_share = 0.6},
                {.kind = losses[l]},
            };
            check_network(nodes, COUNT(nodes));
        }
    }
}

/// The compact output feeds the next layer and, beside it, that layer's gater: compactly, and through a dense sigmoid.
static void test_gater_reads_gated_layer(void **state) {
    (void)state;
    static const char *const between[] = {"tanh", "sigmoid"};
    for (size_t w = 0; w < COUNT(ways); w++) {
        for (size_t block = 1; block <= 3; block += 2) {
            for (size_t k = 0; k < COUNT(between); k++) {
                const weir_node nodes[] = {
                    GATED_HEAD(&ways[w], block),
                    {.kind = between[k]},
                    {.kind = "affine", .size = 5, .bias = 0.5},
                    {.name = "g2", .kind = "unit", .rule = ways[w].rule},
                    {.name = "two",
                     .kind = "gated-affine",
                     .from = "one",
                     .gates = "g2",
                     .size = NARROW,
                     .block = 2,
                     .closed = ways[w].closed,
                     .closed_share = 0.7},
                    {.kind = "affine", .size = OUTPUTS},
                    {.kind = "softmax-cross-entropy"},
                };
                check_network(nodes, COUNT(nodes));
            }
        }
    }
}

/// The compact output feeds two affine nodes, so that its gradient stays dense with closed = all: one on the main path,
/// one through an elementwise node to the gates of a later layer.
static void test_two_dense_readers(void **state) {
    (void)state;
    static const char *const between[] = {"rectifier", "sigmoid", "tanh"};
    for (size_t w = 0; w < COUNT(ways); w++) {
        for (size_t block = 1; block <= 3; block += 2) {
            for (size_t k = 0; k < COUNT(between); k++) {
                const weir_node nodes[] = {
                    GATED_HEAD(&ways[w], block),
                    {.name = "mid", .kind = "affine", .size = 6},
                    {.name = "main", .kind = "tanh"},
                    {.kind = between[k], .from = "one"},
                    {.kind = "affine", .size = 5, .bias = 0.5},
                    {.name = "g2", .kind = "unit", .rule = ways[w].rule},
                    {.kind = "gated-affine", .from = "main", .gates = "g2", .size = NARROW, .block = 2},
                    {.kind = "affine", .size = OUTPUTS},
                    {.kind = "softmax-cross-entropy"},
                };
                check_network(nodes, COUNT(nodes));
            }
        }
    }
}

/// The compact output feeds, through two elementwise nodes, a layer that reads its slots and an affine node.
static void test_mixed_readers(void **state) {
    (void)state;
    for (size_t w = 0; w < COUNT(ways); w++) {
        for (size_t block = 1; block <= 3; block += 2) {
            const weir_node nodes[] = {
                GATED_HEAD(&ways[w], block),
                {.name = "f", .kind = "tanh"},
                {.kind = "rectifier", .from = "one"},
                {.kind = "affine", .size = 5, .bias = 0.5},
                {.name = "g2", .kind = "unit", .rule = ways[w].rule},
                {.kind = "gated-affine",
                 .from = "f",
                 .gates = "g2",
                 .size = NARROW,
                 .block = 2,
                 .closed = ways[w].closed,
                 .closed_share = 0.7},
                {.kind = "affine", .size = OUTPUTS},
                {.kind = "softmax-cross-entropy"},
            };
            check_network(nodes, COUNT(nodes));
        }
    }
}

/// Two layers share their gates, and the gates are a layer's outputs themselves.
static void test_shared_gates(void **state) {
    (void)state;
    for (size_t w = 0; w < COUNT(ways); w++) {
        const weir_node nodes[] = {
            GATED_HEAD(&ways[w], 3),
            {.name = "two",
             .kind = "gated-affine",
             .gates = "g1",
             .size = 8,
             .block = 2,
             .activation = "tanh",
             .closed = ways[w].closed,
             .closed_share = 0.7},
            {.name = "g3", .kind = "unit", .rule = ways[w].rule},
            {.name = "three", .kind = "gated-affine", .from = "two", .gates = "g3", .size = 8, .bias = 0.3},
            {.kind = "affine", .size = OUTPUTS},
            {.kind = "softmax-cross-entropy"},
        };
        check_network(nodes, COUNT(nodes));
    }
}

/// A layer with gates that never close over one whose gates do: a dense output from a compact input.
static void test_soft_gates_over_hard(void **state) {
    (void)state;
    for (size_t w = 0; w < COUNT(ways); w++) {
        for (size_t block = 1; block <= 3; block += 2) {
            const weir_node nodes[] = {
                GATED_HEAD(&ways[w], block),
                {.kind = "affine", .from = "x", .size = 5},
                {.name = "soft", .kind = "unit", .rule = "sigmoid"},
                {.name = "two",
                 .kind = "gated-affine",
                 .from = "one",
                 .gates = "soft",
                 .size = NARROW,
                 .block = 2,
                 .activation = "tanh"},
                {.kind = "affine", .size = OUTPUTS},
                {.kind = "softmax-cross-entropy"},
            };
            check_network(nodes, COUNT(nodes));
        }
    }
}

/// Gates without parameters before them: straight on the inputs.
static void test_gates_on_inputs(void **state) {
    (void)state;
    for (size_t w = 0; w < COUNT(ways); w++) {
        const weir_node nodes[] = {
            {.name = "x", .kind = "input", .size = INPUTS},
            {.name = "g1", .kind = "unit", .rule = ways[w].rule},
            {.name = "one",
             .kind = "gated-affine",
             .from = "x",
             .gates = "g1",
             .size = 2 * INPUTS,
             .block = 2,
             .closed = ways[w].closed,
             .closed_share = 0.7},
            {.kind = "affine", .size = OUTPUTS},
            {.kind = "softmax-cross-entropy"},
        };
        check_network(nodes, COUNT(nodes));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_elementwise_after_gated),
        cmocka_unit_test(test_dropout_and_unit_after_gated),
        cmocka_unit_test(test_gated_last),
        cmocka_unit_test(test_gater_reads_gated_layer),
        cmocka_unit_test(test_two_dense_readers),
        cmocka_unit_test(test_mixed_readers),
        cmocka_unit_test(test_shared_gates),
        cmocka_unit_test(test_soft_gates_over_hard),
        cmocka_unit_test(test_gates_on_inputs),
    };
    return cmocka_run_group_tests_name("gated graph", tests, NULL, NULL);
}
