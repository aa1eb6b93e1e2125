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
//   load-l1      (λ/R) Σ_r Σ_i (f_i/s)·|h_ri|, f_i the share of rows in which i was open, held fixed (ReMoE, Wang et
//   al.
//                2025, eq. 9): crowded gates pay more
//   switch       λ n Σ_i f_i P_i, f_i unit i's part of all that was open, held fixed, P_i = (1/R) Σ_r softmax(a_r)_i
//                (Fedus, Zoph and Shazeer 2022, eq. 4): λ when all n gates are open equally often
//   z            (λ/R) Σ_r (log Σ_i e^(a_ri))² (Zoph et al. 2022, ST-MoE, eq. 5)
//   prior        (λ/R) Σ_r KL(q(h | a_r) ‖ prior(h)), the prior's bits 1 with probability s, its variables of C outputs
//                uniform: with the loss as −log p(target | h) and λ = 1, the negative ELBO (Kingma and Welling 2014,
//                arXiv 1312.6114, eq. 3), the divergence in closed form (src/units/prior.h)
// Softmax and sum of switch and z run over the outputs of a variable; units that are drawn alone are one variable, the
// layer. For draws of several outputs ∂q/∂a is a matrix, and the gradient of kl, l1, load-l1 and l0 goes through it;
// draws whose mean has no known derivative, or a flat one, are refused with these. λ of l1, load-l1 and l0 goes up by
// the factor `adapt` when the batch's share is above target + tolerance, and down when it is under target − tolerance.
// kl pulls from both sides: its λ goes up outside the tolerance and back to its first value inside.

#include <math.h>
#include <string.h>

#include "../core/parallel.h"
#include "../units/prior.h"
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
    const float s = (float)gate->target, weight = (float)gate->weight;
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

/// What a penalty is the derivative of: ∂/∂q of the unit's opening, or of the softmax.
typedef enum through { BY_KL, BY_SHARE, BY_SWITCH } through;

/// Value of a unit's term, from its mean opening, and its derivative by the opening of one row.
static double unit_term(const weir__gate_control *gate, through kind, size_t rows, double factor, double mean,
                        float *slope) {
    const double weight = gate->weight, s = gate->target;
    if (kind == BY_KL) {
        const double p = fmin(fmax(mean, (double)nearly_0), 1 - (double)nearly_0);
        *slope = (float)(-weight / (double)rows * (s / p - (1 - s) / (1 - p)));
        return -weight * (s * log(p) + (1 - s) * log1p(-p));
    }
    *slope = (float)(weight * factor / (double)rows);
    return weight * factor * mean;
}

/// The unit whose draw is a softmax over a variable, or over the layer where outputs are drawn alone.
static weir_unit softmax_of(const weir_unit *unit, size_t units) {
    const size_t size = weir_unit_variable(unit);
    return (weir_unit){
        .rule = unit->rule, .draw = weir_draw_find("one-of"), .draw_values = {(double)(size > 1 ? size : units)}};
}

/// Penalties on mean openings whose gradient goes through whole variables; factor [units] of each, or NULL.
static double by_variables(const penalised *p, const weir_unit *unit, const float *a, through kind,
                           const double *factor) {
    weir__gate_control *gate = p->gate;
    const size_t rows = p->rows, units = p->units;
    const weir_draw *draw = weir_unit_draw(unit);
    count_open(gate->opened, 0, units, rows, units, p->h);
    draw->opening(unit, rows * units, a, gate->q, NULL);
    for (size_t i = 0; i < units; i++) {
        double mean = 0;
        for (size_t r = 0; r < rows; r++) mean += (double)gate->q[r * units + i] / (double)rows;
        gate->term[i] = unit_term(gate, kind, rows, factor ? factor[i] : 1, mean, &gate->slope[i]);
    }
    for (size_t at = 0; draw->pull && at < rows * units; at += units) {
        draw->pull(unit, units, a + at, gate->slope, gate->q + at);
        for (size_t i = 0; i < units; i++) p->da[at + i] += gate->q[at + i];
    }
    return finish(gate, units);
}

static double switch_loss(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a,
                          const float *h, float *da) {
    weir__gate_control *gate = context;
    const weir_unit softmax = softmax_of(unit, units);
    double open = 0;
    count_open(gate->opened, 0, units, rows, units, h);
    for (size_t i = 0; i < units; i++) open += (double)gate->opened[i];
    for (size_t i = 0; i < units; i++) gate->factor[i] = open > 0 ? (double)units * (double)gate->opened[i] / open : 0;
    return by_variables(&(penalised){gate, rows, units, h, da, NULL}, &softmax, a, BY_SWITCH, gate->factor);
}

