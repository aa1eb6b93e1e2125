// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file average.h
/// A moving average of the parameters over the steps of a run (Polyak and Juditsky 1992, with weights that fade as in
/// an exponential moving average). Training goes on from the last parameters; the average is what is validated, tested
/// and saved. It takes out what is left of the noise of the gradient estimates in the last steps.
#ifndef WEIR_AVERAGE_H
#define WEIR_AVERAGE_H

#include <weir/graph.h>

#include "../core/core.h"

typedef struct weir__average {
    double past;   ///< weight of the past per step, in [0, 1); 0: there is no average
    float *values; ///< as the flat parameter array; NULL without an average
    float *raw;    ///< the last parameters while the graph holds the average
} weir__average;

/// Checks `past` (WEIR_CONFIG: "train.average") and allocates. The average begins as the graph's parameters.
weir_status weir__average_init(weir__average *average, double past, weir_graph *graph, weir_error *error);
void weir__average_free(weir__average *average);

/// After step number `step` (from 1): every eighth step the average moves towards the parameters w,
///     a ← p·a + (1 − p)·w,  p = min(past⁸, (1 + k) / (10 + k)) at the k-th such step,
/// so that early steps are soon forgotten. A run is the same however it was interrupted: p depends on `step` alone.
void weir__average_add(weir__average *average, weir_graph *graph, uint64_t step);

/// Between these two calls the graph holds the average. Nothing happens without one.
void weir__average_show(const weir__average *average, weir_graph *graph);
void weir__average_hide(const weir__average *average, weir_graph *graph);

#endif
