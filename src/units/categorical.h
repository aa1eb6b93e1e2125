// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file categorical.h
/// What rules for variables of several outputs share: a function per variable for sample and backward, Gumbel noise,
/// and its quadrature for definitions.
#ifndef WEIR_CATEGORICAL_H
#define WEIR_CATEGORICAL_H

#include <string.h>

#include "define.h"
#include "draws.h"

/// One variable of one row, in the first row group.
typedef struct weir__variable {
    const weir_unit *unit;
    const weir_unit_batch *batch;
    size_t size;
    const float *a;
    float *h, *saved, *da; ///< saved: as many values as outputs (weir_rule.saved = 1), or NULL
    const float *dh;
    size_t row, first; ///< of its first output
} weir__variable;
typedef void weir__variable_step(const weir__variable *v);

/// Calls step for every variable, in parallel. work: values that an output costs.
void weir__each_variable(const weir_unit *unit, const weir_unit_batch *batch, size_t work, weir__variable_step *step);

/// Defines a function of a rule that calls NAME_one for every variable.
#define WEIR__BY_VARIABLES(name, work)                                                                                 \
    static void name(const weir_unit *unit, const weir_unit_batch *batch) {                                            \
        weir__each_variable(unit, batch, work, name##_one);                                                            \
    }

/// u[size]: uniform numbers of the variable's outputs, at noise.sample + sample.
void weir__variable_uniform(const weir__variable *v, uint16_t sample, float *u);
/// z[size] = scale·a + Gumbel noise of those uniform numbers.
void weir__variable_gumbel(const weir__variable *v, uint16_t sample, float scale, float *z);
/// z[size]: a + Gumbel noise given that the greatest is at winner: −log E/Σeᵃ there, −log(E_j/e^(a_j) + E/Σeᵃ)
/// elsewhere, E ~ Exp(1) (Maddison and Tarlow 2017; Paulus, Maddison and Krause 2021, eq. 8).
void weir__variable_given(const weir__variable *v, const float *a, size_t winner, uint16_t sample, float *z);
/// The output of h that is not 0; size when all are NaN.
size_t weir__winner(const float *h, size_t size);
/// out = softmax(z·inverse) pulled back along v, times inverse.
void weir__relaxed_pull(float *out, const float *z, float inverse, const float *v, size_t size);
/// w[size][size]: that Jacobian, in double, for definitions.
void weir__relaxed_weights(double *w, const double *z, double inverse, size_t size);

/// One point of a quadrature over the noise: scores z[size] whose greatest is at winner. w[size][size] are weights of
/// ∂L/∂h and h[size] the outputs; both are zeros, and h 1 at winner, unless the point says otherwise.
typedef void weir__score_point(const weir_unit *unit, const double *a, const double *z, size_t winner, double *h,
                               double *w);
/// Visits outcomes of a + Gumbel noise: for variables of two or three outputs, by the trapezoid rule; larger ones have
/// no definition here. scores: what the winner's noise is given with, when that is not a (NULL: a).
void weir__over_gumbels(const weir_unit *unit, const double *a,
                        void (*scores)(const weir_unit *unit, const double *a, size_t winner, double *scores),
                        weir__score_point *point, weir_state visit, void *context);

/// Traits of categorical rules that read ∂L/∂h once.
enum { weir__categorical = weir__binary | WEIR_TRAIT_USES_DH };
extern const weir_draw weir__draw_one_of;

#endif
