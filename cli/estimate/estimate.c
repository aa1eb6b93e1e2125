// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate.c
/// `weir estimate`: the laboratory of gradient estimators.
#include "estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char own_peer[] = "bench/peers/torch_estimate.py";

static lab_options lab = {.steps = 0, .seeds = 0, .format = "svg", .python = "python3", .points = 3};
static double draws = NAN;
static size_t threads;
static bool png;

static const cli_option options[] = {
    {"rules", "LIST", CLI_TEXT, &lab.rules, NULL, "rules, as in 'rloo:samples=4,disarm' [default: all]"},
    {"draws", "N", CLI_REAL, &draws, "10|1e10", "estimates of each rule [default: 1e6; routers: 1e4; variance: 100]"},
    {"steps", "N", CLI_COUNT, &lab.steps, NULL, "toy: steps of the one-bit problem [default: 10000]"},
    {"seeds", "N", CLI_COUNT, &lab.seeds, NULL, "toy: runs of the one-bit problem [default: 200]"},
    {"data", "DIR", CLI_TEXT, &lab.data, NULL, "variance, routers: folder with the data set"},
    {"epochs", "N", CLI_COUNT, &lab.epochs, NULL,
     "variance, routers: of the training [default: 1, 2; of a MODEL: none]"},
    {"points", "N", CLI_COUNT, &lab.points, NULL, "variance: where rules are measured, first and last step included"},
    {"out", "DIR", CLI_TEXT, &lab.out, NULL, "toy, variance, routers: folder for figures"},
    {"png", NULL, CLI_FLAG, &png, NULL, "PNG instead of SVG"},
    {"peer", "[SCRIPT]", CLI_FILE, &lab.peer, NULL,
     "throughput: a Python program to run in turn [default: bench/peers/torch_estimate.py]"},
    {"python", "PROGRAM", CLI_TEXT, &lab.python, NULL, "interpreter for --peer; $PYTHON where that is set"},
    {"threads", "N", CLI_COUNT, &threads, NULL, "threads to use"},
    {"json", NULL, CLI_FLAG, &lab.json, NULL, "print a line of JSON per rule"},
    {"markdown", NULL, CLI_FLAG, &lab.markdown, NULL, "print Markdown tables"},
};

static void prepare(void) {
    const char *wanted = getenv("PYTHON");
    threads = (size_t)weir_threads();
    if (wanted != NULL && wanted[0] != '\0') lab.python = wanted;
}

/// How many draws, by default or as asked for.
static int choose_draws(bool variance, bool routers) {
    lab.draws = !isnan(draws) ? draws : variance ? 100 : routers ? 1e4 : 1e6;
    if (variance || lab.draws >= 1000) return CLI_OK;
    return cli_usage("estimate", "--draws needs a number from 1000 to 1e10, not '%g'", draws);
}

static int run(char **operands, size_t count) {
    const bool variance = strcmp(operands[0], "variance") == 0;
    if (choose_draws(variance, strcmp(operands[0], "routers") == 0) != CLI_OK) return CLI_USAGE;
    if (lab.json && lab.markdown) return cli_usage("estimate", "--json and --markdown exclude each other");
    if (lab.peer != NULL && lab.peer[0] == '\0') lab.peer = own_peer;
    if (lab.peer != NULL && !cli_exists(lab.peer))
        return cli_error("there is no %s; --peer=SCRIPT names another program", lab.peer);
    lab.format = png ? "png" : "svg";
    if (cli_use_machine(threads) != CLI_OK) return CLI_FAILED;
    cli_interrupt_begin();
    if (variance && count < 2) return cli_usage("estimate", "variance needs a CONFIG or MODEL, like digits");
    if (variance) return lab_variance(&lab, operands[1]);
    if (count > 1) return cli_usage("estimate", "too many arguments: '%s' is not expected", operands[1]);
    if (strcmp(operands[0], "exactness") == 0) return lab_exactness(&lab);
    if (strcmp(operands[0], "toy") == 0) return lab_toy(&lab);
    if (strcmp(operands[0], "routers") == 0) return lab_routers(&lab);
    if (strcmp(operands[0], "throughput") == 0) return lab_throughput(&lab);
    return cli_usage("estimate", "WHAT is exactness, toy, variance, routers or throughput, not '%s'", operands[0]);
}

const cli_command cli_estimate = {
    .name = "estimate",
    .operands = "WHAT [CONFIG|MODEL]",
    .summary = "the laboratory: are gradient estimators right, and at what cost",
    .about =
        "WHAT is 'exactness', 'toy', 'variance', 'routers' or 'throughput'.\n\n"
        "exactness: draw every rule on losses whose exact gradient is known, and hold it to what it claims: unbiased "
        "rules to the exact gradient, biased ones to the bias that follows from their definition and to published "
        "values, variances to published values and closed forms. Anything that does not hold, or that nothing could be "
        "compared with, ends with status 1.\n\n"
        "toy: minimise E(b - t)^2 of one bit by Adam (Tucker et al. 2017), and of 200 units by RMSprop (Titsias and "
        "Shi 2022), beside reference losses; losses and variances on the way, as a table, JSON, or figures.\n\n"
        "variance: which rule to use for a network and data of your own. CONFIG is trained with its own rule; at some "
        "points on the way, or where MODEL stands, every rule draws the gradient of one batch again and again: bias "
        "against a long-run reference of unbiased rules, variance, evaluations and milliseconds.\n\n"
        "routers: bias, standard deviation and processor time of every rule for one of C or k of n outputs, as the "
        "gates "
        "of a mixture of experts: 16 experts of random numbers, and 32 of the built-in mnist-moe, which is trained "
        "before, for --epochs on the built-in digits (with --data on MNIST). The exact gradient is that of all "
        "outcomes "
        "of a rule's own draw.\n\n"
        "throughput: rows per second of weir_estimate with 200 units and batches of 100 rows; with --peer beside the "
        "same "
        "estimators in PyTorch.\n\n"
        "Rules in --rules are separated by commas, as are their parameters: rloo:samples=4,disarm.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 1,
    .most = 2,
    .prepare = prepare,
    .examples = {"weir estimate exactness", "weir estimate exactness --draws 1e7 --markdown",
                 "weir estimate variance digits --rules disarm,straight-through,half"},
    .run = run,
};
