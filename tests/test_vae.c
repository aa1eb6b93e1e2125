// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Networks with latent variables: priors beside the sum over outcomes, the negative ELBO, its gradient and the bound on
// the likelihood beside the sum over all states, rows as their own targets, and values drawn anew in each epoch.

#include "testing.h"

#include <weir/weir.h>

#include "data/rows.h"
#include "graph/graph.h"
#include "graph/prior.h"
#include "train/sparsity.h"
#include "units/prior.h"

static weir_error error;

static double draw(void) { return (double)uniform() + 0x1p-25; }

static void close_to(const char *what, double got, double wanted, double tolerance) {
    if (!(fabs(got - wanted) <= tolerance)) fail_msg("%s: %.9g, expected %.9g ± %.2g", what, got, wanted, tolerance);
}

// ---- priors --------------------------------------------------------------------------------------------------------

/// log of the chance of outcome `o` (of a variable of `size` outputs, or of a bit) at a, from the definition.
static double log_chance(const double *a, size_t size, size_t o, double temperature) {
    if (size == 1) return -log1p(exp(o ? -a[0] : a[0]));
    double sum = 0;
    for (size_t i = 0; i < size; i++) sum += exp((a[i] - a[o]) / temperature);
    return -log(sum);
}

static double divergence_of(const double *a, size_t size, double s, double temperature) {
    double sum = 0;
    for (size_t o = 0; o < (size == 1 ? 2 : size); o++) {
        const double l = log_chance(a, size, o, temperature);
        sum += exp(l) * (l - log(size > 1 ? 1 / (double)size : o ? s : 1 - s));
    }
    return sum;
}

static void priors_are_sums_over_outcomes(void **state) {
    (void)state;
    enum { rows = 5, units = 12, count = rows * units };
    const struct {
        const char *unit;
        size_t size;
        double s, temperature;
    } cases[] = {{"disarm", 1, 0.5, 1},
                 {"straight-through", 1, 0.125, 1},
                 {"concrete", 1, 0.9, 1},
                 {"reinmax:draw=one-of,of=4", 4, 0.5, 1},
                 {"rloo:draw=one-of,of=12", 12, 0.3, 1},
                 {"concrete:draw=one-of,of=3", 3, 0.3, 1},
                 {"decoupled-straight-through:draw=tempered-one-of,of=6,temperature=2", 6, 0.3, 2}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const size_t size = cases[c].size;
        const double s = cases[c].s, weight = 0.75, step = 1e-4;
        weir_unit unit;
        float a[count], h[count], da[count];
        double exact[count], kl[rows] = {0}, ratio[rows] = {0};
        must(weir_unit_parse(&unit, cases[c].unit, &error), &error);
        must(weir_unit_fit(&unit, units, &error), &error);
        assert_true(weir__prior_exists(&unit));
        for (size_t k = 0; k < count; k++) {
            exact[k] = a[k] = (float)(8 * draw() - 4);
            da[k] = 0.5f;
        }
        kl[1] = 3; // it adds
        weir__prior_divergence(&unit, s, rows, units, a, kl, weight, da);
        for (size_t r = 0; r < rows; r++) {
            double sum = r == 1 ? 3 : 0;
            for (size_t k = r * units; k < (r + 1) * units; k += size)
                sum += divergence_of(exact + k, size, s, cases[c].temperature);
            close_to(cases[c].unit, kl[r], sum, 2e-6 * sum);
        }
        for (size_t k = 0; k < count; k++) {
            const size_t first = k - k % size;
            const double at = exact[k];
            exact[k] = at + step;
            const double above = divergence_of(exact + first, size, s, cases[c].temperature);
            exact[k] = at - step;
            const double below = divergence_of(exact + first, size, s, cases[c].temperature);
            exact[k] = at;
            close_to("slope", (double)da[k] - 0.5, weight * (above - below) / (2 * step), 2e-6);
        }
        // The mean of the ratio over the outcomes of the first variable is its divergence.
        double mean = 0;
        for (size_t o = 0; o < (size == 1 ? 2 : size); o++) {
            for (size_t k = 0; k < count; k++) h[k] = size > 1 && k % size == 0;
            if (size == 1)
                h[0] = (float)o;
            else
                for (size_t i = 0; i < size; i++) h[i] = i == o;
            for (size_t r = 0; r < rows; r++) ratio[r] = 0;
            weir__prior_ratio(&unit, s, rows, units, a, h, ratio);
            double others = 0;
            for (size_t k = size; k < units; k += size)
                others +=
                    log_chance(exact + k, size, 0, cases[c].temperature) - log(size > 1 ? 1 / (double)size : 1 - s);
            mean += exp(log_chance(exact, size, o, cases[c].temperature)) * (ratio[0] - others);
        }
        close_to("mean ratio", mean, divergence_of(exact, size, s, cases[c].temperature), 1e-6);
    }
    weir_unit unit;
    const char *const none[] = {"noisy-rectifier", "rloo:draw=k-subset,of=4,k=2", "hard-concrete", "mixture:of=4"};
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
        must(weir_unit_parse(&unit, none[k], &error), &error);
        if (weir__prior_exists(&unit)) fail_msg("%s has a prior", none[k]);
    }
}

