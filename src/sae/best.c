// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Hoare's selection with the median of three, and after many uneven cuts a sort: O(n) as a rule, O(n log n) at worst.

#include "best.h"

#include <stdlib.h>

#include "../core/core.h"

static int ascending(const void *a, const void *b) {
    uint64_t left, right;
    memcpy(&left, a, sizeof left), memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}
static int descending(const void *a, const void *b) { return ascending(b, a); }

void weir__keys_sort(uint64_t *keys, size_t count) {
    enum { FEW = 48 };
    if (count > FEW) {
        qsort(keys, count, sizeof *keys, ascending);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        const uint64_t key = keys[i];
        size_t j = i;
        for (; j && keys[j - 1] > key; j--) keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

static uint64_t median(uint64_t a, uint64_t b, uint64_t c) {
    const uint64_t low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

void weir__keys_select(uint64_t *keys, size_t count, size_t most) {
    size_t cuts = 0;
    enum { CUTS = 64 };
    while (count > most && most) {
        if (++cuts > CUTS) {
            qsort(keys, count, sizeof *keys, descending);
            return;
        }
        const uint64_t pivot = median(keys[0], keys[count / 2], keys[count - 1]);
        size_t i = 0, j = count - 1;
        for (;;) { // keys[0 … i) ≥ pivot, keys(j … count) ≤ pivot
            while (keys[i] > pivot) i++;
            while (keys[j] < pivot) j--;
            if (i >= j) break;
            const uint64_t other = keys[i];
            keys[i++] = keys[j];
            keys[j--] = other;
        }
        // keys[0 … j] ≥ pivot ≥ keys[j + 1 …]; where both stopped at one key, it is the pivot.
        const size_t left = i == j ? i + 1 : j + 1;
        if (most < left) {
            if (left == count) { // the pivot is the least: take it out
                size_t least = 0;
                for (size_t at = 1; at < count; at++) least = keys[at] < keys[least] ? at : least;
                keys[least] = keys[count - 1];
                count--;
            } else {
                count = left;
            }
        } else {
            keys += left, count -= left, most -= left;
        }
    }
}

weir_status weir__bests_make(weir__best **best, uint64_t **keys, size_t count, size_t k, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t room = k < 32 ? 128 : 4 * k;
    TRY(weir__new(best, count, sizeof **best, "the best features", error));
    TRY(weir__new(keys, count * room, sizeof **keys, "the best features", error));
    for (size_t r = 0; r < count; r++) (*best)[r] = (weir__best){.keys = *keys + r * room, .room = room, .k = k};
done:
    return status;
}
