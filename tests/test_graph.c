// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The graph as its users see it: what it refuses, its description, modes, bits that do not depend on threads, memory
// that runs out, and tensors in memory order and plain order.

#include "graph_reference.h"

enum { INPUTS = 7, OUTPUTS = 4, MOST_ROWS = 12 };

static float inputs[MOST_ROWS * INPUTS], targets[MOST_ROWS * OUTPUTS];
static int32_t labels[MOST_ROWS];

static int fill_batch(void **state) {
    (void)state;
    weir_random_normal(inputs, (weir_noise){.seed = 9, .stream = 60000}, 0, COUNT(inputs));
    weir_random_uniform(targets, (weir_noise){.seed = 9, .stream = 60001}, 0, COUNT(targets));
    for (size_t r = 0; r < MOST_ROWS; r++) labels[r] = (int32_t)(r % OUTPUTS);
    return 0;
}

static weir_pass pass_of(weir_mode mode, size_t rows) {
    return (weir_pass){
        .mode = mode, .rows = rows, .inputs = inputs, .labels = labels, .targets = targets, .seed = 5, .step = 1};
}

static weir_graph *create(const weir_node *nodes, size_t count) {
    weir_graph *graph = NULL;
    weir_error error;
    const weir_graph_options options = weir_graph_options_default(MOST_ROWS);
    must(weir_graph_create(&graph, nodes, count, &options, &error), &error);
    return graph;
}

/// Two gated layers of 10 and 9 in blocks of 2, with a gater each; gates named g1 and g2.
#define GATED(rule_text, closed_text)                                                                                  \
    {.name = "x", .kind = "input", .size = INPUTS}, {.kind = "affine", .size = 5, .bias = 0.3},                        \
        {.name = "g1", .kind = "unit", .rule = (rule_text)}, {.kind = "affine", .from = "x", .size = 5, .bias = 0.3},  \
        {.name = "g2", .kind = "unit", .rule = (rule_text)},                                                           \
        {.name = "one",                                                                                                \
         .kind = "gated-affine",                                                                                       \
         .from = "x",                                                                                                  \
         .gates = "g1",                                                                                                \
         .size = 10,                                                                                                   \
         .block = 2,                                                                                                   \
         .activation = "tanh",                                                                                         \
         .closed = (closed_text)},                                                                                     \
        {.name = "two", .kind = "gated-affine", .gates = "g2", .size = 9, .block = 2, .closed = (closed_text)}, {      \
        .name = "out", .kind = "affine", .size = OUTPUTS                                                               \
    }
#define SOFTMAX                                                                                                        \
    { .name = "loss", .kind = "softmax-cross-entropy" }

// ---- refusals ------------------------------------------------------------------------------------------------------

/// Creating the network fails with this code, a text that holds both words, and no graph.
static void check_refused(const weir_node *nodes, size_t count, weir_status code, const char *node, const char *word) {
    weir_graph *graph = (weir_graph *)&graph;
    weir_error error = {0};
    const weir_graph_options options = weir_graph_options_default(MOST_ROWS);
    const weir_status status = weir_graph_create(&graph, nodes, count, &options, &error);
    if (status != code || graph || !strstr(error.text, node) || !strstr(error.text, word)) {
        fail_msg("expected %s with '%s' and '%s', got %s: %s", weir_status_name(code), node, word,
                 weir_status_name(status), error.text);
    }
    assert_int_equal(error.status, code);
    assert_int_equal(weir_graph_create(&graph, nodes, count, &options, NULL), code);
}

/// A wrong node after an input of 7.
static void check_node_refused(weir_node wrong, weir_status code, const char *word) {
    wrong.name = "wrong";
    const weir_node nodes[] = {{.name = "x", .kind = "input", .size = INPUTS}, wrong};
    check_refused(nodes, 2, code, "wrong", word);
}

static void test_wrong_nodes(void **state) {
    (void)state;
    check_node_refused((weir_node){.kind = "afine", .size = 3}, WEIR_NOT_FOUND, "did you mean 'affine'");
    check_node_refused((weir_node){.kind = "zzzzzzzzzzzz", .size = 3}, WEIR_NOT_FOUND, "unknown kind");
    check_node_refused((weir_node){.kind = "affine"}, WEIR_SHAPE, "size");
    check_node_refused((weir_node){.kind = "affine", .size = SIZE_MAX}, WEIR_SHAPE, "size");
    check_node_refused((weir_node){.kind = "affine", .size = ((size_t)1 << 24) + 1}, WEIR_SHAPE, "limit");
    check_node_refused((weir_node){.kind = "affine", .size = 3, .from = "nowhere"}, WEIR_NOT_FOUND, "nowhere");
    check_node_refused((weir_node){.kind = "affine", .size = 3, .from = "wrong"}, WEIR_NOT_FOUND, "before it");
    check_node_refused((weir_node){.kind = "input", .size = 3}, WEIR_ARGUMENT, "first");
    check_node_refused((weir_node){.kind = "tanh", .size = 3}, WEIR_SHAPE, "7");
    check_node_refused((weir_node){.kind = "tanh", .rule = "sts"}, WEIR_ARGUMENT, "takes no rule");
    check_node_refused((weir_node){.kind = "tanh", .bias = 1}, WEIR_ARGUMENT, "takes no init");
    check_node_refused((weir_node){.kind = "tanh", .gates = "x"}, WEIR_ARGUMENT, "takes no gates");
    check_node_refused((weir_node){.kind = "affine", .size = 3, .block = 2}, WEIR_ARGUMENT, "takes no gates, block");
    check_node_refused((weir_node){.kind = "affine", .size = 3, .dropout = 0.5}, WEIR_ARGUMENT, "takes no dropout");
    check_node_refused((weir_node){.kind = "affine", .size = 3, .init = NAN}, WEIR_ARGUMENT, "init");
    check_node_refused((weir_node){.kind = "affine", .size = 3, .init = -1}, WEIR_ARGUMENT, "init");
    check_node_refused((weir_node){.kind = "affine", .size = 3, .bias = INFINITY}, WEIR_ARGUMENT, "bias");
    check_node_refused((weir_node){.kind = "affine", .size = 3, .rate = NAN}, WEIR_ARGUMENT, "rate");
    check_node_refused((weir_node){.kind = "affine", .size = 3, .max_norm = -2}, WEIR_ARGUMENT, "max_norm");
    check_node_refused((weir_node){.kind = "dropout", .dropout = 1}, WEIR_ARGUMENT, "dropout");
    check_node_refused((weir_node){.kind = "dropout", .dropout = NAN}, WEIR_ARGUMENT, "dropout");
    check_node_refused((weir_node){.kind = "dropout", .shift = 1}, WEIR_ARGUMENT, "takes no shift");
    check_node_refused((weir_node){.kind = "shift", .shift = 1}, WEIR_SHAPE, "square");
    check_node_refused((weir_node){.kind = "unit"}, WEIR_ARGUMENT, "rule");
    check_node_refused((weir_node){.kind = "unit", .rule = "stss"}, WEIR_NOT_FOUND, "stss");
    check_node_refused((weir_node){.kind = "unit", .rule = "sts:noise=loud"}, WEIR_ARGUMENT, "loud");
    check_node_refused((weir_node){.kind = "gated-affine", .size = 4}, WEIR_ARGUMENT, "gates");
    check_node_refused((weir_node){.kind = "gated-affine", .size = 4, .gates = "x"}, WEIR_ARGUMENT, "not 'unit'");
    check_node_refused((weir_node){.kind = "gated-affine", .size = 4, .gates = "g"}, WEIR_NOT_FOUND, "gates 'g'");
}

