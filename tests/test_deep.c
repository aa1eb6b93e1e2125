// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Networks of several gated layers over tokens: embedding, norms, concatenation, products, residual sums, and every
// activation of gated blocks. Backward beside differences; compact results beside dense ones times gates, in double;
// rows of a table that no token names.

#include "graph_reference.h"

#include "../src/train/optimizer.h"

enum { CONTEXT = 4, VOCABULARY = 11, ROWS = 24, INPUTS = 6, WIDE = 12, BLOCK = 3, GATES = WIDE / BLOCK };

/// Differences round more in deep networks; kinks of rectifiers lie between their points.
static const double smooth = 3e-3, deep = 1e-2, kinked = 3e-2;

static const char *const activations[] = {"linear", "rectifier", "tanh",  "squared-rectifier", "gelu", "silu", "glu",
                                          "reglu",  "geglu",     "swiglu"};

static float tokens[ROWS * CONTEXT], inputs[ROWS * INPUTS], targets[ROWS * WIDE];
static int32_t labels[ROWS];
static weir_error error;

/// Rectifiers that are never taken for closed gates: everything is dense, times gates.
static weir_rule masked;

static int fill_batch(void **state) {
    (void)state;
    random_state = 1;
    masked = *weir_rule_find("rectifier");
    masked.name = "never-closed";
    masked.traits &= ~(unsigned)(WEIR_TRAIT_SPARSE | WEIR_TRAIT_SKIPS);
    for (size_t k = 0; k < COUNT(tokens); k++)
        tokens[k] = (float)(next_random() % (VOCABULARY - 3)); // three are not there
    for (size_t r = 0; r < ROWS; r++) labels[r] = (int32_t)(next_random() % VOCABULARY);
    weir_random_normal(inputs, (weir_noise){.seed = 5, .stream = 60000}, 0, COUNT(inputs));
    weir_random_normal(targets, (weir_noise){.seed = 5, .stream = 60001}, 0, COUNT(targets));
    return 0;
}

static weir_pass pass_of(const float *rows) {
    return (weir_pass){
        .mode = WEIR_MODE_SAMPLE, .rows = ROWS, .inputs = rows, .labels = labels, .targets = targets, .seed = 3};
}

static weir_graph *create(const weir_node *nodes, size_t count) {
    weir_graph *graph = NULL;
    const weir_graph_options options = weir_graph_options_default(ROWS);
    must(weir_graph_create(&graph, nodes, count, &options, &error), &error);
    return graph;
}

static void check_gradient(weir_graph *graph, const float *rows, double tolerance, const char *what) {
    weir_gradient_report report;
    const weir_pass pass = pass_of(rows);
    must(weir_gradient_check(graph, &report, &pass, 3, &error), &error);
    if (!(report.error <= tolerance)) {
        fail_msg("%s: %s: analytic %.9g, numeric %.9g, relative error %.3g", what, report.worst, report.analytic,
                 report.numeric, report.error);
    }
}

// ---- nodes
// -----------------------------------------------------------------------------------------------------------

/// Each elementwise kind of node, on a dense output.
static void test_nodes(void **state) {
    (void)state;
    static const char *const kinds[] = {"gelu", "silu", "squared-rectifier", "rms-norm", "layer-norm"};
    for (size_t k = 0; k < COUNT(kinds); k++) {
        const weir_node nodes[] = {
            {.kind = "input", .size = INPUTS},
            {.name = "a", .kind = "affine", .size = 7},
            {.name = "f", .kind = kinds[k], .init = !strcmp(kinds[k] + strlen(kinds[k]) - 4, "norm") ? 1.5 : 0},
            {.name = "b", .kind = "affine", .from = "a", .size = 7},
            {.name = "product", .kind = "multiply", .from = "f, b, b"},
            {.name = "all", .kind = "concatenate", .from = "product, a, f"},
            {.kind = "affine", .size = VOCABULARY},
            {.kind = "softmax-cross-entropy"},
        };
        weir_graph *graph = create(nodes, COUNT(nodes));
        check_gradient(graph, inputs, smooth, kinds[k]);
        weir_graph_free(graph);
    }
}

