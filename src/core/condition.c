// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Conditions over described fields: when a field has an effect, when it changes numbers.

#include <string.h>

#include "field.h"

enum { term_most = 160 };

static bool is_fact(const char *word, const char *const *facts) {
    for (; facts && *facts; facts++) {
        if (!strcmp(*facts, word)) return true;
    }
    return false;
}

// "a|b" holds text.
static bool is_one_of(const char *choices, const char *text) {
    const size_t length = strlen(text);
    for (;;) {
        const size_t choice = strcspn(choices, "|");
        if (choice == length && !strncmp(choices, text, length)) return true;
        if (!choices[choice]) return false;
        choices += choice + 1;
    }
}

static bool term_holds(char *term, const weir__described *structs, const char *const *facts) {
    char number[WEIR__NUMBER_ROOM];
    double value = 0, least = 0;
    char *operand = term + strcspn(term, "=>");
    const char sign = *operand;
    const weir__field *field = NULL;
    if (sign) *operand++ = 0;
    for (; structs->fields && !field; structs += !field) field = weir__field_find(structs->fields, term);
    if (!field) return is_fact(term, facts);
    if (!sign) return weir__field_is_said(field, structs->object);
    const char *text = weir__field_text(field, structs->object, number);
    if (sign == '=') return is_one_of(operand, text ? text : "");
    return text && weir__number_read(text, &value) && weir__number_read(operand, &least) && value > least;
}

// The part of *text up to a word, or to the end, in term; moves *text behind it.
static bool next_part(const char **text, const char *word, char term[term_most]) {
    if (!*text) return false;
    const char *end = strstr(*text, word);
    snprintf(term, term_most, "%.*s", end ? (int)(end - *text) : term_most, *text);
    *text = end ? end + strlen(word) : NULL;
    return true;
}

bool weir__condition_holds(const char *condition, const weir__described *structs, const char *const *facts) {
    char terms[term_most], term[term_most];
    if (!*condition) return true;
    while (next_part(&condition, " or ", terms)) {
        bool all = true;
        for (const char *rest = terms; next_part(&rest, " and ", term);) all = all && term_holds(term, structs, facts);
        if (all) return true;
    }
    return false;
}
