// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// weir_estimate with every rule: saturated logits, state and noise that can be put back, and what is refused. Means and
// variances are held to their truth in test_lab.

#include "testing.h"

#include <weir/estimate.h>
#include <weir/system.h>

#include "core/core.h"

// ---- functions -----------------------------------------------------------------------------------------------------

/// f(h) = exp(½ (h1 − h2 + ½ h3 + 2 h4)).
enum { bits = 4 };
static const float coefficients[bits] = {0.5f, -0.5f, 0.25f, 1};

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

// ---- a few rows at a time ------------------------------------------------------------------------------------------

/// As exponential, times what the example says.
static weir_status weighted(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                            float *loss, float *dh, weir_error *error) {
    exponential(context, rows, units, example, h, loss, dh, error);
    for (size_t r = 0; r < rows; r++) {
        const float weight = 1 + 0.01f * (float)example[r];
        loss[r] *= weight;
        for (size_t i = 0; dh && i < units; i++) dh[r * units + i] *= weight;
    }
    return WEIR_OK;
}

/// Estimates made a few rows at a time, in one thread and in several, have the bits of those made at once: gradients,
/// losses, and what a call of fewer rows gives.
static void test_split(void **state) {
    (void)state;
    static float a[batch * wide], g[2][batch * wide], loss[2][batch];
    const weir_noise noise = {.seed = 6};
    const int threads = weir_threads();
    for (uint32_t r = 0; r < batch; r++) weir_random_normal(a + r * wide, noise, r, wide);
    for (size_t k = 0; k < weir_rule_count(); k++) {
        const weir_rule *rule = weir_rule_at(k);
        if (!fits(rule)) continue;
        for (size_t k_form = 0; k_form < weir_rule_forms(rule); k_form++) {
            weir_unit unit;
            const weir_form *form;
            weir_estimator *whole = NULL, *split = NULL;
            assert_int_equal(weir_rule_form(rule, &unit, &form, k_form, NULL), WEIR_OK);
            if (weir_estimator_create(&whole, &unit, wide, batch, 9, NULL) != WEIR_OK) continue;
            assert_int_equal(weir_estimator_create(&split, &unit, wide, batch, 9, NULL), WEIR_OK);
            weir_estimator_split_set(split, true);
            for (int step = 0; step < 4; step++) {
                const size_t rows = step == 2 ? 7 : batch;
                weir_threads_use(step % 2 ? 3 : 1);
                assert_int_equal(weir_estimate(whole, g[0], loss[0], a, rows, weighted, NULL, NULL), WEIR_OK);
                assert_int_equal(weir_estimate(split, g[1], loss[1], a, rows, weighted, NULL, NULL), WEIR_OK);
                if (memcmp(g[0], g[1], rows * wide * sizeof(float)) || memcmp(loss[0], loss[1], rows * sizeof(float)))
                    fail_msg("%s:%s: a few rows at a time give other bits", rule->name, form->text);
            }
            weir_estimator_free(whole);
            weir_estimator_free(split);
        }
    }
    weir_threads_use(threads);
}

/// Of several losses that are not finite the first one is reported.
static weir_status spoiled(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                           float *loss, float *dh, weir_error *error) {
    exponential(context, rows, units, example, h, loss, dh, error);
    for (size_t r = 0; r < rows; r++)
        if (example[r] > 201) loss[r] = INFINITY;
    return WEIR_OK;
}

static void test_split_refusals(void **state) {
    (void)state;
    static float a[batch * wide], g[batch * wide];
    const int threads = weir_threads();
    weir_error error = {0};
    weir_estimator *e = estimator_of("rloo", wide, batch);
    weir_estimator_split_set(e, true);
    weir_threads_use(3);
    assert_int_equal(weir_estimate(e, g, NULL, a, batch, spoiled, NULL, &error), WEIR_DIVERGED);
    assert_string_equal(error.text, "the objective gave a loss of inf for example 202 (evaluation 1 of 2)");
    assert_int_equal(weir_estimator_step(e), 0);
    assert_int_equal(weir_estimate(e, g, NULL, a, batch, spoiled, NULL, NULL), WEIR_DIVERGED);
    weir_threads_use(threads);
    weir_estimator_free(e);
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
        cmocka_unit_test(test_saturation),     cmocka_unit_test(test_bits),     cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_refusals), cmocka_unit_test(test_refusals), cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests_name("estimate", tests, NULL, NULL);
}
