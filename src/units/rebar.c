// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// REBAR: the score function with the relaxed loss as its control variate, at a relaxed point drawn given the outcome.
// Tucker, Mnih, Maddison, Lawson and Sohl-Dickstein 2017, eq. 7, and section 3.2 for λ.
//   z = a + logit u, h = 1[z > 0]; z̃ drawn from z given h; ζ = σ(z/λ), ζ̃ = σ(z̃/λ);
//   g = [L(h) − κL(ζ̃)](h − p) + κ ∂L(ζ)/∂a − κ ∂L(ζ̃)/∂a.
// ∂z̃/∂a holds the path through the conditional noise, too: without it the estimate is biased. coupled: v is what u says
// given h; then z̃ = z in value, and one evaluation is saved.
//
// κ is the factor of least variance (coefficient.h). tune=both moves λ, too, down the slope of E g², taken as the
// difference between λ and λ·1.05 under the same noise: two more evaluations, no second derivatives of L.

#include "../core/math.h"
#include "adapt.h"
#include "coefficient.h"
#include "relaxed_draw.h"

enum { lambda_index, kappa_index, tune_index, noise_index, decay_index, rate_index };
enum { tune_none, tune_kappa, tune_both };
enum { independent, coupled };

static const weir_parameter parameters[] = {
    [lambda_index] = {"lambda", 0.5, 0.05, 10, NULL, "λ: temperature of the relaxation, or where it starts"},
    [kappa_index] = {"kappa", 1, -10, 10, NULL, "κ: factor of the control variate, or where it starts"},
    [tune_index] = {"tune", tune_kappa, 0, tune_both, "none|kappa|both",
                    "what is tuned for the least variance; both: κ and λ, two more evaluations"},
    [noise_index] = {"noise", 0, 0, coupled, "independent|coupled",
                     "v beside u: its own, or what u says given h (one evaluation less)"},
    [decay_index] = {"decay", 0.99, 0, 0.999999, NULL, "weight of the past in the averages that give κ"},
    [rate_index] = {"rate", 0.01, 0, 1, NULL, "learning rate of log λ"},
};

enum { log_lambda = weir__coefficient_floats, powers, moments = powers + weir__adapt_powers, floats = moments + 2 };

static const float longer = 1.05f; ///< the other λ over λ

static size_t state_count(const weir_unit *unit, size_t units) {
    (void)unit;
    (void)units;
    return floats;
}

static void start(const weir_unit *unit, size_t units, float *state) {
    weir__start_from_zero(unit, units, state);
    state[log_lambda] = (float)log(unit->values[lambda_index]);
    state[powers] = state[powers + 1] = 1;
}

/// Group 0 is the draw; then ζ and, unless it is the same, ζ̃; then both at the other λ.
static size_t relaxed_groups(const weir_unit *unit) { return unit->values[noise_index] == coupled ? 1 : 2; }

static size_t groups(const weir_unit *unit, size_t units, size_t layers) {
    (void)units;
    (void)layers;
    return 1 + relaxed_groups(unit) * (unit->values[tune_index] == tune_both ? 2 : 1);
}

// ---- drawing -------------------------------------------------------------------------------------------------------

typedef struct drawing {
    bool together, both;
    float over;
} drawing;

static void sample_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const drawing *d = context;
    const size_t units = batch->units, count = batch->rows * units;
    weir_noise second = batch->noise;
    second.sample++;
    for (size_t row = rows.first; row < rows.last; row++) {
        float *h = batch->h + row * units, *slope = batch->saved + row * units;
        float *z = h + count, *conditional = d->together ? slope + count : z + count;
        weir_random_uniform(h, batch->noise, (uint32_t)row, units);
        if (!d->together) weir_random_uniform(conditional, second, (uint32_t)row, units);
        weir__relaxed_draw(h, z, conditional, slope, batch->a + row * units, d->together, units);
        if (d->both) {
            weir__relax(z + (d->together ? 1 : 2) * count, z, d->over / longer, units);
            if (!d->together) weir__relax(conditional + 2 * count, conditional, d->over / longer, units);
        }
        weir__relax(z, z, d->over, units);
        if (!d->together) weir__relax(conditional, conditional, d->over, units);
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    const drawing d = {.together = unit->values[noise_index] == coupled,
                       .both = unit->values[tune_index] == tune_both,
                       .over = weir__exp(-batch->state[log_lambda])};
    weir__for_rows(&d, batch, 8 * batch->units, sample_rows);
}

// ---- combining -----------------------------------------------------------------------------------------------------

typedef struct shared {
    float kappa, over;
    size_t relaxed; ///< groups of one λ
    bool both;
    weir__products products;
    double slope[weir__pieces]; ///< Σ 2g·∂g/∂λ
} shared;