/// What these nodes give, written down once more.
static void test_values(void **state) {
    (void)state;
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "gelu", .kind = "gelu", .from = "x"},
        {.name = "silu", .kind = "silu", .from = "x"},
        {.name = "square", .kind = "squared-rectifier", .from = "x"},
        {.name = "rms", .kind = "rms-norm", .from = "x", .init = 2},
        {.name = "layer", .kind = "layer-norm", .from = "x", .bias = 0.5},
        {.name = "product", .kind = "multiply", .from = "x, gelu, silu"},
        {.name = "both", .kind = "concatenate", .from = "product, x"},
    };
    double want[COUNT(nodes)][ROWS * INPUTS], both[ROWS * INPUTS * 2];
    weir_graph *graph = create(nodes, COUNT(nodes));
    const weir_pass pass = pass_of(inputs);
    must(weir_graph_forward(graph, &pass, &error), &error);
    for (size_t k = 0; k < ROWS * INPUTS; k++) {
        const float *row = inputs + k / INPUTS * INPUTS;
        double mean = 0, square = 0;
        for (size_t c = 0; c < INPUTS; c++)
            mean += (double)row[c] / INPUTS, square += (double)row[c] * (double)row[c] / INPUTS;
        const double x = (double)inputs[k];
        want[0][k] = x;
        want[1][k] = x * erfc(-x / sqrt(2)) / 2;
        want[2][k] = x / (1 + exp(-x));
        want[3][k] = x > 0 ? x * x : 0;
        want[4][k] = 2 * x / sqrt(square + 1e-5);
        want[5][k] = (x - mean) / sqrt(square - mean * mean + 1e-5) + 0.5;
        want[6][k] = x * want[1][k] * want[2][k];
        both[k / INPUTS * 2 * INPUTS + k % INPUTS] = want[6][k];
        both[k / INPUTS * 2 * INPUTS + INPUTS + k % INPUTS] = x;
    }
    for (size_t n = 0; n + 1 < COUNT(nodes); n++)
        check_near(nodes[n].name, weir_graph_output(graph, n), want[n], ROWS * INPUTS, 1e-5);
    check_near("both", weir_graph_output(graph, COUNT(nodes) - 1), both, COUNT(both), 1e-5);
    weir_graph_free(graph);
}

// ---- gated blocks
// ----------------------------------------------------------------------------------------------------

static double value_of(const char *f, double a, double u) {
    const double p = 1 / (1 + exp(-a)), below = erfc(-a / sqrt(2)) / 2;
    if (!strcmp(f, "linear")) return a;
    if (!strcmp(f, "rectifier")) return fmax(0, a);
    if (!strcmp(f, "tanh")) return tanh(a);
    if (!strcmp(f, "squared-rectifier")) return a > 0 ? a * a : 0;
    if (!strcmp(f, "gelu")) return a * below;
    if (!strcmp(f, "silu")) return a * p;
    if (!strcmp(f, "glu")) return p * u;
    if (!strcmp(f, "reglu")) return fmax(0, a) * u;
    return !strcmp(f, "geglu") ? a * below * u : a * p * u;
}

/// One gated layer and the squared error behind it or, with deep, an affine layer in between that reads it compactly.
static weir_graph *create_gated(const char *activation, const char *rule, const char *closed) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "a", .kind = "affine", .size = GATES},
        {.name = "gates", .kind = "unit", .rule = rule},
        {.name = "experts",
         .kind = "gated-affine",
         .from = "x",
         .gates = "gates",
         .size = WIDE,
         .block = BLOCK,
         .activation = activation,
         .closed = closed,
         .closed_share = closed && !strcmp(closed, "sample") ? 1 : 0},
        {.kind = "squared-error"},
    };
    return create(nodes, COUNT(nodes));
}

