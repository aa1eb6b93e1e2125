// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The sparsity penalties against eq. 14 and 15 in double and their central differences, the adaptive weight, the push
// on biases, and whether all of it holds a share where it is asked to.

#include "testing.h"

#include "train_bed.h"

#include "config/options.h"
#include "train/sparsity.h"

enum { most_rows = 64, most_units = 200, most_values = most_rows * most_units };

static double draw(void) { return (double)uniform() + 0x1p-25; }

// Three small rules: a binary unit, one that opens with probability √σ(a), and a rectifier with its own slope.
static double sigmoid(double a) { return 1 / (1 + exp(-a)); }

static void opening_binary(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    (void)unit;
    for (size_t k = 0; k < count; k++) {
        const double p = sigmoid(a[k]);
        q[k] = (float)p;
        if (dq) dq[k] = (float)(p * (1 - p));
    }
}

static void opening_root(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    (void)unit;
    for (size_t k = 0; k < count; k++) {
        const double p = sigmoid(a[k]), root = sqrt(p);
        q[k] = (float)root;
        if (dq) dq[k] = (float)(root * (1 - p) / 2);
    }
}

static void backward_rectifier(const weir_unit *unit, const weir_unit_batch *b) {
    (void)unit;
    for (size_t k = 0; k < b->rows * b->units; k++) b->da[k] = b->h[k] > 0 ? b->dh[k] : 0;
}

static const weir_draw draw_binary = {.opening = opening_binary}, draw_root = {.opening = opening_root};
static const weir_rule rule_binary = {
    .name = "binary", .traits = WEIR_TRAIT_SPARSE | WEIR_TRAIT_BINARY, .draw = &draw_binary};
static const weir_rule rule_root = {.name = "root", .traits = WEIR_TRAIT_SPARSE, .draw = &draw_root};
static const weir_rule rule_rectifier = {.name = "rectifier",
                                         .traits = WEIR_TRAIT_SPARSE | WEIR_TRAIT_PATHWISE,
                                         .draw = &draw_binary,
                                         .backward = backward_rectifier};

static weir__sparsity control_of(const char *kind, double target, double weight) {
    weir__sparsity all = {.options = weir_train_options_default().sparsity, .target = target};
    all.options.kind = kind;
    all.options.target = target;
    all.options.weight = weight;
    all.rule = weir__sparsity_find(kind);
    assert_non_null(all.rule);
    return all;
}

// ---- value and gradient --------------------------------------------------------------------------------------------

typedef double (*opening_double)(double a);
static double root_of_sigmoid(double a) { return sqrt(sigmoid(a)); }

// Eq. 14 as it is printed.
static double kl_value(const double *a, size_t rows, size_t units, double s, double weight, opening_double q) {
    double sum = 0;
    for (size_t i = 0; i < units; i++) {
        double p = 0;
        for (size_t r = 0; r < rows; r++) p += q(a[r * units + i]) / (double)rows;
        sum += s * log(p) + (1 - s) * log(1 - p);
    }
    return -weight * sum;
}

static void check_kl(const weir_rule *rule, opening_double q, size_t rows, size_t units, double target) {
    const double weight = 0.7, before = 0.25;
    weir__sparsity all = control_of("kl", target, weight);
    weir__gate_control gate;
    static float a[most_values], h[most_values], da[most_values];
    static double exact[most_values];
    const size_t count = rows * units;
    const weir_unit unit = {.rule = rule};
    for (size_t k = 0; k < count; k++) {
        exact[k] = a[k] = (float)(draw() * 8 - 5);
        h[k] = (float)(draw() < 0.3);
        da[k] = (float)before; // the penalty adds
    }
    assert_int_equal(weir__gate_control_init(&gate, &all, rows, units, NULL), WEIR_OK);
    const double value = all.rule->penalty(&gate, &unit, rows, units, a, h, da);
    const double expected = kl_value(exact, rows, units, target, weight, q);
    if (!(fabs(value - expected) <= 1e-5 * fabs(expected))) fail_msg("value %.9g, expected %.9g", value, expected);
    double greatest = 0;
    for (size_t k = 0; k < count; k++) {
        const double step = 1e-4, at = exact[k];
        exact[k] = at + step;
        const double above = kl_value(exact, rows, units, target, weight, q);
        exact[k] = at - step;
        const double below = kl_value(exact, rows, units, target, weight, q);
        exact[k] = at;
        const double slope = (above - below) / (2 * step), got = da[k] - before;
        greatest = fmax(greatest, fabs(slope));
        if (!(fabs(got - slope) <= 1e-6 + 1e-4 * fabs(slope)))
            fail_msg("slope %zu: %.9g, expected %.9g", k, got, slope);
    }
    assert_true(greatest > 1e-3);
    double share = 0;
    for (size_t k = 0; k < count; k++) share += h[k] / (double)count;
    assert_true(fabs(gate.share - share) <= 1e-6);
    weir__gate_control_free(&gate);
}

