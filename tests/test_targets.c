// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Networks that predict rows of values: binarised and halved data; the likelihood of two layers of random units beside
// the sum over all their states; gradients; training that continues bit for bit; predictions.

#define _XOPEN_SOURCE 700
#include <unistd.h>

#include "testing.h"

#include "train_bed.h"

static char folder[] = "/tmp/weir-targets-XXXXXX";
static weir_error error;

// ---- data

static weir_data_options halves(const char *binarise) {
    weir_data_options o = weir_data_options_default();
    o.source = "digits";
    o.train = 300;
    o.valid = 280; // more than one batch of draws
    o.test = 40;
    o.binarise = binarise;
    o.targets = "lower-half";
    return o;
}

static weir_data *load(const weir_data_options *options) {
    weir_data *data = NULL;
    must(weir_data_load(&data, options, &error), &error);
    return data;
}

static void row_of(const weir_rows *rows, size_t row, float *out) { weir_rows_copy(rows, out, NULL, row, 1); }

static void data_are_halved(void **state) {
    (void)state;
    float image[784], upper[392], lower[392];
    weir_data_options plain = halves("none");
    weir_data *cut = load(&plain);
    plain.targets = "labels";
    weir_data *whole = load(&plain);
    assert_int_equal(weir_data_columns(cut), 392);
    assert_int_equal(weir_data_targets(cut), 392);
    assert_int_equal(weir_data_targets(whole), 0);
    const weir_part parts[][2] = {{weir_data_train(cut), weir_data_train(whole)},
                                  {weir_data_valid(cut), weir_data_valid(whole)},
                                  {weir_data_test(cut), weir_data_test(whole)}};
    for (size_t k = 0; k < 3; k++) {
        assert_null(parts[k][1].targets);
        assert_int_equal(weir_rows_shape(parts[k][0].rows).height, 14);
        assert_int_equal(weir_rows_shape(parts[k][0].targets).width, 28);
        for (size_t r = 0; r < parts[k][0].count; r += 13) {
            row_of(parts[k][1].rows, parts[k][1].first + r, image);
            row_of(parts[k][0].rows, parts[k][0].first + r, upper);
            row_of(parts[k][0].targets, parts[k][0].first + r, lower);
            assert_memory_equal(upper, image, sizeof upper);
            assert_memory_equal(lower, image + 392, sizeof lower);
        }
    }
    weir_data_free(cut);
    weir_data_free(whole);
}

// threshold: 1 exactly above ½. fixed: 1 as often as the value says, certain at 0 and 1; the same again for the same
// seed, another draw for another seed, and other draws for rows of another set.
static void values_become_bits(void **state) {
    (void)state;
    enum { count = 4000, columns = 6 };
    static float values[count][columns], bits[2][count][columns], other[count][columns];
    const float p[columns] = {0, 0.1F, 0.5F, 0.50001F, 0.9F, 1};
    for (size_t r = 0; r < count; r++) memcpy(values[r], p, sizeof p);
    weir_data_options o = weir_data_options_default();
    const struct {
        const char *how;
        uint64_t seed;
        uint32_t set;
    } cases[] = {{"threshold", 1, 0}, {"fixed", 1, 0}, {"fixed", 1, 0}, {"fixed", 2, 0}, {"fixed", 1, 1}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        weir_rows *rows = NULL, *targets = NULL;
        o.binarise = cases[k].how;
        o.seed = cases[k].seed;
        must(weir_rows_create(&rows, values[0], count, columns, &error), &error);
        must(weir_rows_prepare(rows, &targets, &o, cases[k].set, &error), &error);
        assert_null(targets);
        weir_rows_copy(rows, k < 2 ? bits[k][0] : other[0], NULL, 0, count);
        weir_rows_free(rows);
        if (k == 2) assert_memory_equal(other, bits[1], sizeof other);
        if (k > 2) assert_memory_not_equal(other, bits[1], sizeof other);
    }
    for (size_t j = 0; j < columns; j++) {
        double sum = 0;
        for (size_t r = 0; r < count; r++) {
            assert_true(bits[0][r][j] == (p[j] > 0.5F ? 1 : 0));
            assert_true(bits[1][r][j] == 0 || bits[1][r][j] == 1);
            sum += (double)bits[1][r][j];
        }
        const double q = (double)p[j], expected = count * q, deviation = sqrt(count * q * (1 - q));
        if (!(fabs(sum - expected) <= 4 * deviation)) fail_msg("column %zu: %g ones, not %g", j, sum, expected);
    }
}

