// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Beta noise by inversion. The quantile Q is tabulated as a function of the logit t of the probability, where it is
// smooth and its tails are plain exponentials (Q ~ e^{t/α} on the left, 1 − Q ~ e^{−t/β} on the right), so that a
// standard logistic number and one cubic give a Beta number for any α, β ≥ 1.
//
// Tables are found by Newton's method on the exact distribution function and kept for the life of the process, a
// bounded number of them: a table is a pure function of α and β, so that it does not matter whose it is.

#include "beta.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../core/clones.h"

static const double first_knot = -17, step = 0.25;

/// The continued fraction of the incomplete beta integral (Abramowitz and Stegun 26.5.8) by Lentz's method:
/// I_x(a, b) = xᵃ(1 − x)ᵇ / (a·B(a, b)) · fraction. Fast for x < (a + 1)/(a + b + 2).
static double fraction_of(double a, double b, double x) {
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m < 10000; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 + even * d, c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d), c = fabs(c) < tiny ? tiny : c;
        value *= d * c;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + odd * d, c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d), c = fabs(c) < tiny ? tiny : c;
        value *= d * c;
        if (fabs(d * c - 1) < 1e-15) break;
    }
    return value;
}

/// log xᵃ(1 − x)ᵇ
static double log_weight(double a, double b, double x) { return a * log(x) + b * log1p(-x); }

/// log B(α, β): both fractions converge where they meet, and the two tails add up to 1 there.
static double log_beta(double a, double b) {
    const double x = a / (a + b);
    return log_weight(a, b, x) + log(fraction_of(a, b, x) / a + fraction_of(b, a, 1 - x) / b);
}

static double tails_of(double a, double b, double log_normal, double x, double *below, double *above) {
    const double weight = exp(log_weight(a, b, x) - log_normal);
    if (x < a / (a + b)) {
        *below = weight / a * fraction_of(a, b, x);
        *above = 1 - *below;
    } else {
        *above = weight / b * fraction_of(b, a, 1 - x);
        *below = 1 - *above;
    }
    return weight;
}

double weir__beta_tails(double alpha, double beta, double x, double *below, double *above) {
    return tails_of(alpha, beta, log_beta(alpha, beta), x, below, above);
}

/// The logit v of the quantile whose probability has logit t, by Newton's method from v. With F and 1 − F the tails at
/// x = σ(v), the logit of F has the derivative weight / (F(1 − F)) by v.
static double solve(double a, double b, double log_normal, double t, double v, double *slope) {
    for (int tries = 0; tries < 60; tries++) {
        double below, above;
        const double weight = tails_of(a, b, log_normal, 1 / (1 + exp(-v)), &below, &above);
        *slope = below * above / weight;
        const double change = (t - log(below / above)) * *slope;
        v += change > 1 ? 1 : change < -1 ? -1 : change;
        if (fabs(change) < 1e-12) break;
    }
    return v;
}

void weir__beta_table_fill(weir__beta_table *table, double alpha, double beta) {
    const double log_normal = log_beta(alpha, beta);
    const int middle = weir__beta_knots / 2; // t = 0, the median; from there each knot starts from the one before
    double slope = 0;
    const double median = solve(alpha, beta, log_normal, 0, log(alpha / beta), &slope);
    for (int direction = -1; direction <= 1; direction += 2) {
        double v = median;
        for (int k = middle; k >= 0 && k < weir__beta_knots; k += direction) {
            const double t = first_knot + k * step;
            v = solve(alpha, beta, log_normal, t, v, &slope);
            const double x = 1 / (1 + exp(-v)), rest = 1 / (1 + exp(v));
            table->quantile[k] = (float)x;
            table->slope[k] = (float)(step * slope * x * rest);
        }
    }
    table->alpha = alpha;
    table->beta = beta;
}

enum { kept_most = 16 };
static weir__beta_table kept[kept_most]; // [0 … kept_count) never change
static atomic_int kept_count;
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER; // held while one is added

static const weir__beta_table *find_kept(double alpha, double beta) {
    const int count = atomic_load_explicit(&kept_count, memory_order_acquire);
    for (int i = 0; i < count; i++) {
        if (kept[i].alpha == alpha && kept[i].beta == beta) return &kept[i];
    }
    return NULL;
}

static const weir__beta_table *table_of(double alpha, double beta, weir__beta_table *spare) {
    const weir__beta_table *table = find_kept(alpha, beta);
    if (table) return table;
    pthread_mutex_lock(&kept_lock);
    table = find_kept(alpha, beta); // another thread may have been faster
    const int count = atomic_load_explicit(&kept_count, memory_order_relaxed);
    if (!table && count < kept_most) {
        weir__beta_table_fill(&kept[count], alpha, beta);
        atomic_store_explicit(&kept_count, count + 1, memory_order_release);
        table = &kept[count];
    }
    pthread_mutex_unlock(&kept_lock);
    if (table) return table;
    weir__beta_table_fill(spare, alpha, beta);
    return spare;
}

static double alpha_of(double target, double beta) { return (target * (beta - 2) + 1) / (1 - target); }

float weir__beta_mean(double target, double beta, double r) {
    const double alpha = alpha_of(target, beta);
    return (float)(fabs(log(1 / r - 1)) * (alpha / (alpha + beta) - 0.5));
}

void weir__beta_prepare(weir__beta_noise *noise, double target, double beta, double r) {
    noise->scale = (float)fabs(log(1 / r - 1));
    noise->mean = weir__beta_mean(target, beta, r);
    noise->table = table_of(alpha_of(target, beta), beta, &noise->spare);
}

/// Standard logistic numbers, which are logits of uniform ones, to Beta noise.
WEIR__CLONES static void noise_from_logits(float *restrict out, const weir__beta_table *restrict table, float scale,
                                           size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float place = (out[i] - (float)first_knot) * (float)(1 / step);
        const int32_t k = (int32_t)place;
        const float s = place - (float)k, r = 1.0f - s;
        const float left = table->quantile[k], right = table->quantile[k + 1];
        const float chord = (right - left) * (s * s) * (3.0f - 2.0f * s);
        const float bend = s * r * (r * table->slope[k] - s * table->slope[k + 1]);
        out[i] = scale * ((left - 0.5f) + (chord + bend));
    }
}

void weir__beta_noise_at(const weir__beta_noise *noise, float *out, weir_noise coordinates, weir__span span) {
    weir__span_logistic(out, coordinates, span);
    noise_from_logits(out, noise->table, noise->scale, span.count);
}
