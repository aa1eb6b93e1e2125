// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Stochastic gradient descent: w −= rate·(g + decay·w).

#include "../../core/clones.h"
#include "../update.h"

WEIR__CLONES static float move(const weir__move *m, size_t count, float *restrict w, const float *restrict g,
                               float *const *slot) {
    (void)slot;
    const float rate = m->rate, decay = m->decay;
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (size_t i = 0; i < count; i++) {
        w[i] -= rate * (g[i] + decay * w[i]);
        squares += w[i] * w[i];
    }
    return squares;
}

const weir__update_rule weir__sgd = {
    .name = "sgd",
    .move = move,
    .visits_all_for_decay = true,
};
