// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Values of described fields: texts to typed values and back, defaults, checks, copies.

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"

enum { names_most = 64, text_most = 160 };

const weir__interval weir__any_number = {-HUGE_VAL, HUGE_VAL, true, true, "a number"};
const weir__interval weir__positive = {0, HUGE_VAL, true, true, "a number > 0"};
const weir__interval weir__not_negative = {0, HUGE_VAL, false, true, "a number >= 0"};
const weir__interval weir__factor = {1, HUGE_VAL, false, true, "a number >= 1"};
const weir__interval weir__inside_one = {0, 1, true, true, "a number in (0, 1)"};
const weir__interval weir__below_one = {0, 1, false, true, "a number in [0, 1)"};
const weir__interval weir__up_to_one = {0, 1, true, false, "a number in (0, 1]"};
const weir__interval weir__probability = {0, 1, false, false, "a number in [0, 1]"};
const weir__interval weir__size_from_0 = {0, WEIR__INTEGER_MOST, false, false, "a whole number from 0 to 4294967295"};
const weir__interval weir__size_from_1 = {1, WEIR__INTEGER_MOST, false, false, "a whole number from 1 to 4294967295"};
const weir__interval weir__size_from_2 = {2, WEIR__INTEGER_MOST, false, false, "a whole number from 2 to 4294967295"};

// ---- descriptions --------------------------------------------------------------------------------------------------

const char *weir__field_key(const weir__field *field) {
    const char *dot = strrchr(field->path, '.');
    return dot ? dot + 1 : field->path;
}

bool weir__field_is_value(const weir__field *field) { return field->type >= WEIR__TEXT; }

const char *weir__field_expects(const weir__field *field) {
    if (field->choices) return field->choices;
    if (field->range) return field->range->text;
    if (field->type == WEIR__SEED) return "a whole number";
    if (field->type == WEIR__FLAG) return "true or false";
    return field->expects ? field->expects : "text";
}

const weir__field *weir__field_find(const weir__fields *fields, const char *path) {
    for (size_t i = 0; i < fields->count; i++) {
        if (!strcmp(fields->at[i].path, path)) return &fields->at[i];
    }
    return NULL;
}

static bool is_text(const weir__field *field) { return field->type == WEIR__TEXT || field->type == WEIR__CHOICE; }

static size_t size_of(const weir__field *field) {
    switch (field->type) {
    case WEIR__SIZE:
        return sizeof(size_t);
    case WEIR__SEED:
        return sizeof(uint64_t);
    case WEIR__INTEGER:
        return sizeof(int);
    case WEIR__NUMBER:
        return sizeof(double);
    case WEIR__FLAG:
        return sizeof(bool);
    case WEIR__TEXT:
    case WEIR__CHOICE:
        return sizeof(const char *);
    case WEIR__SECTION:
    case WEIR__LIST:
        break;
    }
    return 0;
}

static void *place_of(const weir__field *field, void *object) { return (char *)object + field->offset; }
static const void *value_of(const weir__field *field, const void *object) {
    return (const char *)object + field->offset;
}

// ---- reading -------------------------------------------------------------------------------------------------------

static bool consists_of(const char *text, const char *letters) { return *text && text[strspn(text, letters)] == 0; }

static bool within(const weir__interval *range, double value) {
    return (range->without_least ? value > range->least : value >= range->least) &&
           (range->without_greatest ? value < range->greatest : value <= range->greatest);
}

static weir_status fail_expected(weir_error *error, const char *expected, const char *found) {
    return weir__fail(error, WEIR_CONFIG, "expected %s, found '%.60s'", expected, found);
}

static weir_status set_number(const weir__field *field, void *place, const char *text, weir_error *error) {
    double value = 0;
    if (!weir__number_read(text, &value) || !isfinite(value) || !within(field->range, value)) {
        return fail_expected(error, field->range->text, text);
    }
    *(double *)place = value;
    return WEIR_OK;
}

// Whole numbers of a range; the range's ends are exact in double.
static weir_status set_whole(const weir__field *field, void *place, const char *text, weir_error *error) {
    errno = 0;
    const long long value = consists_of(text, "0123456789-") ? strtoll(text, NULL, 10) : 0;
    char again[WEIR__NUMBER_ROOM];
    snprintf(again, sizeof again, "%lld", value);
    const char *digits = text;
    while (digits[0] == '0' && digits[1]) digits++; // leading zeros are fine
    if (errno || strcmp(again, digits) || !within(field->range, (double)value)) {
        return fail_expected(error, field->range->text, text);
    }
    if (field->type == WEIR__SIZE) {
        *(size_t *)place = (size_t)value;
    } else {
        *(int *)place = (int)value;
    }
    return WEIR_OK;
}

