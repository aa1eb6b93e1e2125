// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Distributions of the units' outputs: propositions 1 and 2 of Bengio, Léonard and Courville 2013, closed forms of
// means and opening probabilities against draws with a fixed seed (within 4 standard errors), and the Beta noise.

#include "testing.h"

#include <weir/random.h>
#include <weir/units.h>

#include "layer.h"
#include "units/beta.h"

enum { draws = 200000 };

/// What draws of one pre-activation gave.
typedef struct observed {
    double open, mean, square; ///< P(h ≠ 0), E h, E h²
    double expected, decided, opening;
} observed;

static observed observe(const char *form, float a) {
    layer made = layer_make(form, 1, draws);
    for (size_t i = 0; i < draws; i++) made.a[i] = a;
    sample_layer(&made);
    observed seen = {.open = 0};
    for (size_t i = 0; i < draws; i++) {
        const double h = (double)made.batch.h[i];
        seen.open += h != 0;
        seen.mean += h;
        seen.square += h * h;
    }
    seen.open /= draws, seen.mean /= draws, seen.square /= draws;
    weir_unit_batch one = made.batch;
    one.units = 1;
    one.threshold = -INFINITY;
    float q;
    weir_unit_draw(&made.unit)->expect(&made.unit, &one);
    seen.expected = (double)one.h[0];
    weir_unit_draw(&made.unit)->decide(&made.unit, &one);
    seen.decided = (double)one.h[0];
    weir_unit_draw(&made.unit)->opening(&made.unit, 1, made.a, &q, NULL);
    seen.opening = (double)q;
    layer_free(&made);
    return seen;
}

static void check_share(const char *form, double a, double got, double chance) {
    check_near(form, a, got, chance, 4 * sqrt(chance * (1 - chance) / draws) + 1e-7);
}

static void check_mean(const char *form, double a, const observed *seen, double mean, double square) {
    check_near(form, a, seen->mean, mean, 4 * sqrt(fmax(square - mean * mean, 0) / draws) + 1e-6 * fabs(mean) + 1e-7);
}

static double sigmoid(double a) { return 1 / (1 + exp(-a)); }

/// E max(0, a + z)ᵏ by the trapezoid rule over z, whose density is given.
static double rectified_moment(double a, int power, double (*density)(double)) {
    double sum = 0;
    const double step = 1e-3;
    for (double z = -a; z < 60 - a; z += step) {
        const double f0 = pow(a + z, power) * density(z), f1 = pow(a + z + step, power) * density(z + step);
        sum += 0.5 * step * (f0 + f1);
    }
    return sum;
}

static double logistic_density(double z) { return sigmoid(z) * sigmoid(-z); }
static double normal_density(double z) { return 0.3989422804014327 * exp(-0.5 * z * z); }

/// Proposition 1: with logistic noise P(h > 0) = σ(a) and E h = log(1 + eᵃ).
static void test_proposition_1(void **state) {
    (void)state;
    const char *form = "noisy-rectifier:noise=logistic";
    for (int k = -6; k <= 6; k++) {
        const double a = k;
        const observed seen = observe(form, (float)k);
        const double mean = log1p(exp(a)), square = rectified_moment(a, 2, logistic_density);
        check_near("integral", a, rectified_moment(a, 1, logistic_density), mean, 1e-5 * mean);
        check_share(form, a, seen.open, sigmoid(a));
        check_mean(form, a, &seen, mean, square);
        check_near(form, a, seen.expected, mean, 1e-6 * mean);
        check_near(form, a, seen.opening, sigmoid(a), 1e-6 * sigmoid(a));
        check_near(form, a, seen.decided, mean / sigmoid(a), 2e-6 * mean / sigmoid(a)); // E[h | h > 0]
    }
}

static void test_gaussian_noisy_rectifier(void **state) {
    (void)state;
    const char *const forms[] = {"noisy-rectifier", "noisy-rectifier:sd=0.5", "noisy-rectifier:sd=4"};
    const double deviations[] = {1, 0.5, 4};
    for (int form = 0; form < 3; form++) {
        for (int k = -7; k <= 7; k++) {
            const double sd = deviations[form], a = 0.5 * k, x = a / sd;
            const observed seen = observe(forms[form], (float)a);
            const double open = 0.5 * erfc(-x / sqrt(2)), mean = a * open + sd * normal_density(x);
            const double square = sd * sd * rectified_moment(x, 2, normal_density);
            check_share(forms[form], a, seen.open, open);
            check_mean(forms[form], a, &seen, mean, square);
            check_near(forms[form], a, seen.expected, mean, 1e-5 * (1 + x * x) * mean + 1e-12);
            check_near(forms[form], a, seen.opening, open, 1e-5 * (1 + x * x) * open);
            if (x > -5) check_near(forms[form], a, seen.decided, mean / open, 1e-5 * mean / open);
        }
    }
}

