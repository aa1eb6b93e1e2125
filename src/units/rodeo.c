// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// RODEO: leave-one-out with two control variates made by a discrete Stein operator from a learned, cheap surrogate of
// the loss at the D neighbours of each sample (one unit flipped). Shi, Zhou, Hwang, Titsias and Mackey 2022, eq. 9 to
// 12. With s(h) = h − p, w_i the probability of h_i's other value, and (A f)(h) = 1/D Σ_i w_i [f(flip_i h) − f(h)],
// which has mean 0:
//   g = 1/K Σ_k { [L_k − mean_{j≠k} (L_j + (A f₀)(h_j))] s(h_k) + (A f₁s)(h_k) }.
// The surrogates of sample k come from the other samples alone: f_m(y) = H_m(mean_{j≠k} L_j, mean_{j≠k} ∇L(h_j)·(y −
// h_j)), H a network with one hidden layer of leaky rectifiers and two outputs. It goes down the slope of E g² by Adam.
// The paper's factors α and β of the two variates are part of H here: its outgoing weights start at 0.

#include "../core/math.h"
#include "adapt.h"
#include "rules.h"

#include <weir/system.h>

enum { samples_index, hidden_index, rate_index };
enum { most_samples = 32, most_hidden = 256 };

static const weir_parameter parameters[] = {
    [samples_index] = {"samples", 2, 2, most_samples, NULL, "K: evaluations per example"},
    [hidden_index] = {"hidden", 100, 1, most_hidden, NULL, "hidden units of the surrogate's network"},
    [rate_index] = {"rate", 0.001, 0, 1, NULL, "its learning rate"},
};

static const float leak = 0.3f;

/// A hidden unit: weights of both inputs, bias, weights to both outputs. Then the bias of output 1 (that of output 0
/// cancels in A).
enum { of_loss, of_slope, bias, to_first, to_second, node_floats };
enum { powers, network = weir__adapt_powers };

static size_t hidden_of(const weir_unit *unit) { return (size_t)unit->values[hidden_index]; }
static size_t values_of(const weir_unit *unit) { return hidden_of(unit) * node_floats + 1; }

static size_t state_count(const weir_unit *unit, size_t units) {
    (void)units;
    return network + 3 * values_of(unit);
}

/// Per sample of a row: the loss input, then for the sample (at 0) and its neighbours (at i + 1) the slope input and
/// both outputs, which give way to ∂/∂outputs of Σ g².
static size_t sample_size(size_t units) { return 1 + 3 * (units + 1); }

static size_t saved_count(const weir_unit *unit, size_t rows, size_t units) {
    return rows * weir__sample_groups(unit, units, 1) * sample_size(units) + values_of(unit);
}

static void start(const weir_unit *unit, size_t units, float *state) {
    weir__start_from_zero(unit, units, state);
    state[powers] = state[powers + 1] = 1;
    for (size_t j = 0; j < hidden_of(unit); j++) {
        float *node = state + network + j * node_floats;
        weir_random_normal(node, (weir_noise){.stream = UINT16_MAX}, (uint32_t)j, 3);
    }
}

typedef struct shared {
    const weir_unit *unit;
    const float *network;
    size_t hidden;
} shared;

/// The network's two outputs at all points of a sample.
WEIR__INLINE void evaluate(const shared *s, float *restrict sample, size_t points) {
    const float *restrict slope = sample + 1, loss = sample[0];
    float *restrict first = sample + 1 + points, *restrict second = first + points;
    const float end = s->network[s->hidden * node_floats];
    for (size_t i = 0; i < points; i++) {
        first[i] = 0;
        second[i] = end;
    }
    for (size_t j = 0; j < s->hidden; j++) {
        const float *node = s->network + j * node_floats, common = node[of_loss] * loss + node[bias];
        for (size_t i = 0; i < points; i++) {
            const float u = common + node[of_slope] * slope[i], active = u > 0 ? u : leak * u;
            first[i] += node[to_first] * active;
            second[i] += node[to_second] * active;
        }
    }
}

/// The inputs of sample k: total and dtotal are the sums over all samples of L and of ∇L; own = Σ_j ∇L_j·h_j.
WEIR__INLINE void fill_inputs(const weir_unit_batch *batch, size_t row, size_t k, double total,
                              const float *restrict dtotal, float own, float *restrict sample) {
    const size_t units = batch->units, at = (k * batch->rows + row) * units;
    const float *restrict h = batch->h + at, *restrict dh = batch->dh + at;
    const float others = 1 / (float)(batch->groups - 1), scale = others / batch->row_weight;
    float there = 0, self = 0, *restrict slope = sample + 1;
#pragma omp simd reduction(+ : there, self)
    for (size_t i = 0; i < units; i++) {
        there += (dtotal[i] - dh[i]) * h[i];
        self += dh[i] * h[i];
    }
    const float base = scale * (there - (own - self));
    sample[0] = others * (float)(total - (double)batch->loss[k * batch->rows + row]);
    slope[0] = base;
    for (size_t i = 0; i < units; i++) slope[i + 1] = base + scale * (dtotal[i] - dh[i]) * (1 - 2 * h[i]);
}

