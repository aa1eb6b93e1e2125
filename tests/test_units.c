// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What holds for every rule: complete descriptors, gradients equal to finite differences with the noise held fixed,
// test time decisions, saturation, closed gates whose ∂L/∂h is not read, and the same bits for any number of threads.

#include "testing.h"

#include <weir/random.h>
#include <weir/system.h>
#include <weir/units.h>

#include "core/math.h"
#include "layer.h"

static int has(const layer *made, unsigned trait) { return (made->unit.rule->traits & trait) == trait; }

static void fill_random(layer *made, float spread) {
    const size_t count = made->batch.rows * made->batch.units, groups = made->batch.groups;
    const weir_noise noise = {.seed = 99};
    weir_random_normal(made->a, noise, 0, count);
    for (size_t i = 0; i < count; i++) made->a[i] *= spread;
    weir_random_normal(made->dh, noise, 1, groups * count);
    weir_random_normal(made->loss, noise, 2, groups * made->batch.rows);
}

static void test_descriptors_are_complete(void **state) {
    (void)state;
    assert_true(weir_rule_count() >= 19);
    assert_null(weir_rule_at(weir_rule_count()));
    assert_null(weir_rule_find("no such rule"));
    assert_null(weir_rule_find(NULL));
    for (size_t i = 0; i < weir_rule_count(); i++) {
        const weir_rule *rule = weir_rule_at(i);
        weir_error error = {0};
        if (weir_rule_check(rule, &error) != WEIR_OK) fail_msg("%s", error.text);
        assert_string_equal(weir_rule_find(rule->name)->name, rule->name); // the first of that name
        for (size_t k = 0; k < rule->parameter_count; k++) assert_true(strlen(rule->parameters[k].about) > 3);
    }
    const char *const names[] = {"noisy-rectifier", "rectifier",       "sts", "reinforce", "straight-through",
                                 "sigmoid",         "semantic-hashing"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_non_null(weir_rule_find(names[i]));
}

/// Outputs of a layer drawn with the same noise at a + shift.
static void sample_shifted(const layer *made, float shift, float *h) {
    const size_t count = made->batch.rows * made->batch.units;
    float *a = new_floats(count);
    for (size_t i = 0; i < count; i++) a[i] = made->a[i] + shift;
    weir_unit_batch moved = made->batch;
    moved.a = a;
    moved.h = h;
    weir_unit_sample(&made->unit, &moved);
    free(a);
}

static void add_closed(void *context, double chance, double h, double weight) {
    (void)weight;
    *(double *)context += h == 0 ? chance : 0;
}

/// Is an output 0 now and then, by the rule's definition?
static int closes_by_chance(const weir_unit *unit) {
    double closed = 0;
    (unit->rule->define ? unit->rule->define : weir_unit_draw(unit)->define)(unit, 1, add_closed, &closed);
    return closed > 0.05;
}

/// Where the draws are on the same side of the jump or kink, the slope of the secant tends to the derivative.
static void test_pathwise_gradients_are_finite_differences(void **state) {
    (void)state;
    const float step = 0.01f;
    size_t forms = 0;
    for (size_t form = 0; form < form_count; form++) {
        if (!layer_fits(every_form[form], 40, 53)) continue;
        layer made = layer_make(every_form[form], 40, 53);
        const size_t count = 40 * 53;
        fill_random(&made, 2);
        float *below = new_floats(2 * count), *above = new_floats(2 * count);
        if (has(&made, WEIR_TRAIT_PATHWISE)) {
            assert_int_equal(made.batch.groups, 1);
            sample_shifted(&made, -step, below);
            sample_shifted(&made, step, above);
            sample_shifted(&made, -step / 2, below + count);
            sample_shifted(&made, step / 2, above + count);
            sample_layer(&made);
            back_layer(&made);
            size_t compared = 0, closed = 0;
            for (size_t i = 0; i < count; i++) {
                const float h = made.batch.h[i];
                if ((below[i] == 0) != (h == 0) || (above[i] == 0) != (h == 0)) continue;
                if ((below[i] == 1) != (h == 1) || (above[i] == 1) != (h == 1)) continue; // clipped
                const double wide = ((double)above[i] - (double)below[i]) / (2 * (double)step);
                const double narrow = ((double)above[count + i] - (double)below[count + i]) / (double)step;
                const double slope = (4 * narrow - wide) / 3;
                check_near(every_form[form], (double)made.a[i], (double)made.batch.da[i], (double)made.dh[i] * slope,
                           1e-4 * (1 + fabs((double)h) + fabs((double)made.batch.da[i]))); // h is rounded to float
                closed += h == 0;
                compared++;
            }
            assert_true(compared > count * 95 / 100);
            const int closes = has(&made, WEIR_TRAIT_SKIPS) || closes_by_chance(&made.unit);
            assert_true(closed < count * 9 / 10 && (closed > count / 10) == closes);
            forms++;
        }
        free(below);
        free(above);
        layer_free(&made);
    }
    assert_true(forms >= 16);
}

static void test_straight_through_gradients(void **state) {
    (void)state;
    layer identity = layer_make("straight-through", 30, 41),
          sigmoid = layer_make("straight-through:derivative=sigmoid", 30, 41);
    fill_random(&identity, 3);
    fill_random(&sigmoid, 3);
    back_layer(&identity);
    back_layer(&sigmoid);
    for (size_t i = 0; i < 30 * 41; i++) {
        assert_true(identity.batch.da[i] == identity.dh[i]);
        const double p = 1 / (1 + exp(-(double)sigmoid.a[i])), want = (double)sigmoid.dh[i] * p * (1 - p);
        check_near("straight-through sigmoid", (double)sigmoid.a[i], (double)sigmoid.batch.da[i], want,
                   1e-6 * fabs(want));
    }
    layer_free(&identity);
    layer_free(&sigmoid);
}

static void check_decision(const char *form, float threshold) {
    const float a[] = {-100, -3, -1, -0.5f, 0, 0.5f, 1, 3, 100, NAN};
    enum { units = sizeof a / sizeof *a };
    float mean[units];
    layer made = layer_make(form, 1, units);
    memcpy(made.a, a, sizeof a);
    made.batch.threshold = threshold;
    expect_layer(&made);
    memcpy(mean, made.batch.h, sizeof mean);
    decide_layer(&made);
    const weir_draw *draw = weir_unit_draw(&made.unit);
    const double floor = draw->floor ? draw->floor(&made.unit) : -INFINITY;
    for (size_t i = 0; i < units; i++) {
        const float h = made.batch.h[i];
        if (!has(&made, WEIR_TRAIT_SPARSE)) { // never closed: the mean, a share or a itself
            assert_true(isnan(a[i]) ? isnan(h) : h == mean[i] && ((h > 0 && h <= 1) || h == a[i]));
        } else if (!(a[i] > threshold) || (double)a[i] <= floor) {
            if (h != 0)
                fail_msg("%s: a = %g, threshold %g: %g, expected 0", form, (double)a[i], (double)threshold, (double)h);
        } else {
            if (!(h > 0) || isinf(h))
                fail_msg("%s: a = %g, threshold %g: %g", form, (double)a[i], (double)threshold, (double)h);
            if (has(&made, WEIR_TRAIT_BINARY)) assert_true(h == 1);
        }
    }
    layer_free(&made);
}

static void test_decisions(void **state) {
    (void)state;
    const float thresholds[] = {0, -1, 1, 0.5f, -INFINITY, INFINITY, -100};
    for (size_t form = 0; form < form_count; form++) {
        for (size_t t = 0; t < sizeof thresholds / sizeof *thresholds; t++)
            check_decision(every_form[form], thresholds[t]);
    }
}

/// Open gates give: sts √σ(a + E z), sigmoid σ(a + E z), rectifier a; and the means E z of the Beta noise.
static void test_decided_values(void **state) {
    (void)state;
    const double alpha = (0.1 * 38.1 + 1) / 0.9, alpha3 = (0.3 * 38.1 + 1) / 0.7;
    const double sts_mean = log(1 / 0.01 - 1) * (alpha / (alpha + 40.1) - 0.5);
    const double sigmoid_mean = log(1 / 0.3 - 1) * (alpha3 / (alpha3 + 40.1) - 0.5);
    const struct {
        const char *form;
        double shift, power;
    } cases[] = {{"sts", 0, 0.5},
                 {"sts:noise=beta", sts_mean, 0.5},
                 {"sigmoid", 0, 1},
                 {"sigmoid:noise=gaussian,sd=2", 0, 1},
                 {"sigmoid:noise=beta,target=0.3", sigmoid_mean, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        layer made = layer_make(cases[c].form, 1, 81);
        for (int i = 0; i < 81; i++) made.a[i] = (float)(i - 40) * 0.5f;
        made.batch.threshold = -INFINITY;
        decide_layer(&made);
        for (int i = 0; i < 81; i++) {
            const double p = 1 / (1 + exp(-(double)made.a[i] - cases[c].shift)), want = pow(p, cases[c].power);
            check_near(cases[c].form, (double)made.a[i], (double)made.batch.h[i], want, 2e-6 * want);
        }
        expect_layer(&made);
        for (int i = 0; i < 81; i++) {
            const double p = 1 / (1 + exp(-(double)made.a[i] - cases[c].shift));
            check_near(cases[c].form, (double)made.a[i], (double)made.batch.h[i], p, 2e-6 * p);
        }
        layer_free(&made);
    }
}

static void test_opening_slopes(void **state) {
    (void)state;
    for (size_t form = 0; form < form_count; form++) {
        const weir_unit unit = unit_of(every_form[form]);
        for (int i = -60; i <= 60; i++) {
            const float at[3] = {(float)i * 0.1f - 0.005f, (float)i * 0.1f + 0.0005f, (float)i * 0.1f + 0.006f};
            float q[3], dq[3], alone[3];
            weir_unit_draw(&unit)->opening(&unit, 3, at, q, dq);
            weir_unit_draw(&unit)->opening(&unit, 3, at, alone, NULL);
            assert_memory_equal(q, alone, sizeof q);
            assert_true(q[0] >= 0 && q[0] <= q[1] && q[1] <= q[2] && q[2] <= 1);
            if (unit.rule->traits & WEIR_TRAIT_PIECEWISE) { // the chance of the definition
                double closed = 0;
                weir_unit_draw(&unit)->define(&unit, (double)at[1], add_closed, &closed);
                assert_true(dq[1] == 0);
                check_near(every_form[form], (double)at[1], (double)q[1], 1 - closed, 1e-7);
                continue;
            }
            const double slope = ((double)q[2] - (double)q[0]) / ((double)at[2] - (double)at[0]);
            check_near(every_form[form], (double)at[1], (double)dq[1], slope, 6e-4);
            assert_true(dq[1] > 0);
        }
    }
}

static void check_finite(const char *form, const char *what, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) fail_msg("%s: %s[%zu] is %g", form, what, i, (double)values[i]);
    }
}

