// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Forms that several rules have in common: Bernoulli draws, the sigmoid and its derivative, binary decisions.

#include "../core/math.h"
#include "rules.h"

/// What stands before the sigmoid: scale·a + shift.
typedef struct moved {
    float scale, shift;
} moved;

WEIR__CLONES static void opening_piece(const void *context, size_t count, const float *restrict a, float *restrict q,
                                       float *restrict dq) {
    const moved m = *(const moved *)context;
    if (!dq) {
        for (size_t i = 0; i < count; i++) q[i] = weir__sigmoid(m.scale * a[i] + m.shift);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        float p, rest;
        weir__sigmoid_pair(m.scale * a[i] + m.shift, &p, &rest);
        q[i] = p;
        dq[i] = p * rest * m.scale;
    }
}

void weir__opening_moved(size_t count, const float *a, float *q, float *dq, float scale, float shift) {
    weir__for_openings(&(moved){scale, shift}, count, a, q, dq, opening_piece);
}

void weir__opening_sigmoid(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    (void)unit;
    weir__opening_moved(count, a, q, dq, 1, 0);
}

WEIR__CLONES static void expect_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const moved m = *(const moved *)context;
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    for (size_t i = 0; i < span.count; i++) h[i] = weir__sigmoid(m.scale * a[i] + m.shift);
}

void weir__expect_moved(const weir_unit_batch *batch, float scale, float shift) {
    weir__for_spans(&(moved){scale, shift}, batch, expect_span);
}

void weir__expect_sigmoid(const weir_unit *unit, const weir_unit_batch *batch) {
    (void)unit;
    weir__expect_moved(batch, 1, 0);
}

WEIR__CLONES static void decide_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    const float threshold = batch->threshold;
    for (size_t i = 0; i < span.count; i++) h[i] = a[i] > threshold ? 1.0f : 0.0f;
}

void weir__decide_binary(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_spans(unit, batch, decide_span);
}

WEIR__CLONES static void sample_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict a = batch->a + span.at;
    float *restrict h = batch->h + span.at;
    weir__span_uniform(h, batch->noise, span);
    for (size_t i = 0; i < span.count; i++) h[i] = weir__bernoulli(h[i], weir__sigmoid(a[i]));
}

void weir__sample_bernoulli(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_spans(unit, batch, sample_span);
}

WEIR__CLONES static void sample_groups_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict a = batch->a + span.at;
    float p[weir__span_units];
    weir_noise noise = batch->noise;
    for (size_t i = 0; i < span.count; i++) p[i] = weir__sigmoid(a[i]);
    for (size_t g = 0; g < batch->groups; g++, noise.sample++) {
        float *restrict h = batch->h + g * batch->rows * batch->units + span.at;
        weir__span_uniform(h, noise, span);
        for (size_t i = 0; i < span.count; i++) h[i] = weir__bernoulli(h[i], p[i]);
    }
}

void weir__sample_bernoulli_groups(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_spans(unit, batch, sample_groups_span);
}

WEIR__CLONES static void open_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict h = batch->h + span.at, *restrict dh = batch->dh + span.at;
    float *restrict da = batch->da + span.at;
    for (size_t i = 0; i < span.count; i++) da[i] = h[i] == 0 ? 0.0f : dh[i];
}

void weir__backward_open(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_spans(unit, batch, open_span);
}

WEIR__CLONES static void saved_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict saved = batch->saved + span.at, *restrict dh = batch->dh + span.at;
    float *restrict da = batch->da + span.at;
    for (size_t i = 0; i < span.count; i++) da[i] = dh[i] * saved[i];
}

void weir__backward_saved(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_spans(unit, batch, saved_span);
}

WEIR__CLONES static void sigmoid_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    (void)context;
    const float *restrict h = batch->h + span.at, *restrict dh = batch->dh + span.at;
    float *restrict da = batch->da + span.at;
    for (size_t i = 0; i < span.count; i++) da[i] = dh[i] * (h[i] * (1.0f - h[i]));
}

void weir__backward_sigmoid(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_spans(unit, batch, sigmoid_span);
}

typedef struct difference {
    float scale;
    size_t plus, minus; ///< row groups
} difference;

WEIR__CLONES static void difference_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const difference *d = context;
    const float *plus = batch->loss + d->plus * batch->rows, *minus = batch->loss + d->minus * batch->rows;
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *restrict saved = batch->saved + row * batch->units;
        float *restrict da = batch->da + row * batch->units;
        const float factor = d->scale * (plus[row] - minus[row]);
        for (size_t i = 0; i < batch->units; i++) da[i] = factor * saved[i];
    }
}

void weir__backward_difference(const weir_unit_batch *batch, float scale, size_t plus, size_t minus) {
    weir__for_rows(&(difference){scale, plus, minus}, batch, batch->units, difference_rows);
}
