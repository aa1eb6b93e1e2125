// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The k greatest of n scores: as they are (top-k), with Gumbel noise (gumbel-top-k), with normal noise (noisy-top-k),
// or all that lie above mean + sd·quantile, which are about k and need no sort (statistical-top-k); and all above 0,
// where biases are thresholds (threshold).
//
// Gumbel noise makes the draw one without replacement from softmax(a) (Yellott 1977; Kool, van Hoof and Welling 2019).
// The chance of a set S sums over its orders. With f(T) the chance that the first |T| draws are T, w = eᵃ and W their
// sum,
//   f(∅) = 1,  f(T) = Σ_{j ∈ T} f(T∖j)·w_j/(W − w(T∖j)),  P(S) = f(S),
// 2^k numbers; its derivatives are carried back through the same sums. E h: P(i is among the first
// k) is an integral over the time t of its arrival, at rate w_i, of the chance that fewer than k others came before;
// the trapezoid rule in log t.

#include "../core/core.h"
#include "../core/math.h"
#include "../core/noise.h"
#include "draws.h"

#include <math.h>
#include <string.h>

enum { sd_index = weir__k_index + 1 };
enum { scored_most = 10 }; ///< k for which a set's chance is summed

static const weir_parameter parameters[] = {WEIR__PARAMETER_OF, WEIR__PARAMETER_K};
static const weir_parameter noisy_parameters[] = {
    WEIR__PARAMETER_OF,
    WEIR__PARAMETER_K,
    [sd_index] =
        {.name = "sd", .initial = 1, .least = 0.001, .greatest = 1000, .about = "standard deviation of the noise"},
};

// ---- the greatest --------------------------------------------------------------------------------------------------

static void top_one(const weir_unit *unit, const float *a, float *h) { weir__top(h, a, weir__of(unit), weir__k(unit)); }

static void decide(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_variables(unit, batch, weir__k(unit), top_one);
}

/// Chances of outputs that a function chooses without a draw: 0 or 1, and flat.
static void certain(const weir_unit *unit, size_t count, const float *a, float *q, float *dq,
                    weir__variable_function *choose) {
    for (size_t at = 0; at < count; at += weir__of(unit)) choose(unit, a + at, q + at);
    if (dq) memset(dq, 0, count * sizeof *dq);
}

static void no_opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    certain(unit, count, a, q, dq, top_one);
}

static void one_state(const weir_unit *unit, const double *a, weir_state visit, void *context,
                      weir__variable_function *choose) {
    float near[weir__variable_most], set[weir__variable_most];
    double h[weir__variable_most];
    for (size_t i = 0; i < weir__of(unit); i++) near[i] = (float)a[i];
    choose(unit, near, set);
    for (size_t i = 0; i < weir__of(unit); i++) h[i] = (double)set[i];
    visit(context, 1, h, NULL);
}

static void top_states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    one_state(unit, a, visit, context, top_one);
}

static size_t outcomes(const weir_unit *unit) { return weir__subsets(weir__of(unit), weir__k(unit)); }

static void outcome(const weir_unit *unit, size_t index, float *h) {
    weir__subset_at(h, index, weir__of(unit), weir__k(unit));
}

// ---- noise ---------------------------------------------------------------------------------------------------------

/// to[count] = noise of one variable.
typedef void noise_function(float *to, weir_noise noise, uint32_t row, size_t first, size_t count);

WEIR__CLONES static void gumbels(float *x, size_t count) {
    for (size_t i = 0; i < count; i++) x[i] = -weir__log(-weir__log(x[i]));
}

static void gumbel_noise(float *to, weir_noise noise, uint32_t row, size_t first, size_t count) {
    weir__random_uniform_at(to, noise, row, first, count);
    gumbels(to, count);
}

typedef struct sampling {
    const weir_unit *unit;
    noise_function *noise;
    float sd;
} sampling;