static void test_kl(void **unused) {
    (void)unused;
    check_kl(&rule_binary, sigmoid, 32, 70, 0.1);
    check_kl(&rule_root, root_of_sigmoid, 7, 5, 0.3);
    check_kl(&rule_binary, sigmoid, 1, 65, 0.5);
}

static void test_kl_saturated(void **unused) {
    (void)unused;
    weir__sparsity all = control_of("kl", 0.1, 1);
    weir__gate_control gate;
    const weir_unit unit = {.rule = &rule_binary};
    const float a[4] = {-200, 200, -200, 200};
    float h[4] = {0, 1, 0, 1}, da[4] = {0};
    assert_int_equal(weir__gate_control_init(&gate, &all, 2, 2, NULL), WEIR_OK);
    const double value = all.rule->penalty(&gate, &unit, 2, 2, a, h, da);
    assert_true(isfinite(value) && value > 0);
    for (size_t k = 0; k < 4; k++) assert_true(isfinite(da[k]));
    assert_true(gate.opened[0] == 0 && gate.opened[1] == 1);
    weir__gate_control_free(&gate);
}

static void test_l1(void **unused) {
    (void)unused;
    enum { rows = 9, units = 70, count = rows * units };
    const double weight = 0.02;
    weir__sparsity all = control_of("l1", 0.1, weight);
    weir__gate_control gate;
    static float a[count], h[count], da[count];
    double expected = 0;
    for (size_t k = 0; k < count; k++) {
        a[k] = (float)(draw() * 4 - 3);
        h[k] = a[k] > 0 ? a[k] : 0;
        expected += weight / rows * h[k];
    }
    assert_int_equal(weir__gate_control_init(&gate, &all, rows, units, NULL), WEIR_OK);
    const weir_unit rectifier = {.rule = &rule_rectifier}, binary = {.rule = &rule_binary};
    const double value = all.rule->penalty(&gate, &rectifier, rows, units, a, h, da);
    if (!(fabs(value - expected) <= 1e-6 * expected)) fail_msg("value %.9g, expected %.9g", value, expected);
    for (size_t k = 0; k < count; k++) {
        const double slope = h[k] > 0 ? weight / rows : 0;
        if (!(fabs(da[k] - slope) <= 1e-7)) fail_msg("slope %zu: %.9g, expected %.9g", k, da[k], slope);
    }
    // Of outputs 0 and 1 the mean is q.
    memset(da, 0, sizeof da);
    (void)all.rule->penalty(&gate, &binary, rows, units, a, h, da);
    for (size_t k = 0; k < count; k++) {
        const double p = sigmoid(a[k]), slope = weight / rows * p * (1 - p);
        if (!(fabs(da[k] - slope) <= 1e-8)) fail_msg("slope %zu: %.9g, expected %.9g", k, da[k], slope);
    }
    weir__gate_control_free(&gate);
}

