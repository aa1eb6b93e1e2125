// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Kinds of one's own beside the library's: the same network built of both has the same outputs, gradients and training.
// And a graph as a part of a larger one: gradients put in from outside, and read out at the inputs.

#include <unistd.h>

#include "graph_reference.h"
#include "train/optimizer.h"
#include <weir/kind.h>
#include <weir/model.h>

enum { INPUTS = 5, HIDDEN = 4, OUTPUTS = 3, ROWS = 11 };

static float inputs[ROWS * INPUTS], targets[ROWS * OUTPUTS];
static weir_error error;

static int fill_batch(void **state) {
    (void)state;
    weir_random_normal(inputs, (weir_noise){.seed = 31, .stream = 60000}, 0, COUNT(inputs));
    weir_random_normal(targets, (weir_noise){.seed = 31, .stream = 60001}, 0, COUNT(targets));
    return 0;
}

// ---- affine, tanh, sum and squared error once more -----------------------------------------------------------------

static weir_status affine_shape(const void *context, weir_node_shape *shape, weir_error *why) {
    const size_t *most = context;
    if (shape->size > *most) {
        snprintf(why->text, sizeof why->text, "at most %zu outputs", *most);
        return WEIR_SHAPE;
    }
    shape->weight_rows = shape->size;
    shape->weight_columns = shape->input_sizes[0];
    shape->biases = shape->size;
    return WEIR_OK;
}

static weir_status affine_forward(const weir_node_call *c, weir_error *why) {
    const size_t in = c->input_sizes[0];
    (void)why;
    ++*(size_t *)c->memory;
    for (size_t at = 0; at < c->rows * c->size; at++) {
        const size_t r = at / c->size, o = at % c->size;
        c->outputs[at] = c->biases[o];
        for (size_t i = 0; i < in; i++) c->outputs[at] += c->weights[o * in + i] * c->inputs[0][r * in + i];
    }
    return WEIR_OK;
}

static weir_status affine_backward(const weir_node_call *c, weir_error *why) {
    const size_t in = c->input_sizes[0];
    float *dx = c->input_gradients[0];
    (void)why;
    for (size_t at = 0; dx && at < c->rows * in; at++) {
        dx[at] = 0;
        for (size_t o = 0; o < c->size; o++) {
            dx[at] += c->weights[o * in + at % in] * c->output_gradients[at / in * c->size + o];
        }
    }
    for (size_t k = 0; c->weight_gradients && k < c->size * in; k++) {
        c->weight_gradients[k] = 0;
        for (size_t r = 0; r < c->rows; r++) {
            c->weight_gradients[k] += c->output_gradients[r * c->size + k / in] * c->inputs[0][r * in + k % in];
        }
    }
    for (size_t o = 0; c->bias_gradients && o < c->size; o++) {
        c->bias_gradients[o] = 0;
        for (size_t r = 0; r < c->rows; r++) c->bias_gradients[o] += c->output_gradients[r * c->size + o];
    }
    return WEIR_OK;
}

static weir_status sum_forward(const weir_node_call *c, weir_error *why) {
    (void)why;
    for (size_t at = 0; at < c->rows * c->size; at++) {
        c->outputs[at] = 0;
        for (size_t k = 0; k < c->input_count; k++) c->outputs[at] += c->inputs[k][at];
    }
    return WEIR_OK;
}

static weir_status sum_backward(const weir_node_call *c, weir_error *why) {
    (void)why;
    for (size_t k = 0; k < c->input_count; k++) {
        if (!c->input_gradients[k]) continue;
        memcpy(c->input_gradients[k], c->output_gradients, c->rows * c->size * sizeof(float));
    }
    return WEIR_OK;
}

static weir_status squared_forward(const weir_node_call *c, weir_error *why) {
    (void)why;
    memcpy(c->outputs, c->inputs[0], c->rows * c->size * sizeof(float));
    for (size_t r = 0; c->loss && r < c->rows; r++) {
        double sum = 0;
        for (size_t k = r * c->size; k < (r + 1) * c->size; k++) {
            sum += ((double)c->outputs[k] - (double)c->targets[k]) * ((double)c->outputs[k] - (double)c->targets[k]);
        }
        c->loss[r] = (float)(sum / 2);
    }
    return WEIR_OK;
}

