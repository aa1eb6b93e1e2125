// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// NVIL: the score function with a learned baseline. Mnih and Gregor 2014, section 2.3:
//   g = (L − c − B(a))·(h − p) / max(1, √v),
// c the running average of the loss, B a network with one hidden layer of tanh units, fitted to L − c by least squares,
// v the running average of the signal's variance (only with normalise=yes, which rescales the gradient: its mean is
// then the gradient's direction). B reads the pre-activations, which are all that the layer knows of its input. A batch
// uses what the batches before it left.
//
// State: sums for c and v and their weight; powers for Adam; then for each hidden unit its weights, bias and output
// weight, and for the output its bias, each with two moving averages.

#include "../core/math.h"
#include "adapt.h"
#include "rules.h"

#include <weir/system.h>

enum { hidden_index, rate_index, decay_index, normalise_index };
enum { most_hidden = 1000 };

static const weir_parameter parameters[] = {
    [hidden_index] = {"hidden", 100, 1, most_hidden, NULL, "hidden units of the baseline's network"},
    [rate_index] = {"rate", 0.001, 0, 1, NULL, "learning rate of the network"},
    [decay_index] = {"decay", 0.9, 0, 0.999999, NULL, "weight of the past in the averages of loss and variance"},
    [normalise_index] = {.name = "normalise",
                         .greatest = 1,
                         .choices = "no|yes",
                         .about =
                             "whether the gradient is divided by the signal's standard deviation, if that is above 1"},
};

enum { mean_sum, variance_sum, weight_sum, powers, network = powers + weir__adapt_powers };

static size_t hidden_of(const weir_unit *unit) { return (size_t)unit->values[hidden_index]; }

/// Values of a hidden unit: its incoming weights, its bias, its outgoing weight.
static size_t node_size(size_t units) { return units + 2; }

static size_t state_count(const weir_unit *unit, size_t units) {
    return network + 3 * (hidden_of(unit) * node_size(units) + 1);
}

/// Per row: the hidden units, and the signal.
static size_t saved_count(const weir_unit *unit, size_t rows, size_t units) {
    (void)units;
    return rows * (hidden_of(unit) + 1);
}

static void start(const weir_unit *unit, size_t units, float *state) {
    const size_t hidden = hidden_of(unit), size = node_size(units);
    const float scale = sqrtf(6 / (float)(units + hidden));
    weir__start_from_zero(unit, units, state);
    state[powers] = state[powers + 1] = 1;
    for (size_t j = 0; j < hidden; j++) {
        float *weights = state + network + j * size;
        weir_random_uniform(weights, (weir_noise){.stream = UINT16_MAX}, (uint32_t)j, units);
        for (size_t i = 0; i < units; i++) weights[i] = scale * (2 * weights[i] - 1);
    }
}

typedef struct shared {
    const weir_unit *unit;
    float centre, scale; ///< c, and 1/max(1, √v)
    weir__adapt step;
    double sum[weir__pieces], square[weir__pieces]; ///< of the losses, and of (L − c)
} shared;

WEIR__CLONES static void combine(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    shared *s = (shared *)(uintptr_t)context;
    const size_t units = batch->units, hidden = hidden_of(s->unit), size = node_size(units);
    const float *layer = batch->state + network;
    double sum = 0, square = 0;
    for (size_t row = rows.first; row < rows.last; row++) {
        const float *restrict a = batch->a + row * units;
        float *restrict da = batch->da + row * units, *restrict saved = batch->saved + row * (hidden + 1);
        float baseline = layer[hidden * size];
        for (size_t j = 0; j < hidden; j++) {
            const float *restrict weights = layer + j * size;
            float dot = weights[units];
#pragma omp simd reduction(+ : dot)
            for (size_t i = 0; i < units; i++) dot += weights[i] * a[i];
            saved[j] = weir__tanh(dot);
            baseline += weights[units + 1] * saved[j];
        }
        const float centred = batch->loss[row] - s->centre, signal = centred - baseline;
        for (size_t i = 0; i < units; i++) da[i] = 0;
        weir__add_score(s->unit, batch, row, 0, batch->row_weight * s->scale * signal);
        saved[hidden] = signal;
        sum += (double)batch->loss[row];
        square += (double)signal * (double)signal;
    }
    s->sum[rows.piece] = sum;
    s->square[rows.piece] = square;
}

enum { piece_units = 256 };