/// The expected number of open gates, whatever the outputs are.
static void test_l0(void **unused) {
    (void)unused;
    enum { rows = 9, units = 70, count = rows * units };
    const double weight = 0.02, before = 0.5;
    weir__sparsity all = control_of("l0", 0.1, weight);
    weir__gate_control gate;
    static float a[count], h[count], da[count];
    double expected = 0, share = 0;
    for (size_t k = 0; k < count; k++) {
        a[k] = (float)(draw() * 4 - 3);
        h[k] = (float)(draw() < 0.3);
        da[k] = (float)before;
        expected += weight / rows * root_of_sigmoid(a[k]);
        share += h[k] / (double)count;
    }
    assert_int_equal(weir__gate_control_init(&gate, &all, rows, units, NULL), WEIR_OK);
    const weir_unit root = {.rule = &rule_root};
    const double value = all.rule->penalty(&gate, &root, rows, units, a, h, da);
    if (!(fabs(value - expected) <= 1e-6 * expected)) fail_msg("value %.9g, expected %.9g", value, expected);
    assert_true(fabs(gate.share - share) <= 1e-6);
    for (size_t k = 0; k < count; k++) {
        const double p = sigmoid(a[k]), slope = weight / rows * 0.5 * sqrt(p) * (1 - p);
        if (!(fabs(da[k] - before - slope) <= 1e-7)) fail_msg("slope %zu: %.9g, expected %.9g", k, da[k], slope);
    }
    weir__gate_control_free(&gate);
    assert_ptr_equal(all.rule->adapt, weir__sparsity_find("l1")->adapt);
}

/// Penalties on variables of several outputs: the value is a function of a alone once loads are held fixed, so that its
/// differences are the gradient.
static void test_penalties_of_variables(void **unused) {
    (void)unused;
    enum { rows = 6, units = 10, count = rows * units };
    const struct {
        const char *kind, *unit;
    } cases[] = {{"kl", "rloo:draw=one-of,of=5"},
                 {"kl", "rloo:draw=k-subset,of=5"},
                 {"load-l1", "rloo:draw=one-of,of=5"},
                 {"switch", "mixture:of=5"},
                 {"switch", "rloo"},
                 {"z", "mixture:of=5"},
                 {"z", "rloo"}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        weir__sparsity all = control_of(cases[c].kind, 0.3, 0.7);
        weir__gate_control gate;
        weir_unit unit;
        static float a[count], h[count], da[count], unused_da[count];
        assert_int_equal(weir_unit_parse(&unit, cases[c].unit, NULL), WEIR_OK);
        assert_int_equal(weir_unit_fit(&unit, units, NULL), WEIR_OK);
        for (size_t k = 0; k < count; k++) {
            a[k] = (float)(draw() * 4 - 2);
            h[k] = (float)(draw() < 0.4);
            da[k] = 0.5f;
        }
        assert_int_equal(weir__gate_control_init(&gate, &all, rows, units, NULL), WEIR_OK);
        (void)all.rule->penalty(&gate, &unit, rows, units, a, h, da);
        double greatest = 0;
        for (size_t k = 0; k < count; k++) {
            const float step = 0.02f, at = a[k];
            a[k] = at + step;
            const double above = all.rule->penalty(&gate, &unit, rows, units, a, h, unused_da);
            a[k] = at - step;
            const double below = all.rule->penalty(&gate, &unit, rows, units, a, h, unused_da);
            a[k] = at;
            const double slope = (above - below) / (2 * (double)step), got = (double)da[k] - 0.5;
            greatest = fmax(greatest, fabs(slope));
            if (!(fabs(got - slope) <= 2e-4 + 2e-3 * fabs(slope)))
                fail_msg("%s of %s: slope %zu is %.6g, expected %.6g", cases[c].kind, cases[c].unit, k, got, slope);
        }
        assert_true(greatest > 1e-3);
        weir__gate_control_free(&gate);
    }
}

