// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Closed means free, in whole networks: weights of blocks that are closed may hold NaN, their gradients are exactly 0
// and marked as untouched, and the counters of multiply-adds fall exactly with the open (row, block) pairs. And the
// choice of closed gates that are evaluated all the same ("sample") has the mean of evaluating all, and little variance.

#include "graph_reference.h"


enum { INPUTS = 6, OUTPUTS = 4, ONE = 23, TWO = 17, GATER = 5, MOST_ROWS = 16 };

static float inputs[MOST_ROWS * INPUTS];
static int32_t labels[MOST_ROWS];

static int fill_batch(void **state) {
    (void)state;
    weir_random_normal(inputs, (weir_noise){.seed = 5, .stream = 60000}, 0, COUNT(inputs));
    for (size_t r = 0; r < MOST_ROWS; r++) labels[r] = (int32_t)(r % OUTPUTS);
    return 0;
}

static weir_pass pass_of(size_t rows, uint32_t step) {
    return (weir_pass){
        .mode = WEIR_MODE_SAMPLE, .rows = rows, .inputs = inputs, .labels = labels, .seed = 3, .step = step};
}

typedef struct shape {
    const char *rule, *closed;
    double closed_share, gate_bias;
    size_t block;
} shape;

/// Two gated layers with a gater each, and an affine output: the three kinds of gated products.
static weir_graph *create(shape s) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "hidden", .kind = "affine", .size = GATER},
        {.kind = "tanh"},
        {.name = "a1", .kind = "affine", .size = (ONE + s.block - 1) / s.block, .bias = s.gate_bias},
        {.name = "g1", .kind = "unit", .rule = s.rule},
        {.name = "a2", .kind = "affine", .from = "x", .size = (TWO + s.block - 1) / s.block, .bias = s.gate_bias},
        {.name = "g2", .kind = "unit", .rule = s.rule},
        {.name = "one",
         .kind = "gated-affine",
         .from = "x",
         .gates = "g1",
         .size = ONE,
         .block = s.block,
         .activation = "tanh",
         .closed = s.closed,
         .closed_share = s.closed_share,
         .bias = 0.2},
        {.name = "two",
         .kind = "gated-affine",
         .gates = "g2",
         .size = TWO,
         .block = s.block,
         .closed = s.closed,
         .closed_share = s.closed_share,
         .bias = 0.2},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    weir_graph *graph = NULL;
    weir_error error;
    const weir_graph_options options = weir_graph_options_default(MOST_ROWS);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    return graph;
}

static void step(weir_graph *graph, const weir_pass *pass) {
    weir_error error;
    must(weir_graph_forward(graph, pass, &error), &error);
    must(weir_graph_backward(graph, pass, &error), &error);
}

static size_t node_of(const weir_graph *graph, const char *name) {
    const size_t node = weir_graph_find(graph, name);
    assert_true(node != SIZE_MAX);
    return node;
}

/// Outputs of a unit node in the last pass, copied.
static float *gates_of(weir_graph *graph, const char *name, size_t rows) {
    const size_t node = node_of(graph, name), count = rows * weir_graph_nodes(graph, NULL)[node].size;
    float *copy = new_floats(count);
    memcpy(copy, weir_graph_output(graph, node), count * sizeof *copy);
    return copy;
}

static size_t units_of(size_t width, size_t block, size_t j) {
    return width - j * block < block ? width - j * block : block;
}

// ---- tiles that no open pair touches -------------------------------------------------------------------------------

/// Gates of one side of a product; NULL: dense, one block.
typedef struct side {
    const float *gates;
    size_t width, block, blocks;
} side;

static side gated_side(const float *gates, size_t width, size_t block) {
    return (side){gates, width, block, (width + block - 1) / block};
}
static side dense_side(size_t width) { return (side){NULL, width, width, 1}; }

static bool is_open(const side *s, size_t row, size_t j) { return !s->gates || s->gates[row * s->blocks + j] != 0; }

static bool any_open(const side *out, size_t jo, const side *in, size_t ji, size_t rows) {
    for (size_t r = 0; r < rows; r++) {
        if (is_open(out, r, jo) && is_open(in, r, ji)) return true;
    }
    return false;
}

typedef struct weight_tile {
    float *values, *gradients;
    size_t count, number;
    bool open;
} weight_tile;

/// Calls what for every tile of a tensor.
static void each_tile(const weir_parameters *p, const weir_tensor *t, const side *out, const side *in, size_t rows,
                      void (*what)(const weir_tensor *t, const weight_tile *tile, void *context), void *context) {
    size_t at = t->offset, number = 0;
    assert_int_equal(t->rows, out->width);
    assert_int_equal(t->block_rows, out->block);
    for (size_t jo = 0; jo < out->blocks; jo++) {
        for (size_t ji = 0; ji < in->blocks; ji++) {
            const size_t count = units_of(out->width, out->block, jo) * units_of(in->width, in->block, ji);
            const weight_tile tile = {.values = p->values + at,
                                      .gradients = p->gradients + at,
                                      .count = count,
                                      .number = number++,
                                      .open = any_open(out, jo, in, ji, rows)};
            what(t, &tile, context);
            at += count;
        }
    }
    assert_int_equal(at, t->offset + t->rows * t->columns);
}

