// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file halves.h
/// bf16 numbers, and weights in two halves.
///
/// A bf16 number is the upper half of a float: 8 significant bits. Weights in bf16 are an array of upper halves, which
/// products read. Weights that learn have an array of lower halves beside it; both together give back, bit for bit, the
/// float that the upper half is rounded from. An update then reads 4 bytes a weight and writes 4, where floats with a
/// rounded copy are 4 and 6.
#ifndef WEIR_HALVES_H
#define WEIR_HALVES_H

#include "../core/core.h"

/// The nearest bf16 number, ties to even. A NaN stays one. Branch-free: loops over it are vectorised.
static inline uint16_t weir__bf16_of(float a) {
    union {
        float value;
        uint32_t bits;
    } u = {a};
    const uint32_t rounded = (u.bits + 0x7fffu + ((u.bits >> 16) & 1)) >> 16, nan = (u.bits >> 16) | 0x40;
    return (uint16_t)((u.bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

static inline float weir__bf16_value(uint16_t a) {
    const union {
        uint32_t bits;
        float value;
    } u = {(uint32_t)a << 16};
    return u.value;
}

/// to[k] = weir__bf16_of(from[k]).
void weir__bf16_round(size_t count, uint16_t *to, const float *from);

/// A float as a weight: the upper half rounded to nearest, ties away from 0, and the lower 16 bits. Where these are
/// 0x8000 or more the upper half is one more than that of the float, so that the lower one, as a signed number, says
/// how far the float is from it. Of a NaN no more than that it is one stays.
static inline uint32_t weir__bf16_weight_bits(float a) {
    union {
        float value;
        uint32_t bits;
    } u = {a};
    return (u.bits & 0x7fffffffu) > 0x7f800000u ? (u.bits & 0xffff0000u) | 0x400000u : u.bits;
}
static inline uint16_t weir__bf16_upper(float a) { return (uint16_t)((weir__bf16_weight_bits(a) + 0x8000u) >> 16); }
static inline uint16_t weir__bf16_lower(float a) { return (uint16_t)weir__bf16_weight_bits(a); }
static inline float weir__bf16_joined(uint16_t upper, uint16_t lower) {
    const union {
        uint32_t bits;
        float value;
    } u = {((uint32_t)upper << 16) + lower - ((uint32_t)(lower >> 15) << 16)};
    return u.value;
}

/// An array of weights in halves. lower NULL: weights that do not learn. upper NULL: there are none.
typedef struct weir__halves {
    uint16_t *upper, *lower;
} weir__halves;

/// Those of the weights from number `at` on.
static inline weir__halves weir__halves_at(const weir__halves *halves, size_t at) {
    return (weir__halves){halves->upper ? halves->upper + at : NULL, halves->lower ? halves->lower + at : NULL};
}

/// Makes the halves of count weights, all 0. lower: they learn. WEIR_MEMORY names `what`. Free with weir__halves_free.
weir_status weir__halves_new(weir__halves *halves, size_t count, bool lower, const char *what, weir_error *error);
void weir__halves_free(weir__halves *halves);

/// Floats into halves; to->lower NULL: only the upper ones.
void weir__halves_split(size_t count, const weir__halves *to, const float *from);
/// Halves into floats.
void weir__halves_join(size_t count, float *to, const uint16_t *upper, const uint16_t *lower);

#endif
