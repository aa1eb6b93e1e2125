// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate_rules.c
/// The forms of the rules that the laboratory always shows, and the values that they are held to.
#include "estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const double lab_places[LAB_PLACES] = {0.5, 0.3, 0.2, 0.1, 0.02};
const double lab_target = 0.499;

/// Variances of one bit with (h − t)², in p and Δ = f(1) − f(0) = 1 − 2t.
static double reinforce_variance(double p, double t) {
    const double on = (1 - t) * (1 - t), off = t * t, q = 1 - p, g = p * q * (on - off);
    return p * q * (q * on * on + p * off * off) - g * g;
}

static double rloo(double p, double t, double samples) {
    const double square = p * (1 - p), fourth = square * (1 - 3 * square), slope = 1 - 2 * t;
    return slope * slope * (fourth - square * square * (samples - 3) / (samples - 1)) / samples;
}
static double rloo2(double p, double t) { return rloo(p, t, 2); }
static double rloo3(double p, double t) { return rloo(p, t, 3); }
static double rloo4(double p, double t) { return rloo(p, t, 4); }

static double arm_variance(double p, double t) {
    const double m = fmin(p, 1 - p), square = p * (1 - p), slope = 1 - 2 * t;
    return slope * slope * (2.0 / 3 * (0.125 - pow(0.5 - m, 3)) - square * square);
}
static double disarm_variance(double p, double t) {
    const double m = fmin(p, 1 - p), slope = 1 - 2 * t;
    return slope * slope * m * (1 - m) * (1 - m) * (0.5 - m);
}
static double no_variance(double p, double t) {
    (void)p, (void)t;
    return 0;
}

/// Forms in the order of the table. Variances and biases of four units: means over 4·10⁶ draws of an independent
/// program, good to 0.3 % and to the last digit. RLOO, ARM, DisARM of 200 units: exact.
static const struct form {
    const char *text;
    double variance, bias, digit; ///< 0: none
    double (*one_bit)(double p, double t);
    double two_hundred;
} forms[] = {
    {"reinforce:baseline=none", 6.660, 0, 0, reinforce_variance, 0},
    {"reinforce:baseline=average", 1.423, 0, 0, NULL, 0},
    {"reinforce:baseline=leave-one-out", 1.423, 0, 0, NULL, 0},
    {"reinforce", 1.326, 0, 0, NULL, 0},
    {"nvil", 0, 0, 0, NULL, 0},
    {"vimco:samples=3", 0, 0, 0, NULL, 0},
    {"rloo", 2.092, 0, 0, rloo2, 1.25e-9},
    {"rloo:samples=3", 0.936, 0, 0, rloo3, 0},
    {"rloo:samples=4", 0.587, 0, 0, rloo4, 0},
    {"muprop", 0.3168, 0, 0, NULL, 0},
    {"ar", 11.66, 0, 0, NULL, 0},
    {"arm", 2.202, 0, 0, arm_variance, 0},
    {"disarm", 1.681, 0, 0, disarm_variance, 1.24375e-9},
    {"arms:samples=2", 1.681, 0, 0, disarm_variance, 0},
    {"arms:samples=3", 0.663, 0, 0, NULL, 0},
    {"arms:samples=4", 0.439, 0, 0, NULL, 0},
    {"arms:copula=gaussian,samples=2", 1.681, 0, 0, disarm_variance, 0},
    {"bitflip", 2.086, 0, 0, no_variance, 0},
    {"ugc:threshold=0.125", 1.681, 0, 0, NULL, 0},
    {"leg", 0.0928, 0, 0, no_variance, 0},
    {"exact", 0, 0, 0, no_variance, 0},
    {"rebar", 0.7895, 0, 0, NULL, 0},
    {"rebar:noise=coupled", 0.960, 0, 0, NULL, 0},
    {"double-cv", 0.3699, 0, 0, NULL, 0},
    {"double-cv:samples=3", 0.2261, 0, 0, NULL, 0},
    {"straight-through", 4.026, 2.58, 5e-3, NULL, 0},
    {"straight-through:derivative=sigmoid", 0.228, 0.0425, 5e-5, NULL, 0},
    {"straight-through:derivative=clipped", 0, 0, 0, NULL, 0},
    {"slope-annealed:start=2,growth=0", 0, 0, 0, NULL, 0},
    {"half", 0.2778, 0.053, 5e-4, NULL, 0},
    {"reinmax", 0.2778, 0.053, 5e-4, NULL, 0},
    {"reinmax:temperature=1.3", 0, 0, 0, NULL, 0},
    {"st-gumbel", 0.194, 0.215, 5e-4, NULL, 0},
    {"st-gumbel:temperature=0.5", 0.651, 0.065, 5e-4, NULL, 0},
    {"st-gumbel:temperature=0.1", 5.40, 0.043, 5e-4, NULL, 0},
    {"gumbel-rao", 0.2306, 0.065, 5e-4, NULL, 0},
    {"gapped-straight-through", 0.1955, 0.062, 5e-4, NULL, 0},
    {"gapped-straight-through:form=average", 0, 0, 0, NULL, 0},
    {"decoupled-straight-through:forward=1.5", 0, 0, 0, NULL, 0},
    {"concrete", 0.0649, 0.304, 5e-4, NULL, 0},
    {"concrete:temperature=0.5", 0.355, 0.144, 5e-4, NULL, 0},
    {"noisy-rectifier", 0, 0, 0, NULL, 0},
    {"noisy-rectifier:noise=logistic,sd=0.3", 0, 0, 0, NULL, 0},
    {"rectifier", 0, 0, 0, NULL, 0},
    {"sts", 0, 0, 0, NULL, 0},
    {"sigmoid:noise=gaussian", 0, 0, 0, NULL, 0},
    {"semantic-hashing", 0, 0, 0, NULL, 0},
    {"improved-semantic-hashing:mix=0", 0, 0, 0, NULL, 0},
    {"improved-semantic-hashing:mix=1", 0, 0, 0, NULL, 0},
    {"hard-concrete", 0, 0, 0, NULL, 0},
    {"dropout", 0, 0, 0, NULL, 0},
    {"concrete-dropout", 0, 0, 0, NULL, 0},
};