/// All tiles of the three layers, by the gates of the pass.
static void each_gated_tile(weir_graph *graph, size_t block, const float *g1, const float *g2, size_t rows,
                            void (*what)(const weir_tensor *t, const weight_tile *tile, void *context), void *context) {
    const weir_parameters p = weir_graph_parameters(graph);
    const side x = dense_side(INPUTS), bias = dense_side(1), out = dense_side(OUTPUTS);
    const side one = gated_side(g1, ONE, block), two = gated_side(g2, TWO, block);
    each_tile(&p, tensor_of(graph, node_of(graph, "one"), false), &one, &x, rows, what, context);
    each_tile(&p, tensor_of(graph, node_of(graph, "one"), true), &one, &bias, rows, what, context);
    each_tile(&p, tensor_of(graph, node_of(graph, "two"), false), &two, &one, rows, what, context);
    each_tile(&p, tensor_of(graph, node_of(graph, "two"), true), &two, &bias, rows, what, context);
    each_tile(&p, tensor_of(graph, node_of(graph, "out"), false), &out, &two, rows, what, context);
}

typedef struct tally {
    size_t open, closed;
} tally;

static void check_touched(const weir_tensor *t, const weight_tile *tile, void *context) {
    tally *count = context;
    assert_non_null(t->touched);
    assert_int_equal(t->touched[tile->number], tile->open);
    for (size_t k = 0; k < tile->count && !tile->open; k++) assert_true(tile->gradients[k] == 0);
    *(tile->open ? &count->open : &count->closed) += 1;
}

static const shape skipping[] = {
    {"reinforce", NULL, 0, -1.3, 3}, {"sts", NULL, 0, -2.6, 3},
    {"rectifier", NULL, 0, -0.6, 3}, {"noisy-rectifier", NULL, 0, -0.9, 3},
    {"reinforce", NULL, 0, -1.3, 1}, {"straight-through", "none", 0, -1.3, 4},
    {"sts", NULL, 0, -2.6, 1},
};

static void test_untouched_tiles(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(skipping); k++) {
        weir_graph *graph = create(skipping[k]);
        tally count = {0};
        for (uint32_t number = 0; number < 12; number++) {
            const size_t rows = 1 + number % 5;
            const weir_pass pass = pass_of(rows, number);
            step(graph, &pass);
            float *g1 = gates_of(graph, "g1", rows), *g2 = gates_of(graph, "g2", rows);
            each_gated_tile(graph, skipping[k].block, g1, g2, rows, check_touched, &count);
            free(g1);
            free(g2);
        }
        assert_true(count.open > 100 && count.closed > 100);
        weir_graph_free(graph);
    }
}

// ---- poison --------------------------------------------------------------------------------------------------------

static void poison(const weir_tensor *t, const weight_tile *tile, void *context) {
    size_t *poisoned = context;
    (void)t;
    if (tile->open) return;
    for (size_t k = 0; k < tile->count; k++) tile->values[k] = NAN;
    *poisoned += tile->count;
}

/// Everything that a step leaves: gradients, loss, outputs of the loss node, ∂L/∂gates.
static float *copy_results(weir_graph *graph, size_t rows, size_t *count) {
    const weir_parameters p = weir_graph_parameters(graph);
    const size_t gates[] = {node_of(graph, "g1"), node_of(graph, "g2")};
    const weir_node *specs = weir_graph_nodes(graph, NULL);
    *count = p.count + rows + rows * OUTPUTS + rows * (specs[gates[0]].size + specs[gates[1]].size);
    float *all = new_floats(*count), *to = all;
    memcpy(to, p.gradients, p.count * sizeof *to);
    to += p.count;
    memcpy(to, weir_graph_loss(graph), rows * sizeof *to);
    to += rows;
    memcpy(to, weir_graph_output(graph, node_of(graph, "loss")), rows * OUTPUTS * sizeof *to);
    to += rows * OUTPUTS;
    for (size_t k = 0; k < 2; k++) {
        if (graph->nodes[gates[k]].facts.wants_gradient) {
            memcpy(to, graph->nodes[gates[k]].memory.gradient.data, rows * specs[gates[k]].size * sizeof *to);
        }
        to += rows * specs[gates[k]].size;
    }
    return all;
}

static void test_poison(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(skipping); k++) {
        for (weir_isa isa = WEIR_ISA_REFERENCE; isa <= weir_isa_best(); isa++) {
            assert_int_equal(weir_isa_use(isa), WEIR_OK);
            // Two graphs alike, so that the states of units are, too.
            weir_graph *clean = create(skipping[k]), *poisoned = create(skipping[k]);
            const weir_pass pass = pass_of(3, 5);
            size_t count = 0, wrong = 0;
            step(clean, &pass);
            float *g1 = gates_of(clean, "g1", 3), *g2 = gates_of(clean, "g2", 3);
            each_gated_tile(poisoned, skipping[k].block, g1, g2, 3, poison, &wrong);
            assert_true(wrong > 50);
            step(poisoned, &pass);
            float *expected = copy_results(clean, 3, &count), *got = copy_results(poisoned, 3, &count);
            for (size_t i = 0; i < count; i++) assert_true(isfinite(got[i]));
            assert_memory_equal(got, expected, count * sizeof *got);
            free(expected);
            free(got);
            free(g1);
            free(g2);
            weir_graph_free(clean);
            weir_graph_free(poisoned);
        }
    }
}

