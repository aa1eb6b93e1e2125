// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// weir_estimate with every rule: means against enumeration and total variances against reference values on a function
// of four units and on one bit, saturated logits, state and noise that can be put back, and what is refused.

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weir/estimate.h>
#include <weir/system.h>

#include "core/core.h"

// ---- functions -----------------------------------------------------------------------------------------------------

/// f(h) = exp(½ (h1 − h2 + ½ h3 + 2 h4)), at η = (0.4, −0.8, 1.5, −0.2).
enum { bits = 4 };
static const float coefficients[bits] = {0.5f, -0.5f, 0.25f, 1}, logits4[bits] = {0.4f, -0.8f, 1.5f, -0.2f};

static weir_status exponential(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                               float *loss, float *dh, weir_error *error) {
    (void)context;
    (void)example;
    (void)error;
    for (size_t r = 0; r < rows; r++) {
        float sum = 0;
        for (size_t i = 0; i < units; i++) sum += coefficients[i % bits] * h[r * units + i];
        loss[r] = expf(sum);
        for (size_t i = 0; dh && i < units; i++) dh[r * units + i] = coefficients[i % bits] * loss[r];
    }
    return WEIR_OK;
}

/// Mean over the units of (h − t)², t at context.
static weir_status quadratic(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                             float *loss, float *dh, weir_error *error) {
    const double t = *(const double *)context;
    (void)example;
    (void)error;
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t i = 0; i < units; i++) {
            const double d = (double)h[r * units + i] - t;
            sum += d * d;
            if (dh) dh[r * units + i] = (float)(2 * d / (double)units);
        }
        loss[r] = (float)(sum / (double)units);
    }
    return WEIR_OK;
}

static double probability(double a) { return 1 / (1 + exp(-a)); }

/// ∂E f/∂a by enumeration: Σ over all outcomes of P(h) f(h) (h − p).
static void enumerate(weir_objective f, void *context, const float *a, size_t units, double *gradient) {
    for (size_t i = 0; i < units; i++) gradient[i] = 0;
    for (unsigned set = 0; set < 1u << units; set++) {
        float h[bits], loss;
        double chance = 1;
        for (size_t i = 0; i < units; i++) {
            h[i] = (float)(set >> i & 1);
            chance *= set >> i & 1 ? probability((double)a[i]) : probability(-(double)a[i]);
        }
        assert_int_equal(f(context, 1, units, NULL, h, &loss, NULL, NULL), WEIR_OK);
        for (size_t i = 0; i < units; i++)
            gradient[i] += chance * (double)loss * ((double)h[i] - probability((double)a[i]));
    }
}

// ---- mean and variance ---------------------------------------------------------------------------------------------

static weir_estimator *estimator_of(const char *text, size_t units, size_t rows) {
    weir_unit unit;
    weir_estimator *made = NULL;
    weir_error error = {0};
    if (weir_unit_parse(&unit, text, &error) != WEIR_OK) fail_msg("%s", error.text);
    if (weir_estimator_create(&made, &unit, units, rows, 20130815, &error) != WEIR_OK) {
        fail_msg("%s: %s", text, error.text);
    }
    return made;
}

static void moments_of(weir_estimator *e, weir_moments *moments, const float *a, uint64_t draws, weir_objective f,
                       void *context) {
    weir_error error = {0};
    if (weir_estimate_moments(e, moments, a, draws, f, context, &error) != WEIR_OK) fail_msg("%s", error.text);
}

/// Unbiased rules on the function of four units: total variance from estimators.md A.7 (0: not given there).
typedef struct known_rule {
    const char *text;
    double variance, tolerance; ///< relative
} known_rule;

