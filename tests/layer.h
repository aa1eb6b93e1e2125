// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file layer.h
/// For tests of units: a unit read from text, and a batch with all its arrays. Includes come before this header.
#ifndef WEIR_TEST_LAYER_H
#define WEIR_TEST_LAYER_H

#include "testing.h"

#include "units/rules.h"

/// Every rule in every form that computes something different, from the table; filled by read_forms.
enum { most_forms = 512, form_text = 96 };
static char every_form[most_forms][form_text];
static size_t form_count;

static inline void read_forms(void) {
    form_count = 0;
    for (size_t r = 0; r < weir_rule_count(); r++) {
        for (size_t k = 0; k < weir_rule_forms(weir_rule_at(r)); k++) {
            weir_unit unit;
            weir_error error = {0};
            const weir_form *form;
            if (weir_rule_form(weir_rule_at(r), &unit, &form, k, &error) != WEIR_OK) fail_msg("%s", error.text);
            assert_true(form_count < most_forms);
            char *text = every_form[form_count++], *parameters = text + strlen(weir_rule_at(r)->name);
            assert_true(weir_unit_print(&unit, text, form_text) < form_text);
            // written as it is printed, but for the draw of a rule that is not the first of its name
            const bool first = weir_rule_find(weir_rule_at(r)->name) == weir_rule_at(r);
            if (first) assert_string_equal(*parameters ? parameters + 1 : parameters, form->text);
        }
    }
}

/// Keeps the forms whose outputs are drawn alone, as their rule says: what can be asked of one unit.
static inline void keep_own_forms(void) {
    size_t kept = 0;
    for (size_t form = 0; form < form_count; form++) {
        weir_unit unit;
        if (weir_unit_parse(&unit, every_form[form], NULL) != WEIR_OK) fail_msg("%s", every_form[form]);
        if (unit.draw || weir_unit_variable(&unit) != 1) continue;
        memmove(every_form[kept++], every_form[form], form_text);
    }
    form_count = kept;
}

/// A batch whose arrays belong to it; a, dh and loss are writable.
typedef struct layer {
    weir_unit unit;
    weir_unit_batch batch;
    float *a, *dh, *loss;
} layer;

static inline weir_unit unit_of(const char *text) {
    weir_unit unit;
    weir_error error = {0};
    if (weir_unit_parse(&unit, text, &error) != WEIR_OK) fail_msg("%s", error.text);
    return unit;
}

/// Whether a layer of that size is one that a test can hold: rules that flip every unit have a row group for each.
static inline int layer_fits(const char *text, size_t rows, size_t units) {
    const weir_unit unit = unit_of(text);
    const size_t groups = weir_unit_groups(&unit, units, 1);
    return groups > 0 && groups * rows * units <= 8000000;
}

/// Arrays of all row groups: a test that wants one draw looks at the first.
static inline layer layer_make(const char *text, size_t rows, size_t units) {
    layer made = {.unit = unit_of(text)};
    weir_error error = {0};
    if (weir_unit_fit(&made.unit, units, &error) != WEIR_OK) fail_msg("%s: %s", text, error.text);
    const weir_rule *rule = made.unit.rule;
    const size_t groups = weir_unit_groups(&made.unit, units, 1), count = groups * rows * units;
    const size_t saved = weir_unit_saved(&made.unit, rows, units), state = weir_unit_state(&made.unit, units);
    assert_true(groups > 0);
    made.a = new_floats(rows * units);
    made.dh = new_floats(count);
    made.loss = new_floats(groups * rows);
    made.batch = (weir_unit_batch){.rows = rows,
                                   .units = units,
                                   .a = made.a,
                                   .h = new_floats(count),
                                   .saved = saved ? new_floats(saved) : NULL,
                                   .state = state ? new_floats(state) : NULL,
                                   .noise = {.seed = 20130815, .step = 3, .stream = 2, .sample = 0},
                                   .dh = made.dh,
                                   .loss = made.loss,
                                   .row_weight = 1.0f / (float)(rows ? rows : 1),
                                   .da = new_floats(rows * units),
                                   .groups = groups,
                                   .layers = 1};
    if (rule->start) rule->start(&made.unit, units, made.batch.state);
    return made;
}

static inline void layer_free(layer *made) {
    free(made->a);
    free(made->dh);
    free(made->loss);
    free(made->batch.h);
    free(made->batch.saved);
    free(made->batch.state);
    free(made->batch.da);
}

static inline void sample_layer(layer *made) { weir_unit_sample(&made->unit, &made->batch); }
static inline void back_layer(layer *made) { made->unit.rule->backward(&made->unit, &made->batch); }
static inline void expect_layer(layer *made) { weir_unit_draw(&made->unit)->expect(&made->unit, &made->batch); }
static inline void decide_layer(layer *made) { weir_unit_draw(&made->unit)->decide(&made->unit, &made->batch); }

/// Fails with the place and both values unless |got − want| ≤ bound.
static inline void check_near(const char *what, double at, double got, double want, double bound) {
    if (!(fabs(got - want) <= bound)) {
        fail_msg("%s at %.9g is %.9g, expected %.9g within %.3g", what, at, got, want, bound);
    }
}

#endif
