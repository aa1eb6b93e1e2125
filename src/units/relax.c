// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// RELAX: REBAR with a learned surrogate beside the relaxed loss. Grathwohl, Choi, Wu, Roeder and Duvenaud 2018, eq. 8
// and 9, section 3.3: c(z) = κL(ζ) + r(ζ), ζ = σ(z/λ), and
//   g = [L(h) − c(z̃)](h − p) + ∂c(z)/∂a − ∂c(z̃)/∂a.
// r is a network with one hidden layer of tanh units, r(ζ) = Σ_j v_j tanh(w_j·(ζ − ½) + b_j). It starts at 0, where
// RELAX is REBAR, and goes down the slope of E g² by Adam; κ is the factor of least variance for what r leaves. λ is
// fixed.
//
// Σ g² depends on r through its values and its slopes along two directions, d = G ζ' and e = G ζ̃' ∂z̃/∂a with G = 2g:
//   −½ of the change = r(ζ̃) Σ_i G_i (h_i − p_i) − (slope of r at ζ along d) + (slope of r at ζ̃ along e).

#include "../core/math.h"
#include "adapt.h"
#include "coefficient.h"
#include "relaxed_draw.h"

#include <weir/system.h>

enum { lambda_index, hidden_index, rate_index, decay_index };
enum { most_hidden = 256 };

static const weir_parameter parameters[] = {
    [lambda_index] = {"lambda", 0.5, 0.05, 10, NULL, "λ: temperature of the relaxation"},
    [hidden_index] = {"hidden", 10, 1, most_hidden, NULL, "hidden units of the surrogate"},
    [rate_index] = {"rate", 0.001, 0, 1, NULL, "its learning rate"},
    [decay_index] = {"decay", 0.99, 0, 0.999999, NULL, "weight of the past in the averages that give κ"},
};

/// State: the sums that give κ, powers for Adam; then for each hidden unit w, b, v, with two moving averages.
enum { powers = weir__coefficient_floats, network = powers + weir__adapt_powers };

static size_t hidden_of(const weir_unit *unit) { return (size_t)unit->values[hidden_index]; }
static size_t node_size(size_t units) { return units + 2; }

static size_t state_count(const weir_unit *unit, size_t units) {
    return network + 3 * hidden_of(unit) * node_size(units);
}

/// Per row ∂z̃/∂a (later e), d, the control variate's relaxed part; Σ G (h − p); tanh at ζ and at ζ̃.
static size_t row_size(const weir_unit *unit, size_t units) { return 3 * units + 1 + 2 * hidden_of(unit); }

/// Behind the rows, gradients of the network.
static size_t saved_count(const weir_unit *unit, size_t rows, size_t units) {
    return rows * row_size(unit, units) + hidden_of(unit) * node_size(units);
}

static void start(const weir_unit *unit, size_t units, float *state) {
    const float scale = sqrtf(6 / (float)(units + 1));
    weir__start_from_zero(unit, units, state);
    state[powers] = state[powers + 1] = 1;
    for (size_t j = 0; j < hidden_of(unit); j++) {
        float *weights = state + network + j * node_size(units);
        weir_random_uniform(weights, (weir_noise){.stream = UINT16_MAX}, (uint32_t)j, units);
        for (size_t i = 0; i < units; i++) weights[i] = scale * (2 * weights[i] - 1);
    }
}

static void sample_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const float over = 1 / (float)unit->values[lambda_index];
    const size_t units = batch->units, count = batch->rows * units;
    weir_noise second = batch->noise;
    second.sample++;
    for (size_t row = rows.first; row < rows.last; row++) {
        float *h = batch->h + row * units, *z = h + count, *given = z + count;
        weir_random_uniform(h, batch->noise, (uint32_t)row, units);
        weir_random_uniform(given, second, (uint32_t)row, units);
        weir__relaxed_draw(h, z, given, batch->saved + row * row_size(unit, units), batch->a + row * units, false,
                           units);
        weir__relax(z, z, over, units);
        weir__relax(given, given, over, units);
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, 8 * batch->units, sample_rows);
}

typedef struct shared {
    const weir_unit *unit;
    float kappa, over;
    weir__products products;
} shared;

