// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The laboratory: what it holds rules to against sums over all outcomes, every form of every rule, and rules that are
// wrong or that nothing can be compared with. With an argument: the forms of that rule alone.

#include "testing.h"

#include <weir/lab.h>

#include "layer.h"

static const char *only; // the rule to look at

// ---- truth ---------------------------------------------------------------------------------------------------------

enum { bits = 4 };
static const double coefficients[bits] = {0.5, -0.5, 0.25, 1}, logits4[bits] = {0.4, -0.8, 1.5, -0.2};

static double probability(double a) { return 1 / (1 + exp(-a)); }

static double loss_of(unsigned set) {
    double sum = 0;
    for (size_t i = 0; i < bits; i++) sum += set >> i & 1 ? coefficients[i] : 0;
    return exp(sum);
}

static double chance_of(unsigned set, const double *a) {
    double chance = 1;
    for (size_t i = 0; i < bits; i++) chance *= probability(set >> i & 1 ? a[i] : -a[i]);
    return chance;
}

/// E f by enumeration, at a + step·move.
static double mean_loss(const double *move, double step) {
    double a[bits], sum = 0;
    for (size_t i = 0; i < bits; i++) a[i] = logits4[i] + step * move[i];
    for (unsigned set = 0; set < 1u << bits; set++) sum += chance_of(set, a) * loss_of(set);
    return sum;
}

static void add_difference(double *gradient, const double *move, double step, double weight) {
    const double difference = mean_loss(move, step) - mean_loss(move, -step);
    for (size_t i = 0; i < bits; i++) gradient[i] += weight * difference * move[i] / (2 * step);
}

/// ∂E f/∂a: Σ over all outcomes of P(h) f(h) (h − p).
static void enumerated(double *gradient) {
    for (unsigned set = 0; set < 1u << bits; set++)
        for (size_t i = 0; i < bits; i++)
            gradient[i] += chance_of(set, logits4) * loss_of(set) * ((double)(set >> i & 1) - probability(logits4[i]));
}

/// The mean of spsa: over all 2^4 vectors of signs.
static void over_signs(double *gradient) {
    for (unsigned set = 0; set < 1u << bits; set++) {
        double move[bits];
        for (size_t i = 0; i < bits; i++) move[i] = set >> i & 1 ? 1 : -1;
        add_difference(gradient, move, 0.5, 1.0 / (1u << bits));
    }
}

static void unit_by_unit(double *gradient) {
    for (size_t i = 0; i < bits; i++) {
        double move[bits] = {0};
        move[i] = 1;
        add_difference(gradient, move, 0.5, 1);
    }
}

/// The mean of node-perturbation, sd ½: the trapezoid rule on a grid of 13^4 points; it is symmetric, so that half the
/// difference of both signs weighs as E[L(a + sξ)ξ]/s.
static void over_noise(double *gradient) {
    enum { side = 13 };
    const double width = 0.75;
    for (unsigned point = 0; point < side * side * side * side; point++) {
        double move[bits], density = 1;
        unsigned rest = point;
        for (size_t i = 0; i < bits; i++, rest /= side) {
            move[i] = width * ((double)(rest % side) - side / 2);
            density *= width * exp(-move[i] * move[i] / 2) * 0.3989422804014327;
        }
        add_difference(gradient, move, 0.5, density);
    }
}

/// ∂E[−log (1/K) Σ_k exp(−f(h_k))]/∂a by enumeration of all K-tuples of outcomes.
static void bound_of(double *gradient, size_t samples) {
    for (unsigned set = 0; set < 1u << (bits * samples); set++) {
        double chance = 1, sum = 0, score[bits] = {0};
        for (size_t k = 0; k < samples; k++) {
            const unsigned outcome = set >> (k * bits) & ((1u << bits) - 1);
            chance *= chance_of(outcome, logits4);
            sum += exp(-loss_of(outcome));
            for (size_t i = 0; i < bits; i++) score[i] += (double)(outcome >> i & 1) - probability(logits4[i]);
        }
        for (size_t i = 0; i < bits; i++) gradient[i] -= chance * log(sum / (double)samples) * score[i];
    }
}
static void bound_of_two(double *gradient) { bound_of(gradient, 2); }
static void bound_of_three(double *gradient) { bound_of(gradient, 3); }

