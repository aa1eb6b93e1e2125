// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bengio2013.c
/// Bengio, Léonard and Courville, "Estimating or Propagating Gradients Through Stochastic Neurons for Conditional
/// Computation", arXiv 1308.3432 (2013): Figure 2, and seven questions beyond the paper. The settings of the rows, each
/// with its source, are in examples/bengio2013.
#include "reproduce.h"

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

// How accurate a network with a tenth of its gates open can be, and a dense one of the same width trained likewise.
static const experiment_row best_rows[] = {
    {.name = "sts-dropout", .label = "STS, dropout of experts", .config = CONFIG("sts-dropout")},
    {.name = "shifted-sts", .label = "STS, shifted images", .config = CONFIG("shifted-sts")},
    {.name = "shifted-blocks", .label = "blocks of 64, shifted images", .config = CONFIG("shifted-blocks")},
    {.name = "shifted-dense", .label = "dense 2048, shifted images", .config = CONFIG("shifted-dense")},
    {.name = "shifted-wide-blocks",
     .label = "blocks of 16, 4096 units, shifted images",
     .config = CONFIG("shifted-blocks"),
     .settings = {"experts.size=4096", "experts.block=16", "gater.size=256", "bottleneck.size=100"}},
    {.name = "shifted-wide-dense",
     .label = "dense 4096, shifted images",
     .config = CONFIG("shifted-dense"),
     .settings = {"hidden.size=4096"}},
};

// a. Straight-through reads the gradient of closed gates, too, for which their experts must be computed: for all of
// them (exact), for none (another estimator), or for a random share q of them (unbiased for the exact one).
#define CLOSED(name, label, ...)                                                                                       \
    { name,                                                                                                            \
      label,                                                                                                           \
      CONFIG("straight-through"),                                                                                      \
      {"train.epochs=10", "train.average=0", "optimizer.rate=0.002", "optimizer.schedule=cosine", __VA_ARGS__},        \
      .series = "straight-through" }
static const experiment_row closed_rows[] = {
    CLOSED("closed-all", "all", "experts.closed=all"),
    CLOSED("closed-none", "none", "experts.closed=none"),
    CLOSED("closed-0.02", "q = 0.02", "experts.closed=sample", "experts.closed_share=0.02"),
    CLOSED("closed-0.05", "q = 0.05", "experts.closed=sample", "experts.closed_share=0.05"),
    CLOSED("closed-0.1", "q = 0.1", "experts.closed=sample", "experts.closed_share=0.1"),
    CLOSED("closed-0.2", "q = 0.2", "experts.closed=sample", "experts.closed_share=0.2"),
};

