// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Text for messages, and "did you mean": edit distance with transposition of neighbours (Damerau 1964, in the
// restricted form that changes no substring twice), letter case ignored. Names of 64 letters or more are never near.

#include <string.h>

#include "core.h"

enum { longest = 64 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

// d[i][j] is the distance of a's first i letters and b's first j; three rows of d are alive at a time.
static size_t distance(const char *a, size_t m, const char *b, size_t n) {
    size_t rows[3][longest];
    for (size_t j = 0; j <= n; j++) rows[0][j] = j;
    for (size_t i = 1; i <= m; i++) {
        size_t *row = rows[i % 3], *before = rows[(i + 2) % 3], *two_before = rows[(i + 1) % 3];
        const char letter = lower(a[i - 1]);
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            const char other = lower(b[j - 1]);
            const size_t edit = least(before[j], row[j - 1]) + 1;
            row[j] = least(edit, before[j - 1] + (letter != other));
            if (i > 1 && j > 1 && letter == lower(b[j - 2]) && other == lower(a[i - 2]))
                row[j] = least(row[j], two_before[j - 2] + 1);
        }
    }
    return rows[m % 3][n];
}

const char *weir__nearest(const char *text, const char *const *names, size_t count) {
    const size_t length = strlen(text);
    if (!length || length >= longest) return NULL;
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        const size_t other = strlen(names[i]);
        if (other >= longest) continue;
        const size_t d = distance(text, length, names[i], other);
        // A third of the letters may be wrong, and at least one must be right.
        const size_t larger = length > other ? length : other;
        const size_t near = larger / 3 ? larger / 3 : 1;
        if (d <= near && d < larger && d < best) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}

weir_hint weir_suggest(const char *word, const char *const *names, size_t count) {
    weir_hint hint = {""};
    const char *nearest = weir__nearest(word, names, count);
    if (nearest) snprintf(hint.text, sizeof hint.text, "; did you mean '%s'?", nearest);
    return hint;
}

const char *weir__show(char *buffer, size_t size, const char *text, size_t length) {
    const size_t shown = length < size ? length : size - 1;
    for (size_t i = 0; i < shown; i++) buffer[i] = (unsigned char)text[i] >= ' ' && text[i] != 127 ? text[i] : '?';
    buffer[shown] = 0;
    return buffer;
}