static void test_saturation(void **state) {
    (void)state;
    const float a[] = {-1e30f, -1e4f, -100, -88, -30, 0, 30, 88, 100, 1e4f, 1e30f};
    enum { units = sizeof a / sizeof *a, rows = 50 };
    for (size_t form = 0; form < form_count; form++) {
        layer made = layer_make(every_form[form], rows, units);
        const size_t groups = made.batch.groups;
        for (size_t row = 0; row < rows; row++) memcpy(made.a + row * units, a, sizeof a);
        for (size_t i = 0; i < groups * rows * units; i++) made.dh[i] = 1;
        for (size_t row = 0; row < groups * rows; row++) made.loss[row] = (float)(row % rows);
        float q[units], dq[units];
        weir_unit_draw(&made.unit)->opening(&made.unit, units, a, q, dq);
        check_finite(every_form[form], "q", q, units);
        check_finite(every_form[form], "dq", dq, units);
        made.batch.threshold = -INFINITY;
        decide_layer(&made);
        check_finite(every_form[form], "decided h", made.batch.h, rows * units);
        expect_layer(&made);
        check_finite(every_form[form], "expected h", made.batch.h, rows * units);
        for (int batch = 0; batch < 3; batch++) {
            sample_layer(&made);
            back_layer(&made);
            check_finite(every_form[form], "h", made.batch.h, groups * rows * units);
            check_finite(every_form[form], "da", made.batch.da, rows * units);
            check_finite(every_form[form], "state", made.batch.state, weir_unit_state(&made.unit, units));
        }
        // p = 0 and p = 1: never and always open, no score; with a number of their own per unit (ar) there is one
        const int scores = has(&made, WEIR_TRAIT_USES_LOSS) && weir_unit_saved(&made.unit, 1, units) == 0;
        for (size_t row = 0; has(&made, WEIR_TRAIT_BINARY) && groups == 1 && row < rows; row++) {
            for (size_t i = 0; i < units; i++) {
                if (fabsf(a[i]) < 30) continue;
                assert_true(made.batch.h[row * units + i] == (a[i] > 0));
                if (scores) assert_true(fabsf(made.batch.da[row * units + i]) < 1e-10f);
            }
        }
        layer_free(&made);
    }
}