static void test_truth_is_what_enumeration_gives(void **state) {
    (void)state;
    const struct {
        const char *text;
        void (*mean)(double *gradient);
        double within;
    } cases[] = {{"rloo", enumerated, 1e-9},
                 {"muprop", enumerated, 1e-9},
                 {"spsa", over_signs, 1e-9},
                 {"finite-differences", unit_by_unit, 1e-9},
                 {"node-perturbation", over_noise, 1e-4},
                 {"vimco:samples=2", bound_of_two, 1e-9},
                 {"vimco:samples=3", bound_of_three, 1e-9}};
    const weir_problem four = weir_problem_four();
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const weir_unit unit = unit_of(cases[k].text);
        const weir_truth truth = weir_truth_of(&unit, &four);
        double want[bits] = {0};
        cases[k].mean(want);
        assert_true(truth.known);
        for (size_t i = 0; i < bits; i++) check_near(cases[k].text, (double)i, truth.mean[i], want[i], cases[k].within);
    }
}

// ---- every form ----------------------------------------------------------------------------------------------------

static void check_verdicts(const weir_unit *units, size_t count, double draws) {
    weir_error error = {0};
    weir_verdict *verdicts = calloc(count, sizeof *verdicts);
    size_t failed = 0;
    assert_true(verdicts && count > 0);
    if (weir_lab_exactness(verdicts, units, count, draws, NULL, NULL, &error) != WEIR_OK) fail_msg("%s", error.text);
    for (size_t k = 0; k < count; k++) {
        const weir_verdict *v = &verdicts[k];
        char text[form_text];
        if (v->pass && v->judged) continue;
        weir_unit_print(&units[k], text, sizeof text);
        print_error("%s: %s (z %.3g, bias %.4g, known %.4g, variance %.4g, known %.4g)\n", text, weir_verdict_text(v),
                    v->z, v->bias, v->known.bias, v->variance, v->known.variance);
        failed++;
    }
    free(verdicts);
    if (failed) fail_msg("%zu of %zu forms do not hold", failed, count);
}

static void test_every_form_holds(void **state) {
    (void)state;
    static weir_unit units[most_forms];
    size_t count = 0;
    read_forms();
    for (size_t form = 0; form < form_count; form++) {
        units[count] = unit_of(every_form[form]);
        count += !only || strcmp(units[count].rule->name, only) == 0;
    }
    check_verdicts(units, count, 300000);
}

// ---- wrong rules ---------------------------------------------------------------------------------------------------

static const weir_rule *right; // what a wrong rule is made from

static void backward_wrong(const weir_unit *unit, const weir_unit_batch *batch) {
    right->backward(unit, batch);
    for (size_t k = 0; k < batch->rows * batch->units; k++) batch->da[k] *= -140;
}

static void backward_off(const weir_unit *unit, const weir_unit_batch *batch) {
    right->backward(unit, batch);
    for (size_t k = 0; k < batch->rows * batch->units; k++) batch->da[k] *= 1.05f;
}

static void no_weight(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    (void)unit, (void)a;
    visit(context, 1, 1, NAN);
}

static weir_verdict verdict_of(const weir_rule *rule) {
    const weir_unit unit = {.rule = rule};
    weir_unit filled;
    weir_verdict verdict;
    weir_error error = {0};
    assert_int_equal(weir_rule_check(rule, &error), WEIR_OK);
    assert_int_equal(weir_rule_form(rule, &filled, NULL, 0, &error), WEIR_OK);
    assert_ptr_equal(filled.rule, unit.rule);
    if (weir_lab_exactness(&verdict, &filled, 1, 20000, NULL, NULL, &error) != WEIR_OK) fail_msg("%s", error.text);
    return verdict;
}

/// A gradient that is wrong does not hold, whatever the rule says of itself.
static void test_wrong_rules_do_not_hold(void **state) {
    (void)state;
    const char *const names[] = {"rloo", "straight-through", "sts", "concrete", "spsa", "vimco", "rectifier", "exact"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        right = weir_rule_find(names[k]);
        weir_rule wrong = *right;
        assert_true(verdict_of(right).pass);
        wrong.backward = backward_wrong;
        weir_verdict verdict = verdict_of(&wrong);
        assert_true(verdict.judged && !verdict.pass && !verdict.pass_mean);
        assert_string_equal(weir_verdict_text(&verdict), "MEAN");
        if (k != 1 && k != 7) continue; // little noise: a twentieth shows, too
        wrong.backward = backward_off;
        verdict = verdict_of(&wrong);
        assert_true(verdict.judged && !verdict.pass);
    }
}

/// A rule that nothing can be compared with fails.
static void test_what_is_not_judged_fails(void **state) {
    (void)state;
    weir_rule rule = *weir_rule_find("half");
    rule.name = "unknowable";
    rule.define = no_weight;
    rule.forms = NULL;
    const weir_verdict verdict = verdict_of(&rule);
    assert_true(!verdict.judged && !verdict.pass);
    assert_string_equal(weir_verdict_text(&verdict), "NOT JUDGED");
}