/// Probability of the value that h has not.
WEIR__INLINE float other_chance(float a, float h) {
    float p, q;
    weir__sigmoid_pair(a, &p, &q);
    return h > 0.5f ? q : p;
}

/// (A f₀)(h), and what A f₁s has of f₁ alone, Σ_i w_i [f₁(flip_i h) − f₁(h)].
WEIR__INLINE void operate(const float *restrict sample, const float *restrict a, const float *restrict h, size_t units,
                          float *stein, float *spread) {
    const float *restrict first = sample + 1 + units + 1, *restrict second = first + units + 1;
    float sum = 0, other = 0;
#pragma omp simd reduction(+ : sum, other)
    for (size_t i = 0; i < units; i++) {
        const float w = other_chance(a[i], h[i]);
        sum += w * (first[i + 1] - first[0]);
        other += w * (second[i + 1] - second[0]);
    }
    *stein = sum / (float)units;
    *spread = other;
}

/// The derivatives of Σ g² with respect to both outputs at all points of a sample, given G = 2g.
WEIR__INLINE void differentiate_outputs(float *restrict sample, const float *restrict a, const float *restrict h,
                                        const float *restrict twice, float stein_slope, float score, size_t samples,
                                        size_t units) {
    float *restrict first = sample + 1 + units + 1, *restrict second = first + units + 1, all = 0;
    const float share = 1 / ((float)samples * (float)units), part = stein_slope / (float)units;
#pragma omp simd reduction(+ : all)
    for (size_t i = 0; i < units; i++) {
        const float w = other_chance(a[i], h[i]);
        all += w;
        first[i + 1] = part * w;
        second[i + 1] = share * w * (score + twice[i] * (1 - 2 * h[i]));
    }
    first[0] = -part * all;
    second[0] = -share * score * all;
}

WEIR__CLONES static void combine_row(const shared *s, const weir_unit_batch *batch, size_t row) {
    const size_t units = batch->units, samples = batch->groups, count = batch->rows * units;
    const float *restrict a = batch->a + row * units;
    float *restrict da = batch->da + row * units, *saved = batch->saved + row * samples * sample_size(units);
    float stein[most_samples], spread[most_samples], score[most_samples], own = 0;
    double total = 0, steins = 0, scores = 0;
    for (size_t i = 0; i < units; i++) da[i] = 0; // for now the sum of the gradients
    for (size_t k = 0; k < samples; k++) {
        const float *restrict h = batch->h + k * count + row * units, *restrict dh =
                                                                          batch->dh + k * count + row * units;
        float self = 0;
#pragma omp simd reduction(+ : self)
        for (size_t i = 0; i < units; i++) {
            da[i] += dh[i];
            self += dh[i] * h[i];
        }
        own += self;
        total += (double)batch->loss[k * batch->rows + row];
    }
    for (size_t k = 0; k < samples; k++) {
        float *sample = saved + k * sample_size(units);
        fill_inputs(batch, row, k, total, da, own, sample);
        evaluate(s, sample, units + 1);
        operate(sample, a, batch->h + k * count + row * units, units, &stein[k], &spread[k]);
        steins += (double)stein[k];
    }
    for (size_t i = 0; i < units; i++) da[i] = 0;
    for (size_t k = 0; k < samples; k++) {
        const float *restrict h = batch->h + k * count + row * units;
        const float *restrict second = saved + k * sample_size(units) + 1 + 2 * (units + 1);
        const double loss = (double)batch->loss[k * batch->rows + row];
        const double others = (total - loss + steins - (double)stein[k]) / (double)(samples - 1);
        const float signal = (float)(loss - others), share = 1 / (float)units;
        for (size_t i = 0; i < units; i++) {
            float p, q;
            weir__sigmoid_pair(a[i], &p, &q);
            const bool one = h[i] > 0.5f;
            const float mine = one ? q : -p, w = one ? q : p; // s_i, and the chance of the other value
            da[i] += (signal + share * spread[k]) * mine + share * w * second[i + 1] * (1 - 2 * h[i]);
        }
    }
    const float scale = 2 / (float)samples, back = 0.5f * batch->row_weight;
    for (size_t i = 0; i < units; i++) da[i] *= scale; // G
    for (size_t k = 0; k < samples; k++) {
        const float *restrict h = batch->h + k * count + row * units;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t i = 0; i < units; i++) sum += da[i] * weir__score(a[i], h[i]);
        score[k] = sum;
        scores += (double)sum;
    }
    for (size_t k = 0; k < samples; k++) {
        const float slope = (float)(-(scores - (double)score[k]) / (double)((samples - 1) * samples));
        differentiate_outputs(saved + k * sample_size(units), a, batch->h + k * count + row * units, da, slope,
                              score[k], samples, units);
    }
    for (size_t i = 0; i < units; i++) da[i] *= back;
}

