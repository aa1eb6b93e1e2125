// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Running a graph: forward and backward over the nodes in order, and how nodes pass outputs and gradients on.

#include <math.h>
#include <string.h>
#include <time.h>

#include "graph.h"

/// A pass in open mode does without what only gates need.
static bool runs(const weir__node *node, weir_mode mode) { return !(node->gater && mode == WEIR_MODE_OPEN); }

weir_noise weir__node_noise(const weir__node *node, const weir_pass *pass, unsigned use) {
    return (weir_noise){.seed = pass->seed, .step = pass->step, .stream = (uint16_t)(node->index * 4 + use)};
}

size_t weir__output_count(const weir_graph *graph, const weir__node *node) {
    return node->route ? node->route->slots * node->block : weir__node_rows(graph, node) * node->width;
}

weir_status weir__output_reserve(weir_graph *graph, weir__node *node, const weir__route *route, weir_error *error) {
    node->route = route;
    const size_t copies = graph->wide && node->copied ? graph->groups : 1;
    return weir__buffer_reserve(&node->values, weir__output_count(graph, node) * copies, error);
}

weir__side weir__output_side(const weir__node *node) {
    return (weir__side){.route = node->route,
                        .width = node->width,
                        .block = node->route ? node->block : node->width,
                        .values = node->values.data};
}

static size_t block_width(const weir__node *node, size_t block) {
    const size_t left = node->width - block * node->block;
    return left < node->block ? left : node->block;
}

/// Copies the open slots of a compact output into dense rows, zeros elsewhere.
static void spread(float *dense, const weir__node *node, size_t rows) {
    const weir__route *route = node->route;
    const float *values = node->values.data;
    WEIR__FOR_PIECES(rows * node->width)
    for (size_t r = 0; r < rows; r++) {
        float *row = dense + r * node->width;
        memset(row, 0, node->width * sizeof *row);
        for (int32_t e = route->row_start[r]; e < route->row_open[r]; e++) {
            const size_t j = (size_t)route->row_block[e];
            memcpy(row + j * node->block, values + (size_t)route->row_slot[e] * node->block,
                   block_width(node, j) * sizeof *row);
        }
    }
}

/// The other way round, for gradients: every slot gets its values; adds or writes.
static void gather(float *compact, const float *dense, const weir__node *node, size_t rows, bool add) {
    const weir__route *route = node->route;
    WEIR__FOR_PIECES(route->slots * node->block)
    for (size_t r = 0; r < rows; r++) {
        for (int32_t e = route->row_start[r]; e < route->row_start[r + 1]; e++) {
            const size_t j = (size_t)route->row_block[e];
            const float *from = dense + r * node->width + j * node->block;
            float *to = compact + (size_t)route->row_slot[e] * node->block;
            for (size_t u = 0; u < block_width(node, j); u++) to[u] = add ? to[u] + from[u] : from[u];
        }
    }
}

weir_status weir__output_dense(weir_graph *graph, weir__node *node, const float **values, weir_error *error) {
    if (!node->route) {
        *values = node->values.data;
        return WEIR_OK;
    }
    if (!node->dense_valid) {
        const size_t rows = weir__node_rows(graph, node);
        const weir_status status = weir__buffer_reserve(&node->dense, rows * node->width, error);
        if (status != WEIR_OK) return status;
        spread(node->dense.data, node, rows);
        node->dense_valid = true;
    }
    *values = node->dense.data;
    return WEIR_OK;
}

static bool gradient_is_compact(const weir__node *node) { return node->route && !node->gradient_dense; }

static size_t gradient_count(const weir_graph *graph, const weir__node *node) {
    return gradient_is_compact(node) ? weir__output_count(graph, node) : weir__node_rows(graph, node) * node->width;
}

/// Whether the consumer being run has more rows than the node: its gradient is summed over row groups.
static bool is_reduced(const weir_graph *graph, const weir__node *node) {
    return graph->rows > weir__node_rows(graph, node);
}

/// Whether what a consumer writes can go straight into the node's own gradient.
static bool written_directly(const weir_graph *graph, const weir__node *node, bool dense) {
    return !node->gradient_written && !(dense && gradient_is_compact(node)) && !is_reduced(graph, node);
}

