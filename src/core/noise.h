// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file noise.h
/// Parts of rows of noise: the functions of weir/random.h for units first … first + units − 1. first is a multiple of
/// 4 (a quad of Philox words), so that a row can be drawn in pieces by several threads.
#ifndef WEIR_NOISE_H
#define WEIR_NOISE_H

#include <weir/random.h>

void weir__random_uniform_at(float *out, weir_noise noise, uint32_t row, size_t first, size_t units);
void weir__random_logistic_at(float *out, weir_noise noise, uint32_t row, size_t first, size_t units);
void weir__random_normal_at(float *out, weir_noise noise, uint32_t row, size_t first, size_t units);

/// Rows row … row + rows − 1 of so many units, one after another: what the functions of weir/random.h give row by row,
/// in less time where rows are short.
void weir__random_uniform_rows(float *out, weir_noise noise, uint32_t row, size_t rows, size_t units);
void weir__random_logistic_rows(float *out, weir_noise noise, uint32_t row, size_t rows, size_t units);
void weir__random_normal_rows(float *out, weir_noise noise, uint32_t row, size_t rows, size_t units);

#endif
