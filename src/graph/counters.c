// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Work counted by nodes or expected of them, and the clock of profiles.

#include "counters.h"
#include "../core/core.h"

double weir__profile_clock(const weir_graph *graph) { return graph->profiled ? weir__seconds() : 0; }

void weir__count_forward(weir__node *node, uint64_t dense, uint64_t done) {
    if (node->facts.gater) {
        node->counters.forward_gater += done;
    } else {
        node->counters.forward_dense += dense;
        node->counters.forward_done += done;
    }
}

void weir__count_backward(weir__node *node, uint64_t dense, uint64_t done) {
    if (node->facts.gater) {
        node->counters.backward_gater += done;
    } else {
        node->counters.backward_dense += dense;
        node->counters.backward_done += done;
    }
}

static void add_counters(weir_counters *sum, const weir_counters *more) {
    sum->forward_dense += more->forward_dense;
    sum->forward_done += more->forward_done;
    sum->forward_gater += more->forward_gater;
    sum->backward_dense += more->backward_dense;
    sum->backward_done += more->backward_done;
    sum->backward_gater += more->backward_gater;
    sum->gates += more->gates;
    sum->gates_open += more->gates_open;
    sum->blocks += more->blocks;
    sum->blocks_read += more->blocks_read;
}

weir_counters weir_graph_counters(const weir_graph *graph) {
    weir_counters sum = {.rows = graph->nodes[0].counters.rows};
    for (size_t k = 0; k < graph->count; k++) add_counters(&sum, &graph->nodes[k].counters);
    return sum;
}

weir_counters weir_graph_node_counters(const weir_graph *graph, size_t node) {
    return node < graph->count ? graph->nodes[node].counters : (weir_counters){0};
}

weir_work weir_graph_work(const weir_graph *graph, size_t index, double share) {
    weir_work work = {0};
    if (index >= graph->count) return work;
    const weir__node *node = &graph->nodes[index];
    work.gater = node->facts.gater;
    if (node->weight == SIZE_MAX) return work;
    const weir_tensor *weights = &graph->tensors[node->weight];
    work.dense = (double)weights->rows * (double)weights->columns;
    work.open = work.dense * (node->facts.compact || node->facts.tiled ? share : 1) * (node->from->facts.compact ? share : 1);
    return work;
}

void weir_graph_counters_reset(weir_graph *graph) {
    for (size_t k = 0; k < graph->count; k++) graph->nodes[k].counters = (weir_counters){0};
}

void weir_graph_profile(weir_graph *graph, bool on) {
    for (size_t k = 0; k < graph->count; k++) graph->nodes[k].seconds = (weir_seconds){0};
    graph->profiled = on;
}

weir_seconds weir_graph_node_seconds(const weir_graph *graph, size_t node) {
    return node < graph->count ? graph->nodes[node].seconds : (weir_seconds){0};
}
