// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file lower_half.c
/// The lower half of a digit of MNIST from its upper half, through two layers of 200 random binary units: three
/// published protocols, whose numbers are not interchangeable. The rows' rates were chosen by the validation part.
#include "reproduce.h"

#define CONFIG "mnist-lower-half"

#define ENCODER "logits1.rate=0.1", "logits2.rate=0.1" // unbiased rules: smaller steps before the units
#define RATE(r) "train.optimizer.rate=" r

// Jang, Gu and Poole 2017, Table 1, "SBN (Bern.)": values binarised once, momentum 0.9, 1000 draws for the test rows.
static const experiment_row jang_rows[] = {
    {"score-function", "SF, normalised", CONFIG, {"rule=nvil:normalise=yes", RATE("0.01")}, .published = {72.0}},
    {"darn", "DARN (half)", CONFIG, {"rule=half", RATE("0.03")}, .published = {59.7}},
    {"muprop", "MuProp", CONFIG, {"rule=muprop:baseline=average", RATE("0.03"), ENCODER}, .published = {58.9}},
    {"straight-through", "ST", CONFIG, {"rule=straight-through:derivative=sigmoid", RATE("0.1")}, .published = {58.9}},
    {"slope-annealed",
     "Annealed ST",
     CONFIG,
     {"rule=slope-annealed:shape=sigmoid,growth=8e-5", RATE("0.1")},
     .published = {58.7}},
    {"concrete", "Gumbel-softmax", CONFIG, {"rule=concrete", RATE("0.1")}, .published = {58.5}},
    {"st-gumbel", "ST Gumbel-softmax", CONFIG, {"rule=st-gumbel", RATE("0.1")}, .published = {59.3}},
    {"disarm", "DisARM", CONFIG, {"rule=disarm", RATE("0.03"), ENCODER}, .published = {0}},
};

// Yin and Zhou 2019, Table 3: values above ½ are 1, 55 000 training rows, Adam; here with ten times the rate and an
// eighth of the epochs.
#define YIN "data.binarise=threshold", "data.train=55000", "data.valid=5000", "train.optimizer.kind=adam"
static const experiment_row yin_rows[] = {
    {"threshold-disarm",
     "DisARM (paper: ARM)",
     CONFIG,
     {"rule=disarm", YIN, RATE("1e-3"), "train.epochs=250"},
     .published = {57.9}},
};

// Gu, Levine, Sutskever and Mnih 2016, Table 2: 100 draws for the test rows. How they binarise is not said.
#define GU "data.binarise=threshold", "train.test_samples=100"
static const experiment_row gu_rows[] = {
    {"gu-straight-through",
     "ST",
     CONFIG,
     {"rule=straight-through:derivative=sigmoid", GU, RATE("0.1")},
     .published = {56.1}},
};

static const experiment_column columns[] = {
    {.heading = "valid", .value = {"valid_nll", NULL, 1}, .digits = 2},
    {.heading = "test", .value = {"test_nll", NULL, 1}, .digits = 2, .spread = true, .published = 1},
    {.heading = "one draw", .value = {"test_loss", NULL, 1}, .digits = 2},
    {.heading = "best epoch", .value = {"best_epoch", NULL, 1}, .digits = 0},
    {.heading = "minutes", .value = {"seconds", NULL, 1.0 / 60}, .digits = 1},
};

#define FIGURE(file, heading)                                                                                          \
    {                                                                                                                  \
        .name = file, .title = heading, .axis = "nats per row, bound of a few draws, mean over the seeds",             \
        .metric = "valid_nll", .factor = 1, .linear = true                                                             \
    }

static const experiment_part parts[] = {
    {
        .name = "jang2017",
        .title = "Jang, Gu and Poole 2017, Table 1, SBN (Bern.)",
        .question = "392-200-200-392, values binarised once, 50 000 training rows; nats per row, bound of 1000 draws.",
        .rows = jang_rows,
        .row_count = CLI_COUNT_OF(jang_rows),
        .figure = FIGURE("jang2017", "Validation, negative log-likelihood"),
    },
    {
        .name = "yin2019",
        .title = "Yin and Zhou 2019, Table 3",
        .question = "The same network; values above 0.5 are 1, 55 000 training rows, Adam; bound of 1000 draws.",
        .rows = yin_rows,
        .row_count = CLI_COUNT_OF(yin_rows),
        .figure = FIGURE("yin2019", "Validation, negative log-likelihood, values above 0.5 are 1"),
    },
    {
        .name = "gu2016",
        .title = "Gu, Levine, Sutskever and Mnih 2016, Table 2",
        .question = "The same network, values above 0.5 are 1; bound of 100 draws.",
        .rows = gu_rows,
        .row_count = CLI_COUNT_OF(gu_rows),
        .figure = FIGURE("gu2016", "Validation, negative log-likelihood"),
    },
};

const experiment experiment_lower_half = {
    .name = "lower-half",
    .summary = "The lower half of a digit from its upper half through two layers of binary units: MNIST, one row for "
               "each rule, after Jang et al. 2017, Yin and Zhou 2019 and Gu et al. 2016.",
    .source = "E. Jang, S. Gu, B. Poole, arXiv 1611.01144 (2017); M. Yin, M. Zhou, arXiv 1807.11143 (2019); S. Gu et "
              "al., arXiv 1511.05176 (2016). Negative log-likelihood in nats per row, lower is better.",
    .seeds = 1,
    .columns = columns,
    .column_count = CLI_COUNT_OF(columns),
    .parts = parts,
    .part_count = CLI_COUNT_OF(parts),
};
