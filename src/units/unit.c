// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Units as text: "NAME" or "NAME:parameter=value,parameter=value". The parameters are those of the rule, draw=DRAW, and
// those of the draw. Numbers have a decimal point in every locale.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/core.h"
#include "draws.h"

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
    const weir_draw *draw = weir_draw_find(word);
    for (size_t i = 0; draw && i < weir_rule_count(); i++)
        if (weir_rule_at(i)->draws && weir_rule_takes(weir_rule_at(i), draw))
            return weir__fail(error, WEIR_NOT_FOUND, "\"%s\" is a draw, not a rule: a rule takes it, as in %s:draw=%s",
                              word, weir_rule_at(i)->name, word);
    return weir__fail(error, WEIR_NOT_FOUND, "unknown rule \"%s\" (the command 'weir units' lists them)%s", word,
                      weir_suggest(word, names, count).text);
}

static const char draw_word[] = "draw";

/// What a unit's text can set: a parameter of the rule or the draw, and its value.
typedef struct place {
    const weir_parameter *parameter; ///< NULL: there is none of that name
    double *value;
} place;

static place find_place(weir_unit *unit, const char *name) {
    const weir_draw *draw = weir_unit_draw(unit);
    for (size_t i = 0; i < unit->rule->parameter_count; i++)
        if (strcmp(unit->rule->parameters[i].name, name) == 0)
            return (place){&unit->rule->parameters[i], &unit->values[i]};
    for (size_t i = 0; i < draw->parameter_count; i++)
        if (strcmp(draw->parameters[i].name, name) == 0) return (place){&draw->parameters[i], &unit->draw_values[i]};
    return (place){NULL, NULL};
}

static weir_status fail_parameter(weir_error *error, const weir_unit *unit, const char *word) {
    const weir_rule *rule = unit->rule;
    const weir_draw *draw = weir_unit_draw(unit);
    const char *names[WEIR_RULE_PARAMETERS + WEIR_DRAW_PARAMETERS + 1];
    size_t count = 0;
    for (size_t i = 0; i < rule->parameter_count; i++) names[count++] = rule->parameters[i].name;
    for (size_t i = 0; i < draw->parameter_count; i++) names[count++] = draw->parameters[i].name;
    if (count == 0)
        return weir__fail(error, WEIR_NOT_FOUND, "unknown parameter \"%s\": rule \"%s\" has none", word, rule->name);
    char what[2 * longest_word];
    snprintf(what, sizeof what, "parameter of rule \"%s\"%s%s", rule->name,
             draw->name && unit->draw ? " with draw " : "", draw->name && unit->draw ? draw->name : "");
    return fail_unknown(error, what, word, names, count);
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

/// The parameters that stand in a text so far: a value is given where its bit is set.
typedef struct given {
    bool rule[WEIR_RULE_PARAMETERS], draw[WEIR_DRAW_PARAMETERS], name;
} given;

/// Whether a parameter was given before; from now on it was.
static bool give(given *seen, const weir_unit *unit, place at) {
    bool *now = !at.parameter ? &seen->name
                : at.value >= unit->values && at.value < unit->values + WEIR_RULE_PARAMETERS
                    ? &seen->rule[at.value - unit->values]
                    : &seen->draw[at.value - unit->draw_values];
    const bool before = *now;
    *now = true;
    return before;
}

/// Reads one "parameter=value". The draw was read before everything else (read_draw).
static weir_status read_parameter(weir_unit *unit, given *seen, const char **text, weir_error *error) {
    const weir_rule *rule = unit->rule;
    char word[longest_word + 1];
    if (!take_word(text, "=,", word)) return fail_parameter(error, unit, word);
    const place at = find_place(unit, word);
    const bool names_draw = strcmp(word, draw_word) == 0;
    if (!at.parameter && !names_draw) return fail_parameter(error, unit, word);
    if (**text != '=') {
        return weir__fail(error, WEIR_ARGUMENT, "%s: %s has no value, expected %s=VALUE", rule->name, word, word);
    }
    if (give(seen, unit, at)) return weir__fail(error, WEIR_ARGUMENT, "%s: %s is given twice", rule->name, word);
    ++*text;
    if (!take_word(text, ",", word)) {
        return weir__fail(error, WEIR_ARGUMENT, "%s: the value of %s is longer than %d characters", rule->name,
                          names_draw ? draw_word : at.parameter->name, longest_word);
    }
    return names_draw ? WEIR_OK : read_value(at.value, rule, at.parameter, word, error);
}

/// The draw that "…,draw=NAME,…" names; NULL when none is named.
static weir_status read_draw(const weir_draw **draw, const char *parameters, weir_error *error) {
    *draw = NULL;
    for (const char *at = parameters; at; at = strchr(at, ','), at = at ? at + 1 : NULL) {
        char word[longest_word + 1];
        const char *value = at;
        if (!take_word(&value, "=,", word) || strcmp(word, draw_word) != 0 || *value != '=') continue;
        value++;
        take_word(&value, ",", word);
        *draw = weir_draw_find(word);
        if (*draw) return WEIR_OK;
        const char *names[most_names];
        size_t count = 0;
        for (; count < weir_draw_count() && count < most_names; count++) names[count] = weir_draw_at(count)->name;
        return fail_unknown(error, "draw", word, names, count);
    }
    return WEIR_OK;
}

/// The rule is there, but not for that draw.
static weir_status fail_takes(weir_error *error, const weir_rule *rule, const weir_draw *draw,
                              const weir_rule *const *rules, size_t rule_count) {
    char list[list_size] = "";
    for (size_t i = 0, used = 0; i < weir_draw_count() && used < sizeof list; i++) {
        bool takes = false;
        for (size_t r = 0; r < rule_count; r++)
            takes = takes || (strcmp(rules[r]->name, rule->name) == 0 && weir_rule_takes(rules[r], weir_draw_at(i)));
        takes = takes || weir_rule_takes(rule, weir_draw_at(i));
        if (!takes) continue;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", weir_draw_at(i)->name);
    }
    return weir__fail(error, WEIR_UNSUPPORTED, "%s is not defined for draw=%s (it is for %s)", rule->name, draw->name,
                      list[0] ? list : "its own draw alone");
}

static weir_status read_unit(weir_unit *unit, const weir_rule *rule, const weir_draw *draw, const char *parameters,
                             weir_error *error) {
    weir_unit read = {.rule = rule, .draw = draw};
    const weir_draw *drawn = weir_unit_draw(&read);
    given seen = {.name = false};
    for (size_t i = 0; i < rule->parameter_count; i++) read.values[i] = rule->parameters[i].initial;
    for (size_t i = 0; i < drawn->parameter_count; i++) read.draw_values[i] = drawn->parameters[i].initial;
    while (parameters) {
        const weir_status status = read_parameter(&read, &seen, &parameters, error);
        if (status != WEIR_OK) return status;
        parameters = *parameters ? parameters + 1 : NULL; // beyond the comma
    }
    weir_status status = weir__draw_check(&read, error);
    if (status == WEIR_OK && rule->check) status = rule->check(&read, error);
    if (status == WEIR_OK) *unit = read;
    return status;
}

weir_status weir__unit_read(weir_unit *unit, const weir_rule *rule, const char *parameters, weir_error *error) {
    const weir_draw *draw;
    const weir_status status = read_draw(&draw, parameters, error);
    if (status != WEIR_OK) return status;
    if (draw && !weir_rule_takes(rule, draw)) return fail_takes(error, rule, draw, NULL, 0);
    return read_unit(unit, rule, draw, parameters, error);
}

/// The first rule of that name, and of those the first that takes the draw (NULL: any).
static const weir_rule *choose(const weir_rule *const *rules, size_t count, const char *name, const weir_draw *draw,
                               const weir_rule **first) {
    *first = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rules[i]->name, name) != 0) continue;
        if (!*first) *first = rules[i];
        if (!draw || weir_rule_takes(rules[i], draw)) return rules[i];
    }
    return NULL;
}

