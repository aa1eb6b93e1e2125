// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gradient descent with momentum: v = momentum·v + g + decay·w, w −= rate·v.
// Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.

#include "../../core/clones.h"
#include "wide.h"

/// Moves count weights, and adds their squares, lane by lane.
WEIR__INLINE void step(const weir__move *m, size_t count, float *w, const float *g, float *v, weir__wide *squares) {
    weir__wide now, gradient, velocity;
    weir__wide_load(&now, w, count);
    weir__wide_load(&gradient, g, count);
    weir__wide_load(&velocity, v, count);
    velocity = m->momentum * velocity + (gradient + m->decay * now);
    now -= m->rate * velocity;
    weir__wide_store(v, &velocity, count);
    weir__wide_store(w, &now, count);
    *squares += now * now;
}

WEIR__CLONES static float move(const weir__move *move, size_t count, float *restrict w, const float *restrict g,
                               float *const *slot) {
    const weir__move m = *move;
    float *restrict v = slot[0];
    weir__wide sums[4] = {{0}};
    size_t i = 0;
    for (; i + 4 * WEIR__WIDE <= count; i += 4 * WEIR__WIDE) {
        for (size_t k = 0; k < 4; k++) {
            const size_t at = i + k * WEIR__WIDE;
            step(&m, WEIR__WIDE, w + at, g + at, v + at, &sums[k]);
        }
    }
    for (; i + WEIR__WIDE <= count; i += WEIR__WIDE) step(&m, WEIR__WIDE, w + i, g + i, v + i, &sums[0]);
    if (i < count) step(&m, count - i, w + i, g + i, v + i, &sums[0]);
    return weir__wide_total(sums);
}

const weir__update_rule weir__momentum = {
    .name = "momentum",
    .slots = {"velocity"},
    .move = move,
};
