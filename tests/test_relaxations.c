// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The straight-through family and the relaxed units: weights by their formulas, identities between rules, moments by
// quadrature, and means and variances of the gradient on the reference function.
//
// f(b) = exp(½(b₁ − b₂ + ½b₃ + 2b₄)) of four units with logits (0.4, −0.8, 1.5, −0.2). f is a product over the units,
// so that the mean gradient of a rule is one too: of one-dimensional integrals over the noise of a unit.

#include "testing.h"

#include <weir/random.h>
#include <weir/units.h>

#include "layer.h"

static double sigmoid(double a) { return 1 / (1 + exp(-a)); }

/// σ'(z/τ)/τ.
static double slope_at(double z, double temperature) {
    const double y = sigmoid(z / temperature);
    return y * (1 - y) / temperature;
}

/// ---- the reference function ----

enum { units = 4, draws = 1 << 20, piece = 1 << 14 };

static const double logits[units] = {0.4, -0.8, 1.5, -0.2};
static const double slopes[units] = {0.5, -0.5, 0.25, 1}; // ∂ log f/∂b
static const double exact_gradient[units] = {0.29906266, -0.25536991, 0.09158297, 0.63884361};

/// Total variance of one estimate and the distance of its mean from the exact gradient. The variances are means over
/// 4·10⁶ draws, good to 0.3 %.
static const struct {
    const char *form;
    double variance, bias, last_digit;
} references[] = {
    {"half", 0.2778, 0.053, 5e-4},
    {"reinmax", 0.2778, 0.053, 5e-4},
    {"straight-through:derivative=sigmoid", 0.228, 0.0425, 5e-5},
    {"decoupled-straight-through", 0.228, 0.0425, 5e-5},
    {"straight-through", 4.026, 2.58, 5e-3},
    {"st-gumbel", 0.194, 0.215, 5e-4},
    {"st-gumbel:temperature=0.5", 0.651, 0.065, 5e-4},
    {"decoupled-straight-through:backward=0.5,noise=logistic", 0.651, 0.065, 5e-4},
    {"st-gumbel:temperature=0.1", 5.40, 0.043, 5e-4},
    {"concrete", 0.0649, 0.304, 5e-4},
    {"concrete:temperature=0.5", 0.355, 0.144, 5e-4},
    {"gumbel-rao", 0.2306, 0.065, 5e-4},
    {"gapped-straight-through", 0.1955, 0.062, 5e-4},
};

/// Mean and variance of the gradient, a row at a time.
typedef struct summary {
    double mean[units], variance[units], total;
} summary;

static summary draw(const char *text) {
    layer made = layer_make(text, piece, units);
    double sum[units] = {0}, square[units] = {0};
    for (size_t k = 0; k < piece * units; k++) made.a[k] = (float)logits[k % units];
    for (uint32_t step = 0; step < draws / piece; step++) {
        made.batch.noise.seed = 1000 + step; // a step would move what is annealed
        sample_layer(&made);
        for (size_t row = 0; row < piece; row++) {
            const float *h = made.batch.h + row * units;
            double exponent = 0;
            for (int i = 0; i < units; i++) exponent += slopes[i] * (double)h[i];
            const double loss = exp(exponent);
            for (int i = 0; i < units; i++) made.dh[row * units + (size_t)i] = (float)(slopes[i] * loss);
        }
        back_layer(&made);
        for (size_t k = 0; k < piece * units; k++) {
            const double estimate = (double)made.batch.da[k];
            sum[k % units] += estimate;
            square[k % units] += estimate * estimate;
        }
    }
    layer_free(&made);
    summary all = {.total = 0};
    for (int i = 0; i < units; i++) {
        all.mean[i] = sum[i] / draws;
        all.variance[i] = square[i] / draws - all.mean[i] * all.mean[i];
        all.total += all.variance[i];
    }
    return all;
}

