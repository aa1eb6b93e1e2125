// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What is said of gates and parameters that do nothing: shares of a rule that lists all outcomes, gates that no row
// opens, how gates share the work, tensors that no gradient reaches. And what a mixture has for rows that open nothing:
// a shared expert, or "at least one open".

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

/// Gates of the part, and what is said of them, by looking at every pair of rows.
static weir_load load_by_pairs(const float *h, size_t gates) {
    weir_load load = {.gates = gates};
    double both[3] = {0}, one[3] = {0}, count[GATES] = {0}, sum = 0, most = 0;
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t other = 0; other < ROWS; other++) {
            const size_t kind = labels[r] == labels[other] ? 1 : 2;
            for (size_t g = 0; g < gates && other != r; g++) {
                const double open = h[r * gates + g] != 0, too = open * (h[other * gates + g] != 0);
                both[0] += too, both[kind] += too;
                one[0] += open, one[kind] += open;
            }
        }
        for (size_t g = 0; g < gates; g++) count[g] += h[r * gates + g] != 0;
    }
    for (size_t g = 0; g < gates; g++) sum += count[g], most = fmax(most, count[g]), load.dead += count[g] == 0;
    for (size_t g = 0; g < gates; g++)
        load.entropy -= count[g] > 0 ? count[g] / sum * log(count[g] / sum) / log((double)gates) : 0;
    load.greatest = most / (sum / (double)gates);
    load.overlap = both[0] / one[0];
    load.same_class = both[1] / one[1];
    load.other_class = both[2] / one[2];
    return load;
}

static void assert_load(const weir_load *found, const weir_load *expected) {
    assert_int_equal(found->dead, expected->dead);
    assert_true(fabs(found->entropy - expected->entropy) < 1e-12);
    assert_true(fabs(found->greatest - expected->greatest) < 1e-12);
    assert_true(fabs(found->overlap - expected->overlap) < 1e-12);
    assert_true(fabs(found->same_class - expected->same_class) < 1e-12);
    assert_true(fabs(found->other_class - expected->other_class) < 1e-12);
}

static void test_load(void **state) {
    (void)state;
    weir_graph *graph = gated("straight-through", 0);
    weir_rows *rows = NULL;
    weir_load *loads = NULL;
    size_t count = 0;
    must(weir_rows_create(&rows, inputs, ROWS, INPUTS, &error), &error);
    weir_part part = {.rows = rows, .labels = labels, .count = ROWS};
    const weir_tensor *bias = tensor_of(graph, 1, true);
    float *values = weir_graph_parameters(graph).values + bias->offset;
    for (int moved = 0; moved < 3; moved++) {
        if (moved == 1) values[0] = 0.8F, values[1] = -1000;
        if (moved == 2) values[0] = values[2] = values[3] = -1000;
        must(weir_loads_measure(&loads, &count, graph, &part, &error), &error);
        const weir_pass pass = {.mode = WEIR_MODE_DECIDE, .rows = ROWS, .inputs = inputs};
        must(weir_graph_forward(graph, &pass, &error), &error);
        assert_true(count == 1 && loads->node == 2 && loads->gates == GATES);
        const float *h = weir_graph_output(graph, 2);
        if (moved < 2) {
            const weir_load expected = load_by_pairs(h, GATES);
            assert_load(loads, &expected);
        } else {
            assert_true(loads->dead == GATES && isnan(loads->entropy) && isnan(loads->overlap));
        }
        for (size_t g = 0; g < GATES; g++) {
            double open = 0;
            for (size_t r = 0; r < ROWS; r++) open += (h[r * GATES + g] != 0) / (double)ROWS;
            assert_true(fabs(loads->open[g] - open) < 1e-12);
        }
        weir_loads_free(loads);
    }
    part.labels = NULL;
    must(weir_loads_measure(&loads, &count, graph, &part, &error), &error);
    assert_true(isnan(loads->same_class) && isnan(loads->other_class));
    weir_loads_free(loads);
    weir_rows_free(rows);
    weir_graph_free(graph);
}

