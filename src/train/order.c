// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include "order.h"

enum { rounds = 4 };

uint32_t weir__order_at(weir_noise noise, uint32_t count, uint32_t place) {
    unsigned half = 1; // bits of either side
    while (half < 16 && (uint64_t)1 << (2 * half) < count) half++;
    const uint32_t mask = ((uint32_t)1 << half) - 1;
    do {
        uint32_t left = place >> half, right = place & mask;
        for (uint32_t round = 0; round < rounds; round++) {
            uint32_t words[4];
            weir_random_words(words, noise, right, round);
            const uint32_t next = left ^ (words[0] & mask);
            left = right;
            right = next;
        }
        place = left << half | right;
    } while (place >= count);
    return place;
}