static void test_reference_moments(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof references / sizeof *references; k++) {
        const summary got = draw(references[k].form);
        double square = 0;
        for (int i = 0; i < units; i++) square += pow(got.mean[i] - exact_gradient[i], 2);
        check_near(references[k].form, 0, got.total, references[k].variance, 0.02 * references[k].variance);
        // the published bias is itself of 4·10⁶ draws
        const double noise = 4 * sqrt(got.total / draws) + 4 * sqrt(got.total / 4e6);
        check_near(references[k].form, 0, sqrt(square), references[k].bias, references[k].last_digit + noise);
    }
}

/// ---- weights ----

/// A layer of unit ∂L/∂h, logits from −100 to 100, drawn and differentiated: da is the weight.
static layer weights_of(const char *text, uint32_t step) {
    enum { width = 2001 };
    layer made = layer_make(text, 5, width);
    for (size_t i = 0; i < (size_t)5 * width; i++) {
        const float place = ((float)(i % width) - 1000) / 1000;
        made.a[i] = 10 * place + 90 * place * place * place;
        made.dh[i] = 1;
    }
    made.batch.noise.step = step;
    sample_layer(&made);
    back_layer(&made);
    return made;
}

static size_t size_of(const layer *made) { return made->batch.rows * made->batch.units; }

static double half_weight(const weir_unit *unit, double a, int h) {
    (void)unit;
    return 0.5 * (h ? sigmoid(-a) : sigmoid(a));
}

/// From the definition for two classes: the first component of 2J(m)e₁ − ½J(π)e₁.
static double reinmax_weight(const weir_unit *unit, double a, int h) {
    const double p = sigmoid(a), m = 0.5 * (sigmoid(a / weir_unit_value(unit, "temperature")) + h);
    return 2 * (m - m * m) - 0.5 * (p - p * p);
}

static double clipped_weight(const weir_unit *unit, double a, int h) {
    (void)unit, (void)h;
    return fabs(a) <= 1;
}

static double gapped_weight(const weir_unit *unit, double a, int h) {
    double gap = weir_unit_value(unit, "gap");
    if (weir_unit_value(unit, "form") == 1) gap = h ? -log1p(-sigmoid(a)) / sigmoid(a) : -log(sigmoid(a)) / sigmoid(-a);
    if (!isfinite(gap)) gap = fabs(a);
    return slope_at(h ? fmax(a, gap) : fmin(a, -gap), weir_unit_value(unit, "temperature"));
}

static double tempered_weight(const weir_unit *unit, double a, int h) {
    (void)h;
    return slope_at(a, weir_unit_value(unit, "backward"));
}

static void test_weights(void **state) {
    (void)state;
    const struct {
        const char *form;
        double (*weight)(const weir_unit *unit, double a, int h);
    } cases[] = {
        {"half", half_weight},
        {"reinmax", half_weight},
        {"reinmax:temperature=1.3", reinmax_weight},
        {"straight-through:derivative=clipped", clipped_weight},
        {"gapped-straight-through", gapped_weight},
        {"gapped-straight-through:gap=0.3,temperature=1.5", gapped_weight},
        {"gapped-straight-through:form=average", gapped_weight},
        {"decoupled-straight-through:forward=2,backward=0.6", tempered_weight},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        layer made = weights_of(cases[k].form, 0);
        size_t open = 0;
        for (size_t i = 0; i < size_of(&made); i++) {
            const double a = (double)made.a[i];
            const int h = made.batch.h[i] == 1;
            open += (size_t)h;
            const double want = cases[k].weight(&made.unit, a, h);
            check_near(cases[k].form, a, (double)made.batch.da[i], want, 3e-6 * want + 3e-7);
        }
        assert_true(open > size_of(&made) / 3 && open < size_of(&made) * 2 / 3);
        layer_free(&made);
    }
}

