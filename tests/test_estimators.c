// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gradient estimators of binary units against the exact gradient.
//
// f(b) = exp(½(b₁ − b₂ + ½b₃ + 2b₄)) of four units with logits (0.4, −0.8, 1.5, −0.2). Enumerating the 16 states gives
// the mean and the variance of any estimate exactly (theorem 1 and corollary 1 of Bengio, Léonard and Courville 2013);
// draws with a fixed seed must then lie within 4 theoretical standard errors.

#include "testing.h"

#include <weir/random.h>
#include <weir/units.h>

#include "layer.h"

enum { units = 4, states = 16, draws = 1 << 20 };

static const double logits[units] = {0.4, -0.8, 1.5, -0.2};
static const double slopes[units] = {0.5, -0.5, 0.25, 1}; // ∂ log f/∂b
static const double exact_gradient[units] = {0.29906266, -0.25536991, 0.09158297, 0.63884361};
static const double optimal_baselines[units] = {2.41829287, 2.21038315, 2.27396274, 2.92121867};
static const double exact_mean = 2.66397423;

static double bit(int which, int unit) { return which >> unit & 1; }

static double loss_of(int which) {
    double exponent = 0;
    for (int i = 0; i < units; i++) exponent += slopes[i] * bit(which, i);
    return exp(exponent);
}

static double chance_of(int which) {
    double chance = 1;
    for (int i = 0; i < units; i++) {
        const double p = 1 / (1 + exp(-logits[i]));
        chance *= bit(which, i) != 0 ? p : 1 - p;
    }
    return chance;
}

/// Mean and variance of an estimate, unit by unit.
typedef struct summary {
    double mean[units], variance[units], total;
} summary;

static void set_state(layer *made, const double baseline[units]) {
    for (int i = 0; made->unit.rule->state && i < units; i++) {
        made->batch.state[i] = (float)baseline[i];
        made->batch.state[units + i] = 1;
    }
}

/// Sets loss, and ∂L/∂h, of a row whose h is set.
static void set_loss(layer *made, size_t row) {
    const float *h = made->batch.h + row * units;
    int which = 0;
    for (int i = 0; i < units; i++) which |= (h[i] != 0) << i;
    static double losses[states]; // exp is not for a million rows
    if (losses[0] == 0) {
        for (int s = 0; s < states; s++) losses[s] = loss_of(s);
    }
    made->loss[row] = (float)losses[which];
    for (int i = 0; i < units; i++) made->dh[row * units + (size_t)i] = (float)(slopes[i] * losses[which]);
}

static layer make_rows(const char *text, size_t rows, const double baseline[units]) {
    layer made = layer_make(text, rows, units);
    for (size_t k = 0; k < rows * units; k++) made.a[k] = (float)logits[k % units];
    made.batch.row_weight = 1; // so that each row of da is one estimate
    set_state(&made, baseline);
    return made;
}

/// Every state as a row; its estimates weighted by the state's probability.
static summary enumerate(const char *text, const double baseline[units]) {
    layer made = make_rows(text, states, baseline);
    for (int which = 0; which < states; which++) {
        for (int i = 0; i < units; i++) made.batch.h[which * units + i] = (float)bit(which, i);
        set_loss(&made, (size_t)which);
    }
    back_layer(&made);
    summary all = {.total = 0};
    for (int i = 0; i < units; i++) {
        double square = 0;
        for (int which = 0; which < states; which++) {
            const double estimate = (double)made.batch.da[which * units + i];
            all.mean[i] += chance_of(which) * estimate;
            square += chance_of(which) * estimate * estimate;
        }
        all.variance[i] = square - all.mean[i] * all.mean[i];
        all.total += all.variance[i];
    }
    layer_free(&made);
    return all;
}

/// The same by drawing rows.
static summary draw(const char *text, const double baseline[units]) {
    layer made = make_rows(text, draws, baseline);
    sample_layer(&made);
    for (size_t row = 0; row < draws; row++) set_loss(&made, row);
    back_layer(&made);
    summary all = {.total = 0};
    for (int i = 0; i < units; i++) {
        double sum = 0, square = 0;
        for (size_t row = 0; row < draws; row++) {
            const double estimate = (double)made.batch.da[row * units + (size_t)i];
            sum += estimate;
            square += estimate * estimate;
        }
        all.mean[i] = sum / draws;
        all.variance[i] = square / draws - all.mean[i] * all.mean[i];
        all.total += all.variance[i];
    }
    layer_free(&made);
    return all;
}

static double bias_of(const summary *all) {
    double square = 0;
    for (int i = 0; i < units; i++) square += pow(all->mean[i] - exact_gradient[i], 2);
    return sqrt(square);
}

