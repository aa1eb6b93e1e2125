// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file batch_invariant.c
/// What weir_graph_batch_invariant_use costs: milliseconds of a forward pass with and without it, in turns, medians,
/// and their ratio, for batches of built-in networks with their initial parameters.
///
///     bench_batch_invariant [NETWORK …]
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <weir/weir.h>

enum { TURNS = 15, MOST_ROWS = 256 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/// Seconds of a pass, of several that take at least 10 ms together.
static double measure(weir_graph *graph, const weir_pass *pass, bool invariant, weir_error *error) {
    weir_status status = weir_graph_batch_invariant_use(graph, invariant, error);
    const double start = now();
    double end = start;
    int count = 0;
    for (; status == WEIR_OK && end - start < 0.01; count++, end = now()) {
        status = weir_graph_forward(graph, pass, error);
    }
    return status == WEIR_OK ? (end - start) / count : -1;
}

static weir_status compare(const char *network, weir_graph *graph, const float *inputs, size_t rows,
                           weir_error *error) {
    double seconds[2][TURNS];
    const weir_pass pass = {.inputs = inputs, .rows = rows, .mode = WEIR_MODE_DECIDE, .seed = 1};
    for (int turn = -1; turn < TURNS; turn++) { // the first one warms up
        for (int k = 0; k < 2; k++) {
            const double took = measure(graph, &pass, k == 1, error);
            if (took < 0) return error->status;
            if (turn >= 0) seconds[k][turn] = took;
        }
    }
    const double plain = weir_median(seconds[0], TURNS), invariant = weir_median(seconds[1], TURNS);
    printf("%-16s %5zu %10.3f %10.3f %7.2f\n", network, rows, 1e3 * plain, 1e3 * invariant, invariant / plain);
    fflush(stdout);
    return WEIR_OK;
}

static weir_status measure_network(const char *network, weir_error *error) {
    static const size_t rows[] = {1, 8, 32, 256};
    static const char *const digits = "data.source=digits";
    weir_config config = {0};
    weir_data *data = NULL;
    weir_graph *graph = NULL;
    float *inputs = NULL;
    weir_graph_options options = weir_graph_options_default(MOST_ROWS);
    options.training = false;
    weir_status status = weir_config_load(&config, network, &digits, 1, error);
    if (status == WEIR_OK) {
        config.data.train = MOST_ROWS;
        config.data.valid = config.data.test = 1;
        status = weir_data_load(&data, &config.data, error);
    }
    if (status == WEIR_OK) status = weir_graph_create(&graph, config.network, config.network_count, &options, error);
    if (status == WEIR_OK) inputs = malloc(MOST_ROWS * weir_data_columns(data) * sizeof *inputs);
    if (inputs) {
        const weir_part part = weir_data_train(data);
        weir_rows_copy(part.rows, inputs, NULL, part.first, MOST_ROWS);
        for (size_t k = 0; k < sizeof rows / sizeof *rows && status == WEIR_OK; k++) {
            status = compare(network, graph, inputs, rows[k], error);
        }
    }
    free(inputs);
    weir_graph_free(graph);
    weir_data_free(data);
    weir_config_free(&config);
    return status;
}

int main(int count, char **words) {
    static const char *const all[] = {"digits", "mnist-dense", "mnist-blocks", "mnist-paper"};
    weir_error error = {0};
    const int networks = count > 1 ? count - 1 : (int)(sizeof all / sizeof *all);
    printf("%d threads, %s\n", weir_threads(), weir_isa_name(weir_isa_current()));
    printf("%-16s %5s %10s %10s %7s\n", "network", "rows", "batch ms", "by row ms", "ratio");
    for (int k = 0; k < networks; k++) {
        if (measure_network(count > 1 ? words[k + 1] : all[k], &error) == WEIR_OK) continue;
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    return 0;
}