weir_status weir__gradient_open(weir_graph *graph, weir__node *node, bool dense, float **gradient, weir_error *error) {
    const size_t own = gradient_count(graph, node);
    weir_status status = weir__buffer_reserve(&node->gradient, own, error);
    if (status != WEIR_OK) return status;
    if (written_directly(graph, node, dense)) {
        *gradient = node->gradient.data;
        return WEIR_OK;
    }
    const size_t count = dense || is_reduced(graph, node) ? graph->rows * node->width : own;
    status = weir__buffer_reserve(&graph->gradient_scratch, count, error);
    *gradient = graph->gradient_scratch.data;
    return status;
}

void weir__gradient_close(weir_graph *graph, weir__node *node, bool dense, const float *gradient) {
    if (!written_directly(graph, node, dense)) {
        float *own = node->gradient.data;
        if (is_reduced(graph, node)) {
            weir__groups_reduce(graph, own, gradient, node->width, node->gradient_written);
        } else if (dense && gradient_is_compact(node)) {
            gather(own, gradient, node, graph->rows, node->gradient_written);
        } else {
            const size_t count = gradient_count(graph, node);
            WEIR__FOR_PIECES(count)
            for (size_t k = 0; k < count; k++) own[k] += gradient[k];
        }
    }
    node->gradient_written = true;
}

void weir__count_forward(weir__node *node, uint64_t dense, uint64_t done) {
    if (node->gater) {
        node->counters.forward_gater += done;
    } else {
        node->counters.forward_dense += dense;
        node->counters.forward_done += done;
    }
}

void weir__count_backward(weir__node *node, uint64_t dense, uint64_t done) {
    if (node->gater) {
        node->counters.backward_gater += done;
    } else {
        node->counters.backward_dense += dense;
        node->counters.backward_done += done;
    }
}

static weir_status check_pass(const weir_graph *graph, const weir_pass *pass, weir_error *error) {
    if (pass->rows < 1 || pass->rows > graph->options.max_rows) {
        return weir__fail(error, WEIR_SHAPE, "a batch of %zu rows: the graph was made for 1 to %zu", pass->rows,
                          graph->options.max_rows);
    }
    if (!pass->inputs) return weir__fail(error, WEIR_ARGUMENT, "the pass has no inputs");
    if ((unsigned)pass->mode > WEIR_MODE_DRAW) {
        return weir__fail(error, WEIR_ARGUMENT, "unknown mode %d", (int)pass->mode);
    }
    return WEIR_OK;
}

/// The last pass as the node sees it, with the rows that it runs on.
static weir_pass begin_node(weir_graph *graph, const weir__node *node) {
    weir_pass own = graph->pass;
    own.rows = graph->rows = weir__run_rows(graph, node);
    own.labels = graph->labels;
    own.targets = graph->targets;
    return own;
}

