// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Draws: chances that add up, scores and pulls that are derivatives, frequencies, orders and ties, edges, and every
// rule with every draw that it takes: any number of threads gives the same bits, and closed outputs are not read.

#include "testing.h"

#include <weir/system.h>

#include "layer.h"

enum { n = 6 };
static const float some[n] = {0.3f, -1.1f, 1.4f, 0.2f, -0.4f, 0.9f};

/// A unit whose draw is the one of that text, in a layer of n.
static weir_unit drawn(const char *text) {
    char whole[form_text];
    weir_unit unit;
    weir_error error = {0};
    snprintf(whole, sizeof whole, "straight-through:draw=%s", text);
    unit = unit_of(whole);
    if (weir_unit_fit(&unit, n, &error) != WEIR_OK) fail_msg("%s: %s", text, error.text);
    return unit;
}

static const char *const scored[] = {"bernoulli",        "hard-sigmoid,slope=0.4", "one-of",       "one-of,of=3",
                                     "k-subset",         "k-subset,of=3,k=1",      "k-subset,k=5", "gumbel-top-k",
                                     "gumbel-top-k,k=3", "gumbel-top-k,of=3,k=3"};

/// Σ P = 1 over the outcomes of a variable, the mean is what expect says, and the chance's logarithm has the score as
/// its derivative.
static void test_chances_and_scores(void **state) {
    (void)state;
    for (size_t d = 0; d < COUNT(scored); d++) {
        const weir_unit unit = drawn(scored[d]);
        const weir_draw *draw = weir_unit_draw(&unit);
        const size_t size = weir_unit_variable(&unit), count = draw->outcomes(&unit);
        double total = 0, mean[n] = {0};
        float q[n], expected[n];
        for (size_t s = 0; s < count; s++) {
            float h[n] = {0}, score[n], moved[n];
            draw->outcome(&unit, s, h);
            draw->score(&unit, size, some, h, score);
            const double chance = draw->chance(&unit, some, h);
            total += chance;
            for (size_t i = 0; i < size; i++) {
                mean[i] += chance * (double)h[i];
                const float step = 0.01f;
                memcpy(moved, some, sizeof moved);
                moved[i] += step;
                const double up = log(draw->chance(&unit, moved, h)), to = (double)moved[i];
                moved[i] = some[i] - step;
                const double slope = (up - log(draw->chance(&unit, moved, h))) / (to - (double)moved[i]);
                check_near(scored[d], (double)s, (double)score[i], slope, 1e-4);
            }
        }
        check_near(scored[d], 0, total, 1, 1e-6);
        draw->opening(&unit, n, some, q, NULL);
        const weir_unit_batch batch = {.rows = 1, .units = n, .a = some, .h = expected};
        draw->expect(&unit, &batch);
        for (size_t i = 0; i < size; i++) {
            check_near(scored[d], (double)i, (double)q[i], mean[i], 1e-5);
            check_near(scored[d], (double)i, (double)expected[i], mean[i], 1e-5);
        }
    }
}

/// The chances of openings add up to 1 or k of each variable, far out as well as near.
static void test_openings_add_up(void **state) {
    (void)state;
    const struct {
        const char *text;
        double sum;
    } cases[] = {{"one-of", 1},       {"k-subset", 2},         {"k-subset,k=5", 5},
                 {"gumbel-top-k", 2}, {"gumbel-top-k,k=4", 4}, {"top-k,k=3", 3}};
    const float far[n] = {100, -300, 2, 0, 99, -1e30f};
    for (size_t c = 0; c < COUNT(cases); c++) {
        const weir_unit unit = drawn(cases[c].text);
        for (int k = 0; k < 2; k++) {
            float q[n];
            double sum = 0;
            weir_unit_draw(&unit)->opening(&unit, n, k ? far : some, q, NULL);
            for (size_t i = 0; i < n; i++) {
                assert_true(q[i] >= 0 && q[i] <= 1.00001f);
                sum += (double)q[i];
            }
            check_near(cases[c].text, k, sum, cases[c].sum, 2e-5);
        }
    }
}

/// pull is the derivative of v·E h.
static void test_pulls_are_derivatives(void **state) {
    (void)state;
    const float v[n] = {0.7f, -1.3f, 0.2f, 2, -0.5f, 1};
    size_t pulled = 0;
    for (size_t d = 0; d < COUNT(scored); d++) {
        const weir_unit unit = drawn(scored[d]);
        const weir_draw *draw = weir_unit_draw(&unit);
        float out[n], moved[n], q[n];
        if (!draw->pull) continue;
        draw->pull(&unit, n, some, v, out);
        for (size_t i = 0; i < n; i++) {
            double slope = 0;
            for (int sign = -1; sign <= 1; sign += 2) {
                memcpy(moved, some, sizeof moved);
                moved[i] += (float)sign * 0.02f;
                draw->opening(&unit, n, moved, q, NULL);
                for (size_t j = 0; j < n; j++) slope += sign * (double)v[j] * (double)q[j] / 0.04;
            }
            check_near(scored[d], (double)i, (double)out[i], slope, 3e-4);
        }
        pulled++;
    }
    assert_true(pulled >= 7);
}