/// A wrong gated layer of 10 behind a unit node of 5 gates.
static void check_gated_refused(weir_node wrong, weir_status code, const char *word) {
    wrong.name = "wrong";
    wrong.kind = "gated-affine";
    wrong.gates = "g";
    if (!wrong.from) wrong.from = "x";
    const weir_node nodes[] = {{.name = "x", .kind = "input", .size = INPUTS},
                               {.kind = "affine", .size = 5},
                               {.name = "g", .kind = "unit", .rule = "straight-through"},
                               wrong};
    check_refused(nodes, 4, code, "wrong", word);
}

static void test_wrong_gated_nodes(void **state) {
    (void)state;
    check_gated_refused((weir_node){.size = 10}, WEIR_SHAPE, "need 10 gates, but 'g' has 5");
    check_gated_refused((weir_node){.size = 11, .block = 2}, WEIR_SHAPE, "need 6 gates");
    check_gated_refused((weir_node){.block = 2}, WEIR_SHAPE, "size");
    check_gated_refused((weir_node){.size = 10, .block = 2, .activation = "relu"}, WEIR_ARGUMENT, "'relu'");
    check_gated_refused((weir_node){.size = 10, .block = 2, .closed = "some"}, WEIR_ARGUMENT, "'some'");
    check_gated_refused((weir_node){.size = 10, .block = 2, .closed = "sample"}, WEIR_ARGUMENT, "closed_share");
    check_gated_refused((weir_node){.size = 10, .block = 2, .closed = "sample", .closed_share = 1.5}, WEIR_ARGUMENT,
                        "closed_share");
    check_gated_refused((weir_node){.size = 10, .block = 2, .closed_share = NAN}, WEIR_ARGUMENT, "closed_share");
    check_gated_refused((weir_node){.size = 10, .block = 2, .rule = "sts"}, WEIR_ARGUMENT, "rule");
}

static void test_wrong_networks(void **state) {
    (void)state;
    const weir_node alone[] = {{.kind = "input", .size = 3}};
    check_refused(alone, 1, WEIR_ARGUMENT, "2 to", "nodes");
    check_refused(NULL, 3, WEIR_ARGUMENT, "2 to", "nodes");
    check_refused(alone, 5000, WEIR_ARGUMENT, "4096", "5000");
    const weir_node no_input[] = {{.name = "a", .kind = "affine", .size = 3}, {.kind = "tanh"}};
    check_refused(no_input, 2, WEIR_ARGUMENT, "'a'", "input");
    const weir_node from_input[] = {{.name = "x", .kind = "input", .size = 3, .from = "y"}, {.kind = "tanh"}};
    check_refused(from_input, 2, WEIR_ARGUMENT, "'x'", "no other node");
    const weir_node twins[] = {
        {.kind = "input", .size = 3}, {.name = "t", .kind = "tanh"}, {.name = "t", .kind = "tanh"}};
    check_refused(twins, 3, WEIR_ARGUMENT, "'t'", "same name");
    const weir_node early_loss[] = {
        {.kind = "input", .size = 3}, {.name = "early", .kind = "squared-error"}, {.name = "next", .kind = "tanh"}};
    check_refused(early_loss, 3, WEIR_ARGUMENT, "early", "last");
    const weir_node two_losses[] = {{.name = "x", .kind = "input", .size = 3},
                                    {.name = "early", .kind = "squared-error"},
                                    {.name = "late", .kind = "squared-error", .from = "x"}};
    check_refused(two_losses, 3, WEIR_ARGUMENT, "early", "last");
    // More weights than any memory holds; no allocation of that size is tried.
    const weir_node huge[] = {{.kind = "input", .size = (size_t)1 << 24},
                              {.name = "huge", .kind = "affine", .size = (size_t)1 << 24}};
    check_refused(huge, 2, WEIR_SHAPE, "huge", "weights");
    const weir_node nameless[] = {{.kind = "input", .size = 3}, {.name = "n"}};
    check_refused(nameless, 2, WEIR_ARGUMENT, "node 2", "kind");
    const weir_node empty[] = {{.kind = "input", .size = 3}, {.name = "n", .kind = ""}};
    check_refused(empty, 2, WEIR_ARGUMENT, "node 2", "kind");
}

