// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include "prior.h"

#include <math.h>

#include "../core/math.h"
#include "categorical.h"

static const float least_chance = 1e-37f; // p·log p is 0 below it

bool weir__prior_exists(const weir_unit *unit) {
    enum { categorical = WEIR_DRAW_ONE_OF | WEIR_DRAW_MARGINAL | WEIR_DRAW_OUTCOMES };
    const weir_draw *draw = weir_unit_draw(unit);
    return !unit->rule->weigh && (weir__is_bernoulli(unit) || (draw->traits & categorical) == categorical);
}

typedef struct task {
    const weir_unit *unit;
    size_t units;
    const float *a, *h;
    double s, weight;
    double *to;
    float *da; // or NULL
} task;

/// Terms of `count` bits, at most weir__span_units: their sum, and weighted slopes.
WEIR__CLONES static double bits(const float *restrict a, float *restrict slope, float s, float weight, size_t count) {
    const float open = weir__log(s), closed = weir__log(1 - s), even = open - closed;
    float term[weir__span_units] = {0};
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        float p, q;
        weir__sigmoid_pair(a[i], &p, &q);
        const float lp = weir__log(p > least_chance ? p : least_chance);
        const float lq = weir__log(q > least_chance ? q : least_chance);
        term[i] = p * (lp - open) + q * (lq - closed);
        slope[i] = weight * p * q * (a[i] - even);
    }
    for (size_t i = 0; i < count; i++) sum += (double)term[i];
    return sum;
}

static void bit_rows(const void *context, weir__range rows) {
    const task *t = context;
    float slope[weir__span_units];
    for (size_t r = rows.first; r < rows.last; r++) {
        for (size_t first = 0; first < t->units; first += weir__span_units) {
            const size_t left = t->units - first, count = left < weir__span_units ? left : weir__span_units;
            const size_t at = r * t->units + first;
            t->to[r] += bits(t->a + at, slope, (float)t->s, (float)t->weight, count);
            for (size_t i = 0; t->da && i < count; i++) t->da[at + i] += slope[i];
        }
    }
}

WEIR__CLONES static void logarithms(float *restrict to, const float *restrict q, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = weir__log(q[i] > least_chance ? q[i] : least_chance);
}

static void categorical_rows(const void *context, weir__range rows) {
    const task *t = context;
    const weir_draw *draw = weir_unit_draw(t->unit);
    const size_t size = weir_unit_variable(t->unit);
    const double uniform = log((double)size);
    float q[weir__variable_most], logarithm[weir__variable_most];
    for (size_t r = rows.first; r < rows.last; r++) {
        for (size_t at = r * t->units; at < (r + 1) * t->units; at += size) {
            double sum = uniform;
            draw->opening(t->unit, size, t->a + at, q, NULL);
            logarithms(logarithm, q, size);
            for (size_t i = 0; i < size; i++) sum += (double)(q[i] * logarithm[i]);
            t->to[r] += sum;
            if (!t->da) continue;
            draw->pull(t->unit, size, t->a + at, logarithm, q);
            for (size_t i = 0; i < size; i++) t->da[at + i] += (float)t->weight * q[i];
        }
    }
}

void weir__prior_divergence(const weir_unit *unit, double s, size_t rows, size_t units, const float *a, double *to,
                            double weight, float *da) {
    enum { work = 30 };
    const task t = {.unit = unit, .units = units, .a = a, .s = s, .weight = weight, .to = to, .da = da};
    weir__parallel_ranges(rows, work * (double)units, weir__is_bernoulli(unit) ? bit_rows : categorical_rows, &t);
}

static void ratio_rows(const void *context, weir__range rows) {
    const task *t = context;
    const weir_draw *draw = weir_unit_draw(t->unit);
    const size_t size = weir_unit_variable(t->unit);
    const bool coins = weir__is_bernoulli(t->unit);
    for (size_t r = rows.first; r < rows.last; r++) {
        for (size_t at = r * t->units; at < (r + 1) * t->units; at += size) {
            const double prior = !coins ? 1 / (double)size : t->h[at] != 0 ? t->s : 1 - t->s;
            t->to[r] += log(draw->chance(t->unit, t->a + at, t->h + at) / prior);
        }
    }
}

void weir__prior_ratio(const weir_unit *unit, double s, size_t rows, size_t units, const float *a, const float *h,
                       double *to) {
    enum { work = 100 };
    const task t = {.unit = unit, .units = units, .a = a, .h = h, .s = s, .to = to};
    weir__parallel_ranges(rows, work * (double)units, ratio_rows, &t);
}