/// A NaN pre-activation stays a NaN in training, so that the loss shows it.
static void test_nan_is_not_hidden(void **state) {
    (void)state;
    enum { units = 5 };
    for (size_t form = 0; form < form_count; form++) {
        layer made = layer_make(every_form[form], 1, units);
        float merged, *weights = new_floats(made.batch.groups);
        for (int i = 0; i < units; i++) made.a[i] = NAN;
        sample_layer(&made);
        for (size_t g = 0; g < made.batch.groups; g++) {
            made.loss[g] = 0;
            for (size_t i = 0; i < units; i++) made.loss[g] += made.batch.h[g * units + i];
        }
        weir_unit_merge(&made.unit, &made.batch, &merged, weights);
        assert_true(isnan(merged));
        for (int i = 0; made.batch.groups == 1 && i < units; i++) assert_true(isnan(made.batch.h[i]));
        free(weights);
        layer_free(&made);
    }
}

/// Rules with WEIR_TRAIT_SKIPS read ∂L/∂h of open gates only, and a closed gate of a pathwise rule has no gradient.
static void test_closed_gates_are_not_read(void **state) {
    (void)state;
    size_t forms = 0;
    for (size_t form = 0; form < form_count; form++) {
        if (!layer_fits(every_form[form], 20, 600)) continue;
        layer made = layer_make(every_form[form], 20, 600);
        if (has(&made, WEIR_TRAIT_SKIPS)) {
            fill_random(&made, 2);
            sample_layer(&made);
            size_t closed = 0;
            for (size_t i = 0; i < made.batch.groups * 20 * 600; i++) {
                if (made.batch.h[i] != 0) continue;
                made.dh[i] = NAN;
                closed++;
            }
            assert_true(closed > 1000);
            back_layer(&made);
            check_finite(every_form[form], "da", made.batch.da, 20 * 600);
            for (size_t i = 0; i < 20 * 600; i++) {
                if (made.batch.h[i] == 0 && !has(&made, WEIR_TRAIT_USES_LOSS)) assert_true(made.batch.da[i] == 0);
            }
            forms++;
        }
        layer_free(&made);
    }
    assert_true(forms >= 9);
}