static weir_status squared_backward(const weir_node_call *c, weir_error *why) {
    (void)why;
    if (c->output_gradients) return WEIR_ARGUMENT;
    for (size_t k = 0; c->input_gradients[0] && k < c->rows * c->size; k++) {
        c->input_gradients[0][k] = c->row_weight * (c->outputs[k] - c->targets[k]);
    }
    return WEIR_OK;
}

static const size_t most_outputs = 100;
static const weir_custom_kind own[] = {
    {.about = {.name = "my-affine", .traits = WEIR_KIND_WEIGHTS},
     .context = &most_outputs,
     .memory = sizeof(size_t),
     .shape = affine_shape,
     .forward = affine_forward,
     .backward = affine_backward},
    {.about = {.name = "my-sum", .traits = WEIR_KIND_SEVERAL}, .forward = sum_forward, .backward = sum_backward},
    {.about = {.name = "my-error", .traits = WEIR_KIND_LOSS, .takes = WEIR_TAKES_TARGETS},
     .forward = squared_forward,
     .backward = squared_backward},
};

static weir_graph_options options_with(const weir_custom_kind *kinds, size_t count) {
    weir_graph_options options = weir_graph_options_default(ROWS);
    options.kinds = kinds;
    options.kind_count = count;
    options.input_gradients = true;
    return options;
}

/// straight-through under a name of our own.
static weir_rule own_rule;
static const weir_rule *const own_rules[] = {&own_rule};

/// A gated layer between nodes that are the library's or our own; loss NULL: without one.
static weir_graph *network(bool ours, const char *rule, const char *loss) {
    const char *affine = ours ? "my-affine" : "affine", *sum = ours ? "my-sum" : "add";
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "early", .kind = affine, .size = HIDDEN},
        {.name = "a", .kind = affine, .size = 2, .bias = 0.2},
        {.name = "g", .kind = "unit", .rule = rule},
        {.name = "one",
         .kind = "gated-affine",
         .from = "early",
         .gates = "g",
         .size = HIDDEN,
         .block = 2,
         .activation = "tanh"},
        {.name = "sum", .kind = sum, .from = "early, one, early"},
        {.name = "out", .kind = affine, .size = OUTPUTS, .rate = 0.5, .max_norm = 1.5},
        {.name = "loss", .kind = loss},
    };
    weir_graph *graph = NULL;
    weir_graph_options options = options_with(own, COUNT(own));
    own_rule = *weir_rule_find("straight-through");
    own_rule.name = "my-rule";
    options.rules = own_rules, options.rule_count = 1;
    must(weir_graph_create(&graph, nodes, loss ? COUNT(nodes) : COUNT(nodes) - 1, &options, &error), &error);
    return graph;
}

static weir_pass pass_of(weir_mode mode) {
    return (weir_pass){.mode = mode, .rows = ROWS, .inputs = inputs, .targets = targets, .seed = 3, .step = 1};
}

static void check_same(const char *what, const float *got, const float *want, size_t count, double tolerance) {
    double *wanted = new_doubles(count);
    for (size_t k = 0; k < count; k++) wanted[k] = (double)want[k];
    check_near(what, got, wanted, count, tolerance);
    free(wanted);
}

/// Values or gradients of all tensors in plain order: of tiles, the library's own network has others.
static float *plain_parameters(weir_graph *graph, bool gradients, size_t *count) {
    const weir_parameters p = weir_graph_parameters(graph);
    float *plain = new_floats(p.count);
    *count = 0;
    for (size_t t = 0; t < p.tensor_count; t++) {
        must((gradients ? weir_graph_gradients_get : weir_graph_values_get)(graph, plain + *count, t, &error), &error);
        *count += p.tensors[t].rows * p.tensors[t].columns;
    }
    return plain;
}

static void check_parameters(weir_graph *got, weir_graph *want, bool gradients, double tolerance) {
    size_t count = 0, other = 0;
    float *a = plain_parameters(got, gradients, &count), *b = plain_parameters(want, gradients, &other);
    assert_true(count == other && count > 0);
    check_same(gradients ? "gradients" : "parameters", a, b, count, tolerance);
    free(a);
    free(b);
}