static void test_wrong_options(void **state) {
    (void)state;
    const weir_node nodes[] = {GATED("sts", NULL), SOFTMAX};
    weir_graph *graph = NULL;
    weir_error error;
    weir_graph_options options = weir_graph_options_default(0);
    assert_int_equal(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), WEIR_ARGUMENT);
    options.max_rows = ((size_t)1 << 20) + 1;
    assert_int_equal(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "max_rows"));
    assert_null(graph);
    // So many rows and gates that slots could not be numbered.
    const weir_node wide[] = {{.name = "x", .kind = "input", .size = 4000},
                              {.name = "g", .kind = "unit", .rule = "sts"},
                              {.name = "wide", .kind = "gated-affine", .from = "x", .gates = "g", .size = 4000}};
    options.max_rows = (size_t)1 << 20;
    assert_int_equal(weir_graph_create(&graph, wide, COUNT(wide), &options, &error), WEIR_SHAPE);
    assert_non_null(strstr(error.text, "'wide'"));
    weir_graph_free(NULL);
}

static void test_wrong_passes(void **state) {
    (void)state;
    const weir_node nodes[] = {GATED("sts", NULL), SOFTMAX};
    weir_graph *graph = create(nodes, COUNT(nodes));
    weir_error error;
    weir_pass pass = pass_of(WEIR_MODE_SAMPLE, MOST_ROWS + 1);
    assert_int_equal(weir_graph_backward(graph, &pass, &error), WEIR_ARGUMENT); // no forward pass before it
    assert_int_equal(weir_graph_forward(graph, &pass, &error), WEIR_SHAPE);
    assert_non_null(strstr(error.text, "13 rows"));
    pass.rows = 0;
    assert_int_equal(weir_graph_forward(graph, &pass, &error), WEIR_SHAPE);
    pass = pass_of(WEIR_MODE_SAMPLE, 3);
    pass.inputs = NULL;
    assert_int_equal(weir_graph_forward(graph, &pass, &error), WEIR_ARGUMENT);
    pass = pass_of((weir_mode)9, 3);
    assert_int_equal(weir_graph_forward(graph, &pass, &error), WEIR_ARGUMENT);

    pass = pass_of(WEIR_MODE_SAMPLE, 3);
    must(weir_graph_forward(graph, &pass, &error), &error); // what it leaves must not outlive a failure
    for (int32_t wrong = -1; wrong <= OUTPUTS; wrong += OUTPUTS + 1) {
        int32_t bad[MOST_ROWS] = {0, 1, wrong};
        pass = pass_of(WEIR_MODE_SAMPLE, 3);
        pass.labels = bad;
        assert_int_equal(weir_graph_forward(graph, &pass, &error), WEIR_DATA);
        assert_non_null(strstr(error.text, "row 2"));
        assert_int_equal(weir_graph_backward(graph, &pass, &error), WEIR_ARGUMENT);
        assert_true(isnan(weir_graph_mean_loss(graph)));
        assert_null(weir_graph_loss(graph));
        assert_null(weir_graph_output(graph, 1));
    }

    // Backward wants the same pass, a loss and drawn units.
    pass = pass_of(WEIR_MODE_SAMPLE, 3);
    must(weir_graph_forward(graph, &pass, &error), &error);
    weir_pass other = pass;
    other.rows = 2;
    assert_int_equal(weir_graph_backward(graph, &other, &error), WEIR_ARGUMENT);
    other = pass, other.step++;
    assert_int_equal(weir_graph_backward(graph, &other, &error), WEIR_ARGUMENT);
    other = pass, other.seed++;
    assert_int_equal(weir_graph_backward(graph, &other, &error), WEIR_ARGUMENT);
    other = pass, other.labels = NULL;
    assert_int_equal(weir_graph_backward(graph, &other, &error), WEIR_ARGUMENT);
    must(weir_graph_backward(graph, &pass, &error), &error);
    pass.labels = NULL;
    must(weir_graph_forward(graph, &pass, &error), &error);
    assert_null(weir_graph_loss(graph));
    assert_true(isnan(weir_graph_mean_loss(graph)));
    assert_int_equal(weir_graph_backward(graph, &pass, &error), WEIR_ARGUMENT);
    for (weir_mode mode = WEIR_MODE_DECIDE; mode <= WEIR_MODE_OPEN; mode++) {
        pass = pass_of(mode, 3);
        must(weir_graph_forward(graph, &pass, &error), &error);
        assert_int_equal(weir_graph_backward(graph, &pass, &error), WEIR_ARGUMENT);
        assert_non_null(strstr(error.text, "sample"));
    }
    weir_graph_free(graph);

    weir_graph_options options = weir_graph_options_default(MOST_ROWS);
    options.training = false;
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    assert_null(weir_graph_parameters(graph).gradients);
    pass = pass_of(WEIR_MODE_SAMPLE, 3);
    must(weir_graph_forward(graph, &pass, &error), &error);
    assert_int_equal(weir_graph_backward(graph, &pass, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "training"));
    weir_graph_free(graph);
}

// ---- descriptions --------------------------------------------------------------------------------------------------

static void test_kinds(void **state) {
    (void)state;
    assert_true(weir_kind_count() >= 11);
    for (size_t k = 0; k < weir_kind_count(); k++) {
        const weir_kind *kind = weir_kind_at(k);
        assert_true(*kind->name && *kind->summary && *kind->equation);
        for (size_t i = 0; i < k; i++) assert_string_not_equal(kind->name, weir_kind_at(i)->name);
    }
    assert_null(weir_kind_at(weir_kind_count()));
}

static void test_description_is_complete(void **state) {
    (void)state;
    const weir_node nodes[] = {GATED("sts", NULL), {.kind = "dropout", .dropout = 0.2}, {.kind = "squared-error"}};
    weir_graph *graph = create(nodes, COUNT(nodes)), *again = NULL;
    size_t count = 0, count_again = 0;
    const weir_node *full = weir_graph_nodes(graph, &count);
    assert_int_equal(count, COUNT(nodes));
    assert_string_equal(full[1].name, "affine2");
    assert_string_equal(full[1].from, "x");
    assert_string_equal(full[6].from, "one");
    assert_string_equal(full[6].activation, "linear");
    assert_string_equal(full[6].closed, "all");
    assert_int_equal(full[9].size, OUTPUTS);
    assert_true(full[1].init == 1 && full[1].rate == 1);
    assert_int_equal(weir_graph_find(graph, "two"), 6);
    assert_true(weir_graph_find(graph, "none") == SIZE_MAX);
    // What it prints, it reads: the same network, to the bit.
    again = create(full, count);
    const weir_node *full_again = weir_graph_nodes(again, &count_again);
    assert_int_equal(count_again, count);
    for (size_t k = 0; k < count; k++) {
        assert_string_equal(full[k].name, full_again[k].name);
        assert_int_equal(full[k].size, full_again[k].size);
        assert_int_equal(full[k].block, full_again[k].block);
    }
    const weir_parameters a = weir_graph_parameters(graph), b = weir_graph_parameters(again);
    assert_int_equal(a.count, b.count);
    assert_memory_equal(a.values, b.values, a.count * sizeof *a.values);
    weir_graph_free(graph);
    weir_graph_free(again);
}

