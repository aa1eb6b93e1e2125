// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The functions of core/math.h against libm in double precision, over their whole ranges.

#include "testing.h"

#include "core/math.h"

/// Fails with the place and both values unless |got − want| ≤ bound.
static void check_near(const char *what, double x, double got, double want, double bound) {
    if (!(fabs(got - want) <= bound)) {
        fail_msg("%s(%.9g) = %.9g, expected %.9g within %.3g", what, x, got, want, bound);
    }
}

static void test_exp(void **state) {
    (void)state;
    for (int i = -873000; i <= 883000; i++) {
        const float x = (float)i * 1e-4f;
        if (x < -87.3f || x > 88.3f) continue;
        const double want = exp((double)x);
        check_near("exp", (double)x, (double)weir__exp(x), want, 2e-7 * want);
    }
    assert_true(weir__exp(0.0f) == 1.0f);
    assert_true(weir__exp(-1e30f) > 1.17e-38f && weir__exp(-INFINITY) < 1.3e-38f);
    assert_true(isfinite(weir__exp(1e30f)) && weir__exp(INFINITY) > 2e38f);
    assert_true(isnan(weir__exp(NAN)));
}

static void test_log(void **state) {
    (void)state;
    for (int exponent = -126; exponent <= 127; exponent++) {
        for (int i = 0; i < 4096; i++) {
            const float x = ldexpf(1.0f + (float)i / 4096.0f, exponent);
            const double want = log((double)x);
            check_near("log", (double)x, (double)weir__log(x), want, 1.5e-7 * fabs(want));
        }
    }
    for (int i = -100000; i <= 100000; i++) { // relative accuracy where the logarithm goes through 0
        const float x = 1.0f + (float)i * 0x1p-23f;
        const double want = log((double)x);
        check_near("log", (double)x, (double)weir__log(x), want, 1.5e-7 * fabs(want));
    }
}

static void test_log1p(void **state) {
    (void)state;
    for (int i = 0; i <= 1000000; i++) {
        const float x = (float)i * 1e-6f;
        const double want = log1p((double)x);
        check_near("log1p", (double)x, (double)weir__log1p(x), want, 2e-7 * want);
    }
    for (float x = 1.2e-38f; x <= 1.0f; x *= 1.37f) {
        const double want = log1p((double)x);
        check_near("log1p", (double)x, (double)weir__log1p(x), want, 2e-7 * want);
    }
}

static void test_sincos(void **state) {
    (void)state;
    const double turn = 6.283185307179586;
    for (int i = 0; i <= 1 << 20; i++) {
        const float u = (float)i * 0x1p-20f;
        float sine, cosine;
        weir__sincos_turn(u, &sine, &cosine);
        check_near("sin 2pi", (double)u, (double)sine, sin(turn * (double)u), 1e-7);
        check_near("cos 2pi", (double)u, (double)cosine, cos(turn * (double)u), 1e-7);
    }
}

static void test_tanh(void **state) {
    (void)state;
    for (int i = -1000000; i <= 1000000; i++) {
        const float x = (float)i * 1.2e-5f;
        const double want = tanh((double)x);
        check_near("tanh", (double)x, (double)weir__tanh(x), want, 3e-7 * fabs(want));
    }
    for (float x = 1e-36f; x <= 1.0f; x *= 1.37f)
        check_near("tanh", (double)x, (double)weir__tanh(x), tanh((double)x), 3e-7 * tanh((double)x));
    assert_true(weir__tanh(0.0f) == 0.0f && weir__tanh(INFINITY) == 1.0f && weir__tanh(-INFINITY) == -1.0f);
    assert_true(isnan(weir__tanh(NAN)));
}

static void test_sigmoid(void **state) {
    (void)state;
    float before = 0;
    for (int i = -870000; i <= 870000; i++) {
        const float a = (float)i * 1e-4f;
        float p, rest;
        weir__sigmoid_pair(a, &p, &rest);
        const double want = 1 / (1 + exp(-(double)a)), want_rest = 1 / (1 + exp((double)a));
        check_near("sigmoid", (double)a, (double)p, want, 4e-7 * want);
        check_near("1 - sigmoid", (double)a, (double)rest, want_rest, 4e-7 * want_rest);
        assert_true(p >= before * (1 - 4e-7f) && p <= 1);
        before = p;
    }
    assert_true(weir__sigmoid(0.0f) == 0.5f);
    assert_true(weir__sigmoid(100.0f) == 1.0f && weir__sigmoid(INFINITY) == 1.0f);
    assert_true(weir__sigmoid(-100.0f) > 0 && weir__sigmoid(-INFINITY) > 0 && weir__sigmoid(-INFINITY) < 2e-38f);
    assert_true(isnan(weir__sigmoid(NAN)));
}

static void test_softplus(void **state) {
    (void)state;
    for (int i = -870000; i <= 1000000; i++) {
        const float a = (float)i * 1e-4f;
        const double want = a > 0 ? (double)a + log1p(exp(-(double)a)) : log1p(exp((double)a));
        check_near("softplus", (double)a, (double)weir__softplus(a), want, 4e-7 * want);
    }
    assert_true(weir__softplus(-1000.0f) > 0);
    assert_true(weir__softplus(1000.0f) == 1000.0f);
    assert_true(isnan(weir__softplus(NAN)));
}

static void test_normal(void **state) {
    (void)state;
    for (int i = -130000; i <= 130000; i++) {
        const float x = (float)i * 1e-4f;
        float density, below;
        weir__normal_pair(x, &density, &below);
        const double want = 0.5 * erfc(-(double)x * 0.7071067811865476);
        const double want_density = 0.3989422804014327 * exp(-0.5 * (double)x * (double)x);
        const double relative = 5e-6 * (1 + (double)x * (double)x);
        check_near("Phi", (double)x, (double)below, want, fmin(1e-6, relative * want));
        check_near("phi", (double)x, (double)density, want_density, fmin(1e-6, relative * want_density));
        if (x >= 0) {
            const double tail = 0.5 * erfc((double)x * 0.7071067811865476);
            // in double precision the difference loses x² units in the last place
            const double excess = want_density / tail - (double)x;
            check_near("excess", (double)x, (double)weir__mills_excess(x), excess, 3e-6 * excess + 1e-12 * (double)x);
        }
    }
    check_near("excess", 1e4, (double)weir__mills_excess(1e4f), 1e-4 - 2e-12, 3e-10);
    float density, below;
    weir__normal_pair(-1e30f, &density, &below);
    assert_true(below >= 0 && density >= 0 && density < 1e-37f);
    weir__normal_pair(1e30f, &density, &below);
    assert_true(below == 1.0f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp),    cmocka_unit_test(test_log),     cmocka_unit_test(test_log1p),
        cmocka_unit_test(test_sincos), cmocka_unit_test(test_sigmoid), cmocka_unit_test(test_softplus),
        cmocka_unit_test(test_normal), cmocka_unit_test(test_tanh),
    };
    return cmocka_run_group_tests_name("math", tests, NULL, NULL);
}
