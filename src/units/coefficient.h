// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file coefficient.h
/// The factor of a control variate. An estimate g = A − κB with E B = 0 has the least total variance at
/// κ = E[A·B] / E[B·B]. The published codes descend E g² with Adam; since g is linear in κ the minimum is a quotient of
/// two means, which are kept as running averages over the batches before, so that κ is independent of the present draw.
/// There is no learning rate to set. The initial κ fades out eight times as fast as the averages forget.
#ifndef WEIR_COEFFICIENT_H
#define WEIR_COEFFICIENT_H

#include "rules.h"

/// Running sums of A·B and of B·B, and of their weights.
enum { weir__coefficient_ab, weir__coefficient_bb, weir__coefficient_weight, weir__coefficient_floats };

static inline float weir__coefficient(const float *state, float initial) {
    float fading = 1 - state[weir__coefficient_weight]; // the decay, to the power of the batches so far
    if (!(state[weir__coefficient_bb] > 1e-30f)) return initial;
    for (int twice = 0; twice < 3; twice++) fading *= fading;
    return fading * initial + (1 - fading) * (state[weir__coefficient_ab] / state[weir__coefficient_bb]);
}

/// What the pieces of a batch add: sums over rows and units.
typedef struct weir__products {
    double ab[weir__pieces], bb[weir__pieces];
} weir__products;

/// Adds a batch to the running sums; factor brings A·B to the scale of one row.
static inline void weir__coefficient_move(float *state, const weir__products *products, double past, double factor) {
    const double ab = weir__sum_of_pieces(products->ab), bb = weir__sum_of_pieces(products->bb);
    const double now = (1 - past) * factor;
    state[weir__coefficient_ab] = (float)(past * (double)state[weir__coefficient_ab] + now * ab);
    state[weir__coefficient_bb] = (float)(past * (double)state[weir__coefficient_bb] + now * bb);
    state[weir__coefficient_weight] = (float)(past * (double)state[weir__coefficient_weight] + (1 - past));
}

#endif