/// Biases move up where a unit was open too rarely, and down where too often.
static void test_balance(void **unused) {
    (void)unused;
    weir__sparsity all = control_of("none", 0.25, 0);
    weir__gate_control gate;
    const weir_unit unit = {.rule = &rule_binary};
    const float a[12] = {0};
    float h[12] = {1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0}, biases[3] = {0.5f, 0.5f, 0.5f};
    all.options.bias_balance = 0.125;
    assert_int_equal(weir__gate_control_init(&gate, &all, 4, 3, NULL), WEIR_OK);
    (void)all.rule->penalty(&gate, &unit, 4, 3, a, h, NULL);
    weir__gate_control_update(&gate, biases);
    assert_true(biases[0] == 0.375f && biases[1] == 0.625f && biases[2] == 0.5f);
    weir__gate_control_free(&gate);
}

// ---- adaptive weight and push --------------------------------------------------------------------------------------

static double adapted(const weir__sparsity *all, double weight, double share) {
    return all->rule->adapt(&all->options, all->target, weight, share);
}

static void test_weight_adapts(void **unused) {
    (void)unused;
    weir__sparsity all = control_of("l1", 0.1, 1e-5);
    all.options.adapt = 1.1;
    all.options.tolerance = 0.01;
    assert_true(fabs(adapted(&all, 1e-5, 0.12) - 1.1e-5) <= 1e-15);
    assert_true(fabs(adapted(&all, 1e-5, 0.08) - 1e-5 / 1.1) <= 1e-15);
    assert_true(adapted(&all, 1e-5, 0.105) == 1e-5 && adapted(&all, 1e-5, 0.095) == 1e-5);
    double weight = 1e-5;
    for (int n = 0; n < 2000; n++) weight = adapted(&all, weight, 0);
    assert_true(weight > 0); // it can come back
    for (int n = 0; n < 2000; n++) weight = adapted(&all, weight, 1);
    assert_true(isfinite(weight) && weight > 1);

    all = control_of("kl", 0.1, 0.5);
    all.options.adapt = 1; // fixed
    assert_true(adapted(&all, 0.5, 0.9) == 0.5 && adapted(&all, 0.5, 0.1) == 0.5);
    all.options.adapt = 2;
    assert_true(adapted(&all, 0.5, 0.9) == 1 && adapted(&all, 0.5, 0) == 1); // pulls harder from both sides
    assert_true(adapted(&all, 4, 0.1) == 2 && adapted(&all, 0.5, 0.1) == 0.5);

    all = control_of("none", 0.1, 0.5);
    assert_true(adapted(&all, 0.5, 0.9) == 0.5);
}

static void test_push(void **unused) {
    (void)unused;
    enum { rows = 4, units = 3 };
    weir__sparsity all = control_of("none", 0.3, 0);
    all.options.bias_push = 0.25;
    all.options.bias_rate = 0.1;
    all.options.average = 0.5;
    weir__gate_control gate;
    const weir_unit unit = {.rule = &rule_binary};
    // Unit 0 never opens, unit 1 opens in one row of four, unit 2 always.
    const float a[rows * units] = {0}, h[rows * units] = {0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1};
    float da[rows * units] = {0}, biases[units] = {-1, -1, -1};
    assert_int_equal(weir__gate_control_init(&gate, &all, rows, units, NULL), WEIR_OK);
    for (int n = 0; n < 5; n++) {
        assert_true(all.rule->penalty(&gate, &unit, rows, units, a, h, da) == 0);
        weir__gate_control_update(&gate, biases);
    }
    // 0.3, then 0.15, 0.075, 0.0375, 0.01875, 0.009375: four of five are under 0.1.
    assert_true(fabsf(gate.average[0] - 0.009375f) <= 1e-7f);
    assert_true(biases[0] == 0 && biases[1] == -1 && biases[2] == -1);
    assert_true(fabsf(gate.average[2] - (1 - 0.7f / 32)) <= 1e-6f);
    for (size_t k = 0; k < rows * units; k++) assert_true(da[k] == 0);
    weir__gate_control_free(&gate);
}

// ---- control of a share --------------------------------------------------------------------------------------------

