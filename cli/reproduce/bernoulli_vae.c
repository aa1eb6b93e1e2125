// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bernoulli_vae.c
/// Variational autoencoders with 200 random bits on MNIST that is binarised anew in each epoch: the Bernoulli rows of
/// Table 1 of Shi, Zhou, Hwang, Titsias and Mackey, "Gradient Estimation with Discrete Stein Operators", arXiv
/// 2202.09497 (2022).
#include "reproduce.h"

#define CONFIG "bernoulli-vae/network"

static const experiment_row table_rows[] = {
    {"disarm", "DisARM, K = 2", CONFIG, {"rule=disarm"}, .published = {102.75}},
    {"double-cv", "Double CV, K = 2", CONFIG, {"rule=double-cv"}, .published = {102.14}},
    {"rodeo", "RODEO, K = 2", CONFIG, {"rule=rodeo"}, .published = {101.89}},
    {"arms", "ARMS, K = 3", CONFIG, {"rule=arms:samples=3"}, .published = {100.84}},
    {"double-cv-3", "Double CV, K = 3", CONFIG, {"rule=double-cv:samples=3"}, .published = {100.94}},
    {"rodeo-3", "RODEO, K = 3", CONFIG, {"rule=rodeo:samples=3"}, .published = {100.46}},
};

// Rules of the laboratory that the paper does not train.
static const experiment_row other_rows[] = {
    {"rloo", "RLOO, K = 2", CONFIG, {"rule=rloo:samples=2"}, .published = {0}},
    {"half", "half (ReinMax, ZGR)", CONFIG, {"rule=half"}, .published = {0}},
};

static const experiment_column columns[] = {
    {.heading = "train", .value = {"train_loss", NULL, 1}, .digits = 2, .spread = true, .published = 1},
    {.heading = "valid", .value = {"valid_nll", NULL, 1}, .digits = 2},
    {.heading = "test", .value = {"test_loss", NULL, 1}, .digits = 2, .spread = true},
    {.heading = "test bound", .value = {"test_nll", NULL, 1}, .digits = 2},
    {.heading = "epochs", .value = {"epochs", NULL, 1}, .digits = 0},
    {.heading = "minutes", .value = {"seconds", NULL, 1.0 / 60}, .digits = 1},
};

#define FIGURE(file)                                                                                                   \
    {                                                                                                                  \
        .name = file, .title = "Training, negative ELBO", .axis = "nats per row, mean over the seeds",                 \
        .metric = "train_loss", .factor = 1, .linear = true                                                            \
    }

static const experiment_part parts[] = {
    {
        .name = "shi2022",
        .title = "Shi et al. 2022, Table 1, Bernoulli likelihoods, MNIST",
        .question = "784-200-200-200 bits and back; negative ELBO in nats per row. Train: mean over the best epoch.",
        .rows = table_rows,
        .row_count = CLI_COUNT_OF(table_rows),
        .figure = FIGURE("shi2022"),
    },
    {
        .name = "others",
        .title = "Rules that the paper does not have",
        .question = "The same networks.",
        .rows = other_rows,
        .row_count = CLI_COUNT_OF(other_rows),
        .figure = FIGURE("others"),
    },
};

const experiment experiment_bernoulli_vae = {
    .name = "bernoulli-vae",
    .summary = "Variational autoencoders with 200 random bits, by rules without bias: MNIST, binarised anew in each "
               "epoch.",
    .source =
        "J. Shi, Y. Zhou, J. Hwang, M. Titsias, L. Mackey, arXiv 2202.09497 (2022). Negative ELBO in nats per row, "
        "lower is better; the paper's figures are of a million steps, 2000 epochs.",
    .seeds = 1,
    .columns = columns,
    .column_count = CLI_COUNT_OF(columns),
    .parts = parts,
    .part_count = CLI_COUNT_OF(parts),
};
