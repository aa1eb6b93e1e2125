// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Categorical variables: of C outputs one is 1, the c-th with probability π_c = softmax(a)_c. One uniform number per
// variable, at the coordinate of its place among the variables of the row, is compared with the running sum of π.

#include "../core/noise.h"
#include "draws.h"

#include <math.h>

// tempered-one-of has softmax(a/τ) in place of softmax(a).

enum { temperature_index = weir__of_index + 1 };

static const weir_parameter parameters[] = {WEIR__PARAMETER_OF};
static const weir_parameter tempered_parameters[] = {
    WEIR__PARAMETER_OF,
    [temperature_index] =
        {.name = "temperature", .initial = 1, .least = 0.01, .greatest = 100, .about = "τ: more is more random"},
};

/// 1/τ; the plain draw has no temperature among its values.
static double colder(const weir_unit *unit) {
    return unit->draw_values[temperature_index] > 0 ? 1 / unit->draw_values[temperature_index] : 1;
}

/// p = softmax(a/τ) of one variable.
static void probabilities(const weir_unit *unit, const float *a, float *p) {
    const size_t size = weir__of(unit);
    const float inverse = (float)colder(unit);
    if (inverse == 1) {
        weir__softmax(p, a, size);
        return;
    }
    for (size_t i = 0; i < size; i++) p[i] = a[i] * inverse;
    weir__softmax(p, p, size);
}

/// Of weights with that sum, the one in which u·sum falls.
static size_t choose(const float *weights, float sum, float u, size_t count) {
    const float target = u * sum;
    float reached = weights[0];
    size_t c = 0;
    while (c + 1 < count && !(target < reached)) reached += weights[++c];
    return c;
}

static void sample_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const size_t size = weir__of(unit), variables = batch->units / size;
    float p[weir__variable_most], u[weir__span_units];
    for (size_t row = rows.first; row < rows.last; row++) {
        for (size_t v = 0; v < variables; v++) {
            const size_t at = row * batch->units + v * size, left = variables - v;
            if (v % weir__span_units == 0)
                weir__random_uniform_at(u, batch->noise, (uint32_t)row, v,
                                        left < weir__span_units ? left : weir__span_units);
            probabilities(unit, batch->a + at, p);
            const float none = p[0] - p[0]; // NaN stays
            for (size_t c = 0; c < size; c++) batch->h[at + c] = none;
            if (none == 0) batch->h[at + choose(p, 1, u[v % weir__span_units], size)] = 1;
        }
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, 2 * batch->units, sample_rows);
}

static void expect(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_variables(unit, batch, 2, probabilities);
}

static void decide_one(const weir_unit *unit, const float *a, float *h) { weir__top(h, a, weir__of(unit), 1); }
static void decide(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_variables(unit, batch, 1, decide_one);
}

static void opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    const size_t size = weir__of(unit);
    for (size_t at = 0; at < count; at += size) probabilities(unit, a + at, q + at);
    for (size_t i = 0; dq && i < count; i++) dq[i] = q[i] * (1 - q[i]) * (float)colder(unit);
}

static void score(const weir_unit *unit, size_t count, const float *a, const float *h, float *to) {
    const size_t size = weir__of(unit);
    for (size_t at = 0; at < count; at += size) probabilities(unit, a + at, to + at);
    for (size_t i = 0; i < count; i++) to[i] = (h[i] - to[i]) * (float)colder(unit);
}

static void pull(const weir_unit *unit, size_t count, const float *a, const float *v, float *out) {
    const size_t size = weir__of(unit);
    float p[weir__variable_most];
    for (size_t at = 0; at < count; at += size) {
        probabilities(unit, a + at, p);
        weir__softmax_pull(out + at, p, v + at, size);
        for (size_t i = 0; i < size; i++) out[at + i] *= (float)colder(unit);
    }
}

static size_t outcomes(const weir_unit *unit) { return weir__of(unit); }

static void outcome(const weir_unit *unit, size_t index, float *h) {
    for (size_t c = 0; c < weir__of(unit); c++) h[c] = c == index;
}

static double chance(const weir_unit *unit, const float *a, const float *h) {
    double most = (double)a[0], sum = 0, own = 0;
    for (size_t c = 1; c < weir__of(unit); c++) most = fmax(most, (double)a[c]);
    for (size_t c = 0; c < weir__of(unit); c++) {
        const double w = exp(((double)a[c] - most) * colder(unit));
        sum += w;
        own += h[c] != 0 ? w : 0;
    }
    return own / sum;
}

static void states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    enum { most = 64 };
    const size_t size = weir__of(unit);
    double p[most], h[most] = {0};
    if (size > most) return;
    weir__softmax_double(p, a, colder(unit), size);
    for (size_t c = 0; c < size; c++) {
        h[c] = 1;
        visit(context, p[c], h, NULL);
        h[c] = 0;
    }
}

const weir_draw weir__draw_one_of = {
    .name = "one-of",
    .summary = "categorical: one of C outputs is 1",
    .forward = "h = e_c, c ~ softmax(a)",
    .source = "Williams 1992; Jang, Gu and Poole 2017 (arXiv 1611.01144), section 2",
    .traits = WEIR_DRAW_SCORE | WEIR_DRAW_MARGINAL | WEIR_DRAW_OUTCOMES | WEIR_DRAW_ONE_OF | WEIR_DRAW_NATURAL |
              WEIR_DRAW_RANDOM,
    WEIR__PARAMETERS,
    .decided = "h = 1 at the greatest a",
    .expected = "h = softmax(a)",
    .sample = sample,
    .expect = expect,
    .decide = decide,
    .opening = opening,
    .states = states,
    .score = score,
    .pull = pull,
    .outcomes = outcomes,
    .outcome = outcome,
    .chance = chance,
};

const weir_draw weir__draw_tempered_one_of = {
    .name = "tempered-one-of",
    .summary = "categorical with a temperature: one of C outputs is 1",
    .forward = "h = e_c, c ~ softmax(a/τ)",
    .source = "Williams 1992; Jang, Gu and Poole 2017 (arXiv 1611.01144), section 2",
    .traits = WEIR_DRAW_SCORE | WEIR_DRAW_MARGINAL | WEIR_DRAW_OUTCOMES | WEIR_DRAW_ONE_OF | WEIR_DRAW_RANDOM,
    .parameters = tempered_parameters,
    .parameter_count = sizeof tempered_parameters / sizeof *tempered_parameters,
    .decided = "h = 1 at the greatest a",
    .expected = "h = softmax(a/τ)",
    .sample = sample,
    .expect = expect,
    .decide = decide,
    .opening = opening,
    .states = states,
    .score = score,
    .pull = pull,
    .outcomes = outcomes,
    .outcome = outcome,
    .chance = chance,
};