/// Units that are certain: nothing is infinite.
static void certain_units(void **state) {
    (void)state;
    const float a[4] = {-300, 300, 0, -90};
    float da[4] = {0};
    double kl[1] = {0};
    weir_unit unit;
    must(weir_unit_parse(&unit, "disarm", &error), &error);
    weir__prior_divergence(&unit, 0.5, 1, 4, a, kl, 1, da);
    close_to("bits", kl[0], 3 * log(2), 1e-6);
    must(weir_unit_parse(&unit, "reinmax:draw=one-of,of=4", &error), &error);
    kl[0] = 0;
    weir__prior_divergence(&unit, 0.5, 1, 4, a, kl, 1, da);
    close_to("one of four", kl[0], log(4), 1e-6);
    for (size_t k = 0; k < 4; k++) assert_true(isfinite(da[k]));
}

// ---- a network -----------------------------------------------------------------------------------------------------

enum { pixels = 5, latent = 4, rows = 6 };

/// A bit or two more than needed, so that no state is alike: two variables of two, or four bits.
static weir_graph *tiny_graph(const char *rule, bool training) {
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = pixels},
        {.name = "logits", .kind = "affine", .size = latent, .init = 2, .bias = 0.2},
        {.name = "h", .kind = "unit", .rule = rule},
        {.name = "y", .kind = "affine", .size = pixels, .init = 3, .bias = -0.3},
        {.name = "loss", .kind = "bernoulli-cross-entropy"},
    };
    weir_graph *graph = NULL;
    weir_graph_options options = weir_graph_options_default(rows);
    options.seed = 11;
    options.training = training;
    must(weir_graph_create(&graph, nodes, sizeof nodes / sizeof *nodes, &options, &error), &error);
    return graph;
}

static const float images[rows][pixels] = {{1, 0, 0, 1, 1},     {0, 0, 0, 0, 0},    {1, 1, 1, 1, 1},
                                           {0, 1, 0.25f, 1, 0}, {1, 1, 0, 0, 0.5f}, {0, 0, 0, 1, 1}};

static void affine(weir_graph *graph, const char *node, const double *x, double *y) {
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    float weights[pixels * latent], bias[pixels];
    size_t out = 0, in = 0;
    for (size_t k = 0; k < p.tensor_count; k++) {
        const weir_tensor *t = &p.tensors[k];
        if (t->node != weir_graph_find(graph, node)) continue;
        must(weir_graph_values_get(graph, t->role == WEIR_ROLE_WEIGHT ? weights : bias, k, &error), &error);
        if (t->role == WEIR_ROLE_WEIGHT) out = t->rows, in = t->columns;
    }
    for (size_t o = 0; o < out; o++) {
        y[o] = (double)bias[o];
        for (size_t i = 0; i < in; i++) y[o] += (double)weights[o * in + i] * x[i];
    }
}

typedef struct truth {
    double elbo, nll; ///< both negative: the mean over rows
    double variance;  ///< of −log p(x | h), mean over rows
    double relative;  ///< variance of p(x, h)/q(h) over the square of its mean
} truth;