static void test_reference_values(void **state) {
    (void)state;
    double mean = 0, gradient[units] = {0}, above[units] = {0}, below[units] = {0};
    for (int which = 0; which < states; which++) {
        mean += chance_of(which) * loss_of(which);
        for (int i = 0; i < units; i++) {
            const double score = bit(which, i) - 1 / (1 + exp(-logits[i]));
            gradient[i] += chance_of(which) * loss_of(which) * score;
            above[i] += chance_of(which) * loss_of(which) * score * score;
            below[i] += chance_of(which) * score * score;
        }
    }
    check_near("E f", 0, mean, exact_mean, 1e-8);
    for (int i = 0; i < units; i++) {
        check_near("gradient", i, gradient[i], exact_gradient[i], 1e-8);
        check_near("optimal baseline", i, above[i] / below[i], optimal_baselines[i], 1e-8);
    }
}

static const double no_baseline[units] = {0}, mean_baseline[units] = {2.66397423, 2.66397423, 2.66397423, 2.66397423};

static const struct {
    const char *name, *form;
    const double *baseline;
    double variance, bias;
} references[] = {
    {"REINFORCE", "reinforce:baseline=none", no_baseline, 6.660, 0},
    {"REINFORCE, mean baseline", "reinforce:baseline=average", mean_baseline, 1.423, 0},
    {"REINFORCE, optimal baseline", "reinforce:baseline=optimal", optimal_baselines, 1.326, 0},
    {"straight-through, sigmoid", "straight-through:derivative=sigmoid", no_baseline, 0.228, 0.0425},
    {"straight-through, identity", "straight-through", no_baseline, 4.026, 2.58},
};
enum { reference_count = sizeof references / sizeof *references };

/// The published variances are means over draws, good to 0.3 %; the biases have three digits.
static void test_enumerated_mean_and_variance(void **state) {
    (void)state;
    for (size_t k = 0; k < reference_count; k++) {
        const summary all = enumerate(references[k].form, references[k].baseline);
        check_near(references[k].name, 0, all.total, references[k].variance, 0.005 * references[k].variance);
        check_near(references[k].name, 0, bias_of(&all), references[k].bias, 0.005 * references[k].bias + 1e-6);
    }
}

static void test_drawn_mean_and_variance(void **state) {
    (void)state;
    for (size_t k = 0; k < reference_count; k++) {
        const summary want = enumerate(references[k].form, references[k].baseline);
        const summary got = draw(references[k].form, references[k].baseline);
        check_near(references[k].name, 0, got.total, references[k].variance, 0.02 * references[k].variance);
        for (int i = 0; i < units; i++) {
            check_near(references[k].name, i, got.mean[i], want.mean[i], 4 * sqrt(want.variance[i] / draws));
        }
        if (references[k].bias > 0.1) {
            check_near(references[k].name, 0, bias_of(&got), references[k].bias, 0.02 * references[k].bias);
        }
    }
}

/// Theorem 1: unbiased for any baseline. Corollary 1: none has less variance than eq. 10.
static void test_baselines(void **state) {
    (void)state;
    const summary best = enumerate("reinforce:baseline=optimal", optimal_baselines);
    for (int unit = 0; unit < units; unit++) {
        for (int k = -20; k <= 20; k++) {
            double baseline[units];
            memcpy(baseline, optimal_baselines, sizeof baseline);
            baseline[unit] += 0.25 * k;
            const summary other = enumerate("reinforce:baseline=optimal", baseline);
            assert_true(bias_of(&other) <= 2e-6);
            const double p = 1 / (1 + exp(-logits[unit])), away = 0.25 * k;
            // the variance is a parabola with its bottom at the optimum, p(1 − p) wide
            check_near("variance", baseline[unit], other.variance[unit],
                       best.variance[unit] + away * away * p * (1 - p), 1e-5);
        }
    }
}

/// On one bit both outcomes of the optimally corrected estimate are the exact gradient: no variance at all.
static void test_one_bit_has_no_variance(void **state) {
    (void)state;
    const double t = 0.499, off = t * t, on = (1 - t) * (1 - t);
    for (int k = -80; k <= 80; k++) {
        layer made = layer_make("reinforce:baseline=optimal", 2, 1);
        made.a[0] = made.a[1] = (float)k * 0.1f;
        const double p = 1 / (1 + exp(-(double)made.a[0])), best = (1 - p) * on + p * off;
        made.batch.row_weight = 1;
        made.batch.state[0] = (float)best;
        made.batch.state[1] = 1;
        made.batch.h[1] = 1;
        made.loss[0] = (float)off;
        made.loss[1] = (float)on;
        back_layer(&made);
        // what is left is the rounding to float of a loss and the baseline, each near ¼
        const double want = p * (1 - p) * (on - off), rounding = 3e-8;
        check_near("estimate for 0", k, (double)made.batch.da[0], want, 1e-6 * want + rounding * p);
        check_near("estimate for 1", k, (double)made.batch.da[1], want, 1e-6 * want + rounding * (1 - p));
        layer_free(&made);
    }
}