static const known_rule known[] = {
    {"reinforce:baseline=none", 6.660, 0.03},
    {"ar", 11.66, 0.03},
    {"reinforce", 1.326, 0.03},
    {"reinforce:baseline=average", 1.423, 0.03},
    {"reinforce:baseline=leave-one-out", 1.423, 0.03},
    {"arm", 2.202, 0.03},
    {"disarm", 1.681, 0.03},
    {"leg", 0.0928, 0.03},
    {"muprop", 0.3168, 0.03},
    {"muprop:baseline=average", 0, 0},
    {"bitflip", 2.086, 0.03},
    {"ugc", 1.681, 0.03},
    {"ugc:threshold=0.4", 0, 0},
    {"ugc:threshold=0.5", 0, 0},
    {"nvil", 0, 0},
    {"arms:samples=2", 1.681, 0.03},
    {"arms", 0.663, 0.03},
    {"arms:samples=4", 0.439, 0.03},
    {"arms:samples=9", 0, 0},
    {"arms:copula=gaussian,samples=2", 1.681, 0.03},
    {"arms:copula=gaussian", 0, 0},
    {"arms:copula=gaussian,samples=6", 0, 0},
    {"double-cv", 0.3699, 0.03},
    {"double-cv:samples=3", 0.2261, 0.03},
    {"rebar", 0.7895, 0.03},
    {"rebar:noise=coupled", 0.960, 0.03},
    {"rebar:tune=none", 0, 0},
    {"rebar:tune=both", 0, 0},
    {"rebar:tune=both,noise=coupled", 0, 0},
    {"relax", 0, 0},
    {"relax:rate=0.01,hidden=4", 0, 0},
    {"rodeo:hidden=8", 0, 0},
    {"rodeo:rate=0.01,samples=3,hidden=8", 0, 0},
    {"rloo", 2.092, 0.03},
    {"rloo:samples=3", 0.936, 0.03},
    {"rloo:samples=4", 0.587, 0.03},
};

static void check_known(const known_rule *rule) {
    enum { rows = 1000, draws = 300000 };
    double exact[bits], mean[bits], variance[bits], total = 0;
    weir_moments moments = {.mean = mean, .variance = variance};
    weir_estimator *e = estimator_of(rule->text, bits, rows);
    enumerate(exponential, NULL, logits4, bits, exact);
    moments_of(e, &moments, logits4, 60 * rows, exponential, NULL); // baselines and control variates settle
    moments_of(e, &moments, logits4, draws, exponential, NULL);
    for (size_t i = 0; i < bits; i++) {
        const double bound = 4 * sqrt(variance[i] / (double)moments.draws) + 1e-6;
        if (!(fabs(mean[i] - exact[i]) <= bound)) {
            fail_msg("%s: unit %zu has the mean %.6f, expected %.6f within %.2g", rule->text, i, mean[i], exact[i],
                     bound);
        }
        total += variance[i];
    }
    if (rule->variance > 0 && !(fabs(total / rule->variance - 1) <= rule->tolerance)) {
        fail_msg("%s: total variance %.4f, expected %.4f within %g %%", rule->text, total, rule->variance,
                 100 * rule->tolerance);
    }
    weir_estimator_free(e);
}

static void test_known_means_and_variances(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) check_known(&known[k]);
}

/// Every rule says what is true of it: those that say unbiased are, in any form that the table above lacks, too.
static void test_unbiased_rules(void **state) {
    (void)state;
    for (size_t k = 0; k < weir_rule_count(); k++) {
        const weir_rule *rule = weir_rule_at(k);
        const unsigned needed = WEIR_TRAIT_UNBIASED | WEIR_TRAIT_BINARY;
        if (!strcmp(rule->name, "vimco")) continue; // estimates another objective, see below
        if ((rule->traits & needed) == needed) check_known(&(known_rule){.text = rule->name});
    }
}

/// E f by enumeration, at a + step·move.
static double mean_loss(const float *a, const double *move, double step) {
    double sum = 0;
    for (unsigned set = 0; set < 1u << bits; set++) {
        float h[bits], loss;
        double chance = 1;
        for (size_t i = 0; i < bits; i++) {
            const double p = probability((double)a[i] + step * move[i]);
            h[i] = (float)(set >> i & 1);
            chance *= set >> i & 1 ? p : 1 - p;
        }
        exponential(NULL, 1, bits, NULL, h, &loss, NULL, NULL);
        sum += chance * (double)loss;
    }
    return sum;
}

static void add_difference(double *gradient, const double *move, double step, double weight) {
    const double difference = mean_loss(logits4, move, step) - mean_loss(logits4, move, -step);
    for (size_t i = 0; i < bits; i++) gradient[i] += weight * difference * move[i] / (2 * step);
}

/// The mean of spsa: over all 2^4 vectors of signs.
static void mean_over_signs(double *gradient) {
    for (unsigned set = 0; set < 1u << bits; set++) {
        double move[bits];
        for (size_t i = 0; i < bits; i++) move[i] = set >> i & 1 ? 1 : -1;
        add_difference(gradient, move, 0.5, 1.0 / (1u << bits));
    }
}

static void mean_by_unit(double *gradient) {
    for (size_t i = 0; i < bits; i++) {
        double move[bits] = {0};
        move[i] = 1;
        add_difference(gradient, move, 0.5, 1);
    }
}

