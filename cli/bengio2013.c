// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bengio2013.c
/// Bengio, Léonard and Courville, "Estimating or Propagating Gradients Through Stochastic Neurons for Conditional
/// Computation", arXiv 1308.3432 (2013): Figure 2, and six questions beyond the paper. The settings of the rows, each
/// with its source, are in examples/bengio2013.
#include "experiment.h"

#define CONFIG(name) "bengio2013/" name

// The table: validation and test error in percent as in Figure 2.
static const experiment_row table_rows[] = {
    {"noisy-rectifier", "Noisy rectifier", CONFIG("noisy-rectifier"), .published = {1.52, 1.87}},
    {"straight-through", "Straight-through", CONFIG("straight-through"), .published = {1.42, 1.39}},
    {"sts", "Smooth times stochastic", CONFIG("sts"), .published = {1.86, 1.96}},
    {"stochastic-binary", "Stochastic binary neuron", CONFIG("stochastic-binary"), .published = {1.78, 1.89}},
    {"rectifier", "Baseline rectifier", CONFIG("rectifier"), .published = {1.66, 1.60}},
    {"sigmoid-noise", "Baseline sigmoid + noise", CONFIG("sigmoid-noise"), .published = {1.88, 1.87}},
    {"sigmoid", "Baseline sigmoid", CONFIG("sigmoid"), .published = {1.97, 1.92}},
};

static const experiment_column columns[] = {
    {.heading = "valid %", .value = {"valid_error", NULL, 100}, .digits = 2, .published = 1},
    {.heading = "test %", .value = {"test_error", NULL, 100}, .digits = 2, .spread = true, .published = 2},
    {.heading = "share", .value = {"share", NULL, 1}, .digits = 3},
    {.heading = "threshold", .value = {"threshold", NULL, 1}, .digits = 2},
    {.heading = "multiply-adds", .value = {"multiply_adds_done", "multiply_adds_gater", 1}, .digits = -1},
    {.heading = "dense", .value = {"multiply_adds_dense", NULL, 1}, .digits = -1},
    {.heading = "ms", .value = {"predict_ms_gated", NULL, 1}, .digits = 0},
    {.heading = "dense", .value = {"predict_ms_dense", NULL, 1}, .digits = 0},
};

static const experiment_part parts[] = {
    {
        .name = "table",
        .title = "Figure 2 of the paper",
        .question =
            "784 inputs, a gater of 400 tanh units, 2000 gates and linear experts (the sigmoid baselines: 200).",
        .rows = table_rows,
        .row_count = CLI_COUNT_OF(table_rows),
        .figure = {.name = "validation",
                   .title = "Validation error of each row",
                   .axis = "% of rows, mean over the seeds",
                   .metric = "valid_error",
                   .factor = 100},
    },
};

const experiment experiment_bengio2013 = {
    .name = "bengio2013",
    .summary = "Estimating or propagating gradients through stochastic neurons for conditional computation: MNIST, "
               "50,000 rows to train, 10,000 to choose, 10,000 to test.",
    .source = "Y. Bengio, N. Léonard, A. Courville, arXiv 1308.3432 (2013).",
    .seeds = 3,
    .columns = columns,
    .column_count = CLI_COUNT_OF(columns),
    .parts = parts,
    .part_count = CLI_COUNT_OF(parts),
};