/// How often each output is open in many rows, and how many are open in a row.
static void test_frequencies(void **state) {
    (void)state;
    enum { rows = 40000 };
    const char *const texts[] = {"hard-sigmoid,slope=0.4", "one-of",       "one-of,of=3",      "k-subset",
                                 "k-subset,k=4",           "gumbel-top-k", "gumbel-top-k,k=4", "noisy-top-k,k=3"};
    float *a = new_floats(rows * n), *h = new_floats(rows * n);
    for (size_t k = 0; k < rows * n; k++) a[k] = some[k % n];
    for (size_t t = 0; t < COUNT(texts); t++) {
        const weir_unit unit = drawn(texts[t]);
        const weir_draw *draw = weir_unit_draw(&unit);
        const weir_unit_batch batch = {.rows = rows, .units = n, .a = a, .h = h, .noise = {.seed = 7}};
        double often[n] = {0};
        float q[n];
        draw->sample(&unit, &batch);
        for (size_t r = 0; r < rows; r++) {
            double open = 0;
            for (size_t i = 0; i < n; i++) {
                assert_true(h[r * n + i] == 0 || h[r * n + i] == 1);
                often[i] += (double)h[r * n + i] / rows;
                open += (double)h[r * n + i];
            }
            const double k = weir_unit_value(&unit, "k"), of = weir_unit_value(&unit, "of");
            if (of > 0) assert_true(open == (isnan(k) ? 1 : k) * n / of);
        }
        draw->opening(&unit, n, some, q, NULL);
        for (size_t i = 0; i < n && draw->outcomes; i++)
            check_near(texts[t], (double)i, often[i], (double)q[i], 4 * sqrt(0.25 / rows));
    }
    free(a);
    free(h);
}

/// Gumbel-top-k opens pairs as draws without replacement do: first i with π_i, then j with π_j/(1 − π_i), or the other
/// way around.
static void test_gumbel_orders(void **state) {
    (void)state;
    const weir_unit unit = drawn("gumbel-top-k");
    double p[n], sum = 0;
    for (size_t i = 0; i < n; i++) sum += p[i] = exp((double)some[i]);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            float h[n] = {0};
            const double x = p[i] / sum, y = p[j] / sum;
            h[i] = h[j] = 1;
            check_near("pair", (double)(i * n + j), weir_unit_draw(&unit)->chance(&unit, some, h),
                       x * y / (1 - x) + y * x / (1 - y), 1e-7);
        }
    }
}

/// Of equal scores the first are taken, and never more than k.
static void test_ties(void **state) {
    (void)state;
    const float level[n] = {1, 2, 2, 2, 1, 0};
    const char *const texts[] = {"top-k", "k-subset", "gumbel-top-k", "noisy-top-k", "one-of"};
    for (size_t t = 0; t < COUNT(texts); t++) {
        const weir_unit unit = drawn(texts[t]);
        float h[n];
        const weir_unit_batch batch = {.rows = 1, .units = n, .a = level, .h = h};
        weir_unit_draw(&unit)->decide(&unit, &batch);
        for (size_t i = 0; i < n; i++) assert_true(h[i] == (i == 1 || (i == 2 && t < 4)));
    }
}

/// About k of normal scores lie above mean + sd·quantile.
static void test_statistical_top_k(void **state) {
    (void)state;
    enum { wide = 1000, rows = 50 };
    weir_unit unit = unit_of("straight-through:draw=statistical-top-k,k=80");
    weir_error error = {0};
    float *a = new_floats(rows * wide), *h = new_floats(rows * wide);
    double open = 0;
    assert_int_equal(weir_unit_fit(&unit, wide, &error), WEIR_OK);
    for (uint32_t r = 0; r < rows; r++) weir_random_normal(a + r * wide, (weir_noise){.seed = 5}, r, wide);
    for (size_t k = 0; k < rows * wide; k++) a[k] = 3 + 7 * a[k]; // place and scale do not matter
    const weir_unit_batch batch = {.rows = rows, .units = wide, .a = a, .h = h};
    weir_unit_draw(&unit)->decide(&unit, &batch);
    for (size_t k = 0; k < rows * wide; k++) open += (double)h[k] / rows;
    check_near("open", 0, open, 80, 2);
    free(a);
    free(h);
}