/// All states of the latent variables: bits, or two variables of two outputs.
static truth enumerate(weir_graph *graph, size_t size, double s) {
    truth sum = {0};
    const size_t variables = latent / size, each = size == 1 ? 2 : size;
    size_t states = 1;
    for (size_t v = 0; v < variables; v++) states *= each;
    for (size_t r = 0; r < rows; r++) {
        double x[pixels], a[latent], y[pixels], likelihood = 0, square = 0, first = 0, second = 0;
        for (size_t i = 0; i < pixels; i++) x[i] = (double)images[r][i];
        affine(graph, "logits", x, a);
        for (size_t state = 0; state < states; state++) {
            double h[latent] = {0}, q = 0, prior = 0, loss = 0;
            for (size_t v = 0, rest = state; v < variables; v++, rest /= each) {
                const size_t o = rest % each;
                if (size == 1)
                    h[v] = (double)o;
                else
                    h[v * size + o] = 1;
                q += log_chance(a + v * size, size, o, 1);
                prior += log(size > 1 ? 1 / (double)size : o ? s : 1 - s);
            }
            affine(graph, "y", h, y);
            for (size_t i = 0; i < pixels; i++) loss += log1p(exp(y[i])) - x[i] * y[i];
            sum.elbo += exp(q) * (loss + q - prior) / rows;
            first += exp(q) * loss;
            second += exp(q) * loss * loss;
            likelihood += exp(prior - loss);
            square += exp(2 * (prior - loss) - q);
        }
        sum.nll -= log(likelihood) / rows;
        sum.variance += (second - first * first) / rows;
        sum.relative += (square / (likelihood * likelihood) - 1) / rows;
    }
    return sum;
}

static weir_train_options with_prior(double s) {
    weir_train_options o = weir_train_options_default();
    o.batch = rows;
    o.sparsity.kind = "prior";
    o.sparsity.target = s;
    o.sparsity.weight = 1;
    return o;
}

static const struct {
    const char *rule;
    size_t size;
    double s;
} networks[] = {{"straight-through", 1, 0.3}, {"reinmax:draw=one-of,of=2", 2, 0.5}, {"rloo:draw=one-of,of=4", 4, 0.5}};
enum { network_count = sizeof networks / sizeof *networks };

static void elbo_and_likelihood(void **state) {
    (void)state;
    weir_rows *x = NULL;
    must(weir_rows_create(&x, images[0], rows, pixels, &error), &error);
    const weir_part part = {.rows = x, .targets = x, .count = rows};
    for (size_t n = 0; n < network_count; n++) {
        weir_graph *graph = tiny_graph(networks[n].rule, false);
        weir_evaluation e;
        const size_t draws = 20000;
        must(weir__graph_prior_set(graph, networks[n].s, &error), &error);
        const truth v = enumerate(graph, networks[n].size, networks[n].s);
        assert_true(v.elbo - v.nll > 0.05); // else there is nothing to tell apart
        must(weir_evaluate_samples(graph, &e, &part, draws, 3, &error), &error);
        close_to("negative ELBO", e.loss, v.elbo, 4 * sqrt(v.variance / rows / (double)draws) + 1e-6);
        close_to("nll", e.nll, v.nll + v.relative / 2 / (double)draws, 4 * sqrt(v.relative / rows / (double)draws));
        weir_graph_free(graph);
    }
    weir_rows_free(x);
}

/// With a rule that lists all states, the gradient of loss and penalty is that of the negative ELBO.
static void gradient_of_the_elbo(void **state) {
    (void)state;
    const struct {
        const char *rule;
        size_t size;
        double s;
    } exact[] = {{"exact", 1, 0.3}, {"exact:draw=one-of,of=2", 2, 0.5}};
    for (size_t n = 0; n < sizeof exact / sizeof *exact; n++) {
        weir_graph *graph = tiny_graph(exact[n].rule, true);
        const weir_train_options o = with_prior(exact[n].s);
        weir__sparsity control;
        const weir_pass pass = {.mode = WEIR_MODE_SAMPLE, .rows = rows, .inputs = images[0], .targets = images[0]};
        must(weir__sparsity_init(&control, graph, &o.sparsity, rows, &error), &error);
        must(weir_graph_forward(graph, &pass, &error), &error);
        must(weir_graph_backward(graph, &pass, &error), &error);
        close_to("loss", weir_graph_mean_loss(graph), enumerate(graph, exact[n].size, exact[n].s).elbo, 1e-5);
        const weir_parameters p = weir_graph_parameters(graph);
        for (size_t t = 0; t < p.tensor_count; t++) {
            for (size_t k = p.tensors[t].offset; k < p.tensors[t].offset + p.tensors[t].rows * p.tensors[t].columns;
                 k++) {
                const float at = p.values[k], step = 0x1p-7f;
                p.values[k] = at + step;
                const double above = enumerate(graph, exact[n].size, exact[n].s).elbo;
                p.values[k] = at - step;
                const double below = enumerate(graph, exact[n].size, exact[n].s).elbo;
                p.values[k] = at;
                close_to(p.tensors[t].name, (double)p.gradients[k], (above - below) / (2 * (double)step), 1e-4);
            }
        }
        weir__sparsity_free(&control);
        weir_graph_free(graph);
    }
}

