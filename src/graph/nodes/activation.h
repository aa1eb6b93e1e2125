// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file activation.h
/// Activations whose slope follows from what they read, not from what they give: as nodes of their own
/// (elementwise.c), and of experts (gated_apply.c).
#ifndef WEIR_ACTIVATION_H
#define WEIR_ACTIVATION_H

#include "../../core/math.h"

/// x·Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016), exact: not the form with tanh. Sets its
/// slope Φ(x) + x·φ(x).
WEIR__INLINE float weir__gelu(float x, float *slope) {
    float density, below;
    weir__normal_pair(x, &density, &below);
    *slope = below + x * density;
    return x * below;
}

/// x·σ(x) (Elfwing, Uchibe and Doya 2017). Sets its slope σ(x)·(1 + x·σ(−x)).
WEIR__INLINE float weir__silu(float x, float *slope) {
    float p, other;
    weir__sigmoid_pair(x, &p, &other);
    *slope = p * (1 + x * other);
    return x * p;
}

/// max(0, x)² (So et al. 2021). Sets its slope 2·max(0, x).
WEIR__INLINE float weir__squared_rectifier(float x, float *slope) {
    const float positive = x < 0 ? 0 : x; // a NaN stays NaN
    *slope = 2 * positive;
    return positive * positive;
}

#endif
