// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Losses whose exact gradient is known.

#include <math.h>
#include <string.h>

#include <weir/lab.h>

#include "../core/clones.h"
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

enum { lanes = 8, chains = 2 }; // partial sums: one alone would make each addition wait for the one before it
typedef float partial __attribute__((vector_size(lanes * sizeof(float))));
typedef float quarter __attribute__((vector_size(4 * sizeof(float))));

WEIR__INLINE float total(const partial sums[chains]) {
    const partial all = sums[0] + sums[1];
    quarter low, high;
    memcpy(&low, &all, sizeof low);
    memcpy(&high, (const char *)&all + sizeof low, sizeof high);
    low += high;
    return (low[0] + low[2]) + (low[1] + low[3]);
}

/// loss and dh of one row of the quadratic; see below.
WEIR__INLINE float quadratic_row(const float *restrict h, size_t units, double t, float *restrict dh) {
    const double per_unit = 1 / (double)units;
    const float target = (float)t, slope = (float)(2 * per_unit);
    partial sums[chains] = {{0}}, squares[chains] = {{0}}, some;
    size_t i = 0;
    // Σ (h − t)² = Σ h² − 2tΣ h + Dt²: sums of 0 and 1 are exact in float
    for (; i + (size_t)chains * lanes <= units; i += (size_t)chains * lanes) {
        for (size_t k = 0; k < chains; k++) {
            memcpy(&some, h + i + k * lanes, sizeof some);
            sums[k] += some;
            squares[k] += some * some;
        }
    }
    for (; i + lanes <= units; i += lanes) {
        memcpy(&some, h + i, sizeof some);
        sums[0] += some;
        squares[0] += some * some;
    }
    float sum = total(sums), square = total(squares);
    for (; i < units; i++) {
        sum += h[i];
        square += h[i] * h[i];
    }
    for (i = 0; dh && i < units; i++) dh[i] = slope * (h[i] - target);
    return (float)(((double)square - 2 * t * (double)sum) * per_unit + t * t);
}

WEIR__CLONES static void quadratic(float *restrict loss, float *restrict dh, const float *restrict h, size_t rows,
                                   size_t units, double t) {
    for (size_t r = 0; r < rows; r++) loss[r] = quadratic_row(h + r * units, units, t, dh ? dh + r * units : NULL);
}

weir_status weir_problem_quadratic(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                                   float *loss, float *dh, weir_error *error) {
    (void)example, (void)error;
    quadratic(loss, dh, h, rows, units, *(const double *)context);
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
