// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Rules that evaluate the loss several times, inside a graph. Enumeration of a layer (rule "exact") is compared with
// differences of its own mean loss, every other rule's mean gradient with that of enumeration, for parameters before,
// beside and behind the units; two layers with an enumeration of their own. And what a graph refuses.

#include "testing.h"

#include <weir/graph.h>
#include <weir/system.h>

enum { rows = 3, inputs = 3, classes = 3, most_nodes = 10 };

static const float batch_inputs[rows * inputs] = {0.5f, -1, 2, 1.5f, 0.3f, -0.7f, -1, 1, 0.2f};
static const int32_t batch_labels[rows] = {2, 0, 1};

typedef struct network {
    const char *name;
    weir_node nodes[most_nodes]; ///< the node named "units" gets its rule from the test
} network;

static const network networks[] = {
    {"dense",
     {{.kind = "input", .size = inputs},
      {.kind = "affine", .size = 3, .init = 1},
      {.kind = "unit", .name = "units"},
      {.kind = "affine", .size = 4, .init = 3},
      {.kind = "tanh"},
      {.kind = "affine", .size = classes, .init = 2},
      {.kind = "softmax-cross-entropy"}}},
    {"gated",
     {{.kind = "input", .size = inputs},
      {.kind = "affine", .name = "trunk", .size = 5, .init = 2},
      {.kind = "tanh", .name = "shared"},
      {.kind = "affine", .size = 3, .init = 1},
      {.kind = "unit", .name = "units"},
      {.kind = "gated-affine",
       .from = "shared",
       .gates = "units",
       .size = 8,
       .block = 3,
       .activation = "tanh",
       .init = 3},
      {.kind = "affine", .size = classes, .init = 2},
      {.kind = "softmax-cross-entropy"}}},
    // A gated layer before another whose gates evaluate the loss several times: it runs on all row groups.
    {"two-sided",
     {{.kind = "input", .name = "x", .size = inputs},
      {.kind = "affine", .size = 2, .bias = 0.5},
      {.kind = "unit", .name = "rectifiers", .rule = "rectifier"},
      {.kind = "gated-affine", .name = "first", .from = "x", .gates = "rectifiers", .size = 6, .block = 3, .init = 2},
      {.kind = "affine", .from = "x", .size = 2},
      {.kind = "unit", .name = "units"},
      {.kind = "gated-affine",
       .from = "first",
       .gates = "units",
       .size = 4,
       .block = 2,
       .activation = "tanh",
       .init = 3},
      {.kind = "affine", .size = classes, .init = 2},
      {.kind = "softmax-cross-entropy"}}},
};

static weir_status build(weir_graph **graph, const network *net, const char *rule, bool training, weir_error *error) {
    weir_node nodes[most_nodes];
    size_t count = 0;
    for (; count < most_nodes && net->nodes[count].kind; count++) {
        nodes[count] = net->nodes[count];
        if (!strcmp(nodes[count].kind, "unit") && !nodes[count].rule) nodes[count].rule = rule;
    }
    weir_graph_options options = weir_graph_options_default(rows);
    options.training = training;
    options.seed = 7;
    return weir_graph_create(graph, nodes, count, &options, error);
}

static weir_graph *graph_of(const network *net, const char *rule) {
    weir_graph *graph = NULL;
    weir_error error = {0};
    if (build(&graph, net, rule, true, &error) != WEIR_OK) fail_msg("%s, %s: %s", net->name, rule, error.text);
    return graph;
}

static weir_pass pass_at(uint32_t step) {
    return (weir_pass){.mode = WEIR_MODE_SAMPLE,
                       .rows = rows,
                       .inputs = batch_inputs,
                       .labels = batch_labels,
                       .seed = 11,
                       .step = step};
}

static void step(weir_graph *graph, uint32_t number, bool back) {
    weir_error error = {0};
    const weir_pass pass = pass_at(number);
    if (weir_graph_forward(graph, &pass, &error) != WEIR_OK) fail_msg("%s", error.text);
    if (back && weir_graph_backward(graph, &pass, &error) != WEIR_OK) fail_msg("%s", error.text);
}

