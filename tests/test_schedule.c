// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Learning rates over time, against values worked out by hand.

#include "testing.h"

#include "config/options.h"
#include "train/schedule.h"

static weir_optimizer_options options_of(const char *schedule) {
    weir_optimizer_options o = weir_optimizer_options_default();
    o.schedule = schedule;
    o.rate = 0.2;
    o.step_factor = 0.5;
    o.step_epochs = 3;
    o.final_rate = 0.02;
    return o;
}

static void expect_rate(const weir_optimizer_options *o, size_t epoch, double part, double expected) {
    const double rate = weir__schedule_rate(o, epoch, part, 10);
    double alone = NAN; // without a trainer
    if (part < 1 && epoch < 10) assert_int_equal(weir_schedule_rate(&alone, o, epoch, part, 10, NULL), WEIR_OK);
    if (part < 1 && epoch < 10) assert_true(alone == rate);
    if (!(fabs(rate - expected) <= 1e-12))
        fail_msg("epoch %zu + %g: %.15g, expected %.15g", epoch, part, rate, expected);
}

static void test_rates(void **unused) {
    (void)unused;
    weir_optimizer_options o = options_of("constant");
    assert_int_equal(weir__options_check(&weir__optimizer_fields, &o, NULL), WEIR_OK);
    expect_rate(&o, 0, 0, 0.2);
    expect_rate(&o, 9, 0.9, 0.2);

    o = options_of("step");
    assert_int_equal(weir__options_check(&weir__optimizer_fields, &o, NULL), WEIR_OK);
    expect_rate(&o, 0, 0.5, 0.2);
    expect_rate(&o, 2, 0.999, 0.2);
    expect_rate(&o, 3, 0, 0.1);
    expect_rate(&o, 9, 0, 0.025);

    o = options_of("cosine");
    assert_int_equal(weir__options_check(&weir__optimizer_fields, &o, NULL), WEIR_OK);
    expect_rate(&o, 0, 0, 0.2);
    expect_rate(&o, 5, 0, 0.11);
    expect_rate(&o, 2, 0.5, 0.11 + 0.09 * sqrt(0.5));
    expect_rate(&o, 10, 0, 0.02);
    expect_rate(&o, 12, 0, 0.02);
}

static void test_decay_divides(void **unused) {
    (void)unused;
    weir_optimizer_options o = options_of("step");
    o.rate_decay = 0.5;
    expect_rate(&o, 0, 0.9, 0.2);
    expect_rate(&o, 1, 0, 0.2 / 1.5);
    expect_rate(&o, 4, 0, 0.1 / 3);
}

static void test_only_cosine_needs_epochs(void **unused) {
    (void)unused;
    weir_optimizer_options o = options_of("constant");
    const weir__described structs[] = {{&weir__optimizer_fields, &o}, {0}};
    const char *condition = weir__field_find(&weir__train_fields, "train.epochs")->numbers;
    assert_false(weir__condition_holds(condition, structs, NULL));
    o.schedule = "step";
    assert_false(weir__condition_holds(condition, structs, NULL));
    o.schedule = "cosine";
    assert_true(weir__condition_holds(condition, structs, NULL));
}

static void test_bad_options(void **unused) {
    (void)unused;
    weir_error error;
    weir_optimizer_options o = options_of("linear");
    assert_int_equal(weir__options_check(&weir__optimizer_fields, &o, &error), WEIR_CONFIG);
    assert_non_null(strstr(error.text, "linear"));
    o = options_of("step");
    o.step_epochs = 0;
    assert_int_equal(weir__options_check(&weir__optimizer_fields, &o, &error), WEIR_CONFIG);
    o = options_of("step");
    o.step_factor = NAN;
    assert_int_equal(weir__options_check(&weir__optimizer_fields, &o, &error), WEIR_CONFIG);
    o = options_of("cosine");
    o.final_rate = -1;
    assert_int_equal(weir__options_check(&weir__optimizer_fields, &o, &error), WEIR_CONFIG);
    o = options_of("constant");
    o.rate_decay = INFINITY;
    assert_int_equal(weir__options_check(&weir__optimizer_fields, &o, &error), WEIR_CONFIG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_decay_divides),
        cmocka_unit_test(test_only_cosine_needs_epochs),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
