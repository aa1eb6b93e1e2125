// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The forms of a rule, and whether a descriptor is complete.

#include <string.h>

#include "../core/core.h"
#include "rules.h"

size_t weir_rule_forms(const weir_rule *rule) { return rule->forms ? rule->form_count : 1; }

weir_status weir_rule_form(const weir_rule *rule, weir_unit *unit, const weir_form **form, size_t index,
                           weir_error *error) {
    static const weir_form defaults = {.text = ""};
    if (index >= weir_rule_forms(rule)) {
        return weir__fail(error, WEIR_ARGUMENT, "%s has %zu forms, not one at %zu", rule->name, weir_rule_forms(rule),
                          index);
    }
    const weir_form *at = rule->forms ? &rule->forms[index] : &defaults;
    if (form) *form = at;
    return weir__unit_read(unit, rule, at->text[0] ? at->text : NULL, error);
}

const weir_form *weir_unit_form(const weir_unit *unit) {
    for (size_t i = 0; i < weir_rule_forms(unit->rule); i++) {
        const weir_form *form;
        weir_unit at;
        if (weir_rule_form(unit->rule, &at, &form, i, NULL) != WEIR_OK) continue;
        if (weir_unit_draw(&at) == weir_unit_draw(unit) && memcmp(at.values, unit->values, sizeof at.values) == 0 &&
            memcmp(at.draw_values, unit->draw_values, sizeof at.draw_values) == 0)
            return form;
    }
    return NULL;
}

static size_t choices_in(const char *choices) {
    size_t count = 1;
    for (; *choices; choices++) count += *choices == '|';
    return count;
}

static weir_status check_parameters(const weir_rule *rule, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(rule->parameter_count <= WEIR_RULE_PARAMETERS, WEIR_ARGUMENT, "rule '%s' has %zu parameters, at most %d",
             rule->name, rule->parameter_count, WEIR_RULE_PARAMETERS);
    TRY_THAT((rule->parameter_count > 0) == (rule->parameters != NULL), WEIR_ARGUMENT,
             "rule '%s': parameters and parameter_count disagree", rule->name);
    for (size_t i = 0; i < rule->parameter_count; i++) {
        const weir_parameter *p = &rule->parameters[i];
        TRY_THAT(p->name && *p->name && p->about && *p->about, WEIR_ARGUMENT,
                 "rule '%s': parameter %zu needs a name and a line about it", rule->name, i);
        TRY_THAT(p->least <= p->initial && p->initial <= p->greatest, WEIR_ARGUMENT,
                 "rule '%s': the default of '%s' is %g, outside of %g to %g", rule->name, p->name, p->initial, p->least,
                 p->greatest);
        TRY_THAT(!p->choices || (p->least == 0 && (double)choices_in(p->choices) == p->greatest + 1), WEIR_ARGUMENT,
                 "rule '%s': '%s' has the choices '%s'; least must be 0, greatest one less than their number",
                 rule->name, p->name, p->choices);
    }
done:
    return status;
}

/// Every form can be read, no two are the same, and one of them is that of the defaults.
static weir_status check_forms(const weir_rule *rule, weir_error *error) {
    weir_status status = WEIR_OK;
    bool plain = false;
    for (size_t i = 0; i < weir_rule_forms(rule); i++) {
        const weir_form *form;
        weir_unit unit;
        TRY(weir_rule_form(rule, &unit, &form, i, error));
        TRY_THAT(weir_unit_form(&unit) == form || !rule->forms, WEIR_ARGUMENT,
                 "rule '%s': the form '%s' is one that stands before it", rule->name, form->text);
        plain = plain || !form->text[0];
    }
    TRY_THAT(plain, WEIR_ARGUMENT, "rule '%s': its forms lack \"\", the defaults", rule->name);
done:
    return status;
}

weir_status weir_rule_check(const weir_rule *rule, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(rule, WEIR_ARGUMENT, "a rule is NULL");
    TRY_THAT(rule->name && *rule->name && !strpbrk(rule->name, ":,= "), WEIR_ARGUMENT,
             "a rule needs a name without ':', ',', '=' or blanks, not '%s'", rule->name ? rule->name : "");
    const struct {
        const char *field, *text;
    } texts[] = {
        {"summary", rule->summary}, {"forward", rule->forward}, {"gradient", rule->gradient}, {"source", rule->source}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        TRY_THAT(texts[i].text && *texts[i].text, WEIR_ARGUMENT, "rule '%s' has no %s", rule->name, texts[i].field);
    }
    TRY_THAT(rule->backward, WEIR_ARGUMENT, "rule '%s' has no backward", rule->name);
    const weir_draw *draw = rule->draw ? rule->draw : weir_draw_bernoulli();
    TRY_THAT(draw->decided && draw->expected && draw->sample && draw->expect && draw->decide && draw->opening &&
                 (draw->define || draw->states),
             WEIR_ARGUMENT,
             "rule '%s': its draw needs decided, expected, sample, expect, decide, opening and define (or be NULL: "
             "Bernoulli)",
             rule->name);
    const unsigned traits = rule->traits, reads = WEIR_TRAIT_USES_DH | WEIR_TRAIT_USES_LOSS;
    TRY_THAT(traits & reads, WEIR_ARGUMENT,
             "rule '%s': backward reads nothing; its traits need USES_DH, USES_LOSS, or both", rule->name);
    TRY_THAT((rule->gradients > 0) == ((traits & WEIR_TRAIT_USES_DH) != 0), WEIR_ARGUMENT,
             "rule '%s' reads ∂L/∂h of %d evaluations, which does not fit its trait USES_DH", rule->name,
             rule->gradients);
    TRY_THAT(!(traits & WEIR_TRAIT_PATHWISE) || (traits & WEIR_TRAIT_USES_DH), WEIR_ARGUMENT,
             "rule '%s' is PATHWISE, but does not read ∂L/∂h (USES_DH)", rule->name);
    TRY_THAT(!(traits & (WEIR_TRAIT_SKIPS | WEIR_TRAIT_BINARY)) || (traits & WEIR_TRAIT_SPARSE), WEIR_ARGUMENT,
             "rule '%s' is BINARY or SKIPS, so that outputs can be 0, but is not SPARSE", rule->name);
    TRY_THAT(rule->draw || (traits & WEIR_TRAIT_SPARSE), WEIR_ARGUMENT,
             "rule '%s' draws from Bernoulli(σ(a)) (draw is NULL), but is not SPARSE", rule->name);
    TRY_THAT(rule->evaluations >= 1 || (rule->evaluations == 0 && rule->groups && rule->cost), WEIR_ARGUMENT,
             "rule '%s' says %d evaluations of the loss; 0 needs groups and cost", rule->name, rule->evaluations);
    TRY_THAT((rule->state > 0 || rule->state_count) == (rule->start != NULL), WEIR_ARGUMENT,
             "rule '%s': state and start belong together", rule->name);
    TRY_THAT((traits & WEIR_TRAIT_UNBIASED) || rule->define || rule->expectation || rule->weight || rule->weights ||
                 rule->states || rule->given,
             WEIR_ARGUMENT, "rule '%s' is biased and does not say by how much: it needs weight, define or expectation",
             rule->name);
    TRY(check_parameters(rule, error));
    TRY(check_forms(rule, error));
done:
    return status;
}
