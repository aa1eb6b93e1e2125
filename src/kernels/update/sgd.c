// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Stochastic gradient descent: w −= rate·(g + decay·w).

#include "../../core/clones.h"
#include "wide.h"

WEIR__CLONES static float move(const weir__move *m, size_t count, float *restrict w, const float *restrict g,
                               float *const *slot) {
    (void)slot;
    const float rate = m->rate, decay = m->decay;
    weir__wide sums[4] = {{0}};
    size_t i = 0;
    for (; i + 64 <= count; i += 64) {
        for (size_t k = 0; k < 4; k++) {
            weir__wide *at = (weir__wide *)(w + i) + k, now = *at;
            now -= rate * (((const weir__wide *)(g + i))[k] + decay * now);
            sums[k] += now * now;
            *at = now;
        }
    }
    for (; i + 16 <= count; i += 16) {
        weir__wide *at = (weir__wide *)(w + i), now = *at;
        now -= rate * (*(const weir__wide *)(g + i) + decay * now);
        sums[0] += now * now;
        *at = now;
    }
    float squares = weir__wide_total(sums);
    for (; i < count; i++) {
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