static void test_initial_parameters(void **state) {
    (void)state;
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = 100},
        {.name = "a", .kind = "affine", .size = 60, .init = 2, .bias = -0.5, .max_norm = 3, .rate = 0.1},
        {.name = "b", .kind = "affine", .size = 40, .init_inputs = 7},
    };
    weir_graph *graph = create(nodes, COUNT(nodes));
    const weir_parameters p = weir_graph_parameters(graph);
    assert_int_equal(p.tensor_count, 4);
    const weir_tensor *w = tensor_of(graph, 1, false), *b = tensor_of(graph, 1, true);
    assert_string_equal(w->name, "a.weight");
    assert_string_equal(b->name, "a.bias");
    assert_true(w->max_norm == 3 && b->max_norm == 0 && w->rate == 0.1 && b->rate == 0.1 &&
                w->role == WEIR_ROLE_WEIGHT && b->role == WEIR_ROLE_BIAS);
    const double reach = 2 * sqrt(6.0 / 160);
    double most = 0, sum = 0, square = 0;
    for (size_t k = 0; k < 6000; k++) {
        const double v = (double)p.values[w->offset + k];
        most = fmax(most, fabs(v));
        sum += v;
        square += v * v;
    }
    assert_true(most <= reach && most > 0.99 * reach);
    assert_true(fabs(sum / 6000) < 4 * reach / sqrt(3.0 * 6000)); // four standard errors
    assert_true(fabs(square / 6000 / (reach * reach / 3) - 1) < 0.05);
    for (size_t k = 0; k < 60; k++) assert_true(p.values[b->offset + k] == -0.5f);
    const weir_tensor *thin = tensor_of(graph, 2, false);
    size_t first_inputs[60] = {0};
    for (size_t r = 0; r < 40; r++) {
        size_t count = 0;
        for (size_t c = 0; c < 60; c++) {
            const bool kept = p.values[thin->offset + r * 60 + c] != 0;
            count += kept;
            first_inputs[c] += kept;
        }
        assert_int_equal(count, 7);
    }
    size_t used = 0; // other inputs for other units
    for (size_t c = 0; c < 60; c++) used += first_inputs[c] > 0;
    assert_true(used > 50);
    for (size_t k = 0; k < p.tensor_count; k++) assert_int_equal(p.tensors[k].offset % 16, 0);
    assert_int_equal((uintptr_t)p.values % 64, 0);

    weir_graph *other = NULL;
    weir_graph_options options = weir_graph_options_default(1);
    options.seed = 2;
    assert_int_equal(weir_graph_create(&other, nodes, COUNT(nodes), &options, NULL), WEIR_OK);
    assert_memory_not_equal(p.values, weir_graph_parameters(other).values, p.count * sizeof *p.values);
    weir_graph_free(graph);
    weir_graph_free(other);
}

// ---- tensors -------------------------------------------------------------------------------------------------------

static void test_tensor_order(void **state) {
    (void)state;
    static const size_t sizes[][4] = {{7, 11, 3, 4}, {7, 11, 7, 11}, {7, 11, 1, 11}, {8, 12, 4, 3},
                                      {5, 1, 2, 1},  {1, 9, 1, 1},   {10, 9, 10, 2}, {3, 4, 8, 8}};
    for (size_t k = 0; k < COUNT(sizes); k++) {
        const weir_tensor t = {
            .rows = sizes[k][0], .columns = sizes[k][1], .block_rows = sizes[k][2], .block_columns = sizes[k][3]};
        const size_t count = t.rows * t.columns;
        float *plain = new_floats(count), *packed = new_floats(count + 1), *back = new_floats(count + 1);
        for (size_t i = 0; i < count; i++) plain[i] = (float)(i + 1);
        packed[count] = back[count] = -1; // guards
        weir__tensor_pack(&t, packed, plain);
        // The definition: strips of rows, in them tiles of columns, in them rows.
        size_t at = 0;
        for (size_t r0 = 0; r0 < t.rows; r0 += t.block_rows) {
            for (size_t c0 = 0; c0 < t.columns; c0 += t.block_columns) {
                for (size_t r = r0; r < t.rows && r < r0 + t.block_rows; r++) {
                    for (size_t c = c0; c < t.columns && c < c0 + t.block_columns; c++) {
                        assert_true(packed[at++] == plain[r * t.columns + c]);
                    }
                }
            }
        }
        assert_int_equal(at, count);
        weir__tensor_unpack(&t, back, packed);
        assert_memory_equal(back, plain, count * sizeof *plain);
        assert_true(packed[count] == -1 && back[count] == -1);
        free(plain);
        free(packed);
        free(back);
    }
}

static void test_tensors_of_gated_layers(void **state) {
    (void)state;
    const weir_node nodes[] = {GATED("sts", NULL), SOFTMAX};
    weir_graph *graph = create(nodes, COUNT(nodes));
    const weir_tensor *one = tensor_of(graph, 5, false), *two = tensor_of(graph, 6, false);
    const weir_tensor *out = tensor_of(graph, 7, false);
    assert_true(one->block_rows == 2 && one->block_columns == INPUTS);
    assert_true(two->block_rows == 2 && two->block_columns == 2);
    assert_true(out->block_rows == OUTPUTS && out->block_columns == 2);
    assert_non_null(one->touched);
    assert_non_null(tensor_of(graph, 5, true)->touched);
    assert_non_null(out->touched);
    assert_null(tensor_of(graph, 7, true)->touched);
    assert_null(tensor_of(graph, 1, false)->touched);
    weir_graph_free(graph);
}

