// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file categorical_vae.c
/// Variational autoencoders whose latent variables are categorical: Table 4 of Liu, Dong, Liu, Yu and Gao, "Bridging
/// Discrete and Backpropagation: Straight-Through and Beyond", arXiv 2304.08612 (2023). Rates and temperatures are
/// those that its authors found best for each cell.
#include "reproduce.h"

#define CONFIG "categorical-vae/network"

/// L variables of C outputs; size is C·L.
#define ROW(name, label, c, size, rule, rate, negative_elbo)                                                           \
    {                                                                                                                  \
        name, label, CONFIG, {"rule=" rule, "network.logits.size=" #size, "train.optimizer.rate=" rate},               \
            .published = {                                                                                             \
                negative_elbo                                                                                          \
            }                                                                                                          \
    }
#define REINMAX(c, t)   "reinmax:draw=one-of,of=" #c ",temperature=" t
#define ST(c, t)        "decoupled-straight-through:draw=one-of,of=" #c ",backward=" t
#define ST_GUMBEL(c, t) "st-gumbel:draw=one-of,of=" #c ",temperature=" t

static const experiment_row table_rows[] = {
    ROW("reinmax-8x4", "ReinMax, 8 x 4", 8, 32, REINMAX(8, "1.3"), "5e-4", 124.66),
    ROW("st-8x4", "ST, 8 x 4", 8, 32, ST(8, "1.3"), "1e-3", 135.53),
    ROW("st-gumbel-8x4", "ST Gumbel-softmax, 8 x 4", 8, 32, ST_GUMBEL(8, "0.5"), "3e-4", 126.85),
    ROW("reinmax-4x24", "ReinMax, 4 x 24", 4, 96, REINMAX(4, "1.5"), "5e-4", 99.77),
    ROW("st-4x24", "ST, 4 x 24", 4, 96, ST(4, "1.5"), "1e-3", 112.03),
    ROW("st-gumbel-4x24", "ST Gumbel-softmax, 4 x 24", 4, 96, ST_GUMBEL(4, "0.3"), "5e-4", 101.32),
    ROW("reinmax-8x16", "ReinMax, 8 x 16", 8, 128, REINMAX(8, "1.5"), "7e-4", 97.70),
    ROW("st-8x16", "ST, 8 x 16", 8, 128, ST(8, "1.5"), "1e-3", 112.94),
    ROW("st-gumbel-8x16", "ST Gumbel-softmax, 8 x 16", 8, 128, ST_GUMBEL(8, "0.5"), "5e-4", 99.32),
    ROW("reinmax-16x12", "ReinMax, 16 x 12", 16, 192, REINMAX(16, "1.5"), "7e-4", 98.06),
    ROW("st-16x12", "ST, 16 x 12", 16, 192, ST(16, "1.5"), "5e-4", 113.31),
    ROW("st-gumbel-16x12", "ST Gumbel-softmax, 16 x 12", 16, 192, ST_GUMBEL(16, "0.7"), "7e-4", 100.09),
    ROW("reinmax-64x8", "ReinMax, 64 x 8", 64, 512, REINMAX(64, "1.5"), "5e-4", 100.71),
    ROW("st-64x8", "ST, 64 x 8", 64, 512, ST(64, "1.5"), "5e-4", 113.90),
    ROW("st-gumbel-64x8", "ST Gumbel-softmax, 64 x 8", 64, 512, ST_GUMBEL(64, "0.7"), "7e-4", 104.00),
    ROW("reinmax-10x30", "ReinMax, 10 x 30", 10, 300, REINMAX(10, "1.3"), "5e-4", 98.37),
    ROW("st-10x30", "ST, 10 x 30", 10, 300, ST(10, "1.4"), "7e-3", 112.63),
    ROW("st-gumbel-10x30", "ST Gumbel-softmax, 10 x 30", 10, 300, ST_GUMBEL(10, "0.5"), "5e-4", 99.63),
};

static const experiment_column columns[] = {
    {.heading = "train", .value = {"train_loss", NULL, 1}, .digits = 2, .spread = true, .published = 1},
    {.heading = "valid", .value = {"valid_nll", NULL, 1}, .digits = 2},
    {.heading = "test", .value = {"test_loss", NULL, 1}, .digits = 2, .spread = true},
    {.heading = "test bound", .value = {"test_nll", NULL, 1}, .digits = 2},
    {.heading = "epochs", .value = {"epochs", NULL, 1}, .digits = 0},
    {.heading = "minutes", .value = {"seconds", NULL, 1.0 / 60}, .digits = 1},
};

static const experiment_part parts[] = {
    {
        .name = "table4",
        .title = "Liu et al. 2023, Table 4: C x L, L variables of C outputs",
        .question = "784-512-256-C*L and back; negative ELBO in nats per row. Train: mean over the best epoch, as the "
                    "paper has it.",
        .rows = table_rows,
        .row_count = CLI_COUNT_OF(table_rows),
        .figure = {.name = "table4",
                   .title = "Training, negative ELBO",
                   .axis = "nats per row, mean over the seeds",
                   .metric = "train_loss",
                   .factor = 1,
                   .linear = true},
    },
};

const experiment experiment_categorical_vae = {
    .name = "categorical-vae",
    .summary = "Variational autoencoders with categorical latent variables of six shapes, by ReinMax, ST and ST "
               "Gumbel-softmax: MNIST, grey values.",
    .source =
        "L. Liu, C. Dong, X. Liu, B. Yu, J. Gao, arXiv 2304.08612 (2023). Negative ELBO in nats per row, lower is "
        "better; the paper's figures are of 160 epochs.",
    .seeds = 1,
    .columns = columns,
    .column_count = CLI_COUNT_OF(columns),
    .parts = parts,
    .part_count = CLI_COUNT_OF(parts),
};