// b. Gates for blocks of hidden units, behind a narrow gater: 2048 rectifiers.
#define BLOCK(b, gates)                                                                                                \
    { "block-" #b, "b = " #b, CONFIG("blocks"), {"experts.block=" #b, "gater.size=" #gates}, .series = "block size" }
#define GATER(n)                                                                                                       \
    { "gater-" #n, "gater " #n, CONFIG("blocks"), {"bottleneck.size=" #n}, .series = "gater's bottleneck, b = 16" }
static const experiment_row block_rows[] = {
    BLOCK(1, 2048),
    BLOCK(8, 256),
    BLOCK(16, 128),
    BLOCK(32, 64),
    BLOCK(64, 32),
    GATER(400),
    GATER(100),
    {"gater-50", "gater 50", CONFIG("blocks"), .same = "block-16", .series = "gater's bottleneck, b = 16"},
    GATER(25),
};

// c. Error against time: dense networks, and gated ones of growing width, a tenth open.
#define DENSE(n)                                                                                                       \
    { "dense-" #n, #n, CONFIG("dense"), {"hidden.size=" #n}, .series = "dense" }
#define GATED(n, gates)                                                                                                \
    { "gated-" #n, #n, CONFIG("blocks"), {"experts.size=" #n, "gater.size=" #gates}, .series = "gated, a tenth open" }
static const experiment_row frontier_rows[] = {
    DENSE(25),
    DENSE(50),
    DENSE(100),
    DENSE(200),
    DENSE(400),
    DENSE(800),
    DENSE(1600),
    DENSE(2048),
    DENSE(4096),
    GATED(256, 16),
    GATED(512, 32),
    GATED(1024, 64),
    {"gated-2048", "2048", CONFIG("blocks"), .same = "block-16", .series = "gated, a tenth open"},
    GATED(4096, 256)};

// d. Two gated layers, one on the other: closed blocks of the first are skipped as inputs of the second.
static const experiment_row stacked_rows[] = {
    {.name = "stacked", .label = "two gated layers of 2048", .config = CONFIG("stacked")},
};

// e. How far the share can fall.
#define SHARE(s)                                                                                                       \
    {                                                                                                                  \
        "share-" #s, #s, CONFIG("blocks"), {"train.sparsity.target=" #s, "train.sparsity.tolerance=0.005"},            \
            .series = "blocks of 16"                                                                                   \
    }
static const experiment_row share_rows[] = {
    SHARE(0.01),
    SHARE(0.02),
    SHARE(0.05),
    {"share-0.1", "0.1", CONFIG("blocks"), .same = "block-16", .series = "blocks of 16"},
    SHARE(0.2)};

// f. The push of section 2.1 on the biases of gates that hardly ever open.
static const experiment_row push_rows[] = {
    {.name = "push-none", .label = "without", .config = CONFIG("noisy-rectifier"), .settings = {"train.epochs=10"}},
    {.name = "push",
     .label = "with",
     .config = CONFIG("noisy-rectifier"),
     .settings = {"train.epochs=10", "train.sparsity.bias_push=0.001", "train.sparsity.bias_rate=0.02",
                  "train.sparsity.average=0.99"}},
};

static const experiment_column columns[] = {
    {.heading = "valid %", .value = {"valid_error", NULL, 100}, .digits = 2, .published = 1},
    {.heading = "test %", .value = {"test_error", NULL, 100}, .digits = 2, .spread = true, .published = 2},
    {.heading = "share", .value = {"share", NULL, 1}, .digits = 3},
    {.heading = "threshold", .value = {"threshold", NULL, 1}, .digits = 2},
    {.heading = "multiply-adds", .value = {"multiply_adds_done", "multiply_adds_gater", 1}, .digits = -1},
    {.heading = "dense", .value = {"multiply_adds_dense", NULL, 1}, .digits = -1},
    {.heading = "step ms", .value = {"train_step_ms", NULL, 1}, .digits = -2},
    {.heading = "ms", .value = {"predict_ms_gated", NULL, 1}, .digits = -2},
    {.heading = "dense", .value = {"predict_ms_dense", NULL, 1}, .digits = -2},
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
    {
        .name = "best",
        .title = "As accurate as we can",
        .question =
            "A tenth of the gates: with dropout of the experts' outputs, too, and with training images that move "
            "by up to a pixel.",
        .rows = best_rows,
        .row_count = CLI_COUNT_OF(best_rows),
        .figure = {.name = NULL},
    },
    {
        .name = "closed",
        .title = "Straight-through with skipping in training",
        .question =
            "Is a sampled gradient of the closed gates as good as the full one, and how much faster? Ten epochs.",
        .rows = closed_rows,
        .row_count = CLI_COUNT_OF(closed_rows),
        .figure = {.name = "closed",
                   .title = "Closed gates whose gradient is computed",
                   .axis = "test error, % of rows",
                   .x = {{"train_step_ms", NULL, 1}},
                   .x_title = {"milliseconds per training step of 32 rows"},
                   .y = {"test_error", NULL, 100}},
    },
    {
        .name = "blocks",
        .title = "Blocks of hidden units, narrow gaters",
        .question = "2048 rectifiers, a tenth open: what do the size of a block and the width of the gater change?",
        .rows = block_rows,
        .row_count = CLI_COUNT_OF(block_rows),
        .figure = {.name = "blocks",
                   .title = "Block size and gater",
                   .axis = "test error, % of rows",
                   .x = {{"predict_ms_gated", NULL, 1}},
                   .x_title = {"milliseconds for the test part, batches of 256"},
                   .y = {"test_error", NULL, 100}},
    },
    {
        .name = "frontier",
        .title = "Error against time",
        .question = "Are gated networks more accurate at equal time, and at least four times as fast at equal error?",
        .rows = frontier_rows,
        .row_count = CLI_COUNT_OF(frontier_rows),
        .figure = {.name = "frontier",
                   .title = "Test error against time",
                   .axis = "% of rows; labels: hidden units",
                   .x = {{"predict_ms_gated", NULL, 1}, {"predict_single_ms_gated", NULL, 1000}},
                   .x_title = {"milliseconds for the test part, batches of 256",
                               "microseconds for a row, one at a time"},
                   .y = {"test_error", NULL, 100}},
    },
    {
        .name = "stacked",
        .title = "Two gated layers",
        .question = "A tenth of each: the second layer reads only what the first has computed.",
        .rows = stacked_rows,
        .row_count = CLI_COUNT_OF(stacked_rows),
        .figure = {.name = NULL},
    },
    {
        .name = "shares",
        .title = "Share of open gates",
        .question = "How far can the share fall?",
        .rows = share_rows,
        .row_count = CLI_COUNT_OF(share_rows),
        .figure = {.name = "shares",
                   .title = "Test error against the share of open gates",
                   .axis = "% of rows; labels: target",
                   .x = {{"predict_ms_gated", NULL, 1}},
                   .x_title = {"milliseconds for the test part, batches of 256"},
                   .y = {"test_error", NULL, 100}},
    },
    {
        .name = "push",
        .title = "Push on the biases of closed gates",
        .question =
            "Noisy rectifiers, ten epochs; 'weir plot push-none/1 push/1' draws how often their gates are open.",
        .rows = push_rows,
        .row_count = CLI_COUNT_OF(push_rows),
        .figure = {.name = NULL},
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
