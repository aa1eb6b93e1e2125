// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Units as text: what is read is what was meant, what is printed reads back, and errors say what to write instead.

#include <locale.h>

#include "testing.h"

#include <weir/units.h>

#include "layer.h"

static void test_defaults(void **state) {
    (void)state;
    for (size_t i = 0; i < weir_rule_count(); i++) {
        const weir_rule *rule = weir_rule_at(i);
        char name[100];
        const bool first = weir_rule_find(rule->name) == rule; // others of the name are asked for by their draw
        snprintf(name, sizeof name, "%s%s%s", rule->name, first ? "" : ":draw=", first ? "" : rule->draw->name);
        const weir_unit unit = unit_of(name);
        assert_ptr_equal(unit.rule, rule);
        for (size_t k = 0; k < rule->parameter_count; k++) {
            assert_true(unit.values[k] == rule->parameters[k].initial);
            assert_true(weir_unit_value(&unit, rule->parameters[k].name) == unit.values[k]);
        }
        assert_true(isnan(weir_unit_value(&unit, "no such parameter")));
        assert_true(isnan(weir_unit_value(&unit, NULL)));
        char text[100];
        assert_int_equal(weir_unit_print(&unit, text, sizeof text), strlen(name));
        assert_string_equal(text, name);
    }
}

static void test_values(void **state) {
    (void)state;
    weir_unit unit = unit_of("noisy-rectifier:noise=logistic,sd=0.25");
    assert_true(weir_unit_value(&unit, "noise") == 1 && weir_unit_value(&unit, "sd") == 0.25);
    unit = unit_of("noisy-rectifier:sd=1e-3");
    assert_true(weir_unit_value(&unit, "noise") == 0 && weir_unit_value(&unit, "sd") == 1e-3);
    unit = unit_of("reinforce:decay=0,baseline=average");
    assert_true(weir_unit_value(&unit, "baseline") == 1 && weir_unit_value(&unit, "decay") == 0);
    unit = unit_of("sts:noise=beta,target=0.05,beta=20.1");
    assert_true(weir_unit_value(&unit, "noise") == 1 && weir_unit_value(&unit, "target") == 0.05);
    assert_true(weir_unit_value(&unit, "beta") == 20.1);
}

static void check_print(const char *text, const char *printed) {
    const weir_unit unit = unit_of(text);
    char out[200];
    assert_int_equal(weir_unit_print(&unit, out, sizeof out), strlen(printed));
    assert_string_equal(out, printed);
    const weir_unit again = unit_of(out);
    assert_ptr_equal(again.rule, unit.rule);
    for (size_t i = 0; i < WEIR_RULE_PARAMETERS; i++) assert_true(again.values[i] == unit.values[i]);
}

static void test_print(void **state) {
    (void)state;
    check_print("noisy-rectifier:noise=gaussian,sd=1.0", "noisy-rectifier");
    check_print("noisy-rectifier:sd=0.10000000000000001,noise=logistic", "noisy-rectifier:noise=logistic,sd=0.1");
    check_print("noisy-rectifier:sd=0.1000000000000001", "noisy-rectifier:sd=0.1000000000000001");
    check_print("reinforce:baseline=none", "reinforce:baseline=none");
    check_print("sigmoid:noise=beta,sd=300,target=3e-2", "sigmoid:noise=beta,sd=300,target=0.03");
    for (size_t form = 0; form < form_count; form++) check_print(every_form[form], every_form[form]);
}

/// Cut to every size, always terminated, never written beyond.
static void test_print_into_little_room(void **state) {
    (void)state;
    const weir_unit unit = unit_of("sts:noise=beta,target=0.25");
    const char whole[] = "sts:noise=beta,target=0.25";
    for (size_t size = 0; size <= sizeof whole + 2; size++) {
        char text[sizeof whole + 4];
        memset(text, '#', sizeof text);
        assert_int_equal(weir_unit_print(&unit, text, size), sizeof whole - 1);
        const size_t kept = size == 0 ? 0 : size < sizeof whole ? size - 1 : sizeof whole - 1;
        assert_memory_equal(text, whole, kept);
        if (size) assert_int_equal(text[kept], 0);
        for (size_t i = size ? kept + 1 : 0; i < sizeof text; i++) assert_int_equal(text[i], '#');
    }
    assert_int_equal(weir_unit_print(&unit, NULL, 0), sizeof whole - 1);
}

static void check_error(const char *text, weir_status status, const char *const parts[3]) {
    weir_unit unit = unit_of("rectifier");
    weir_error error = {0};
    assert_int_equal(weir_unit_parse(&unit, text, &error), status);
    assert_int_equal(weir_unit_parse(&unit, text, NULL), status);
    assert_int_equal(error.status, status);
    assert_ptr_equal(unit.rule, weir_rule_find("rectifier")); // untouched
    for (int i = 0; i < 3 && parts[i]; i++) {
        if (!strstr(error.text, parts[i])) fail_msg("\"%s\": \"%s\" lacks \"%s\"", text, error.text, parts[i]);
    }
}

