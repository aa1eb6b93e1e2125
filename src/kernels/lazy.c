// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include "lazy.h"

#include <math.h>
#include <string.h>

#include "../core/clones.h"
#include "../core/core.h"

static const double negligible = 1e-10; // of β₁ʲ: what is behind it moves weights by less than their last bit
static const double narrow = 0.02;      // relative deviation of the aⱼ up to which five moments are enough
static const double vanished = 1e-30;   // averages below it are 0, not denormal numbers
enum { first_room = 1024 };

weir_status weir__history_push(weir__history *h, double rate, weir_error *error) {
    if (h->count == h->room) {
        const size_t room = h->room ? 2 * h->room : first_room;
        double *fresh = NULL;
        const weir_status status = weir__new(&fresh, 2 * room, sizeof *fresh, "the steps of an optimizer", error);
        if (status != WEIR_OK) return status;
        if (h->count) memcpy(fresh, h->rate, h->count * sizeof *fresh);
        if (h->count) memcpy(fresh + room, h->root, h->count * sizeof *fresh);
        weir__free(h->rate);
        h->rate = fresh;
        h->root = fresh + room;
        h->room = room;
    }
    const double s = (double)h->count + 1;
    h->rate[h->count] = rate / (1 - pow(h->beta1, s));
    h->root[h->count++] = 1 / sqrt(1 - pow(h->beta2, s));
    return WEIR_OK;
}

void weir__history_free(weir__history *h) {
    weir__free(h->rate);
    h->rate = h->root = NULL;
    h->count = h->room = 0;
}

/// Sums of cⱼ·aⱼⁿ, about the first aⱼ so that nothing cancels.
static void take_moments(weir__gap *gap) {
    const weir__history *h = gap->history;
    const double past = sqrt(h->beta2), origin = past * h->root[gap->from];
    double c = 1, b = 1, sums[5] = {0};
    for (size_t j = 0; j < gap->steps; j++) {
        c *= h->beta1;
        b *= past;
        const double weight = c * h->rate[gap->from + j], d = b * h->root[gap->from + j] - origin;
        sums[0] += weight;
        sums[1] += weight * d;
        sums[2] += weight * d * d;
        sums[3] += weight * d * d * d;
        sums[4] += weight * d * d * d * d;
    }
    const double scale = sums[0] > 0 ? 1 / sums[0] : 0;
    const double e = sums[1] * scale, e2 = sums[2] * scale, e3 = sums[3] * scale, e4 = sums[4] * scale;
    const double variance = fmax(e2 - e * e, 0);
    gap->sum = (float)sums[0];
    gap->mean = (float)(origin + e);
    gap->second = (float)variance;
    gap->third = (float)(e3 - 3 * e * e2 + 2 * e * e * e);
    gap->fourth = (float)(e4 - 4 * e * e3 + 6 * e * e * e2 - 3 * e * e * e * e);
    gap->one_by_one = sqrt(variance) > narrow * (origin + e);
}

weir__gap weir__gap_between(const weir__history *h, size_t from, size_t to) {
    const double steps = (double)(to - from), most = ceil(log(negligible) / log(h->beta1));
    const double past1 = pow(h->beta1, steps), past2 = pow(h->beta2, steps);
    weir__gap gap = {.history = h,
                     .from = from,
                     .steps = steps < most ? to - from : (size_t)most,
                     .past1 = past1 < vanished ? 0 : (float)past1,
                     .past2 = past2 < vanished ? 0 : (float)past2};
    if (gap.steps) take_moments(&gap);
    return gap;
}

WEIR__CLONES static void cross_at_once(const weir__gap *gap, size_t count, float *restrict w, const float *restrict m,
                                       const float *restrict v) {
    const float sum = gap->sum, mean = gap->mean, second = gap->second, third = gap->third, fourth = gap->fourth;
    const float epsilon = (float)gap->history->epsilon;
    for (size_t i = 0; i < count; i++) {
        const float root = sqrtf(v[i]), inverse = 1 / (mean * root + epsilon), x = root * inverse;
        w[i] -= m[i] * sum * inverse * (1 + x * x * (second - x * (third - x * fourth)));
    }
}