/// Layers that are not whole variables, and k of fewer than k.
static void test_units_that_do_not_fit(void **state) {
    (void)state;
    const struct {
        const char *text;
        size_t units;
        weir_status status;
        const char *says;
    } cases[] = {{"rloo:draw=one-of,of=4", 6, WEIR_SHAPE, "not whole variables"},
                 {"rloo:draw=k-subset,k=5", 4, WEIR_ARGUMENT, "k=5 of 4 outputs; expected a whole number from 1 to 4"},
                 {"rloo:draw=one-of", 1, WEIR_ARGUMENT, "of=1 outputs; expected a whole number from 2"},
                 {"rloo:draw=k-subset,k=100", 200, WEIR_ARGUMENT, "at most"},
                 {"rloo:draw=one-of", 5000, WEIR_SHAPE, "at most 4096"}};
    for (size_t c = 0; c < COUNT(cases); c++) {
        weir_unit unit = unit_of(cases[c].text);
        weir_error error = {0};
        assert_int_equal(weir_unit_fit(&unit, cases[c].units, &error), cases[c].status);
        if (!strstr(error.text, cases[c].says)) fail_msg("%s: %s", cases[c].text, error.text);
    }
    const char *const wrong[][2] = {{"rloo:draw=top-k", "not defined for draw=top-k (it is for bernoulli"},
                                    {"arm:draw=one-of", "(it is for bernoulli)"},
                                    {"rloo:draw=onesof", "did you mean 'one-of'"},
                                    {"rloo:draw=one-of,k=2", "there are samples, of"},
                                    {"rloo:of=4", "there are samples"},
                                    {"rloo:draw", "has no value"},
                                    {"rloo:draw=one-of,draw=one-of", "given twice"},
                                    {"straight-through:derivative=mean,draw=top-k", "which top-k has not"}};
    for (size_t c = 0; c < COUNT(wrong); c++) {
        weir_unit unit;
        weir_error error = {0};
        assert_true(weir_unit_parse(&unit, wrong[c][0], &error) != WEIR_OK);
        if (!strstr(error.text, wrong[c][1])) fail_msg("%s: %s", wrong[c][0], error.text);
    }
}

// ---- every rule ----------------------------------------------------------------------------------------------------

enum { rows = 24, units = 30 };

static void fill(layer *made, float spread) {
    const size_t count = rows * units, groups = made->batch.groups;
    weir_random_normal(made->a, (weir_noise){.seed = 99}, 0, count);
    for (size_t i = 0; i < count; i++) made->a[i] *= spread;
    weir_random_normal(made->dh, (weir_noise){.seed = 99}, 1, groups * count);
    weir_random_normal(made->loss, (weir_noise){.seed = 99}, 2, groups * rows);
}

static void check_finite(const char *text, const layer *made) {
    for (size_t i = 0; i < rows * units; i++)
        if (!isfinite(made->batch.h[i]) || !isfinite(made->batch.da[i]))
            fail_msg("%s: h %g, da %g at %zu", text, (double)made->batch.h[i], (double)made->batch.da[i], i);
}

/// The form with variables of five outputs, unless that is too many to list.
static bool of_five(char text[form_text], const char *form) {
    const weir_unit unit = unit_of(form);
    const size_t length = (size_t)snprintf(text, form_text, "%s", form);
    if (weir_unit_variable(&unit) == 1 && !unit.draw) return false;
    if (weir_unit_variable(&unit) == 0)
        snprintf(text + length, form_text - length, "%sof=5", strchr(form, ':') ? "," : ":");
    return weir_unit_variable(&unit) <= 1 && layer_fits(text, rows, units);
}

static void test_rules_with_draws(void **state) {
    (void)state;
    size_t tried = 0;
    const float spreads[] = {2, 60, 1e4f};
    for (size_t form = 0; form < form_count; form++) {
        char text[form_text];
        if (!of_five(text, every_form[form])) continue;
        for (size_t k = 0; k < COUNT(spreads); k++) {
            layer one = layer_make(text, rows, units), several = layer_make(text, rows, units);
            fill(&one, spreads[k]);
            fill(&several, spreads[k]);
            weir_threads_use(1);
            sample_layer(&one);
            const bool skips = one.unit.rule->traits & WEIR_TRAIT_SKIPS;
            for (size_t i = 0; skips && i < one.batch.groups * rows * units; i++)
                if (one.batch.h[i] == 0) one.dh[i] = NAN;
            back_layer(&one);
            weir_threads_use(3);
            sample_layer(&several);
            back_layer(&several);
            weir_threads_use(0);
            check_finite(text, &one);
            assert_memory_equal(one.batch.h, several.batch.h, one.batch.groups * rows * units * sizeof(float));
            assert_memory_equal(one.batch.da, several.batch.da, rows * units * sizeof(float));
            layer_free(&one);
            layer_free(&several);
        }
        layer none = layer_make(text, 1, units);
        for (size_t i = 0; i < units; i++) none.a[i] = i % 5 == 2 ? NAN : 0.5f;
        sample_layer(&none);
        double sum = 0;
        for (size_t i = 0; i < none.batch.groups * units; i++) sum += (double)none.batch.h[i];
        if (!(none.unit.rule->traits & WEIR_TRAIT_ENUMERATES) && !isnan(sum)) fail_msg("%s hides a NaN", text);
        layer_free(&none);
        tried++;
    }
    assert_true(tried >= 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chances_and_scores),    cmocka_unit_test(test_openings_add_up),
        cmocka_unit_test(test_pulls_are_derivatives), cmocka_unit_test(test_frequencies),
        cmocka_unit_test(test_gumbel_orders),         cmocka_unit_test(test_ties),
        cmocka_unit_test(test_statistical_top_k),     cmocka_unit_test(test_units_that_do_not_fit),
        cmocka_unit_test(test_rules_with_draws),
    };
    read_forms();
    return cmocka_run_group_tests_name("draws", tests, NULL, NULL);
}