static void sample_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const sampling *s = context;
    const size_t n = weir__of(s->unit), units = batch->units;
    float x[weir__variable_most + 4];
    for (size_t row = rows.first; row < rows.last; row++) {
        for (size_t first = 0; first < units; first += n) {
            const size_t before = first % 4; // noise comes in quads
            const float *a = batch->a + row * units + first;
            s->noise(x, batch->noise, (uint32_t)row, first - before, n + before);
            for (size_t i = 0; i < n; i++) x[before + i] = a[i] + s->sd * x[before + i];
            weir__top(batch->h + row * units + first, x + before, n, weir__k(s->unit));
        }
    }
}

static void gumbel_sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(&(sampling){unit, gumbel_noise, 1}, batch, (weir__k(unit) + 4) * batch->units, sample_rows);
}

static void noisy_sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(&(sampling){unit, weir__random_normal_at, (float)unit->draw_values[sd_index]}, batch,
                   (weir__k(unit) + 4) * batch->units, sample_rows);
}

/// P(S) = Σ_{i ∈ S} ∫ f_i(t) Π_{j ∈ S∖i} P(x_j > t) Π_{j ∉ S} P(x_j < t) dt: the least of S is i, at t.
static double set_chance(size_t n, const double *a, const double *h, double step, double reach,
                         void (*tail)(double x, double *density, double *below)) {
    double low = a[0], high = a[0], sum = 0;
    for (size_t i = 1; i < n; i++) low = fmin(low, a[i]), high = fmax(high, a[i]);
    for (double t = low - reach; t < high + reach; t += step) {
        double outside = 1, above = 1, rate = 0;
        for (size_t i = 0; i < n; i++) {
            double density, below;
            tail(t - a[i], &density, &below);
            if (h[i] == 0) outside *= below;
            if (h[i] == 0) continue;
            rate = rate * (1 - below) + above * density; // of the product of those above, by its factors
            above *= 1 - below;
        }
        sum += step * rate * outside;
    }
    return sum;
}

static void gumbel_tail(double x, double *density, double *below) {
    *below = exp(-exp(-x));
    *density = exp(-x) * *below;
}

static void normal_tail(double x, double *density, double *below) {
    *below = 0.5 * erfc(-x * 0.7071067811865476);
    *density = exp(-x * x / 2) * 0.3989422804014327;
}

static double gumbel_integral(const weir_unit *unit, const double *a, const double *h) {
    return set_chance(weir__of(unit), a, h, 0.02, 40, gumbel_tail);
}

static double normal_integral(const weir_unit *unit, const double *a, const double *h) {
    double scaled[64] = {0};
    for (size_t i = 0; i < weir__of(unit); i++) scaled[i] = a[i] / unit->draw_values[sd_index];
    return set_chance(weir__of(unit), scaled, h, 0.02, 10, normal_tail);
}

static void gumbel_states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    weir__over_subsets(unit, a, weir__k(unit), gumbel_integral, visit, context);
}

static void noisy_states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    weir__over_subsets(unit, a, weir__k(unit), normal_integral, visit, context);
}

// ---- without replacement -------------------------------------------------------------------------------------------

static weir_status gumbel_most(const weir_unit *unit, weir_error *error) {
    if (weir__k(unit) <= scored_most) return WEIR_OK;
    return weir__fail(error, WEIR_ARGUMENT, "gumbel-top-k: k=%zu; the chance of a set is known for k up to %d",
                      weir__k(unit), scored_most);
}

