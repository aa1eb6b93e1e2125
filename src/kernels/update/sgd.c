// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Stochastic gradient descent: w −= rate·(g + decay·w).

#include "../../core/clones.h"
#include "wide.h"

/// Moves count weights, and adds their squares, lane by lane.
WEIR__INLINE void step(const weir__move *m, size_t count, float *w, const float *g, weir__wide *squares) {
    weir__wide now, gradient;
    weir__wide_load(&now, w, count);
    weir__wide_load(&gradient, g, count);
    now -= m->rate * (gradient + m->decay * now);
    weir__wide_store(w, &now, count);
    *squares += now * now;
}

WEIR__CLONES static float move(const weir__move *move, size_t count, float *restrict w, const float *restrict g,
                               float *const *slot) {
    const weir__move m = *move;
    weir__wide sums[4] = {{0}};
    size_t i = 0;
    (void)slot;
    for (; i + 4 * WEIR__WIDE <= count; i += 4 * WEIR__WIDE) {
        for (size_t k = 0; k < 4; k++) {
            const size_t at = i + k * WEIR__WIDE;
            step(&m, WEIR__WIDE, w + at, g + at, &sums[k]);
        }
    }
    for (; i + WEIR__WIDE <= count; i += WEIR__WIDE) step(&m, WEIR__WIDE, w + i, g + i, &sums[0]);
    if (i < count) step(&m, count - i, w + i, g + i, &sums[0]);
    return weir__wide_total(sums);
}

const weir__update_rule weir__sgd = {
    .name = "sgd",
    .move = move,
    .visits_all_for_decay = true,
};