weir_status weir_unit_parse_among(weir_unit *unit, const char *text, const weir_rule *const *rules, size_t count,
                                  weir_error *error) {
    if (!unit || !text) return weir__fail(error, WEIR_ARGUMENT, "weir_unit_parse: unit and text must not be NULL");
    char name[longest_word + 1];
    take_word(&text, ":", name);
    const char *parameters = *text ? text + 1 : NULL;
    const weir_rule *first, *all[most_names];
    const weir_draw *draw;
    const weir_status status = read_draw(&draw, parameters, error);
    size_t all_count = 0;
    for (; all_count < most_names && all_count < weir_rule_count(); all_count++)
        all[all_count] = weir_rule_at(all_count);
    const weir_rule *rule = choose(rules, count, name, draw, &first);
    if (first) all_count = 0; // the caller's own hide those of the library
    if (!first) rule = choose(all, all_count, name, draw, &first);
    if (!first) return fail_rule(error, name, rules, count);
    if (status != WEIR_OK) return status;
    if (!rule) return fail_takes(error, first, draw, all, all_count);
    return read_unit(unit, rule, draw, parameters, error);
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

typedef struct pairs {
    writer out;
    const char *separator;
} pairs;

/// Those that have another value than the default.
static void write_parameters(pairs *p, const weir_parameter *parameters, size_t count, const double *values) {
    for (size_t i = 0; i < count; i++) {
        if (values[i] == parameters[i].initial) continue;
        write_string(&p->out, p->separator);
        write_string(&p->out, parameters[i].name);
        write_string(&p->out, "=");
        if (parameters[i].choices)
            write_choice(&p->out, parameters[i].choices, (int)values[i]);
        else
            write_number(&p->out, values[i]);
        p->separator = ",";
    }
}

/// Whether the text must name the draw: it is not the one that the name alone stands for.
static bool names_draw(const weir_unit *unit) {
    const weir_rule *first = weir_rule_find(unit->rule->name);
    const weir_unit plain = {.rule = first && unit->rule != first && weir__in_table(unit->rule) ? first : unit->rule};
    return weir_unit_draw(unit) != weir_unit_draw(&plain);
}

size_t weir_unit_print(const weir_unit *unit, char *text, size_t size) {
    pairs p = {.out = {.text = text, .size = size}, .separator = ":"};
    const weir_draw *draw = weir_unit_draw(unit);
    write_string(&p.out, unit->rule->name);
    write_parameters(&p, unit->rule->parameters, unit->rule->parameter_count, unit->values);
    if (names_draw(unit)) {
        write_string(&p.out, p.separator);
        write_string(&p.out, draw_word);
        write_string(&p.out, "=");
        write_string(&p.out, draw->name);
        p.separator = ",";
    }
    write_parameters(&p, draw->parameters, draw->parameter_count, unit->draw_values);
    const size_t length = p.out.length;
    if (size) text[length < size ? length : size - 1] = 0;
    return length;
}

double weir_unit_value(const weir_unit *unit, const char *parameter) {
    weir_unit copy = *unit;
    const place at = parameter ? find_place(&copy, parameter) : (place){NULL, NULL};
    return at.parameter ? *at.value : NAN;
}
