// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A row draws the same in any batch: noise is a function of the row's own number, first_row + r. Every rule, every node
// that is random, predictions and likelihoods by many draws, cut into batches of several sizes.

#include "testing.h"

#include <weir/weir.h>

#include "units/rules.h"

enum { rows = 13, cut = 5, units = 6, most_groups = 64 };

static weir_error error;

static void words_are_those_of_the_row(void **state) {
    (void)state;
    uint32_t plain[4], shifted[4];
    const weir_noise noise = {.seed = 5, .step = 2, .stream = 3};
    weir_noise from = noise;
    from.first_row = 1000;
    weir_random_words(plain, noise, 1007, 9);
    weir_random_words(shifted, from, 7, 9);
    assert_memory_equal(plain, shifted, sizeof plain);
    weir_random_words(plain, noise, 7, 9);
    assert_memory_not_equal(plain, shifted, sizeof plain);
}

/// What a rule draws for rows first … first + count − 1: h [groups][count][units].
static float *draw(const weir_unit *unit, const float *a, size_t first, size_t count, size_t *groups, bool finished) {
    const weir_rule *rule = unit->rule;
    *groups = finished ? 1 : weir_unit_groups(unit, units, 1);
    float *h = new_floats(*groups * count * units), *saved = new_floats(weir_unit_saved(unit, count, units));
    float *kept = new_floats(weir_unit_state(unit, units));
    if (rule->start) rule->start(unit, units, kept);
    const weir_unit_batch batch = {.rows = count,
                                   .units = units,
                                   .a = a + first * units,
                                   .h = h,
                                   .saved = saved,
                                   .state = kept,
                                   .noise = {.seed = 11, .step = 4, .stream = 8, .first_row = (uint32_t)first},
                                   .row_weight = 1.0F / (float)count,
                                   .groups = *groups,
                                   .layers = 1};
    if (finished)
        weir_unit_draw(unit)->sample(unit, &batch);
    else
        weir_unit_sample(unit, &batch);
    free(saved);
    free(kept);
    return h;
}

/// Returns how many outputs differ from those of other rows.
static size_t check_rule(const weir_unit *unit, const float *a, bool finished) {
    size_t groups = 0, again = 0, differ = 0;
    float *all = draw(unit, a, 0, rows, &groups, finished), *rest = draw(unit, a, cut, rows - cut, &again, finished);
    assert_int_equal(groups, again);
    for (size_t g = 0; g < groups; g++) {
        const float *wanted = all + (g * rows + cut) * units, *got = rest + g * (rows - cut) * units;
        for (size_t i = 0; i < (rows - cut) * units; i++) {
            if (!(got[i] == wanted[i])) {
                fail_msg("%s: group %zu, row %zu, unit %zu: %g in a batch of its own, %g in the whole one",
                         unit->rule->name, g, cut + i / units, i % units, (double)got[i], (double)wanted[i]);
            }
            differ += all[g * rows * units + i] != wanted[i];
        }
    }
    free(all);
    free(rest);
    return differ;
}

static void every_rule_draws_by_the_row(void **state) {
    (void)state;
    float a[rows * units];
    size_t finished = 0, same = 0;
    assert_true(weir_rule_count() > 30);
    for (size_t i = 0; i < rows * units; i++) a[i] = (float)((i * 37) % 29) / 9 - 1.5F;
    for (size_t k = 0; k < weir_rule_count(); k++) {
        weir_unit unit;
        must(weir_rule_form(weir_rule_at(k), &unit, NULL, 0, &error), &error);
        assert_in_range(weir_unit_groups(&unit, units, 1), 1, most_groups); // whether it has been fitted or not
        must(weir_unit_fit(&unit, units, &error), &error);
        assert_in_range(weir_unit_groups(&unit, units, 1), 1, most_groups);
        same += check_rule(&unit, a, false) == 0;
        assert_true(check_rule(&unit, a, true) > 0);
        finished++;
    }
    assert_true(finished > 0);
    assert_true(same <= 1); // exact lists all outcomes, the same ones for every row
}

// ---- graphs ---------------------------------------------------------------------------------------------------------

enum { side = 4, pixels = side * side, outputs = 3 };

static const weir_node drop[] = {{.kind = "input", .size = pixels}, {.kind = "dropout", .dropout = 0.5}};
static const weir_node move[] = {{.kind = "input", .size = pixels}, {.kind = "shift", .shift = 2}};
static const weir_node gated[] = {
    {.kind = "input", .name = "x", .size = pixels},
    {.kind = "affine", .size = 8},
    {.kind = "unit", .name = "gates", .rule = "straight-through"},
    {.kind = "gated-affine", .from = "x", .gates = "gates", .size = 16, .block = 2},
    {.kind = "affine", .size = outputs},
    {.kind = "softmax-cross-entropy"},
};

static void fill_inputs(float *inputs) {
    for (size_t i = 0; i < rows * pixels; i++) inputs[i] = (float)((i * 53) % 31) / 30;
}

/// The last node's output in sample mode for rows first … first + count − 1; the caller frees it.
static float *sampled(weir_graph *graph, const float *inputs, size_t first, size_t count) {
    size_t nodes = 0;
    const size_t width = weir_graph_nodes(graph, &nodes)[nodes - 1].size;
    const weir_pass pass = {.mode = WEIR_MODE_SAMPLE,
                            .rows = count,
                            .inputs = inputs + first * pixels,
                            .seed = 3,
                            .step = 1,
                            .first_row = first};
    must(weir_graph_forward(graph, &pass, &error), &error);
    float *copy = new_floats(count * width);
    memcpy(copy, weir_graph_output(graph, nodes - 1), count * width * sizeof *copy);
    return copy;
}