double weir__profile_clock(const weir_graph *graph) {
    struct timespec t;
    if (!graph->profiled) return 0;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/// Nodes first, first + 1, … in the last pass: their outputs, and the loss.
static weir_status run_nodes(weir_graph *graph, size_t first, weir_error *error) {
    graph->forward_done = false;
    graph->row_loss = NULL;
    graph->mean_loss = NAN;
    graph->penalty = 0;
    for (size_t k = first; k < graph->count; k++) {
        weir__node *node = &graph->nodes[k];
        node->dense_valid = false;
        node->ran = runs(node, graph->pass.mode);
        if (!node->ran) continue;
        const weir_pass own = begin_node(graph, node);
        const double start = weir__profile_clock(graph);
        node->counters.rows += own.rows;
        const weir_status status = node->kind->forward(graph, node, &own, error);
        if (status != WEIR_OK) return status;
        weir__groups_repeat(graph, node);
        node->seconds.forward += weir__profile_clock(graph) - start;
    }
    graph->rows = graph->pass.rows;
    weir__groups_merge(graph);
    if (graph->row_loss) {
        double sum = 0;
        for (size_t r = 0; r < graph->rows; r++) sum += (double)graph->row_loss[r];
        graph->mean_loss = sum / (double)graph->rows;
    }
    graph->forward_done = true;
    return WEIR_OK;
}

weir_status weir_graph_forward(weir_graph *graph, const weir_pass *pass, weir_error *error) {
    weir_status status = check_pass(graph, pass, error);
    if (status != WEIR_OK) return status;
    graph->pass = *pass;
    status = weir__groups_begin(graph, pass, error);
    if (status != WEIR_OK) return status;
    weir__halves_refresh(graph);
    return run_nodes(graph, 0, error);
}

weir_status weir__graph_redraw(weir_graph *graph, uint32_t step, bool *drawn, weir_error *error) {
    size_t first = 0;
    for (; first < graph->count; first++) {
        const weir_unit *unit = graph->nodes[first].unit;
        if (unit && (unit->rule->traits & WEIR_TRAIT_STOCHASTIC)) break;
    }
    *drawn = first < graph->count;
    if (!*drawn) return WEIR_OK;
    graph->pass.step = step;
    return run_nodes(graph, first, error);
}

static bool same_pass(const weir_pass *a, const weir_pass *b) {
    return a->mode == b->mode && a->rows == b->rows && a->inputs == b->inputs && a->labels == b->labels &&
           a->targets == b->targets && a->seed == b->seed && a->step == b->step;
}

weir_status weir_graph_backward(weir_graph *graph, const weir_pass *pass, weir_error *error) {
    if (!graph->options.training) return weir__fail(error, WEIR_ARGUMENT, "the graph was not made for training");
    if (!graph->forward_done || !graph->row_loss || !same_pass(pass, &graph->pass)) {
        return weir__fail(error, WEIR_ARGUMENT,
                          "backward needs a forward pass of the same batch, with a loss, before it");
    }
    if (pass->mode != WEIR_MODE_SAMPLE) {
        return weir__fail(error, WEIR_ARGUMENT, "backward follows a pass in sample mode only");
    }
    graph->penalty = 0;
    for (size_t k = 0; k < graph->count; k++) graph->nodes[k].gradient_written = false;
    for (size_t k = graph->count; k-- > 0;) {
        weir__node *node = &graph->nodes[k];
        if (!node->learns) continue;
        const double start = weir__profile_clock(graph);
        const weir_pass own = begin_node(graph, node);
        const weir_status status = node->kind->backward(graph, node, &own, error);
        if (status != WEIR_OK) return status;
        node->seconds.backward += weir__profile_clock(graph) - start;
    }
    graph->rows = graph->examples;
    return WEIR_OK;
}

/// Parameters that the backward pass did not come by.
static void move_the_rest(weir_graph *graph) {
    for (size_t k = graph->count; k-- > 0;) {
        weir__node *node = &graph->nodes[k];
        if (!node->kind->move || node->moved) continue;
        const double start = weir__profile_clock(graph);
        node->kind->move(graph, node);
        node->seconds.update += weir__profile_clock(graph) - start;
    }
}

weir_status weir__graph_step(weir_graph *graph, const weir_pass *pass, const weir__step *step, weir_error *error) {
    for (size_t k = 0; k < graph->count; k++) graph->nodes[k].moved = false;
    graph->moving = step;
    graph->values_valid = !graph->halves.upper;
    const weir_status status = weir_graph_backward(graph, pass, error);
    if (status == WEIR_OK) move_the_rest(graph);
    graph->moving = NULL;
    memset(graph->plain_valid, 0, graph->tensor_count * sizeof *graph->plain_valid);
    return status;
}

const float *weir_graph_loss(const weir_graph *graph) { return graph->row_loss; }

double weir_graph_mean_loss(const weir_graph *graph) { return graph->mean_loss + graph->penalty; }

double weir_graph_penalty(const weir_graph *graph) { return graph->penalty; }

const float *weir_graph_output(weir_graph *graph, size_t node) {
    if (node >= graph->count || !graph->forward_done || !graph->nodes[node].ran) return NULL;
    const float *values = NULL;
    return weir__output_dense(graph, &graph->nodes[node], &values, NULL) == WEIR_OK ? values : NULL;
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
    work.gater = node->gater;
    if (node->weight == SIZE_MAX) return work;
    const weir_tensor *weights = &graph->tensors[node->weight];
    work.dense = (double)weights->rows * (double)weights->columns;
    work.open = work.dense * (node->compact ? share : 1) * (node->from->compact ? share : 1);
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
