// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file best.h
/// The k greatest of numbers that come one by one, without keeping the others. A number and its index are one key, so
/// that the order is total: of equal numbers the one with the smaller index is greater.
#ifndef WEIR_SAE_BEST_H
#define WEIR_SAE_BEST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <weir/status.h>

static inline uint64_t weir__key_of(float value, uint32_t index) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits ^= bits >> 31 ? 0xffffffffu : 0x80000000u;
    return (uint64_t)bits << 32 | (uint32_t)~index;
}
static inline uint32_t weir__key_index(uint64_t key) { return ~(uint32_t)key; }
static inline float weir__key_value(uint64_t key) {
    uint32_t bits = (uint32_t)(key >> 32);
    bits ^= bits >> 31 ? 0x80000000u : 0xffffffffu;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/// Puts the `most` greatest of keys [count] first, in any order; what is behind them is undefined. Keys differ.
void weir__keys_select(uint64_t *keys, size_t count, size_t most);
void weir__keys_sort(uint64_t *keys, size_t count); ///< ascending

/// keys [room], room ≥ k + 1. Values below floor do not come in, nor do keys at or below least; both rise as better
/// ones are known. Zero but for keys, room, k and the first floor, which is no value that must come in and NaN compares
/// with.
typedef struct weir__best {
    uint64_t *keys;
    size_t count, room, k;
    float floor;
    uint64_t least;
} weir__best;

/// Makes best [count], with keys for all of them; each has room for a few times k. Both are the caller's, also after a
/// failure.
weir_status weir__bests_make(weir__best **best, uint64_t **keys, size_t count, size_t k, weir_error *error);

/// Keeps the k best, and raises the floor.
static inline void weir__best_settle(weir__best *best) {
    if (best->count < best->k || !best->k) return;
    if (best->count > best->k) weir__keys_select(best->keys, best->count, best->k);
    best->count = best->k;
    uint64_t least = best->keys[0];
    for (size_t i = 1; i < best->k; i++) least = best->keys[i] < least ? best->keys[i] : least;
    best->least = least;
    best->floor = weir__key_value(least);
}

static inline void weir__best_add(weir__best *best, float value, uint32_t index) {
    if (!(value >= best->floor)) return;
    const uint64_t key = weir__key_of(value, index);
    if (key <= best->least) return;
    best->keys[best->count++] = key;
    if (best->count == best->room) weir__best_settle(best);
}

#endif
