// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Where a training step spends its time: for each node of a network the milliseconds of its forward pass, its backward
// pass (with the sparsity penalty at gates) and the update of its parameters, and the whole step of the trainer. Each
// is the least of many steps, which other work on the machine disturbs least. The built-in digits stand in for MNIST,
// whose shape they have.
//
//     bench_step [NETWORK [key=value …]]      mnist-paper with straight-through gates without arguments

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#include "graph/graph.h"
#include "train/trainer.h"

enum { STEPS = 200, MOST_NODES = 64, MOST_SETTINGS = 32 };

typedef struct timing {
    double forward[MOST_NODES][STEPS], backward[MOST_NODES][STEPS], update[MOST_NODES][STEPS];
    double whole[STEPS];
} timing;

static double least(const double *seconds) {
    double value = seconds[0];
    for (size_t k = 1; k < STEPS; k++) value = seconds[k] < value ? seconds[k] : value;
    return 1e3 * value;
}

static void must(weir_status status, const weir_error *error) {
    if (status == WEIR_OK) return;
    fprintf(stderr, "bench_step: %s\n", error->text);
    exit(1);
}

static weir__update update_of(const void *context, const weir_tensor *tensor) {
    return weir__optimizer_update(context, tensor, 0.01);
}

/// What weir_trainer_step does, with a clock around each node's part.
static void time_nodes(weir_trainer *trainer, const weir_pass *pass, timing *t, size_t step) {
    weir_graph *graph = trainer->graph;
    weir_error error;
    must(weir_graph_forward(graph, pass, &error), &error);
    for (size_t k = 0; k < graph->count; k++) {
        weir__node *node = &graph->nodes[k];
        const double from = omp_get_wtime();
        node->dense_valid = false;
        must(node->kind->forward(graph, node, pass, &error), &error);
        t->forward[k][step] = omp_get_wtime() - from;
    }
    for (size_t k = 0; k < graph->count; k++) graph->nodes[k].gradient_written = false;
    graph->keeps_slopes = true;
    for (size_t k = graph->count; k-- > 0;) {
        weir__node *node = &graph->nodes[k];
        const double from = omp_get_wtime();
        if (node->learns) must(node->kind->backward(graph, node, pass, &error), &error);
        t->backward[k][step] = omp_get_wtime() - from;
    }
    graph->keeps_slopes = false;
    weir__optimizer_begin(&trainer->optimizer);
    for (size_t k = graph->count; k-- > 0;) {
        weir__node *node = &graph->nodes[k];
        const double from = omp_get_wtime();
        must(weir__node_update(graph, node, update_of, &trainer->optimizer, &error), &error);
        t->update[k][step] = omp_get_wtime() - from;
    }
}

static void print(const weir_graph *graph, timing *t) {
    const weir_counters c = weir_graph_counters(graph);
    double sums[3] = {0};
    printf("%-24s %9s %9s %9s\n", "milliseconds", "forward", "backward", "update");
    for (size_t k = 0; k < graph->count; k++) {
        const double parts[] = {least(t->forward[k]), least(t->backward[k]), least(t->update[k])};
        printf("%-24s %9.3f %9.3f %9.3f\n", graph->nodes[k].spec.name, parts[0], parts[1], parts[2]);
        for (int i = 0; i < 3; i++) sums[i] += parts[i];
    }
    printf("%-24s %9.3f %9.3f %9.3f   all %.3f\n", "sum of these", sums[0], sums[1], sums[2],
           sums[0] + sums[1] + sums[2]);
    printf("%-24s %9.3f\n", "whole step", least(t->whole));
    if (c.gates) printf("%.1f %% of gates open\n", 100 * (double)c.gates_open / (double)c.gates);
}

static void measure(const weir_config *config, weir_trainer *trainer, weir_part part) {
    const size_t batch = config->train.batch;
    weir_error error;
    timing *t = calloc(1, sizeof *t);
    float *inputs = malloc(batch * weir_data_columns(trainer->data) * sizeof *inputs);
    if (!t || !inputs) exit(1);
    for (size_t step = 0, next = 0; step < STEPS; step++, next += batch) {
        if (next + batch > part.count) next = 0;
        const int32_t *labels = part.labels + part.first + next;
        weir_rows_copy(part.rows, NULL, part.first + next, batch, inputs);
        const double from = omp_get_wtime();
        must(weir_trainer_step(trainer, inputs, labels, batch, &error), &error);
        t->whole[step] = omp_get_wtime() - from;
        const weir_pass pass = {.mode = WEIR_MODE_SAMPLE,
                                .rows = batch,
                                .inputs = inputs,
                                .labels = labels,
                                .seed = 1,
                                .step = (uint32_t)step};
        time_nodes(trainer, &pass, t, step);
    }
    print(trainer->graph, t);
    free(t);
    free(inputs);
}

int main(int argc, char **argv) {
    const char *network = argc > 1 ? argv[1] : "mnist-paper";
    const char *settings[MOST_SETTINGS] = {"data.source=digits", "data.train=4000", "data.valid=32", "data.test=32"};
    size_t count = 4;
    weir_config config = {0};
    weir_data *data = NULL;
    weir_graph *graph = NULL;
    weir_trainer *trainer = NULL;
    weir_error error;
    for (int i = 2; i < argc && count < MOST_SETTINGS; i++) settings[count++] = argv[i];
    must(weir_config_load(&config, network, settings, count, &error), &error);
    must(weir_data_load(&data, &config.data, &error), &error);
    weir_graph_options options = weir_graph_options_default(config.train.batch);
    (void)weir_precision_find(&options.precision, config.precision); // the configuration knows no other names
    must(weir_graph_create(&graph, config.network, config.network_count, &options, &error), &error);
    if (graph->count > MOST_NODES) exit(1);
    must(weir_trainer_create(&trainer, graph, data, &config.train, &error), &error);
    printf("%s, %s, %zu rows, %s, %d threads\n", network, config.rule, config.train.batch,
           weir_isa_name(weir_isa_current()), weir_threads());
    measure(&config, trainer, weir_data_train(data));
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(data);
    weir_config_free(&config);
    return 0;
}
