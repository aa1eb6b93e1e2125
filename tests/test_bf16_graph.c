// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Graphs in bf16 beside the same graphs in fp32: outputs and gradients in every mode, the rounded copy after values
// changed, master weights that collect steps too small for bf16.

#include "testing.h"

#include "graph/graph.h"
#include "kernels/bf16/bf16.h"
#include "train_bed.h"

enum { ROWS = 24, INPUTS = 784 };

static float inputs[ROWS * INPUTS];
static int32_t labels[ROWS];

static int fill_batch(void **state) {
    (void)state;
    weir_random_uniform(inputs, (weir_noise){.seed = 5, .stream = 1}, 0, ROWS * INPUTS);
    for (size_t r = 0; r < ROWS; r++) labels[r] = (int32_t)(r % 10);
    return 0;
}

static weir_pass pass_of(weir_mode mode) {
    return (weir_pass){.mode = mode, .rows = ROWS, .inputs = inputs, .labels = labels, .seed = 9, .step = 4};
}

/// Two gated layers, the second two-sided.
static weir_graph *create(weir_precision precision) {
    weir_node nodes[bed_nodes_most];
    const size_t count = bed_two_layers(nodes, "noisy-rectifier");
    weir_graph *graph = bed_graph(nodes, count, ROWS);
    weir_error error = {0};
    must(weir_graph_precision_use(graph, precision, &error), &error);
    assert_int_equal(weir_graph_precision(graph), precision);
    return graph;
}

/// |a − b| / |b| of two arrays.
static double distance(const float *a, const float *b, size_t count) {
    double difference = 0, norm = 0;
    for (size_t k = 0; k < count; k++) {
        difference += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
        norm += (double)b[k] * (double)b[k];
    }
    assert_true(norm > 0);
    return sqrt(difference / norm);
}

static void compare_nodes(weir_graph *half, weir_graph *full) {
    size_t count = 0, differ = 0;
    const weir_node *nodes = weir_graph_nodes(full, &count);
    for (size_t k = 1; k < count; k++) {
        const float *a = weir_graph_output(half, k), *b = weir_graph_output(full, k);
        assert_true(!a == !b);
        if (!a) continue;
        const double d = distance(a, b, ROWS * nodes[k].size);
        if (!(d <= 1e-2)) fail_msg("%s: off by %g", nodes[k].name, d);
        differ += d > 1e-5;
    }
    assert_true(differ > 0); // else nothing was rounded
}

static void every_mode_is_near_fp32(void **state) {
    (void)state;
    weir_error error = {0};
    for (weir_isa isa = WEIR_ISA_REFERENCE; isa <= weir_isa_best(); isa++) {
        const weir_isa before = weir_isa_current();
        assert_int_equal(weir_isa_use(isa), WEIR_OK);
        weir_graph *half = create(WEIR_BFLOAT16), *full = create(WEIR_FLOAT32);
        for (int mode = WEIR_MODE_SAMPLE; mode <= WEIR_MODE_OPEN; mode++) {
            const weir_pass pass = pass_of((weir_mode)mode);
            must(weir_graph_forward(half, &pass, &error), &error);
            must(weir_graph_forward(full, &pass, &error), &error);
            compare_nodes(half, full);
            assert_true(weir_graph_counters(half).forward_done == weir_graph_counters(full).forward_done);
            if (mode != WEIR_MODE_SAMPLE) continue;
            must(weir_graph_backward(half, &pass, &error), &error);
            must(weir_graph_backward(full, &pass, &error), &error);
            const weir_parameters a = weir_graph_parameters(half), b = weir_graph_parameters(full);
            for (size_t t = 0; t < a.tensor_count; t++) {
                const size_t offset = a.tensors[t].offset, count = a.tensors[t].rows * a.tensors[t].columns;
                const double d = distance(a.gradients + offset, b.gradients + offset, count);
                if (!(d <= 4e-2)) fail_msg("gradient of %s: off by %g", a.tensors[t].name, d);
            }
        }
        weir_graph_free(half);
        weir_graph_free(full);
        assert_int_equal(weir_isa_use(before), WEIR_OK);
    }
}