/// r at ζ, its slope along each unit added to slope, the hidden units to t.
WEIR__INLINE float surrogate(const float *layer, size_t hidden, const float *restrict zeta, float *restrict slope,
                             float *restrict t, size_t units) {
    float value = 0;
    for (size_t j = 0; j < hidden; j++) {
        const float *restrict w = layer + j * node_size(units);
        const float v = w[units + 1];
        float dot = w[units];
#pragma omp simd reduction(+ : dot)
        for (size_t i = 0; i < units; i++) dot += w[i] * (zeta[i] - 0.5f);
        t[j] = weir__tanh(dot);
        value += v * t[j];
        const float factor = v * (1 - t[j] * t[j]);
        for (size_t i = 0; i < units; i++) slope[i] += factor * w[i];
    }
    return value;
}

WEIR__CLONES static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    shared *s = (shared *)(uintptr_t)context;
    const size_t units = batch->units, count = batch->rows * units, hidden = hidden_of(s->unit);
    const float *layer = batch->state + network, weight = batch->row_weight;
    double ab = 0, bb = 0;
    for (size_t row = rows.first; row < rows.last; row++) {
        const size_t at = row * units;
        const float *restrict a = batch->a + at, *restrict h = batch->h + at, *restrict zeta = h + count;
        const float *restrict given = zeta + count, *restrict dzeta = batch->dh + count + at;
        const float *restrict dgiven = dzeta + count;
        float *restrict e = batch->saved + row * row_size(s->unit, units), *restrict d = e + units;
        float *restrict b = d + units, *rest = b + units, *restrict da = batch->da + at;
        float row_ab = 0, row_bb = 0, sum = 0;
        for (size_t i = 0; i < units; i++) d[i] = b[i] = 0;
        surrogate(layer, hidden, zeta, d, rest + 1, units);
        const float learned = surrogate(layer, hidden, given, b, rest + 1 + hidden, units);
        const float loss = weight * batch->loss[row], relaxed = weight * batch->loss[2 * batch->rows + row];
        // A less the part of r in da, the part of L in b.
#pragma omp simd reduction(+ : row_ab, row_bb)
        for (size_t i = 0; i < units; i++) {
            float p, q;
            weir__sigmoid_pair(a[i], &p, &q);
            const float score = h[i] > 0.5f ? q : -p;
            const float free = zeta[i] * (1 - zeta[i]) * s->over;
            const float conditional = given[i] * (1 - given[i]) * s->over * e[i];
            da[i] = (loss - weight * learned) * score + weight * (d[i] * free - b[i] * conditional);
            b[i] = relaxed * score - dzeta[i] * free + dgiven[i] * conditional;
            d[i] = free;
            e[i] = conditional;
            row_ab += da[i] * b[i];
            row_bb += b[i] * b[i];
        }
#pragma omp simd reduction(+ : sum)
        for (size_t i = 0; i < units; i++) {
            float p, q;
            weir__sigmoid_pair(a[i], &p, &q);
            da[i] -= s->kappa * b[i];
            const float twice = 2 * da[i] / weight;
            sum += twice * (h[i] > 0.5f ? q : -p);
            d[i] *= twice;
            e[i] *= twice;
        }
        rest[0] = sum;
        ab += (double)row_ab;
        bb += (double)row_bb;
    }
    s->products.ab[rows.piece] = ab;
    s->products.bb[rows.piece] = bb;
}

/// What hidden unit j sees of a row: the slopes of tanh at ζ and ζ̃, and the factors of ζ − ½ and ζ̃ − ½.
typedef struct node_row {
    float slope, slope_given, factor, factor_given;
} node_row;

/// Also adds to the gradients of b (ends[0], without v) and of v (ends[1]).
WEIR__INLINE node_row read_row(const float *saved, const float *w, size_t units, size_t hidden, size_t j, float *ends) {
    const float *e = saved, *d = e + units, *rest = d + 2 * units;
    const float t = rest[1 + j], given = rest[1 + hidden + j];
    float along = 0, given_along = 0;
#pragma omp simd reduction(+ : along, given_along)
    for (size_t i = 0; i < units; i++) {
        along += w[i] * d[i];
        given_along += w[i] * e[i];
    }
    node_row row = {.slope = 1 - t * t, .slope_given = 1 - given * given};
    row.factor = 2 * t * row.slope * along;
    row.factor_given = row.slope_given * (rest[0] - 2 * given * given_along);
    ends[0] += row.factor + row.factor_given;
    ends[1] += given * rest[0] - row.slope * along + row.slope_given * given_along;
    return row;
}