/// With enumeration the mean loss is a smooth function of all parameters.
static void test_enumeration_is_the_derivative(void **state) {
    (void)state;
    for (size_t n = 0; n < COUNT(networks); n++) {
        weir_graph *graph = graph_of(&networks[n], "exact");
        const weir_parameters p = weir_graph_parameters(graph);
        float *gradients = calloc(p.count, sizeof *gradients);
        step(graph, 1, true);
        memcpy(gradients, p.gradients, p.count * sizeof *gradients);
        size_t compared = 0;
        for (size_t t = 0; t < p.tensor_count; t++) {
            for (size_t k = 0; k < p.tensors[t].rows * p.tensors[t].columns; k++) {
                float *value = p.values + p.tensors[t].offset + k;
                const float kept = *value, width = 0.01f;
                double loss[2];
                for (int side = 0; side < 2; side++) {
                    *value = side ? kept + width : kept - width;
                    weir_graph_parameters(graph);
                    step(graph, 1, false);
                    loss[side] = weir_graph_mean_loss(graph);
                }
                *value = kept;
                const double slope = (loss[1] - loss[0]) / (2 * (double)width);
                const double got = (double)gradients[p.tensors[t].offset + k];
                if (!(fabs(got - slope) <= 2e-4 + 2e-3 * fabs(slope))) {
                    fail_msg("%s: %s[%zu] has the gradient %g, expected %g", networks[n].name, p.tensors[t].name, k,
                             got, slope);
                }
                compared += fabs(slope) > 1e-3;
            }
        }
        assert_true(compared > 20);
        free(gradients);
        weir_graph_free(graph);
    }
}

/// The mean gradient of `steps` steps, each element within 5 standard errors of want.
static void check_mean(weir_graph *graph, const char *what, const char *rule, uint32_t steps, const float *want) {
    const weir_parameters p = weir_graph_parameters(graph);
    double *sum = calloc(p.count, sizeof *sum), *square = calloc(p.count, sizeof *square);
    for (uint32_t s = 0; s < steps; s++) {
        step(graph, s, true);
        for (size_t k = 0; k < p.count; k++) {
            const double d = (double)p.gradients[k] - (double)want[k];
            sum[k] += d;
            square[k] += d * d;
        }
    }
    for (size_t t = 0; t < p.tensor_count; t++) {
        for (size_t k = 0; k < p.tensors[t].rows * p.tensors[t].columns; k++) {
            const size_t at = p.tensors[t].offset + k;
            const double off = sum[at] / steps, error = sqrt(square[at] / steps / steps);
            if (!(fabs(off) <= 5 * error + 2e-6)) {
                fail_msg("%s, %s: %s[%zu] has the mean gradient %g, expected %g (error %g)", what, rule,
                         p.tensors[t].name, k, (double)want[at] + off, (double)want[at], error);
            }
        }
    }
    free(sum);
    free(square);
}

static const char *const more_forms[] = {
    "rloo:samples=4",      "ugc:threshold=0.4",    "muprop:baseline=average", "nvil",           "rebar:tune=both",
    "rebar:noise=coupled", "arms:copula=gaussian", "relax:rate=0.01",         "rodeo:rate=0.01"};

/// A network after a step with the enumeration over the draw of a unit.
static weir_graph *enumerated(const network *n, const char *text) {
    weir_unit unit;
    weir_error error = {0};
    char exact[64] = "exact";
    must(weir_unit_parse(&unit, text, &error), &error);
    const weir_draw *draw = weir_unit_draw(&unit);
    if (draw != weir_draw_bernoulli()) snprintf(exact, sizeof exact, "exact:draw=%s", draw->name);
    weir_graph *graph = graph_of(n, exact);
    step(graph, 0, true);
    return graph;
}

/// Whether the mean of a rule's gradient is that of the mean loss, not that of a bound.
static bool agrees(const weir_rule *rule) {
    return rule->groups && (rule->traits & WEIR_TRAIT_UNBIASED) && !(rule->traits & WEIR_TRAIT_BOUND);
}

