// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate.c
/// `weir estimate`: the laboratory of gradient estimators.
#include "estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static lab_options lab = {.steps = 0, .seeds = 0, .format = "svg", .python = "python3", .points = 4, .epochs = 0};
static const char *draws = "1e6";
static size_t threads;
static bool png;

static const cli_option options[] = {
    {"rules", "LIST", CLI_TEXT, &lab.rules, NULL, "rules, as in 'rloo:samples=4,disarm' [default: all]"},
    {"draws", "N", CLI_TEXT, &draws, NULL, "exactness: estimates of each rule, as in 1e7"},
    {"steps", "N", CLI_COUNT, &lab.steps, NULL, "toy: steps of the one-bit problem [default: 10000]"},
    {"seeds", "N", CLI_COUNT, &lab.seeds, NULL, "toy: runs of the one-bit problem [default: 200]"},
    {"out", "DIR", CLI_TEXT, &lab.out, NULL, "toy: folder for figures"},
    {"png", NULL, CLI_FLAG, &png, NULL, "PNG instead of SVG"},
    {"threads", "N", CLI_COUNT, &threads, NULL, "threads to use"},
    {"json", NULL, CLI_FLAG, &lab.json, NULL, "print a line of JSON per rule"},
    {"markdown", NULL, CLI_FLAG, &lab.markdown, NULL, "print Markdown tables"},
};

static void prepare(void) { threads = (size_t)weir_threads(); }

static int run(char **operands, size_t count) {
    char *end = NULL;
    lab.draws = strtod(draws, &end);
    if (end == draws || *end != '\0' || !(lab.draws >= 1000 && lab.draws <= 1e10))
        return cli_usage("estimate", "--draws needs a number from 1000 to 1e10, not '%s'", draws);
    if (lab.json && lab.markdown) return cli_usage("estimate", "--json and --markdown exclude each other");
    lab.format = png ? "png" : "svg";
    weir_threads_use((int)threads);
    cli_interrupt_begin();
    if (count > 1) return cli_usage("estimate", "too many arguments: '%s' is not expected", operands[1]);
    if (strcmp(operands[0], "exactness") == 0) return lab_exactness(&lab);
    if (strcmp(operands[0], "toy") == 0) return lab_toy(&lab);
    return cli_usage("estimate", "WHAT is exactness or toy, not '%s'", operands[0]);
}

const cli_command cli_estimate = {
    .name = "estimate",
    .operands = "WHAT",
    .summary = "the laboratory: are gradient estimators right, and at what cost",
    .about =
        "WHAT is 'exactness' or 'toy'.\n\n"
        "exactness: draw every rule on losses whose exact gradient is known, and hold it to what it claims: unbiased "
        "rules to the exact gradient, biased ones to the bias that follows from their definition and to published "
        "values, variances to published values and closed forms. Anything that does not hold ends with status 1.\n\n"
        "toy: minimise E(b - t)^2 of one bit by Adam (Tucker et al. 2017), and of 200 units by RMSprop (Titsias and "
        "Shi 2022), beside reference losses; losses and variances on the way, as a table, JSON, or figures.\n\n"
        "Rules in --rules are separated by commas, as are their parameters: rloo:samples=4,disarm.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 1,
    .most = 2,
    .prepare = prepare,
    .examples = {"weir estimate exactness", "weir estimate exactness --draws 1e7 --markdown",
                 "weir estimate toy --out figures"},
    .run = run,
};