static void test_own_kinds(void **state) {
    (void)state;
    static const char *const rules[] = {"sts", "straight-through", "reinforce:baseline=none", "exact", "disarm"};
    for (size_t k = 0; k < COUNT(rules); k++) {
        weir_graph *ours = network(true, rules[k], "my-error"), *theirs = network(false, rules[k], "squared-error");
        weir_parameters p = weir_graph_parameters(ours);
        check_parameters(ours, theirs, false, 0);
        const weir_pass pass = pass_of(WEIR_MODE_SAMPLE);
        must(weir_graph_forward(ours, &pass, &error), &error);
        must(weir_graph_forward(theirs, &pass, &error), &error);
        check_same("losses", weir_graph_loss(ours), weir_graph_loss(theirs), ROWS, 1e-5);
        must(weir_graph_backward(ours, &pass, &error), &error);
        must(weir_graph_backward(theirs, &pass, &error), &error);
        check_parameters(ours, theirs, true, 1e-5);
        check_same("input gradients", weir_graph_input_gradients(ours), weir_graph_input_gradients(theirs),
                   ROWS * INPUTS, 1e-5);
        assert_true(weir_graph_kind(ours, 7)->takes == WEIR_TAKES_TARGETS && p.tensor_count == 8);
        assert_true(weir_graph_work(ours, 6, 1).dense == OUTPUTS * HIDDEN);
        weir_graph_free(ours);
        weir_graph_free(theirs);
    }
}

static weir__update plain_update(const void *context, const weir_tensor *tensor) {
    return weir__optimizer_update(context, tensor, 0.1);
}

/// Steps that move parameters during the backward pass move those of our own kinds as those of the library's.
static void test_steps(void **state) {
    (void)state;
    for (int bf16 = 0; bf16 < 2; bf16++) {
        weir_graph *graphs[] = {network(true, "sts", "my-error"), network(false, "sts", "squared-error")};
        for (size_t g = 0; g < 2; g++) {
            weir_optimizer *optimizer = NULL;
            weir_optimizer_options o = weir_optimizer_options_default();
            o.decay = 0.01;
            if (bf16) must(weir_graph_precision_use(graphs[g], WEIR_BFLOAT16, &error), &error);
            must(weir_optimizer_create(&optimizer, &o, weir_graph_parameters(graphs[g]).count, &error), &error);
            for (uint32_t step = 0; step < 5; step++) {
                weir_pass pass = pass_of(WEIR_MODE_SAMPLE);
                pass.step = step;
                must(weir_graph_forward(graphs[g], &pass, &error), &error);
                const weir__step how = {plain_update, optimizer};
                must(weir__graph_step(graphs[g], &pass, &how, &error), &error);
            }
            weir_optimizer_free(optimizer);
        }
        check_parameters(graphs[0], graphs[1], false, bf16 ? 2e-2 : 1e-5);
        weir_graph_free(graphs[0]);
        weir_graph_free(graphs[1]);
    }
}

static void test_own_gradient_check(void **state) {
    (void)state;
    weir_graph *graph = network(true, "sigmoid", "my-error");
    weir_gradient_report report;
    const weir_pass pass = pass_of(WEIR_MODE_SAMPLE);
    must(weir_gradient_check(graph, &report, &pass, 3, &error), &error);
    if (!(report.error <= 3e-3)) fail_msg("%s: %g", report.worst, report.error);
    assert_int_equal(report.checked, 8);
    weir_graph_free(graph);
}