/// The mean of node-perturbation, sd ½: the trapezoid rule on a grid of 13^4 points; it is symmetric, so that half the
/// difference of both signs weighs as E[L(a + sξ)ξ]/s.
static void mean_over_noise(double *gradient) {
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

/// Rules that move the logits: their means are differences of the mean loss, biased by a known amount.
static void test_perturbed_logits(void **state) {
    (void)state;
    enum { rows = 1000, draws = 400000 };
    static const struct {
        const char *text;
        void (*expected)(double *gradient);
    } rules[] = {
        {"spsa", mean_over_signs}, {"finite-differences", mean_by_unit}, {"node-perturbation", mean_over_noise}};
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        double exact[bits] = {0}, mean[bits], variance[bits];
        weir_moments moments = {.mean = mean, .variance = variance};
        weir_estimator *e = estimator_of(rules[k].text, bits, rows);
        rules[k].expected(exact);
        moments_of(e, &moments, logits4, draws, exponential, NULL);
        for (size_t i = 0; i < bits; i++) {
            const double bound = 4 * sqrt(variance[i] / (double)moments.draws) + 1e-6;
            if (!(fabs(mean[i] - exact[i]) <= bound)) {
                fail_msg("%s: unit %zu has the mean %.6f, expected %.6f within %.2g", rules[k].text, i, mean[i],
                         exact[i], bound);
            }
        }
        weir_estimator_free(e);
    }
}

/// ∂E[−log (1/K) Σ_k exp(−f(h_k))]/∂a by enumeration of all K-tuples of outcomes.
static void enumerate_bound(const float *a, size_t samples, double *gradient) {
    for (size_t i = 0; i < bits; i++) gradient[i] = 0;
    for (unsigned set = 0; set < 1u << (bits * samples); set++) {
        double chance = 1, sum = 0, score[bits] = {0};
        for (size_t k = 0; k < samples; k++) {
            float h[bits], loss;
            for (size_t i = 0; i < bits; i++) {
                const unsigned one = set >> (k * bits + i) & 1;
                const double p = probability((double)a[i]);
                h[i] = (float)one;
                chance *= one ? p : 1 - p;
                score[i] += (double)h[i] - p;
            }
            exponential(NULL, 1, bits, NULL, h, &loss, NULL, NULL);
            sum += exp(-(double)loss);
        }
        for (size_t i = 0; i < bits; i++) gradient[i] -= chance * log(sum / (double)samples) * score[i];
    }
}

static void test_bound_of_samples(void **state) {
    (void)state;
    const char *const forms[] = {"vimco:samples=3", "vimco:samples=3,mean=arithmetic", "vimco:samples=2"};
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
        double exact[bits], mean[bits], variance[bits];
        weir_moments moments = {.mean = mean, .variance = variance};
        weir_estimator *e = estimator_of(forms[k], bits, 1000);
        enumerate_bound(logits4, weir_estimator_evaluations(e), exact);
        moments_of(e, &moments, logits4, 200000, exponential, NULL);
        for (size_t i = 0; i < bits; i++) {
            const double bound = 4 * sqrt(variance[i] / (double)moments.draws);
            if (!(fabs(mean[i] - exact[i]) <= bound)) {
                fail_msg("%s: unit %zu has the mean %.6f, expected %.6f within %.2g", forms[k], i, mean[i], exact[i],
                         bound);
            }
        }
        weir_estimator_free(e);
    }
}

/// One bit, f = (h − t)²: closed forms of the variance.
static double rloo_variance(double p, double slope, double samples) {
    const double square = p * (1 - p), fourth = square * (1 - 3 * square);
    return slope * slope * (fourth - square * square * (samples - 3) / (samples - 1)) / samples;
}

static double rloo2(double p, double slope) { return rloo_variance(p, slope, 2); }
static double rloo3(double p, double slope) { return rloo_variance(p, slope, 3); }

static double arm(double p, double slope) {
    const double m = p < 0.5 ? p : 1 - p, square = p * (1 - p);
    return slope * slope * ((0.125 - pow(0.5 - m, 3)) * 2 / 3 - square * square);
}
static double disarm(double p, double slope) {
    const double m = p < 0.5 ? p : 1 - p;
    return slope * slope * m * (1 - m) * (1 - m) * (0.5 - m);
}
static double none(double p, double slope) {
    (void)p;
    (void)slope;
    return 0;
}

static const struct {
    const char *text;
    double (*variance)(double p, double slope);
} one_bit[] = {{"rloo", rloo2}, {"rloo:samples=3", rloo3}, {"arm", arm},      {"disarm", disarm},
               {"leg", none},   {"exact", none},           {"bitflip", none}, {"ugc", none}};