static void test_rules_agree_with_enumeration(void **state) {
    (void)state;
    for (size_t n = 0; n < COUNT(networks); n++) {
        for (size_t k = 0; k < weir_rule_count() + COUNT(more_forms); k++) {
            const weir_rule *rule = weir_rule_at(k);
            if (rule && !agrees(rule)) continue;
            char text[256];
            weir_unit unit;
            weir_error error = {0};
            if (rule) {
                must(weir_rule_form(rule, &unit, NULL, 0, &error), &error);
                weir_unit_print(&unit, text, sizeof text);
            } else {
                snprintf(text, sizeof text, "%s", more_forms[k - weir_rule_count()]);
            }
            weir_graph *graph = graph_of(&networks[n], text), *exact = enumerated(&networks[n], text);
            check_mean(graph, networks[n].name, text, 4000, weir_graph_parameters(exact).gradients);
            weir_graph_free(graph);
            weir_graph_free(exact);
        }
    }
}

// ---- two layers ----------------------------------------------------------------------------------------------------

/// x → A → units → B → units → C → ½ Σ (y − t)².
enum { first_units = 3, second_units = 2, outputs = 2 };

static const network deep = {"two layers",
                             {{.kind = "input", .size = inputs},
                              {.kind = "affine", .size = first_units, .init = 2},
                              {.kind = "unit"},
                              {.kind = "affine", .size = second_units, .init = 3, .bias = 0.3},
                              {.kind = "unit"},
                              {.kind = "affine", .size = outputs, .init = 2},
                              {.kind = "squared-error"}}};
static const float deep_targets[rows * outputs] = {1, 0.5f, -1, 0.3f, 0, 2};

static double affine(const weir_parameters *p, const double *values, size_t tensor, size_t out, const double *x,
                     size_t in) {
    const double *w = values + p->tensors[tensor].offset + out * in, *b = values + p->tensors[tensor + 1].offset + out;
    double sum = *b;
    for (size_t i = 0; i < in; i++) sum += w[i] * x[i];
    return sum;
}

/// P(set) of units with the pre-activations of the layer, and the set as numbers.
static double chance_of(const weir_parameters *p, const double *values, size_t tensor, unsigned set, size_t units,
                        const double *x, size_t in, double *h) {
    double chance = 1;
    for (size_t i = 0; i < units; i++) {
        const double a = affine(p, values, tensor, i, x, in);
        h[i] = set >> i & 1;
        chance *= 1 / (1 + exp(set >> i & 1 ? -a : a));
    }
    return chance;
}

static double deep_loss(const weir_parameters *p, const double *values) {
    double total = 0;
    for (size_t r = 0; r < rows; r++) {
        double x[inputs], h1[first_units], h2[second_units];
        for (size_t i = 0; i < inputs; i++) x[i] = (double)batch_inputs[r * inputs + i];
        for (unsigned s1 = 0; s1 < 1u << first_units; s1++) {
            const double chance1 = chance_of(p, values, 0, s1, first_units, x, inputs, h1);
            for (unsigned s2 = 0; s2 < 1u << second_units; s2++) {
                const double chance2 = chance_of(p, values, 2, s2, second_units, h1, first_units, h2);
                for (size_t o = 0; o < outputs; o++) {
                    const double d = affine(p, values, 4, o, h2, second_units) - (double)deep_targets[r * outputs + o];
                    total += chance1 * chance2 * d * d / 2 / rows;
                }
            }
        }
    }
    return total;
}

static void deep_step(weir_graph *graph, uint32_t number) {
    weir_error error = {0};
    weir_pass pass = pass_at(number);
    pass.labels = NULL;
    pass.targets = deep_targets;
    if (weir_graph_forward(graph, &pass, &error) != WEIR_OK) fail_msg("%s", error.text);
    if (weir_graph_backward(graph, &pass, &error) != WEIR_OK) fail_msg("%s", error.text);
}