static void test_refused_kinds(void **state) {
    (void)state;
    const weir_node nodes[] = {{.name = "x", .kind = "input", .size = 3},
                               {.name = "y", .kind = "my-affine", .size = 101}};
    const struct {
        weir_custom_kind kind;
        const char *word;
        weir_status code;
    } cases[] = {
        {{.about = {.name = "tanh"}, .forward = sum_forward}, "another kind 'tanh'", WEIR_ARGUMENT},
        {{.about = {.name = ""}, .forward = sum_forward}, "no name", WEIR_ARGUMENT},
        {{.about = {.name = "f"}}, "'f' has no function forward", WEIR_ARGUMENT},
        {{.about = {.name = "f", .traits = WEIR_KIND_UNITS}, .forward = sum_forward},
         "traits other than",
         WEIR_ARGUMENT},
        {{.about = {.name = "f", .traits = WEIR_KIND_LOSS}, .forward = sum_forward},
         "labels or targets",
         WEIR_ARGUMENT},
        {own[0], "node 'y' (my-affine): at most 100 outputs", WEIR_SHAPE},
        {own[1], "unknown kind 'my-affine'", WEIR_NOT_FOUND},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        const weir_graph_options options = options_with(&cases[k].kind, 1);
        weir_graph *graph = NULL;
        const weir_status status = weir_graph_create(&graph, nodes, 2, &options, &error);
        if (status != cases[k].code || graph || !strstr(error.text, cases[k].word)) {
            fail_msg("case %zu: %s: %s", k, weir_status_name(status), error.text);
        }
    }
}

/// Model files and configurations that name them are read by those who bring them, and nobody else.
static void test_names_in_files(void **state) {
    (void)state;
    void *bytes = NULL;
    size_t size = 0;
    weir_graph *made = network(true, "my-rule:derivative=clipped", "my-error"), *read = NULL;
    weir_graph_options options = options_with(own, COUNT(own));
    weir_config config;
    must(weir_model_save_memory(made, &bytes, &size, NULL, 0.5, &error), &error);
    assert_int_equal(weir_model_load_memory(&read, NULL, bytes, size, ROWS, &error), WEIR_FORMAT);
    assert_non_null(strstr(error.text, "my-affine"));
    assert_int_equal(weir_model_load_with(&read, NULL, NULL, bytes, size, &options, &error), WEIR_FORMAT);
    assert_non_null(strstr(error.text, "my-rule"));
    options.rules = own_rules, options.rule_count = 1;
    must(weir_model_load_with(&read, &config, NULL, bytes, size, &options, &error), &error);
    check_parameters(read, made, false, 0);
    const weir_pass pass = pass_of(WEIR_MODE_DECIDE);
    must(weir_graph_forward(made, &pass, &error), &error);
    must(weir_graph_forward(read, &pass, &error), &error);
    check_same("losses", weir_graph_loss(read), weir_graph_loss(made), ROWS, 0);
    char path[] = "/tmp/test_kinds.XXXXXX", *text = NULL;
    const int file = mkstemp(path);
    assert_true(file >= 0 && close(file) == 0);
    must(weir_config_print(&config, &text, &error), &error);
    must(weir_file_write(path, text, strlen(text), &error), &error);
    weir_config_free(&config);
    assert_int_equal(weir_config_load(&config, path, NULL, 0, &error), WEIR_CONFIG);
    must(weir_config_load_with(&config, path, NULL, 0, &options, &error), &error);
    assert_string_equal(config.network[1].kind, "my-affine");
    weir_config_free(&config);
    assert_int_equal(weir_config_load(&config, path, NULL, 0, &error), WEIR_CONFIG); // the names are gone again
    remove(path);
    weir_text_free(text);
    weir_config_free(&config);
    weir_bytes_free(bytes);
    weir_graph_free(made);
    weir_graph_free(read);
}

// ---- a part of a larger network ------------------------------------------------------------------------------------