/// Deterministic gates, as at test time: closed ones are free whatever training wants of them.
static const shape deciding[] = {{"reinforce", NULL, 0, -1.3, 3},         {"sts", NULL, 0, -2.6, 1},
                                 {"rectifier", NULL, 0, -0.6, 4},         {"straight-through", "all", 0, -1.3, 3},
                                 {"straight-through", "all", 0, -1.3, 1}, {"straight-through", "sample", 0.9, -1.3, 3}};

static void test_poison_when_deciding(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(deciding); k++) {
        weir_graph *graph = create(deciding[k]);
        weir_error error;
        weir_pass pass = pass_of(3, 0);
        size_t wrong = 0;
        pass.mode = WEIR_MODE_DECIDE;
        assert_int_equal(
            weir_graph_threshold_set(graph, node_of(graph, "g1"), (float)deciding[k].gate_bias + 0.4f, NULL), WEIR_OK);
        assert_int_equal(
            weir_graph_threshold_set(graph, node_of(graph, "g2"), (float)deciding[k].gate_bias + 0.4f, NULL), WEIR_OK);
        must(weir_graph_forward(graph, &pass, &error), &error);
        float *g1 = gates_of(graph, "g1", 3), *g2 = gates_of(graph, "g2", 3), losses[3];
        memcpy(losses, weir_graph_loss(graph), sizeof losses);
        each_gated_tile(graph, deciding[k].block, g1, g2, 3, poison, &wrong);
        assert_true(wrong > 50);
        must(weir_graph_forward(graph, &pass, &error), &error);
        assert_true(isfinite(losses[0]) && isfinite(losses[1]) && isfinite(losses[2]));
        assert_memory_equal(losses, weir_graph_loss(graph), sizeof losses);
        free(g1);
        free(g2);
        weir_graph_free(graph);
    }
}

// ---- work ----------------------------------------------------------------------------------------------------------

static bool is(const char *closed, const char *name) { return closed && !strcmp(closed, name); }

/// Open units of a row, those that the forward pass evaluates, and those that the backward pass does.
typedef struct row_units {
    uint64_t open, evaluated, sampled;
} row_units;

static bool is_sampled(const weir_graph *graph, size_t node, size_t row, size_t j) {
    const weir__route *route = &((const weir__gated *)graph->nodes[node].memory.data)->sampled.route;
    for (int32_t entry = route->row_start[row]; entry < route->row_open[row]; entry++) {
        if ((size_t)route->row_block[entry] == j) return true;
    }
    return false;
}

static row_units units_of_row(const shape *s, const weir_graph *graph, const float *gates, size_t node, size_t width,
                              size_t row) {
    const size_t blocks = (width + s->block - 1) / s->block;
    row_units units = {0};
    for (size_t j = 0; j < blocks; j++) {
        const size_t count = units_of(width, s->block, j);
        const bool open = gates[row * blocks + j] != 0;
        if (open) units.open += count;
        if (open || is(s->closed, "all")) units.evaluated += count;
        if (is(s->closed, "sample") && is_sampled(graph, node, row, j)) {
            assert_false(open);
            units.sampled += count;
        }
    }
    return units;
}

static uint64_t blocks_with_rows(const shape *s, const weir_pass *pass, const float *gates, size_t width) {
    const size_t blocks = (width + s->block - 1) / s->block;
    uint64_t count = 0;
    for (size_t j = 0; j < blocks; j++) {
        bool any = is(s->closed, "all");
        for (size_t r = 0; r < pass->rows; r++) any = any || gates[r * blocks + j] != 0;
        count += any;
    }
    return count;
}

