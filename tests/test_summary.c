// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Means, deviations and paired differences against values that SciPy 1.17.1 gives (scipy.stats.ttest_rel, t.interval).

#include <weir/weir.h>

#include "testing.h"

static void near(double found, double expected) {
    if (!(fabs(found - expected) <= 1e-9 * fabs(expected) + 1e-14)) fail_msg("%.15g, expected %.15g", found, expected);
}

static void summaries(void **state) {
    (void)state;
    const double values[] = {1e6 + 1, 1e6 + 2, (double)NAN, 1e6 + 4, (double)INFINITY};
    weir_summary s = weir_summarise(values, 5);
    assert_int_equal(s.count, 3);
    near(s.mean, 1e6 + 7.0 / 3);
    near(s.deviation, 1.5275252316519468);
    assert_true(s.least == 1e6 + 1 && s.greatest == 1e6 + 4);
    s = weir_summarise(values, 1);
    assert_true(s.mean == 1e6 + 1 && isnan(s.deviation));
    s = weir_summarise(values + 2, 1);
    assert_true(s.count == 0 && isnan(s.mean) && isnan(s.least) && isnan(s.greatest));
    s = weir_summarise(NULL, 0);
    assert_int_equal(s.count, 0);
}

static void differences(void **state) {
    (void)state;
    const double a[] = {2.1, 1.9, 2.4, 2.2, 2.05}, b[] = {1.8, 1.95, 2.0, 1.9, 1.7};
    weir_difference d = weir_paired_difference(a, b, 5);
    assert_int_equal(d.pairs, 5);
    assert_int_equal(d.below, 1);
    near(d.mean, 0.26);
    near(d.deviation, 0.1781852968120546);
    near(d.p, 0.03099969790244109);
    near(d.low, 0.038753731939219854);
    near(d.high, 0.4812462680607802);
    d = weir_paired_difference(b, a, 5);
    near(d.p, 0.03099969790244109);
    near(d.high, -(0.038753731939219854));
    assert_int_equal(d.below, 4);
    d = weir_paired_difference(a, b, 2); // one degree of freedom: Cauchy
    near(d.p, 0.6051369134225069);
    near(d.low, -2.098585828830572);
    d = weir_paired_difference(a, a, 5);
    assert_true(d.p == 1 && d.mean == 0 && d.low == 0 && d.high == 0);
    const double c[] = {3.5, 2.5}, e[] = {2.5, 1.5};
    d = weir_paired_difference(c, e, 2);
    assert_true(d.p == 0 && d.mean == 1);
    d = weir_paired_difference(a, b, 1);
    assert_true(d.pairs == 1 && isnan(d.p) && isnan(d.low) && isnan(d.deviation));
    const double gap[] = {(double)NAN, 1, 2};
    assert_int_equal(weir_paired_difference(a, gap, 3).pairs, 2);
    // Many pairs: nearly the normal distribution.
    double many[1000], none[1000];
    for (size_t i = 0; i < 1000; i++) {
        many[i] = i % 2 ? 1.05 : -0.95;
        none[i] = 0;
    }
    d = weir_paired_difference(many, none, 1000);
    near(d.p, 0.11434372358731078);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(summaries), cmocka_unit_test(differences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