// Gates with a bias each and noise in their pre-activations, under a constant pull open; steepest descent on the
// biases.
static double share_reached(const char *kind, const weir_rule *rule, double target, double weight, double adapt) {
    enum { rows = 32, units = 200, steps = 2000, measured = 500 };
    weir__sparsity all = control_of(kind, target, weight);
    all.options.adapt = adapt;
    weir__gate_control gate;
    static float a[rows * units], h[rows * units], da[rows * units], biases[units];
    const weir_unit unit = {.rule = rule};
    double share = 0;
    assert_int_equal(weir__gate_control_init(&gate, &all, rows, units, NULL), WEIR_OK);
    for (size_t i = 0; i < units; i++) biases[i] = (float)(draw() - 0.5);
    for (int n = 0; n < steps; n++) {
        for (size_t k = 0; k < rows * units; k++) {
            a[k] = biases[k % units] + (float)(2 * draw() - 1);
            const bool open = rule == &rule_rectifier ? a[k] > 0 : draw() < sigmoid(a[k]);
            h[k] = rule == &rule_rectifier ? fmaxf(a[k], 0) : (float)open;
            da[k] = -0.001f / rows; // the loss wants open gates
        }
        (void)all.rule->penalty(&gate, &unit, rows, units, a, h, da);
        for (size_t k = 0; k < rows * units; k++) biases[k % units] -= da[k];
        weir__gate_control_update(&gate, NULL);
        if (n >= steps - measured) share += gate.share / measured;
    }
    weir__gate_control_free(&gate);
    return share;
}

static void expect_share(double share, double target) {
    if (!(fabs(share - target) <= 0.01)) fail_msg("share %g, wanted %g", share, target);
}

static void test_share_is_held(void **unused) {
    (void)unused;
    expect_share(share_reached("kl", &rule_binary, 0.1, 0.5, 1), 0.1);
    expect_share(share_reached("kl", &rule_binary, 0.4, 0.5, 1), 0.4);
    expect_share(share_reached("l1", &rule_rectifier, 0.1, 1e-5, 1.1), 0.1);
    expect_share(share_reached("l1", &rule_rectifier, 0.25, 1e-2, 1.02), 0.25);
    // And without control it is not: what holds the share is the penalty.
    assert_true(share_reached("none", &rule_binary, 0.1, 0, 1) > 0.5);
}

// ---- in a graph ----------------------------------------------------------------------------------------------------

static weir_graph *graph_for(const char *rule, weir_sparsity_options *o, weir__sparsity *all) {
    weir_error error = {0};
    weir_node nodes[bed_nodes_most];
    weir_graph *graph = bed_graph(nodes, bed_network(nodes, rule), 32);
    must(weir__sparsity_init(all, graph, o, 32, &error), &error);
    assert_int_equal(all->count, 1);
    assert_string_equal(weir_graph_nodes(graph, NULL)[all->gates[0].node].name, "gates");
    return graph;
}

// The gradient of loss and penalty together, through the network, against differences.
static void test_gradient_in_a_graph(void **unused) {
    (void)unused;
    static const struct {
        const char *rule, *kind;
        double weight;
    } cases[] = {{"sigmoid", "kl", 0.5}, {"noisy-rectifier", "l1", 0.5}};
    weir_data *data = bed_digits(32, 10, 10);
    const weir_part part = weir_data_train(data);
    static float inputs[32 * 784];
    weir_rows_copy(part.rows, inputs, NULL, part.first, 32);
    for (size_t i = 0; i < 2; i++) {
        weir_error error = {0};
        weir_gradient_report report;
        weir__sparsity all;
        weir_sparsity_options o = weir_train_options_default().sparsity;
        o.kind = cases[i].kind;
        o.weight = cases[i].weight;
        weir_graph *graph = graph_for(cases[i].rule, &o, &all);
        const weir_pass pass = {.mode = WEIR_MODE_SAMPLE,
                                .rows = 32,
                                .inputs = inputs,
                                .labels = part.labels + part.first,
                                .seed = 4,
                                .step = 9};
        must(weir_gradient_check(graph, &report, &pass, 3, &error), &error);
        assert_true(report.checked >= 6);
        if (!(report.error <= 0.02)) {
            fail_msg("%s with %s: %g at %s (%g, %g)", cases[i].rule, cases[i].kind, report.error, report.worst,
                     report.analytic, report.numeric);
        }
        must(weir_graph_forward(graph, &pass, &error), &error);
        must(weir_graph_backward(graph, &pass, &error), &error);
        assert_true(weir_graph_penalty(graph) > 0.01);
        weir__sparsity_free(&all);
        // Detached: the penalty is gone.
        must(weir_graph_forward(graph, &pass, &error), &error);
        must(weir_graph_backward(graph, &pass, &error), &error);
        assert_true(weir_graph_penalty(graph) == 0);
        weir_graph_free(graph);
    }
    weir_data_free(data);
}

