// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// How nodes pass outputs and gradients on, dense or compact.

#include "flow.h"

#include "../kernels/scatter.h"
#include "groups.h"

size_t weir__output_count(const weir_graph *graph, const weir__node *node) {
    return node->pass.route ? node->pass.route->slots * node->block : weir__node_rows(graph, node) * node->width;
}

weir_status weir__output_reserve(weir_graph *graph, weir__node *node, const weir__route *route, weir_error *error) {
    node->pass.route = route;
    const size_t copies = graph->wide && node->facts.copied ? graph->groups : 1;
    return weir__buffer_reserve(&node->memory.values, weir__output_count(graph, node) * copies, error);
}

weir__side weir__output_side(const weir__node *node) {
    return (weir__side){.route = node->pass.route,
                        .width = node->width,
                        .block = node->pass.route ? node->block : node->width,
                        .values = node->memory.values.data};
}

typedef struct addition {
    float *to;
    const float *from;
} addition;

static void add_range(const void *context, weir__range own) {
    const addition *m = context;
    for (size_t k = own.first; k < own.last; k++) m->to[k] += m->from[k];
}

void weir__add(size_t count, float *to, const float *from) {
    weir__parallel_ranges(count, 0.5, add_range, &(addition){.to = to, .from = from});
}

weir_status weir__output_dense(weir_graph *graph, weir__node *node, const float **values, weir_error *error) {
    if (!node->pass.route) {
        *values = node->memory.values.data;
        return WEIR_OK;
    }
    if (!node->pass.dense_valid) {
        const size_t rows = weir__node_rows(graph, node);
        const weir__side side = weir__output_side(node);
        const weir_status status = weir__buffer_reserve(&node->memory.dense, rows * node->width, error);
        if (status != WEIR_OK) return status;
        weir__scatter(&side, rows, node->memory.dense.data, weir__by_rows(&side));
        node->pass.dense_valid = true;
    }
    *values = node->memory.dense.data;
    return WEIR_OK;
}

static bool gradient_is_compact(const weir__node *node) { return node->pass.route && !node->facts.gradient_dense; }

static size_t gradient_count(const weir_graph *graph, const weir__node *node) {
    return gradient_is_compact(node) ? weir__output_count(graph, node) : weir__node_rows(graph, node) * node->width;
}

/// Whether a consumer of so many rows has more than the node: its gradient is summed over row groups.
static bool is_reduced(const weir_graph *graph, const weir__node *node, size_t rows) {
    return rows > weir__node_rows(graph, node);
}

/// Whether what a consumer writes can go straight into the node's own gradient.
static bool written_directly(const weir_graph *graph, const weir__node *node, size_t rows, bool dense) {
    return !node->pass.gradient_written && !(dense && gradient_is_compact(node)) && !is_reduced(graph, node, rows);
}

weir_status weir__gradient_open(weir_graph *graph, weir__node *node, size_t rows, bool dense, float **gradient,
                                weir_error *error) {
    const size_t own = gradient_count(graph, node);
    weir_status status = weir__buffer_reserve(&node->memory.gradient, own, error);
    if (status != WEIR_OK) return status;
    if (written_directly(graph, node, rows, dense)) {
        *gradient = node->memory.gradient.data;
        return WEIR_OK;
    }
    const size_t count = dense || is_reduced(graph, node, rows) ? rows * node->width : own;
    status = weir__buffer_reserve(&graph->gradient_scratch, count, error);
    *gradient = graph->gradient_scratch.data;
    return status;
}

void weir__gradient_close(weir_graph *graph, weir__node *node, size_t rows, bool dense, const float *gradient) {
    if (!written_directly(graph, node, rows, dense)) {
        float *own = node->memory.gradient.data;
        if (is_reduced(graph, node, rows)) {
            weir__groups_reduce(graph, own, gradient, node->width, node->pass.gradient_written);
        } else if (dense && gradient_is_compact(node)) {
            weir__side side = weir__output_side(node);
            side.values = own;
            if (node->pass.gradient_written) {
                weir__gather_add(&side, rows, gradient);
            } else {
                weir__gather(&side, rows, gradient, weir__by_rows(&side), NULL);
            }
        } else {
            weir__add(gradient_count(graph, node), own, gradient);
        }
    }
    node->pass.gradient_written = true;
}