/// P(S), and, unless NULL, score[n] = ∂ log P(S)/∂a.
static double set_score(const weir_unit *unit, const float *a, const float *h, double *score) {
    const size_t n = weir__of(unit), k = weir__k(unit), sets = (size_t)1 << k;
    double w[weir__variable_most], inside[1 << scored_most], f[1 << scored_most] = {1}, back[1 << scored_most] = {0};
    double outside = 0, most = -INFINITY, own[scored_most], slope[scored_most] = {0}, slope_outside = 0;
    size_t member = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, (double)a[i]);
    for (size_t i = 0; i < n; i++) {
        w[i] = exp(fmax((double)a[i] - most, -600 / (double)k)); // so that no product of k of them is 0
        if (h[i] != 0 && member < k)
            own[member++] = w[i];
        else
            outside += w[i];
    }
    for (size_t t = 0; t < sets; t++) { // W − w(T): those outside, and those of S that T lacks
        inside[t] = outside;
        for (size_t j = 0; j < k; j++) inside[t] += t >> j & 1 ? 0 : own[j];
    }
    for (size_t t = 1; t < sets; t++) {
        f[t] = 0;
        for (size_t j = 0; j < k; j++)
            if (t >> j & 1) f[t] += f[t ^ (size_t)1 << j] * own[j] / inside[t ^ (size_t)1 << j];
    }
    if (!score) return f[sets - 1];
    back[sets - 1] = 1 / f[sets - 1];
    for (size_t t = sets - 1; t > 0; t--) {
        for (size_t j = 0; j < k; j++) {
            if (!(t >> j & 1)) continue;
            const size_t without = t ^ (size_t)1 << j;
            const double share = back[t] * f[without] / inside[without], rate = share * own[j] / inside[without];
            back[without] += back[t] * own[j] / inside[without];
            slope[j] += share;
            slope_outside -= rate;
            for (size_t l = 0; l < k; l++) slope[l] -= without >> l & 1 ? 0 : rate;
        }
    }
    member = 0;
    for (size_t i = 0; i < n; i++) score[i] = w[i] * (h[i] != 0 && member < k ? slope[member++] : slope_outside);
    return f[sets - 1];
}

static void gumbel_score(const weir_unit *unit, size_t count, const float *a, const float *h, float *to) {
    const size_t n = weir__of(unit);
    double score[weir__variable_most];
    for (size_t at = 0; at < count; at += n) {
        set_score(unit, a + at, h + at, score);
        for (size_t i = 0; i < n; i++) to[at + i] = (float)score[i];
    }
}

static double gumbel_chance(const weir_unit *unit, const float *a, const float *h) {
    return set_score(unit, a, h, NULL);
}

/// q[n] = E h. At each t the others are coins, "came before t" with the chance 1 − exp(−w t), whose number is counted
/// by a table of k numbers.
static void gumbel_marginal(const weir_unit *unit, const float *a, float *to) {
    const size_t n = weir__of(unit), k = weir__k(unit);
    const double step = 0.25;
    double q[weir__variable_most] = {0}, most = -INFINITY, least = INFINITY, check = 0;
    for (size_t i = 0; i < n; i++) {
        const double at = (double)a[i];
        most = fmax(most, at), least = fmin(least, at);
        check += at - at;
    }
    least = fmax(least, most - 80);
    for (double s = -most - 30; check == 0 && s < -least + 6; s += step) {
        double coin[weir__variable_most], rate[weir__variable_most];
        const double t = exp(s);
        for (size_t i = 0; i < n; i++) {
            const double w = exp(fmax((double)a[i], least)), hazard = w * t;
            coin[i] = -expm1(-hazard);
            rate[i] = hazard * exp(-hazard) * step;
        }
        for (size_t i = 0; i < n; i++) {
            if (rate[i] < 1e-16) continue;
            double number[weir__variable_most + 1] = {1}, fewer = 0;
            for (size_t j = 0; j < n; j++) {
                if (j == i) continue;
                for (size_t c = k; c-- > 0;) number[c] = number[c] * (1 - coin[j]) + (c ? number[c - 1] * coin[j] : 0);
            }
            for (size_t c = 0; c < k; c++) fewer += number[c];
            q[i] += rate[i] * fewer;
        }
    }
    for (size_t i = 0; i < n; i++) to[i] = check == 0 ? (float)q[i] : NAN;
}
static void gumbel_expect(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_variables(unit, batch, 64 * weir__of(unit) * weir__k(unit), gumbel_marginal);
}