static double z_loss(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a, const float *h,
                     float *da) {
    weir__gate_control *gate = context;
    const size_t size = weir_unit_variable(unit) > 1 ? weir_unit_variable(unit) : units;
    const double weight = gate->weight / (double)rows;
    double value = 0;
    count_open(gate->opened, 0, units, rows, units, h);
    for (size_t i = 0; i < units; i++) gate->term[i] = 0;
    (void)finish(gate, units);
    for (size_t at = 0; at < rows * units; at += size) {
        double most = (double)a[at], sum = 0;
        for (size_t i = 1; i < size; i++) most = fmax(most, (double)a[at + i]);
        for (size_t i = 0; i < size; i++) sum += exp((double)a[at + i] - most);
        const double z = most + log(sum);
        value += weight * z * z;
        for (size_t i = 0; i < size; i++) da[at + i] += (float)(2 * weight * z * exp((double)a[at + i] - z));
    }
    return value;
}

static double kl(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a, const float *h,
                 float *da) {
    weir__gate_control *gate = context;
    const penalised p = {gate, rows, units, h, da, NULL};
    if (weir_unit_variable(unit) > 1) return by_variables(&p, unit, a, BY_KL, NULL);
    weir_unit_draw(unit)->opening(unit, rows * units, a, gate->q, gate->dq);
    return for_chunks(&p, kl_chunk);
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
    if (weir_unit_variable(unit) > 1)
        return by_variables(&(penalised){gate, rows, units, h, da, NULL}, unit, a, BY_SHARE, NULL);
    // backward only reads h; the batch it takes holds a pointer that other callers write through.
    l1_slopes(gate, unit, rows, units, a, (float *)h);
    return for_chunks(&(penalised){gate, rows, units, h, da, h}, mean_chunk);
}

static double load_l1(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a, const float *h,
                      float *da) {
    weir__gate_control *gate = context;
    double value = 0;
    count_open(gate->opened, 0, units, rows, units, h);
    for (size_t i = 0; i < units; i++) gate->factor[i] = (double)gate->opened[i] / gate->target;
    if (weir_unit_variable(unit) > 1)
        return by_variables(&(penalised){gate, rows, units, h, da, NULL}, unit, a, BY_SHARE, gate->factor);
    l1_slopes(gate, unit, rows, units, a, (float *)h);
    for (size_t k = 0; k < rows * units; k++) gate->dq[k] *= (float)gate->factor[k % units];
    (void)for_chunks(&(penalised){gate, rows, units, h, da, h}, mean_chunk);
    for (size_t i = 0; i < units; i++) value += gate->term[i] *= gate->factor[i];
    return value;
}

static double l0(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a, const float *h,
                 float *da) {
    weir__gate_control *gate = context;
    if (weir_unit_variable(unit) > 1)
        return by_variables(&(penalised){gate, rows, units, h, da, NULL}, unit, a, BY_SHARE, NULL);
    opening_slopes(gate, unit, rows, units, a);
    return for_chunks(&(penalised){gate, rows, units, h, da, gate->q}, mean_chunk);
}

static double prior(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a, const float *h,
                    float *da) {
    weir__gate_control *gate = context;
    double sum = 0;
    count_open(gate->opened, 0, units, rows, units, h);
    for (size_t i = 0; i < units; i++) gate->term[i] = 0;
    (void)finish(gate, units);
    for (size_t r = 0; r < rows; r++) gate->row[r] = 0;
    weir__prior_divergence(unit, gate->sparsity->target, rows, units, a, gate->row, gate->weight / (double)rows, da);
    for (size_t r = 0; r < rows; r++) sum += gate->row[r];
    return gate->weight / (double)rows * sum;
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

static bool reaches_all(const weir_unit *unit) {
    (void)unit;
    return true;
}

/// P(h ≠ 0) has a slope.
static bool reaches_openings(const weir_unit *unit) {
    if (weir_unit_variable(unit) > 1) return weir_unit_draw(unit)->pull != NULL;
    return !(unit->rule->traits & WEIR_TRAIT_PIECEWISE);
}

static bool reaches_outputs(const weir_unit *unit) {
    return reaches_openings(unit) || (weir_unit_variable(unit) == 1 && has_own_slope(unit->rule));
}

static const weir__sparsity_rule rules[] = {
    {"kl", kl, kl_adapt, reaches_openings, false},     {"l1", l1, l1_adapt, reaches_outputs, false},
    {"l0", l0, l1_adapt, reaches_openings, false},     {"load-l1", load_l1, l1_adapt, reaches_outputs, false},
    {"switch", switch_loss, keep, reaches_all, false}, {"z", z_loss, keep, reaches_all, false},
    {"none", none, keep, reaches_all, false},          {"prior", prior, keep, reaches_all, true}};

const weir__sparsity_rule *weir__sparsity_find(const char *name) {
    for (size_t i = 0; name && i < sizeof rules / sizeof *rules; i++) {
        if (!strcmp(rules[i].name, name)) return &rules[i];
    }
    return NULL;
}
