// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file antithetic.h
/// What ARM, DisARM and UGC share: two draws of a row from one uniform number per unit.
#ifndef WEIR_ANTITHETIC_H
#define WEIR_ANTITHETIC_H

#include "rules.h"

/// h = 1[u > 1 − p], and 1[u < p] in place of u: each Bernoulli(p), as negatively correlated as they can be.
void weir__antithetic_pair(float *restrict h, float *restrict u, const float *restrict a, size_t units);
/// h = 1[u > 1 − p] alone.
void weir__upper_draw(float *restrict h, const float *restrict u, const float *restrict a, size_t units);
/// da = half_difference·(h − other)·max(p, 1 − p), half_difference = ½ (L(h) − L(other)): ARM's gradient with its
/// mean over u, given the pair, in place of u (Dong, Mnih and Tucker 2020, eq. 5; Yin et al. 2020).
void weir__disarm(float *restrict da, float half_difference, const float *restrict h, const float *restrict other,
                  const float *restrict a, size_t units);

/// Variance of DisARM on one bit (weir_form.one_bit).
double weir__disarm_variance(double p, double t);

#endif