static void check_counters(const shape *s, size_t rows, uint32_t number) {
    weir_graph *graph = create(*s);
    const weir_pass pass = pass_of(rows, number);
    const size_t one = node_of(graph, "one"), two = node_of(graph, "two");
    const uint64_t g1_count = (ONE + s->block - 1) / s->block, g2_count = (TWO + s->block - 1) / s->block;
    step(graph, &pass);
    float *g1 = gates_of(graph, "g1", rows), *g2 = gates_of(graph, "g2", rows);
    weir_counters want = {.rows = rows};
    for (size_t r = 0; r < rows; r++) {
        const row_units u1 = units_of_row(s, graph, g1, one, ONE, r), u2 = units_of_row(s, graph, g2, two, TWO, r);
        const uint64_t seen1 = is(s->closed, "sample") ? ONE : u1.evaluated,
                       seen2 = is(s->closed, "sample") ? TWO : u2.evaluated; // whose gradient is wanted
        want.forward_done += u1.evaluated * INPUTS + u2.evaluated * u1.open + OUTPUTS * u2.open;
        want.backward_done += u1.open * INPUTS;                           // weights of one; the input wants no gradient
        want.backward_done += u2.open * u1.open + u2.open * seen1; // weights of two, outputs of one
        want.backward_done += OUTPUTS * u2.open + OUTPUTS * seen2;
        want.backward_done += u1.sampled * INPUTS + u2.sampled * u1.open;
        for (size_t j = 0; j < g1_count; j++) want.gates_open += g1[r * g1_count + j] != 0;
        for (size_t j = 0; j < g2_count; j++) want.gates_open += g2[r * g2_count + j] != 0;
    }
    want.forward_dense = rows * (INPUTS * ONE + ONE * TWO + TWO * OUTPUTS);
    want.backward_dense = rows * (INPUTS * ONE + 2 * ONE * TWO + 2 * TWO * OUTPUTS);
    want.forward_gater = rows * (INPUTS * GATER + GATER * g1_count + INPUTS * g2_count);
    want.backward_gater = rows * (INPUTS * GATER + 2 * GATER * g1_count + INPUTS * g2_count);
    want.gates = rows * (g1_count + g2_count);
    want.blocks = g1_count + g2_count;
    want.blocks_read = blocks_with_rows(s, &pass, g1, ONE) + blocks_with_rows(s, &pass, g2, TWO);
    const weir_counters got = weir_graph_counters(graph);
    assert_int_equal(got.rows, want.rows);
    assert_int_equal(got.forward_dense, want.forward_dense);
    assert_int_equal(got.forward_done, want.forward_done);
    assert_int_equal(got.forward_gater, want.forward_gater);
    assert_int_equal(got.backward_dense, want.backward_dense);
    assert_int_equal(got.backward_done, want.backward_done);
    assert_int_equal(got.backward_gater, want.backward_gater);
    assert_int_equal(got.gates, want.gates);
    assert_int_equal(got.gates_open, want.gates_open);
    assert_int_equal(got.blocks, want.blocks);
    assert_int_equal(got.blocks_read, want.blocks_read);
    if (strcmp(s->closed ? s->closed : "", "all")) assert_true(got.forward_done < got.forward_dense);
    // A second step adds as much, a reset takes all away.
    step(graph, &pass);
    const uint64_t again = weir_graph_counters(graph).backward_done;
    if (!is(s->closed, "sample")) assert_int_equal(again, 2 * want.backward_done); // "sample" has learnt
    weir_graph_counters_reset(graph);
    assert_int_equal(weir_graph_counters(graph).backward_done + weir_graph_counters(graph).rows, 0);
    free(g1);
    free(g2);
    weir_graph_free(graph);
}

static void test_counters(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(skipping); k++) {
        for (uint32_t number = 0; number < 4; number++) check_counters(&skipping[k], 1 + 5 * number, number);
    }
    static const shape evaluating[] = {{"straight-through", "all", 0, -1.3, 3},
                                       {"straight-through", "sample", 0.3, -1.3, 3},
                                       {"straight-through", "sample", 1, -1.3, 1},
                                       {"straight-through", "sample", 0.05, -1.3, 4}};
    for (size_t k = 0; k < COUNT(evaluating); k++) {
        for (uint32_t number = 0; number < 4; number++) check_counters(&evaluating[k], 1 + 5 * number, number);
    }
}

/// With all closed gates evaluated and a dense reader: in training the experts and what reads them do everything, the
/// gradient of the experts' weights only open pairs; at test time nothing that is closed is done.
static void check_dense_experts(const char *between) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "a", .kind = "affine", .size = 8, .bias = -1},
        {.name = "g", .kind = "unit", .rule = "straight-through"},
        {.name = "one", .kind = "gated-affine", .from = "x", .gates = "g", .size = ONE, .block = 3},
        {.name = "between", .kind = between},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    weir_graph *graph = NULL;
    weir_error error;
    const weir_graph_options options = weir_graph_options_default(MOST_ROWS);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    weir_pass pass = pass_of(9, 2);
    const shape s = {.block = 3};
    uint64_t open = 0;
    step(graph, &pass);
    float *gates = gates_of(graph, "g", 9);
    for (size_t r = 0; r < 9; r++) open += units_of_row(&s, graph, gates, 3, ONE, r).open;
    const weir_counters c = weir_graph_counters(graph);
    assert_true(open > 0 && open < 9 * ONE);
    assert_int_equal(c.forward_done, 9 * INPUTS * ONE + open * OUTPUTS);
    assert_int_equal(c.backward_done, open * INPUTS + open * OUTPUTS + 9 * ONE * OUTPUTS);
    assert_int_equal(c.blocks_read, 8);
    assert_true(graph->nodes[3].facts.gradient_dense && graph->nodes[4].facts.gradient_dense);
    free(gates);

    pass.mode = WEIR_MODE_DECIDE;
    assert_int_equal(weir_graph_threshold_set(graph, 2, -1, NULL), WEIR_OK);
    weir_graph_counters_reset(graph);
    must(weir_graph_forward(graph, &pass, &error), &error);
    gates = gates_of(graph, "g", 9);
    open = 0;
    for (size_t r = 0; r < 9; r++) open += units_of_row(&s, graph, gates, 3, ONE, r).open;
    assert_true(open > 0 && open < 9 * ONE);
    assert_int_equal(weir_graph_counters(graph).forward_done, open * (INPUTS + OUTPUTS));
    free(gates);
    weir_graph_free(graph);
}

