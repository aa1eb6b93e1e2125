// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file train_step.c
/// Milliseconds of one training step (forward, backward, update) of a built-in network at its own batch size, for each
/// rule that can close a gate. Each line is the median of `rounds` rounds; the built-in digits stand in for MNIST,
/// whose shape they have.
///
///     bench_train_step [--profile] [NETWORK [key=value …]]
///
/// NETWORK: mnist-paper without arguments; with rule=… that rule alone. --profile: milliseconds per node and phase.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/weir.h>

static bool profiled; // prints, under each line, where the time went

enum { rounds = 7, rows_per_round = 1280, most_settings = 32 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static weir_status run_steps(weir_trainer *trainer, weir_part part, size_t batch, size_t steps, float *inputs,
                             size_t *next, weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t s = 0; s < steps && status == WEIR_OK; s++) {
        if (*next + batch > part.count) *next = 0;
        const size_t first = part.first + *next;
        weir_rows_copy(part.rows, inputs, NULL, first, batch);
        status = weir_trainer_step(trainer, inputs, part.labels + first, batch, error);
        *next += batch;
    }
    return status;
}

/// Milliseconds of each node per step, and of all steps what no node took.
static void print_profile(const weir_graph *graph, double step, size_t steps) {
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(graph, &count);
    double rest = step;
    printf("  %-14s %9s %9s %9s\n", "node", "forward", "backward", "update");
    for (size_t k = 0; k < count; k++) {
        const weir_seconds s = weir_graph_node_seconds(graph, k);
        const double per = 1e3 / (double)steps;
        rest -= (s.forward + s.backward + s.update) * per;
        printf("  %-14s %9.3f %9.3f %9.3f\n", nodes[k].name, s.forward * per, s.backward * per, s.update * per);
    }
    printf("  %-14s %9.3f of %.3f\n", "rest", rest, step);
}

/// One rule: prints its line.
static weir_status measure(const char *network, const char *const *settings, size_t count, weir_error *error) {
    weir_config config = {0};
    weir_data *data = NULL;
    weir_graph *graph = NULL;
    weir_trainer *trainer = NULL;
    float *inputs = NULL;
    double seconds[rounds];
    size_t next = 0, steps = 0;
    weir_status status = weir_config_load(&config, network, settings, count, error);
    if (status == WEIR_OK) status = weir_data_load(&data, &config.data, error);
    if (status == WEIR_OK) {
        steps = config.train.batch < rows_per_round ? rows_per_round / config.train.batch + 1 : 1;
        weir_graph_options options = weir_graph_options_default(config.train.batch);
        (void)weir_precision_find(&options.precision, config.precision); // the configuration knows no other names
        status = weir_graph_create(&graph, config.network, config.network_count, &options, error);
    }
    if (status == WEIR_OK) status = weir_trainer_create(&trainer, graph, data, &config.train, error);
    if (status == WEIR_OK) inputs = malloc(config.train.batch * weir_data_columns(data) * sizeof *inputs);
    for (int round = -1; round < rounds && status == WEIR_OK && inputs; round++) { // the first one warms up
        if (round == 0) {
            weir_graph_counters_reset(graph);
            weir_graph_profile(graph, profiled);
        }
        const double start = now();
        status = run_steps(trainer, weir_data_train(data), config.train.batch, steps, inputs, &next, error);
        if (round >= 0) seconds[round] = now() - start;
    }
    if (status == WEIR_OK && inputs) {
        const weir_counters c = weir_graph_counters(graph);
        const double step = weir_median(seconds, rounds) / (double)steps;
        printf("%-16s %9.3f %12.0f %8.3f %14.3f\n", config.rule, 1e3 * step, (double)config.train.batch / step,
               (double)c.gates_open / (double)(c.gates ? c.gates : 1),
               (double)(c.forward_done + c.backward_done) / (double)(c.forward_dense + c.backward_dense));
        if (profiled) {
            double all = 0;
            for (int r = 0; r < rounds; r++) all += seconds[r];
            print_profile(graph, 1e3 * all / (double)(rounds * steps), rounds * steps);
        }
        fflush(stdout);
    }
    free(inputs);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(data);
    weir_config_free(&config);
    return status;
}

/// Measures, and tells an error. Returns an exit status.
static int report(const char *network, const char *const *settings, size_t count) {
    weir_error error = {0};
    if (measure(network, settings, count, &error) == WEIR_OK) return 0;
    fprintf(stderr, "%s: %s\n", settings[count - 1], error.text);
    return 1;
}

int main(int argc, char **argv) {
    profiled = argc > 1 && strcmp(argv[1], "--profile") == 0;
    argc -= profiled;
    argv += profiled;
    const char *network = argc > 1 ? argv[1] : "mnist-paper";
    const char *settings[most_settings] = {"data.source=digits", "data.train=4000", "data.valid=32", "data.test=32"};
    size_t count = 4;
    for (int i = 2; i < argc && count + 1 < most_settings; i++) settings[count++] = argv[i];
    printf("%s, %d threads, %s\n", network, weir_threads(), weir_isa_name(weir_isa_current()));
    printf("%-16s %9s %12s %8s %14s\n", "rule", "ms/step", "rows/s", "share", "done/dense");
    int failed = 0;
    bool one_rule = false;
    for (size_t i = 4; i < count; i++) one_rule = one_rule || strncmp(settings[i], "rule=", 5) == 0;
    if (one_rule) return report(network, settings, count);
    for (size_t r = 0; r < weir_rule_count(); r++) {
        const weir_rule *rule = weir_rule_at(r);
        if (!(rule->traits & WEIR_TRAIT_SPARSE)) continue;
        char setting[128];
        snprintf(setting, sizeof setting, "rule=%s", rule->name);
        settings[count] = setting;
        failed |= report(network, settings, count + 1);
    }
    return failed;
}
