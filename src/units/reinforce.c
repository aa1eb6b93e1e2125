// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The stochastic binary neuron with the score-function estimator: h ~ Bernoulli(p), ∂L/∂a estimated by (h − p)(L − L̄):
// Bengio, Léonard and Courville 2013, section 3; Williams 1992. It needs the loss alone, no back-propagated signal, and
// is unbiased for every L̄ that does not depend on the draw (theorem 1).
//
// Baselines L̄:
// - average: one running average of the loss, the same for all units;
// - optimal: per unit E[(h − p)²L] / E[(h − p)²], of least variance (corollary 1, eq. 10), numerator and denominator
//   kept as two running averages;
// - leave-one-out: the mean loss of the other rows of the batch, which are independent of the row's own draw:
//   L_n − mean_{m ≠ n} L_m = N/(N − 1)·(L_n − mean L). It keeps nothing from batch to batch.
// The running ones are quotients of two sums that decay alike, state[0] / state[1] (for "average" the second sums the
// weights), which corrects the bias of an average that starts from 0. A batch uses what the batches before it left, so
// that L̄ never depends on the batch's own draws; the first batch, with nothing before it, has no baseline.

#include "../core/math.h"
#include "rules.h"

#include <weir/system.h>

enum { baseline_index, decay_index };
enum { no_baseline, average_baseline, optimal_baseline, others_baseline };

static const weir_parameter parameters[] = {
    [baseline_index] = {"baseline", optimal_baseline, 0, others_baseline, "none|average|optimal|leave-one-out",
                        "subtracted from the loss: nothing, its average, eq. 10 per unit, or the mean of the "
                        "batch's other rows"},
    [decay_index] = {"decay", 0.9, 0, 0.999999, NULL, "weight of the past in the baseline's running averages"},
};

enum { sums = 2, strip_units = 64, block_rows = 64 };

/// Under this a denominator says nothing: (h − p)² has then been lost to underflow.
static const float least_denominator = 1e-30f;

/// Some units over all rows: their baselines, and what the batch adds to their two sums.
typedef struct unit_strip {
    size_t first, count;
    float weight; ///< of a row's gradient
    bool scored;  ///< da holds the scores already, by the unit's draw
    float baseline[strip_units];
    double weighted[strip_units], plain[strip_units]; ///< sums over rows of (h − p)²·L and of (h − p)²
} unit_strip;

/// Whether the baseline is a running average.
static bool averages(const weir_unit *unit) {
    return unit->values[baseline_index] == average_baseline || unit->values[baseline_index] == optimal_baseline;
}

static void read_baselines(const weir_unit *unit, const weir_unit_batch *batch, double mean, unit_strip *strip) {
    const float *numerator = batch->state + strip->first, *denominator = numerator + batch->units;
    const bool others = unit->values[baseline_index] == others_baseline && batch->rows > 1;
    strip->scored = !weir__is_bernoulli(unit);
    strip->weight = batch->row_weight * (others ? (float)batch->rows / (float)(batch->rows - 1) : 1);
    for (size_t i = 0; i < strip->count; i++) {
        const int known = averages(unit) && denominator[i] > least_denominator;
        strip->baseline[i] = others ? (float)mean : known ? numerator[i] / denominator[i] : 0.0f;
        strip->weighted[i] = strip->plain[i] = 0;
    }
}

/// One row of a strip: the gradient from the scores, and what the row adds to the two sums.
WEIR__INLINE void score_unit(float *da, float *weighted, float *plain, float score, float loss, float baseline,
                             float weight) {
    const float square = score * score;
    *da = weight * (score * (loss - baseline));
    *weighted += square * loss;
    *plain += square;
}

/// Rows first … last − 1 of a strip, in order. Sums in float over a block of rows, so that they vectorise; in double
/// over the blocks.
WEIR__CLONES static void score_rows(const weir_unit_batch *batch, unit_strip *strip, size_t first, size_t last) {
    const size_t count = strip->count;
    const float *restrict baseline = strip->baseline;
    float weighted[strip_units] = {0}, plain[strip_units] = {0};
    for (size_t row = first; row < last; row++) {
        const size_t at = row * batch->units + strip->first;
        const float *restrict a = batch->a + at, *restrict h = batch->h + at;
        float *restrict da = batch->da + at;
        const float loss = batch->loss[row], weight = strip->weight;
        if (strip->scored) {
            for (size_t i = 0; i < count; i++)
                score_unit(&da[i], &weighted[i], &plain[i], da[i], loss, baseline[i], weight);
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            score_unit(&da[i], &weighted[i], &plain[i], weir__score(a[i], h[i]), loss, baseline[i], weight);
        }
    }
    for (size_t i = 0; i < count; i++) {
        strip->weighted[i] += (double)weighted[i];
        strip->plain[i] += (double)plain[i];
    }
}