static void refused(const weir_data_options *options, weir_status wanted, const char *fragment) {
    weir_data *data = NULL;
    const weir_status got = weir_data_load(&data, options, &error);
    if (data || got != wanted || !strstr(error.text, fragment)) fail_msg("%s: %d, %s", fragment, got, error.text);
}

static void bad_data(void **state) {
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/rows.csv", folder);
    weir_data_options o = halves("often");
    refused(&o, WEIR_CONFIG, "data.binarise is \"often\"; expected one of none, threshold, fixed");
    o = halves("fixed");
    o.targets = "left-half";
    refused(&o, WEIR_CONFIG, "data.targets is \"left-half\"; expected one of labels, lower-half");
    const struct {
        const char *text, *binarise, *fragment;
    } files[] = {{"1,2,3\n4,5,6\n7,8,9\n", "none", "an even number of values"},
                 {"0,1\n0,2\n0,1\n", "fixed", "column 1 is 2, but data.binarise \"fixed\" takes values as probab"}};
    for (size_t k = 0; k < 2; k++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(files[k].text, file);
        fclose(file);
        o = weir_data_options_default();
        o.source = "files";
        o.train_rows = path;
        o.targets = "lower-half";
        o.binarise = files[k].binarise;
        refused(&o, WEIR_DATA, files[k].fragment);
    }
    o.binarise = "threshold"; // no labels are needed
    weir_data *data = load(&o);
    assert_int_equal(weir_data_targets(data), 1);
    assert_int_equal(weir_data_classes(data), 0);
    weir_data_free(data);
    o.targets = "labels";
    refused(&o, WEIR_ARGUMENT, "no labels");
    unlink(path);
}

// ---- the likelihood

enum { inputs = 4, first_units = 3, second_units = 4, outputs = 5, rows = 7 };

static weir_graph *tiny_graph(size_t max_rows, bool training, const char *rule) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = inputs},
        {.name = "a1", .kind = "affine", .size = first_units, .init = 2},
        {.name = "h1", .kind = "unit", .rule = rule},
        {.name = "a2", .kind = "affine", .size = second_units, .init = 2, .bias = 0.3},
        {.name = "h2", .kind = "unit", .rule = rule},
        {.name = "a3", .kind = "affine", .size = outputs, .init = 3, .bias = -0.2},
        {.name = "loss", .kind = "bernoulli-cross-entropy"},
    };
    weir_graph *graph = NULL;
    weir_graph_options options = weir_graph_options_default(max_rows);
    options.seed = 5;
    options.training = training;
    must(weir_graph_create(&graph, nodes, sizeof nodes / sizeof *nodes, &options, &error), &error);
    return graph;
}

static const double x_values[rows][inputs] = {{1, 0, 0, 1},         {0.5, -1, 2, 0}, {0, 0, 0, 0}, {-1, 1, 1, 1},
                                              {0.2, 0.4, 0.6, 0.8}, {2, 2, -2, -2},  {1, 1, 1, 1}};
static const double t_values[rows][outputs] = {{1, 0, 1, 0, 1}, {0, 0, 0, 0, 0}, {1, 1, 1, 1, 1},     {0, 1, 0, 1, 0},
                                               {1, 1, 0, 0, 0}, {0, 0, 0, 1, 1}, {0.5, 0, 1, 0.25, 1}};