static void gumbel_opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    for (size_t at = 0; at < count; at += weir__of(unit)) gumbel_marginal(unit, a + at, q + at);
    for (size_t i = 0; dq && i < count; i++) dq[i] = q[i] * (1 - q[i]);
}

// ---- normal noise --------------------------------------------------------------------------------------------------

/// The chance that output i is among the k greatest when its own noise is drawn and that of the others is not:
/// Φ((a_i − the k-th greatest of the others)/sd), Shazeer et al. 2017, eq. 8 and 9, without the noise of the others.
static void noisy_marginal(const weir_unit *unit, const float *a, float *q, float *dq) {
    const size_t n = weir__of(unit), k = weir__k(unit);
    const float sd = (float)unit->draw_values[sd_index];
    float top[weir__variable_most], with = INFINITY, without = -INFINITY;
    weir__top(top, a, n, k);
    for (size_t i = 0; i < n; i++) {
        if (top[i] == 1) with = a[i] < with ? a[i] : with;
        if (top[i] == 0) without = a[i] > without ? a[i] : without;
    }
    for (size_t i = 0; i < n; i++) {
        float density = 0, below = 1;
        const float x = (a[i] - (top[i] == 1 ? without : with)) / sd;
        if (k < n) weir__normal_pair(x > 12 ? 12 : x < -12 ? -12 : x, &density, &below);
        q[i] = below;
        if (dq) dq[i] = density / sd;
    }
}

static void noisy_opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    for (size_t at = 0; at < count; at += weir__of(unit)) noisy_marginal(unit, a + at, q + at, dq ? dq + at : NULL);
}

// ---- mean and deviation --------------------------------------------------------------------------------------------

/// Quantile of the normal distribution: bisection on erfc.
static double quantile(double p) {
    double low = -40, high = 40;
    for (int i = 0; i < 60; i++) {
        const double x = (low + high) / 2;
        *(0.5 * erfc(-x * 0.7071067811865476) < p ? &low : &high) = x;
    }
    return low;
}

static void statistical_one(const weir_unit *unit, const float *a, float *h) {
    const size_t n = weir__of(unit), k = weir__k(unit);
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) mean += (double)a[i] / (double)n;
    for (size_t i = 0; i < n; i++) square += ((double)a[i] - mean) * ((double)a[i] - mean) / (double)n;
    const double edge = k < n ? mean + sqrt(square) * quantile(1 - (double)k / (double)n) : -INFINITY;
    for (size_t i = 0; i < n; i++) h[i] = isnan(mean) ? NAN : (double)a[i] > edge ? 1.0f : 0.0f;
}

static void statistical(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_variables(unit, batch, 4, statistical_one);
}

static void statistical_opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    certain(unit, count, a, q, dq, statistical_one);
}

static void statistical_states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    one_state(unit, a, visit, context, statistical_one);
}

// ---- thresholds ----------------------------------------------------------------------------------------------------

enum { least_index = weir__of_index + 1 };
enum { none_open, one_open };

static const weir_parameter threshold_parameters[] = {
    WEIR__PARAMETER_OF,
    [least_index] = {.name = "least",
                     .greatest = one_open,
                     .choices = "none|one",
                     .about = "where no score lies above 0: nothing is open, or the greatest is"},
};

static void above_one(const weir_unit *unit, const float *a, float *h) {
    bool open = false, number = true;
    for (size_t i = 0; i < weir__of(unit); i++) {
        h[i] = a[i] > 0 ? 1.0f : a[i] - a[i]; // a NaN stays NaN
        open = open || a[i] > 0;
        number = number && !isnan(a[i]);
    }
    if (!open && number && unit->draw_values[least_index] == one_open) weir__top(h, a, weir__of(unit), 1);
}

static void above(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_variables(unit, batch, 1, above_one);
}

static void above_opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    certain(unit, count, a, q, dq, above_one);
}

static void above_states(const weir_unit *unit, const double *a, weir_state visit, void *context) {
    one_state(unit, a, visit, context, above_one);
}

