// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bench_gated.c
/// `weir bench gated`: every combination of the lists on the command line, one case after the other.
#include "bench.h"
#include "plot/draw.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 64, MOST_CASES = 4096 };

/// The words of "a,b,c", or −1 after a message.
static int split(const char *option, const char *text, char words[MOST_WORDS][24]) {
    int count = 0;
    for (const char *at = text; at != NULL; at = strchr(at, ',') == NULL ? NULL : strchr(at, ',') + 1) {
        size_t length = strcspn(at, ",");
        if (length == 0 || length >= 24 || count == MOST_WORDS) {
            cli_usage("bench", "--%s needs at most %d values separated by commas, not '%s'", option, MOST_WORDS, text);
            return -1;
        }
        snprintf(words[count++], 24, "%.*s", (int)length, at);
    }
    return count;
}

/// Whole numbers ≥ 1. Returns their number, or −1 after a message.
static int counts(const char *option, const char *text, size_t *values) {
    char words[MOST_WORDS][24];
    int count = split(option, text, words);
    for (int k = 0; k < count; k++) {
        char *end = NULL;
        errno = 0;
        unsigned long long value = strtoull(words[k], &end, 10);
        if (!isdigit((unsigned char)words[k][0]) || *end != '\0' || errno != 0 || value < 1 || value > 1u << 30) {
            cli_usage("bench", "--%s needs whole numbers of at least 1, not '%s'", option, words[k]);
            return -1;
        }
        values[k] = (size_t)value;
    }
    return count;
}

static int shares(const char *text, double *values) {
    char words[MOST_WORDS][24];
    int count = split("share", text, words);
    for (int k = 0; k < count; k++) {
        if (!cli_number(words[k], &values[k]) || !(values[k] >= 0 && values[k] <= 1)) {
            cli_usage("bench", "--share needs numbers from 0 to 1, not '%s'", words[k]);
            return -1;
        }
    }
    return count;
}

static int precisions(const char *text, weir_precision *values) {
    char words[MOST_WORDS][24];
    int count = split("precision", text, words);
    for (int k = 0; k < count; k++) {
        values[k] = WEIR_FLOAT32;
        while (values[k] <= WEIR_BFLOAT16 && strcmp(words[k], weir_precision_name(values[k])) != 0) values[k]++;
        if (values[k] <= WEIR_BFLOAT16) continue;
        cli_usage("bench", "--precision is fp32 or bf16, not '%s'", words[k]);
        return -1;
    }
    return count;
}

static int sides(const char *text, bool *values) {
    char words[MOST_WORDS][24];
    int count = split("sides", text, words);
    for (int k = 0; k < count; k++) {
        values[k] = strcmp(words[k], "two") == 0;
        if (values[k] || strcmp(words[k], "one") == 0) continue;
        cli_usage("bench", "--sides is one or two, not '%s'", words[k]);
        return -1;
    }
    return count;
}

static int check_case(const bench_case *c) {
    if (c->block > c->outputs || (c->two_sided && c->block > c->inputs))
        return cli_usage("bench", "blocks of %zu units in a layer of %zu inputs and %zu outputs", c->block, c->inputs,
                         c->outputs);
    if (c->stack > 1 && c->inputs != c->outputs)
        return cli_usage("bench", "a stack needs as many inputs as outputs, not %zu and %zu", c->inputs, c->outputs);
    return CLI_OK;
}