static void test_counters_of_dense_experts(void **state) {
    (void)state;
    check_dense_experts("tanh");
    check_dense_experts("rectifier");
}

/// Units that gate nothing are no gates, and what no rule reads is not computed.
static void test_counters_of_plain_units(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        bool reads_gradient;
    } rules[] = {{"reinforce", false}, {"straight-through", true}};
    for (size_t k = 0; k < COUNT(rules); k++) {
        const weir_node nodes[] = {
            {.name = "x", .kind = "input", .size = INPUTS},       {.name = "a", .kind = "affine", .size = 8},
            {.name = "h", .kind = "unit", .rule = rules[k].rule}, {.name = "f", .kind = "tanh"},
            {.name = "out", .kind = "affine", .size = OUTPUTS},   {.name = "loss", .kind = "softmax-cross-entropy"},
        };
        weir_graph *graph = NULL;
        weir_error error;
        const weir_graph_options options = weir_graph_options_default(MOST_ROWS);
        must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
        const weir_pass pass = pass_of(9, 2);
        step(graph, &pass);
        const weir_counters c = weir_graph_counters(graph);
        assert_int_equal(c.gates + c.gates_open + c.blocks + c.forward_gater, 0);
        assert_int_equal(c.forward_done, 9 * (INPUTS * 8 + 8 * OUTPUTS));
        assert_int_equal(c.backward_done, 9 * (INPUTS * 8 + (rules[k].reads_gradient ? 2 : 1) * 8 * OUTPUTS));
        weir_graph_free(graph);
    }
}

// ---- a random share of the closed gates ----------------------------------------------------------------------------

/// One gated layer behind a gater without hidden units: the gradient of a1 is what closed gates decide.
static weir_graph *create_sampled(const char *closed, double share, bool two_sided) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "first gates", .kind = "unit", .rule = two_sided ? "rectifier" : "sigmoid"},
        {.name = "first", .kind = "gated-affine", .from = "x", .gates = "first gates", .size = INPUTS},
        {.name = "a1", .kind = "affine", .from = "x", .size = 7, .bias = -0.5},
        {.name = "g1", .kind = "unit", .rule = "straight-through"},
        {.name = "one",
         .kind = "gated-affine",
         .from = "first",
         .gates = "g1",
         .size = 13,
         .block = 2,
         .activation = "tanh",
         .closed = closed,
         .closed_share = share,
         .bias = 0.3},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    weir_graph *graph = NULL;
    weir_error error;
    const weir_graph_options options = weir_graph_options_default(MOST_ROWS);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    return graph;
}

enum { GATER_VALUES = 7 * INPUTS + 7 };

/// The gradient of the gater's weights and biases in a step.
static void gater_gradient(weir_graph *graph, const weir_pass *pass, float *gradient) {
    const weir_parameters p = weir_graph_parameters(graph);
    const size_t node = node_of(graph, "a1");
    step(graph, pass);
    memcpy(gradient, p.gradients + tensor_of(graph, node, false)->offset, 7 * INPUTS * sizeof *gradient);
    memcpy(gradient + 7 * INPUTS, p.gradients + tensor_of(graph, node, true)->offset, 7 * sizeof *gradient);
}

/// Standard errors by which the mean difference of two ways lies from 0, at most over all values.
static double worst_deviation(weir_graph *graph, weir_graph *all, uint32_t steps) {
    double sum[GATER_VALUES] = {0}, square[GATER_VALUES] = {0}, worst = 0;
    for (uint32_t number = 0; number < steps; number++) {
        float a[GATER_VALUES], b[GATER_VALUES];
        const weir_pass pass = pass_of(4, number);
        gater_gradient(graph, &pass, a);
        gater_gradient(all, &pass, b); // the same gates are open: the difference is what closed gates make
        for (size_t k = 0; k < GATER_VALUES; k++) {
            const double d = (double)a[k] - (double)b[k];
            sum[k] += d;
            square[k] += d * d;
        }
    }
    for (size_t k = 0; k < GATER_VALUES; k++) {
        const double mean = sum[k] / steps, variance = square[k] / steps - mean * mean;
        assert_true(variance > 0);
        worst = fmax(worst, fabs(mean) / sqrt(variance / steps));
    }
    return worst;
}

