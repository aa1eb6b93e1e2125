// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Texts to typed values and back. Numbers are read and written as in the C locale, whatever the program's own is, and
// with as many digits as give the same number again.

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../core/core.h"
#include "settings.h"

enum { number_room = 40, names_most = 64 };

static bool consists_of(const char *text, const char *letters) { return *text && text[strspn(text, letters)] == 0; }

static bool within(const weir__range *range, double value) {
    return (range->without_least ? value > range->least : value >= range->least) &&
           (range->without_greatest ? value < range->greatest : value <= range->greatest);
}

static weir_status fail_expected(weir_error *error, const char *expected, const char *found) {
    return weir__fail(error, WEIR_CONFIG, "expected %s, found '%.60s'", expected, found);
}

static bool read_double(const char *text, double *value) {
    if (!consists_of(text, "0123456789+-.eE")) return false; // no nan, inf, hexadecimal or spaces
    char *end = NULL;
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t former = uselocale(plain);
    *value = strtod(text, &end);
    uselocale(former);
    if (plain) freelocale(plain);
    return *end == 0 && isfinite(*value);
}

static void print_double(char *text, size_t size, double value) {
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t former = uselocale(plain);
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    uselocale(former);
    if (plain) freelocale(plain);
}

static weir_status set_number(const weir__setting *setting, void *field, const char *text, weir_error *error) {
    double value = 0;
    if (!read_double(text, &value) || !within(setting->range, value)) {
        return fail_expected(error, setting->range->text, text);
    }
    *(double *)field = value;
    return WEIR_OK;
}

// Whole numbers of a range; the range's ends are exact in double.
static weir_status set_whole(const weir__setting *setting, void *field, const char *text, weir_error *error) {
    errno = 0;
    const long long value = consists_of(text, "0123456789-") ? strtoll(text, NULL, 10) : 0;
    char again[number_room];
    snprintf(again, sizeof again, "%lld", value);
    const char *digits = text;
    while (digits[0] == '0' && digits[1]) digits++; // leading zeros are fine
    if (errno || strcmp(again, digits) || !within(setting->range, (double)value)) {
        return fail_expected(error, setting->range->text, text);
    }
    if (setting->type == WEIR__SIZE) {
        *(size_t *)field = (size_t)value;
    } else {
        *(int *)field = (int)value;
    }
    return WEIR_OK;
}

static weir_status set_seed(void *field, const char *text, weir_error *error) {
    errno = 0;
    const unsigned long long value = consists_of(text, "0123456789") ? strtoull(text, NULL, 10) : 0;
    if (errno || !consists_of(text, "0123456789") || value > UINT64_MAX) {
        return fail_expected(error, "a whole number from 0 to 18446744073709551615", text);
    }
    *(uint64_t *)field = value;
    return WEIR_OK;
}

static weir_status set_flag(void *field, const char *text, weir_error *error) {
    const bool yes = !strcmp(text, "true") || !strcmp(text, "yes") || !strcmp(text, "on") || !strcmp(text, "1");
    const bool no = !strcmp(text, "false") || !strcmp(text, "no") || !strcmp(text, "off") || !strcmp(text, "0");
    if (!yes && !no) return fail_expected(error, "true or false", text);
    *(bool *)field = yes;
    return WEIR_OK;
}

static weir_status set_text(void *field, const char *text, weir__arena *arena, weir_error *error) {
    const char *copy = weir__arena_copy(arena, text, strlen(text));
    if (!copy) return weir__fail(error, WEIR_MEMORY, "out of memory: a configuration");
    *(const char **)field = copy;
    return WEIR_OK;
}

static weir_status fail_choice(weir_error *error, const char *const *names, size_t count, const char *found) {
    char list[320];
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof list; i++) {
        const int more = snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
        if (more > 0) used += (size_t)more;
    }
    return weir__fail(error, WEIR_CONFIG, "expected one of %s, found '%.60s'%s", list, found,
                      weir_suggest(found, names, count).text);
}

