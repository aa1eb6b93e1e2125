// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Lists of names. Each has an index of open addressing, so that files with thousands of columns are matched in one look
// per name.

#include <stdint.h>
#include <string.h>

#include "../core/core.h"
#include <weir/names.h>

enum { lists = WEIR_NAMED_LABEL + 1 };

typedef struct list {
    char **items;
    size_t count;
    size_t *index; ///< [room]: 1 + number of a name; 0: free
    size_t room;   ///< a power of 2, at least twice the count
} list;

struct weir_names {
    list lists[lists];
};

// FNV-1a (Fowler, Noll and Vo).
static size_t hash(const char *text) {
    uint64_t h = 14695981039346656037U;
    for (; *text; text++) h = (h ^ (uint8_t)*text) * 1099511628211U;
    return (size_t)h;
}

/// The place of a name in the index, or the free one where it would be.
static size_t *place_of(const list *l, const char *name) {
    size_t at = hash(name) & (l->room - 1);
    while (l->index[at] && strcmp(l->items[l->index[at] - 1], name)) at = (at + 1) & (l->room - 1);
    return &l->index[at];
}

static void free_list(list *l) {
    for (size_t i = 0; i < l->count; i++) weir__free(l->items[i]);
    weir__free(l->items);
    weir__free(l->index);
    *l = (list){0};
}

static weir_status add(list *l, const char *name, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(name && *name, WEIR_ARGUMENT, "name %zu is empty", l->count);
    size_t *place = place_of(l, name);
    TRY_THAT(!*place, WEIR_ARGUMENT, "the name \"%.60s\" occurs twice, as name %zu and as name %zu", name, *place - 1,
             l->count);
    l->items[l->count] = weir__copy_string(name);
    TRY_THAT(l->items[l->count], WEIR_MEMORY, "out of memory: names");
    *place = ++l->count;
done:
    return status;
}

weir_status weir_names_create(weir_names **names, weir_error *error) {
    return weir__new(names, 1, sizeof **names, "names", error);
}

weir_status weir_names_set(weir_names *names, weir_named of, const char *const *items, size_t count,
                           weir_error *error) {
    weir_status status = WEIR_OK;
    list fresh = {.room = 2};
    TRY_THAT((unsigned)of < lists, WEIR_ARGUMENT, "no list of names %d", (int)of);
    TRY_THAT(of != WEIR_NAMED_LABEL || count <= 1, WEIR_ARGUMENT, "%zu names of the label's column", count);
    TRY_THAT(count <= UINT32_MAX, WEIR_ARGUMENT, "%zu names are too many", count);
    while (fresh.room < 2 * count) fresh.room *= 2;
    TRY(weir__new(&fresh.items, count, sizeof *fresh.items, "names", error));
    TRY(weir__new(&fresh.index, fresh.room, sizeof *fresh.index, "names", error));
    for (size_t i = 0; i < count; i++) TRY(add(&fresh, items[i], error));
    free_list(&names->lists[of]);
    names->lists[of] = fresh;
    fresh = (list){0};
done:
    free_list(&fresh);
    return status;
}

size_t weir_names_count(const weir_names *names, weir_named of) {
    return names && (unsigned)of < lists ? names->lists[of].count : 0;
}

const char *weir_names_at(const weir_names *names, weir_named of, size_t index) {
    return index < weir_names_count(names, of) ? names->lists[of].items[index] : NULL;
}

size_t weir_names_find(const weir_names *names, weir_named of, const char *name) {
    if (!weir_names_count(names, of) || !name) return SIZE_MAX;
    return *place_of(&names->lists[of], name) - 1; // 0 − 1 where the place is free
}

weir_status weir_names_copy(weir_names **copy, const weir_names *names, weir_error *error) {
    weir_status status = WEIR_OK;
    *copy = NULL;
    if (!names) return WEIR_OK;
    TRY(weir_names_create(copy, error));
    for (int i = 0; i < lists; i++) {
        const list *from = &names->lists[i];
        TRY(weir_names_set(*copy, (weir_named)i, (const char *const *)from->items, from->count, error));
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
    for (size_t i = 0; i < lists; i++) free_list(&names->lists[i]);
    weir__free(names);
}
