// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file temperature.h
/// Temperature of a relaxation, constant or falling during training: τ = max(least, temperature·e^(−decay·step)), the
/// schedule of Jang, Gu and Poole 2017, section 4. A function of the training step alone, so that a resumed run goes on
/// with it. For rules whose parameters are exactly these three.
#ifndef WEIR_TEMPERATURE_H
#define WEIR_TEMPERATURE_H

#include <weir/units.h>

enum { weir__temperature_index, weir__decay_index, weir__least_index };

#define WEIR__TEMPERATURE_PARAMETERS                                                                                   \
    [weir__temperature_index] = {.name = "temperature",                                                                \
                                 .initial = 1,                                                                         \
                                 .least = 0.01,                                                                        \
                                 .greatest = 100,                                                                      \
                                 .about = "of the relaxation at the first step, usually 0.5 to 1"},                    \
    [weir__decay_index] = {.name = "decay",                                                                            \
                           .initial = 0,                                                                               \
                           .least = 0,                                                                                 \
                           .greatest = 1,                                                                              \
                           .about = "rate at which the temperature falls, per training step; usually 1e-5 to 1e-4"},   \
    [weir__least_index] = {                                                                                            \
        .name = "least", .initial = 0.5, .least = 0.01, .greatest = 100, .about = "where a falling temperature stops"}

/// 1/τ at the batch's training step (noise.step).
float weir__inverse_temperature(const weir_unit *unit, const weir_unit_batch *batch);

#endif
