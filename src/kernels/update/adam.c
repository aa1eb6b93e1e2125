// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Adam: m = β₁·m + (1 − β₁)·g, v = β₂·v + (1 − β₂)·g², w −= rate·m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ),
// v̂ = v / (1 − β₂ᵗ), t counting updates. Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015,
// algorithm 1. Decay is L2: part of g. t is common to all parameters, so that a block that is seldom touched starts
// with smaller steps than a private t would give it (as in other lazy implementations).

#include <math.h>

#include "../../core/clones.h"
#include "../update.h"

WEIR__CLONES static float move(const weir__move *move, size_t count, float *restrict w, const float *restrict g,
                               float *const *slot) {
    float *restrict m = slot[0];
    float *restrict v = slot[1];
    const float decay = move->decay, epsilon = move->epsilon;
    const float past1 = move->past1, past2 = move->past2, new1 = move->new1, new2 = move->new2;
    const float rate = move->rate * move->correction1, correction2 = move->correction2;
    for (size_t i = 0; i < count; i++) {
        const float gradient = g[i] + decay * w[i];
        m[i] = past1 * m[i] + new1 * gradient;
        v[i] = past2 * v[i] + new2 * gradient * gradient;
        w[i] -= rate * m[i] / (sqrtf(v[i] * correction2) + epsilon);
    }
    return weir__sum_of_squares(w, count);
}

const weir__update_rule weir__adam = {
    .name = "adam",
    .slots = {"mean", "square"},
    .move = move,
};
