// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include "categorical.h"

#include "../core/math.h"
#include "../core/noise.h"

typedef struct stepping {
    const weir_unit *unit;
    weir__variable_step *step;
} stepping;

static void step_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const stepping *s = context;
    weir__variable v = {.unit = s->unit, .batch = batch, .size = weir_unit_variable(s->unit)};
    for (v.row = rows.first; v.row < rows.last; v.row++) {
        for (v.first = 0; v.first < batch->units; v.first += v.size) {
            const size_t at = v.row * batch->units + v.first;
            v.a = batch->a + at;
            v.h = batch->h + at;
            v.saved = batch->saved ? batch->saved + at : NULL;
            v.da = batch->da ? batch->da + at : NULL;
            v.dh = batch->dh ? batch->dh + at : NULL;
            s->step(&v);
        }
    }
}

void weir__each_variable(const weir_unit *unit, const weir_unit_batch *batch, size_t work, weir__variable_step *step) {
    weir__for_rows(&(stepping){unit, step}, batch, work * batch->units, step_rows);
}

void weir__variable_uniform(const weir__variable *v, uint16_t sample, float *u) {
    float around[weir__variable_most + 8];
    weir_noise noise = v->batch->noise;
    const size_t before = v->first % 4; // noise comes in quads
    noise.sample = (uint16_t)(noise.sample + sample);
    weir__random_uniform_at(around, noise, (uint32_t)v->row, v->first - before, v->size + before);
    memcpy(u, around + before, v->size * sizeof *u);
}

WEIR__CLONES static void gumbels(float *z, const float *a, float scale, size_t count) {
    for (size_t i = 0; i < count; i++) z[i] = scale * a[i] - weir__log(-weir__log(z[i]));
}

void weir__variable_gumbel(const weir__variable *v, uint16_t sample, float scale, float *z) {
    weir__variable_uniform(v, sample, z);
    gumbels(z, v->a, scale, v->size);
}

WEIR__CLONES static void given(float *z, const float *a, float least, float top, float sum, size_t count) {
    // least = E/Σeᵃ with eᵃ relative to the greatest; beyond 80 below it the first term alone counts
    for (size_t i = 0; i < count; i++) {
        const float off = a[i] - top, e = -weir__log(z[i]);
        z[i] = off - weir__log(e + least * weir__exp(off) / sum);
    }
}

void weir__variable_given(const weir__variable *v, const float *a, size_t winner, uint16_t sample, float *z) {
    float p[weir__variable_most], top = a[0];
    const float sum = weir__softmax(p, a, v->size);
    for (size_t i = 1; i < v->size; i++) top = a[i] > top ? a[i] : top;
    weir__variable_uniform(v, sample, z);
    const float least = -weir__log(z[winner]);
    given(z, a, least, top, sum, v->size);
    z[winner] = weir__log(sum) - weir__log(least);
}

size_t weir__winner(const float *h, size_t size) {
    size_t c = 0;
    while (c < size && !(h[c] > 0)) c++;
    return c;
}

void weir__relaxed_pull(float *out, const float *z, float inverse, const float *v, size_t size) {
    float y[weir__variable_most];
    y[0] = 0; // there is at least one output, which the compiler does not know
    for (size_t i = 0; i < size; i++) y[i] = z[i] * inverse;
    weir__softmax(y, y, size);
    weir__softmax_pull(out, y, v, size);
    for (size_t i = 0; i < size; i++) out[i] *= inverse;
}

void weir__relaxed_weights(double *w, const double *z, double inverse, size_t size) {
    double y[weir__most_expected];
    weir__softmax_double(y, z, inverse, size);
    weir__softmax_jacobian(w, y, inverse, size);
}

// ---- quadrature ----------------------------------------------------------------------------------------------------

enum { most_size = 3 };
static const double step = 0.25, reach = 36;

/// Given the winner, at z = 0, the others are at −log(1 + s_j/π_j) with the density (C − 1)!·Π s_j/(1 + Σ s_j)^C in
/// log s_j, π the chances that go with the scores.
typedef struct grid {
    const weir_unit *unit;
    const double *a;
    double p[most_size], z[most_size];
    size_t size, winner;
    double chance;
    weir__score_point *point;
    weir_state visit;
    void *context;
} grid;

static void over_grid(grid *g, size_t output, double product, double sum) {
    if (output == g->winner) output++;
    if (output >= g->size) {
        double h[most_size] = {0}, w[most_size * most_size] = {0}, below = 1;
        for (size_t i = 0; i < g->size; i++) below *= 1 + sum;
        h[g->winner] = 1;
        g->point(g->unit, g->a, g->z, g->winner, h, w);
        g->visit(g->context, g->chance * (g->size == 3 ? 2 : 1) * product / below, h, w);
        return;
    }
    for (double at = -reach; at <= reach; at += step) {
        const double s = exp(at);
        g->z[output] = -log1p(s / g->p[output]);
        over_grid(g, output + 1, product * s * step, sum + s);
    }
}

void weir__over_gumbels(const weir_unit *unit, const double *a,
                        void (*scores)(const weir_unit *unit, const double *a, size_t winner, double *scores),
                        weir__score_point *point, weir_state visit, void *context) {
    grid g = {
        .unit = unit, .a = a, .size = weir_unit_variable(unit), .point = point, .visit = visit, .context = context};
    double p[most_size], own[most_size];
    if (g.size > most_size) return;
    weir__softmax_double(p, a, 1, g.size);
    for (g.winner = 0; g.winner < g.size; g.winner++) {
        g.chance = p[g.winner];
        if (scores) scores(unit, a, g.winner, own);
        weir__softmax_double(g.p, scores ? own : a, 1, g.size);
        g.z[g.winner] = 0;
        over_grid(&g, 0, 1, 0);
    }
}
