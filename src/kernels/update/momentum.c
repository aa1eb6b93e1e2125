// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gradient descent with momentum: v = momentum·v + g + decay·w, w −= rate·v.
// Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.

#include "../../core/clones.h"
#include "wide.h"

WEIR__CLONES static float move(const weir__move *m, size_t count, float *restrict w, const float *restrict g,
                               float *const *slot) {
    float *restrict v = slot[0];
    const float rate = m->rate, decay = m->decay, past = m->momentum;
    weir__wide sums[4] = {{0}};
    size_t i = 0;
    for (; i + 64 <= count; i += 64) {
        for (size_t k = 0; k < 4; k++) {
            weir__wide *at = (weir__wide *)(w + i) + k, *velocity = (weir__wide *)(v + i) + k, now = *at;
            const weir__wide moving = past * *velocity + (((const weir__wide *)(g + i))[k] + decay * now);
            now -= rate * moving;
            sums[k] += now * now;
            *velocity = moving;
            *at = now;
        }
    }
    for (; i + 16 <= count; i += 16) {
        weir__wide *at = (weir__wide *)(w + i), *velocity = (weir__wide *)(v + i), now = *at;
        const weir__wide moving = past * *velocity + (*(const weir__wide *)(g + i) + decay * now);
        now -= rate * moving;
        sums[0] += now * now;
        *velocity = moving;
        *at = now;
    }
    float squares = weir__wide_total(sums);
    for (; i < count; i++) {
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
