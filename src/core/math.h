// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file math.h
/// Elementary functions in single precision, written without branches or tables so that a compiler vectorises the
/// loops that call them (calls of libm do not vectorise, and differ between machines).
///
/// The polynomials interpolate at Chebyshev nodes and are rounded to float. tests/test_math.c holds the error bounds
/// given here against libm in double precision. Outside the ranges given the results are meaningless but finite;
/// NaN gives NaN where said.
#ifndef WEIR_MATH_H
#define WEIR_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "clones.h"

WEIR__INLINE int32_t weir__bits_of(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

WEIR__INLINE float weir__float_of(int32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/// eˣ for x in [−87.3, 88.3]: relative error below 2·10⁻⁷. NaN gives NaN. eˣ = 2ⁿ·eʳ with |r| ≤ ½ log 2.
WEIR__INLINE float weir__exp_within(float x) {
    const float magic = 0x1.8p23f; // adding it rounds to an integer, which is then in the low bits, and no others
    const float shifted = x * 1.44269504f + magic;
    const float n = shifted - magic;
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float q = 0.00139269268f;
    q = q * r + 0.00836377405f;
    q = q * r + 0.0416665487f;
    q = q * r + 0.166665733f;
    q = q * r + 0.5f;
    const float mantissa = 1.0f + (r + r * r * q);
    const uint32_t exponent = ((uint32_t)weir__bits_of(shifted) << 23) + 0x3f800000u; // of 1, and n
    return mantissa * weir__float_of((int32_t)exponent);
}

/// eˣ with x clamped to [−87.3, 88.3], so that the result is a normal number: relative error below 2·10⁻⁷ there. NaN
/// gives NaN.
WEIR__INLINE float weir__exp(float x) {
    x = x < -87.3f ? -87.3f : x;
    return weir__exp_within(x > 88.3f ? 88.3f : x);
}

/// log x for positive normal x: relative error below 1.5·10⁻⁷.
/// x = 2ᵉ·(1 + f) with 1 + f in [√½, √2), then log(1 + f) = f − f²/2 + f³·Q(f).
WEIR__INLINE float weir__log(float x) {
    const int32_t root_half = 0x3f3504f3;
    const int32_t shifted = (int32_t)((uint32_t)weir__bits_of(x) - (uint32_t)root_half);
    const float e = (float)(shifted >> 23);
    const float f = weir__float_of((shifted & 0x007fffff) + root_half) - 1.0f;
    float q = 0.0697161183f;
    q = q * f - 0.114797339f;
    q = q * f + 0.116854198f;
    q = q * f - 0.124256872f;
    q = q * f + 0.142490581f;
    q = q * f - 0.166678026f;
    q = q * f + 0.200007156f;
    q = q * f - 0.24999997f;
    q = q * f + 0.333333313f;
    const float square = f * f;
    const float low = square * f * q - 0.5f * square - e * 2.12194440e-4f;
    return (f + low) + e * 0.693359375f;
}

/// sin 2πu and cos 2πu for u in [0, 1]: absolute error below 10⁻⁷. The reduction to an eighth of a turn is exact.
WEIR__INLINE void weir__sincos_turn(float u, float *sine, float *cosine) {
    const float magic = 0x1.8p23f; // adding it rounds to an integer, which is then in the low bits
    const float shifted = 4.0f * u + magic;
    const int32_t quarter = weir__bits_of(shifted);
    const float x = 4.0f * u - (shifted - magic);
    const float square = x * x;
    const float s = x * (1.57079637f + square * (-0.64596349f + square * (0.0796802193f - 0.00460214913f * square)));
    const float c =
        1.0f + square * (-1.23370051f + square * (0.253669411f + square * (0.000906739908f * square - 0.0208615288f)));
    const float s_or_c = quarter & 1 ? c : s, c_or_s = quarter & 1 ? s : c;
    *sine = weir__float_of(weir__bits_of(s_or_c) ^ (int32_t)((uint32_t)(quarter & 2) << 30));
    *cosine = weir__float_of(weir__bits_of(c_or_s) ^ (int32_t)((uint32_t)((quarter + 1) & 2) << 30));
}

/// log(1 + x) for x in [0, 1]: relative error below 2·10⁻⁷, also for tiny x. What 1 + x loses by rounding is put back.
WEIR__INLINE float weir__log1p(float x) {
    const float y = 1.0f + x;
    return weir__log(y) + (x - (y - 1.0f)) / y;
}

/// p = σ(a) = 1/(1 + e⁻ᵃ) and 1 − p = σ(−a), each with a relative error below 4·10⁻⁷ for |a| ≤ 87 and at least 10⁻³⁸
/// beyond. Never decreasing in a by more than that error. NaN gives NaN.
WEIR__INLINE void weir__sigmoid_pair(float a, float *p, float *one_less_p) {
    const float size = weir__float_of(weir__bits_of(a) & INT32_MAX),
                e = weir__exp_within(size > 87.3f ? -87.3f : -size);
    const float larger = 1.0f / (1.0f + e), smaller = e * larger;
    *p = a < 0 ? smaller : larger;
    *one_less_p = a < 0 ? larger : smaller;
}

WEIR__INLINE float weir__sigmoid(float a) {
    float p, unused;
    weir__sigmoid_pair(a, &p, &unused);
    return p;
}

/// 1 where the uniform number u is below p, else 0; NaN where p is NaN (p − p is 0, or NaN).
WEIR__INLINE float weir__bernoulli(float u, float p) { return (u < p ? 1.0f : 0.0f) + (p - p); }

/// tanh x: relative error below 3·10⁻⁷. NaN gives NaN. Near 0 a polynomial, elsewhere 1 − 2/(e^(2|x|) + 1).
WEIR__INLINE float weir__tanh(float x) {
    const float size = x < 0 ? -x : x, square = x * x;
    float q = -0.00609671418f;
    q = q * square + 0.0209971797f;
    q = q * square - 0.0538509078f;
    q = q * square + 0.133327693f;
    q = q * square - 0.333333284f;
    const float near = x + x * square * q;
    const float far = 1.0f - 2.0f / (weir__exp(2.0f * size) + 1.0f);
    return size < 0.625f ? near : x < 0 ? -far : far;
}

/// log(1 + eᵃ): relative error below 4·10⁻⁷ for a ≥ −87; positive everywhere. NaN gives NaN.
WEIR__INLINE float weir__softplus(float a) {
    const float size = a < 0 ? -a : a;
    return (a < 0 ? 0.0f : a) + weir__log1p(weir__exp(-size));
}

/// φ(x)/Φ(−x) − x for x ≥ 0, Φ and φ the normal distribution function and its density: how far the inverse of Mills'
/// ratio lies above x. Positive, falls from √(2/π) as 1/x; relative error below 3·10⁻⁶. A polynomial in 4/(4 + x).
WEIR__INLINE float weir__mills_excess(float x) {
    const float t = 4.0f / (4.0f + x);
    float q = -0.484076768f;
    q = q * t + 1.9174118f;
    q = q * t - 2.74869657f;
    q = q * t + 1.77786839f;
    q = q * t - 0.773885787f;
    q = q * t + 0.258762419f;
    q = q * t + 0.12987937f;
    q = q * t + 0.220676601f;
    q = q * t + 0.249943912f;
    q = q * t + 0.250000268f;
    return q * t;
}

/// φ(x) and Φ(x): absolute error below 10⁻⁶; relative error below 5·10⁻⁶·(1 + x²) for |x| ≤ 13. Φ(x) is positive.
WEIR__INLINE void weir__normal_pair(float x, float *density, float *below) {
    const float size = x < 0 ? -x : x;
    const float phi = 0.398942280f * weir__exp(-0.5f * x * x);
    const float tail = phi / (size + weir__mills_excess(size));
    *density = phi;
    *below = x < 0 ? tail : 1.0f - tail;
}

#endif
