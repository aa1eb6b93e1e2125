// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file prior.h
/// Priors over the outputs of units, for latent variables: bits are 1 with probability s, of a variable of C outputs
/// each is the one with probability 1/C. q is the draw given the pre-activations.
#ifndef WEIR_PRIOR_H
#define WEIR_PRIOR_H

#include "rules.h"

/// Whether the unit's draw is one of these: independent bits by σ(a), or one of C by softmax.
bool weir__prior_exists(const weir_unit *unit);
/// to[rows] += KL(q ‖ prior) of each row, in nats. da [rows][units], unless NULL, += weight times its gradient.
///   bits      Σ_i p_i log(p_i/s) + (1 − p_i) log((1 − p_i)/(1 − s)),  ∂/∂a_i = p_i(1 − p_i)(a_i − logit s)
///   one of C  Σ_i π_i log(C π_i) per variable,  ∂/∂a = (∂π/∂a)ᵀ log π
void weir__prior_divergence(const weir_unit *unit, double s, size_t rows, size_t units, const float *a, double *to,
                            double weight, float *da);
/// to[rows] += log q(h)/prior(h) of each row.
void weir__prior_ratio(const weir_unit *unit, double s, size_t rows, size_t units, const float *a, const float *h,
                       double *to);

#endif