static void test_push_in_a_graph(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir__sparsity all;
    weir_sparsity_options o = weir_train_options_default().sparsity;
    o.kind = "none";
    o.bias_push = 0.5;
    o.bias_rate = 0.2;
    weir_graph *graph = graph_for("sts", &o, &all);
    const weir_parameters p = weir_graph_parameters(graph);
    const size_t logits = weir_graph_find(graph, "logits");
    weir__gate_control *gate = &all.gates[0];
    for (size_t i = 0; i < gate->units; i++) gate->average[i] = i == 7 ? 0 : 1;
    weir__sparsity_update(&all);
    size_t seen = 0;
    for (size_t i = 0; i < p.tensor_count; i++) {
        if (p.tensors[i].columns > 1) continue;
        for (size_t k = 0; k < p.tensors[i].rows; k++, seen++) {
            const float expected = p.tensors[i].node == logits && k == 7 ? 0.5f : 0;
            assert_true(p.values[p.tensors[i].offset + k] == expected);
        }
    }
    assert_true(seen > gate->units);
    weir__sparsity_free(&all);
    weir_graph_free(graph);

    // Gates that read something without a bias cannot be pushed.
    weir_node nodes[bed_nodes_most];
    const size_t count = bed_network(nodes, "sts");
    nodes[3] = (weir_node){.name = "logits", .kind = "tanh"};
    nodes[1].size = 24;
    graph = bed_graph(nodes, count, 32);
    assert_int_equal(weir__sparsity_init(&all, graph, &o, 32, &error), WEIR_CONFIG);
    assert_non_null(strstr(error.text, "gates"));
    weir_graph_free(graph);
}

/// A training with draw=threshold and a quantile of each batch: share in its last epoch, on validation and on test
/// rows.
static void threshold_shares(double shares[3], const char *rule, double quantile) {
    weir_error error = {0};
    weir_node nodes[bed_nodes_most];
    weir_data *data = bed_digits(2000, 1000, 1000);
    weir_graph *graph = bed_graph(nodes, bed_network(nodes, rule), 50);
    weir_trainer *trainer = NULL;
    weir_train_options o = weir_train_options_default();
    weir_evaluation tested = {0};
    o.epochs = 5;
    o.batch = 50;
    o.test_threshold = false;
    o.optimizer.kind = "adam";
    o.optimizer.rate = 0.002;
    o.sparsity.kind = "none";
    o.sparsity.target = 0.1;
    o.sparsity.bias_quantile = quantile;
    must(weir_trainer_create(&trainer, graph, data, &o, &error), &error);
    must(weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error), &error);
    size_t count;
    const weir_epoch *epochs = weir_trainer_epochs(trainer, &count, NULL);
    shares[0] = epochs[count - 1].train_share;
    shares[1] = epochs[count - 1].valid_share;
    const weir_part part = weir_data_test(data);
    must(weir_evaluate(graph, &tested, NULL, &part, WEIR_MODE_DECIDE, &error), &error);
    shares[2] = tested.share;
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(data);
}

