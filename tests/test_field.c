// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Described fields: every table is sound (defaults can be read, conditions name what there is), copies are whole, and
// conditions hold when they should.

#include "testing.h"

#include "config/options.h"
#include "config/settings.h"
#include "graph/fields.h"

// Each default is what its row says, in a value that the row accepts.
static void test_defaults(void **state) {
    (void)state;
    weir_config config;
    size_t checked = 0;
    weir__config_initial(&config);
    for (size_t i = 0; i < weir__setting_count(); i++) {
        const weir__setting setting = weir__setting_at(i);
        const void *object = (const char *)&config + setting.base;
        char number[WEIR__NUMBER_ROOM];
        weir_error error = {0};
        if (!weir__field_is_value(setting.field) || !setting.field->initial) continue;
        if (weir__field_check(setting.field, object, &error) != WEIR_OK)
            fail_msg("%s: %s", setting.field->path, error.text);
        assert_string_equal(weir__field_text(setting.field, object, number), setting.field->initial);
        assert_true(weir__field_is_initial(setting.field, object));
        checked++;
    }
    assert_true(checked > 40);
}

static void test_conditions(void **state) {
    (void)state;
    weir_train_options o = weir_train_options_default();
    const weir__described all[] = {
        {&weir__train_fields, &o}, {&weir__optimizer_fields, &o.optimizer}, {&weir__sparsity_fields, &o.sparsity}, {0}};
    const char *const gates[] = {"gates", NULL};
    assert_true(weir__condition_holds("", all, NULL));
    assert_true(weir__condition_holds("train.optimizer.kind=adam|sgd", all, NULL));
    assert_false(weir__condition_holds("train.optimizer.kind=adam|sg", all, NULL));
    assert_false(weir__condition_holds("gates", all, NULL));
    assert_true(weir__condition_holds("gates", all, gates));
    assert_false(weir__condition_holds("gates and train.sparsity.bias_push>0", all, gates));
    o.sparsity.bias_push = 0.5;
    assert_true(weir__condition_holds("gates and train.sparsity.bias_push>0", all, gates));
    assert_false(weir__condition_holds("gates and train.sparsity.bias_push>0.5", all, gates));
    assert_true(weir__condition_holds("targets or train.sparsity.bias_push>0", all, gates));
    assert_true(weir__condition_holds("train.epochs", all, NULL));
    assert_false(weir__condition_holds("train.patience", all, NULL));
}

// Terms that are neither a field nor a known fact would never hold, in silence.
static void test_conditions_name_what_there_is(void **state) {
    (void)state;
    static const char *const facts[] = {WEIR__FACT_GATES, WEIR__FACT_UNITS, WEIR__FACT_TARGETS,
                                        WEIR__FACT_READS_CLOSED};
    size_t terms = 0;
    for (size_t i = 0; i < weir__setting_count() + weir__node_fields.count; i++) {
        const bool of_node = i >= weir__setting_count();
        const weir__field *field =
            of_node ? &weir__node_fields.at[i - weir__setting_count()] : weir__setting_at(i).field;
        const char *conditions[] = {field->applies, field->numbers};
        for (size_t k = 0; k < 2; k++) {
            for (const char *rest = conditions[k]; rest && *rest; terms++) {
                char term[160];
                const char *both = strstr(rest, " and "), *either = strstr(rest, " or ");
                const char *end = !both || (either && either < both) ? either : both;
                snprintf(term, sizeof term, "%.*s", end ? (int)(end - rest) : 159, rest);
                rest = end ? end + (end == both ? 5 : 4) : NULL;
                term[strcspn(term, "=>")] = 0;
                bool known = of_node ? weir__field_find(&weir__node_fields, term) != NULL
                                     : weir__setting_find(term).field != NULL;
                for (size_t f = 0; f < sizeof facts / sizeof *facts; f++) known |= !strcmp(term, facts[f]);
                if (!known) fail_msg("%s: the condition \"%s\" names \"%s\"", field->path, conditions[k], term);
            }
        }
    }
    assert_true(terms > 20);
}

static void test_copies(void **state) {
    (void)state;
    const weir_node from = {.name = "experts", .kind = "gated-affine", .gates = "g", .size = 6, .bias = -1.5};
    weir_node to = {0};
    assert_int_equal(weir__node_copy(&to, &from, WEIR__FIELD_GATES | WEIR__FIELD_PARAMETERS, NULL), WEIR_OK);
    assert_string_equal(to.name, "experts");
    assert_ptr_not_equal(to.name, from.name);
    assert_null(to.from);
    assert_string_equal(to.activation, "linear"); // defaults of what the kind takes
    assert_true(to.block == 1 && to.init == 1 && to.rate == 1 && to.size == 6 && to.bias == -1.5);
    weir__fields_free(&weir__node_fields, &to);
    assert_int_equal(weir__node_copy(&to, &from, 0, NULL), WEIR_OK);
    assert_null(to.activation);
    assert_true(to.block == 0 && to.init == 0);
    weir__fields_free(&weir__node_fields, &to);
    for (long failures = 0; failures < 3; failures++) {
        weir__alloc_fail_after(failures);
        assert_int_equal(weir__node_copy(&to, &from, 0, NULL), WEIR_MEMORY);
        weir__alloc_fail_after(-1);
        weir__fields_free(&weir__node_fields, &to);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_conditions_name_what_there_is),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