static void test_sample_has_the_mean_of_all(void **state) {
    (void)state;
    for (int two_sided = 0; two_sided < 2; two_sided++) {
        weir_graph *all = create_sampled("all", 0, two_sided), *none = create_sampled("none", 0, two_sided);
        static const double shares[] = {0.2, 0.6};
        for (size_t k = 0; k < COUNT(shares); k++) {
            weir_graph *sample = create_sampled("sample", shares[k], two_sided);
            assert_true(worst_deviation(sample, all, 3000) <= 4);
            weir_graph_free(sample);
        }
        assert_true(worst_deviation(none, all, 3000) > 10); // so many steps do tell a biased way
        weir_graph_free(all);
        weir_graph_free(none);
    }
}

static void test_whole_share_is_all(void **state) {
    (void)state;
    for (int two_sided = 0; two_sided < 2; two_sided++) {
        weir_graph *all = create_sampled("all", 0, two_sided), *sample = create_sampled("sample", 1, two_sided);
        for (uint32_t number = 0; number < 20; number++) {
            const weir_pass pass = pass_of(5, number);
            float a[GATER_VALUES], b[GATER_VALUES];
            double want[GATER_VALUES];
            gater_gradient(sample, &pass, a);
            gater_gradient(all, &pass, b);
            for (size_t k = 0; k < GATER_VALUES; k++) want[k] = (double)b[k];
            if (two_sided) { // the same kernels
                assert_memory_equal(a, b, sizeof a);
            }
            check_near("gradient with q = 1", a, want, GATER_VALUES, 1e-6);
        }
        weir_graph_free(all);
        weir_graph_free(sample);
    }
}

/// Pairs that are evaluated: all open ones, and the share of the closed ones, in the mean; the forward pass does the
/// open ones alone.
static void test_work_of_sample(void **state) {
    (void)state;
    weir_graph *graph = create_sampled("sample", 0.3, false);
    const size_t one = node_of(graph, "one"), gates = node_of(graph, "g1");
    const weir__route *route = &((const weir__gated *)graph->nodes[one].memory.data)->sampled.route;
    size_t sampled = 0;
    for (uint32_t number = 0; number < 2000; number++) {
        const weir_pass pass = pass_of(MOST_ROWS, number);
        step(graph, &pass);
        sampled += route->slots;
    }
    const weir_counters work = weir_graph_node_counters(graph, one), opened = weir_graph_node_counters(graph, gates);
    const double share = (double)opened.gates_open / (double)opened.gates;
    assert_true(share > 0.2 && share < 0.6);
    assert_true(fabs((double)sampled / (double)(opened.gates - opened.gates_open) - 0.3) <= 0.003);
    // 13 units in blocks of 2: the last gate has one unit
    assert_true(fabs((double)work.forward_done / (double)work.forward_dense - share) <= 0.02);
    weir_graph_free(graph);
}

// ---- all choices, enumerated ---------------------------------------------------------------------------------------

/// ∂L/∂gate of a closed pair is one of two values, ĝ₀ where it is not chosen and ĝ₁ where it is, with a chance that the
/// layer fixed before: (1 − π)·ĝ₀ + π·ĝ₁ is exactly that of "all", for any averages.
static void test_mean_over_choices(void **state) {
    (void)state;
    enum { ROWS = 4, PAIRS = ROWS * 7, PASSES = 4000 };
    for (int two_sided = 0; two_sided < 2; two_sided++) {
        for (int learnt = 0; learnt < 2; learnt++) {
            weir_graph *all = create_sampled("all", 0, two_sided), *sample = create_sampled("sample", 0.3, two_sided);
            const size_t one = node_of(sample, "one");
            weir__gated *gated = sample->nodes[one].memory.data;
            size_t floats = 0, seen[2] = {0};
            for (uint32_t number = 0; learnt && number < 30; number++) {
                const weir_pass pass = pass_of(ROWS, number);
                step(sample, &pass);
            }
            float *averages = weir_graph_unit_state(sample, one, &floats), *held = new_floats(floats);
            assert_int_equal(floats, 13 + 2 * 7);
            memcpy(held, averages, floats * sizeof *held);
            const weir_pass pass = pass_of(ROWS, 77);
            float want[PAIRS], got[PAIRS], value[PAIRS][2], chance[PAIRS];
            bool known[PAIRS][2] = {{0}};
            weir_error error;
            step(all, &pass);
            step(sample, &pass);
            memcpy(want, all->nodes[node_of(all, "g1")].memory.gradient.data, sizeof want);
            const float *h = weir_graph_output(all, node_of(all, "g1"));
            for (uint32_t number = 0; number < PASSES; number++) {
                weir_pass other = pass; // another choice in the same pass
                other.seed = 1000 + number;
                memcpy(averages, held, floats * sizeof *held);
                must(weir__closed_sample(sample, &sample->nodes[one], &other, gated, got, &error), &error);
                for (size_t k = 0; k < PAIRS; k++) {
                    const float weight = gated->sampled.chances.data[k];
                    const int chosen = weight > 0;
                    if (h[k] != 0) continue;
                    if (known[k][chosen]) assert_true(value[k][chosen] == got[k]);
                    value[k][chosen] = got[k];
                    known[k][chosen] = true;
                    if (chosen) chance[k] = 1 / weight;
                }
            }
            for (size_t k = 0; k < PAIRS; k++) {
                if (h[k] != 0) continue;
                assert_true(known[k][1]); // every closed pair can be chosen
                const double pi = (double)chance[k];
                const double mean = pi == 1 ? (double)value[k][1]
                                            : (1 - pi) * (double)value[k][0] + pi * (double)value[k][1];
                assert_true(pi == 1 ? !known[k][0] : known[k][0]);
                assert_true(fabs(mean - (double)want[k]) <= 1e-6 * (1 + fabs((double)want[k])));
                seen[pi == 1]++;
            }
            assert_true(seen[0] > 5); // most pairs are chosen by chance
            free(held);
            weir_graph_free(all);
            weir_graph_free(sample);
        }
    }
}

