// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gradient descent with momentum: v = momentum·v + g + decay·w, w −= rate·v.
// Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.

#include "../../core/clones.h"
#include "wide.h"

/// Moves count weights, and returns them; the lanes beyond are 0.
WEIR__INLINE weir__wide step(const weir__move *m, size_t count, float *w, const float *g, float *v) {
    weir__wide now = weir__wide_load(w, count);
    const weir__wide gradient = weir__wide_load(g, count) + m->decay * now;
    const weir__wide velocity = m->momentum * weir__wide_load(v, count) + gradient;
    now -= m->rate * velocity;
    weir__wide_store(v, velocity, count);
    weir__wide_store(w, now, count);
    return now;
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
            const weir__wide now = step(&m, WEIR__WIDE, w + at, g + at, v + at);
            sums[k] += now * now;
        }
    }
    for (; i < count; i += WEIR__WIDE) {
        const weir__wide now = step(&m, count - i < WEIR__WIDE ? count - i : WEIR__WIDE, w + i, g + i, v + i);
        sums[0] += now * now;
    }
    return weir__wide_total(sums);
}

const weir__update_rule weir__momentum = {
    .name = "momentum",
    .slots = {"velocity"},
    .move = move,
};