/// A mixture beside an expert that every row passes, as mnist-moe has it.
static weir_graph *mixture(const char *rule, double bias) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "a", .kind = "affine", .size = GATES, .bias = bias},
        {.name = "g", .kind = "unit", .rule = rule},
        {.name = "experts", .kind = "gated-affine", .from = "x", .gates = "g", .size = 8, .block = 2, .bias = 0.3},
        {.name = "routed", .kind = "affine", .size = 3},
        {.name = "shared", .kind = "affine", .from = "x", .size = 4},
        {.name = "active", .kind = "rectifier"},
        {.name = "always", .kind = "affine", .size = 3},
        {.name = "both", .kind = "add", .from = "routed, always"},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    weir_graph *graph = NULL;
    const weir_graph_options options = weir_graph_options_default(ROWS);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    return graph;
}

static double norm_of_gradient(weir_graph *graph, const char *node) {
    const weir_tensor *t = tensor_of(graph, weir_graph_find(graph, node), false);
    const float *g = weir_graph_parameters(graph).gradients + t->offset;
    double sum = 0;
    for (size_t k = 0; k < t->rows * t->columns; k++) sum += (double)g[k] * (double)g[k];
    return sum;
}

/// Rows that open no expert have the output of the shared one, which learns from them; the others do not.
static void test_shared_expert(void **state) {
    (void)state;
    weir_graph *graph = mixture("mixture:weights=sigmoid,draw=threshold", -1000);
    const weir_pass pass = {.mode = WEIR_MODE_SAMPLE, .rows = ROWS, .inputs = inputs, .labels = labels};
    must(weir_graph_forward(graph, &pass, &error), &error);
    assert_int_equal(weir_graph_node_counters(graph, 2).gates_open, 0);
    const float *both = weir_graph_output(graph, 8), *always = weir_graph_output(graph, 7);
    const weir_tensor *bias = tensor_of(graph, 4, true);
    for (size_t k = 0; k < ROWS * 3; k++)
        assert_true(fabsf(both[k] - always[k] - weir_graph_parameters(graph).values[bias->offset + k % 3]) < 1e-6F);
    must(weir_graph_backward(graph, &pass, &error), &error);
    assert_true(norm_of_gradient(graph, "shared") > 0 && norm_of_gradient(graph, "always") > 0);
    assert_true(norm_of_gradient(graph, "experts") == 0 && norm_of_gradient(graph, "routed") == 0);
    weir_graph_free(graph);
}

/// least=one: where a row would open nothing its greatest score is open, drawn and decided, and that expert learns.
static void test_at_least_one(void **state) {
    (void)state;
    weir_graph *graph = mixture("mixture:draw=threshold,least=one", -3);
    const weir_mode modes[] = {WEIR_MODE_SAMPLE, WEIR_MODE_DECIDE};
    for (size_t m = 0; m < COUNT(modes); m++) {
        const weir_pass pass = {.mode = modes[m], .rows = ROWS, .inputs = inputs, .labels = labels};
        must(weir_graph_forward(graph, &pass, &error), &error);
        const float *a = weir_graph_output(graph, 1), *h = weir_graph_output(graph, 2);
        size_t alone = 0;
        for (size_t r = 0; r < ROWS; r++) {
            size_t open = 0, above = 0, best = 0;
            for (size_t g = 0; g < GATES; g++) {
                open += h[r * GATES + g] != 0;
                above += a[r * GATES + g] > 0;
                if (a[r * GATES + g] > a[r * GATES + best]) best = g;
            }
            assert_true(open == (above > 0 ? above : 1) && h[r * GATES + best] != 0);
            alone += above == 0;
        }
        assert_true(alone > ROWS / 2 && alone < ROWS); // some rows open gates by themselves, most do not
        if (modes[m] == WEIR_MODE_DECIDE) break;
        must(weir_graph_backward(graph, &pass, &error), &error);
        assert_true(norm_of_gradient(graph, "experts") > 0 && norm_of_gradient(graph, "routed") > 0);
    }
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
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_shared_expert),
        cmocka_unit_test(test_at_least_one),
        cmocka_unit_test(test_what_learns),
    };
    return cmocka_run_group_tests_name("shares", tests, fill_batch, NULL);
}