static weir_part tiny_part(weir_rows **x, weir_rows **t) {
    float xs[rows][inputs], ts[rows][outputs];
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < inputs; i++) xs[r][i] = (float)x_values[r][i];
        for (size_t i = 0; i < outputs; i++) ts[r][i] = (float)t_values[r][i];
    }
    must(weir_rows_create(x, xs[0], rows, inputs, &error), &error);
    must(weir_rows_create(t, ts[0], rows, outputs, &error), &error);
    return (weir_part){.rows = *x, .targets = *t, .count = rows};
}

static double sigmoid(double a) { return 1 / (1 + exp(-a)); }

static void affine(const weir_graph *graph, const weir_parameters *p, const char *node, const double *x, double *y) {
    float weights[64], bias[8];
    const size_t index = weir_graph_find(graph, node);
    size_t out = 0, in = 0;
    for (size_t k = 0; k < p->tensor_count; k++) {
        const weir_tensor *t = &p->tensors[k];
        if (t->node != index) continue;
        assert_int_equal(weir_graph_values_get(graph, t->role == WEIR_ROLE_WEIGHT ? weights : bias, k, NULL), WEIR_OK);
        if (t->role == WEIR_ROLE_WEIGHT) out = t->rows, in = t->columns;
    }
    assert_true(out > 0 && out * in <= 64);
    for (size_t o = 0; o < out; o++) {
        y[o] = (double)bias[o];
        for (size_t i = 0; i < in; i++) y[o] += (double)weights[o * in + i] * x[i];
    }
}

static double probability(unsigned bits, const double *a, size_t count, double *h) {
    double q = 1;
    for (size_t i = 0; i < count; i++) {
        h[i] = bits >> i & 1;
        q *= h[i] > 0 ? sigmoid(a[i]) : sigmoid(-a[i]);
    }
    return q;
}

typedef struct truth {
    double loss, second; ///< E L and E L²
    double nll;          ///< −log E exp(−L)
    double relative;     ///< variance of exp(−L) over the square of its mean
    double output[outputs];
} truth;

static truth enumerate(weir_graph *graph, size_t row) {
    const weir_parameters p = weir_graph_parameters(graph);
    truth sum = {0};
    double a1[first_units], a2[second_units], a3[outputs], h1[first_units], h2[second_units], mean = 0, square = 0;
    affine(graph, &p, "a1", x_values[row], a1);
    for (unsigned s = 0; s < 1U << first_units; s++) {
        const double q1 = probability(s, a1, first_units, h1);
        affine(graph, &p, "a2", h1, a2);
        for (unsigned u = 0; u < 1U << second_units; u++) {
            const double q = q1 * probability(u, a2, second_units, h2);
            double loss = 0;
            affine(graph, &p, "a3", h2, a3);
            for (size_t i = 0; i < outputs; i++) {
                loss += log1p(exp(a3[i])) - t_values[row][i] * a3[i];
                sum.output[i] += q * sigmoid(a3[i]);
            }
            sum.loss += q * loss;
            sum.second += q * loss * loss;
            mean += q * exp(-loss);
            square += q * exp(-2 * loss);
        }
    }
    sum.nll = -log(mean);
    sum.relative = square / (mean * mean) - 1;
    return sum;
}

static void close_to(const char *what, double got, double wanted, double tolerance) {
    if (!(fabs(got - wanted) <= tolerance)) fail_msg("%s: %.9g, expected %.9g ± %.2g", what, got, wanted, tolerance);
}

