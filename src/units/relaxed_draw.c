// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Draws with their logistic numbers, and those numbers drawn again given the draw.

#include "relaxed_draw.h"
#include "../core/math.h"

/// v of a coupled draw: the place of u between the ends of its outcome.
WEIR__INLINE float place_of(float u, float p, float q, bool one) {
    const float v = one ? (u - q) / p : u / q;
    return v < 0x1p-24f ? 0x1p-24f : v > 1 - 0x1p-24f ? 1 - 0x1p-24f : v;
}

WEIR__CLONES void weir__relaxed_draw(float *restrict h, float *restrict relaxed, float *restrict conditional,
                                     float *restrict slope, const float *restrict a, bool together, size_t units) {
    for (size_t i = 0; i < units; i++) {
        float p, q;
        weir__sigmoid_pair(a[i], &p, &q);
        const float u = h[i], z = a[i] + weir__log(u / (1 - u));
        const bool one = z > 0;
        const float v = together ? place_of(u, p, q, one) : conditional[i];
        const float w = one ? 1 - v : v, mine = one ? q : p, other = one ? p : q, rest = 1 - w * other;
        const float size = weir__log(w * mine / rest);
        h[i] = (one ? 1.0f : 0.0f) + (z - z);
        relaxed[i] = z;
        conditional[i] = one ? -size : size;
        slope[i] = other * (1 - w) / rest;
    }
}

WEIR__CLONES void weir__relax(float *to, const float *z, float over, size_t units) {
    for (size_t i = 0; i < units; i++) to[i] = weir__sigmoid(z[i] * over);
}
