// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file draws.h
/// What draws of variables of several outputs share. Their parameter "of" is the first, of those that have a "k" it is
/// the second.
#ifndef WEIR_DRAWS_H
#define WEIR_DRAWS_H

#include "rules.h"

enum { weir__of_index, weir__k_index };

#define WEIR__PARAMETER_OF                                                                                             \
    [weir__of_index] = {.name = "of",                                                                                  \
                        .initial = 0,                                                                                  \
                        .least = 0,                                                                                    \
                        .greatest = weir__variable_most,                                                               \
                        .about = "outputs of a variable, drawn together; 0: all units of the layer (whole number)"}
#define WEIR__PARAMETER_K                                                                                              \
    [weir__k_index] = {.name = "k",                                                                                    \
                       .initial = 2,                                                                                   \
                       .least = 1,                                                                                     \
                       .greatest = weir__variable_most,                                                                \
                       .about = "how many outputs of a variable are 1 (whole number)"}

static inline size_t weir__of(const weir_unit *unit) { return (size_t)unit->draw_values[weir__of_index]; }
static inline size_t weir__k(const weir_unit *unit) { return (size_t)unit->draw_values[weir__k_index]; }

/// Refuses an "of" and a "k" that no layer can have: fractions, variables of one output, more of them 1 than there are.
weir_status weir__draw_check(const weir_unit *unit, weir_error *error);

/// What is done to one variable: to[C] from a[C].
typedef void weir__variable_function(const weir_unit *unit, const float *a, float *to);
/// From batch->a to batch->h, for every variable of the batch, in parallel. work: values that an output costs.
void weir__for_variables(const weir_unit *unit, const weir_unit_batch *batch, size_t work,
                         weir__variable_function *function);

/// p = softmax(a), and Σ exp(a − max) as its value. NaN in a makes all of p NaN.
float weir__softmax(float *p, const float *a, size_t count);
/// out[i] = p[i](v[i] − Σ_j p[j] v[j]): the Jacobian of the softmax, which is symmetric, times v.
void weir__softmax_pull(float *out, const float *p, const float *v, size_t count);
/// p = softmax(scale·a) in double.
void weir__softmax_double(double *p, const double *a, double scale, size_t count);
/// w[C][C] = scale·(diag p − p pᵀ).
void weir__softmax_jacobian(double *w, const double *p, double scale, size_t count);

/// h = 1 at the k greatest a (of equal ones the first), else 0; all NaN when one is.
void weir__top(float *h, const float *a, size_t count, size_t k);

/// Subsets of k of n: their number (0 above 2¹⁶), and the one at index, in lexicographic order, as 0 and 1.
size_t weir__subsets(size_t n, size_t k);
void weir__subset_at(float *h, size_t index, size_t n, size_t k);
/// Visits all subsets, with the chance that a function gives.
void weir__over_subsets(const weir_unit *unit, const double *a, size_t k,
                        double (*chance)(const weir_unit *unit, const double *a, const double *h), weir_state visit,
                        void *context);

#endif