/// A running quantile holds each unit's share without a penalty, in training and at test time: within 0.02 of 0.1
/// after 120 steps. Steps of one size are still far from it.
static void test_quantile_holds_the_share(void **unused) {
    (void)unused;
    const char *const rules[] = {"mixture:weights=sigmoid,draw=threshold",
                                 "mixture:weights=sigmoid,draw=threshold,least=one", "rectifier", "jump-relu:jump=0.2"};
    double shares[3];
    for (size_t r = 0; r < COUNT(rules); r++) {
        threshold_shares(shares, rules[r], 0.5);
        for (size_t k = 0; k < 3; k++)
            if (!(fabs(shares[k] - 0.1) <= 0.02)) fail_msg("%s: share %zu is %g, wanted 0.1", rules[r], k, shares[k]);
    }
    threshold_shares(shares, rules[0], 0);
    if (!(shares[1] > 0.2)) fail_msg("a share of %g without anything that holds it", shares[1]);
}

/// Penalties whose gradient would be 0 everywhere are refused, with what holds a share instead.
static void test_penalties_without_a_gradient(void **unused) {
    (void)unused;
    static const struct {
        const char *rule, *kind;
        bool refused;
    } cases[] = {{"mixture", "kl", true},
                 {"mixture", "switch", false},
                 {"mixture:draw=gumbel-top-k", "load-l1", true},
                 {"rloo:draw=k-subset", "kl", false},
                 {"rloo:draw=one-of", "l0", false},
                 {"mixture:weights=sigmoid,draw=threshold", "l1", true},
                 {"mixture:draw=statistical-top-k", "l0", true},
                 {"mixture:draw=noisy-top-k", "none", false},
                 {"jump-relu", "l1", true},
                 {"rectifier", "kl", true},
                 {"rectifier", "l1", false}};
    for (size_t c = 0; c < COUNT(cases); c++) {
        weir_error error = {0};
        weir__sparsity all;
        weir_node nodes[bed_nodes_most];
        weir_sparsity_options o = weir_train_options_default().sparsity;
        o.kind = cases[c].kind;
        weir_graph *graph = bed_graph(nodes, bed_network(nodes, cases[c].rule), 32);
        const weir_status status = weir__sparsity_init(&all, graph, &o, 32, &error);
        if (status != (cases[c].refused ? WEIR_CONFIG : WEIR_OK))
            fail_msg("%s with %s: %d, %s", cases[c].rule, cases[c].kind, (int)status, error.text);
        if (cases[c].refused)
            assert_non_null(strstr(error.text, "has no gradient for the gates \"gates\""));
        else
            weir__sparsity_free(&all);
        weir_graph_free(graph);
    }
}

static void test_bad_options(void **unused) {
    (void)unused;
    weir_error error;
    weir_sparsity_options o = weir_train_options_default().sparsity;
    assert_int_equal(weir__options_check(&weir__sparsity_fields, &o, &error), WEIR_OK);
    o.kind = "l2";
    assert_int_equal(weir__options_check(&weir__sparsity_fields, &o, &error), WEIR_CONFIG);
    assert_non_null(strstr(error.text, "l2"));
    double *const fields[] = {&o.target,    &o.train_target, &o.weight,    &o.adapt,
                              &o.tolerance, &o.bias_push,    &o.bias_rate, &o.average};
    static const double wrong[] = {-0.5, NAN, INFINITY};
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        for (size_t n = 0; n < sizeof wrong / sizeof *wrong; n++) {
            o = weir_train_options_default().sparsity;
            *fields[f] = wrong[n];
            assert_int_equal(weir__options_check(&weir__sparsity_fields, &o, &error), WEIR_CONFIG);
            assert_non_null(strstr(error.text, "sparsity."));
        }
    }
    o = weir_train_options_default().sparsity;
    o.target = 0;
    assert_int_equal(weir__options_check(&weir__sparsity_fields, &o, &error), WEIR_CONFIG);
    o.target = 1;
    assert_int_equal(weir__options_check(&weir__sparsity_fields, &o, &error), WEIR_CONFIG);
}