/// The compact result is the dense one times the gates, and the gradient of a gate the dot product that says so.
static void check_masked(weir_graph *graph, const char *activation, bool closed_wanted, const char *what) {
    const weir_tensor *w = tensor_of(graph, 3, false), *b = tensor_of(graph, 3, true), *a = tensor_of(graph, 1, true);
    const size_t pairs = w->rows / WIDE;
    const weir_pass pass = pass_of(inputs);
    double *weights = plain_doubles(w, weir_graph_parameters_read(graph).values), *bias = new_doubles(w->rows);
    double want[ROWS * WIDE], dgates[GATES] = {0};
    must(weir_graph_forward(graph, &pass, &error), &error);
    const float *gates = weir_graph_output(graph, 2);
    size_t closed = 0;
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t o = 0; o < WIDE; o++) {
            const size_t j = o / BLOCK, row = j * BLOCK * pairs + o % BLOCK;
            double sums[2] = {0, 1};
            for (size_t k = 0; k < pairs; k++) {
                sums[k] = bias[row + k * BLOCK];
                for (size_t i = 0; i < INPUTS; i++)
                    sums[k] += weights[(row + k * BLOCK) * INPUTS + i] * (double)inputs[r * INPUTS + i];
            }
            const double gate = (double)gates[r * GATES + j], value = value_of(activation, sums[0], sums[1]);
            want[r * WIDE + o] = gate * value;
            closed += gate == 0;
            if (gate != 0 || closed_wanted) dgates[j] += value * (gate * value - (double)targets[r * WIDE + o]) / ROWS;
        }
    }
    assert_true(closed > ROWS && closed < ROWS * WIDE - ROWS);
    check_near(what, weir_graph_output(graph, 3), want, ROWS * WIDE, 1e-5);
    must(weir_graph_backward(graph, &pass, &error), &error);
    check_near(what, weir_graph_parameters_read(graph).gradients + a->offset, dgates, GATES, 1e-4);
    assert_true(b->rows == w->rows);
    free(weights);
    free(bias);
}

static void test_masked_dense(void **state) {
    (void)state;
    static const char *const closed[] = {"all", "none", "sample"};
    for (size_t f = 0; f < COUNT(activations); f++) {
        for (size_t c = 0; c < COUNT(closed); c++) {
            char what[80];
            weir_graph *graph = create_gated(activations[f], "straight-through", closed[c]);
            snprintf(what, sizeof what, "%s, closed %s", activations[f], closed[c]);
            check_masked(graph, activations[f], c != 1, what);
            weir_graph_free(graph);
        }
    }
}

/// Tokens, and three residual blocks: norm, gater, gated layer, affine layer that reads it compactly, sum.
static weir_graph *create_deep(const char *activation, const char *rule, const char *between, uint64_t seed,
                               weir_precision precision) {
    weir_node nodes[64] = {
        {.name = "x", .kind = "input", .size = CONTEXT},
        {.name = "words", .kind = "embedding", .vocabulary = VOCABULARY, .dimension = 3},
        {.name = "h0", .kind = "affine", .size = 8},
    };
    static const char *const names[3][9] = {{"h0", "n1", "a1", "g1", "e1", "c1", "f1", "d1", "h1"},
                                            {"h1", "n2", "a2", "g2", "e2", "c2", "f2", "d2", "h2"},
                                            {"h2", "n3", "a3", "g3", "e3", "c3", "f3", "d3", "h3"}};
    static const char *const sums[3] = {"h0, d1", "h1, d2", "h2, d3"};
    size_t count = 3;
    for (size_t k = 0; k < 3; k++) {
        const char *const *n = names[k];
        nodes[count++] = (weir_node){.name = n[1], .kind = k == 1 ? "layer-norm" : "rms-norm", .from = n[0]};
        nodes[count++] = (weir_node){.name = n[2], .kind = "affine", .size = GATES, .bias = 0.3};
        nodes[count++] = (weir_node){.name = n[3], .kind = "unit", .rule = rule};
        nodes[count++] = (weir_node){.name = n[4],
                                     .kind = "gated-affine",
                                     .from = n[1],
                                     .gates = n[3],
                                     .size = WIDE,
                                     .block = BLOCK,
                                     .activation = activation};
        if (between) nodes[count++] = (weir_node){.name = n[5], .kind = between};
        nodes[count++] = (weir_node){.name = n[7], .kind = "affine", .size = 8};
        nodes[count++] = (weir_node){.name = n[8], .kind = "add", .from = sums[k]};
    }
    nodes[count++] = (weir_node){.name = "last", .kind = "layer-norm"};
    nodes[count++] = (weir_node){.name = "out", .kind = "affine", .size = VOCABULARY};
    nodes[count++] = (weir_node){.name = "loss", .kind = "softmax-cross-entropy"};
    weir_graph *graph = NULL;
    weir_graph_options options = weir_graph_options_default(ROWS);
    static const weir_rule *const own[] = {&masked};
    options.rules = own, options.rule_count = 1;
    options.seed = seed;
    options.precision = precision;
    must(weir_graph_create(&graph, nodes, count, &options, &error), &error);
    return graph;
}

