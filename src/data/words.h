// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file words.h
/// A text in UTF-8 as words: a token is a run of letters and digits (any character beyond ASCII is a letter) with the
/// blank before it, if there is one, at most WEIR__WORD_MOST bytes long; or any other single character. Tokens one after
/// the other are the text.
#ifndef WEIR_WORDS_H
#define WEIR_WORDS_H

#include <weir/names.h>

#include "texts.h"

enum { WEIR__WORD_MOST = 64 };

/// Class 0 of a vocabulary: every word that it lacks.
extern const char weir__unknown_word[];

/// The token at the front of `left` bytes, with a terminating zero in word [WEIR__WORD_MOST + 1]: its bytes. 0: they are
/// no UTF-8, or 0, which has no name.
size_t weir__word_next(char *word, const uint8_t *text, size_t left);

/// Names the words of a text that occur most often, `most` classes with the unknown one at most, the most frequent first,
/// equal ones in the order of their bytes. *bad gets the place of a byte that is no UTF-8, WEIR_DATA then. Memory grows
/// with the number of different words; beyond four million of them further ones are unknown.
weir_status weir__words_name(weir_names *names, size_t most, const uint8_t *text, size_t size, size_t *bad,
                             weir_error *error);

/// The classes of names as an index, freed by weir__texts_free: the number of a text is its class.
weir_status weir__words_index(weir__texts *index, const weir_names *names, weir_error *error);
/// The class of a word; that of the unknown one where it is none.
static inline size_t weir__word_class(const weir__texts *index, const char *word) {
    const size_t class = weir__texts_find(index, word);
    return class == SIZE_MAX ? 0 : class;
}

#endif
