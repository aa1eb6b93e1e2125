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

/// log x for positive normal x: relative error below 1.5·10⁻⁷.
/// x = 2ᵉ·(1 + f) with 1 + f in [√½, √2), then log(1 + f) = f − f²/2 + f³·Q(f).
WEIR__INLINE float weir__log(float x) {
    const int32_t root_half = 0x3f3504f3;
    const int32_t shifted = weir__bits_of(x) - root_half;
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

#endif