lab_reference lab_reference_of(const char *text) {
    lab_reference known = {NAN, 0.02, NAN, 0, {NAN, NAN, NAN, NAN, NAN}, NAN};
    for (size_t k = 0; k < CLI_COUNT_OF(forms); k++) {
        const struct form *form = &forms[k];
        if (strcmp(form->text, text) != 0) continue;
        if (form->variance > 0) known.variance = form->variance;
        if (form->bias > 0) known.bias = form->bias, known.digit = form->digit;
        if (form->two_hundred > 0) known.two_hundred = form->two_hundred;
        for (size_t i = 0; form->one_bit != NULL && i < LAB_PLACES; i++)
            known.one_bit[i] = form->one_bit(lab_places[i], lab_target);
    }
    return known;
}

static bool add_rule(lab_rule **rules, size_t *count, const char *text, weir_error *error) {
    weir_unit unit;
    if (weir_unit_parse(&unit, text, error) != WEIR_OK) return false;
    lab_rule *grown = realloc(*rules, (*count + 1) * sizeof **rules);
    if (grown == NULL) {
        snprintf(error->text, sizeof error->text, "out of memory");
        return false;
    }
    *rules = grown;
    snprintf(grown[*count].text, LAB_TEXT, "%s", text);
    grown[(*count)++].unit = unit;
    return true;
}

/// A list "a,b:c=1,d=2,e": a piece that is an assignment continues the rule before it.
static int read_list(const char *list, lab_rule **rules, size_t *count) {
    char text[LAB_TEXT] = "";
    weir_error error = {0};
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        for (const char *next = list + length; *next == ','; next = list + length) {
            const size_t piece = strcspn(next + 1, ",");
            const char *equals = memchr(next + 1, '=', piece);
            if (equals == NULL || memchr(next + 1, ':', (size_t)(equals - next - 1)) != NULL) break;
            length += 1 + piece;
        }
        if (length >= LAB_TEXT) return cli_usage("estimate", "a rule of --rules is too long: %.40s…", list);
        snprintf(text, sizeof text, "%.*s", (int)length, list);
        if (!add_rule(rules, count, text, &error)) return cli_usage("estimate", "%s", error.text);
        list += length + (list[length] == ',');
    }
    return *count > 0 ? CLI_OK : cli_usage("estimate", "--rules is empty");
}

static bool in_forms(const weir_rule *rule) {
    for (size_t k = 0; k < CLI_COUNT_OF(forms); k++) {
        const size_t length = strcspn(forms[k].text, ":");
        if (strlen(rule->name) == length && strncmp(rule->name, forms[k].text, length) == 0) return true;
    }
    return false;
}

int lab_rules(const char *list, lab_rule **rules, size_t *count) {
    weir_error error = {0};
    *rules = NULL;
    *count = 0;
    if (list != NULL) return read_list(list, rules, count);
    for (size_t k = 0; k < CLI_COUNT_OF(forms); k++) {
        char name[LAB_TEXT];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(forms[k].text, ":"), forms[k].text);
        if (weir_rule_find(name) == NULL) continue;
        if (!add_rule(rules, count, forms[k].text, &error)) return cli_error("%s", error.text);
    }
    for (size_t k = 0; k < weir_rule_count(); k++) {
        const weir_rule *rule = weir_rule_at(k);
        if (!in_forms(rule) && !add_rule(rules, count, rule->name, &error)) return cli_error("%s", error.text);
    }
    return CLI_OK;
}
