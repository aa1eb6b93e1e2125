// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file loops.h
/// The inner loops over rows of `width` floats. Their sums have one order on every instruction set.
#ifndef WEIR_SAE_LOOPS_H
#define WEIR_SAE_LOOPS_H

#include <stddef.h>
#include <stdint.h>

/// out = base + Σ_i factor[i]·matrix[index[i]], i < count; base NULL: 0.
void weir__loop_combine(float *out, const float *base, const float *matrix, size_t width, const int32_t *index,
                        const float *factor, size_t count);

/// out[i] = a·matrix[index[i]], i < count.
void weir__loop_dots(float *out, const float *a, const float *matrix, size_t width, const int32_t *index, size_t count);

/// first += f·a, second += g·b.
void weir__loop_add_both(float *first, float f, const float *a, float *second, float g, const float *b, size_t width);

/// sum += factor·a.
void weir__loop_add(float *sum, float factor, const float *a, size_t width);

/// a·b.
float weir__loop_dot(const float *a, const float *b, size_t width);

/// out = a − b; b NULL: 0.
void weir__loop_subtract(float *out, const float *a, const float *b, size_t width);

/// a ·= factor.
void weir__loop_scale(float *a, float factor, size_t width);

/// Which of scores + offset are at the floor or above it: their places in hits, ascending; returns how many.
size_t weir__loop_hits(uint16_t *hits, const float *scores, const float *offset, size_t count, float floor);

#endif
