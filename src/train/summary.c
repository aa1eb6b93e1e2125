// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include <math.h>

#include <weir/summary.h>

/// A mean that takes one value after the other (Welford 1962).
typedef struct moments {
    size_t count;
    double mean, squares;
} moments;

static void add(moments *m, double value) {
    const double step = value - m->mean;
    m->mean += step / (double)++m->count;
    m->squares += step * (value - m->mean);
}

static double deviation_of(const moments *m) {
    return m->count > 1 ? sqrt(m->squares / (double)(m->count - 1)) : (double)NAN;
}

weir_summary weir_summarise(const double *values, size_t count) {
    moments m = {0};
    double least = (double)NAN, greatest = (double)NAN;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) continue;
        add(&m, values[i]);
        least = fmin(least, values[i]); // of NaN and a number the number
        greatest = fmax(greatest, values[i]);
    }
    return (weir_summary){m.count, m.count ? m.mean : (double)NAN, deviation_of(&m), least, greatest};
}

// ---- Student's t.

// The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8, evaluated by Lentz's method of
// 1976), which converges quickly for x < (a + 1) / (a + b + 2).
static double beta_fraction(double a, double b, double x) {
    static const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double product = d;
    for (int m = 1; m < 500; m++) {
        for (int odd = 0; odd < 2; odd++) {
            const double k = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                                 : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 + k * d;
            c = 1 + k / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            product *= d * c;
        }
        if (fabs(d * c - 1) < 1e-15) break;
    }
    return product;
}

// I_x(a, b), Abramowitz and Stegun 26.5.1 and, beyond the middle, 26.5.2.
static double incomplete_beta(double a, double b, double x) {
    if (!(x > 0)) return 0;
    if (!(x < 1)) return 1;
    const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

// P(|T| > t) with that many degrees of freedom, Abramowitz and Stegun 26.7.1.
static double two_sided(double t, double freedom) {
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t));
}

// The t with P(|T| > t) = p.
static double quantile(double p, double freedom) {
    double low = 0, high = 1;
    while (two_sided(high, freedom) > p) high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
        const double middle = 0.5 * (low + high);
        *(two_sided(middle, freedom) > p ? &low : &high) = middle;
    }
    return 0.5 * (low + high);
}

weir_difference weir_paired_difference(const double *values, const double *base, size_t count) {
    static const double outside = 0.05;
    moments m = {0};
    weir_difference d = {.mean = (double)NAN, .low = (double)NAN, .high = (double)NAN, .p = (double)NAN};
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]) || !isfinite(base[i])) continue;
        add(&m, values[i] - base[i]);
        d.below += values[i] < base[i];
    }
    d.pairs = m.count;
    d.deviation = deviation_of(&m);
    if (m.count) d.mean = m.mean;
    if (m.count < 2) return d;
    const double error = d.deviation / sqrt((double)m.count), freedom = (double)(m.count - 1);
    const double reach = quantile(outside, freedom) * error;
    d.low = m.mean - reach;
    d.high = m.mean + reach;
    if (error > 0)
        d.p = two_sided(fabs(m.mean) / error, freedom);
    else
        d.p = m.mean != 0 ? 0 : 1;
    return d;
}