// Two layers of gates, one with a target of its own: thresholds, the penalty's steering and λ follow each one's.
static void test_own_targets(void **state) {
    (void)state;
    static const weir_node nodes[] = {
        {.name = "in", .kind = "input", .size = 8},
        {.name = "gater1", .kind = "affine", .size = 10, .init = 4},
        {.name = "gates1", .kind = "unit", .rule = "noisy-rectifier:sd=0.3"},
        {.name = "first", .kind = "gated-affine", .from = "in", .gates = "gates1", .size = 20, .block = 2},
        {.name = "gater2", .kind = "affine", .from = "in", .size = 10, .init = 4},
        {.name = "gates2", .kind = "unit", .rule = "noisy-rectifier:sd=0.3", .target = 0.2},
        {.name = "second", .kind = "gated-affine", .from = "first", .gates = "gates2", .size = 20, .block = 2},
        {.name = "out", .kind = "affine", .size = 3},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    enum { COUNT_ROWS = 400 };
    float values[COUNT_ROWS * 8];
    int32_t labels[COUNT_ROWS];
    weir_graph *graph = NULL;
    weir_data *data = NULL;
    weir_trainer *trainer = NULL;
    weir_error error = {0};
    const weir_graph_options options = weir_graph_options_default(50);
    for (size_t k = 0; k < COUNT_ROWS * 8; k++) values[k] = uniform() - 0.5f;
    for (size_t r = 0; r < COUNT_ROWS; r++) labels[r] = values[8 * r] > 0 ? 1 : values[8 * r + 1] > 0 ? 2 : 0;
    const weir_array_part part = {.rows = COUNT_ROWS, .values = values, .labels = labels};
    const weir_data_arrays arrays = {.columns = 8, .train = part, .valid = part};
    weir_train_options train = weir_train_options_default();
    train.epochs = 40;
    train.batch = 50;
    train.optimizer.kind = "adam";
    train.optimizer.rate = 0.01;
    train.sparsity.kind = "l1";
    train.sparsity.target = 0.6;
    train.sparsity.weight = 0.01;
    train.sparsity.adapt = 1.05;
    must(weir_graph_create(&graph, nodes, sizeof nodes / sizeof *nodes, &options, &error), &error);
    must(weir_data_create(&data, &arrays, NULL, &error), &error);
    must(weir_trainer_create(&trainer, graph, data, &train, &error), &error);
    must(weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error), &error);
    static const char *const names[] = {"gates1", "gates2"};
    static const double wanted[] = {0.6, 0.2};
    const weir_part valid = weir_data_valid(data);
    weir_evaluation found;
    weir_graph_counters_reset(graph);
    must(weir_evaluate(graph, &found, NULL, &valid, WEIR_MODE_DECIDE, &error), &error);
    for (size_t k = 0; k < 2; k++) {
        const weir_counters c = weir_graph_node_counters(graph, weir_graph_find(graph, names[k]));
        assert_true(fabs((double)c.gates_open / (double)c.gates - wanted[k]) < 0.02);
    }
    // In training, where no threshold helps, the gates stand on either side of the middle, too.
    weir_pass pass = {.mode = WEIR_MODE_SAMPLE, .rows = 50, .inputs = values, .labels = labels, .seed = 3};
    weir_graph_counters_reset(graph);
    must(weir_graph_forward(graph, &pass, &error), &error);
    for (size_t k = 0; k < 2; k++) {
        const weir_counters c = weir_graph_node_counters(graph, weir_graph_find(graph, names[k]));
        assert_true(fabs((double)c.gates_open / (double)c.gates - wanted[k]) < 0.15);
    }
    weir_trainer_free(trainer);
    weir_data_free(data);
    weir_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kl),
        cmocka_unit_test(test_kl_saturated),
        cmocka_unit_test(test_l1),
        cmocka_unit_test(test_l0),
        cmocka_unit_test(test_penalties_of_variables),
        cmocka_unit_test(test_balance),
        cmocka_unit_test(test_weight_adapts),
        cmocka_unit_test(test_push),
        cmocka_unit_test(test_share_is_held),
        cmocka_unit_test(test_gradient_in_a_graph),
        cmocka_unit_test(test_push_in_a_graph),
        cmocka_unit_test(test_quantile_holds_the_share),
        cmocka_unit_test(test_penalties_without_a_gradient),
        cmocka_unit_test(test_own_targets),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