/// The slope of slope-annealed and the temperature of the relaxations are functions of the training step.
static void test_schedules(void **state) {
    (void)state;
    const uint32_t steps[] = {0, 1, 500, 39999, 40000, 1000000, 4294967295u};
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        const double step = steps[k], slope = fmin(5, 1 + 1e-4 * step), temperature = fmax(0.5, exp(-1e-4 * step));
        layer hard = weights_of("slope-annealed", steps[k]),
              soft = weights_of("slope-annealed:shape=sigmoid", steps[k]);
        layer relaxed = weights_of("concrete:decay=1e-4", steps[k]);
        for (size_t i = 0; i < size_of(&hard); i++) {
            const double a = (double)hard.a[i], edge = fabs(slope * a) - 1;
            if (fabs(edge) > 1e-6)
                check_near("hard", a, (double)hard.batch.da[i], edge < 0 ? slope / 2 : 0, 1e-6 * slope);
            check_near("soft", a, (double)soft.batch.da[i], slope * slope_at(slope * a, 1), 1e-5);
            const double y = (double)relaxed.batch.h[i], want = y * (1 - y) / temperature;
            check_near("relaxed", a, (double)relaxed.batch.da[i], want, 1e-5 * want + 3e-7);
        }
        layer_free(&hard);
        layer_free(&soft);
        layer_free(&relaxed);
    }
}

/// st-gumbel and concrete draw the same noise: the output of the one is the rounded output of the other, and both have
/// its slope, which is the finite difference of the relaxed output.
static void test_gumbel_is_rounded_concrete(void **state) {
    (void)state;
    layer relaxed = weights_of("concrete:temperature=0.5", 7), rounded = weights_of("st-gumbel:temperature=0.5", 7);
    layer decoupled = weights_of("decoupled-straight-through:backward=0.5,noise=logistic", 7);
    layer above = layer_make("concrete:temperature=0.5", 5, 2001),
          below = layer_make("concrete:temperature=0.5", 5, 2001);
    above.batch.noise.step = below.batch.noise.step = 7;
    const float step = 1.0f / 128;
    for (size_t i = 0; i < size_of(&relaxed); i++) {
        above.a[i] = relaxed.a[i] + step;
        below.a[i] = relaxed.a[i] - step;
    }
    sample_layer(&above);
    sample_layer(&below);
    for (size_t i = 0; i < size_of(&relaxed); i++) {
        const float h = relaxed.batch.h[i];
        if (h != 0.5f) assert_true(rounded.batch.h[i] == (h > 0.5f));
        assert_true(rounded.batch.da[i] == relaxed.batch.da[i]);
        assert_true(decoupled.batch.h[i] == rounded.batch.h[i] && decoupled.batch.da[i] == rounded.batch.da[i]);
        const double secant =
            ((double)above.batch.h[i] - (double)below.batch.h[i]) / ((double)above.a[i] - (double)below.a[i]);
        check_near("secant", (double)relaxed.a[i], (double)relaxed.batch.da[i], secant, 3e-5);
    }
    layer_free(&relaxed);
    layer_free(&rounded);
    layer_free(&decoupled);
    layer_free(&above);
    layer_free(&below);
}

/// A finished network draws bits, with the same probability.
static void test_concrete_draws_bits(void **state) {
    (void)state;
    layer made = layer_make("concrete:temperature=0.5", 64, 4096);
    double ones = 0;
    for (size_t i = 0; i < size_of(&made); i++) made.a[i] = 0.7f;
    weir_unit_draw(&made.unit)->sample(&made.unit, &made.batch);
    for (size_t i = 0; i < size_of(&made); i++) {
        assert_true(made.batch.h[i] == 0 || made.batch.h[i] == 1);
        ones += (double)made.batch.h[i] / (double)size_of(&made);
    }
    check_near("share of ones", 0.7, ones, sigmoid(0.7), 4 * sqrt(0.25 / (double)size_of(&made)));
    layer_free(&made);
}

/// E[σ'_τ(a + z) | h] over logistic z, by the midpoint rule over the uniform number behind z.
static double conditional_slope(double a, int h, double temperature) {
    enum { points = 20000 };
    const double p = sigmoid(a), from = h ? 1 - p : 0, width = h ? p : 1 - p;
    double sum = 0;
    for (int i = 0; i < points; i++) {
        const double u = from + width * (i + 0.5) / points;
        sum += slope_at(a + log(u / (1 - u)), temperature) / points;
    }
    return sum;
}