// ---- a running average in the place of closed blocks ---------------------------------------------------------------

static weir_graph *create_default(const char *rule, const char *activation) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "a1", .kind = "affine", .from = "x", .size = 7, .bias = -0.5},
        {.name = "g1", .kind = "unit", .rule = rule},
        {.name = "one",
         .kind = "gated-affine",
         .from = "x",
         .gates = "g1",
         .size = 14,
         .block = 2,
         .activation = activation,
         .closed = "default",
         .bias = 0.3},
        {.name = "out", .kind = "affine", .size = OUTPUTS},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    weir_graph *graph = NULL;
    weir_error error;
    const weir_graph_options options = weir_graph_options_default(MOST_ROWS);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    return graph;
}

static const weir_tensor *average_of(weir_graph *graph) {
    const weir_parameters p = weir_graph_parameters(graph);
    for (size_t t = 0; t < p.tensor_count; t++) {
        if (p.tensors[t].role == WEIR_ROLE_AVERAGE) return &p.tensors[t];
    }
    fail_msg("no average");
    return NULL;
}

/// g of a row's gates: σ(a), or the softmax over the layer.
static void standing(const char *rule, const float *a, double *g) {
    double sum = 0;
    const bool mixture = !strncmp(rule, "mixture", 7);
    for (size_t j = 0; j < 7; j++) sum += exp((double)a[j]);
    for (size_t j = 0; j < 7; j++) g[j] = mixture ? exp((double)a[j]) / sum : 1 / (1 + exp(-(double)a[j]));
}

static double mean_of_loss(weir_graph *graph, const weir_pass *pass) {
    weir_error error;
    double sum = 0;
    must(weir_graph_forward(graph, pass, &error), &error);
    for (size_t r = 0; r < pass->rows; r++) sum += (double)weir_graph_loss(graph)[r] / (double)pass->rows;
    return sum;
}

/// Outputs in both ways of use; averages of the rows that opened a block; ∂L/∂(gater) by differences for the mixture,
/// whose open gates have a derivative, too; and by the score function's own, less what it is without stand-ins.
static void test_default(void **state) {
    (void)state;
    enum { ROWS = 6, W = 14 };
    static const struct {
        const char *rule, *activation;
    } cases[] = {{"mixture", "tanh"}, {"mixture:weights=sigmoid", "swiglu"}, {"mixture:weights=softmax", "linear"},
                 {"straight-through", "gelu"}, {"reinforce", "rectifier"}};
    for (size_t c = 0; c < COUNT(cases); c++) {
        weir_graph *graph = create_default(cases[c].rule, cases[c].activation);
        const weir_parameters p = weir_graph_parameters(graph);
        const weir_tensor *average = average_of(graph), *bias = tensor_of(graph, node_of(graph, "a1"), true);
        const size_t one = node_of(graph, "one"), g1 = node_of(graph, "g1"), a1 = node_of(graph, "a1");
        weir_pass pass = pass_of(ROWS, 3);
        weir_error error;
        assert_string_equal(average->name, "one.average");
        for (size_t k = 0; k < W; k++) assert_true(p.values[average->offset + k] == 0);
        // The first step: averages are those of its open rows.
        step(graph, &pass);
        float h[ROWS * 7], y[ROWS * W];
        memcpy(h, weir_graph_output(graph, g1), sizeof h);
        memcpy(y, weir_graph_output(graph, one), sizeof y);
        for (size_t k = 0; k < W; k++) {
            double sum = 0, open = 0;
            for (size_t r = 0; r < ROWS; r++) {
                const double gate = (double)h[r * 7 + k / 2];
                open += gate != 0;
                sum += gate != 0 ? (double)y[r * W + k] / gate : 0;
                assert_true(gate != 0 || y[r * W + k] == 0); // they were 0 before
            }
            const double mean = open > 0 ? sum / open : 0;
            assert_true(fabs((double)p.values[average->offset + k] - mean) < 1e-5 * (1 + fabs(mean)));
        }
        for (uint32_t number = 4; number < 10; number++) {
            pass = pass_of(ROWS, number);
            step(graph, &pass);
        }
        // What stands for closed blocks, in training and in use.
        float means[W];
        memcpy(means, p.values + average->offset, sizeof means);
        static const weir_mode modes[] = {WEIR_MODE_SAMPLE, WEIR_MODE_DECIDE};
        size_t closed = 0;
        for (size_t m = 0; m < COUNT(modes); m++) {
            pass.mode = modes[m];
            must(weir_graph_forward(graph, &pass, &error), &error);
            const float *a = weir_graph_output(graph, a1), *gates = weir_graph_output(graph, g1);
            const float *out = weir_graph_output(graph, one);
            for (size_t r = 0; r < ROWS; r++) {
                double g[7];
                standing(cases[c].rule, a + r * 7, g);
                for (size_t k = 0; k < W; k++) {
                    if (gates[r * 7 + k / 2] != 0) continue;
                    closed++;
                    assert_true(fabs((double)out[r * W + k] - g[k / 2] * (double)means[k]) < 1e-5);
                }
            }
        }
        assert_true(closed > 20);
        // ∂L/∂(bias of the gater), averages held.
        pass.mode = WEIR_MODE_SAMPLE;
        step(graph, &pass);
        float got[7];
        memcpy(got, p.gradients + bias->offset, sizeof got);
        memcpy(p.values + average->offset, means, sizeof means);
        if (!strncmp(cases[c].rule, "mixture", 7)) {
            for (size_t j = 0; j < 7; j++) {
                const float step_width = 2e-3f, before = p.values[bias->offset + j];
                weir_graph_parameters(graph).values[bias->offset + j] = before + step_width;
                const double up = mean_of_loss(graph, &pass);
                weir_graph_parameters(graph).values[bias->offset + j] = before - step_width;
                const double down = mean_of_loss(graph, &pass);
                weir_graph_parameters(graph).values[bias->offset + j] = before;
                const double slope = (up - down) / (2 * (double)step_width);
                if (fabs(slope - (double)got[j]) > 1e-3 * (0.05 + fabs(slope)))
                    fail_msg("%s: gate %zu: %g, by differences %g", cases[c].rule, j, (double)got[j], slope);
            }
        }
        weir_gradient_report report;
        must(weir_gradient_check(graph, &report, &pass, 3, &error), &error);
        assert_true(report.error < 0.01);
        assert_memory_equal(weir_graph_parameters(graph).values + average->offset, means, sizeof means);
        weir_graph_free(graph);
    }
}