/// Hidden unit j: the gradient of the mean of Σ g² over the rows, into gradient [units + 2], which is then of b and v.
WEIR__CLONES static void differentiate(const weir_unit *unit, const weir_unit_batch *batch, size_t j,
                                       float *restrict gradient) {
    const size_t units = batch->units, hidden = hidden_of(unit), count = batch->rows * units;
    const float *w = batch->state + network + j * node_size(units), share = -1 / (float)batch->rows;
    float ends[2] = {0, 0};
    for (size_t i = 0; i < units; i++) gradient[i] = 0;
    for (size_t r = 0; r < batch->rows; r++) {
        const float *restrict e = batch->saved + r * row_size(unit, units), *restrict d = e + units;
        const float *restrict zeta = batch->h + count + r * units, *restrict given = zeta + count;
        const node_row row = read_row(e, w, units, hidden, j, ends);
        for (size_t i = 0; i < units; i++) {
            gradient[i] += row.factor_given * (given[i] - 0.5f) + row.factor * (zeta[i] - 0.5f) +
                           (row.slope_given * e[i] - row.slope * d[i]);
        }
    }
    for (size_t i = 0; i < units; i++) gradient[i] *= share * w[units + 1];
    gradient[units] = share * w[units + 1] * ends[0];
    gradient[units + 1] = share * ends[1];
}

typedef struct learning {
    const weir_unit *unit;
    const weir_unit_batch *batch;
    float *gradients;
} learning;

static void differentiate_range(const void *context, weir__range hidden) {
    const learning *l = context;
    for (size_t j = hidden.first; j < hidden.last; j++) {
        differentiate(l->unit, l->batch, j, l->gradients + j * node_size(l->batch->units));
    }
}

WEIR__CLONES static void move(const weir__adapt *step, const weir_unit *unit, const weir_unit_batch *batch,
                              const float *gradients) {
    const size_t values = hidden_of(unit) * node_size(batch->units);
    float *value = batch->state + network;
    weir__adapt_move(step, value, value + values, value + 2 * values, gradients, values);
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    if (!batch->rows) return;
    const size_t hidden = hidden_of(unit), work = 4 * hidden * batch->units;
    shared s = {
        .unit = unit, .kappa = weir__coefficient(batch->state, 1), .over = 1 / (float)unit->values[lambda_index]};
    const double weight = (double)batch->row_weight, factor = 1 / (weight * weight * (double)batch->rows);
    weir__for_rows(&s, batch, work, combine);
    float *gradients = batch->saved + batch->rows * row_size(unit, batch->units);
    weir__parallel_ranges(hidden, 4 * (double)(batch->rows * batch->units), differentiate_range,
                          &(learning){unit, batch, gradients});
    const weir__adapt step = weir__adapt_begin(batch->state + powers, unit->values[rate_index]);
    move(&step, unit, batch, gradients);
    weir__coefficient_move(batch->state, &s.products, unit->values[decay_index], factor);
}

static const weir_form forms[] = {
    {.text = ""},
    {.text = "hidden=4,rate=0.01"},
};

const weir_rule weir__rule_relax = {
    .name = "relax",
    .summary = "binary unit, score function less the relaxed loss and a surrogate that a small network learns",
    .forward = "h = 1[z > 0], z = a + logit u; beside it σ(z/λ) and σ(z̃/λ), z̃ ~ z given h",
    .gradient = "∂L/∂a ~ [L(h) − c(z̃)](h − σ(a)) + ∂c(z)/∂a − ∂c(z̃)/∂a, c(z) = κL(σ(z/λ)) + r(σ(z/λ))",
    .source = "Grathwohl, Choi, Wu, Roeder and Duvenaud 2018 (arXiv 1711.00123), eq. 8 and 9, section 3.3",
    .traits = weir__by_score | WEIR_TRAIT_USES_DH,
    .evaluations = 3,
    .gradients = 2,
    WEIR__PARAMETERS,
    .start = start,
    .sample = sample,
    .backward = backward,
    .groups = weir__three_groups, // the draw, ζ and ζ̃
    .merge = weir__merge_first,
    .saved_count = saved_count,
    .state_count = state_count,
    WEIR__FORMS,
};
