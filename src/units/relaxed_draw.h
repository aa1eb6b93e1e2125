// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file relaxed_draw.h
/// What REBAR and RELAX share: a draw, the logistic number z behind it, and z̃ drawn anew given the draw.
///
/// z = a + logit u, h = 1[z > 0]. Given h, with w = v for h = 0 and w = 1 − v for h = 1, v uniform, and p, q = 1 − p
/// swapped for h = 1: z̃ = ± log(w p/(1 − w q)) and ∂z̃/∂a = q (1 − w)/(1 − w q), which holds the path through the
/// conditional noise, too. Neither form needs a logarithm of p.
#ifndef WEIR_RELAXED_DRAW_H
#define WEIR_RELAXED_DRAW_H

#include <stdbool.h>

#include "rules.h"

/// From u in h and v in conditional: h, z in relaxed, z̃ in conditional, ∂z̃/∂a in slope. together: v is what u says
/// given h (conditional need not hold anything); then z̃ = z in value.
void weir__relaxed_draw(float *restrict h, float *restrict relaxed, float *restrict conditional, float *restrict slope,
                        const float *restrict a, bool together, size_t units);

/// to = σ(z·over); may be in place.
void weir__relax(float *to, const float *z, float over, size_t units);

#endif