// ---- modes ---------------------------------------------------------------------------------------------------------

static const char *const rules[] = {"straight-through", "reinforce",       "sts", "noisy-rectifier", "rectifier",
                                    "sigmoid",          "semantic-hashing"};

/// Every mode and rule against the naive network: deterministic gates at several thresholds, means, all open.
static void test_modes(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(rules); k++) {
        const weir_node nodes[] = {
            GATED(rules[k], NULL), {.kind = "dropout", .dropout = 0.5}, {.kind = "squared-error"}};
        weir_graph *graph = create(nodes, COUNT(nodes));
        weir_error error;
        for (weir_mode mode = WEIR_MODE_DECIDE; mode <= WEIR_MODE_OPEN; mode++) {
            for (int turn = 0; turn < 2; turn++) {
                const weir_pass pass = pass_of(mode, MOST_ROWS);
                const float threshold = turn ? 0.2f : 0.0f;
                assert_int_equal(weir_graph_threshold_set(graph, weir_graph_find(graph, "g1"), threshold, NULL),
                                 WEIR_OK);
                assert_true(weir_graph_threshold(graph, weir_graph_find(graph, "g1")) == threshold);
                must(weir_graph_forward(graph, &pass, &error), &error);
                reference *ref = reference_create(graph, &pass);
                reference_check_forward(ref, 1e-5);
                reference_free(ref);
            }
        }
        weir_graph_free(graph);
    }
}

/// A gate is open if and only if its pre-activation is above the threshold, not at it.
static void test_threshold(void **state) {
    (void)state;
    for (size_t k = 0; k < 5; k++) {
        const weir_node nodes[] = {GATED(rules[k], NULL), SOFTMAX};
        weir_graph *graph = create(nodes, COUNT(nodes));
        weir_error error;
        const weir_pass pass = pass_of(WEIR_MODE_DECIDE, MOST_ROWS);
        const size_t gates = weir_graph_find(graph, "g1"), count = MOST_ROWS * 5;
        must(weir_graph_forward(graph, &pass, &error), &error);
        float a[MOST_ROWS * 5];
        memcpy(a, weir_graph_output(graph, gates - 1), sizeof a);
        for (size_t at = 0; at < count; at += 7) {
            if (!(a[at] > 0)) continue; // rectifiers are 0 below 0 whatever the threshold
            assert_int_equal(weir_graph_threshold_set(graph, gates, a[at], NULL), WEIR_OK);
            weir_graph_counters_reset(graph);
            must(weir_graph_forward(graph, &pass, &error), &error);
            const float *h = weir_graph_output(graph, gates);
            size_t open = 0;
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(h[i] != 0, a[i] > a[at]);
                open += h[i] != 0;
            }
            assert_int_equal(weir_graph_node_counters(graph, gates).gates_open, open);
        }
        weir_graph_free(graph);
    }
}

/// With every gate open: a dense network of the same weights, without the gater.
static void test_open_is_dense(void **state) {
    (void)state;
    const weir_node gated[] = {GATED("reinforce", NULL), SOFTMAX};
    const weir_node dense[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "one", .kind = "affine", .size = 10},
        {.name = "f", .kind = "tanh"},
        {.name = "two", .kind = "affine", .size = 9},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        SOFTMAX,
    };
    weir_graph *graph = create(gated, COUNT(gated)), *plain = create(dense, COUNT(dense));
    weir_error error;
    const char *const names[] = {"one", "two", "out"};
    const weir_pass pass = pass_of(WEIR_MODE_OPEN, 9);
    for (int turn = 0; turn < 2; turn++) { // with other weights the second time
        const weir_parameters from = weir_graph_parameters(graph), to = weir_graph_parameters(plain);
        for (size_t k = 0; turn && k < from.count; k++) from.values[k] *= 1.5f;
        for (size_t k = 0; k < COUNT(names); k++) {
            for (int bias = 0; bias < 2; bias++) {
                const weir_tensor *a = tensor_of(graph, weir_graph_find(graph, names[k]), bias);
                const weir_tensor *b = tensor_of(plain, weir_graph_find(plain, names[k]), bias);
                weir__tensor_unpack(a, to.values + b->offset, from.values);
            }
        }
        weir_graph_counters_reset(graph);
        must(weir_graph_forward(graph, &pass, &error), &error);
        must(weir_graph_forward(plain, &pass, &error), &error);
        const float *p = weir_graph_output(graph, weir_graph_find(graph, "loss"));
        double want[9 * OUTPUTS];
        for (size_t k = 0; k < COUNT(want); k++) {
            want[k] = (double)weir_graph_output(plain, weir_graph_find(plain, "loss"))[k];
        }
        check_near("probabilities", p, want, COUNT(want), 1e-6);
        assert_null(weir_graph_output(graph, weir_graph_find(graph, "g1")));
        const weir_counters c = weir_graph_counters(graph);
        assert_int_equal(c.forward_done, 9 * (INPUTS * 10 + 10 * 9 + 9 * OUTPUTS));
        assert_int_equal(c.forward_done, c.forward_dense);
        assert_int_equal(c.forward_gater, 0);
        assert_int_equal(c.gates, 0);
        assert_int_equal(c.blocks_read, c.blocks);
    }
    weir_graph_free(graph);
    weir_graph_free(plain);
}

/// Rows, and the values of penalties: the mean loss holds the penalty of the last backward pass.
static double half_square(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a,
                          const float *h, float *da) {
    double sum = 0;
    (void)unit;
    (void)h;
    for (size_t k = 0; k < rows * units; k++) {
        sum += (double)a[k] * (double)a[k] / 2;
        da[k] += *(const float *)context * a[k];
    }
    return sum;
}