int bench_cases(const bench_lists *lists, bench_case **cases, size_t *count) {
    size_t inputs[MOST_WORDS], outputs[MOST_WORDS], blocks[MOST_WORDS], batches[MOST_WORDS];
    double share[MOST_WORDS];
    weir_precision precision[MOST_WORDS];
    bool two[MOST_WORDS];
    const char *width = lists->n;
    int of_inputs =
        counts(lists->inputs != NULL ? "inputs" : "n", lists->inputs != NULL ? lists->inputs : width, inputs);
    int of_outputs = of_inputs < 0 ? -1
                                   : counts(lists->outputs != NULL ? "outputs" : "n",
                                            lists->outputs != NULL ? lists->outputs : width, outputs);
    int of_blocks = of_outputs < 0 ? -1 : counts("block", lists->block, blocks);
    int of_shares = of_blocks < 0 ? -1 : shares(lists->share, share);
    int of_batches = of_shares < 0 ? -1 : counts("batch", lists->batch, batches);
    int of_precisions = of_batches < 0 ? -1 : precisions(lists->precision, precision);
    int of_sides = of_precisions < 0 ? -1 : sides(lists->sides, two);
    if (of_sides < 0) return CLI_USAGE;
    bool square = lists->inputs == NULL && lists->outputs == NULL; // --n: both together
    if (square) of_outputs = 1;
    double all = (double)of_inputs * of_outputs * of_blocks * of_shares * of_batches * of_precisions * of_sides;
    if (all > MOST_CASES) return cli_usage("bench", "%.0f cases are too many; at most %d", all, MOST_CASES);
    *cases = calloc((size_t)all + 1, sizeof **cases);
    if (*cases == NULL) return cli_error("out of memory");
    *count = (size_t)all;
    for (size_t k = 0; k < *count; k++) { // the last list runs fastest
        size_t at = k;
        bench_case *c = &(*cases)[k];
        c->share = share[at % (size_t)of_shares], at /= (size_t)of_shares;
        c->batch = batches[at % (size_t)of_batches], at /= (size_t)of_batches;
        c->block = blocks[at % (size_t)of_blocks], at /= (size_t)of_blocks;
        c->two_sided = two[at % (size_t)of_sides], at /= (size_t)of_sides;
        c->precision = precision[at % (size_t)of_precisions], at /= (size_t)of_precisions;
        c->outputs = outputs[at % (size_t)of_outputs], at /= (size_t)of_outputs;
        c->inputs = inputs[at];
        if (square) c->outputs = c->inputs;
        c->stack = lists->stack, c->cold = lists->cold, c->passes = lists->passes;
        if (check_case(c) != CLI_OK) return CLI_USAGE;
    }
    return CLI_OK;
}

static void print_machine(const bench_case *c, const weir_machine *machine) {
    bench_machine_print(machine);
    printf("weights %s; gates of each row on their own; medians; route building included\n\n",
           c->cold ? "cold, over 1 GiB" : "warm");
}

static int draw(const bench_case *cases, const bench_result *results, size_t count, const char *folder) {
    cli_list written = {0};
    int status = bench_figure(cases, results, count, folder, &written);
    for (size_t k = 0; k < written.count && status == CLI_OK; k++) printf("%s\n", written.items[k]);
    cli_list_free(&written);
    return status;
}

int bench_gated(const bench_case *cases, size_t count, const bench_effort *effort, const bench_peer_options *peer,
                const bench_output *output) {
    weir_machine machine = {0};
    bench_result *results = calloc(count + 1, sizeof *results);
    if (results == NULL) return cli_error("out of memory");
    int status = output->figure != NULL ? draw_possible(output->figure) : CLI_OK;
    if (status == CLI_OK) status = bench_machine(&machine, cases[0].cold);
    if (status == CLI_OK && !output->json) {
        print_machine(&cases[0], &machine);
        bench_print_heading();
    }
    cli_bar bar;
    cli_bar_begin(&bar);
    for (size_t k = 0; k < count && status == CLI_OK; k++) {
        char name[120];
        double done = (double)k / (double)count, spent = cli_clock() - bar.started;
        cli_bar_show(&bar, done, k == 0 ? -1 : spent / done * (1 - done), "bench", bench_case_name(name, &cases[k]));
        status = bench_measure(&cases[k], &machine, effort, peer, &results[k]);
        cli_bar_clear(&bar);
        if (status == CLI_OK && output->json) {
            json_t *line = bench_json(&cases[k], &results[k], &machine);
            if (json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0) fputc('\n', stdout);
            json_decref(line);
            cli_flush();
        } else if (status == CLI_OK)
            bench_print(&cases[k], &results[k], output->plans);
    }
    if (status == CLI_OK && output->figure != NULL) status = draw(cases, results, count, output->figure);
    free(results);
    return status;
}