// ---- the rest ------------------------------------------------------------------------------------------------------

static int stop(void *context, double share) {
    ++*(int *)context;
    return share > 0.2;
}

static void test_progress_stops(void **state) {
    (void)state;
    const weir_unit unit = unit_of("rloo");
    weir_verdict verdict;
    weir_toy toy;
    weir_error error = {0};
    int calls = 0;
    assert_int_equal(weir_lab_exactness(&verdict, &unit, 1, 1e6, stop, &calls, &error), WEIR_INTERRUPTED);
    assert_true(calls > 0);
    assert_int_equal(weir_lab_toy(&toy, &unit, 1, 1000, 5, stop, &calls, &error), WEIR_INTERRUPTED);
    assert_int_equal(weir_lab_exactness(&verdict, &unit, 1, 10, NULL, NULL, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_lab_toy(&toy, &unit, 1, 150, 5, NULL, NULL, &error), WEIR_ARGUMENT);
}

/// exact has no noise: all seeds do the same, downhill, and the 200 units are too many for it.
static void test_toy_of_exact(void **state) {
    (void)state;
    const weir_unit unit = unit_of("exact");
    weir_toy toy;
    weir_error error = {0};
    if (weir_lab_toy(&toy, &unit, 1, 1000, 4, NULL, NULL, &error) != WEIR_OK) fail_msg("%s", error.text);
    assert_true(toy.wide.unsupported && toy.in_time && toy.agrees[0]);
    check_near("start", 0, toy.bit[0].curve[0], weir_toy_loss(0, 0.499), 1e-12);
    for (size_t k = 1; k <= WEIR_TOY_CURVE; k++) assert_true(toy.bit[1].curve[k] < toy.bit[1].curve[k - 1]);
    for (size_t k = 0; k < WEIR_TOY_MARKS; k++) assert_true(toy.bit[0].spread[k] < 1e-7);
}

/// Rules on a small network: the noise-free one is the reference and has no error; networks that differ are refused.
static void test_comparison(void **state) {
    (void)state;
    enum { rows = 6, inputs = 3 };
    weir_node nodes[] = {{.kind = "input", .size = inputs},
                         {.kind = "affine", .size = 4},
                         {.kind = "unit", .rule = "half"},
                         {.kind = "affine", .size = 2},
                         {.kind = "softmax-cross-entropy"}};
    const char *const rules[] = {"exact", "straight-through", "disarm", "vimco"};
    float x[rows * inputs];
    int32_t labels[rows];
    for (size_t k = 0; k < rows * inputs; k++) x[k] = (float)(k % 5) - 2;
    for (size_t k = 0; k < rows; k++) labels[k] = k % 2;
    weir_graph_options options = weir_graph_options_default(rows);
    weir_graph *graph = NULL, *other = NULL;
    weir_comparison *comparison = NULL;
    weir_measured m[4];
    weir_error error = {0};
    double norm;
    const weir_pass batch = {.rows = rows, .inputs = x, .labels = labels};
    options.training = true;
    assert_int_equal(weir_graph_create(&graph, nodes, 5, &options, &error), WEIR_OK);
    if (weir_comparison_create(&comparison, nodes, 5, rules, 4, &options, &error) != WEIR_OK)
        fail_msg("%s", error.text);
    assert_int_equal(weir_comparison_parameters(comparison), inputs * 4 + 4);
    if (weir_comparison_measure(comparison, m, &norm, graph, &batch, 50, 1, NULL, NULL, &error) != WEIR_OK)
        fail_msg("%s", error.text);
    assert_true(norm > 0 && m[0].unbiased && m[2].unbiased && !m[1].unbiased && !m[3].unbiased);
    assert_true(m[0].variance < 1e-9 && m[2].variance > 1e-9 && m[0].evaluations == 16 && m[3].evaluations == 5);
    assert_true(m[1].bias > 3 * m[1].noise && m[0].bias == 0);
    assert_int_equal(weir_measured_best(m, 4, true), 0);
    nodes[1].size = 5;
    assert_int_equal(weir_graph_create(&other, nodes, 5, &options, &error), WEIR_OK);
    assert_int_equal(weir_comparison_measure(comparison, m, &norm, other, &batch, 50, 1, NULL, NULL, &error),
                     WEIR_SHAPE);
    assert_non_null(strstr(error.text, "the networks differ"));
    weir_comparison_free(comparison);
    assert_int_equal(weir_comparison_create(&comparison, nodes, 5, rules + 3, 1, &options, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "unbiased rule")); // a bound is no reference
    assert_null(comparison);
    weir_graph_free(graph);
    weir_graph_free(other);
}

/// A rule of one's own in a graph: it is found by its name before those of the library, and does what its twin does; a
/// descriptor that contradicts itself is refused by name and field.
static void test_rules_of_ones_own(void **state) {
    (void)state;
    weir_rule own = *weir_rule_find("half"), bad = own;
    const weir_rule *rules[] = {&own};
    weir_node nodes[] = {{.kind = "input", .size = 3}, {.kind = "affine", .size = 4}, {.kind = "unit", .rule = "mine"}};
    const float x[6] = {1, -2, 0.5f, 3, 0, -1};
    const weir_pass pass = {.mode = WEIR_MODE_SAMPLE, .rows = 2, .inputs = x, .seed = 3};
    weir_graph_options options = weir_graph_options_default(2);
    weir_graph *graph = NULL, *twin = NULL;
    weir_error error = {0};
    own.name = "mine";
    assert_int_equal(weir_graph_create(&graph, nodes, 3, &options, &error), WEIR_NOT_FOUND);
    options.rules = rules;
    options.rule_count = 1;
    if (weir_graph_create(&graph, nodes, 3, &options, &error) != WEIR_OK) fail_msg("%s", error.text);
    assert_ptr_equal(weir_graph_unit(graph, 2)->rule, &own);
    nodes[2].rule = "half"; // the library's are there, too
    assert_int_equal(weir_graph_create(&twin, nodes, 3, &options, &error), WEIR_OK);
    assert_int_equal(weir_graph_forward(graph, &pass, &error), WEIR_OK);
    assert_int_equal(weir_graph_forward(twin, &pass, &error), WEIR_OK);
    assert_memory_equal(weir_graph_output(graph, 2), weir_graph_output(twin, 2), 8 * sizeof(float));
    weir_graph_free(twin);
    rules[0] = NULL; // the array was read; a context of the graph has the rule, too
    if (weir_graph_share(&twin, graph, 1, &error) != WEIR_OK) fail_msg("%s", error.text);
    assert_ptr_equal(weir_graph_unit(twin, 2)->rule, &own);
    weir_graph_free(twin);
    weir_graph_free(graph);
    weir_estimator *estimator = NULL;
    const weir_unit unit = {.rule = &bad};
    const struct {
        weir_rule rule;
        const char *says;
    } cases[] = {
        {{.name = "a:b"}, "needs a name without"},
        {{.name = "x"}, "rule 'x' has no summary"},
        {{.name = "x", .summary = "s", .forward = "f", .gradient = "g", .source = "s"}, "rule 'x' has no backward"},
    };
    rules[0] = &bad;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        bad = cases[k].rule;
        assert_int_equal(weir_graph_create(&graph, nodes, 3, &options, &error), WEIR_ARGUMENT);
        assert_non_null(strstr(error.text, cases[k].says));
        assert_int_equal(weir_estimator_create(&estimator, &unit, 2, 2, 1, &error), WEIR_ARGUMENT);
        assert_null(estimator);
    }
    bad = own;
    bad.traits &= ~(unsigned)WEIR_TRAIT_USES_DH;
    assert_int_equal(weir_rule_check(&bad, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "'mine': backward reads nothing"));
    bad = own;
    bad.weight = NULL;
    assert_int_equal(weir_rule_check(&bad, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "needs weight, define or expectation"));
    const weir_form twice[] = {{.text = ""}, {.text = ""}}, unknown[] = {{.text = "x=1"}};
    bad = own;
    bad.forms = twice;
    bad.form_count = 2;
    assert_int_equal(weir_rule_check(&bad, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "one that stands before it"));
    bad.forms = unknown;
    bad.form_count = 1;
    assert_int_not_equal(weir_rule_check(&bad, &error), WEIR_OK);
    rules[0] = NULL;
    assert_int_equal(weir_graph_create(&graph, nodes, 3, &options, &error), WEIR_ARGUMENT);
}

int main(int count, char **arguments) {
    only = count > 1 ? arguments[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_holds),
        cmocka_unit_test(test_truth_is_what_enumeration_gives),
        cmocka_unit_test(test_wrong_rules_do_not_hold),
        cmocka_unit_test(test_what_is_not_judged_fails),
        cmocka_unit_test(test_progress_stops),
        cmocka_unit_test(test_toy_of_exact),
        cmocka_unit_test(test_comparison),
        cmocka_unit_test(test_rules_of_ones_own),
    };
    if (only) return cmocka_run_group_tests_name("rule", (const struct CMUnitTest[1]){tests[0]}, NULL, NULL);
    return cmocka_run_group_tests_name("lab", tests, NULL, NULL);
}