static void test_penalty(void **state) {
    (void)state;
    const weir_node nodes[] = {GATED("reinforce:baseline=none", NULL), SOFTMAX};
    weir_graph *graph = create(nodes, COUNT(nodes));
    weir_error error;
    const weir_pass pass = pass_of(WEIR_MODE_SAMPLE, 5);
    const size_t gates = weir_graph_find(graph, "g1");
    const weir_tensor *bias = tensor_of(graph, gates - 1, true);
    float weight = 1, without[5];
    must(weir_graph_forward(graph, &pass, &error), &error);
    must(weir_graph_backward(graph, &pass, &error), &error);
    const double loss = weir_graph_mean_loss(graph);
    double mean = 0;
    for (size_t r = 0; r < 5; r++) mean += (double)weir_graph_loss(graph)[r] / 5;
    assert_true(fabs(mean - loss) <= 1e-9 && weir_graph_penalty(graph) == 0);
    const weir_parameters p = weir_graph_parameters(graph);
    memcpy(without, p.gradients + bias->offset, sizeof without);

    assert_int_equal(weir_graph_penalty_set(graph, gates, half_square, &weight, NULL), WEIR_OK);
    must(weir_graph_forward(graph, &pass, &error), &error);
    assert_true(weir_graph_penalty(graph) == 0);
    must(weir_graph_backward(graph, &pass, &error), &error);
    const float *a = weir_graph_output(graph, gates - 1);
    double value = 0, want[5] = {0};
    for (size_t k = 0; k < 25; k++) {
        value += (double)a[k] * (double)a[k] / 2;
        want[k % 5] += (double)a[k];
    }
    assert_true(fabs(weir_graph_penalty(graph) - value) <= 1e-9);
    assert_true(fabs(weir_graph_mean_loss(graph) - loss - value) <= 1e-9);
    for (size_t j = 0; j < 5; j++) want[j] += (double)without[j];
    check_near("gradient of the biases", p.gradients + bias->offset, want, 5, 1e-5);
    assert_int_equal(weir_graph_penalty_set(graph, gates, NULL, NULL, NULL), WEIR_OK);
    must(weir_graph_backward(graph, &pass, &error), &error);
    assert_true(weir_graph_mean_loss(graph) == loss);
    weir_graph_free(graph);
}

/// Far logits: probabilities and losses stay finite and right.
static void test_extreme_logits(void **state) {
    (void)state;
    static const char *const kinds[] = {"softmax-cross-entropy", "bernoulli-cross-entropy"};
    for (size_t k = 0; k < COUNT(kinds); k++) {
        const weir_node nodes[] = {
            {.name = "x", .kind = "input", .size = 3}, {.name = "a", .kind = "affine", .size = 3}, {.kind = kinds[k]}};
        weir_graph *graph = create(nodes, COUNT(nodes));
        weir_error error;
        const weir_parameters p = weir_graph_parameters(graph);
        memset(p.values, 0, p.count * sizeof *p.values);
        for (size_t i = 0; i < 3; i++) p.values[i * 4] = 1; // the identity
        const float x[] = {1000, -1000, 0, 80, 0, -80, -1000, -999, -1001}, t[] = {1, 1, 0, 0, 0.5f, 0, 0, 0, 0};
        const int32_t label[] = {1, 0, 1};
        const weir_pass pass = {.mode = WEIR_MODE_SAMPLE, .rows = 3, .inputs = x, .labels = label, .targets = t};
        must(weir_graph_forward(graph, &pass, &error), &error);
        must(weir_graph_backward(graph, &pass, &error), &error);
        const double sum = log(exp(-1.0) + 1 + exp(-2.0)); // of the last row, its largest logit taken out
        const double want[2][3] = {{2000, 0, sum}, {0 + 1000 + 0.6931471805599453, 80 + 0.6931471805599453, 0}};
        for (size_t r = 0; r < 3; r++) {
            assert_true(fabs((double)weir_graph_loss(graph)[r] - want[k][r]) <= 1e-6 * (1 + want[k][r]));
        }
        for (size_t i = 0; i < p.count; i++) assert_true(isfinite(p.gradients[i]));
        const float *y = weir_graph_output(graph, 2);
        for (size_t i = 0; i < 9; i++) assert_true(isfinite(y[i]));
        for (size_t i = 6; k == 0 && i < 9; i++) {
            assert_true(fabs((double)y[i] - exp((double)x[i] + 999 - sum)) <= 1e-6);
        }
        weir_graph_free(graph);
    }
}

// ---- bits ----------------------------------------------------------------------------------------------------------

enum { WIDE = 300, WIDE_ROWS = 96 };

/// A network without CBLAS: gates on the inputs, gated products alone. Large enough that threads share its work.
static weir_graph *create_wide(const char *rule, const char *closed) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = WIDE},
        {.name = "g", .kind = "unit", .rule = rule},
        {.name = "one",
         .kind = "gated-affine",
         .from = "x",
         .gates = "g",
         .size = 2 * WIDE,
         .block = 2,
         .activation = "tanh",
         .closed = closed,
         .closed_share = closed ? 0.1 : 0},
        {.name = "g2", .kind = "unit", .rule = rule, .from = "x"},
        {.name = "two",
         .kind = "gated-affine",
         .from = "one",
         .gates = "g2",
         .size = WIDE,
         .closed = closed,
         .closed_share = closed ? 0.1 : 0},
        {.name = "out", .kind = "affine", .size = 10},
        SOFTMAX,
    };
    weir_graph *graph = NULL;
    weir_error error;
    const weir_graph_options options = weir_graph_options_default(WIDE_ROWS);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    return graph;
}

