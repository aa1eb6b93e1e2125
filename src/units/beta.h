// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file beta.h
/// Beta noise before a sigmoid (Bengio, Léonard and Courville 2013, appendix A.2): z = |log(1/r − 1)|·(B − ½) with
/// B ~ Beta(α, β) of mode s, the target share; α = (s(β − 2) + 1)/(1 − s).
#ifndef WEIR_BETA_H
#define WEIR_BETA_H

#include "rules.h"

/// Knots of a quantile table: logits of the probability from −17 to 17 in steps of ¼. A uniform number has a logit
/// within ±16.64.
enum { weir__beta_knots = 137 };

/// The quantile function of a Beta distribution at the knots, and its derivative by the logit, times the step.
typedef struct weir__beta_table {
    double alpha, beta;
    float quantile[weir__beta_knots], slope[weir__beta_knots];
} weir__beta_table;

/// Fills a table for α, β ≥ 1. Between knots cubic Hermite interpolation is off by less than 2·10⁻⁶.
void weir__beta_table_fill(weir__beta_table *table, double alpha, double beta);

/// P(B ≤ x) and P(B > x) for 0 < x < 1, each with a relative error below 10⁻⁹; returns the density at x times x(1 − x).
double weir__beta_tails(double alpha, double beta, double x, double *below, double *above);

/// Beta noise ready to be drawn. spare holds the table when the process has used too many different ones to keep
/// another; do not copy the struct.
typedef struct weir__beta_noise {
    float scale; ///< |log(1/r − 1)|
    float mean;  ///< E z, which stands for z where nothing is drawn
    const weir__beta_table *table;
    weir__beta_table spare;
} weir__beta_noise;

/// E z for a target share s in (0, 1), β ≥ 1 and r in (0, 1).
float weir__beta_mean(double target, double beta, double r);
void weir__beta_prepare(weir__beta_noise *noise, double target, double beta, double r);

/// out[i] = z of the values of a span.
void weir__beta_noise_at(const weir__beta_noise *noise, float *out, weir_noise coordinates, weir__span span);

#endif