// One sample: the mean loss. m samples: to first order the bound lies relative/(2m) above the exact value, with a
// standard deviation of √(relative/m).
static void bound_is_right(void **state) {
    (void)state;
    weir_rows *x = NULL, *t = NULL;
    weir_part part = tiny_part(&x, &t);
    weir_graph *graph = tiny_graph(rows, false, "straight-through");
    weir_evaluation e;
    double exact = 0, loss = 0, loss_variance = 0, relative = 0;
    for (size_t r = 0; r < rows; r++) {
        const truth v = enumerate(graph, r);
        exact += v.nll / rows;
        loss += v.loss / rows;
        loss_variance += (v.second - v.loss * v.loss) / (rows * rows);
        relative += v.relative / rows;
    }
    assert_true(relative > 0.05 && loss - exact > 0.05); // else there is nothing to tell apart
    const size_t samples = 20000;
    must(weir_evaluate_samples(graph, &e, &part, samples, 3, &error), &error);
    assert_int_equal(e.samples, samples);
    assert_true(isnan(e.error));
    close_to("loss", e.loss, loss, 4 * sqrt(loss_variance / (double)samples));
    close_to("nll", e.nll, exact + relative / 2 / (double)samples, 4 * sqrt(relative / rows / (double)samples));
    const double many = e.nll;
    must(weir_evaluate_samples(graph, &e, &part, samples, 3, &error), &error);
    assert_true(e.nll == many); // a function of the seed
    must(weir_evaluate_samples(graph, &e, &part, samples, 4, &error), &error);
    assert_true(e.nll != many);
    for (size_t k = 0; k < 20; k++) { // one draw: both are the same number
        must(weir_evaluate_samples(graph, &e, &part, 1, k, &error), &error);
        close_to("one draw", e.nll, e.loss, 1e-12 * fabs(e.loss));
    }
    // The mean over seeds of the bound of 5 samples lies between one sample's and the exact value.
    double five = 0;
    for (size_t k = 0; k < 400; k++) {
        must(weir_evaluate_samples(graph, &e, &part, 5, 100 + k, &error), &error);
        five += e.nll / 400;
        assert_true(e.nll <= e.loss + 1e-9);
    }
    assert_true(five > exact && five < loss);
    weir_graph_free(graph);
    weir_rows_free(x);
    weir_rows_free(t);
}