static void test_bits(void **state) {
    (void)state;
    static const struct {
        const char *rule, *closed;
    } ways[] = {{"sts", NULL}, {"noisy-rectifier", NULL}, {"reinforce", NULL}, {"straight-through", "none"}};
    float *x = new_floats(WIDE_ROWS * WIDE);
    int32_t label[WIDE_ROWS];
    for (size_t r = 0; r < WIDE_ROWS; r++) {
        weir_random_normal(x + r * WIDE, (weir_noise){.seed = 4}, (uint32_t)r, WIDE);
        for (size_t i = 0; i < WIDE; i++) x[r * WIDE + i] -= 2; // few gates are open
        label[r] = (int32_t)(r % 10);
    }
    for (size_t k = 0; k < COUNT(ways); k++) {
        weir_graph *graph = create_wide(ways[k].rule, ways[k].closed);
        weir_error error;
        const weir_parameters p = weir_graph_parameters(graph);
        weir_pass pass = {
            .mode = WEIR_MODE_SAMPLE, .rows = WIDE_ROWS, .inputs = x, .labels = label, .seed = 8, .step = 3};
        float *gradients = new_floats(p.count), *drawn = new_floats(WIDE_ROWS * WIDE), losses[WIDE_ROWS];
        for (weir_isa isa = WEIR_ISA_REFERENCE; isa <= weir_isa_best(); isa++) {
            assert_int_equal(weir_isa_use(isa), WEIR_OK);
            for (int turn = 0; turn < 4; turn++) { // 2 threads, 1 thread, and both again
                weir_threads_use(2 - turn % 2);
                must(weir_graph_forward(graph, &pass, &error), &error);
                must(weir_graph_backward(graph, &pass, &error), &error);
                if (!turn) {
                    memcpy(gradients, p.gradients, p.count * sizeof *gradients);
                    memcpy(losses, weir_graph_loss(graph), sizeof losses);
                    memcpy(drawn, weir_graph_output(graph, 1), WIDE_ROWS * WIDE * sizeof *drawn);
                }
                assert_memory_equal(gradients, p.gradients, p.count * sizeof *gradients);
                assert_memory_equal(losses, weir_graph_loss(graph), sizeof losses);
            }
        }
        const weir_counters c = weir_graph_counters(graph);
        assert_true(c.gates_open > 0 && c.forward_done < c.forward_dense / 2);
        // A row's gates do not depend on the rows beside it, nor on how many there are.
        float *other = new_floats(WIDE_ROWS * WIDE);
        memcpy(other, x, 5 * WIDE * sizeof *other);
        pass.inputs = other;
        must(weir_graph_forward(graph, &pass, &error), &error);
        assert_memory_equal(drawn, weir_graph_output(graph, 1), 5 * WIDE * sizeof *drawn);
        pass.rows = 5;
        must(weir_graph_forward(graph, &pass, &error), &error);
        assert_memory_equal(drawn, weir_graph_output(graph, 1), 5 * WIDE * sizeof *drawn);
        pass.step++; // but on the step
        must(weir_graph_forward(graph, &pass, &error), &error);
        assert_memory_not_equal(drawn, weir_graph_output(graph, 1), 5 * WIDE * sizeof *drawn);
        free(gradients);
        free(drawn);
        free(other);
        weir_graph_free(graph);
    }
    weir_threads_use(0);
    free(x);
}

// ---- memory --------------------------------------------------------------------------------------------------------

/// Everything with a graph: made, run in every mode, its gradient checked, its outputs read.
static weir_status use_everything(const weir_node *nodes, size_t count, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_graph *graph = NULL;
    weir_gradient_report report;
    const weir_graph_options options = weir_graph_options_default(MOST_ROWS);
    const weir_pass sample = pass_of(WEIR_MODE_SAMPLE, 4), more = pass_of(WEIR_MODE_SAMPLE, MOST_ROWS);
    TRY(weir_graph_create(&graph, nodes, count, &options, error));
    TRY(weir_graph_forward(graph, &sample, error));
    TRY(weir_graph_backward(graph, &sample, error));
    TRY(weir_graph_forward(graph, &more, error)); // arrays grow
    TRY(weir_graph_backward(graph, &more, error));
    for (weir_mode mode = WEIR_MODE_DECIDE; mode <= WEIR_MODE_OPEN; mode++) {
        const weir_pass pass = pass_of(mode, MOST_ROWS);
        TRY(weir_graph_forward(graph, &pass, error));
        for (size_t k = 0; k < count; k++) weir_graph_output(graph, k);
    }
    TRY(weir_gradient_check(graph, &report, &sample, 1, error));
done:
    weir_graph_free(graph);
    return status;
}

static void check_short_of_memory(const weir_node *nodes, size_t count) {
    weir_error error;
    long failures = 0;
    for (;; failures++) {
        weir__alloc_fail_after(failures);
        const weir_status status = use_everything(nodes, count, &error);
        weir__alloc_fail_after(-1);
        if (status == WEIR_OK) break;
        if (status != WEIR_MEMORY) fail_msg("allocation %ld: %s", failures, error.text);
    }
    assert_true(failures > 60);
}

static void test_short_of_memory(void **state) {
    (void)state;
    const weir_node stacked[] = {GATED("straight-through", "all"), {.kind = "dropout", .dropout = 0.2}, SOFTMAX};
    check_short_of_memory(stacked, COUNT(stacked));
    const weir_node mixed[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.kind = "affine", .size = 5},
        {.name = "g", .kind = "unit", .rule = "reinforce"},
        {.name = "one", .kind = "gated-affine", .from = "x", .gates = "g", .size = 10, .block = 2},
        {.kind = "tanh"},
        {.kind = "affine", .from = "one", .size = 5},
        {.name = "soft", .kind = "unit", .rule = "sigmoid"},
        {.name = "two",
         .kind = "gated-affine",
         .from = "one",
         .gates = "soft",
         .size = 5,
         .closed = "sample",
         .closed_share = 0.5},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        {.kind = "bernoulli-cross-entropy"},
    };
    check_short_of_memory(mixed, COUNT(mixed));
    const weir_node sampled[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.kind = "affine", .size = 5},
        {.name = "g", .kind = "unit", .rule = "straight-through"},
        {.name = "one", .kind = "gated-affine", .from = "x", .gates = "g", .size = 10, .block = 2, .closed = "all"},
        {.kind = "rectifier"},
        {.kind = "sigmoid"},
        {.name = "g2", .kind = "unit", .rule = "straight-through", .from = "affine2"},
        {.name = "two",
         .kind = "gated-affine",
         .from = "sigmoid6",
         .gates = "g2",
         .size = 5,
         .closed = "sample",
         .closed_share = 0.5},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        {.kind = "squared-error"},
    };
    check_short_of_memory(sampled, COUNT(sampled));
}

static void check_equal(double got, double want) {
    if (!(fabs(got - want) <= 1e-9 * fabs(want))) fail_msg("%.17g, expected %.17g", got, want);
}