/// The arrays of three steps, written by a number of threads.
static void run_steps(const char *form, int threads, float *out, size_t rows, size_t units) {
    weir_threads_use(threads);
    layer made = layer_make(form, rows, units);
    const size_t count = rows * units, kept = weir_unit_state(&made.unit, units);
    fill_random(&made, 2);
    for (uint32_t step = 0; step < 3; step++) {
        made.batch.noise.step = step;
        sample_layer(&made);
        back_layer(&made);
    }
    memcpy(out, made.batch.h, count * sizeof *out);
    memcpy(out + count, made.batch.da, count * sizeof *out);
    expect_layer(&made);
    memcpy(out + 2 * count, made.batch.h, count * sizeof *out);
    decide_layer(&made);
    memcpy(out + 3 * count, made.batch.h, count * sizeof *out);
    weir_unit_draw(&made.unit)->opening(&made.unit, count, made.a, out + 4 * count, out + 5 * count);
    for (size_t i = 0; i < kept && i < 4 * units; i++) out[6 * count + i] = made.batch.state[i];
    layer_free(&made);
}

static void test_any_number_of_threads(void **state) {
    (void)state;
    enum { rows = 67, units = 1203, count = rows * units, all = 6 * count + 4 * units };
    float *one = new_floats(all), *several = new_floats(all);
    const int before = weir_threads();
    for (size_t form = 0; form < form_count; form++) {
        if (!layer_fits(every_form[form], rows, units)) continue; // test_estimate has all rules, with fewer units
        run_steps(every_form[form], 1, one, rows, units);
        for (int threads = 2; threads <= 5; threads += 3) {
            run_steps(every_form[form], threads, several, rows, units);
            assert_memory_equal(one, several, all * sizeof *one);
        }
    }
    weir_threads_use(before);
    free(one);
    free(several);
}