// Losses far from 0 must not make the sum 0 or infinite, and nothing random means one sample.
static void bound_of_large_losses(void **state) {
    (void)state;
    weir_rows *x = NULL, *t = NULL;
    weir_part part = tiny_part(&x, &t);
    weir_graph *graph = tiny_graph(rows, false, "straight-through");
    const weir_parameters p = weir_graph_parameters(graph);
    for (size_t k = 0; k < p.count; k++) p.values[k] *= 1000;
    weir_evaluation e;
    must(weir_evaluate_samples(graph, &e, &part, 50, 3, &error), &error);
    assert_true(isfinite(e.nll) && e.loss > 500 && e.nll <= e.loss);
    weir_graph_free(graph);
    graph = tiny_graph(rows, false, "rectifier");
    must(weir_evaluate_samples(graph, &e, &part, 50, 3, &error), &error);
    assert_int_equal(e.samples, 1);
    weir_evaluation once;
    must(weir_evaluate(graph, &once, NULL, &part, WEIR_MODE_EXPECT, &error), &error);
    close_to("nothing random", e.nll, once.loss, 1e-9);
    assert_true(isnan(once.error));
    int32_t predicted[rows];
    assert_int_equal(weir_evaluate(graph, &once, predicted, &part, WEIR_MODE_EXPECT, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_evaluate_samples(graph, &e, &part, 0, 3, &error), WEIR_ARGUMENT);
    part.targets = NULL;
    assert_int_equal(weir_evaluate_samples(graph, &e, &part, 5, 3, &error), WEIR_DATA);
    part.targets = x;
    assert_int_equal(weir_evaluate_samples(graph, &e, &part, 5, 3, &error), WEIR_SHAPE);
    float bad[rows][outputs] = {{0}};
    bad[2][3] = 1.5F;
    weir_rows *outside = NULL;
    must(weir_rows_create(&outside, bad[0], rows, outputs, &error), &error);
    part.targets = outside;
    assert_int_equal(weir_evaluate_samples(graph, &e, &part, 5, 3, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "target 3 of row 2 is 1.5: expected 0 to 1"));
    weir_rows_free(outside);
    weir_graph_free(graph);
    weir_rows_free(x);
    weir_rows_free(t);
}

static void predictions_are_means(void **state) {
    (void)state;
    enum { samples = 20000 };
    weir_rows *x = NULL, *t = NULL;
    float p[rows][outputs], few[2][outputs];
    tiny_part(&x, &t);
    weir_graph *graph = tiny_graph(rows, false, "straight-through");
    must(weir_predict_samples(graph, p[0], x, 0, rows, samples, 1, &error), &error);
    for (size_t r = 0; r < rows; r++) {
        const truth v = enumerate(graph, r);
        for (size_t i = 0; i < outputs; i++) close_to("probability", (double)p[r][i], v.output[i], 2 / sqrt(samples));
    }
    must(weir_predict_samples(graph, few[0], x, 0, 2, samples, 1, &error), &error);
    assert_memory_equal(few, p, sizeof few);
    assert_int_equal(weir_predict_samples(graph, few[0], x, 6, 2, 1, 1, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_predict_samples(graph, few[0], t, 0, 2, 1, 1, &error), WEIR_SHAPE);
    weir_graph_free(graph);
    weir_rows_free(x);
    weir_rows_free(t);
}

// The mean over many draws of what backward gives for the weights of the first layer, beside differences of the exact
// expected loss: unbiased through both layers with the score function, each layer with a baseline of its own.
static void score_function_through_two_layers(void **state) {
    (void)state;
    enum { draws = 40000 };
    weir_graph *graph = tiny_graph(rows, true, "reinforce:decay=0.99");
    float xs[rows][inputs], ts[rows][outputs];
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < inputs; i++) xs[r][i] = (float)x_values[r][i];
        for (size_t i = 0; i < outputs; i++) ts[r][i] = (float)t_values[r][i];
    }
    const weir_parameters p = weir_graph_parameters(graph);
    double *sum = calloc(p.count, sizeof *sum), *square = calloc(p.count, sizeof *square);
    assert_non_null(sum);
    assert_non_null(square);
    for (uint32_t k = 0; k < draws; k++) {
        const weir_pass pass = {
            .mode = WEIR_MODE_SAMPLE, .rows = rows, .inputs = xs[0], .targets = ts[0], .seed = 9, .step = k};
        must(weir_graph_forward(graph, &pass, &error), &error);
        must(weir_graph_backward(graph, &pass, &error), &error);
        for (size_t i = 0; i < p.count; i++) {
            sum[i] += (double)p.gradients[i] / draws;
            square[i] += (double)p.gradients[i] * (double)p.gradients[i] / draws;
        }
    }
    size_t compared = 0;
    double largest = 0;
    for (size_t n = 0; n < p.tensor_count; n++) {
        const weir_tensor *tensor = &p.tensors[n];
        for (size_t i = tensor->offset; i < tensor->offset + tensor->rows * tensor->columns; i++) {
            double up = 0, down = 0;
            const float kept = p.values[i], step = 1e-2F;
            p.values[i] = kept + step;
            for (size_t r = 0; r < rows; r++) up += enumerate(graph, r).loss / rows;
            p.values[i] = kept - step;
            for (size_t r = 0; r < rows; r++) down += enumerate(graph, r).loss / rows;
            const double width = (double)(kept + step) - (double)(kept - step);
            p.values[i] = kept;
            const double exact = (up - down) / width, error_of = sqrt(fmax(square[i] - sum[i] * sum[i], 0) / draws);
            close_to(tensor->name, sum[i], exact, 5 * error_of + 2e-5);
            largest = fmax(largest, fabs(exact) / (error_of + 1e-9));
            compared++;
        }
    }
    assert_int_equal(compared, 3 * 5 + 4 * 4 + 5 * 5);
    assert_true(largest > 50); // the comparison can tell something
    free(sum);
    free(square);
    weir_graph_free(graph);
}

// ---- training

static weir_train_options training_options(void) {
    weir_train_options o = weir_train_options_default();
    o.seed = 7;
    o.epochs = 3;
    o.batch = 40;
    o.checkpoint_seconds = 0;
    o.valid_samples = 3;
    o.sparsity.kind = "none";
    o.optimizer.kind = "momentum";
    o.optimizer.rate = 0.01;
    return o;
}