static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    for (size_t row = rows.first; row < rows.last; row++) combine_row(context, batch, row);
}

/// Hidden unit j: the gradient of the mean of Σ g² over the rows.
WEIR__CLONES static void differentiate(const shared *s, const weir_unit_batch *batch, size_t j, float *gradient) {
    const size_t points = batch->units + 1, count = batch->rows * batch->groups;
    const float *node = s->network + j * node_floats, share = 1 / (float)batch->rows;
    double sums[node_floats] = {0};
    for (size_t k = 0; k < count; k++) {
        const float *restrict sample = batch->saved + k * sample_size(batch->units), *restrict slope = sample + 1;
        const float *restrict first = slope + points, *restrict second = first + points;
        const float common = node[of_loss] * sample[0] + node[bias];
        float through = 0, sloped = 0, ahead = 0, behind = 0;
#pragma omp simd reduction(+ : through, sloped, ahead, behind)
        for (size_t i = 0; i < points; i++) {
            const float u = common + node[of_slope] * slope[i], steepness = u > 0 ? 1 : leak;
            const float du = steepness * (first[i] * node[to_first] + second[i] * node[to_second]);
            through += du;
            sloped += du * slope[i];
            ahead += first[i] * steepness * u;
            behind += second[i] * steepness * u;
        }
        sums[of_loss] += (double)(through * sample[0]);
        sums[of_slope] += (double)sloped;
        sums[bias] += (double)through;
        sums[to_first] += (double)ahead;
        sums[to_second] += (double)behind;
    }
    for (size_t i = 0; i < node_floats; i++) gradient[i] = share * (float)sums[i];
}

typedef struct learning {
    const shared *s;
    const weir_unit_batch *batch;
    float *gradients;
} learning;

static void differentiate_range(const void *context, weir__range hidden) {
    const learning *l = context;
    for (size_t j = hidden.first; j < hidden.last; j++) {
        differentiate(l->s, l->batch, j, l->gradients + j * node_floats);
    }
}

static float differentiate_end(const weir_unit_batch *batch) {
    const size_t points = batch->units + 1, count = batch->rows * batch->groups;
    double sum = 0;
    for (size_t k = 0; k < count; k++) {
        const float *second = batch->saved + k * sample_size(batch->units) + 1 + 2 * points;
        for (size_t i = 0; i < points; i++) sum += (double)second[i];
    }
    return (float)(sum / (double)batch->rows);
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    if (!batch->rows) return;
    const shared s = {.unit = unit, .network = batch->state + network, .hidden = hidden_of(unit)};
    const size_t work = 4 * batch->groups * s.hidden * (batch->units + 1), values = values_of(unit);
    float *gradients = batch->saved + batch->rows * batch->groups * sample_size(batch->units);
    float *value = batch->state + network;
    weir__for_rows(&s, batch, work, combine);
    weir__parallel_ranges(s.hidden, (double)(batch->rows * work / s.hidden), differentiate_range,
                          &(learning){&s, batch, gradients});
    gradients[values - 1] = differentiate_end(batch);
    const weir__adapt step = weir__adapt_begin(batch->state + powers, unit->values[rate_index]);
    weir__adapt_move(&step, value, value + values, value + 2 * values, gradients, values);
}

static const weir_form forms[] = {
    {.text = ""},
    {.text = "hidden=8"},
    {.text = "samples=3,hidden=8,rate=0.01"},
};

const weir_rule weir__rule_rodeo = {
    .name = "rodeo",
    .summary = "binary unit, K samples, with Stein control variates from a learned surrogate of the neighbours",
    .forward = "h_k ~ Bernoulli(σ(a)), k = 1 … K",
    .gradient = "∂L/∂a ~ 1/K Σ_k {[L_k − mean_{j≠k}(L_j + A f₀(h_j))](h_k − σ(a)) + A[f₁·(h − σ(a))](h_k)}",
    .source = "Shi, Zhou, Hwang, Titsias and Mackey 2022 (arXiv 2202.09497), eq. 9 to 12",
    .traits = weir__binary | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_USES_DH | WEIR_TRAIT_USES_LOSS,
    .evaluations = 2,
    .gradients = 2,
    .cost = "K",
    WEIR__PARAMETERS,
    .start = start,
    .sample = weir__sample_bernoulli_groups,
    .backward = backward,
    .groups = weir__sample_groups,
    .saved_count = saved_count,
    .state_count = state_count,
    WEIR__FORMS,
};