/// The control variate of a row at the groups that begin at `group`: b = L(ζ̃)(h − p) − ∂L(ζ)/∂a + ∂L(ζ̃)/∂a.
WEIR__INLINE void control_of(float *restrict b, const shared *s, const weir_unit_batch *batch, size_t row, size_t group,
                             float over) {
    const size_t units = batch->units, count = batch->rows * units, at = row * units;
    const size_t last = group + s->relaxed - 1;
    const float *restrict a = batch->a + at, *restrict h = batch->h + at, *restrict slope = batch->saved + at;
    const float *restrict zeta = batch->h + group * count + at, *restrict dzeta = batch->dh + group * count + at;
    const float *restrict given = batch->h + last * count + at, *restrict dgiven = batch->dh + last * count + at;
    const float loss = batch->row_weight * batch->loss[last * batch->rows + row];
    for (size_t i = 0; i < units; i++) {
        const float score = weir__score(a[i], h[i]);
        const float free = dzeta[i] * zeta[i] * (1 - zeta[i]) * over;
        const float conditional = dgiven[i] * given[i] * (1 - given[i]) * over * slope[i];
        b[i] = loss * score - free + conditional;
    }
}

WEIR__CLONES static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    shared *s = (shared *)(uintptr_t)context;
    const size_t units = batch->units;
    double ab = 0, bb = 0, slope = 0;
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *restrict a = batch->a + row * units, *restrict h = batch->h + row * units;
        float *restrict da = batch->da + row * units;
        float *restrict b = batch->saved + (batch->rows + row) * units, row_ab = 0, row_bb = 0, row_slope = 0;
        const float loss = batch->row_weight * batch->loss[row];
        control_of(b, s, batch, row, 1, s->over);
#pragma omp simd reduction(+ : row_ab, row_bb)
        for (size_t i = 0; i < units; i++) {
            const float plain = loss * weir__score(a[i], h[i]);
            row_ab += plain * b[i];
            row_bb += b[i] * b[i];
            da[i] = plain - s->kappa * b[i];
        }
        if (s->both) {
            float *restrict other = batch->saved + (2 * batch->rows + row) * units;
            control_of(other, s, batch, row, 1 + s->relaxed, s->over / longer);
#pragma omp simd reduction(+ : row_slope)
            for (size_t i = 0; i < units; i++) row_slope += da[i] * (b[i] - other[i]);
        }
        ab += (double)row_ab;
        bb += (double)row_bb;
        slope += (double)row_slope;
    }
    s->products.ab[rows.piece] = ab;
    s->products.bb[rows.piece] = bb;
    s->slope[rows.piece] = slope;
}

/// One step of Adam on log λ; λ stays in the range of the parameter.
static void move_lambda(const weir_unit *unit, const weir_unit_batch *batch, const shared *s, double factor) {
    float *state = batch->state;
    const weir_parameter *range = &unit->rule->parameters[lambda_index];
    const float low = (float)log(range->least), high = (float)log(range->greatest);
    const double slope = weir__sum_of_pieces(s->slope);
    const float gradient = (float)(2 * (double)s->kappa * slope * factor / log((double)longer));
    const weir__adapt step = weir__adapt_begin(state + powers, unit->values[rate_index]);
    weir__adapt_move(&step, state + log_lambda, state + moments, state + moments + 1, &gradient, 1);
    state[log_lambda] = fminf(fmaxf(state[log_lambda], low), high);
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    if (!batch->rows) return;
    const float initial = (float)unit->values[kappa_index];
    const bool tuned = unit->values[tune_index] != tune_none;
    shared s = {.kappa = tuned ? weir__coefficient(batch->state, initial) : initial,
                .over = weir__exp(-batch->state[log_lambda]),
                .relaxed = relaxed_groups(unit),
                .both = unit->values[tune_index] == tune_both};
    const double weight = (double)batch->row_weight, factor = 1 / (weight * weight * (double)batch->rows);
    weir__for_rows(&s, batch, 8 * batch->units, combine);
    if (tuned) weir__coefficient_move(batch->state, &s.products, unit->values[decay_index], factor);
    if (s.both) move_lambda(unit, batch, &s, factor);
}

static const weir_form forms[] = {
    {.text = "", .variance = 0.7895},
    {.text = "noise=coupled", .variance = 0.96},
    {.text = "tune=none", .toy = {0.249891, 0.24216}, .toy_digit = {5e-07, 5e-06}},
    {.text = "tune=both"},
    {.text = "tune=both,noise=coupled"},
};

const weir_rule weir__rule_rebar = {
    .name = "rebar",
    .summary = "binary unit, score function less the relaxed loss at a point drawn given the outcome",
    .forward = "h = 1[z > 0], z = a + logit u; beside it σ(z/λ) and σ(z̃/λ), z̃ ~ z given h",
    .gradient = "∂L/∂a ~ [L(h) − κL(ζ̃)](h − σ(a)) + κ ∂L(ζ)/∂a − κ ∂L(ζ̃)/∂a",
    .source = "Tucker, Mnih, Maddison, Lawson and Sohl-Dickstein 2017 (arXiv 1703.07370), eq. 7, section 3.2",
    .traits = weir__by_score | WEIR_TRAIT_USES_DH,
    .evaluations = 3,
    .gradients = 2,
    .cost = "3; coupled: 2; tune=both: 5",
    WEIR__PARAMETERS,
    .saved = 3,
    .start = start,
    .sample = sample,
    .backward = backward,
    .groups = groups,
    .merge = weir__merge_first,
    .state_count = state_count,
    WEIR__FORMS,
};