const weir_draw weir__draw_threshold = {
    .name = "threshold",
    .summary = "scores above 0 are 1; not random; the bias of each is its threshold, a running quantile by sparsity.bias_quantile",
    .forward = "h_i = 1[a_i > 0]",
    .source = "Expert Threshold routing 2026 (arXiv 2603.11535); Wang et al. 2024 (arXiv 2408.15664), algorithm 1",
    .traits = WEIR_DRAW_SUBSET,
    .parameters = threshold_parameters,
    .parameter_count = sizeof threshold_parameters / sizeof *threshold_parameters,
    .decided = "h = 1 where a > 0",
    .expected = "as decided",
    .sample = above,
    .expect = above,
    .decide = above,
    .opening = above_opening,
    .states = above_states,
};

const weir_draw weir__draw_top_k = {
    .name = "top-k",
    .summary = "the k greatest of n scores are 1; not random",
    .forward = "h_i = 1[a_i is among the k greatest]",
    .source = "Shazeer et al. 2017 (arXiv 1701.06538), eq. 5, without noise",
    .traits = WEIR_DRAW_SUBSET,
    WEIR__PARAMETERS,
    .decided = "h = 1 at the k greatest a",
    .expected = "as decided",
    .sample = decide,
    .expect = decide,
    .decide = decide,
    .opening = no_opening,
    .states = top_states,
};

const weir_draw weir__draw_gumbel_top_k = {
    .name = "gumbel-top-k",
    .summary = "k of n outputs are 1, drawn from softmax(a) without replacement",
    .forward = "h = 1 at the k greatest of a + Gumbel noise",
    .source = "Yellott 1977; Kool, van Hoof and Welling 2019 (arXiv 1903.06059), section 2.3",
    .traits = WEIR_DRAW_SCORE | WEIR_DRAW_OUTCOMES | WEIR_DRAW_SUBSET | WEIR_DRAW_RANDOM,
    WEIR__PARAMETERS,
    .decided = "h = 1 at the k greatest a",
    .expected = "h_i = P(h_i = 1)",
    .sample = gumbel_sample,
    .expect = gumbel_expect,
    .decide = decide,
    .opening = gumbel_opening,
    .states = gumbel_states,
    .score = gumbel_score,
    .outcomes = outcomes,
    .outcome = outcome,
    .chance = gumbel_chance,
    .most = gumbel_most,
};

const weir_draw weir__draw_noisy_top_k = {
    .name = "noisy-top-k",
    .summary = "the k greatest of n scores with normal noise are 1; the mean is the decision",
    .forward = "h = 1 at the k greatest of a + sd·z, z ~ N(0, 1)",
    .source = "Shazeer et al. 2017 (arXiv 1701.06538), eq. 4, 5, 8 and 9",
    .traits = WEIR_DRAW_SUBSET | WEIR_DRAW_RANDOM,
    .parameters = noisy_parameters,
    .parameter_count = sizeof noisy_parameters / sizeof *noisy_parameters,
    .decided = "h = 1 at the k greatest a",
    .expected = "as decided",
    .sample = noisy_sample,
    .expect = decide,
    .decide = decide,
    .opening = noisy_opening,
    .states = noisy_states,
};

const weir_draw weir__draw_statistical_top_k = {
    .name = "statistical-top-k",
    .summary = "about k of n scores are 1: those above mean + sd·quantile, without a sort; not random",
    .forward = "h_i = 1[a_i > mean(a) + sd(a)·Φ⁻¹(1 − k/n)]",
    .source = "You et al. 2025, Spark Transformer (arXiv 2506.06644), section 3",
    .traits = WEIR_DRAW_SUBSET,
    WEIR__PARAMETERS,
    .decided = "h = 1 above mean + sd·quantile",
    .expected = "as decided",
    .sample = statistical,
    .expect = statistical,
    .decide = statistical,
    .opening = statistical_opening,
    .states = statistical_states,
};
