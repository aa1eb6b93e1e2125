// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Losses whose exact gradient is known.

#include <math.h>

#include <weir/lab.h>

#include "../core/core.h"

enum { four = 4 };
static const double powers[WEIR_PROBLEM_UNITS] = {0.5,   -0.5,  0.25,  1,      -0.25, 0.75,    0.375, -0.125,
                                                  0.625, -0.75, 0.125, -0.375, 0.3,   -0.0625, 0.9,   -0.6};

static double four_factor(const weir_problem *problem, size_t unit, double h) {
    (void)problem;
    return exp(powers[unit] * h);
}

static double four_slope(const weir_problem *problem, size_t unit, double h) {
    return powers[unit] * four_factor(problem, unit, h);
}

static weir_status four_objective(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                                  float *loss, float *dh, weir_error *error) {
    (void)context, (void)example, (void)error;
    for (size_t r = 0; r < rows; r++, h += units) {
        float sum = 0;
        for (size_t i = 0; i < units; i++) sum += (float)powers[i] * h[i];
        loss[r] = expf(sum);
        for (size_t i = 0; dh && i < units; i++) dh[r * units + i] = (float)powers[i] * loss[r];
    }
    return WEIR_OK;
}

weir_problem weir_problem_four(void) {
    return (weir_problem){.units = four,
                          .logits = {0.4, -0.8, 1.5, -0.2},
                          .factor = four_factor,
                          .slope = four_slope,
                          .objective = four_objective};
}

weir_status weir_problem_for(weir_problem *problem, weir_unit *unit, int place, weir_error *error) {
    static const double logits[WEIR_PROBLEM_UNITS] = {0.4, -0.8, 1.5,  -0.2, 0.9,  -1.1, 0.1,  0.6,
                                                      1.2, 0.2,  -0.5, 0.7,  -1.4, 1.0,  -0.3, 0};
    static const double spreads[WEIR_LAB_PLACES] = {0, 0.5, 1, 2, 3};
    weir_status status = WEIR_OK;
    *problem = weir_problem_four();
    if (weir_unit_variable(unit) == 1) return status;
    const bool subset = weir_unit_draw(unit)->traits & WEIR_DRAW_SUBSET;
    size_t size = weir_unit_variable(unit), count = 1;
    if (size == 0) size = subset ? 5 : 3;
    TRY_THAT(size <= WEIR_PROBLEM_UNITS, WEIR_UNSUPPORTED, "a variable of %zu outputs: problems have at most %d units",
             size, WEIR_PROBLEM_UNITS);
    if (place < 0 && 2 * size <= 8) count = 2; // of larger ones the outcomes of one are enough
    problem->units = count * size;
    TRY(weir_unit_fit(unit, size, error));
    for (size_t i = 0; i < problem->units; i++)
        problem->logits[i] = logits[i] * (place < 0 ? 1 : spreads[place % WEIR_LAB_PLACES]);
done:
    return status;
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
