// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Where a training step of the paper's network spends its time, node by node: 784 inputs, gater 784 → 400 tanh → 2000
// gates, 2000 experts, 10 outputs; random inputs, no optimizer. Prints the least of many runs, in milliseconds.
//
//     bench_step [ROWS [BLOCK [REPEATS]]]

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"

enum { INPUTS = 784, HIDDEN = 400, EXPERTS = 2000, OUTPUTS = 10, MOST_NODES = 16 };

typedef struct timing {
    double forward[MOST_NODES], backward[MOST_NODES];
    double whole_forward, whole_backward;
} timing;

static void keep_least(double *least, double from) {
    const double ms = (omp_get_wtime() - from) * 1e3;
    if (!(*least > 0) || ms < *least) *least = ms;
}

static void must(weir_status status, const weir_error *error) {
    if (status == WEIR_OK) return;
    fprintf(stderr, "bench_step: %s\n", error->text);
    exit(1);
}

/// What weir_graph_forward and weir_graph_backward do, with a clock around each node.
static void time_nodes(weir_graph *graph, const weir_pass *pass, timing *t) {
    weir_error error;
    for (size_t k = 0; k < graph->count; k++) {
        weir__node *node = &graph->nodes[k];
        const double from = omp_get_wtime();
        node->dense_valid = node->gradient_written = false;
        must(node->kind->forward(graph, node, pass, &error), &error);
        keep_least(&t->forward[k], from);
    }
    for (size_t k = graph->count; k-- > 1;) {
        weir__node *node = &graph->nodes[k];
        const double from = omp_get_wtime();
        if (node->learns) must(node->kind->backward(graph, node, pass, &error), &error);
        keep_least(&t->backward[k], from);
    }
}

static void print(const weir_graph *graph, const char *rule, const char *closed, const timing *t) {
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(graph, &count);
    const weir_counters c = weir_graph_counters(graph);
    double forward = 0, backward = 0;
    printf("\n%s%s%s, %.1f %% of gates open\n", rule, closed ? ", closed " : "", closed ? closed : "",
           100 * (double)c.gates_open / (double)c.gates);
    printf("  %-24s %9s %9s\n", "", "forward", "backward");
    for (size_t k = 0; k < count; k++) {
        printf("  %-24s %9.3f %9.3f\n", nodes[k].name, t->forward[k], t->backward[k]);
        forward += t->forward[k];
        backward += t->backward[k];
    }
    printf("  %-24s %9.3f %9.3f\n", "sum of these", forward, backward);
    printf("  %-24s %9.3f %9.3f   both %.3f\n", "whole pass", t->whole_forward, t->whole_backward,
           t->whole_forward + t->whole_backward);
}

static void measure(const char *rule, const char *closed, size_t rows, size_t block, int repeats) {
    const size_t gates = (EXPERTS + block - 1) / block;
    const weir_node nodes[] = {
        {.name = "x", .kind = "input", .size = INPUTS},
        {.name = "gater hidden", .kind = "affine", .size = HIDDEN},
        {.name = "gater tanh", .kind = "tanh"},
        {.name = "gate logits", .kind = "affine", .size = gates, .bias = strcmp(rule, "sts") ? -2.3 : -4.7},
        {.name = "gates", .kind = "unit", .rule = rule},
        {.name = "experts",
         .kind = "gated-affine",
         .from = "x",
         .gates = "gates",
         .size = EXPERTS,
         .block = block,
         .closed = closed,
         .closed_share = closed && !strcmp(closed, "sample") ? 0.1 : 0},
        {.name = "output", .kind = "affine", .size = OUTPUTS},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    const size_t count = sizeof nodes / sizeof *nodes;
    weir_graph *graph = NULL;
    weir_error error;
    timing t = {0};
    float *inputs = malloc(rows * INPUTS * sizeof *inputs);
    int32_t *labels = malloc(rows * sizeof *labels);
    const weir_graph_options options = weir_graph_options_default(rows);
    if (!inputs || !labels) exit(1);
    must(weir_graph_create(&graph, nodes, count, &options, &error), &error);
    for (size_t r = 0; r < rows; r++) {
        weir_random_uniform(inputs + r * INPUTS, (weir_noise){.seed = 1}, (uint32_t)r, INPUTS);
        labels[r] = (int32_t)(r % OUTPUTS);
    }
    for (int step = 0; step < repeats; step++) {
        const weir_pass pass = {.mode = WEIR_MODE_SAMPLE,
                                .rows = rows,
                                .inputs = inputs,
                                .labels = labels,
                                .seed = 1,
                                .step = (uint32_t)step};
        double from = omp_get_wtime();
        must(weir_graph_forward(graph, &pass, &error), &error);
        keep_least(&t.whole_forward, from);
        from = omp_get_wtime();
        must(weir_graph_backward(graph, &pass, &error), &error);
        keep_least(&t.whole_backward, from);
        time_nodes(graph, &pass, &t);
    }
    print(graph, rule, closed, &t);
    weir_graph_free(graph);
    free(inputs);
    free(labels);
}

int main(int count, char **arguments) {
    const size_t rows = count > 1 ? strtoul(arguments[1], NULL, 10) : 32;
    const size_t block = count > 2 ? strtoul(arguments[2], NULL, 10) : 1;
    const int repeats = count > 3 ? atoi(arguments[3]) : 200;
    if (!rows || !block || repeats < 1) {
        fprintf(stderr, "usage: %s [ROWS [BLOCK [REPEATS]]]\n", arguments[0]);
        return 2;
    }
    printf("%zu rows, blocks of %zu, %s, %d threads\n", rows, block, weir_isa_name(weir_isa_current()), weir_threads());
    measure("straight-through", "all", rows, block, repeats);
    measure("straight-through", "sample", rows, block, repeats);
    measure("straight-through", "none", rows, block, repeats);
    measure("sts", NULL, rows, block, repeats);
    measure("reinforce", NULL, rows, block, repeats);
    return 0;
}