static void test_deep_gradients(void **state) {
    (void)state;
    for (size_t f = 0; f < COUNT(activations); f++) {
        const bool kinks = !strcmp(activations[f], "rectifier") || !strcmp(activations[f], "reglu");
        weir_graph *graph = create_deep(activations[f], "sigmoid", NULL, 4, WEIR_FLOAT32);
        check_gradient(graph, tokens, kinks ? kinked : deep, activations[f]);
        weir_graph_free(graph);
    }
    static const char *const between[] = {"gelu", "silu", "squared-rectifier"};
    for (size_t k = 0; k < COUNT(between); k++) {
        weir_graph *graph = create_deep("linear", "sigmoid", between[k], 4, WEIR_FLOAT32);
        check_gradient(graph, tokens, deep, between[k]);
        weir_graph_free(graph);
    }
}

/// Each gater has gates of its own, some of them closed.
static void check_gates(weir_graph *graph) {
    for (size_t k = 0; k < 3; k++) {
        char name[16];
        snprintf(name, sizeof name, "g%zu", k + 1);
        const float *h = weir_graph_output(graph, weir_graph_find(graph, name));
        size_t open = 0;
        for (size_t i = 0; i < ROWS * GATES; i++) open += h[i] != 0;
        assert_true(open > 0 && open < ROWS * GATES);
    }
    const weir_counters work = weir_graph_counters(graph);
    assert_true(work.forward_done < work.forward_dense && work.backward_done < work.backward_dense);
}

/// Loss and all gradients of a network that skips are those of one that computes everything and multiplies by 0.
static void check_twins(const char *activation, const char *between) {
    weir_graph *skips = create_deep(activation, "rectifier", between, 4, WEIR_FLOAT32),
               *dense = create_deep(activation, masked.name, between, 4, WEIR_FLOAT32);
    const weir_pass pass = pass_of(tokens);
    weir_graph *both[] = {skips, dense};
    for (size_t g = 0; g < 2; g++) {
        must(weir_graph_forward(both[g], &pass, &error), &error);
        must(weir_graph_backward(both[g], &pass, &error), &error);
    }
    check_gates(skips);
    assert_true(weir_graph_counters(dense).forward_done == weir_graph_counters(dense).forward_dense);
    assert_true(fabs(weir_graph_mean_loss(skips) - weir_graph_mean_loss(dense)) < 1e-5);
    const weir_parameters_view p = weir_graph_parameters_read(skips);
    for (size_t t = 0; t < p.tensor_count; t++) {
        char what[120];
        const size_t count = p.tensors[t].rows * p.tensors[t].columns;
        float *got = new_floats(count), *want = new_floats(count);
        double *wanted = new_doubles(count);
        must(weir_graph_gradients_get(skips, got, t, &error), &error);
        must(weir_graph_gradients_get(dense, want, t, &error), &error);
        for (size_t k = 0; k < count; k++) wanted[k] = (double)want[k];
        snprintf(what, sizeof what, "%s, %s", activation, p.tensors[t].name);
        check_near(what, got, wanted, count, 2e-4);
        free(got);
        free(want);
        free(wanted);
    }
    weir_graph_free(skips);
    weir_graph_free(dense);
}

static void test_deep_masked_dense(void **state) {
    (void)state;
    for (size_t f = 0; f < COUNT(activations); f++) check_twins(activations[f], NULL);
    check_twins("linear", "gelu");
    check_twins("linear", "silu");
    check_twins("linear", "squared-rectifier");
}

// ---- the table
// -------------------------------------------------------------------------------------------------------

static weir__update update_of(const void *context, const weir_tensor *tensor) {
    return weir__optimizer_update(context, tensor, 0.01);
}

