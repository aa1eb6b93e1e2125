// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gradient descent with momentum: v = momentum·v + g + decay·w, w −= rate·v.
// Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.

#include "../../core/clones.h"
#include "../update.h"

WEIR__CLONES static float move(const weir__move *m, size_t count, float *restrict w, const float *restrict g,
                               float *const *slot) {
    float *restrict v = slot[0];
    const float rate = m->rate, decay = m->decay, past = m->momentum;
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (size_t i = 0; i < count; i++) {
        v[i] = past * v[i] + (g[i] + decay * w[i]);
        w[i] -= rate * v[i];
        squares += w[i] * w[i];
    }
    return squares;
}

const weir__update_rule weir__momentum = {
    .name = "momentum",
    .slots = {"velocity"},
    .move = move,
};
