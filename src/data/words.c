// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Words, and which of them a vocabulary has.

#include "words.h"

#include <stdlib.h>
#include <string.h>

const char weir__unknown_word[] = "<unknown>"; // no token: '<' stands alone

static const size_t different_most = (size_t)1 << 22;

// Bytes of a letter, a digit or a character beyond ASCII; 0: it is none.
static size_t letter(const uint8_t *text, size_t left) {
    uint32_t code = 0;
    const size_t length = left ? weir__utf8_next(text, left, &code) : 0;
    const bool ascii = (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || (code >= '0' && code <= '9');
    return code >= 0x80 || ascii ? length : 0;
}

size_t weir__word_next(char *word, const uint8_t *text, size_t left) {
    uint32_t code = 0;
    size_t length = weir__utf8_next(text, left, &code);
    if (!length || !code) return 0;
    if (code == ' ' || letter(text, left)) {
        for (size_t more; (more = letter(text + length, left - length)) > 0 && length + more <= WEIR__WORD_MOST;)
            length += more;
    }
    memcpy(word, text, length);
    word[length] = 0;
    return length;
}

typedef struct counted {
    const char *word;
    uint64_t count;
} counted;

static int by_count(const void *left, const void *right) {
    const counted *a = left, *b = right;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    return strcmp(a->word, b->word);
}

// How often each word occurs: counts, [*room], grows with them.
static weir_status count_words(weir__texts *words, uint64_t **counts, size_t *room, const uint8_t *text, size_t size,
                               size_t *bad, weir_error *error) {
    weir_status status = WEIR_OK;
    char word[WEIR__WORD_MOST + 1];
    for (size_t at = 0, length; at < size; at += length) {
        length = weir__word_next(word, text + at, size - at);
        *bad = at;
        TRY_THAT(length, WEIR_DATA, "byte %zu is no UTF-8", at);
        size_t number = weir__texts_find(words, word);
        if (number == SIZE_MAX && words->count == different_most) continue;
        if (number == SIZE_MAX) TRY(weir__texts_add(words, &number, word, error));
        if (number == *room) {
            uint64_t *wider = NULL;
            TRY(weir__new(&wider, 2 * *room + 1024, sizeof *wider, "words", error));
            if (*room) memcpy(wider, *counts, *room * sizeof *wider);
            weir__free(*counts);
            *counts = wider;
            *room = 2 * *room + 1024;
        }
        (*counts)[number]++;
    }
done:
    return status;
}

weir_status weir__words_name(weir_names *names, size_t most, const uint8_t *text, size_t size, size_t *bad,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    weir__texts words = {0};
    uint64_t *counts = NULL;
    size_t room = 0;
    counted *sorted = NULL;
    const char **items = NULL;
    TRY(count_words(&words, &counts, &room, text, size, bad, error));
    TRY(weir__new(&sorted, words.count, sizeof *sorted, "words", error));
    for (size_t k = 0; k < words.count; k++) sorted[k] = (counted){words.items[k], counts[k]};
    qsort(sorted, words.count, sizeof *sorted, by_count);
    const size_t classes = words.count + 1 < most ? words.count + 1 : most;
    TRY(weir__new((void *)&items, classes, sizeof *items, "words", error));
    items[0] = weir__unknown_word;
    for (size_t k = 1; k < classes; k++) items[k] = sorted[k - 1].word;
    TRY(weir_names_set(names, WEIR_NAMED_CLASSES, items, classes, error));
done:
    weir__texts_free(&words);
    weir__free(counts);
    weir__free(sorted);
    weir__free((void *)items);
    return status;
}

weir_status weir__words_index(weir__texts *index, const weir_names *names, weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t k = 0; k < weir_names_count(names, WEIR_NAMED_CLASSES); k++) {
        size_t number = 0;
        TRY(weir__texts_add(index, &number, weir_names_at(names, WEIR_NAMED_CLASSES, k), error));
        TRY_THAT(number == k, WEIR_DATA, "the model names the word \"%s\" twice",
                 weir_names_at(names, WEIR_NAMED_CLASSES, k));
    }
done:
    return status;
}