/// The value of an open gate at test time is positive and rises with a, also where it is hardly ever open.
static void test_noisy_rectifier_open_value_rises(void **state) {
    (void)state;
    const char *const forms[] = {"noisy-rectifier", "noisy-rectifier:noise=logistic"};
    for (int form = 0; form < 2; form++) {
        layer made = layer_make(forms[form], 1, 2001);
        for (int i = 0; i <= 2000; i++) made.a[i] = (float)(i - 1000) * (form ? 0.08f : 0.1f);
        made.batch.threshold = -INFINITY;
        decide_layer(&made);
        for (int i = 0; i <= 2000; i++) {
            assert_true(made.batch.h[i] > 0);
            // the logistic tail is memoryless: far down the value is 1 whatever a is
            if (i) assert_true(made.batch.h[i] >= made.batch.h[i - 1] * (1 - (form ? 1e-6f : 0)));
        }
        layer_free(&made);
    }
}

/// Proposition 2: E h = p, P(h > 0) = √p, E f(h) = f(p) + o(√p).
static void test_proposition_2(void **state) {
    (void)state;
    for (int k = -7; k <= 7; k++) {
        const double a = k, p = sigmoid(a), root = sqrt(p);
        const observed seen = observe("sts", (float)k);
        check_share("sts", a, seen.open, root);
        check_mean("sts", a, &seen, p, root * p);
        check_near("sts", a, seen.expected, p, 1e-6 * p);
        check_near("sts", a, seen.opening, root, 1e-6 * root);
        check_near("sts", a, seen.decided, root, 1e-6 * root);
        // With f = exp: f(0) + √p(f(√p) − f(0)) differs from f(p) by p^{3/2}/2 to first order. h has two values, so
        // that the mean of f(h) is known from the share and the size of the open ones.
        const double size = seen.open > 0 ? seen.mean / seen.open : 0, average = 1 + seen.open * (exp(size) - 1);
        const double error = 4 * sqrt(root * (1 - root) / draws) * (exp(root) - 1);
        if (p < 0.05) check_near("E exp h", a, average, exp(p), 0.5 * p * root * 1.2 + error);
    }
}

static void test_bernoulli(void **state) {
    (void)state;
    const char *const forms[] = {"reinforce",  "straight-through",        "half",
                                 "reinmax",    "slope-annealed",          "st-gumbel",
                                 "gumbel-rao", "gapped-straight-through", "decoupled-straight-through"};
    for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
        for (int k = -8; k <= 8; k++) {
            const double a = k, p = sigmoid(a);
            const observed seen = observe(forms[form], (float)k);
            assert_true(seen.mean == seen.open && seen.square == seen.open); // 0 and 1 only
            check_share(forms[form], a, seen.open, p);
            check_near(forms[form], a, seen.expected, p, 1e-6 * p);
            check_near(forms[form], a, seen.opening, p, 1e-6 * p);
            assert_true(seen.decided == 1);
        }
    }
}

/// E σ(a + sd·z)ᵏ by the trapezoid rule.
static double noisy_sigmoid_moment(double a, double sd, int power) {
    double sum = 0;
    for (int i = -1200; i <= 1200; i++) sum += 0.01 * normal_density(0.01 * i) * pow(sigmoid(a + sd * 0.01 * i), power);
    return sum;
}

static void test_gaussian_noise_before_a_sigmoid(void **state) {
    (void)state;
    const char *const forms[] = {"sigmoid:noise=gaussian,sd=2", "semantic-hashing:sd=2"};
    for (int form = 0; form < 2; form++) {
        for (int k = -4; k <= 4; k++) {
            const observed seen = observe(forms[form], (float)k);
            assert_true(seen.open == 1);
            check_mean(forms[form], k, &seen, noisy_sigmoid_moment(k, 2, 1), noisy_sigmoid_moment(k, 2, 2));
        }
    }
}