// Choices "a|b|c", taken apart in a copy.
static weir_status set_choice(const weir__setting *setting, void *field, const char *text, weir__arena *arena,
                              weir_error *error) {
    char copy[128];
    const char *names[names_most];
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", setting->choices);
    for (char *rest = NULL, *name = strtok_r(copy, "|", &rest); name; name = strtok_r(NULL, "|", &rest)) {
        if (!strcmp(name, text)) return set_text(field, text, arena, error);
        if (count < names_most) names[count++] = name;
    }
    return fail_choice(error, names, count, text);
}

static weir_status set_kind(void *field, const char *text, weir__arena *arena, weir_error *error) {
    const char *names[names_most];
    size_t count = 0;
    if (weir_kind_find(text)) return set_text(field, text, arena, error);
    for (const weir_kind *kind; count < names_most && (kind = weir_kind_at(count)); count++) names[count] = kind->name;
    return fail_choice(error, names, count, text);
}

weir_status weir__rule_check(const char *text, weir_error *error) {
    weir_unit unit;
    if (weir_unit_parse(&unit, text, error) == WEIR_OK) return WEIR_OK;
    if (error) error->status = WEIR_CONFIG;
    return WEIR_CONFIG;
}

static weir_status set_rule(void *field, const char *text, weir__arena *arena, weir_error *error) {
    const weir_status status = weir__rule_check(text, error);
    return status == WEIR_OK ? set_text(field, text, arena, error) : status;
}

static weir_status set_name(void *field, const char *text, weir__arena *arena, weir_error *error) {
    if (!*text || text[strcspn(text, ".= \t\r\n")]) {
        return fail_expected(error, "a name without dots, equal signs and spaces", text);
    }
    return set_text(field, text, arena, error);
}

weir_status weir__setting_set(const weir__setting *setting, void *object, const char *text, weir__arena *arena,
                              weir_error *error) {
    void *field = (char *)object + setting->offset;
    switch (setting->type) {
    case WEIR__TEXT:
        return set_text(field, text, arena, error);
    case WEIR__CHOICE:
        return set_choice(setting, field, text, arena, error);
    case WEIR__KIND:
        return set_kind(field, text, arena, error);
    case WEIR__RULE:
        return set_rule(field, text, arena, error);
    case WEIR__NAME:
        return set_name(field, text, arena, error);
    case WEIR__SIZE:
    case WEIR__INTEGER:
        return set_whole(setting, field, text, error);
    case WEIR__SEED:
        return set_seed(field, text, error);
    case WEIR__NUMBER:
        return set_number(setting, field, text, error);
    case WEIR__FLAG:
        return set_flag(field, text, error);
    case WEIR__SECTION:
    case WEIR__NODES:
    case WEIR__VARIANTS:
        break;
    }
    return weir__fail(error, WEIR_CONFIG, "holds other settings and has no value of its own");
}

weir_status weir__setting_print(const weir__setting *setting, const void *object, bool zero_is_unsaid,
                                weir__arena *arena, char **text, weir_error *error) {
    const void *field = (const char *)object + setting->offset;
    char number[number_room] = "";
    const char *source = number;
    bool zero = false;
    *text = NULL;
    switch (setting->type) {
    case WEIR__SIZE:
        zero = *(const size_t *)field == 0;
        snprintf(number, sizeof number, "%zu", *(const size_t *)field);
        break;
    case WEIR__INTEGER:
        zero = *(const int *)field == 0;
        snprintf(number, sizeof number, "%d", *(const int *)field);
        break;
    case WEIR__SEED:
        snprintf(number, sizeof number, "%" PRIu64, *(const uint64_t *)field);
        break;
    case WEIR__NUMBER:
        zero = *(const double *)field == 0;
        print_double(number, sizeof number, *(const double *)field);
        break;
    case WEIR__FLAG:
        source = *(const bool *)field ? "true" : "false";
        break;
    default:
        source = *(const char *const *)field;
        break;
    }
    if (!source || (zero && zero_is_unsaid)) return WEIR_OK;
    *text = weir__arena_copy(arena, source, strlen(source));
    return *text ? WEIR_OK : weir__fail(error, WEIR_MEMORY, "out of memory: a configuration");
}
