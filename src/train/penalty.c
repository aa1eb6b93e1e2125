// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Sparsity penalties: two of Bengio, Léonard and Courville 2013, and L0 of Louizos et al. 2018. R rows, units i, s the
// target, q = P(h ≠ 0 | a).
//   kl (eq. 14)  −λ Σ_i [s log p̄_i + (1 − s) log(1 − p̄_i)],  p̄_i = (1/R) Σ_r q(a_ri)
//                gradient −(λ/R)·[s/p̄_i − (1 − s)/(1 − p̄_i)]·∂q/∂a_ri
//   l1 (eq. 15)  (λ/R) Σ_r Σ_i |h_ri|
//                gradient: the rule's own backward with ∂/∂h = (λ/R)·sign(h) where the rule differentiates the drawn
//                output and needs nothing but a and h for it; else (λ/R)·∂q/∂a, as for outputs 0 and 1, for which
//                E|h| = q.
//   l0           (λ/R) Σ_r Σ_i q(a_ri), the expected number of open gates (Louizos et al. 2018, eq. 12)
// λ of l1 and l0 goes up by the factor `adapt` when the batch's share is above target + tolerance, and down when it is
// under target − tolerance. kl pulls from both sides: its λ goes up outside the tolerance and back to its first value
// inside.

#include <math.h>
#include <string.h>

#include "../core/parallel.h"
#include "sparsity.h"

enum { chunk = 64 }; // units that a thread takes at a time: whole cache lines of each row

static const float nearly_0 = 1e-6f; // p̄ is kept that far from 0 and 1, where the logarithm has its poles
static const double least_weight = 1e-12, greatest_weight = 1e6;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Per unit of first … last − 1, the share of rows in which it was open.
static void count_open(float *opened, size_t first, size_t last, size_t rows, size_t units, const float *h) {
    const float row = 1 / (float)rows;
    for (size_t i = first; i < last; i++) opened[i] = 0;
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = first; i < last; i++) opened[i] += h[r * units + i] != 0 ? row : 0;
    }
}

// What a penalty is computed from.
typedef struct penalised {
    weir__gate_control *gate;
    size_t rows, units;
    const float *h;
    float *da;
    const float *values; // of mean_chunk
} penalised;

static void kl_chunk(const penalised *p, size_t first, size_t last) {
    const weir__gate_control *gate = p->gate;
    const size_t rows = p->rows, units = p->units;
    float *da = p->da;
    const float s = (float)gate->sparsity->target, weight = (float)gate->weight;
    const size_t width = last - first;
    float slope[chunk] = {0};
    for (size_t r = 0; r < rows; r++) {
        const float *q = gate->q + r * units + first;
        for (size_t i = 0; i < width; i++) slope[i] += q[i];
    }
    for (size_t i = 0; i < width; i++) {
        const float mean = fminf(fmaxf(slope[i] / (float)rows, nearly_0), 1 - nearly_0);
        gate->term[first + i] = -weight * (s * logf(mean) + (1 - s) * log1pf(-mean));
        slope[i] = -weight / (float)rows * (s / mean - (1 - s) / (1 - mean));
    }
    for (size_t r = 0; r < rows; r++) {
        const size_t at = r * units + first;
        for (size_t i = 0; i < width; i++) da[at + i] += slope[i] * gate->dq[at + i];
    }
}

// The mean of |values| per unit, times the weight; its slopes are in dq.
static void mean_chunk(const penalised *p, size_t first, size_t last) {
    const weir__gate_control *gate = p->gate;
    const double weight = gate->weight / (double)p->rows;
    for (size_t i = first; i < last; i++) gate->term[i] = 0;
    for (size_t r = 0; r < p->rows; r++) {
        for (size_t i = first, at = r * p->units + first; i < last; i++, at++) {
            gate->term[i] += weight * fabsf(p->values[at]);
            p->da[at] += gate->dq[at];
        }
    }
}

// What the chunks left per unit, in one order whatever the threads.
static double finish(weir__gate_control *gate, size_t units) {
    double value = 0, share = 0;
    for (size_t i = 0; i < units; i++) {
        value += gate->term[i];
        share += gate->opened[i];
    }
    gate->share = share / (double)units;
    return value;
}

typedef struct chunks {
    const penalised *p;
    void (*function)(const penalised *p, size_t first, size_t last);
} chunks;