static void test_two_layers(void **state) {
    (void)state;
    const char *const rules[] = {"reinforce", "muprop", "muprop:baseline=average", "disarm"};
    for (size_t k = 0; k < COUNT(rules); k++) {
        enum { steps = 20000 };
        weir_graph *graph = graph_of(&deep, rules[k]);
        const weir_parameters p = weir_graph_parameters(graph);
        double *values = calloc(p.count, sizeof *values), *sum = calloc(p.count, sizeof *sum);
        double *square = calloc(p.count, sizeof *square);
        for (size_t i = 0; i < p.count; i++) values[i] = (double)p.values[i];
        for (uint32_t s = 0; s < steps; s++) {
            deep_step(graph, s);
            for (size_t i = 0; i < p.count; i++) {
                sum[i] += (double)p.gradients[i];
                square[i] += (double)p.gradients[i] * (double)p.gradients[i];
            }
        }
        for (size_t t = 0; t < p.tensor_count; t++) {
            for (size_t i = p.tensors[t].offset; i < p.tensors[t].offset + p.tensors[t].rows * p.tensors[t].columns;
                 i++) {
                const double kept = values[i], width = 1e-5, mean = sum[i] / steps;
                values[i] = kept + width;
                double slope = deep_loss(&p, values);
                values[i] = kept - width;
                slope = (slope - deep_loss(&p, values)) / (2 * width);
                values[i] = kept;
                const double error = sqrt((square[i] / steps - mean * mean) / steps);
                if (!(fabs(mean - slope) <= 5 * error + 1e-6)) {
                    fail_msg("%s: %s[%zu] has the mean gradient %g, expected %g (error %g)", rules[k],
                             p.tensors[t].name, i - p.tensors[t].offset, mean, slope, error);
                }
            }
        }
        free(values);
        free(sum);
        free(square);
        weir_graph_free(graph);
    }
}

// ---- the rest ------------------------------------------------------------------------------------------------------

/// The loss of an example is the merged one; test time modes know nothing of row groups.
static void test_other_modes(void **state) {
    (void)state;
    for (size_t n = 0; n < COUNT(networks); n++) {
        weir_graph *trained = graph_of(&networks[n], "rloo:samples=5"), *other = NULL;
        assert_int_equal(build(&other, &networks[n], "rloo:samples=5", false, NULL), WEIR_OK);
        step(trained, 3, true);
        const weir_mode modes[] = {WEIR_MODE_DECIDE, WEIR_MODE_EXPECT, WEIR_MODE_OPEN, WEIR_MODE_SAMPLE};
        for (size_t m = 0; m < COUNT(modes); m++) {
            weir_pass pass = pass_at(3);
            pass.mode = modes[m];
            assert_int_equal(weir_graph_forward(trained, &pass, NULL), WEIR_OK);
            assert_int_equal(weir_graph_forward(other, &pass, NULL), WEIR_OK);
            double sum = 0;
            for (size_t r = 0; r < rows; r++) {
                sum += (double)weir_graph_loss(trained)[r];
                if (modes[m] == WEIR_MODE_SAMPLE) continue; // five draws here, one there
                assert_true(weir_graph_loss(trained)[r] == weir_graph_loss(other)[r]);
            }
            if (!(fabs(sum / rows - weir_graph_mean_loss(trained)) <= 1e-6)) fail_msg("not the mean of the rows");
            const size_t units = weir_graph_find(trained, "units");
            if (modes[m] != WEIR_MODE_OPEN) assert_non_null(weir_graph_output(trained, units));
        }
        weir_graph_free(trained);
        weir_graph_free(other);
    }
}

static void test_bits_for_any_threads(void **state) {
    (void)state;
    const int threads = weir_threads();
    for (size_t k = 0; k < weir_rule_count(); k++) {
        if (!weir_rule_at(k)->groups) continue;
        weir_graph *one = graph_of(&networks[1], weir_rule_at(k)->name);
        weir_graph *many = graph_of(&networks[1], weir_rule_at(k)->name);
        for (uint32_t s = 0; s < 3; s++) {
            weir_threads_use(1);
            step(one, s, true);
            weir_threads_use(3);
            step(many, s, true);
        }
        const weir_parameters a = weir_graph_parameters(one), b = weir_graph_parameters(many);
        if (memcmp(a.gradients, b.gradients, a.count * sizeof(float))) fail_msg("%s", weir_rule_at(k)->name);
        weir_graph_free(one);
        weir_graph_free(many);
    }
    weir_threads_use(threads);
}

/// Σ of a, with the gradient 1 per row: what the affine before the units learns from it does not depend on the groups.
static double sum_of(void *context, const weir_unit *unit, size_t n, size_t units, const float *a, const float *h,
                     float *da) {
    double sum = 0;
    (void)context;
    (void)unit;
    (void)h;
    for (size_t k = 0; k < n * units; k++) {
        sum += (double)a[k] / (double)n;
        da[k] += 1000 / (float)n;
    }
    return sum;
}