static weir_graph *digit_graph(const char *rule, const char *loss, size_t size) {
    const weir_node nodes[] = {
        {.name = "upper", .kind = "input", .size = 392},
        {.name = "a1", .kind = "affine", .size = 20},
        {.name = "h1", .kind = "unit", .rule = rule},
        {.name = "a2", .kind = "affine", .size = 12},
        {.name = "h2", .kind = "unit", .rule = rule},
        {.name = "a3", .kind = "affine", .size = size},
        {.name = "loss", .kind = loss},
    };
    return bed_graph(nodes, sizeof nodes / sizeof *nodes, 64);
}

static int stop_at(void *context, const weir_progress *progress) {
    const size_t *place = context;
    return progress->epoch == place[0] && progress->batch == place[1] && !progress->finished;
}

static void assert_same_parameters(weir_graph *a, weir_graph *b) {
    const weir_parameters p = weir_graph_parameters(a), q = weir_graph_parameters(b);
    assert_memory_equal(p.values, q.values, p.count * sizeof *p.values);
}

static void training_continues(void **state) {
    (void)state;
    const weir_data_options source = halves("fixed");
    const weir_train_options options = training_options();
    weir_data *data = load(&source);
    const char *const rules[] = {"straight-through:derivative=sigmoid", "reinforce"};
    for (size_t k = 0; k < 2; k++) {
        char path[128];
        snprintf(path, sizeof path, "%s/run%zu", folder, k);
        size_t place[2] = {2, 3}, count = 0, other_count = 0, best = 0;
        weir_graph *whole = digit_graph(rules[k], "bernoulli-cross-entropy", 392),
                   *parts = digit_graph(rules[k], "bernoulli-cross-entropy", 392);
        weir_trainer *one = NULL, *two = NULL;
        must(weir_trainer_create(&one, whole, data, &options, &error), &error);
        must(weir_trainer_run(one, NULL, NULL, NULL, NULL, &error), &error);
        must(weir_trainer_create(&two, parts, data, &options, &error), &error);
        assert_int_equal(weir_trainer_run(two, path, "", stop_at, place, &error), WEIR_INTERRUPTED);
        weir_trainer_free(two);
        weir_graph_free(parts);
        parts = digit_graph(rules[k], "bernoulli-cross-entropy", 392);
        must(weir_trainer_create(&two, parts, data, &options, &error), &error);
        must(weir_trainer_resume(two, path, &error), &error);
        must(weir_trainer_run(two, path, "", NULL, NULL, &error), &error);
        assert_same_parameters(whole, parts);
        const weir_epoch *a = weir_trainer_epochs(one, &count, &best),
                         *b = weir_trainer_epochs(two, &other_count, NULL);
        assert_int_equal(count, 3);
        assert_int_equal(other_count, 3);
        for (size_t e = 0; e < count; e++) {
            assert_true(a[e].valid_nll == b[e].valid_nll && a[e].train_loss == b[e].train_loss);
            assert_true(isnan(a[e].valid_error) && a[e].valid_nll < a[e].valid_loss);
            assert_true(a[best - 1].valid_nll <= a[e].valid_nll);
        }
        assert_true(a[2].train_loss < a[0].train_loss);
        // The number of the best epoch again, from the parameters that are left.
        weir_evaluation again;
        const weir_part valid = weir_data_valid(data);
        must(weir_evaluate_samples(whole, &again, &valid, 3, 7, &error), &error);
        assert_true(again.nll == a[best - 1].valid_nll);
        weir_result result = weir_result_empty();
        weir_trainer_result(one, &result);
        assert_true(result.valid_nll == again.nll && isnan(result.valid_error));
        const weir_part test = weir_data_test(data);
        must(weir_measure(whole, &result, &test, 0, 0, &error), &error);
        must(weir_measure_samples(whole, &result, &test, 20, 7, &error), &error);
        assert_int_equal(result.samples, 20);
        assert_true(result.test_nll < result.test_loss && isnan(result.test_error));
        // Another draw of the data, or another number of samples, is another run.
        weir_data_options otherwise = source;
        otherwise.binarise = "threshold";
        weir_data *different = load(&otherwise);
        weir_trainer_free(two);
        must(weir_trainer_create(&two, parts, different, &options, &error), &error);
        assert_int_equal(weir_trainer_resume(two, path, &error), WEIR_CONFIG);
        weir_trainer_free(two);
        weir_train_options more = options;
        more.valid_samples = 4;
        must(weir_trainer_create(&two, parts, data, &more, &error), &error);
        assert_int_equal(weir_trainer_resume(two, path, &error), WEIR_CONFIG);
        assert_non_null(strstr(error.text, "train.valid_samples=4"));
        weir_data_free(different);
        weir_trainer_free(one);
        weir_trainer_free(two);
        weir_graph_free(whole);
        weir_graph_free(parts);
        static const char *const files[] = {"checkpoint.safetensors", "metrics.jsonl", "model.safetensors"};
        for (size_t f = 0; f < 3; f++) {
            char name[192];
            snprintf(name, sizeof name, "%s/%s", path, files[f]);
            assert_int_equal(unlink(name), 0);
        }
        rmdir(path);
    }
    weir_data_free(data);
}