static void refused(const char *rule, const char *fragment) {
    weir_graph *graph = tiny_graph(rule, false);
    const weir_status got = weir__graph_prior_set(graph, 0.5, &error);
    if (got != WEIR_CONFIG || !strstr(error.text, fragment)) fail_msg("%s: %d, %s", rule, got, error.text);
    assert_false(weir__graph_has_prior(graph));
    weir_graph_free(graph);
}

static void units_without_prior(void **state) {
    (void)state;
    refused("vimco", "bounds the likelihood by itself");
    refused("noisy-rectifier", "'noisy-rectifier' has no prior");
    refused("rloo:draw=k-subset,of=4,k=2", "has no prior");
    refused("rectifier", "no random units");
}

// ---- training ------------------------------------------------------------------------------------------------------

static weir_data *digits(const char *binarise, const char *targets) {
    weir_data *data = NULL;
    weir_data_options o = weir_data_options_default();
    o.source = "digits";
    o.train = 300;
    o.valid = 100;
    o.test = 50;
    o.binarise = binarise;
    o.targets = targets;
    must(weir_data_load(&data, &o, &error), &error);
    return data;
}

static void rows_are_their_targets(void **state) {
    (void)state;
    static float x[784], t[784], grey[784];
    weir_data *plain = digits("none", "inputs"), *labelled = digits("none", "labels"),
              *drawn = digits("dynamic", "inputs");
    assert_int_equal(weir_data_targets(plain), 784);
    assert_int_equal(weir_data_columns(plain), 784);
    const weir_part parts[][3] = {{weir_data_train(plain), weir_data_train(labelled), weir_data_train(drawn)},
                                  {weir_data_valid(plain), weir_data_valid(labelled), weir_data_valid(drawn)},
                                  {weir_data_test(plain), weir_data_test(labelled), weir_data_test(drawn)}};
    for (size_t k = 0; k < 3; k++) {
        for (uint32_t r = 0; r < parts[k][0].count; r += 7) {
            weir_rows_copy(parts[k][0].rows, x, &r, 0, 1);
            weir_rows_copy(parts[k][0].targets, t, &r, 0, 1);
            weir_rows_copy(parts[k][1].rows, grey, &r, 0, 1);
            assert_memory_equal(x, grey, sizeof x);
            assert_memory_equal(t, grey, sizeof t);
            for (uint32_t n = 0; n < 3; n++) {
                weir__rows_copy_drawn(parts[k][2].rows, x, &r, 0, 1, n);
                weir__rows_copy_drawn(parts[k][2].targets, t, &r, 0, 1, n);
                assert_memory_equal(x, t, sizeof x);
                for (size_t j = 0; j < 784; j++) assert_true((x[j] == 0 && grey[j] < 1) || (x[j] == 1 && grey[j] > 0));
            }
        }
    }
    weir_data_free(plain);
    weir_data_free(labelled);
    weir_data_free(drawn);
}

