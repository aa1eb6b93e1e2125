// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file random.h
/// Counter-based random numbers (Philox 4x32-10; Salmon, Moraes, Dror and Shaw, "Parallel random numbers:
/// as easy as 1, 2, 3", SC 2011): each number is a pure function of its coordinates, so noise does not depend
/// on threads, vector width, order of evaluation or on what was skipped.
///
/// Coordinates of a number: seed (64 bits, the key), stream (16 bits: which noise source), sample (16 bits),
/// step, row and unit (32 bits each).
#ifndef WEIR_RANDOM_H
#define WEIR_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The coordinates that a whole array of noise has in common. The rows of the array are those from first_row on: row r
/// of it has the coordinate first_row + r (modulo 2³²), so that a row's noise does not depend on the batch that it is
/// in. Not said: 0.
typedef struct weir_noise {
    uint64_t seed;
    uint32_t step;
    uint16_t stream;
    uint16_t sample;
    uint32_t first_row;
} weir_noise;

/// Four independent 32-bit words at (noise, row, quad), row counted from noise.first_row as in all that follows. Unit u
/// of a row uses word u % 4 of quad u / 4.
WEIR_API void weir_random_words(uint32_t words[4], weir_noise noise, uint32_t row, uint32_t quad);

/// out[u] uniform for units u = 0 … units−1 of a row: values (k + ½)·2⁻²³, k = 0 … 2²³−1, so 0 and 1 never
/// occur and u and 1 − u are equally likely and both exact in float.
WEIR_API void weir_random_uniform(float *out, weir_noise noise, uint32_t row, size_t units);

/// out[u] standard logistic: log(v / (1 − v)) of the uniform v with the same coordinates.
WEIR_API void weir_random_logistic(float *out, weir_noise noise, uint32_t row, size_t units);

/// out[u] standard normal (Box and Muller 1958; units 2i and 2i+1 share their two uniforms). |out| < 5.9.
WEIR_API void weir_random_normal(float *out, weir_noise noise, uint32_t row, size_t units);

/// One integer in 0 … bound−1 (bound ≥ 1) at (noise, row, unit), without modulo bias beyond 2⁻³².
WEIR_API uint32_t weir_random_below(weir_noise noise, uint32_t row, uint32_t unit, uint32_t bound);

/// Fills order[0 … count−1] with a permutation of 0 … count−1 that depends on noise alone (Fisher and Yates).
/// count < 2³².
WEIR_API void weir_random_permutation(uint32_t *order, weir_noise noise, size_t count);

#ifdef __cplusplus
}
#endif
#endif
