// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Losses whose exact gradient is known.

#include <math.h>

#include <weir/lab.h>

static const double powers[WEIR_PROBLEM_UNITS] = {0.5, -0.5, 0.25, 1};

static double four_factor(const weir_problem *problem, size_t unit, double h) {
    (void)problem;
    return exp(powers[unit] * h);
}

static double four_slope(const weir_problem *problem, size_t unit, double h) {
    return powers[unit] * four_factor(problem, unit, h);
}

static weir_status four_objective(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                                  float *loss, float *dh, weir_error *error) {
    (void)context, (void)units, (void)example, (void)error;
    for (size_t r = 0; r < rows; r++, h += WEIR_PROBLEM_UNITS) {
        float sum = 0;
        for (size_t i = 0; i < WEIR_PROBLEM_UNITS; i++) sum += (float)powers[i] * h[i];
        loss[r] = expf(sum);
        for (size_t i = 0; dh && i < WEIR_PROBLEM_UNITS; i++)
            dh[r * WEIR_PROBLEM_UNITS + i] = (float)powers[i] * loss[r];
    }
    return WEIR_OK;
}

weir_problem weir_problem_four(void) {
    return (weir_problem){.units = WEIR_PROBLEM_UNITS,
                          .logits = {0.4, -0.8, 1.5, -0.2},
                          .factor = four_factor,
                          .slope = four_slope,
                          .objective = four_objective};
}

static double bit_factor(const weir_problem *problem, size_t unit, double h) {
    (void)unit;
    return (h - problem->target) * (h - problem->target);
}

static double bit_slope(const weir_problem *problem, size_t unit, double h) {
    (void)unit;
    return 2 * (h - problem->target);
}

static weir_status bit_objective(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                                 float *loss, float *dh, weir_error *error) {
    double target = ((const weir_problem *)context)->target;
    return weir_problem_quadratic(&target, rows, units, example, h, loss, dh, error);
}

weir_status weir_problem_quadratic(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                                   float *loss, float *dh, weir_error *error) {
    const double t = *(const double *)context, per_unit = 1 / (double)units;
    const float target = (float)t, slope = (float)(2 * per_unit);
    (void)example, (void)error;
    enum { lanes = 16 }; // partial sums: one alone would make each addition wait for the one before it
    for (size_t r = 0; r < rows; r++) {
        // Σ (h − t)² = Σ h² − 2tΣ h + Dt²: sums of 0 and 1 are exact in float
        const float *row = h + r * units;
        float sums[lanes] = {0}, squares[lanes] = {0}, sum = 0, square = 0;
        size_t i = 0;
        for (; i + lanes <= units; i += lanes) {
            for (size_t k = 0; k < lanes; k++) {
                sums[k] += row[i + k];
                squares[k] += row[i + k] * row[i + k];
            }
        }
        for (; i < units; i++) {
            sums[0] += row[i];
            squares[0] += row[i] * row[i];
        }
        for (size_t k = 0; k < lanes; k++) {
            sum += sums[k];
            square += squares[k];
        }
        loss[r] = (float)(((double)square - 2 * t * (double)sum) * per_unit + t * t);
        if (!dh) continue;
        for (i = 0; i < units; i++) dh[r * units + i] = slope * (row[i] - target);
    }
    return WEIR_OK;
}

weir_problem weir_problem_bit(double p, double t) {
    return (weir_problem){.units = 1,
                          .logits = {log(p / (1 - p))},
                          .factor = bit_factor,
                          .slope = bit_slope,
                          .objective = bit_objective,
                          .target = t};
}