/// As often 1 as the value says; other draws in other epochs and files; halves do not follow each other.
static void values_are_drawn_anew(void **state) {
    (void)state;
    enum { count = 40, columns = 300, draws = 200, all = count * columns };
    static float values[all], bits[2][all];
    static double sums[all];
    weir_data_options o = weir_data_options_default();
    o.binarise = "dynamic";
    for (size_t k = 0; k < all; k++) values[k] = (float)(k % 5) / 4;
    weir_rows *x = NULL, *other = NULL, *targets = NULL;
    must(weir_rows_create(&x, values, count, columns, &error), &error);
    must(weir_rows_create(&other, values, count, columns, &error), &error);
    must(weir_rows_prepare(x, &targets, &o, 0, &error), &error);
    assert_null(targets);
    for (uint32_t n = 0; n < draws; n++) {
        weir__rows_copy_drawn(x, bits[n % 2], NULL, 0, count, n);
        for (size_t k = 0; k < all; k++) sums[k] += (double)bits[n % 2][k];
        if (n) assert_memory_not_equal(bits[0], bits[1], sizeof bits[0]);
    }
    double chi = 0;
    for (size_t k = 0; k < all; k++) {
        const double p = (double)values[k], off = sums[k] - draws * p;
        if (p == 0 || p == 1)
            assert_true(off == 0);
        else
            chi += off * off / (draws * p * (1 - p));
    }
    const double freedom = 0.6 * all;
    close_to("chi-squared of the shares of ones", chi, freedom, 5 * sqrt(2 * freedom));
    weir_rows_copy(x, bits[0], NULL, 0, count);
    weir__rows_copy_drawn(x, bits[1], NULL, 0, count, 0);
    assert_memory_equal(bits[0], bits[1], sizeof bits[0]);
    must(weir_rows_prepare(other, &targets, &o, 1, &error), &error);
    weir_rows_copy(other, bits[1], NULL, 0, count);
    assert_memory_not_equal(bits[0], bits[1], sizeof bits[0]);
    weir_rows_free(other);
    weir_rows_free(x);
    for (size_t k = 0; k < all; k++) values[k] = 0.5f;
    o.targets = "lower-half";
    must(weir_rows_create(&x, values, count, columns, &error), &error);
    must(weir_rows_prepare(x, &targets, &o, 0, &error), &error);
    weir_rows_copy(x, bits[0], NULL, 0, count);
    weir_rows_copy(targets, bits[1], NULL, 0, count);
    size_t alike = 0;
    for (size_t k = 0; k < all / 2; k++) alike += bits[0][k] == bits[1][k];
    close_to("halves alike", (double)alike, all / 4.0, 5 * sqrt(all / 8.0));
    weir_rows_free(targets);
    weir_rows_free(x);
    values[3 * columns + 7] = 1.5f;
    o.targets = "labels";
    must(weir_rows_create(&x, values, count, columns, &error), &error);
    assert_int_equal(weir_rows_prepare(x, &targets, &o, 0, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "row 3, column 7 is 1.5, but data.binarise \"dynamic\""));
    weir_rows_free(x);
}

static weir_graph *small_vae(const char *rule) {
    const weir_node nodes[] = {
        {.name = "image", .kind = "input", .size = 784},
        {.name = "hidden", .kind = "affine", .size = 24},
        {.name = "active", .kind = "rectifier"},
        {.name = "logits", .kind = "affine", .size = 12},
        {.name = "latent", .kind = "unit", .rule = rule},
        {.name = "pixels", .kind = "affine", .size = 784},
        {.name = "loss", .kind = "bernoulli-cross-entropy"},
    };
    weir_graph *graph = NULL;
    weir_graph_options options = weir_graph_options_default(50);
    options.training = true;
    must(weir_graph_create(&graph, nodes, sizeof nodes / sizeof *nodes, &options, &error), &error);
    return graph;
}

/// The training loss is that of the last epoch's negative ELBO, divergence included, and so is the validation's; an
/// epoch more of freshly drawn rows is another one.
static void training_lowers_the_elbo(void **state) {
    (void)state;
    const char *const rules[] = {"disarm", "reinmax:draw=one-of,of=4", "rloo:samples=3"};
    weir_data *data = digits("dynamic", "inputs");
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        weir_graph *graph = small_vae(rules[k]);
        weir_trainer *trainer = NULL;
        weir_train_options o = with_prior(0.5);
        size_t count = 0;
        o.epochs = 8;
        o.batch = 50;
        o.valid_samples = 5;
        o.optimizer.kind = "adam";
        o.optimizer.rate = 0.01;
        must(weir_trainer_create(&trainer, graph, data, &o, &error), &error);
        must(weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error), &error);
        const weir_epoch *e = weir_trainer_epochs(trainer, &count, NULL);
        assert_int_equal(count, o.epochs);
        const weir_epoch first = e[0], last = e[count - 1];
        if (!(last.train_loss < 0.8 * first.train_loss && last.penalty > 0.05))
            fail_msg("%s: from %g to %g, divergence %g", rules[k], first.train_loss, last.train_loss, last.penalty);
        if (!(fabs(last.train_loss / last.valid_loss - 1) < 0.15 && last.valid_nll < last.valid_loss + 0.2))
            fail_msg("%s: train %g, valid %g, bound %g", rules[k], last.train_loss, last.valid_loss, last.valid_nll);
        weir_trainer_free(trainer);
        weir_graph_free(graph);
    }
    weir_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priors_are_sums_over_outcomes), cmocka_unit_test(certain_units),
        cmocka_unit_test(elbo_and_likelihood),           cmocka_unit_test(gradient_of_the_elbo),
        cmocka_unit_test(units_without_prior),           cmocka_unit_test(rows_are_their_targets),
        cmocka_unit_test(values_are_drawn_anew),         cmocka_unit_test(training_lowers_the_elbo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