static void run_chunks(const void *context, weir__range numbers) {
    const chunks *c = context;
    const penalised *p = c->p;
    for (size_t k = numbers.first; k < numbers.last; k++) {
        const size_t first = k * chunk, last = smaller(first + chunk, p->units);
        count_open(p->gate->opened, first, last, p->rows, p->units, p->h);
        c->function(p, first, last);
    }
}

// The shares of open gates, and a penalty chunk by chunk.
static double for_chunks(const penalised *p, void (*function)(const penalised *p, size_t first, size_t last)) {
    const size_t count = (p->units + chunk - 1) / chunk;
    weir__parallel_ranges(count, (double)(p->rows * chunk), run_chunks, &(chunks){p, function});
    return finish(p->gate, p->units);
}

static double kl(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a, const float *h,
                 float *da) {
    weir__gate_control *gate = context;
    weir_unit_draw(unit)->opening(unit, rows * units, a, gate->q, gate->dq);
    return for_chunks(&(penalised){gate, rows, units, h, da, NULL}, kl_chunk);
}

// Whether backward gives ∂h/∂a of the drawn output from a and h alone.
static bool has_own_slope(const weir_rule *rule) {
    return (rule->traits & WEIR_TRAIT_PATHWISE) && !rule->saved && !rule->state;
}

// The weighted slopes of P(h ≠ 0).
static void opening_slopes(weir__gate_control *gate, const weir_unit *unit, size_t rows, size_t units, const float *a) {
    const float weight = (float)(gate->weight / (double)rows);
    weir_unit_draw(unit)->opening(unit, rows * units, a, gate->q, gate->dq);
    for (size_t k = 0; k < rows * units; k++) gate->dq[k] *= weight;
}

static void l1_slopes(weir__gate_control *gate, const weir_unit *unit, size_t rows, size_t units, const float *a,
                      float *h) {
    const size_t count = rows * units;
    const float weight = (float)(gate->weight / (double)rows);
    if (!has_own_slope(unit->rule)) {
        opening_slopes(gate, unit, rows, units, a);
        return;
    }
    for (size_t k = 0; k < count; k++) gate->q[k] = h[k] > 0 ? weight : h[k] < 0 ? -weight : 0;
    const weir_unit_batch batch = {
        .rows = rows, .units = units, .a = a, .h = h, .dh = gate->q, .row_weight = 1 / (float)rows, .da = gate->dq};
    unit->rule->backward(unit, &batch);
}

static double l1(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a, const float *h,
                 float *da) {
    weir__gate_control *gate = context;
    // backward only reads h; the batch it takes holds a pointer that other callers write through.
    l1_slopes(gate, unit, rows, units, a, (float *)h);
    return for_chunks(&(penalised){gate, rows, units, h, da, h}, mean_chunk);
}

static double l0(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a, const float *h,
                 float *da) {
    weir__gate_control *gate = context;
    opening_slopes(gate, unit, rows, units, a);
    return for_chunks(&(penalised){gate, rows, units, h, da, gate->q}, mean_chunk);
}

// Without a penalty the share is still counted, for the push on the biases.
static double none(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a, const float *h,
                   float *da) {
    weir__gate_control *gate = context;
    (void)unit, (void)a, (void)da;
    count_open(gate->opened, 0, units, rows, units, h);
    return finish(gate, units);
}

static double within_bounds(double weight) { return fmin(fmax(weight, least_weight), greatest_weight); }

static double kl_adapt(const weir_sparsity_options *o, double target, double weight, double share) {
    if (fabs(share - target) > o->tolerance) return within_bounds(weight * o->adapt);
    return fmax(weight / o->adapt, fmin(weight, o->weight));
}

static double l1_adapt(const weir_sparsity_options *o, double target, double weight, double share) {
    if (share > target + o->tolerance) return within_bounds(weight * o->adapt);
    if (share < target - o->tolerance) return within_bounds(weight / o->adapt);
    return weight;
}

static double keep(const weir_sparsity_options *o, double target, double weight, double share) {
    (void)o, (void)target, (void)share;
    return weight;
}

static const weir__sparsity_rule rules[] = {
    {"kl", kl, kl_adapt}, {"l1", l1, l1_adapt}, {"l0", l0, l1_adapt}, {"none", none, keep}};

const weir__sparsity_rule *weir__sparsity_find(const char *name) {
    for (size_t i = 0; name && i < sizeof rules / sizeof *rules; i++) {
        if (!strcmp(rules[i].name, name)) return &rules[i];
    }
    return NULL;
}
