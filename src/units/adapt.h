// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file adapt.h
/// Adam (Kingma and Ba 2015) for what rules learn about themselves: baselines, relaxations, surrogates. The state lies
/// in the rule's own: powers of β₁ and β₂, then for each value its two moving averages.
#ifndef WEIR_ADAPT_H
#define WEIR_ADAPT_H

#include <math.h>

#include "../core/clones.h"

enum { weir__adapt_powers = 2 };

typedef struct weir__adapt {
    float rate, correction1, correction2, past1, past2;
} weir__adapt;

/// Begins a step: powers[2] go on from what they are (1 at the start). A mean square that forgets slowly, as the
/// released codes of REBAR and RELAX have it, makes one wild estimate harmless.
static inline weir__adapt weir__adapt_begin(float *powers, double rate) {
    const float past1 = 0.9f, past2 = 0.999f;
    powers[0] *= past1;
    powers[1] *= past2;
    return (weir__adapt){.rate = (float)rate,
                         .correction1 = 1 / (1 - powers[0]),
                         .correction2 = 1 / (1 - powers[1]),
                         .past1 = past1,
                         .past2 = past2};
}

WEIR__INLINE void weir__adapt_move(const weir__adapt *step, float *restrict value, float *restrict mean,
                                   float *restrict square, const float *restrict gradient, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float g = gradient[i];
        mean[i] = step->past1 * mean[i] + (1 - step->past1) * g;
        square[i] = step->past2 * square[i] + (1 - step->past2) * g * g;
        value[i] -= step->rate * mean[i] * step->correction1 / (sqrtf(square[i] * step->correction2) + 1e-8f);
    }
}

#endif