/// What is drawn for a unit does not depend on how many follow it, and empty batches are fine.
static void test_shapes(void **state) {
    (void)state;
    for (size_t form = 0; form < form_count; form++) {
        if (!layer_fits(every_form[form], 1, 1100)) continue;
        layer wide = layer_make(every_form[form], 1, 1100), narrow = layer_make(every_form[form], 1, 531);
        for (size_t i = 0; i < 1100; i++) wide.a[i] = (float)(i % 7) - 3;
        for (size_t i = 0; i < 531; i++) narrow.a[i] = wide.a[i];
        sample_layer(&wide);
        sample_layer(&narrow);
        assert_memory_equal(wide.batch.h, narrow.batch.h, 531 * sizeof(float));
        layer_free(&wide);
        layer_free(&narrow);
        layer empty = layer_make(every_form[form], 0, 10);
        sample_layer(&empty);
        back_layer(&empty);
        layer_free(&empty);
    }
}

/// The clone of a loop that runs on this processor gives the bits of the plain functions.
static void test_vector_code_is_scalar_code(void **state) {
    (void)state;
    layer sigmoid = layer_make("sigmoid", 3, 700), rectifier = layer_make("noisy-rectifier:noise=logistic", 3, 700);
    fill_random(&sigmoid, 10);
    fill_random(&rectifier, 10);
    expect_layer(&sigmoid);
    expect_layer(&rectifier);
    for (size_t i = 0; i < 3 * 700; i++) {
        assert_true(sigmoid.batch.h[i] == weir__sigmoid(sigmoid.a[i]));
        assert_true(rectifier.batch.h[i] == weir__softplus(rectifier.a[i]));
    }
    layer_free(&sigmoid);
    layer_free(&rectifier);
}

int main(void) {
    read_forms();
    keep_own_forms();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors_are_complete),
        cmocka_unit_test(test_pathwise_gradients_are_finite_differences),
        cmocka_unit_test(test_straight_through_gradients),
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_decided_values),
        cmocka_unit_test(test_opening_slopes),
        cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_nan_is_not_hidden),
        cmocka_unit_test(test_closed_gates_are_not_read),
        cmocka_unit_test(test_any_number_of_threads),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_vector_code_is_scalar_code),
    };
    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
