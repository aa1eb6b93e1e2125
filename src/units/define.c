// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Quadratures over the noise of a unit: midpoint rules whose cells meet at the edge, where an output may jump.

#include "define.h"

static const double logistic_step = 4e-3, logistic_reach = 36, normal_step = 2e-3, normal_reach = 9;

void weir__over_coin(double chance, double on, weir_outcome visit, void *context) {
    visit(context, chance, on, 0);
    visit(context, 1 - chance, 0, 0);
}

static double logistic_density(double z) {
    const double tail = exp(-fabs(z));
    return tail / ((1 + tail) * (1 + tail));
}

static double normal_density(double z) { return exp(-z * z / 2) * 0.3989422804014327; }

static void over(const weir_unit *unit, double a, double edge, double step, double reach, double (*density)(double z),
                 weir__point *point, weir_outcome visit, void *context) {
    double h, weight;
    for (double k = floor((-reach - edge) / step); k * step < reach - edge; k++) {
        const double z = edge + (k + 0.5) * step;
        point(unit, a, z, &h, &weight);
        visit(context, step * density(z), h, weight);
    }
}

void weir__over_logistic(const weir_unit *unit, double a, double edge, weir__point *point, weir_outcome visit,
                         void *context) {
    over(unit, a, edge, logistic_step, logistic_reach, logistic_density, point, visit, context);
}

void weir__over_normal(const weir_unit *unit, double a, double edge, weir__point *point, weir_outcome visit,
                       void *context) {
    over(unit, a, edge, normal_step, normal_reach, normal_density, point, visit, context);
}

static void gumbel_point(const weir_unit *unit, double a, double z, double *h, double *weight) {
    *h = a + z > 0;
    *weight = weir__logistic_slope(a + z, weir_unit_value(unit, "temperature"));
}

void weir__over_gumbel(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    weir__over_logistic(unit, a, -a, gumbel_point, visit, context);
}

typedef struct scaled {
    double chance;
    weir_outcome visit;
    void *context;
} scaled;

static void visit_scaled(void *context, double chance, double h, double weight) {
    const scaled *outer = context;
    outer->visit(outer->context, outer->chance * chance, h, weight);
}

/// In v = logit B, where the density of B ~ Beta(α, β) is proportional to σ(v)^α σ(−v)^β and smooth: the trapezoid
/// rule.
void weir__over_beta(const weir_unit *unit, double a, double target, double beta, double r, weir_definition inner,
                     weir_outcome visit, void *context) {
    enum { points = 601 };
    const double alpha = (target * (beta - 2) + 1) / (1 - target), step = 0.1, scale = fabs(log(1 / r - 1));
    double density[points], sum = 0;
    for (int k = 0; k < points; k++) {
        const double v = step * (k - points / 2);
        density[k] = exp(-alpha * log1p(exp(-v)) - beta * log1p(exp(v)) + (alpha + beta) * log(2));
        sum += density[k];
    }
    for (int k = 0; k < points; k++) {
        scaled outer = {density[k] / sum, visit, context};
        if (outer.chance < 1e-18) continue;
        inner(unit, a + scale * (weir__logistic(step * (k - points / 2)) - 0.5), visit_scaled, &outer);
    }
}

double weir__no_variance(double p, double t) {
    (void)p, (void)t;
    return 0;
}

enum { most_defined = 16 }; // outputs of a variable that is enumerated

typedef struct mean_outputs {
    double sum[most_defined];
    size_t size;
} mean_outputs;

static void add_outputs(void *context, double chance, const double *h, const double *weights) {
    mean_outputs *m = context;
    (void)weights;
    for (size_t j = 0; j < m->size; j++) m->sum[j] += chance * h[j];
}

void weir__mean_jacobian(const weir_unit *unit, const double *a, double *w) {
    const size_t size = weir_unit_variable(unit);
    const double step = 1e-3, factors[4] = {8, -8, -1, 1}, places[4] = {1, -1, 2, -2};
    double moved[most_defined] = {0};
    for (size_t i = 0; i < size * size; i++) w[i] = 0;
    for (size_t i = 0; i < size; i++) {
        for (size_t k = 0; k < 4; k++) {
            mean_outputs m = {.size = size};
            for (size_t j = 0; j < size; j++) moved[j] = a[j] + (j == i ? places[k] * step : 0);
            weir_unit_draw(unit)->states(unit, moved, add_outputs, &m);
            for (size_t j = 0; j < size; j++) w[i * size + j] += factors[k] * m.sum[j] / (12 * step);
        }
    }
}