/// Hidden unit j: the gradient of the mean of signal²/2, and a step. The batch's activations lie in saved.
WEIR__CLONES static void learn(const shared *s, const weir_unit_batch *batch, size_t j) {
    const size_t units = batch->units, hidden = hidden_of(s->unit), size = node_size(units), values = hidden * size + 1;
    const float *saved = batch->saved, share = -1 / (float)batch->rows;
    float *value = batch->state + network + j * size, *mean = value + values, *square = mean + values;
    const float out = value[units + 1];
    float ends[2] = {0, 0}; // of the bias and the outgoing weight
    for (size_t row = 0; row < batch->rows; row++) {
        const float t = saved[row * (hidden + 1) + j], signal = saved[row * (hidden + 1) + hidden];
        ends[0] += share * signal * out * (1 - t * t);
        ends[1] += share * signal * t;
    }
    for (size_t first = 0; first < units; first += piece_units) {
        const size_t left = units - first, count = left < piece_units ? left : piece_units;
        float gradient[piece_units] = {0};
        for (size_t row = 0; row < batch->rows; row++) {
            const float t = saved[row * (hidden + 1) + j], signal = saved[row * (hidden + 1) + hidden];
            const float factor = share * signal * out * (1 - t * t), *restrict a = batch->a + row * units + first;
            for (size_t i = 0; i < count; i++) gradient[i] += factor * a[i];
        }
        weir__adapt_move(&s->step, value + first, mean + first, square + first, gradient, count);
    }
    weir__adapt_move(&s->step, value + units, mean + units, square + units, ends, 2);
}

typedef struct learning {
    const shared *s;
    const weir_unit_batch *batch;
} learning;

static void learn_range(const void *context, weir__range hidden) {
    const learning *l = context;
    for (size_t j = hidden.first; j < hidden.last; j++) learn(l->s, l->batch, j);
}

static void learn_output(const shared *s, const weir_unit_batch *batch) {
    const size_t hidden = hidden_of(s->unit), values = hidden * node_size(batch->units) + 1;
    float *value = batch->state + network + values - 1, gradient = 0;
    for (size_t row = 0; row < batch->rows; row++) {
        gradient -= batch->saved[row * (hidden + 1) + hidden] / (float)batch->rows;
    }
    weir__adapt_move(&s->step, value, value + values, value + 2 * values, &gradient, 1);
}

static void move_averages(const weir_unit *unit, const weir_unit_batch *batch, const shared *s) {
    const double past = unit->values[decay_index], now = (1 - past) / (double)batch->rows;
    const double sum = weir__sum_of_pieces(s->sum), square = weir__sum_of_pieces(s->square);
    batch->state[mean_sum] = (float)(past * (double)batch->state[mean_sum] + now * sum);
    batch->state[variance_sum] = (float)(past * (double)batch->state[variance_sum] + now * square);
    batch->state[weight_sum] = (float)(past * (double)batch->state[weight_sum] + (1 - past));
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    if (!batch->rows) return;
    const float *state = batch->state;
    const size_t hidden = hidden_of(unit), work = hidden * batch->units;
    const bool known = state[weight_sum] > 0;
    const float variance = known ? state[variance_sum] / state[weight_sum] : 1;
    shared s = {.unit = unit,
                .centre = known ? state[mean_sum] / state[weight_sum] : 0,
                .scale = unit->values[normalise_index] != 0 && variance > 1 ? 1 / sqrtf(variance) : 1};
    weir__for_rows(&s, batch, work, combine);
    s.step = weir__adapt_begin(batch->state + powers, unit->values[rate_index]);
    weir__parallel_ranges(hidden, (double)(batch->rows * batch->units), learn_range, &(learning){&s, batch});
    learn_output(&s, batch);
    move_averages(unit, batch, &s);
}

static const weir_form forms[] = {
    {.text = ""},
    {.text = "draw=one-of"},
    {.text = "draw=k-subset"},
};

const weir_rule weir__rule_nvil = {
    .name = "nvil",
    .summary = "binary unit, score function with a baseline that a small network learns",
    .forward = "h ~ Bernoulli(σ(a))",
    .gradient = "∂L/∂a ~ (h − σ(a))·(L − c − B(a))",
    .source = "Mnih and Gregor 2014 (arXiv 1402.0030), section 2.3",
    .traits = weir__by_score,
    .evaluations = 1,
    WEIR__PARAMETERS,
    .draws = weir__scored,
    .start = start,
    .backward = backward,
    .saved_count = saved_count,
    .state_count = state_count,
    WEIR__FORMS,
};