/// What a node is expected to take, at the share that its gates had, is what its counters count: of the main path and
/// of a gater that reads a gated layer, which itself belongs to the gater then.
static void test_expected_work(void **state) {
    (void)state;
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "a1", .kind = "affine", .size = 5},
        {.name = "g1", .kind = "unit", .rule = "sts"},
        {.name = "inner", .kind = "gated-affine", .from = "x", .gates = "g1", .size = 10, .block = 2},
        {.name = "a2", .kind = "affine", .size = 4},
        {.name = "g2", .kind = "unit", .rule = "sts"},
        {.name = "outer", .kind = "gated-affine", .from = "x", .gates = "g2", .size = 12, .block = 3},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        SOFTMAX,
    };
    weir_graph *graph = create(nodes, COUNT(nodes));
    const weir_pass pass = pass_of(WEIR_MODE_DECIDE, MOST_ROWS);
    weir_error error;
    must(weir_graph_forward(graph, &pass, &error), &error);
    const size_t gates[] = {2, 2, 2, 2, 2, 5, 5, 5}; // whose share is that of each node's work
    for (size_t k = 1; k < COUNT(gates); k++) {
        const weir_counters opened = weir_graph_node_counters(graph, gates[k]);
        const double share = (double)opened.gates_open / (double)opened.gates;
        const weir_counters c = weir_graph_node_counters(graph, k);
        const weir_work work = weir_graph_work(graph, k, share);
        assert_true(opened.gates_open > 0 && opened.gates_open < opened.gates);
        assert_true(work.gater == (k < 6));
        const size_t read = weir_graph_nodes(graph, NULL)[weir_graph_reads(graph, k, 0)].size;
        check_equal(work.dense, k == 2 || k == 5 ? 0 : (double)(nodes[k].size * read));
        check_equal((double)c.forward_dense, work.gater ? 0 : MOST_ROWS * work.dense);
        check_equal((double)c.forward_done, work.gater ? 0 : MOST_ROWS * work.open);
        check_equal((double)c.forward_gater, work.gater ? MOST_ROWS * work.open : 0);
    }
    assert_true(weir_graph_node_counters(graph, 3).forward_gater > 0);
    assert_true(weir_graph_work(graph, 9, 0.5).dense == 0);
    weir_graph_free(graph);
}

/// Thresholds and penalties of what has none are errors, and change nothing.
static void test_setters(void **state) {
    (void)state;
    const weir_node nodes[] = {GATED("sts", NULL), SOFTMAX};
    weir_graph *graph = create(nodes, COUNT(nodes));
    static const size_t wrong[] = {0, 5, COUNT(nodes), SIZE_MAX};
    for (size_t k = 0; k < COUNT(wrong); k++) {
        weir_error error = {0};
        const char *said = wrong[k] < COUNT(nodes) ? "has no units" : "nodes 0 to 8";
        assert_int_equal(weir_graph_threshold_set(graph, wrong[k], 1, &error), WEIR_ARGUMENT);
        if (!strstr(error.text, said)) fail_msg("%s", error.text);
        error = (weir_error){0};
        assert_int_equal(weir_graph_penalty_set(graph, wrong[k], NULL, NULL, &error), WEIR_ARGUMENT);
        if (!strstr(error.text, said)) fail_msg("%s", error.text);
        assert_true(weir_graph_threshold(graph, wrong[k]) == 0);
    }
    assert_int_equal(weir_graph_threshold_set(graph, 2, NAN, NULL), WEIR_ARGUMENT);
    assert_int_equal(weir_graph_threshold_set(graph, 2, -INFINITY, NULL), WEIR_OK);
    assert_true(weir_graph_threshold(graph, 2) == -INFINITY);
    weir_graph_free(graph);
}

/// Every kind says what it is for, and the graph hands out what its own nodes are and read.
static void test_kind_traits(void **state) {
    (void)state;
    size_t inputs_found = 0, takers[3] = {0};
    for (size_t k = 0; k < weir_kind_count(); k++) {
        const weir_kind *kind = weir_kind_at(k);
        assert_ptr_equal(weir_kind_find(kind->name), kind);
        assert_true(((kind->traits & WEIR_KIND_LOSS) != 0) == (kind->takes != WEIR_TAKES_NOTHING));
        inputs_found += (kind->traits & WEIR_KIND_INPUT) != 0;
        takers[kind->takes]++;
    }
    assert_int_equal(inputs_found, 1);
    assert_true(takers[WEIR_TAKES_LABELS] >= 1 && takers[WEIR_TAKES_TARGETS] >= 2);
    assert_null(weir_kind_find("afine"));
    assert_null(weir_kind_at(weir_kind_count()));
    const weir_node nodes[] = {GATED("sts", NULL), SOFTMAX};
    weir_graph *graph = create(nodes, COUNT(nodes));
    assert_true(weir_graph_kind(graph, 5)->traits == (WEIR_KIND_GATED | WEIR_KIND_WEIGHTS));
    assert_true(weir_graph_kind(graph, 2)->traits == WEIR_KIND_UNITS);
    assert_true(weir_graph_reads(graph, 0, 0) == SIZE_MAX && weir_graph_reads(graph, 3, 0) == 0);
    assert_true(weir_graph_reads(graph, 3, 1) == SIZE_MAX);
    assert_true(weir_graph_gates(graph, 6) == 4 && weir_graph_gates(graph, 3) == SIZE_MAX);
    assert_true(weir_graph_kind(graph, COUNT(nodes)) == NULL && weir_graph_reads(graph, COUNT(nodes), 0) == SIZE_MAX);
    weir_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_nodes),
        cmocka_unit_test(test_wrong_gated_nodes),
        cmocka_unit_test(test_wrong_networks),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_wrong_passes),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_description_is_complete),
        cmocka_unit_test(test_initial_parameters),
        cmocka_unit_test(test_tensor_order),
        cmocka_unit_test(test_tensors_of_gated_layers),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_open_is_dense),
        cmocka_unit_test(test_penalty),
        cmocka_unit_test(test_extreme_logits),
        cmocka_unit_test(test_expected_work),
        cmocka_unit_test(test_setters),
        cmocka_unit_test(test_kind_traits),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_short_of_memory),
    };
    return cmocka_run_group_tests_name("graph", tests, fill_batch, NULL);
}
