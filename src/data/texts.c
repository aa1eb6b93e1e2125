// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// An index of open addressing beside the list, so that a text is found in one look among thousands.

#include <string.h>

#include "texts.h"

enum { first_room = 64 };

// FNV-1a (Fowler, Noll and Vo).
static size_t hash(const char *text) {
    uint64_t h = 14695981039346656037U;
    for (; *text; text++) h = (h ^ (uint8_t)*text) * 1099511628211U;
    return (size_t)h;
}

/// The place of a text in the index, or the free one where it would be.
static size_t *place_of(const weir__texts *t, const char *text) {
    size_t at = hash(text) & (t->room - 1);
    while (t->index[at] && strcmp(t->items[t->index[at] - 1], text)) at = (at + 1) & (t->room - 1);
    return &t->index[at];
}

static weir_status widen(weir__texts *t, weir_error *error) {
    const size_t room = t->room ? 2 * t->room : first_room;
    weir_status status = WEIR_OK;
    weir__texts wider = {.count = t->count, .room = room};
    TRY(weir__new(&wider.index, room, sizeof *wider.index, "an index of texts", error));
    TRY(weir__new(&wider.items, room / 2, sizeof *wider.items, "texts", error));
    if (t->count) memcpy(wider.items, t->items, t->count * sizeof *t->items);
    for (size_t i = 0; i < t->count; i++) *place_of(&wider, wider.items[i]) = i + 1;
    weir__free(t->items);
    weir__free(t->index);
    *t = wider;
    wider = (weir__texts){0};
done:
    weir__free(wider.items);
    weir__free(wider.index);
    return status;
}

size_t weir__texts_find(const weir__texts *texts, const char *text) {
    return texts->room ? *place_of(texts, text) - 1 : SIZE_MAX; // 0 − 1 where the place is free
}

weir_status weir__texts_add(weir__texts *texts, size_t *number, const char *text, weir_error *error) {
    weir_status status = WEIR_OK;
    *number = weir__texts_find(texts, text);
    if (*number != SIZE_MAX) return WEIR_OK;
    if (2 * texts->count >= texts->room) TRY(widen(texts, error));
    char *copy = weir__copy_string(text);
    TRY_THAT(copy, WEIR_MEMORY, "out of memory: texts");
    *number = texts->count++;
    *place_of(texts, copy) = texts->count;
    texts->items[*number] = copy;
done:
    return status;
}

void weir__texts_free(weir__texts *texts) {
    for (size_t i = 0; i < texts->count; i++) weir__free(texts->items[i]);
    weir__free(texts->items);
    weir__free(texts->index);
    *texts = (weir__texts){0};
}

bool weir__is_utf8(const char *text) {
    for (const uint8_t *at = (const uint8_t *)text; *at;) {
        const int more = *at < 0x80 ? 0 : *at >> 5 == 6 ? 1 : *at >> 4 == 14 ? 2 : *at >> 3 == 30 ? 3 : -1;
        if (more < 0) return false;
        uint32_t code = *at++ & (0x7FU >> (more ? more + 1 : 0));
        for (int i = 0; i < more; i++, at++) {
            if (*at >> 6 != 2) return false;
            code = code << 6 | (*at & 0x3FU);
        }
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    }
    return true;
}

size_t weir__utf8_next(const uint8_t *text, size_t left, uint32_t *number) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t first = *text;
    const size_t length = first < 0x80   ? 1
                          : first < 0xc2 ? 0
                          : first < 0xe0 ? 2
                          : first < 0xf0 ? 3
                          : first < 0xf5 ? 4
                                         : 0;
    if (!length || length > left) return 0;
    uint32_t code = length == 1 ? first : first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    if (code < least[length] || code >= WEIR__CODE_POINTS || (code >= 0xd800 && code < 0xe000)) return 0;
    *number = code;
    return length;
}
