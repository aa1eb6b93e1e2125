// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// ARMS: n samples whose uniform numbers are negatively dependent, every pair alike (Dimitriev and Zhou 2021):
//   g = 1/(n − 1) Σ_k (L_k − L̄)(h_k − p)·p (1 − p)/(p − J),  J = P(h_j = h_k = 1).
// n = 2 is DisARM; independent samples (J = p²) give rloo. With m = min(p, 1 − p) and two copulas:
// - dirichlet: e_k = −log U_k, u_k = (1 − e_k/Σe)^{n−1}; h_k = 1[u_k < p], or 1[u_k > 1 − p] where p ≥ ½. Then
//   p − J = m − max(0, 2r − 1)^{n−1}, r = m^{1/(n−1)}, and u_k < m is 1 − e_k/Σe < r: one power per unit.
// - gaussian: z_k of correlation −1/(n − 1), h_k = 1[z_k < t], Φ(t) = p. p − J = 2 T(t, s), s = √(n/(n − 2)), T Owen's
//   function: p (1 − p)/(p − J) = max(p, 1 − p)·R(|t|)·√(π/2) / I, R Mills' ratio, I = ∫₀ˢ exp(−½t²x²)/(1 + x²) dx.
// The factors come from |a|, without p itself: m may be as small as 10⁻³⁸.

#include "../core/math.h"
#include "antithetic.h"

enum { samples_index, copula_index };
enum { dirichlet, gaussian };

static const weir_parameter parameters[] = {
    [samples_index] = {"samples", 3, 2, 100, NULL, "n: evaluations per example"},
    [copula_index] = {"copula", 0, 0, gaussian, "dirichlet|gaussian", "how the samples depend on each other"},
};

// ---- dirichlet -----------------------------------------------------------------------------------------------------

/// m^{1/(n−1)} from the pre-activation: log m = −log(1 + e^|a|).
WEIR__INLINE float root_of(float a, float others) { return weir__exp(-weir__softplus(a < 0 ? -a : a) / others); }

/// h[k·stride + i], uniform numbers, become draws.
WEIR__CLONES static void dirichlet_row(float *restrict h, size_t stride, const float *restrict a, size_t samples,
                                       size_t units) {
    float sum[weir__span_units];
    for (size_t first = 0; first < units; first += weir__span_units) {
        const size_t left = units - first, count = left < weir__span_units ? left : weir__span_units;
        for (size_t i = 0; i < count; i++) sum[i] = 0;
        for (size_t k = 0; k < samples; k++) {
            float *restrict e = h + k * stride + first;
            for (size_t i = 0; i < count; i++) {
                e[i] = -weir__log(e[i]);
                sum[i] += e[i];
            }
        }
        for (size_t k = 0; k < samples; k++) {
            float *restrict e = h + k * stride + first;
            for (size_t i = 0; i < count; i++) {
                const float logit = a[first + i], bound = root_of(logit, (float)(samples - 1)) * sum[i];
                const bool below = sum[i] - e[i] < bound;
                e[i] = (below == (logit < 0) ? 1.0f : 0.0f) + (logit - logit);
            }
        }
    }
}

WEIR__CLONES static void dirichlet_factors(float *restrict factor, const float *restrict a, size_t samples,
                                           size_t units) {
    const float others = (float)(samples - 1);
    for (size_t i = 0; i < units; i++) {
        float p, q;
        weir__sigmoid_pair(a[i] < 0 ? a[i] : -a[i], &p, &q); // p the smaller
        const float twice = 2 * root_of(a[i], others) - 1;
        float joint = 1;
        for (size_t k = 1; k < samples; k++) joint *= twice;
        factor[i] = q * p / (p - (twice > 0 ? joint : 0));
    }
}

// ---- gaussian ------------------------------------------------------------------------------------------------------

/// |t| with Φ(−|t|) = m: Newton's steps on the concave log Φ(−x) + log(1 + e^|a|), from the right.
WEIR__INLINE float quantile_of(float a) {
    const float s = weir__softplus(a < 0 ? -a : a);
    float x = sqrtf(2 * (s > 0.693147181f ? s - 0.693147181f : 0));
    for (int turn = 0; turn < 5; turn++) {
        const float ratio = 1 / (x + weir__mills_excess(x));
        x += ratio * (s - 0.5f * x * x - 0.918938533f + weir__log(ratio));
    }
    return x;
}

/// I by the rule of Gauss and Legendre over what matters of [0, s].
WEIR__INLINE float integral_of(float t, float most) {
    static const float node[8] = {0.0950125098f, 0.281603551f, 0.458016778f, 0.617876244f,
                                  0.755404408f,  0.865631202f, 0.944575023f, 0.989400935f};
    static const float weight[8] = {0.189450610f, 0.182603415f,  0.169156519f,  0.149595989f,
                                    0.124628971f, 0.0951585117f, 0.0622535239f, 0.0271524594f};
    const float reach = 6 / (t > 1e-3f ? t : 1e-3f), half = 0.5f * (reach < most ? reach : most);
    float sum = 0;
    for (int k = 0; k < 8; k++) {
        const float low = half * (1 - node[k]), high = half * (1 + node[k]);
        sum += weight[k] * (weir__exp(-0.5f * t * t * low * low) / (1 + low * low) +
                            weir__exp(-0.5f * t * t * high * high) / (1 + high * high));
    }
    return half * sum;
}