/// The averages that one batch leaves: decayed old ones plus (1 − decay) times the batch's means.
static void test_state_is_two_running_averages(void **state) {
    (void)state;
    const char *const forms[] = {"reinforce:baseline=optimal,decay=0.75", "reinforce:baseline=average,decay=0.75",
                                 "reinforce:baseline=none"};
    for (int form = 0; form < 3; form++) {
        layer made = make_rows(forms[form], states, mean_baseline);
        for (int which = 0; which < states; which++) {
            for (int i = 0; i < units; i++) made.batch.h[which * units + i] = (float)bit(which, i);
            set_loss(&made, (size_t)which);
        }
        back_layer(&made);
        for (int i = 0; i < units; i++) {
            double above = 0, below = 0;
            for (int which = 0; which < states; which++) {
                const double score = form == 0 ? bit(which, i) - 1 / (1 + exp(-logits[i])) : 1;
                above += score * score * loss_of(which) / states;
                below += score * score / states;
            }
            const double past = form == 2 ? 1 : 0.75, now = 1 - past;
            check_near(forms[form], i, (double)made.batch.state[i], past * exact_mean + now * above, 1e-5);
            check_near(forms[form], i, (double)made.batch.state[units + i], past + now * below, 1e-6);
        }
        layer_free(&made);
    }
}

/// From nothing, the baselines tend to the exact ones; the first batch has none.
static void test_baselines_are_learned(void **state) {
    (void)state;
    const char *const forms[] = {"reinforce:baseline=optimal,decay=0.99", "reinforce:baseline=average,decay=0.99"};
    const double *const wanted[] = {optimal_baselines, mean_baseline};
    for (int form = 0; form < 2; form++) {
        layer made = make_rows(forms[form], 1000, no_baseline);
        made.unit.rule->start(&made.unit, units, made.batch.state);
        for (uint32_t step = 0; step < 2000; step++) {
            made.batch.noise.step = step;
            sample_layer(&made);
            for (size_t row = 0; row < 1000; row++) set_loss(&made, row);
            back_layer(&made);
            for (int i = 0; step == 0 && i < units; i++) {
                const double score = (double)made.batch.h[i] - 1 / (1 + exp(-logits[i]));
                check_near(forms[form], i, (double)made.batch.da[i], score * (double)made.loss[0], 1e-5);
            }
        }
        for (int i = 0; i < units; i++) {
            const double learned = (double)made.batch.state[i] / (double)made.batch.state[units + i];
            check_near(forms[form], i, learned, wanted[form][i], 0.02);
        }
        layer_free(&made);
    }
}

/// The baseline of a batch does not depend on the batch: another loss in one row changes no other row's estimate.
static void test_baseline_is_from_before(void **state) {
    (void)state;
    const char *const forms[] = {"reinforce:baseline=optimal", "reinforce:baseline=average"};
    for (int form = 0; form < 2; form++) {
        layer made = make_rows(forms[form], 8, mean_baseline);
        sample_layer(&made);
        for (size_t row = 0; row < 8; row++) set_loss(&made, row);
        back_layer(&made);
        float before[8 * units];
        memcpy(before, made.batch.da, sizeof before);
        made.loss[3] += 100;
        set_state(&made, mean_baseline);
        back_layer(&made);
        for (size_t k = 0; k < 8 * units; k++) assert_true((made.batch.da[k] == before[k]) == (k / units != 3));
        made.batch.row_weight = 0.25f;
        set_state(&made, mean_baseline);
        made.loss[3] -= 100;
        set_loss(&made, 3);
        back_layer(&made);
        for (size_t k = 0; k < 8 * units; k++) assert_true(made.batch.da[k] == 0.25f * before[k]);
        layer_free(&made);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_values),        cmocka_unit_test(test_enumerated_mean_and_variance),
        cmocka_unit_test(test_drawn_mean_and_variance), cmocka_unit_test(test_baselines),
        cmocka_unit_test(test_one_bit_has_no_variance), cmocka_unit_test(test_state_is_two_running_averages),
        cmocka_unit_test(test_baselines_are_learned),   cmocka_unit_test(test_baseline_is_from_before),
    };
    return cmocka_run_group_tests_name("estimators", tests, NULL, NULL);
}