/// P(B ≤ x) by Simpson's rule in the logit of x, where the integrand dies away on both sides.
static double beta_below(double alpha, double beta, double x) {
    const int count = 20000;
    double total = 0, below = 0;
    const double mode = log(alpha / beta), spread = sqrt(1 / alpha + 1 / beta), end = log(x / (1 - x));
    for (int part = 0; part < 2; part++) { // up to x, and beyond
        const double from = part ? end : fmin(end, mode) - 50 * (spread + 1 / alpha);
        const double to = part ? fmax(end, mode) + 50 * (spread + 1 / beta) : end, step = (to - from) / count;
        for (int i = 0; i <= count; i++) {
            const double v = from + step * i, weight = (i == 0 || i == count ? 1 : i % 2 ? 4 : 2) * step / 3;
            const double f =
                exp(-alpha * log((1 + exp(-v)) / (1 + exp(-mode))) - beta * log((1 + exp(v)) / (1 + exp(mode))));
            total += weight * f;
            if (!part) below += weight * f;
        }
    }
    return below / total;
}

static const double shapes[][2] = {{5.344444444444445, 40.1},
                                   {1, 1},
                                   {1.0111111111111, 1.1},
                                   {1.1, 2},
                                   {18.7, 160.1},
                                   {30.5, 30.5},
                                   {2.94, 40.1},
                                   {1000, 11},
                                   {98900, 1000},
                                   {1, 1000}};
enum { shape_count = sizeof shapes / sizeof *shapes };

static void test_beta_distribution_function(void **state) {
    (void)state;
    for (int s = 0; s < shape_count; s++) {
        const double alpha = shapes[s][0], beta = shapes[s][1], spread = sqrt(1 / alpha + 1 / beta);
        for (int k = -6; k <= 6; k++) {
            const double x = sigmoid(log(alpha / beta) + 0.7 * k * spread);
            double below, above;
            weir__beta_tails(alpha, beta, x, &below, &above);
            const double want = beta_below(alpha, beta, x);
            check_near("P(B <= x)", x, below, want, 1e-9 * want + 1e-12);
            check_near("P(B > x)", x, above, 1 - want, 1e-9);
        }
    }
}

/// The quantile whose probability has logit t, by bisection of the exact distribution function in the logit of x.
static double exact_quantile(double alpha, double beta, double t) {
    double low = log(alpha / beta) - 40, high = log(alpha / beta) + 40;
    for (int i = 0; i < 60; i++) {
        const double middle = 0.5 * (low + high);
        double below, above;
        weir__beta_tails(alpha, beta, sigmoid(middle), &below, &above);
        if (log(below / above) < t)
            low = middle;
        else
            high = middle;
    }
    return sigmoid(low);
}

/// Drawn noise is the quantile of its uniform number, everywhere between the knots, within the bound of beta.h.
static void test_beta_quantiles(void **state) {
    (void)state;
    const weir_noise where = {.seed = 7};
    enum { count = 400 };
    float logits[count], drawn[count];
    weir_random_logistic(logits, where, 0, count);
    for (int s = 0; s < shape_count; s++) {
        weir__beta_table table;
        weir__beta_table_fill(&table, shapes[s][0], shapes[s][1]);
        weir__beta_noise noise = {.scale = 1, .table = &table};
        weir__beta_noise_at(&noise, drawn, where, (weir__span){.row = 0, .rows = 1, .first = 0, .count = count});
        for (int i = 0; i < count; i++) {
            const double want = exact_quantile(shapes[s][0], shapes[s][1], (double)logits[i]) - 0.5;
            check_near("quantile", (double)logits[i], (double)drawn[i], want, 2e-6);
        }
        for (int k = 1; k < weir__beta_knots; k++) { // rising, and so slowly that the cubics rise, too
            const float chord = table.quantile[k] - table.quantile[k - 1];
            assert_true(chord >= 0 && table.slope[k] <= 3 * chord + 1e-6f && table.slope[k - 1] <= 3 * chord + 1e-6f);
        }
        for (int k = 0; k < weir__beta_knots; k += 17) { // tails included
            const double want = exact_quantile(shapes[s][0], shapes[s][1], -17 + 0.25 * k);
            check_near("knot", k, (double)table.quantile[k], want, 1e-6 * want);
        }
    }
}