/// Factors of a step: its move is factor·m/(root·√v + ε).
typedef struct lone_step {
    float factor, root;
} lone_step;

enum { AT_ONCE = 64 }; // weights and steps

WEIR__CLONES static void add_steps(const lone_step *steps, size_t step_count, size_t count, const float *restrict roots,
                                   float *restrict moved, float epsilon) {
    for (size_t j = 0; j < step_count; j++) {
        const float factor = steps[j].factor, root = steps[j].root;
        for (size_t i = 0; i < count; i++) moved[i] += factor / (root * roots[i] + epsilon);
    }
}

WEIR__CLONES static void take_roots(size_t count, const float *restrict squares, float *restrict roots) {
    for (size_t i = 0; i < count; i++) roots[i] = sqrtf(squares[i]);
}

WEIR__CLONES static void put_moves(size_t count, const float *restrict moved, float *restrict w,
                                   const float *restrict m) {
    for (size_t i = 0; i < count; i++) w[i] -= m[i] * moved[i];
}

static void cross_one_by_one(const weir__gap *gap, size_t count, float *w, const float *m, const float *v) {
    const weir__history *h = gap->history;
    const double past = sqrt(h->beta2);
    const float epsilon = (float)h->epsilon;
    for (size_t at = 0, some = 0; at < count; at += some) {
        float roots[AT_ONCE], moved[AT_ONCE] = {0};
        lone_step steps[AT_ONCE];
        double c = 1, b = 1;
        some = count - at < AT_ONCE ? count - at : AT_ONCE;
        take_roots(some, v + at, roots);
        for (size_t j = 0, taken = 0; j < gap->steps; j += taken) {
            for (taken = 0; taken < AT_ONCE && j + taken < gap->steps; taken++) {
                c *= h->beta1;
                b *= past;
                steps[taken] = (lone_step){(float)(c * h->rate[gap->from + j + taken]),
                                           (float)(b * h->root[gap->from + j + taken])};
            }
            add_steps(steps, taken, some, roots, moved, epsilon);
        }
        put_moves(some, moved, w + at, m + at);
    }
}

WEIR__CLONES static void age(const weir__gap *gap, size_t count, float *restrict m, float *restrict v) {
    const float past1 = gap->past1, past2 = gap->past2;
    for (size_t i = 0; i < count; i++) {
        m[i] *= past1;
        v[i] *= past2;
    }
}

void weir__gap_cross_weights(const weir__gap *gap, size_t count, float *weights, const float *mean,
                             const float *square) {
    if (!gap->steps) return;
    (gap->one_by_one ? cross_one_by_one : cross_at_once)(gap, count, weights, mean, square);
}

void weir__gap_cross(const weir__gap *gap, size_t count, float *weights, float *mean, float *square) {
    weir__gap_cross_weights(gap, count, weights, mean, square);
    age(gap, count, mean, square);
}

/// The numbers of a step, in float.
typedef struct constants {
    float past1, new1, past2, new2, rate, root, epsilon;
} constants;

WEIR__CLONES static void move(const constants *c, size_t count, float *restrict w, const float *restrict g,
                              float *restrict m, float *restrict v) {
    const float past1 = c->past1, new1 = c->new1, past2 = c->past2, new2 = c->new2;
    const float rate = c->rate, correction = c->root, epsilon = c->epsilon;
    for (size_t i = 0; i < count; i++) {
        m[i] = past1 * m[i] + new1 * g[i];
        v[i] = past2 * v[i] + new2 * g[i] * g[i];
        w[i] -= rate * m[i] / (sqrtf(v[i]) * correction + epsilon);
    }
}

void weir__history_move(const weir__history *h, float past1, float past2, size_t count, float *weights, const float *g,
                        float *mean, float *square) {
    const size_t last = h->count - 1;
    const constants c = {.past1 = (float)h->beta1 * past1,
                         .new1 = (float)(1 - h->beta1),
                         .past2 = (float)h->beta2 * past2,
                         .new2 = (float)(1 - h->beta2),
                         .rate = (float)h->rate[last],
                         .root = (float)h->root[last],
                         .epsilon = (float)h->epsilon};
    move(&c, count, weights, g, mean, square);
}