/// Rows that no token of a batch names stay as they are, and so do their moving averages, with every optimizer and with
/// weight decay; the others move as a gradient in the array says.
static void test_untouched_rows(void **state) {
    (void)state;
    for (size_t k = 0; k < weir_optimizer_kind_count(); k++) {
        weir_graph *graph = create_deep("swiglu", "rectifier", NULL, 4, k % 2 ? WEIR_BFLOAT16 : WEIR_FLOAT32);
        weir_optimizer *optimizer = NULL;
        weir_optimizer_options o = weir_optimizer_options_default();
        o.kind = weir_optimizer_kind_at(k);
        o.decay = 0.1;
        const weir_tensor *table = tensor_of(graph, 1, false);
        const size_t count = table->rows * table->columns;
        float *before = new_floats(count), *moved = new_floats(ROWS * CONTEXT);
        must(weir_optimizer_create(&optimizer, &o, weir_graph_parameters(graph).count, &error), &error);
        for (uint32_t step = 0; step < 3; step++) {
            // The second batch leaves out a token of the first, which has moving averages by then.
            for (size_t i = 0; i < ROWS * CONTEXT; i++) moved[i] = step == 1 && tokens[i] == 2 ? 3 : tokens[i];
            weir_pass pass = pass_of(moved);
            pass.step = step;
            memcpy(before, weir_graph_parameters_read(graph).values + table->offset, count * sizeof *before);
            must(weir_graph_forward(graph, &pass, &error), &error);
            weir__optimizer_begin(optimizer);
            must(weir__graph_step(graph, &pass, &(weir__step){update_of, optimizer}, &error), &error);
            const float *after = weir_graph_parameters_read(graph).values + table->offset;
            for (size_t row = 0; row < VOCABULARY; row++) {
                bool named = false;
                for (size_t i = 0; i < ROWS * CONTEXT; i++) named |= moved[i] == (float)row;
                const bool same = !memcmp(before + row * table->columns, after + row * table->columns,
                                          table->columns * sizeof(float));
                if (same == named) fail_msg("%s, step %u: row %zu %s", o.kind, step, row, named ? "stays" : "moves");
                assert_int_equal(table->touched[row], named);
            }
        }
        weir_optimizer_free(optimizer);
        weir_graph_free(graph);
        free(before);
        free(moved);
    }
}

static void test_refused(void **state) {
    (void)state;
    weir_graph *graph = create_deep("gelu", "rectifier", NULL, 4, WEIR_FLOAT32);
    static const float wrong[] = {-1, VOCABULARY, 1.5f};
    for (size_t k = 0; k < COUNT(wrong); k++) {
        float rows[ROWS * CONTEXT] = {0};
        rows[2 * CONTEXT + 1] = wrong[k];
        const weir_pass pass = pass_of(rows);
        assert_int_equal(weir_graph_forward(graph, &pass, &error), WEIR_DATA);
        assert_non_null(strstr(error.text, "token 1 of row 2 is"));
    }
    weir_graph_free(graph);
    static const struct {
        weir_node node;
        weir_status status;
        const char *text;
    } cases[] = {
        {{.kind = "embedding", .vocabulary = 5}, WEIR_SHAPE, "needs a vocabulary and a dimension"},
        {{.kind = "embedding", .vocabulary = 5, .dimension = 1u << 24}, WEIR_SHAPE, "above the limit"},
        {{.kind = "embedding", .vocabulary = 5, .dimension = 2, .bias = 1}, WEIR_ARGUMENT, "takes no init_inputs"},
        {{.kind = "tanh", .vocabulary = 5}, WEIR_ARGUMENT, "takes no vocabulary or dimension"},
        {{.kind = "rms-norm", .bias = 1}, WEIR_ARGUMENT, "takes no bias"},
        {{.kind = "layer-norm", .max_norm = 1}, WEIR_ARGUMENT, "no max_norm"},
        {{.kind = "multiply", .from = "x, a"}, WEIR_SHAPE, "multiplies outputs of one size: 'x' has 6, 'a' 4"},
        {{.kind = "gated-affine", .from = "x", .gates = "g", .size = 11, .block = 3, .activation = "glu"},
         WEIR_SHAPE,
         "needs blocks of one size: 11 is no multiple of 3"},
        {{.kind = "gated-affine", .from = "x", .gates = "g", .size = 12, .block = 3, .activation = "glue"},
         WEIR_ARGUMENT,
         "activation"},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        const weir_node nodes[] = {{.name = "x", .kind = "input", .size = INPUTS},
                                   {.name = "a", .kind = "affine", .size = GATES},
                                   {.name = "g", .kind = "unit", .rule = "rectifier"},
                                   cases[k].node};
        const weir_graph_options options = weir_graph_options_default(ROWS);
        const weir_status status = weir_graph_create(&graph, nodes, 4, &options, &error);
        if (status != cases[k].status || !strstr(error.text, cases[k].text))
            fail_msg("case %zu: %s: %s", k, weir_status_name(status), error.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_masked_dense),
        cmocka_unit_test(test_deep_gradients),
        cmocka_unit_test(test_deep_masked_dense),
        cmocka_unit_test(test_untouched_rows),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("deep", tests, fill_batch, NULL);
}
