// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file reproduce.h
/// The published experiments.
#ifndef WEIR_REPRODUCE_H
#define WEIR_REPRODUCE_H

#include "experiment/experiment.h"

extern const experiment experiment_bengio2013, experiment_lower_half, experiment_categorical_vae,
    experiment_bernoulli_vae;

#endif