static double mean_loss(const weir_unit_batch *batch) {
    double sum = 0;
    for (size_t row = 0; row < batch->rows; row++) sum += (double)batch->loss[row];
    return sum / (double)batch->rows;
}

static void write_averages(const weir_unit *unit, const weir_unit_batch *batch, const unit_strip *strip, double mean) {
    const double past = unit->values[decay_index], now = 1 - past;
    float *numerator = batch->state + strip->first, *denominator = numerator + batch->units;
    for (size_t i = 0; i < strip->count; i++) {
        const double rows = (double)batch->rows;
        const int optimal = unit->values[baseline_index] == optimal_baseline;
        const double above = optimal ? strip->weighted[i] / rows : mean;
        const double below = optimal ? strip->plain[i] / rows : 1;
        numerator[i] = (float)(past * (double)numerator[i] + now * above);
        denominator[i] = (float)(past * (double)denominator[i] + now * below);
    }
}

typedef struct scoring {
    const weir_unit *unit;
    const weir_unit_batch *batch;
    double mean;
} scoring;

static void score_strips(const void *context, weir__range strips) {
    const scoring *s = context;
    const weir_unit_batch *batch = s->batch;
    for (size_t k = strips.first; k < strips.last; k++) {
        const size_t first = k * strip_units, left = batch->units - first;
        unit_strip strip = {.first = first, .count = left < strip_units ? left : strip_units};
        read_baselines(s->unit, batch, s->mean, &strip);
        for (size_t row = 0; row < batch->rows; row += block_rows) {
            const size_t end = row + block_rows;
            score_rows(batch, &strip, row, end < batch->rows ? end : batch->rows);
        }
        if (averages(s->unit)) write_averages(s->unit, batch, &strip, s->mean);
    }
}

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    if (batch->rows == 0) return;
    const size_t strips = (batch->units + strip_units - 1) / strip_units;
    const scoring s = {unit, batch, mean_loss(batch)};
    if (!weir__is_bernoulli(unit)) weir__write_scores(unit, batch, batch->da);
    weir__parallel_ranges(strips, 2 * (double)(batch->rows * strip_units), score_strips, &s);
}

static double one_bit(double p, double t) {
    const double on = (1 - t) * (1 - t), off = t * t, q = 1 - p, g = p * q * (on - off);
    return p * q * (q * on * on + p * off * off) - g * g;
}

static const weir_form forms[] = {
    {.text = "", .variance = 1.326},
    {.text = "decay=0.99", .toy = {0.249002, 0.240106}, .toy_digit = {5e-07, 5e-07}},
    {.text = "baseline=none",
     .variance = 6.66,
     .one_bit = one_bit,
     .toy = {0.249873, 0.24171},
     .toy_digit = {5e-07, 5e-06}},
    {.text = "baseline=average", .variance = 1.423},
    {.text = "baseline=average,decay=0.99", .toy = {0.249002, 0.240115}, .toy_digit = {5e-07, 5e-07}},
    {.text = "baseline=leave-one-out", .variance = 1.423},
    {.text = "baseline=none,draw=hard-sigmoid,slope=0.5"},
    {.text = "draw=one-of"},
    {.text = "baseline=none,draw=one-of"},
    {.text = "baseline=leave-one-out,draw=one-of"},
    {.text = "draw=k-subset"},
    {.text = "baseline=leave-one-out,draw=gumbel-top-k"},
};

const weir_rule weir__rule_reinforce = {
    .name = "reinforce",
    .summary = "binary unit with the score-function gradient: needs only the loss",
    .forward = "h ~ Bernoulli(σ(a))",
    .gradient = "∂L/∂a ~ (h − σ(a))·(L − L̄)",
    .source = "Bengio, Léonard and Courville 2013 (arXiv 1308.3432), section 3, theorem 1, eq. 10; Williams 1992",
    .traits = weir__by_score,
    .evaluations = 1,
    WEIR__PARAMETERS,
    .draws = weir__scored,
    .state = sums,
    .start = weir__start_from_zero,
    .backward = backward,
    WEIR__FORMS,
};