static void fp32_is_as_before(void **state) {
    (void)state;
    weir_error error = {0};
    const weir_pass pass = pass_of(WEIR_MODE_OPEN);
    weir_graph *graph = create(WEIR_BFLOAT16), *full = create(WEIR_FLOAT32);
    must(weir_graph_forward(graph, &pass, &error), &error);
    must(weir_graph_precision_use(graph, WEIR_FLOAT32, &error), &error);
    must(weir_graph_forward(graph, &pass, &error), &error);
    must(weir_graph_forward(full, &pass, &error), &error);
    assert_memory_equal(weir_graph_loss(graph), weir_graph_loss(full), ROWS * sizeof(float));
    assert_int_equal(weir_graph_precision_use(graph, (weir_precision)7, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_graph_precision(graph), WEIR_FLOAT32);
    weir_graph_free(graph);
    weir_graph_free(full);
}

static void changed_values_are_rounded_again(void **state) {
    (void)state;
    weir_error error = {0};
    for (int mode = WEIR_MODE_DECIDE; mode <= WEIR_MODE_OPEN; mode++) {
        const weir_pass pass = pass_of((weir_mode)mode);
        weir_graph *graph = create(WEIR_BFLOAT16), *other = create(WEIR_BFLOAT16);
        must(weir_graph_forward(graph, &pass, &error), &error);
        const weir_parameters p = weir_graph_parameters(graph), q = weir_graph_parameters(other);
        for (size_t k = 0; k < p.count; k++) q.values[k] = p.values[k] *= 1.25f;
        must(weir_graph_forward(graph, &pass, &error), &error);
        must(weir_graph_forward(other, &pass, &error), &error);
        assert_memory_equal(weir_graph_loss(graph), weir_graph_loss(other), ROWS * sizeof(float));
        weir_graph_free(graph);
        weir_graph_free(other);
    }
}

static const weir__form *halves_of(const weir_graph *graph, size_t tensor) {
    return &graph->matrices[tensor].forms[WEIR_BFLOAT16][WEIR__TILES];
}

/// The halves of all weights, as the last step left them, and the values that follow them.
static void check_halves(weir_graph *graph) {
    size_t seen = 0;
    for (size_t t = 0; t < graph->tensor_count; t++) {
        const weir_tensor *tensor = &graph->tensors[t];
        const size_t count = tensor->rows * tensor->columns;
        if (tensor->role != WEIR_ROLE_WEIGHT) continue; // weights, not biases
        const weir__form *form = halves_of(graph, t);
        assert_true(form->current); // no pass will split them all
        assert_false(graph->matrices[t].forms[WEIR_FLOAT32][WEIR__TILES].current);
        const float *values = weir__matrix_values(&graph->matrices[t]);
        for (size_t k = 0; k < count; k++, seen++) {
            if (form->halves.upper[k] != weir__bf16_upper(values[k])) fail_msg("%s: weight %zu", tensor->name, k);
            if (form->halves.lower[k] != weir__bf16_lower(values[k])) fail_msg("%s: weight %zu", tensor->name, k);
        }
    }
    assert_true(seen > 0);
}

/// Steps of a millionth of a weight are lost in bf16, but not in the master copy.
static void masters_collect_small_steps(void **state) {
    (void)state;
    weir_error error = {0};
    weir_graph *graph = create(WEIR_BFLOAT16);
    weir_data *data = bed_digits(100, 50, 50);
    weir_train_options options = weir_train_options_default();
    options.batch = ROWS;
    options.optimizer.rate = 1e-6;
    weir_trainer *trainer = NULL;
    must(weir_trainer_create(&trainer, graph, data, &options, &error), &error);
    const size_t count = weir_graph_parameters(graph).count;
    float *start = malloc(count * sizeof *start);
    assert_non_null(start);
    memcpy(start, weir_graph_parameters(graph).values, count * sizeof *start);
    const weir_pass pass = pass_of(WEIR_MODE_DECIDE);
    must(weir_graph_forward(graph, &pass, &error), &error);
    for (int k = 0; k < 3; k++) must(weir_trainer_step(trainer, inputs, labels, ROWS, &error), &error);
    check_halves(graph);
    size_t moved = 0, moved_rounded = 0;
    for (size_t t = 0; t < graph->tensor_count; t++) {
        const weir_tensor *tensor = &graph->tensors[t];
        const float *values = graph->values + tensor->offset, *first = start + tensor->offset;
        for (size_t k = 0; k < tensor->rows * tensor->columns; k++) {
            moved += values[k] != first[k];
            moved_rounded +=
                tensor->role == WEIR_ROLE_WEIGHT && halves_of(graph, t)->halves.upper[k] != weir__bf16_upper(first[k]);
        }
    }
    assert_true(moved > count / 4);
    assert_true(moved_rounded < moved / 10);
    free(start);
    weir_trainer_free(trainer);
    weir_data_free(data);
    weir_graph_free(graph);
}

/// A network without gates: nothing but the step itself tells that values changed.
static void trained_values_are_rounded_again(void **state) {
    (void)state;
    weir_error error = {0};
    const weir_node nodes[] = {
        {.name = "pixels", .kind = "input", .size = INPUTS},
        {.name = "hidden", .kind = "affine", .size = 16, .max_norm = 0.5},
        {.name = "squashed", .kind = "tanh"},
        {.name = "scores", .kind = "affine", .size = 10},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    weir_graph *graph = bed_graph(nodes, sizeof nodes / sizeof *nodes, ROWS);
    must(weir_graph_precision_use(graph, WEIR_BFLOAT16, &error), &error);
    weir_data *data = bed_digits(100, 50, 50);
    weir_train_options options = weir_train_options_default();
    options.batch = ROWS;
    weir_trainer *trainer = NULL;
    must(weir_trainer_create(&trainer, graph, data, &options, &error), &error);
    const weir_pass pass = pass_of(WEIR_MODE_DECIDE);
    must(weir_graph_forward(graph, &pass, &error), &error);
    uint16_t start[16];
    const uint16_t *scores = halves_of(graph, 2)->halves.upper;
    memcpy(start, scores, sizeof start);
    for (int k = 0; k < 3; k++) {
        must(weir_trainer_step(trainer, inputs, labels, ROWS, &error), &error);
        check_halves(graph);
    }
    assert_memory_not_equal(start, scores, 16 * sizeof *start);
    weir_trainer_free(trainer);
    weir_data_free(data);
    weir_graph_free(graph);
}

/// Whether the next pass finds every weight's halves as they are.
static bool halves_are_current(const weir_graph *graph) {
    bool current = true;
    for (size_t t = 0; t < graph->tensor_count; t++) {
        if (graph->tensors[t].role == WEIR_ROLE_WEIGHT) current &= halves_of(graph, t)->current;
    }
    return current;
}

static void readers_spoil_no_copy(void **state) {
    (void)state;
    weir_error error = {0};
    weir_graph *graph = create(WEIR_BFLOAT16);
    const weir_pass pass = pass_of(WEIR_MODE_DECIDE);
    must(weir_graph_forward(graph, &pass, &error), &error);
    assert_true(halves_are_current(graph));
    const weir_parameters_view view = weir_graph_parameters_read(graph);
    assert_true(halves_are_current(graph));
    const weir_parameters p = weir_graph_parameters(graph);
    assert_ptr_equal(p.values, view.values);
    assert_ptr_equal(p.gradients, view.gradients);
    assert_ptr_equal(p.tensors, view.tensors);
    assert_true(p.count == view.count && p.tensor_count == view.tensor_count);
    assert_false(halves_are_current(graph));
    weir_graph_free(graph);
}

/// One tensor at a time, in plain order, in both precisions, after a step that moved halves.
static void one_tensor_is_read_and_set(void **state) {
    (void)state;
    weir_error error = {0};
    const weir_pass pass = pass_of(WEIR_MODE_SAMPLE);
    for (int precision = WEIR_FLOAT32; precision <= WEIR_BFLOAT16; precision++) {
        weir_graph *graph = create((weir_precision)precision), *other = create((weir_precision)precision);
        weir_data *data = bed_digits(100, 50, 50);
        weir_train_options options = weir_train_options_default();
        options.batch = ROWS;
        weir_trainer *trainer = NULL;
        must(weir_trainer_create(&trainer, graph, data, &options, &error), &error);
        must(weir_trainer_step(trainer, inputs, labels, ROWS, &error), &error);
        bool tiled = false;
        for (size_t t = 0; t < graph->tensor_count; t++) {
            const weir_tensor *tensor = &graph->tensors[t];
            const size_t count = tensor->rows * tensor->columns;
            float *early = malloc(count * sizeof *early), *late = malloc(count * sizeof *late);
            assert_true(early && late);
            tiled |= tensor->block_columns < tensor->columns;
            must(weir_graph_values_get(graph, early, t, &error), &error); // the step's form
            const float *flat = weir_graph_parameters_read(graph).values + tensor->offset;
            for (size_t r = 0; r < tensor->rows; r++) { // the definition of the memory order
                for (size_t c = 0; c < tensor->columns; c++) {
                    const size_t r0 = r / tensor->block_rows * tensor->block_rows,
                                 c0 = c / tensor->block_columns * tensor->block_columns;
                    const size_t height =
                        tensor->rows - r0 < tensor->block_rows ? tensor->rows - r0 : tensor->block_rows;
                    const size_t width =
                        tensor->columns - c0 < tensor->block_columns ? tensor->columns - c0 : tensor->block_columns;
                    const float there = flat[r0 * tensor->columns + c0 * height + (r - r0) * width + (c - c0)];
                    assert_memory_equal(&there, &early[r * tensor->columns + c], sizeof there);
                }
            }
            must(weir_graph_values_set(other, t, early, &error), &error);
            must(weir_graph_values_get(other, late, t, &error), &error);
            assert_memory_equal(early, late, count * sizeof *early);
            free(early);
            free(late);
        }
        assert_true(tiled);
        must(weir_graph_forward(graph, &pass, &error), &error);
        must(weir_graph_forward(other, &pass, &error), &error);
        assert_memory_equal(weir_graph_loss(graph), weir_graph_loss(other), ROWS * sizeof(float));
        float none;
        assert_int_equal(weir_graph_values_get(graph, &none, graph->tensor_count, &error), WEIR_ARGUMENT);
        assert_non_null(strstr(error.text, "tensor"));
        assert_int_equal(weir_graph_values_set(graph, SIZE_MAX, &none, &error), WEIR_ARGUMENT);
        assert_int_equal(weir_graph_gradients_get(graph, &none, graph->tensor_count, &error), WEIR_ARGUMENT);
        weir_trainer_free(trainer);
        weir_data_free(data);
        weir_graph_free(graph);
        weir_graph_free(other);
    }
}

static void gradient_checks_are_refused(void **state) {
    (void)state;
    weir_error error = {0};
    weir_gradient_report report;
    weir_graph *graph = create(WEIR_BFLOAT16);
    const weir_pass pass = pass_of(WEIR_MODE_SAMPLE);
    assert_int_equal(weir_gradient_check(graph, &report, &pass, 1, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "bf16"));
    weir_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mode_is_near_fp32),          cmocka_unit_test(fp32_is_as_before),
        cmocka_unit_test(changed_values_are_rounded_again), cmocka_unit_test(masters_collect_small_steps),
        cmocka_unit_test(trained_values_are_rounded_again), cmocka_unit_test(readers_spoil_no_copy),
        cmocka_unit_test(one_tensor_is_read_and_set),       cmocka_unit_test(gradient_checks_are_refused),
    };
    return cmocka_run_group_tests(tests, fill_batch, NULL);
}
