// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bench.c
/// `weir bench`: what closed gates save on this machine, beside its limits and beside dense products.
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char own_script[] = "bench/peers/torch_gated_layer.py";

static bench_lists lists = {.n = "4096",
                            .block = "64",
                            .share = "0.09375",
                            .batch = "256",
                            .precision = "fp32",
                            .sides = "one",
                            .stack = 1,
                            .cold = true};
static const char *pass_name = "all", *python = "python3", *peer_script, *figure;
static double seconds = 0.5;
static size_t threads, repeats = 7, rounds = 3;
static bool warm, cold, as_json, with_plans, with_peer, save;

static const cli_option options[] = {
    {"n", "LIST", CLI_TEXT, &lists.n, NULL, "inputs and outputs of a square layer"},
    {"inputs", "LIST", CLI_TEXT, &lists.inputs, NULL, "inputs [default: as --n]"},
    {"outputs", "LIST", CLI_TEXT, &lists.outputs, NULL, "outputs [default: as --n]"},
    {"block", "LIST", CLI_TEXT, &lists.block, NULL, "units per gate"},
    {"share", "LIST", CLI_TEXT, &lists.share, NULL, "share of gates open, 0 to 1"},
    {"batch", "LIST", CLI_TEXT, &lists.batch, NULL, "rows"},
    {"precision", "LIST", CLI_TEXT, &lists.precision, NULL, "fp32, bf16"},
    {"sides", "LIST", CLI_TEXT, &lists.sides, NULL, "one: dense input; two: the input comes in blocks, too"},
    {"stack", "L", CLI_COUNT, &lists.stack, NULL, "layers, one after the other"},
    {"pass", "PASS", CLI_CHOICE, &pass_name, "forward|backward|train|all", "forward, backward, train or all"},
    {"cold", NULL, CLI_FLAG, &cold, NULL, "rotate over at least 1 GiB of weights (the default)"},
    {"warm", NULL, CLI_FLAG, &warm, NULL, "the same weights again and again"},
    {"repeats", "N", CLI_COUNT, &repeats, NULL, "samples of each case, 5 at least"},
    {"seconds", "S", CLI_REAL, &seconds, "0|1e6", "time for the samples of each case, at least"},
    {"threads", "N", CLI_COUNT, &threads, NULL, "threads to use"},
    {"plan", NULL, CLI_FLAG, &with_plans, NULL, "print the planner's choices"},
    {"save", NULL, CLI_FLAG, &save, NULL, "plan: measure the rates of this machine and keep them for later commands"},
    {"json", NULL, CLI_FLAG, &as_json, NULL, "print a line of JSON per case"},
    {"figure", "DIR", CLI_TEXT, &figure, NULL, "draw time against share into DIR"},
    {"peer", "[SCRIPT]", CLI_FILE, &peer_script, NULL,
     "run a Python program on the same cases, in turn [default: bench/peers/torch_gated_layer.py]"},
    {"rounds", "N", CLI_COUNT, &rounds, NULL, "with --peer: turns, at most 16"},
    {"python", "PROGRAM", CLI_TEXT, &python, NULL, "interpreter for --peer; $PYTHON where that is set"},
};

static void prepare(void) {
    const char *wanted = getenv("PYTHON");
    threads = (size_t)weir_threads();
    if (wanted != NULL && wanted[0] != '\0') python = wanted;
}

static int run_gated(const bench_effort *effort, const bench_peer_options *peer) {
    const bench_output output = {as_json, with_plans, figure};
    bench_case *cases = NULL;
    size_t count = 0;
    int status = bench_cases(&lists, &cases, &count);
    if (status == CLI_OK) status = bench_gated(cases, count, effort, peer, &output);
    free(cases);
    return status;
}

static int run_plan(void) {
    bench_case *cases = NULL;
    size_t count = 0;
    int status = bench_cases(&lists, &cases, &count);
    if (status == CLI_OK) status = bench_plan(cases, count, save);
    free(cases);
    return status;
}

static int run(char **operands, size_t count) {
    bench_effort effort = {.repeats = repeats, .seconds = seconds};
    bench_peer_options peer = {.python = python, .rounds = rounds < 16 ? rounds : 16};
    if (figure != NULL && as_json) return cli_usage("bench", "--figure goes without --json");
    if (warm && cold) return cli_usage("bench", "--warm and --cold exclude each other");
    with_peer = peer_script != NULL;
    if (with_peer) {
        peer.own = peer_script[0] == '\0';
        peer.script = peer.own ? own_script : peer_script;
        if (!cli_exists(peer.script))
            return cli_error("there is no %s; --peer=SCRIPT names another program", peer.script);
    }
    lists.cold = !warm;
    lists.passes = strcmp(pass_name, "forward") == 0 ? BENCH_FORWARD
                   : strcmp(pass_name, "all") == 0   ? BENCH_FORWARD | BENCH_TRAIN
                                                     : BENCH_TRAIN;
    if (save)
        weir_threads_use((int)threads);
    else if (cli_use_machine(threads) != CLI_OK)
        return CLI_FAILED;
    cli_interrupt_begin();
    if (strcmp(operands[0], "gated") == 0 && count == 1) return run_gated(&effort, &peer);
    if (strcmp(operands[0], "machine") == 0 && count == 1) return bench_machine_alone(lists.cold, as_json);
    if (strcmp(operands[0], "plan") == 0 && count == 1) return run_plan();
    if (count > 1) return cli_usage("bench", "too many arguments: '%s' is not expected", operands[1]);
    return cli_usage("bench", "WHAT is gated, machine or plan, not '%s'", operands[0]);
}

const cli_command cli_bench = {
    .name = "bench",
    .operands = "WHAT",
    .summary = "measure gated layers on this machine beside dense ones",
    .about =
        "WHAT is 'gated', 'machine' or 'plan'.\n\n"
        "gated: time one layer, or a stack, with gates drawn for each row on its own, beside the same layer with every "
        "gate open by the dense product, and beside the least time that this machine allows: its multiply-adds at the "
        "rate of the registers, or its weights at the rate of the memory, whichever takes longer. Options that take a "
        "LIST (1,32,256) are combined. Results are compared with masked dense ones first; a case that disagrees ends "
        "the command. ratio: dense / gated. effic.: share of the multiply-adds done * ratio; 1: nothing is lost.\n\n"
        "machine: the rates of the registers (fp32, bf16) and of the memory alone.\n\n"
        "plan: which way the products of such layers are done, and the rates that this is decided by. With --save "
        "these are measured on this machine, with as many threads as are used later, and kept in the user's cache; all "
        "commands use them from then on, and a run repeats bit for bit while they stay as they are. WEIR_RATES=builtin "
        "goes back to the rates that are built in, WEIR_RATES=FILE names another file; WEIR_PLAN=gated, dense or "
        "stream asks for one way wherever it can be done.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 1,
    .most = 2,
    .prepare = prepare,
    .files = "with --figure: DIR/gated.svg and DIR/gated.png, drawn by gnuplot: a panel per batch, a curve per block",
    .examples = {"weir bench gated", "weir bench gated --batch 1,32,256,1024 --share 0.02,0.1,0.5 --pass forward",
                 "weir bench gated --stack 32 --batch 1 --sides one,two --pass forward --json"},
    .run = run,
};
