// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include <string.h>

#include "texts.h"

enum { lists = WEIR_NAMED_LABEL + 1 };

struct weir_names {
    weir__texts lists[lists];
};

weir_status weir_names_create(weir_names **names, weir_error *error) {
    return weir__new(names, 1, sizeof **names, "names", error);
}

weir_status weir_names_set(weir_names *names, weir_named list, const char *const *items, size_t count,
                           weir_error *error) {
    weir_status status = WEIR_OK;
    weir__texts fresh = {0};
    TRY_THAT((unsigned)list < lists, WEIR_ARGUMENT, "no list of names %d", (int)list);
    TRY_THAT(list != WEIR_NAMED_LABEL || count <= 1, WEIR_ARGUMENT, "%zu names of the label's column", count);
    for (size_t i = 0; i < count; i++) {
        size_t number = 0;
        TRY_THAT(items[i] && *items[i], WEIR_ARGUMENT, "name %zu is empty", i);
        TRY(weir__texts_add(&fresh, &number, items[i], error));
        TRY_THAT(number == i, WEIR_ARGUMENT, "the name \"%.60s\" occurs twice, as name %zu and as name %zu", items[i],
                 number, i);
    }
    weir__texts_free(&names->lists[list]);
    names->lists[list] = fresh;
    fresh = (weir__texts){0};
done:
    weir__texts_free(&fresh);
    return status;
}

size_t weir_names_count(const weir_names *names, weir_named list) {
    return names && (unsigned)list < lists ? names->lists[list].count : 0;
}

const char *weir_names_at(const weir_names *names, weir_named list, size_t index) {
    return index < weir_names_count(names, list) ? names->lists[list].items[index] : NULL;
}

size_t weir_names_find(const weir_names *names, weir_named list, const char *name) {
    return weir_names_count(names, list) && name ? weir__texts_find(&names->lists[list], name) : SIZE_MAX;
}

weir_hint weir__names_hint(const weir_names *names, weir_named list, const char *word) {
    return weir_suggest(word, (const char *const *)names->lists[list].items, names->lists[list].count);
}

const char *weir__quote_of(const char *name) { return strchr(name, ',') ? "\"" : ""; }

const char *weir__names_text(char *text, size_t size, const weir_names *names, weir_named list) {
    enum { room = 24 }; // of " and 4294967296 others"
    const size_t count = weir_names_count(names, list);
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = weir_names_at(names, list, i);
        const char *quote = weir__quote_of(name);
        if (used + strlen(name) + 4 + room > size) {
            snprintf(text + used, size - used, " and %zu others", count - i);
            break;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s%s%s", i ? ", " : "", quote, name, quote);
    }
    return text;
}

weir_status weir_names_copy(weir_names **copy, const weir_names *names, weir_error *error) {
    weir_status status = WEIR_OK;
    *copy = NULL;
    if (!names) return WEIR_OK;
    TRY(weir_names_create(copy, error));
    for (int i = 0; i < lists; i++) {
        const weir__texts *list = &names->lists[i];
        TRY(weir_names_set(*copy, (weir_named)i, (const char *const *)list->items, list->count, error));
    }
done:
    if (status != WEIR_OK) {
        weir_names_free(*copy);
        *copy = NULL;
    }
    return status;
}

void weir_names_free(weir_names *names) {
    if (!names) return;
    for (size_t i = 0; i < lists; i++) weir__texts_free(&names->lists[i]);
    weir__free(names);
}
