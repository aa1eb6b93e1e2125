// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bench.h
/// What the parts of `weir bench` share: a case, its measurement, the peer that it is compared with.
#ifndef WEIR_CLI_BENCH_H
#define WEIR_CLI_BENCH_H

#include "base/cli.h"

/// What is measured.
enum { BENCH_FORWARD = 1, BENCH_TRAIN = 2 };

/// One layer, or a stack of them, at one share and batch.
typedef struct bench_case {
    size_t inputs, outputs, block, batch, stack;
    double share;
    weir_precision precision;
    bool two_sided; ///< the input comes in blocks, too
    bool cold;      ///< rotate over so many layers that no cache holds them
    unsigned passes;
} bench_case;

/// How long to measure.
typedef struct bench_effort {
    size_t repeats; ///< samples of each way, at least
    double seconds; ///< of all samples of a case, at least
} bench_effort;

/// One pass over the stack; NaN where it was not measured.
typedef struct bench_times {
    double forward, backward, train; ///< milliseconds, medians
} bench_times;

/// Most ways of a peer.
enum { BENCH_WAYS = 8 };

/// Another program at the same case: per way (dense, masked, …) the medians of its rounds.
typedef struct bench_peer {
    size_t count;
    struct bench_way {
        char name[32];
        bench_times times;
    } ways[BENCH_WAYS];
} bench_peer;

typedef struct bench_result {
    bench_times gated, dense, floor;       ///< gated: routes included
    double route;                          ///< milliseconds of the gated forward pass that go into building routes
    double share;                          ///< of the layers' multiply-adds that were done, measured
    double open;                           ///< share of gates open, measured
    double products, needed, bytes;        ///< per pass: multiply-adds, weights, and their bytes
    double error;                          ///< greatest relative difference to the masked dense products
    size_t samples, sets;                  ///< sets: stacks that the measurement rotates over
    weir_plan plans[WEIR_OPERATION_COUNT]; ///< of the first layer
    bench_peer peer;
} bench_result;

/// Measures the bounds of the machine, those of its memory if cold. CLI_FAILED after a message.
int bench_machine(weir_machine *machine, bool cold);
/// One line, as text.
void bench_machine_print(const weir_machine *machine);
/// `weir bench machine`.
int bench_machine_alone(bool cold, bool json);

/// Lists of values as the command line has them: "1,32,256".
typedef struct bench_lists {
    const char *n, *inputs, *outputs, *block, *share, *batch, *precision, *sides; ///< inputs, outputs NULL: as n
    size_t stack;
    bool cold;
    unsigned passes;
} bench_lists;
/// Every combination of the lists, in new memory. CLI_USAGE after a message.
int bench_cases(const bench_lists *lists, bench_case **cases, size_t *count);

/// What is done with results.
typedef struct bench_output {
    bool json, plans;
    const char *figure; ///< folder, or NULL
} bench_output;

/// How a case is run by another program: script NULL: not at all.
typedef struct bench_peer_options {
    const char *script, *python;
    bool own; ///< one of bench/peers, which knows all our options
    size_t rounds;
} bench_peer_options;

/// Runs the script once on the case and adds what it says as round `round` to the results.
int bench_peer_run(const bench_peer_options *options, const bench_case *c, size_t repeats, bench_peer *result);
/// Medians of rounds.
void bench_peer_median(const bench_peer *rounds, size_t count, bench_peer *result);

/// Checks the case against masked dense products, then measures it, ways alternating. CLI_FAILED after a message, also
/// when results disagree.
int bench_measure(const bench_case *c, const weir_machine *machine, const bench_effort *effort,
                  const bench_peer_options *peer, bench_result *result);

/// A name for messages: "4096x4096 b64 share 0.09 batch 256 fp32".
const char *bench_case_name(char text[120], const bench_case *c);

/// Measures and prints one case after the other.
int bench_gated(const bench_case *cases, size_t count, const bench_effort *effort, const bench_peer_options *peer,
                const bench_output *output);
/// Prints the rates in use (save: measures and writes them first), and what they decide for the cases.
int bench_plan(const bench_case *cases, size_t count, bool save);
/// A result as lines of a table, or as an object.
void bench_print_heading(void);
void bench_print(const bench_case *c, const bench_result *result, bool plans);
/// Draws time against share into folder; names of the files go to `written`.
int bench_figure(const bench_case *cases, const bench_result *results, size_t count, const char *folder,
                 cli_list *written);
json_t *bench_json(const bench_case *c, const bench_result *result, const weir_machine *machine);
#endif