static void check_network(const weir_node *network, size_t count, size_t width) {
    float inputs[rows * pixels];
    weir_graph *graph = NULL;
    const weir_graph_options options = weir_graph_options_default(rows);
    fill_inputs(inputs);
    must(weir_graph_create(&graph, network, count, &options, &error), &error);
    float *all = sampled(graph, inputs, 0, rows), *rest = sampled(graph, inputs, cut, rows - cut);
    for (size_t i = 0; i < (rows - cut) * width; i++) {
        if (!(fabsf(rest[i] - all[cut * width + i]) <= 1e-6F)) {
            fail_msg("row %zu: %g, %g", cut + i / width, (double)rest[i], (double)all[cut * width + i]);
        }
    }
    free(all);
    free(rest);
    weir_graph_free(graph);
}

static void every_random_node_draws_by_the_row(void **state) {
    (void)state;
    check_network(drop, 2, pixels);
    check_network(move, 2, pixels);
    check_network(gated, 6, outputs);
}

static void rows_end_before_32_bits(void **state) {
    (void)state;
    float inputs[rows * pixels];
    weir_graph *graph = NULL;
    const weir_graph_options options = weir_graph_options_default(rows);
    fill_inputs(inputs);
    must(weir_graph_create(&graph, drop, 2, &options, &error), &error);
    weir_pass pass = {.mode = WEIR_MODE_SAMPLE, .rows = rows, .inputs = inputs};
    pass.first_row = UINT32_MAX - rows;
    must(weir_graph_forward(graph, &pass, &error), &error);
    pass.first_row++;
    assert_int_equal(weir_graph_forward(graph, &pass, &error), WEIR_ARGUMENT);
    pass.first_row = SIZE_MAX;
    assert_int_equal(weir_graph_forward(graph, &pass, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "32 bits"));
    weir_graph_free(graph);
}

/// The mean of 7 draws: one draw that differed in one row would move it by some hundredths.
static void predictions_in_any_batch(void **state) {
    (void)state;
    static const size_t batches[] = {1, 2, 5, rows, 300};
    float inputs[rows * pixels], whole[rows * outputs], part[rows * outputs], other[rows * outputs];
    weir_rows *all = NULL;
    fill_inputs(inputs);
    must(weir_rows_create(&all, inputs, rows, pixels, &error), &error);
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        weir_graph *graph = NULL;
        const weir_graph_options options = weir_graph_options_default(batches[b]);
        must(weir_graph_create(&graph, gated, 6, &options, &error), &error);
        must(weir_predict_samples(graph, b ? part : whole, all, 0, rows, 7, 21, &error), &error);
        for (size_t i = 0; b && i < rows * outputs; i++) {
            if (!(fabsf(part[i] - whole[i]) <= 1e-6F)) {
                fail_msg("batches of %zu: row %zu: %g, expected %g", batches[b], i / outputs, (double)part[i],
                         (double)whole[i]);
            }
        }
        for (size_t first = 0; first < rows; first += 4) { // asked for in the middle
            const size_t count = rows - first < 3 ? rows - first : 3;
            must(weir_predict_samples(graph, part, all, first, count, 7, 21, &error), &error);
            for (size_t i = 0; i < count * outputs; i++) {
                assert_true(fabsf(part[i] - whole[first * outputs + i]) <= 1e-6F);
            }
        }
        must(weir_predict_samples(graph, other, all, 0, rows, 7, 22, &error), &error);
        size_t differ = 0; // another seed, which the seed of another row must not be
        for (size_t r = 0; r + 1 < rows; r++) {
            differ += fabsf(other[r * outputs] - whole[r * outputs]) > 1e-4F;
            if (batches[b] == 1) assert_true(fabsf(other[r * outputs] - whole[(r + 1) * outputs]) > 1e-6F);
        }
        assert_true(differ > rows / 2);
        weir_graph_free(graph);
    }
    weir_rows_free(all);
}

static void likelihoods_in_any_batch(void **state) {
    (void)state;
    static const size_t batches[] = {1, 5, 300, 600};
    enum { many = 530 }; // more than the library draws at once
    weir_rows *all = NULL;
    float *inputs = new_floats(many * pixels);
    int32_t labels[many];
    double nll = 0, loss = 0;
    for (size_t i = 0; i < many * pixels; i++) inputs[i] = (float)((i * 53) % 31) / 30;
    for (size_t i = 0; i < many; i++) labels[i] = (int32_t)(i % outputs);
    must(weir_rows_create(&all, inputs, many, pixels, &error), &error);
    const weir_part part = {.rows = all, .labels = labels, .count = many};
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        weir_graph *graph = NULL;
        weir_evaluation e;
        const weir_graph_options options = weir_graph_options_default(batches[b]);
        must(weir_graph_create(&graph, gated, 6, &options, &error), &error);
        must(weir_evaluate_samples(graph, &e, &part, 3, 21, &error), &error);
        if (!b) nll = e.nll, loss = e.loss;
        if (!(fabs(e.nll - nll) <= 1e-7 && fabs(e.loss - loss) <= 1e-7)) {
            fail_msg("batches of %zu: %.9g, expected %.9g", batches[b], e.nll, nll);
        }
        must(weir_evaluate_samples(graph, &e, &part, 3, 22, &error), &error);
        assert_true(fabs(e.nll - nll) > 1e-6);
        weir_graph_free(graph);
    }
    weir_rows_free(all);
    free(inputs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_those_of_the_row),
        cmocka_unit_test(every_rule_draws_by_the_row),
        cmocka_unit_test(every_random_node_draws_by_the_row),
        cmocka_unit_test(rows_end_before_32_bits),
        cmocka_unit_test(predictions_in_any_batch),
        cmocka_unit_test(likelihoods_in_any_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
