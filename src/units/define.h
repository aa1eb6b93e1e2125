// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file define.h
/// What definitions of rules (weir_rule.define) are made of: the sigmoid in double, and quadratures over the noise of a
/// unit.
#ifndef WEIR_DEFINE_H
#define WEIR_DEFINE_H

#include <math.h>

#include <weir/units.h>

static inline double weir__logistic(double a) { return 1 / (1 + exp(-a)); }

/// ∂σ(z/τ)/∂z.
static inline double weir__logistic_slope(double z, double temperature) {
    const double y = weir__logistic(z / temperature);
    return y * (1 - y) / temperature;
}

/// The output h of a unit for the noise z, and the weight of ∂L/∂h.
typedef void weir__point(const weir_unit *unit, double a, double z, double *h, double *weight);

/// The output is on with that chance, else 0.
void weir__over_coin(double chance, double on, weir_outcome visit, void *context);
/// z is standard logistic, or normal. edge: where in z the output may jump or bend; no cell of the quadrature has it
/// inside.
void weir__over_logistic(const weir_unit *unit, double a, double edge, weir__point *point, weir_outcome visit,
                         void *context);
void weir__over_normal(const weir_unit *unit, double a, double edge, weir__point *point, weir_outcome visit,
                       void *context);

/// h = 1[a + z > 0] with logistic z and the slope of σ((a + z)/τ): st-gumbel and its kin.
void weir__over_gumbel(const weir_unit *unit, double a, weir_outcome visit, void *context);

/// Visits what inner visits at a + z, over the Beta noise z of weir__beta_prepare (beta.h).
void weir__over_beta(const weir_unit *unit, double a, double target, double beta, double r, weir_definition inner,
                     weir_outcome visit, void *context);

/// w[C][C] = ∂E h[j]/∂a[i] of the unit's draw, by differences of sums over its outcomes.
void weir__mean_jacobian(const weir_unit *unit, const double *a, double *w);

/// Most units of a layer whose expectation (weir_rule.expectation) is asked for.
enum { weir__most_expected = 16 };

/// weir_form.one_bit of rules that are exact on one bit.
double weir__no_variance(double p, double t);

#endif