static void test_errors(void **state) {
    (void)state;
    const weir_status unknown = WEIR_NOT_FOUND, bad = WEIR_ARGUMENT;
    const struct {
        const char *text;
        weir_status status;
        const char *parts[3];
    } cases[] = {
        {"noisy-rectifer", unknown, {"\"noisy-rectifer\"", "did you mean 'noisy-rectifier'?", "'weir units'"}},
        {"top-k", unknown, {"\"top-k\" is a draw, not a rule", "straight-through:draw=top-k"}},
        {"one-of:of=4", unknown, {"is a draw, not a rule", "reinforce:draw=one-of"}},
        {"rloo:draw=one-of,of=1", bad, {"one-of: a variable of of=1 outputs", "from 2 to 4096, or 0 for all"}},
        {"rloo:draw=one-of,of=4.5", bad, {"of=4.5", "expected a whole number"}},
        {"rloo:draw=k-subset,of=4,k=5", bad, {"k=5 of 4 outputs", "from 1 to 4"}},
        {"rloo:draw=gumbel-top-k,k=11", bad, {"up to 10"}},
        {"mixture:k=1.5", bad, {"k=1.5", "a whole number"}},
        {"st-gumbel:draw=one-of,of=1", bad, {"of=1"}},
        {"xyz", unknown, {"unknown rule \"xyz\" (the command 'weir units' lists them)"}},
        {"", unknown, {"unknown rule \"\"", "'weir units'"}},
        {" sts", unknown, {"unknown rule"}},
        {"rectifier:sd=1", unknown, {"\"sd\"", "\"rectifier\" has none"}},
        {"sts:beta1=3", unknown, {"\"beta1\"", "did you mean 'beta'?", "noise, target, beta"}},
        {"sts:", unknown, {"unknown parameter", "noise, target, beta"}},
        {"sts:noise=beta,", unknown, {"unknown parameter"}},
        {"sts:noise=betaa", bad, {"sts", "\"betaa\"", "none|beta"}},
        {"sts:noise=", bad, {"none|beta"}},
        {"sts:noise=none|beta", bad, {"none|beta"}},
        {"sts:noise=1", bad, {"none|beta"}},
        {"sts:noise", bad, {"no value", "noise=VALUE"}},
        {"sts:noise=beta,noise=none", bad, {"noise is given twice"}},
        {"sts:target=0", bad, {"target=0", "from 0.01 to 0.99"}},
        {"sts:target=1", bad, {"target=1", "from 0.01 to 0.99"}},
        {"sts:target=0.1x", bad, {"target=0.1x", "a number"}},
        {"sts:target=0.1.2", bad, {"target=0.1.2", "a number"}},
        {"sts:target=", bad, {"a number"}},
        {"sts:target= 0.1", bad, {"a number"}},
        {"sts:target=nan", bad, {"a number"}},
        {"noisy-rectifier:sd=inf", bad, {"from 0.001 to 1000"}},
        {"noisy-rectifier:sd=-1", bad, {"from 0.001 to 1000"}},
        {"noisy-rectifier:sd=0x1", bad, {"a number"}},
        {"reinforce:decay=1", bad, {"decay=1"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_error(cases[i].text, cases[i].status, cases[i].parts);
    weir_unit unit;
    assert_int_equal(weir_unit_parse(NULL, "sts", NULL), WEIR_ARGUMENT);
    assert_int_equal(weir_unit_parse(&unit, NULL, NULL), WEIR_ARGUMENT);
}

static void test_long_words(void **state) {
    (void)state;
    char text[1000];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = 0;
    const char *const rule[3] = {"unknown rule", "'weir units'"};
    check_error(text, WEIR_NOT_FOUND, rule);
    memcpy(text, "sts:", 4);
    const char *const parameter[3] = {"unknown parameter", "noise, target, beta"};
    check_error(text, WEIR_NOT_FOUND, parameter);
    memcpy(text, "sts:noise=", 10);
    const char *const value[3] = {"the value of noise is longer than"};
    check_error(text, WEIR_ARGUMENT, value);
    memset(text, '0', sizeof text - 1);
    memcpy(text, "sts:target=0.1", 14);
    const char *const number[3] = {"the value of target is longer than"};
    check_error(text, WEIR_ARGUMENT, number);
}

/// A program that writes decimal commas reads and prints units all the same.
static void test_other_locales(void **state) {
    (void)state;
    const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    const char *found = NULL;
    for (size_t i = 0; !found && i < sizeof names / sizeof *names; i++) found = setlocale(LC_ALL, names[i]);
    if (!found) {
        print_message("skipped: no locale with a decimal comma is installed\n");
        skip();
    }
    check_print("noisy-rectifier:sd=0.25", "noisy-rectifier:sd=0.25");
    setlocale(LC_ALL, "C");
}

int main(void) {
    read_forms();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_values),
        cmocka_unit_test(test_print),         cmocka_unit_test(test_print_into_little_room),
        cmocka_unit_test(test_errors),        cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_other_locales),
    };
    return cmocka_run_group_tests_name("unit_text", tests, NULL, NULL);
}