/// Given the output, gumbel-rao has the mean of st-gumbel, and 1/K of its variance.
static void test_gumbel_rao_is_a_conditional_mean(void **state) {
    (void)state;
    enum { count = 1 << 18 };
    const double places[] = {-3, -0.7, 0, 1.2, 4};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        double variance[2][2];
        for (int many = 0; many < 2; many++) {
            layer made = layer_make(many ? "gumbel-rao:draws=16" : "gumbel-rao:draws=1", 1, count);
            for (size_t i = 0; i < count; i++) made.a[i] = (float)places[k], made.dh[i] = 1;
            sample_layer(&made);
            back_layer(&made);
            for (int h = 0; h < 2; h++) {
                double seen = 0, sum = 0, square = 0;
                for (size_t i = 0; i < count; i++) {
                    if ((made.batch.h[i] == 1) != h) continue;
                    const double w = (double)made.batch.da[i];
                    seen++, sum += w, square += w * w;
                }
                assert_true(seen > 1000);
                variance[many][h] = square / seen - sum / seen * (sum / seen);
                check_near("conditional mean", places[k], sum / seen, conditional_slope(places[k], h, 0.5),
                           4 * sqrt(variance[many][h] / seen) + 1e-6);
            }
            layer_free(&made);
        }
        for (int h = 0; h < 2; h++) check_near("variance", places[k], variance[1][h] * 16 / variance[0][h], 1, 0.1);
    }
}

/// ---- units whose gradient is ordinary ----

static const size_t many = 1 << 20;

typedef struct moments {
    double open, one, mean, square, opening;
} moments;

static moments observe(const char *form, double a) {
    layer made = layer_make(form, 64, many / 64);
    for (size_t i = 0; i < many; i++) made.a[i] = (float)a;
    sample_layer(&made);
    moments seen = {.open = 0};
    for (size_t i = 0; i < many; i++) {
        const double h = (double)made.batch.h[i];
        seen.open += (h != 0) / (double)many;
        seen.one += (h == 1) / (double)many;
        seen.mean += h / (double)many;
        seen.square += h * h / (double)many;
    }
    float q;
    weir_unit_draw(&made.unit)->opening(&made.unit, 1, made.a, &q, NULL);
    seen.opening = (double)q;
    layer_free(&made);
    return seen;
}

static void check_share(const char *form, double a, double got, double chance) {
    check_near(form, a, got, chance, 4 * sqrt(chance * (1 - chance) / (double)many) + 1e-7);
}

static double stretched(double a, double v, double beta, double low, double high) {
    return fmin(1, fmax(0, sigmoid((a + log(v / (1 - v))) / beta) * (high - low) + low));
}

/// P(h ≠ 0) is the penalty of the paper, P(h = 1) its mirror image, and the mean that of the density.
static void test_hard_concrete_moments(void **state) {
    (void)state;
    const struct {
        const char *form;
        double beta, low, high;
    } cases[] = {{"hard-concrete", 2.0 / 3, -0.1, 1.1},
                 {"hard-concrete:temperature=1,low=-0.5,high=1.2", 1, -0.5, 1.2}};
    for (int c = 0; c < 2; c++) {
        for (int k = -4; k <= 4; k++) {
            const double open = sigmoid(k - cases[c].beta * log(-cases[c].low / cases[c].high));
            const double one = sigmoid(k - cases[c].beta * log((1 - cases[c].low) / (cases[c].high - 1)));
            const moments seen = observe(cases[c].form, k);
            check_share(cases[c].form, k, seen.open, open);
            check_share(cases[c].form, k, seen.one, one);
            check_near("opening", k, seen.opening, open, 1e-6 * open);
            double mean = 0;
            enum { points = 100000 };
            for (int i = 0; i < points; i++)
                mean += stretched(k, (i + 0.5) / points, cases[c].beta, cases[c].low, cases[c].high) / points;
            check_near(cases[c].form, k, seen.mean, mean, 4 * sqrt((seen.square - mean * mean) / (double)many) + 1e-6);
        }
    }
}