static weir_status set_seed(void *place, const char *text, weir_error *error) {
    errno = 0;
    const unsigned long long value = consists_of(text, "0123456789") ? strtoull(text, NULL, 10) : 0;
    if (errno || !consists_of(text, "0123456789") || value > UINT64_MAX) {
        return fail_expected(error, "a whole number from 0 to 18446744073709551615", text);
    }
    *(uint64_t *)place = value;
    return WEIR_OK;
}

static weir_status set_flag(void *place, const char *text, weir_error *error) {
    const bool yes = !strcmp(text, "true") || !strcmp(text, "yes") || !strcmp(text, "on") || !strcmp(text, "1");
    const bool no = !strcmp(text, "false") || !strcmp(text, "no") || !strcmp(text, "off") || !strcmp(text, "0");
    if (!yes && !no) return fail_expected(error, "true or false", text);
    *(bool *)place = yes;
    return WEIR_OK;
}

static weir_status set_text(void *place, const char *text, weir__arena *arena, weir_error *error) {
    const char *copy = weir__arena_copy(arena, text, strlen(text));
    if (!copy) return weir__fail(error, WEIR_MEMORY, "out of memory: a configuration");
    *(const char **)place = copy;
    return WEIR_OK;
}

weir_status weir__fail_choice(weir_error *error, const char *const *names, size_t count, const char *found) {
    char list[320];
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof list; i++) {
        const int more = snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
        if (more > 0) used += (size_t)more;
    }
    return weir__fail(error, WEIR_CONFIG, "expected one of %s, found '%.60s'%s", list, found,
                      weir_suggest(found, names, count).text);
}

// The choices "a|b|c", taken apart in a copy.
static size_t split_choices(const weir__field *field, char copy[text_most], const char *names[names_most]) {
    size_t count = 0;
    snprintf(copy, text_most, "%s", field->choices);
    for (char *rest = NULL, *name = strtok_r(copy, "|", &rest); name; name = strtok_r(NULL, "|", &rest)) {
        if (count < names_most) names[count++] = name;
    }
    return count;
}

static weir_status set_choice(const weir__field *field, void *place, const char *text, weir__arena *arena,
                              weir_error *error) {
    char copy[text_most];
    const char *names[names_most];
    const size_t count = split_choices(field, copy, names);
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(names[i], text)) return set_text(place, text, arena, error);
    }
    return weir__fail_choice(error, names, count, text);
}

// A text with demands of its own.
static weir_status set_checked(const weir__field *field, void *place, const char *text, weir__arena *arena,
                               weir_error *error) {
    const weir_status status = field->check ? field->check(text, error) : WEIR_OK;
    return status == WEIR_OK ? set_text(place, text, arena, error) : status;
}

weir_status weir__field_set(const weir__field *field, void *object, const char *text, weir__arena *arena,
                            weir_error *error) {
    void *place = place_of(field, object);
    switch (field->type) {
    case WEIR__TEXT:
        return set_checked(field, place, text, arena, error);
    case WEIR__CHOICE:
        return set_choice(field, place, text, arena, error);
    case WEIR__SIZE:
    case WEIR__INTEGER:
        return set_whole(field, place, text, error);
    case WEIR__SEED:
        return set_seed(place, text, error);
    case WEIR__NUMBER:
        return set_number(field, place, text, error);
    case WEIR__FLAG:
        return set_flag(place, text, error);
    case WEIR__SECTION:
    case WEIR__LIST:
        break;
    }
    return weir__fail(error, WEIR_CONFIG, "holds other settings and has no value of its own");
}

// ---- printing ------------------------------------------------------------------------------------------------------

const char *weir__field_text(const weir__field *field, const void *object, char number[WEIR__NUMBER_ROOM]) {
    const void *value = value_of(field, object);
    number[0] = 0;
    switch (field->type) {
    case WEIR__SIZE:
        snprintf(number, WEIR__NUMBER_ROOM, "%zu", *(const size_t *)value);
        break;
    case WEIR__INTEGER:
        snprintf(number, WEIR__NUMBER_ROOM, "%d", *(const int *)value);
        break;
    case WEIR__SEED:
        snprintf(number, WEIR__NUMBER_ROOM, "%" PRIu64, *(const uint64_t *)value);
        break;
    case WEIR__NUMBER:
        weir__number_print(number, WEIR__NUMBER_ROOM, *(const double *)value);
        break;
    case WEIR__FLAG:
        return *(const bool *)value ? "true" : "false";
    default:
        return *(const char *const *)value;
    }
    return number;
}