WEIR__CLONES static void gaussian_row(float *restrict h, size_t stride, const float *restrict a, size_t samples,
                                      size_t units) {
    const float share = 1 / (float)samples, scale = sqrtf((float)samples / (float)(samples - 1));
    float mean[weir__span_units];
    for (size_t first = 0; first < units; first += weir__span_units) {
        const size_t left = units - first, count = left < weir__span_units ? left : weir__span_units;
        for (size_t i = 0; i < count; i++) mean[i] = 0;
        for (size_t k = 0; k < samples; k++) {
            const float *restrict z = h + k * stride + first;
            for (size_t i = 0; i < count; i++) mean[i] += share * z[i];
        }
        for (size_t i = 0; i < count; i++) {
            const float size = quantile_of(a[first + i]), t = a[first + i] < 0 ? -size : size;
            mean[i] += t / scale; // z_k − mean < t/scale
        }
        for (size_t k = 0; k < samples; k++) {
            float *restrict z = h + k * stride + first;
            for (size_t i = 0; i < count; i++) z[i] = (z[i] < mean[i] ? 1.0f : 0.0f) + (a[first + i] - a[first + i]);
        }
    }
}

WEIR__CLONES static void gaussian_factors(float *restrict factor, const float *restrict a, size_t samples,
                                          size_t units) {
    const float most = samples > 2 ? sqrtf((float)samples / (float)(samples - 2)) : 0;
    for (size_t i = 0; i < units; i++) {
        const float t = quantile_of(a[i]), larger = weir__sigmoid(a[i] < 0 ? -a[i] : a[i]);
        const float ratio = 1 / (t + weir__mills_excess(t));
        factor[i] = samples > 2 ? larger * ratio * 1.25331414f / integral_of(t, most) : larger;
    }
}

// ---- both ----------------------------------------------------------------------------------------------------------

static void sample_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const size_t units = batch->units, count = batch->rows * units, samples = batch->groups;
    const bool normal = unit->values[copula_index] == gaussian;
    for (size_t row = rows.first; row < rows.last; row++) {
        float *h = batch->h + row * units;
        const float *a = batch->a + row * units;
        weir_noise noise = batch->noise;
        for (size_t k = 0; k < samples; k++, noise.sample++) {
            (normal ? weir_random_normal : weir_random_uniform)(h + k * count, noise, (uint32_t)row, units);
        }
        (normal ? gaussian_row : dirichlet_row)(h, count, a, samples, units);
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__for_rows(unit, batch, 4 * batch->groups * batch->units, sample_rows);
}

WEIR__CLONES static void weigh(float *restrict da, const float *restrict factor, size_t units) {
    for (size_t i = 0; i < units; i++) da[i] *= factor[i];
}

static void factor_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const weir_unit *unit = context;
    const bool normal = unit->values[copula_index] == gaussian;
    for (size_t at = rows.first * batch->units, last = rows.last * batch->units; at < last; at += weir__span_units) {
        const size_t count = last - at < weir__span_units ? last - at : weir__span_units;
        float factor[weir__span_units];
        (normal ? gaussian_factors : dirichlet_factors)(factor, batch->a + at, batch->groups, count);
        weigh(batch->da + at, factor, count);
    }
}

extern const weir_rule weir__rule_rloo;

static void backward(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__rule_rloo.backward(unit, batch);
    weir__for_rows(unit, batch, 8 * batch->units, factor_rows);
}

static const weir_form forms[] = {
    {.text = "", .variance = 0.663},
    {.text = "samples=2", .variance = 1.681, .one_bit = weir__disarm_variance},
    {.text = "samples=4", .variance = 0.439},
    {.text = "samples=9"},
    {.text = "samples=2,copula=gaussian", .variance = 1.681, .one_bit = weir__disarm_variance},
    {.text = "copula=gaussian"},
    {.text = "samples=6,copula=gaussian"},
};

const weir_rule weir__rule_arms = {
    .name = "arms",
    .summary = "binary unit, n samples that avoid each other (ARMS); n = 2 is disarm",
    .forward = "h_k ~ Bernoulli(σ(a)), k = 1 … n, negatively dependent",
    .gradient = "∂L/∂a ~ 1/(n − 1) Σ_k (L_k − L̄)(h_k − p)·p(1 − p)/(p − P(h_j = h_k = 1))",
    .source = "Dimitriev and Zhou 2021 (arXiv 2105.14141), theorem 1",
    .traits = weir__by_score,
    .evaluations = 3,
    .cost = "n",
    WEIR__PARAMETERS,
    .sample = sample,
    .backward = backward,
    .groups = weir__sample_groups,
    WEIR__FORMS,
};