static void test_one_bit(void **state) {
    (void)state;
    double t = 0.49;
    const double chances[] = {0.5, 0.3, 0.1};
    for (size_t k = 0; k < sizeof one_bit / sizeof *one_bit; k++) {
        for (size_t c = 0; c < sizeof chances / sizeof *chances; c++) {
            const double p = chances[c], slope = 1 - 2 * t, exact = p * (1 - p) * slope;
            const float a = (float)log(p / (1 - p));
            const double want = one_bit[k].variance(p, slope);
            double mean, variance;
            weir_moments moments = {.mean = &mean, .variance = &variance};
            weir_estimator *e = estimator_of(one_bit[k].text, 1, 1000);
            moments_of(e, &moments, &a, 200000, quadratic, &t);
            if (!(fabs(mean - exact) <= 4 * sqrt(want / 200000) + 1e-7)) {
                fail_msg("%s, p = %g: mean %g, expected %g", one_bit[k].text, p, mean, exact);
            }
            if (!(fabs(variance - want) <= 0.03 * want + 1e-12)) {
                fail_msg("%s, p = %g: variance %g, expected %g", one_bit[k].text, p, variance, want);
            }
            weir_estimator_free(e);
        }
    }
}

/// D = 200, f the mean of (h − 0.499)², η = 0: variance of each coordinate.
static void check_many_units(const char *text, double want, double tolerance) {
    enum { units = 200, rows = 100, draws = 40000 };
    static double mean[units], variance[units];
    static const float a[units];
    double t = 0.499, average = 0;
    weir_moments moments = {.mean = mean, .variance = variance};
    weir_estimator *e = estimator_of(text, units, rows);
    moments_of(e, &moments, a, draws, quadratic, &t);
    for (size_t i = 0; i < units; i++) average += variance[i] / units;
    if (!(fabs(average / want - 1) <= tolerance)) fail_msg("%s: variance %g, expected %g", text, average, want);
    weir_estimator_free(e);
}

static void test_many_units(void **state) {
    (void)state;
    check_many_units("rloo", 1.2500e-9, 0.01);
    check_many_units("disarm", 1.24375e-9, 0.01);
}

// ---- saturation ----------------------------------------------------------------------------------------------------

static void test_saturation(void **state) {
    (void)state;
    enum { units = 8, rows = 64 };
    static const float extremes[units] = {-100, -40, -20, -5, 0, 30, 88, 100};
    for (size_t k = 0; k < weir_rule_count(); k++) {
        const char *text = weir_rule_at(k)->name;
        float a[rows * units], g[rows * units], loss[rows];
        double t = 0.3;
        for (size_t i = 0; i < rows * units; i++) a[i] = extremes[i % units];
        weir_estimator *e = estimator_of(text, units, rows);
        for (int step = 0; step < 20; step++) {
            weir_error error = {0};
            if (weir_estimate(e, g, loss, a, rows, quadratic, &t, &error) != WEIR_OK) {
                fail_msg("%s: %s", text, error.text);
            }
            for (size_t i = 0; i < rows * units; i++) {
                if (!isfinite(g[i])) fail_msg("%s: the gradient at %g is %g", text, (double)a[i], (double)g[i]);
            }
        }
        size_t count = 0;
        const float *kept = weir_estimator_state(e, &count);
        for (size_t i = 0; i < count; i++) {
            if (!isfinite(kept[i])) fail_msg("%s: state[%zu] is %g", text, i, (double)kept[i]);
        }
        weir_estimator_free(e);
    }
}

// ---- determinism ---------------------------------------------------------------------------------------------------

enum { steps = 3, wide = 37, batch = 300 };

static void run_steps(weir_estimator *e, float *g) {
    static float a[batch * wide];
    const weir_noise noise = {.seed = 5};
    for (uint32_t r = 0; r < batch; r++) weir_random_normal(a + r * wide, noise, r, wide);
    for (int step = 0; step < steps; step++) {
        assert_int_equal(weir_estimate(e, g, NULL, a, batch, exponential, NULL, NULL), WEIR_OK);
    }
}

static bool fits(const weir_rule *rule) {
    weir_unit unit;
    weir_estimator *e = NULL;
    assert_int_equal(weir_unit_parse(&unit, rule->name, NULL), WEIR_OK);
    const weir_status status = weir_estimator_create(&e, &unit, wide, batch, 1, NULL);
    assert_true(status == WEIR_OK || status == WEIR_UNSUPPORTED);
    weir_estimator_free(e);
    return status == WEIR_OK;
}