/// No weight of a closed block is read, in training or in use.
static void test_default_reads_open_blocks(void **state) {
    (void)state;
    weir_graph *graph = create_default("mixture", "tanh");
    weir_error error;
    for (uint32_t number = 0; number < 5; number++) {
        const weir_pass pass = pass_of(3, number);
        step(graph, &pass);
    }
    weir_pass pass = pass_of(2, 9);
    must(weir_graph_forward(graph, &pass, &error), &error);
    const float *h = weir_graph_output(graph, node_of(graph, "g1"));
    const weir_tensor *weight = tensor_of(graph, node_of(graph, "one"), false);
    const double loss = mean_of_loss(graph, &pass);
    size_t poisoned = 0;
    float *values = weir_graph_parameters(graph).values + weight->offset;
    for (size_t j = 0; j < 7; j++) {
        if (h[j] != 0 || h[7 + j] != 0) continue;
        for (size_t k = 0; k < 2 * INPUTS; k++) values[j * 2 * INPUTS + k] = NAN;
        poisoned++;
    }
    assert_true(poisoned >= 3);
    assert_true(mean_of_loss(graph, &pass) == loss);
    step(graph, &pass);
    assert_true(isfinite(mean_of_loss(graph, &pass)));
    const weir_counters work = weir_graph_node_counters(graph, node_of(graph, "one"));
    assert_true(work.forward_done < work.forward_dense && work.backward_done < work.backward_dense);
    pass.mode = WEIR_MODE_DECIDE;
    assert_true(isfinite(mean_of_loss(graph, &pass)));
    weir_graph_free(graph);
}

static void test_default_refuses_groups(void **state) {
    (void)state;
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "a", .kind = "affine", .size = 4},
        {.name = "g", .kind = "unit", .rule = "rloo"},
        {.name = "one", .kind = "gated-affine", .from = "x", .gates = "g", .size = 8, .block = 2, .closed = "default"},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    weir_graph *graph = NULL;
    weir_error error;
    const weir_graph_options options = weir_graph_options_default(MOST_ROWS);
    assert_int_equal(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), WEIR_UNSUPPORTED);
    assert_non_null(strstr(error.text, "closed 'default'"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_untouched_tiles),
        cmocka_unit_test(test_poison),
        cmocka_unit_test(test_poison_when_deciding),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_counters_of_dense_experts),
        cmocka_unit_test(test_counters_of_plain_units),
        cmocka_unit_test(test_sample_has_the_mean_of_all),
        cmocka_unit_test(test_whole_share_is_all),
        cmocka_unit_test(test_work_of_sample),
        cmocka_unit_test(test_mean_over_choices),
        cmocka_unit_test(test_default),
        cmocka_unit_test(test_default_reads_open_blocks),
        cmocka_unit_test(test_default_refuses_groups),
    };
    return cmocka_run_group_tests_name("closed gates", tests, fill_batch, NULL);
}