static void test_penalties(void **state) {
    (void)state;
    const char *const rules[] = {"rloo:samples=4", "muprop", "disarm"};
    for (size_t k = 0; k < COUNT(rules); k++) {
        network behind = deep; // a penalty on a layer of another rule, behind the one with row groups
        behind.nodes[2].rule = rules[k];
        behind.nodes[4].rule = "reinforce";
        for (size_t node = 2; node <= 4; node += 2) {
            weir_graph *graph = graph_of(&behind, "");
            assert_int_equal(weir_graph_penalty_set(graph, node, sum_of, NULL, NULL), WEIR_OK);
            deep_step(graph, 1);
            const weir_parameters p = weir_graph_parameters(graph);
            const weir_tensor *bias = &p.tensors[node == 2 ? 1 : 3];
            for (size_t i = 0; i < bias->rows; i++) {
                if (!(fabs((double)p.gradients[bias->offset + i] - 1000) <= 20)) {
                    fail_msg("%s, node %zu: %g", rules[k], node, (double)p.gradients[bias->offset + i]);
                }
            }
            weir_graph_free(graph);
        }
    }
}

static void check_refusal(const weir_node *nodes, size_t count, const char *text) {
    weir_graph *graph = NULL;
    weir_error error = {0};
    const weir_graph_options options = weir_graph_options_default(4);
    assert_int_equal(weir_graph_create(&graph, nodes, count, &options, &error), WEIR_UNSUPPORTED);
    assert_null(graph);
    if (!strstr(error.text, text)) fail_msg("\"%s\" lacks \"%s\"", error.text, text);
}

static void test_refusals(void **state) {
    (void)state;
    weir_node two[] = {{.kind = "input", .size = 4},  {.kind = "unit", .name = "a", .rule = "rloo"},
                       {.kind = "affine", .size = 4}, {.kind = "unit", .name = "b", .rule = "rloo"},
                       {.kind = "affine", .size = 2}, {.kind = "softmax-cross-entropy"}};
    check_refusal(two, COUNT(two), "node 'b' (unit): its rule 'rloo' and 'rloo' of node 'a' evaluate the loss");
    two[1].rule = "disarm";
    check_refusal(two, COUNT(two), "node 'b' (unit): its rule 'rloo' and 'disarm'");
    two[3].rule = "muprop";
    check_refusal(two, COUNT(two), "node 'b' (unit): its rule 'muprop' and 'disarm'");
    const weir_node large[] = {{.kind = "input", .size = 17},
                               {.kind = "unit", .name = "a", .rule = "exact"},
                               {.kind = "affine", .size = 2},
                               {.kind = "softmax-cross-entropy"}};
    check_refusal(large, COUNT(large), "node 'a' (unit): exact evaluates the loss too often for 17 units");
    const weir_node unread[] = {{.kind = "input", .name = "x", .size = 4},
                                {.kind = "unit", .name = "a", .rule = "rloo"},
                                {.kind = "affine", .from = "x", .size = 2},
                                {.kind = "softmax-cross-entropy"}};
    check_refusal(unread, COUNT(unread), "node 'a' (unit): its output does not reach the loss");
    const weir_node twice[] = {{.kind = "input", .name = "x", .size = 4},
                               {.kind = "affine", .size = 4},
                               {.kind = "unit", .name = "g", .rule = "rectifier"},
                               {.kind = "gated-affine", .name = "y", .from = "x", .gates = "g", .size = 4},
                               {.kind = "unit", .name = "a", .rule = "rloo"},
                               {.kind = "gated-affine", .from = "y", .gates = "a", .size = 4},
                               {.kind = "affine", .size = 2},
                               {.kind = "softmax-cross-entropy"}};
    check_refusal(twice, COUNT(twice), "node 'a' (unit): it reads 'y', a gated layer that is read again behind it");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enumeration_is_the_derivative),
        cmocka_unit_test(test_rules_agree_with_enumeration),
        cmocka_unit_test(test_two_layers),
        cmocka_unit_test(test_other_modes),
        cmocka_unit_test(test_bits_for_any_threads),
        cmocka_unit_test(test_penalties),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