/// Moments of the noise, its scale, its mode at the target, and a cdf that the draws follow.
static void test_beta_noise(void **state) {
    (void)state;
    enum { count = 400000 };
    float *z = new_floats(count);
    const double targets[] = {0.1, 0.05, 0.3, 0.9};
    for (int k = 0; k < 4; k++) {
        const double s = targets[k], beta = 40.1, r = s * s, alpha = (s * (beta - 2) + 1) / (1 - s);
        check_near("mode", s, (alpha - 1) / (alpha + beta - 2), s, 1e-12);
        const double scale = fabs(log(1 / r - 1)), sum = alpha + beta, middle = alpha / sum;
        const double deviation = sqrt(alpha * beta / (sum * sum * (sum + 1)));
        weir__beta_noise noise;
        weir__beta_prepare(&noise, s, beta, r);
        check_near("scale", s, (double)noise.scale, scale, 1e-6);
        check_near("mean", s, (double)noise.mean, scale * (middle - 0.5), 1e-6);
        weir__beta_noise_at(&noise, z, (weir_noise){.seed = 5, .step = (uint32_t)k},
                            (weir__span){.row = 0, .rows = 1, .first = 0, .count = count});
        double first = 0, second = 0;
        size_t under[9] = {0};
        for (size_t i = 0; i < count; i++) {
            const double b = (double)z[i] / scale + 0.5, away = b - middle;
            assert_true(b >= 0 && b <= 1);
            first += away / count;
            second += away * away / count;
            for (int d = 0; d < 9; d++) under[d] += away < (d - 4) * 0.4 * deviation;
        }
        check_near("mean of draws", s, first, 0, 4 * deviation / sqrt(count));
        check_near("variance of draws", s, second, deviation * deviation,
                   4 * deviation * deviation * sqrt(2.6 / count));
        for (int d = 0; d < 9; d++) {
            const double chance = beta_below(alpha, beta, middle + (d - 4) * 0.4 * deviation);
            check_near("cdf of draws", d, (double)under[d] / count, chance, 4 * sqrt(chance * (1 - chance) / count));
        }
    }
    free(z);
}

/// Without the pool of tables the draws are the same: more kinds of noise than the process keeps tables for.
static void test_many_beta_tables(void **state) {
    (void)state;
    enum { kinds = 24, count = 64 };
    static float drawn[kinds][count], again[count];
    const weir_noise where = {.seed = 3};
    for (int pass = 0; pass < 2; pass++) {
        for (int k = 0; k < kinds; k++) {
            weir__beta_noise noise;
            weir__beta_prepare(&noise, 0.02 + 0.03 * k, 10, 0.3);
            weir__beta_noise_at(&noise, pass ? again : drawn[k], where,
                                (weir__span){.row = 0, .rows = 1, .first = 0, .count = count});
            if (pass) assert_memory_equal(again, drawn[k], sizeof again);
            if (k == kinds - 1) assert_ptr_equal(noise.table, &noise.spare);
        }
    }
    for (int k = 1; k < kinds; k++) assert_memory_not_equal(drawn[k], drawn[k - 1], sizeof again);
}

/// Beta noise before a sigmoid: the draws are those of the noise-free rule averaged over noise from elsewhere.
static void test_units_with_beta_noise(void **state) {
    (void)state;
    const double target = 0.1, beta = 40.1;
    float *z = new_floats(draws);
    for (int sts = 0; sts < 2; sts++) {
        const char *form = sts ? "sts:noise=beta" : "sigmoid:noise=beta";
        weir__beta_noise noise;
        weir__beta_prepare(&noise, target, beta, sts ? target * target : target);
        weir__beta_noise_at(&noise, z, (weir_noise){.seed = 11},
                            (weir__span){.row = 0, .rows = 1, .first = 0, .count = draws});
        for (int k = -2; k <= 3; k++) {
            const observed seen = observe(form, (float)k);
            double open = 0, mean = 0, square = 0;
            for (size_t i = 0; i < draws; i++) {
                const double p = sigmoid(k + (double)z[i]);
                open += (sts ? sqrt(p) : 1) / draws;
                mean += p / draws;
                square += p * (sts ? sqrt(p) : p) / draws;
            }
            const double error = sqrt((square - mean * mean) / draws); // of either average at most
            check_near(form, k, seen.open, open, 4 * sqrt(fmax(0, 2 * open * (1 - open)) / draws) + 1e-7);
            check_near(form, k, seen.mean, mean, 4 * sqrt(2.0) * error);
            check_near(form, k, seen.opening, sts ? open : mean, 0.02);
        }
    }
    free(z);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proposition_1),
        cmocka_unit_test(test_gaussian_noisy_rectifier),
        cmocka_unit_test(test_noisy_rectifier_open_value_rises),
        cmocka_unit_test(test_proposition_2),
        cmocka_unit_test(test_bernoulli),
        cmocka_unit_test(test_gaussian_noise_before_a_sigmoid),
        cmocka_unit_test(test_beta_distribution_function),
        cmocka_unit_test(test_beta_quantiles),
        cmocka_unit_test(test_beta_noise),
        cmocka_unit_test(test_many_beta_tables),
        cmocka_unit_test(test_units_with_beta_noise),
    };
    return cmocka_run_group_tests_name("propositions", tests, NULL, NULL);
}