/// The gradient of the squared error, formed outside, gives every gradient that the loss node gives.
static void test_outside_gradient(void **state) {
    (void)state;
    static const char *const rules[] = {"sts", "straight-through", "reinforce:baseline=none"};
    for (size_t k = 0; k < COUNT(rules); k++) {
        weir_graph *part = network(false, rules[k], NULL), *whole = network(false, rules[k], "squared-error");
        weir_pass pass = pass_of(WEIR_MODE_SAMPLE);
        must(weir_graph_forward(whole, &pass, &error), &error);
        must(weir_graph_backward(whole, &pass, &error), &error);
        must(weir_graph_forward(part, &pass, &error), &error);
        assert_null(weir_graph_input_gradients(part));
        float gradient[ROWS * OUTPUTS], loss[ROWS] = {0};
        const float *y = weir_graph_output(part, 6);
        for (size_t i = 0; i < COUNT(gradient); i++) {
            gradient[i] = (y[i] - targets[i]) / ROWS;
            loss[i / OUTPUTS] += (y[i] - targets[i]) * (y[i] - targets[i]) / 2;
        }
        const bool uses_loss = weir_graph_unit(part, 3)->rule->traits & WEIR_TRAIT_USES_LOSS;
        assert_int_equal(weir_graph_backward(part, &pass, &error), WEIR_ARGUMENT);
        assert_int_equal(weir_graph_backward_from(whole, &pass, gradient, loss, &error), WEIR_ARGUMENT);
        assert_int_equal(weir_graph_backward_from(part, &pass, gradient, NULL, &error),
                         uses_loss ? WEIR_ARGUMENT : WEIR_OK);
        if (uses_loss) assert_non_null(strstr(error.text, "needs the loss of each row"));
        must(weir_graph_backward_from(part, &pass, gradient, loss, &error), &error);
        check_parameters(part, whole, true, 1e-5);
        check_same("input gradients", weir_graph_input_gradients(part), weir_graph_input_gradients(whole),
                   ROWS * INPUTS, 1e-5);
        weir_graph_free(part);
        weir_graph_free(whole);
    }
    weir_graph *part = network(false, "disarm", NULL);
    const weir_pass pass = pass_of(WEIR_MODE_SAMPLE);
    float gradient[ROWS * OUTPUTS] = {0}, loss[ROWS] = {0};
    must(weir_graph_forward(part, &pass, &error), &error);
    assert_int_equal(weir_graph_backward_from(part, &pass, gradient, loss, &error), WEIR_UNSUPPORTED);
    weir_graph_free(part);
}

/// ∂L/∂inputs beside central differences; none without being asked for.
static void test_input_gradients(void **state) {
    (void)state;
    weir_graph *graph = network(false, "sigmoid", "squared-error");
    float moved[ROWS * INPUTS];
    weir_pass pass = pass_of(WEIR_MODE_SAMPLE);
    pass.inputs = moved;
    memcpy(moved, inputs, sizeof moved);
    must(weir_graph_forward(graph, &pass, &error), &error);
    must(weir_graph_backward(graph, &pass, &error), &error);
    float *dx = new_floats(COUNT(moved));
    double *numeric = new_doubles(COUNT(moved));
    memcpy(dx, weir_graph_input_gradients(graph), sizeof moved);
    for (size_t i = 0; i < COUNT(moved); i++) {
        const float step = 0.02f, kept = moved[i];
        moved[i] = kept + step;
        must(weir_graph_forward(graph, &pass, &error), &error);
        numeric[i] = weir_graph_mean_loss(graph);
        moved[i] = kept - step;
        must(weir_graph_forward(graph, &pass, &error), &error);
        numeric[i] = (numeric[i] - weir_graph_mean_loss(graph)) / (2 * (double)step);
        moved[i] = kept;
    }
    check_near("input gradients", dx, numeric, COUNT(moved), 3e-3);
    free(dx);
    free(numeric);
    weir_graph_free(graph);
    const weir_node nodes[] = {
        {.kind = "input", .size = INPUTS}, {.kind = "affine", .size = OUTPUTS}, {.kind = "squared-error"}};
    const weir_graph_options options = weir_graph_options_default(ROWS);
    must(weir_graph_create(&graph, nodes, 3, &options, &error), &error);
    pass = pass_of(WEIR_MODE_SAMPLE);
    must(weir_graph_forward(graph, &pass, &error), &error);
    must(weir_graph_backward(graph, &pass, &error), &error);
    assert_null(weir_graph_input_gradients(graph));
    weir_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_kinds),          cmocka_unit_test(test_steps),
        cmocka_unit_test(test_own_gradient_check), cmocka_unit_test(test_refused_kinds),
        cmocka_unit_test(test_names_in_files),     cmocka_unit_test(test_outside_gradient),
        cmocka_unit_test(test_input_gradients),
    };
    return cmocka_run_group_tests_name("kinds", tests, fill_batch, NULL);
}