static void bad_networks(void **state) {
    (void)state;
    const weir_data_options source = halves("threshold");
    weir_data_options labelled = source;
    labelled.targets = "labels";
    weir_data *targets = load(&source), *labels = load(&labelled);
    weir_train_options options = training_options();
    const struct {
        const weir_data *data;
        const char *loss, *fragment;
        size_t size;
        weir_status status;
    } cases[] = {
        {targets, "softmax-cross-entropy", "which needs labels, but data.targets asks for targets", 392, WEIR_CONFIG},
        {targets, "bernoulli-cross-entropy", "set the size of the last layer to 392", 391, WEIR_SHAPE},
        {targets, "tanh", "rows with targets squared-error or bernoulli-cross-entropy", 392, WEIR_CONFIG},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        weir_graph *graph = digit_graph("sigmoid", cases[k].loss, cases[k].size);
        weir_trainer *trainer = NULL;
        const weir_status status = weir_trainer_create(&trainer, graph, cases[k].data, &options, &error);
        if (status != cases[k].status || !strstr(error.text, cases[k].fragment))
            fail_msg("case %zu: %s", k, error.text);
        assert_null(trainer);
        weir_graph_free(graph);
    }
    const weir_node nodes[] = {
        {.kind = "input", .size = 784}, {.kind = "affine", .size = 10}, {.kind = "bernoulli-cross-entropy"}};
    weir_graph *graph = bed_graph(nodes, 3, 64);
    weir_trainer *trainer = NULL;
    assert_int_equal(weir_trainer_create(&trainer, graph, labels, &options, &error), WEIR_CONFIG);
    assert_non_null(strstr(error.text, "which needs targets, but the data has labels"));
    weir_graph_free(graph);
    graph = digit_graph("sigmoid", "bernoulli-cross-entropy", 392);
    options.valid_samples = 0;
    assert_int_equal(weir_trainer_create(&trainer, graph, targets, &options, &error), WEIR_CONFIG);
    options.valid_samples = 1;
    must(weir_trainer_create(&trainer, graph, targets, &options, &error), &error);
    float zero[2][392] = {{0}};
    const int32_t label[2] = {0};
    assert_int_equal(weir_trainer_step(trainer, zero[0], label, 2, &error), WEIR_ARGUMENT);
    must(weir_trainer_step_targets(trainer, zero[0], zero[0], 2, &error), &error);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(targets);
    weir_data_free(labels);
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_are_halved),
        cmocka_unit_test(values_become_bits),
        cmocka_unit_test(bad_data),
        cmocka_unit_test(bound_is_right),
        cmocka_unit_test(bound_of_large_losses),
        cmocka_unit_test(predictions_are_means),
        cmocka_unit_test(score_function_through_two_layers),
        cmocka_unit_test(training_continues),
        cmocka_unit_test(bad_networks),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
