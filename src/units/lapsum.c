// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Hard top-k forward, the soft top-k of LapSum backward (Struski, Bednarczyk, Podolak and Tabor 2025):
//   p_i = F((a_i − b)/τ), F the distribution function of Laplace(0, 1), b such that Σ p = k.
// Differentiating Σ p = k gives ∂b, and with s_i = F'((a_i − b)/τ)
//   ∂p_i/∂a_j = s_i (δ_ij − s_j/Σ s)/τ, which is symmetric.
// b is found by bisection here; the paper has a closed form after a sort.

#include "../core/core.h"
#include "../core/math.h"
#include "categorical.h"

enum { temperature_index };

static const weir_parameter parameters[] = {
    [temperature_index] =
        {.name = "temperature", .initial = 1, .least = 0.01, .greatest = 100, .about = "τ, of the soft top-k"},
};

WEIR__INLINE float half_tail(float x) { return 0.5f * weir__exp(x < 0 ? x : -x); }

WEIR__CLONES static float sum_at(const float *a, float b, float inverse, size_t count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++) {
        const float x = (a[i] - b) * inverse, tail = half_tail(x);
        sum += x < 0 ? tail : 1 - tail;
    }
    return sum;
}

static void backward_one(const weir__variable *v) {
    const float tau = (float)v->unit->values[temperature_index], k = (float)weir_unit_value(v->unit, "k");
    float low = v->a[0], high = v->a[0], slopes = 0, mean = 0;
    for (size_t i = 1; i < v->size; i++) {
        low = v->a[i] < low ? v->a[i] : low;
        high = v->a[i] > high ? v->a[i] : high;
    }
    low -= 90 * tau;
    high += 90 * tau;
    for (int step = 0; step < 40; step++) {
        const float middle = 0.5f * (low + high);
        *(sum_at(v->a, middle, 1 / tau, v->size) > k ? &low : &high) = middle;
    }
    for (size_t i = 0; i < v->size; i++) slopes += v->da[i] = half_tail((v->a[i] - low) / tau);
    for (size_t i = 0; i < v->size; i++) mean += v->da[i] * v->dh[i] / slopes;
    for (size_t i = 0; i < v->size; i++) v->da[i] *= (v->dh[i] - mean) / tau;
}
WEIR__BY_VARIABLES(backward, 100)

/// p for b by Newton's method from b where the mean of a is, in double.
static void soft(const double *a, size_t n, double k, double tau, double *p) {
    double low = -1e3, high = 1e3;
    for (int step = 0; step < 200; step++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            const double x = (a[i] - (low + high) / 2) / tau;
            sum += p[i] = x < 0 ? 0.5 * exp(x) : 1 - 0.5 * exp(-x);
        }
        *(sum > k ? &low : &high) = (low + high) / 2;
    }
}

/// By differences of p.
static void weights(const weir_unit *unit, const double *a, const double *h, double *w) {
    enum { most = weir__most_expected };
    const size_t n = weir_unit_variable(unit);
    const double k = weir_unit_value(unit, "k"), tau = unit->values[temperature_index], step = 1e-5;
    double moved[most], up[most], down[most];
    (void)h;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) moved[j] = a[j] + (j == i ? step : 0);
        soft(moved, n, k, tau, up);
        moved[i] = a[i] - step;
        soft(moved, n, k, tau, down);
        for (size_t j = 0; j < n; j++) w[i * n + j] = (up[j] - down[j]) / (2 * step);
    }
}

static weir_status check(const weir_unit *unit, weir_error *error) {
    if (!isnan(weir_unit_value(unit, "k"))) return WEIR_OK;
    return weir__fail(error, WEIR_UNSUPPORTED, "lapsum needs a draw of k outputs, which %s is not",
                      weir_unit_draw(unit)->name);
}

static const weir_form forms[] = {
    {.text = ""}, {.text = "temperature=0.5"}, {.text = "draw=k-subset"}, {.text = "draw=gumbel-top-k"}};

extern const weir_draw weir__draw_top_k;

const weir_rule weir__rule_lapsum = {
    .name = "lapsum",
    .summary = "straight-through of subsets: hard forward, backward the derivative of LapSum's soft top-k",
    .forward = "h = 1 at k of n outputs, by the draw",
    .gradient = "∂L/∂a := s∘(∂L/∂h − s·∂L/∂h/Σ s)/τ, s = Laplace density of (a − b)/τ, Σ F((a − b)/τ) = k",
    .source = "Struski, Bednarczyk, Podolak and Tabor 2025 (arXiv 2503.06242), section 3",
    .traits = weir__binary | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &weir__draw_top_k,
    .draws = WEIR_DRAW_SUBSET,
    .check = check,
    .backward = backward,
    .weights = weights,
    WEIR__FORMS,
};