/// The same bits for one thread and several; state and step put back give the same numbers again.
static void test_bits(void **state) {
    (void)state;
    static float one[batch * wide], many[batch * wide];
    const int threads = weir_threads();
    for (size_t k = 0; k < weir_rule_count(); k++) {
        const weir_rule *rule = weir_rule_at(k);
        if (!fits(rule)) continue;
        weir_estimator *first = estimator_of(rule->name, wide, batch), *second = estimator_of(rule->name, wide, batch);
        size_t count = 0, other = 0;
        weir_threads_use(1);
        run_steps(first, one);
        weir_threads_use(3);
        run_steps(second, many);
        if (memcmp(one, many, sizeof one)) fail_msg("%s: bits depend on the number of threads", rule->name);
        const float *from = weir_estimator_state(first, &count);
        float *to = weir_estimator_state(second, &other);
        assert_int_equal(count, other);
        if (count && memcmp(from, to, count * sizeof *to)) fail_msg("%s: state depends on the threads", rule->name);
        weir_estimator_free(second);
        second = estimator_of(rule->name, wide, batch);
        to = weir_estimator_state(second, &other);
        if (count) memcpy(to, from, count * sizeof *to);
        weir_estimator_step_set(second, weir_estimator_step(first));
        run_steps(first, one);
        run_steps(second, many);
        if (memcmp(one, many, sizeof one)) fail_msg("%s: state and step are not all that it depends on", rule->name);
        weir_estimator_free(first);
        weir_estimator_free(second);
    }
    weir_threads_use(threads);
}

// ---- refusals ------------------------------------------------------------------------------------------------------

static weir_status undefined_loss(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                                  float *loss, float *dh, weir_error *error) {
    (void)context;
    (void)units;
    (void)example;
    (void)h;
    (void)dh;
    (void)error;
    for (size_t r = 0; r < rows; r++) loss[r] = r == 5 ? NAN : 0;
    return WEIR_OK;
}

static weir_status refuses(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                           float *loss, float *dh, weir_error *error) {
    (void)context;
    (void)rows;
    (void)units;
    (void)example;
    (void)h;
    (void)loss;
    (void)dh;
    return weir__fail(error, WEIR_DATA, "the simulator is out of fuel");
}

static void test_refusals(void **state) {
    (void)state;
    float a[8 * bits] = {0}, g[8 * bits] = {0};
    weir_error error = {0};
    weir_unit unit;
    weir_estimator *e = estimator_of("rloo", bits, 8);
    assert_int_equal(weir_estimate(e, g, NULL, a, 9, exponential, NULL, &error), WEIR_SHAPE);
    assert_int_equal(weir_estimate(e, g, NULL, a, 0, exponential, NULL, &error), WEIR_SHAPE);
    assert_int_equal(weir_estimate(e, g, NULL, a, 4, undefined_loss, NULL, &error), WEIR_DIVERGED);
    assert_string_equal(error.text, "the objective gave a loss of nan for example 1 (evaluation 2 of 2)");
    assert_int_equal(weir_estimate(e, g, NULL, a, 4, refuses, NULL, &error), WEIR_DATA);
    assert_string_equal(error.text, "the simulator is out of fuel");
    assert_int_equal(weir_estimator_step(e), 0);
    for (size_t i = 0; i < 8 * bits; i++) assert_true(g[i] == 0);
    weir_estimator_free(e);
    assert_int_equal(weir_unit_parse(&unit, "rloo:samples=1000", &error), WEIR_OK);
    assert_int_equal(weir_estimator_create(&e, &unit, 1 << 20, 1 << 20, 1, &error), WEIR_UNSUPPORTED);
    assert_null(e);
    assert_int_equal(weir_estimator_create(&e, &unit, 0, 1, 1, &error), WEIR_ARGUMENT);
    weir_estimator_free(NULL);
}

static void test_memory_runs_out(void **state) {
    (void)state;
    weir_unit unit;
    assert_int_equal(weir_unit_parse(&unit, "reinforce", NULL), WEIR_OK);
    for (long count = 0;; count++) {
        weir_estimator *e = NULL;
        weir__alloc_fail_after(count);
        const weir_status status = weir_estimator_create(&e, &unit, 3, 5, 1, NULL);
        weir__alloc_fail_after(-1);
        if (status == WEIR_OK) {
            assert_true(count >= 5);
            weir_estimator_free(e);
            break;
        }
        assert_int_equal(status, WEIR_MEMORY);
        assert_null(e);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_means_and_variances),
        cmocka_unit_test(test_unbiased_rules),
        cmocka_unit_test(test_perturbed_logits),
        cmocka_unit_test(test_bound_of_samples),
        cmocka_unit_test(test_one_bit),
        cmocka_unit_test(test_many_units),
        cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests_name("estimate", tests, NULL, NULL);
}
