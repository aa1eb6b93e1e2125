// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Units as text: "NAME" or "NAME:parameter=value,parameter=value". Numbers have a decimal point in every locale.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/core.h"
#include "rules.h"

enum { longest_word = 63, most_names = 128, list_size = 320 };

/// The piece of *text up to one of the stops, or to the end, copied to word; moves *text to the stop. False when it
/// does not fit.
static bool take_word(const char **text, const char *stops, char word[longest_word + 1]) {
    const size_t length = strcspn(*text, stops);
    const size_t kept = length < longest_word ? length : longest_word;
    memcpy(word, *text, kept);
    word[kept] = 0;
    *text += length;
    return length <= longest_word;
}

/// Fails with what is wrong, the nearest name if one is near, and all names.
static weir_status fail_unknown(weir_error *error, const char *what, const char *word, const char *const *names,
                                size_t count) {
    char list[list_size] = "";
    for (size_t i = 0, used = 0; i < count && used < sizeof list; i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    return weir__fail(error, WEIR_NOT_FOUND, "unknown %s \"%s\" (there are %s)%s", what, word, list,
                      weir_suggest(word, names, count).text);
}

/// There are too many rules for one message.
static weir_status fail_rule(weir_error *error, const char *word, const weir_rule *const *own, size_t own_count) {
    const char *names[most_names];
    size_t count = 0;
    for (size_t i = 0; i < own_count && count < most_names; i++) names[count++] = own[i]->name;
    for (size_t i = 0; i < weir_rule_count() && count < most_names; i++) names[count++] = weir_rule_at(i)->name;
    return weir__fail(error, WEIR_NOT_FOUND, "unknown rule \"%s\" (the command 'weir units' lists them)%s", word,
                      weir_suggest(word, names, count).text);
}

static weir_status fail_parameter(weir_error *error, const weir_rule *rule, const char *word) {
    if (rule->parameter_count == 0) {
        return weir__fail(error, WEIR_NOT_FOUND, "unknown parameter \"%s\": rule \"%s\" has none", word, rule->name);
    }
    const char *names[WEIR_RULE_PARAMETERS];
    for (size_t i = 0; i < rule->parameter_count; i++) names[i] = rule->parameters[i].name;
    char what[longest_word + 32];
    snprintf(what, sizeof what, "parameter of rule \"%s\"", rule->name);
    return fail_unknown(error, what, word, names, rule->parameter_count);
}

static size_t find_parameter(const weir_rule *rule, const char *name) {
    size_t i = 0;
    while (i < rule->parameter_count && strcmp(rule->parameters[i].name, name) != 0) i++;
    return i;
}

/// Index of a word in "none|gaussian|beta", or −1.
static int find_choice(const char *choices, const char *word) {
    for (int index = 0;; index++) {
        char choice[longest_word + 1];
        take_word(&choices, "|", choice);
        if (strcmp(choice, word) == 0) return index;
        if (*choices++ == 0) return -1;
    }
}

/// A number that fills the whole word; NaN otherwise.
static double number_of(const char *word) {
    double value = 0;
    return weir__number_read(word, &value) ? value : NAN;
}

static weir_status read_value(double *value, const weir_rule *rule, const weir_parameter *parameter, const char *word,
                              weir_error *error) {
    if (parameter->choices) {
        const int index = find_choice(parameter->choices, word);
        if (index < 0) {
            return weir__fail(error, WEIR_ARGUMENT, "%s: \"%s\" is no value of %s, expected one of %s", rule->name,
                              word, parameter->name, parameter->choices);
        }
        *value = index;
        return WEIR_OK;
    }
    const double number = number_of(word);
    if (!(number >= parameter->least && number <= parameter->greatest)) {
        return weir__fail(error, WEIR_ARGUMENT, "%s: %s=%s, expected a number from %g to %g", rule->name,
                          parameter->name, word, parameter->least, parameter->greatest);
    }
    *value = number;
    return WEIR_OK;
}

/// Reads one "parameter=value"; given tells which ones there were before.
static weir_status read_parameter(weir_unit *unit, bool given[], const char **text, weir_error *error) {
    const weir_rule *rule = unit->rule;
    char word[longest_word + 1];
    if (!take_word(text, "=,", word)) return fail_parameter(error, rule, word);
    const size_t index = find_parameter(rule, word);
    if (index == rule->parameter_count) return fail_parameter(error, rule, word);
    if (**text != '=') {
        return weir__fail(error, WEIR_ARGUMENT, "%s: %s has no value, expected %s=VALUE", rule->name, word, word);
    }
    if (given[index]) return weir__fail(error, WEIR_ARGUMENT, "%s: %s is given twice", rule->name, word);
    given[index] = true;
    ++*text;
    const weir_parameter *parameter = &rule->parameters[index];
    if (!take_word(text, ",", word)) {
        return weir__fail(error, WEIR_ARGUMENT, "%s: the value of %s is longer than %d characters", rule->name,
                          parameter->name, longest_word);
    }
    return read_value(&unit->values[index], rule, parameter, word, error);
}

weir_status weir__unit_read(weir_unit *unit, const weir_rule *rule, const char *parameters, weir_error *error) {
    weir_unit read = {.rule = rule};
    bool given[WEIR_RULE_PARAMETERS] = {false};
    for (size_t i = 0; i < rule->parameter_count; i++) read.values[i] = rule->parameters[i].initial;
    while (parameters) {
        const weir_status status = read_parameter(&read, given, &parameters, error);
        if (status != WEIR_OK) return status;
        parameters = *parameters ? parameters + 1 : NULL; // beyond the comma
    }
    *unit = read;
    return WEIR_OK;
}

weir_status weir_unit_parse_among(weir_unit *unit, const char *text, const weir_rule *const *rules, size_t count,
                                  weir_error *error) {
    if (!unit || !text) return weir__fail(error, WEIR_ARGUMENT, "weir_unit_parse: unit and text must not be NULL");
    char name[longest_word + 1];
    take_word(&text, ":", name);
    const weir_rule *rule = NULL;
    for (size_t i = 0; !rule && i < count; i++) {
        if (strcmp(rules[i]->name, name) == 0) rule = rules[i];
    }
    if (!rule) rule = weir_rule_find(name);
    if (!rule) return fail_rule(error, name, rules, count);
    return weir__unit_read(unit, rule, *text ? text + 1 : NULL, error);
}

weir_status weir_unit_parse(weir_unit *unit, const char *text, weir_error *error) {
    return weir_unit_parse_among(unit, text, NULL, 0, error);
}

/// Text that grows behind a buffer of fixed size: length counts what did not fit, too.
typedef struct writer {
    char *text;
    size_t size, length;
} writer;

static void write_word(writer *out, const char *word, size_t length) {
    for (size_t i = 0; i < length; i++, out->length++) {
        if (out->length + 1 < out->size) out->text[out->length] = word[i];
    }
}

static void write_string(writer *out, const char *word) { write_word(out, word, strlen(word)); }

static void write_choice(writer *out, const char *choices, int index) {
    for (; index > 0; index--) choices += strcspn(choices, "|") + 1;
    write_word(out, choices, strcspn(choices, "|"));
}

/// As many digits as it takes to read back as the same number.
static void write_number(writer *out, double value) {
    char word[40];
    weir__number_print(word, sizeof word, value);
    write_string(out, word);
}

size_t weir_unit_print(const weir_unit *unit, char *text, size_t size) {
    writer out = {.text = text, .size = size};
    write_string(&out, unit->rule->name);
    const char *separator = ":";
    for (size_t i = 0; i < unit->rule->parameter_count; i++) {
        const weir_parameter *parameter = &unit->rule->parameters[i];
        if (unit->values[i] == parameter->initial) continue;
        write_string(&out, separator);
        write_string(&out, parameter->name);
        write_string(&out, "=");
        if (parameter->choices)
            write_choice(&out, parameter->choices, (int)unit->values[i]);
        else
            write_number(&out, unit->values[i]);
        separator = ",";
    }
    if (size) text[out.length < size ? out.length : size - 1] = 0;
    return out.length;
}

double weir_unit_value(const weir_unit *unit, const char *parameter) {
    if (!parameter) return NAN;
    const size_t index = find_parameter(unit->rule, parameter);
    return index < unit->rule->parameter_count ? unit->values[index] : NAN;
}