static double normal_below(double x) { return 0.5 * erfc(-x / sqrt(2)); }

/// Half of the rows give bits; all have the slope of the saturating sigmoid.
static void test_improved_hashing(void **state) {
    (void)state;
    for (int k = -4; k <= 4; k++) {
        const double bits = normal_below(k), real = normal_below(k + log(11));
        const moments seen = observe("improved-semantic-hashing:mix=1", k),
                      none = observe("improved-semantic-hashing:mix=0", k);
        check_share("bits", k, seen.open, bits);
        assert_true(seen.one == seen.open);
        check_share("values", k, none.open, real);
        check_share("ones", k, none.one, normal_below(k - log(11)));
        check_near("opening", k, seen.opening, bits, 1e-5 * (1 + k * k) * bits);
        check_near("opening", k, none.opening, real, 1e-5 * (1 + pow(k + 3, 2)) * real);
    }
    layer mixed = layer_make("improved-semantic-hashing", 1000, 40),
          plain = layer_make("improved-semantic-hashing:mix=0", 1000, 40);
    for (size_t i = 0; i < size_of(&mixed); i++) {
        mixed.a[i] = plain.a[i] = (float)(i % 40) * 0.2f - 4;
        mixed.dh[i] = plain.dh[i] = (float)(i % 7) - 3;
    }
    sample_layer(&mixed);
    sample_layer(&plain);
    back_layer(&mixed);
    back_layer(&plain);
    size_t rows_of_bits = 0;
    for (size_t row = 0; row < 1000; row++) {
        const float *h = mixed.batch.h + row * 40, *y = plain.batch.h + row * 40;
        const int same = memcmp(h, y, 40 * sizeof *h) == 0;
        for (int i = 0; i < 40 && !same; i++) assert_true(h[i] == (y[i] > 0.5f));
        rows_of_bits += (size_t)!same;
    }
    check_near("rows of bits", 0, (double)rows_of_bits, 500, 4 * sqrt(250));
    assert_memory_equal(mixed.batch.da, plain.batch.da, size_of(&mixed) * sizeof(float));
    for (size_t i = 0; i < size_of(&plain); i++) {
        const double y = (double)plain.batch.h[i], p = (y + 0.1) / 1.2;
        const double want = y > 0 && y < 1 ? 1.2 * p * (1 - p) * (double)plain.dh[i] : 0;
        check_near("slope", y, (double)plain.batch.da[i], want, 1e-6);
    }
    layer_free(&mixed);
    layer_free(&plain);
}

static void test_dropout(void **state) {
    (void)state;
    const char *const forms[] = {"dropout", "dropout:rate=0.1", "dropout:rate=0"};
    const double rates[] = {0.5, 0.1, 0};
    for (int form = 0; form < 3; form++) {
        const moments seen = observe(forms[form], -3);
        check_share(forms[form], -3, seen.open, 1 - rates[form]);
        check_near(forms[form], -3, seen.opening, 1 - rates[form], 1e-7);
        check_near(forms[form], -3, seen.mean / seen.open, -3 / (1 - rates[form]), 1e-5);
    }
}

/// The mean of a cold mask is 1, as that of plain dropout.
static void test_concrete_dropout(void **state) {
    (void)state;
    for (int k = -2; k <= 4; k++) {
        const double p = sigmoid(k);
        const moments seen = observe("concrete-dropout:temperature=0.01", k);
        check_near("mean", k, seen.mean, 1, 4 * sqrt((1 / p - 1) / (double)many) + 1e-3);
        check_near("kept", k, seen.square * p, 1, 0.02);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_moments),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_schedules),
        cmocka_unit_test(test_gumbel_is_rounded_concrete),
        cmocka_unit_test(test_concrete_draws_bits),
        cmocka_unit_test(test_gumbel_rao_is_a_conditional_mean),
        cmocka_unit_test(test_hard_concrete_moments),
        cmocka_unit_test(test_improved_hashing),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_concrete_dropout),
    };
    return cmocka_run_group_tests_name("relaxations", tests, NULL, NULL);
}