bool weir__field_is_said(const weir__field *field, const void *object) {
    const void *value = value_of(field, object);
    switch (field->type) {
    case WEIR__SIZE:
        return *(const size_t *)value != 0;
    case WEIR__INTEGER:
        return *(const int *)value != 0;
    case WEIR__SEED:
        return *(const uint64_t *)value != 0;
    case WEIR__NUMBER:
        return *(const double *)value != 0;
    case WEIR__FLAG:
        return *(const bool *)value;
    default: {
        const char *text = *(const char *const *)value;
        return text && *text;
    }
    }
}

bool weir__field_is_initial(const weir__field *field, const void *object) {
    char number[WEIR__NUMBER_ROOM];
    if (!field->initial || !*field->initial) return !weir__field_is_said(field, object);
    const char *text = weir__field_text(field, object, number);
    if (field->type != WEIR__NUMBER) return text && !strcmp(text, field->initial);
    double initial = 0;
    return weir__number_read(field->initial, &initial) && *(const double *)value_of(field, object) == initial;
}

// ---- whole structs -------------------------------------------------------------------------------------------------

void weir__field_reset(const weir__field *field, void *object) {
    memset(place_of(field, object), 0, size_of(field));
    if (is_text(field)) {
        *(const char **)place_of(field, object) = field->initial;
    } else if (field->initial) {
        (void)weir__field_set(field, object, field->initial, NULL, NULL); // tables hold no value that cannot be read
    }
}

void weir__fields_initial(const weir__fields *fields, void *object) {
    for (size_t i = 0; i < fields->count; i++) {
        if (weir__field_is_value(&fields->at[i])) weir__field_reset(&fields->at[i], object);
    }
}

weir_status weir__field_check(const weir__field *field, const void *object, weir_error *error) {
    char number[WEIR__NUMBER_ROOM];
    const void *value = value_of(field, object);
    const char *text = weir__field_text(field, object, number);
    switch (field->type) {
    case WEIR__SIZE:
        if (within(field->range, (double)*(const size_t *)value)) return WEIR_OK;
        break;
    case WEIR__INTEGER:
        if (within(field->range, *(const int *)value)) return WEIR_OK;
        break;
    case WEIR__NUMBER:
        if (isfinite(*(const double *)value) && within(field->range, *(const double *)value)) return WEIR_OK;
        break;
    case WEIR__CHOICE: {
        const char *names[names_most];
        char copy[text_most];
        const size_t count = split_choices(field, copy, names);
        for (size_t i = 0; text && i < count; i++) {
            if (!strcmp(names[i], text)) return WEIR_OK;
        }
        return weir__fail_choice(error, names, count, text ? text : "");
    }
    case WEIR__TEXT:
        return field->check && text ? field->check(text, error) : WEIR_OK;
    default:
        return WEIR_OK;
    }
    return fail_expected(error, field->range->text, text);
}

weir_status weir__fields_copy(const weir__fields *fields, void *to, const void *from, weir_error *error) {
    for (size_t i = 0; i < fields->count; i++) {
        const weir__field *field = &fields->at[i];
        if (!is_text(field)) memcpy(place_of(field, to), value_of(field, from), size_of(field));
        if (is_text(field)) *(const char **)place_of(field, to) = NULL;
    }
    for (size_t i = 0; i < fields->count; i++) {
        const weir__field *field = &fields->at[i];
        if (!is_text(field) || !weir__field_is_said(field, from)) continue;
        const char *copy = weir__copy_string(*(const char *const *)value_of(field, from));
        *(const char **)place_of(field, to) = copy;
        if (!copy) return weir__fail(error, WEIR_MEMORY, "out of memory: a description");
    }
    return WEIR_OK;
}

void weir__fields_free(const weir__fields *fields, void *object) {
    for (size_t i = 0; i < fields->count; i++) {
        const weir__field *field = &fields->at[i];
        if (!is_text(field)) continue;
        const char **text = place_of(field, object);
        weir__free((void *)(uintptr_t)*text);
        *text = NULL;
    }
}
