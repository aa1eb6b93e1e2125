// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What linear maps that are drawn in training share: dropout, shift.

#include <string.h>

#include "nodes.h"

static void copy_rows(const void *context, weir__range rows) {
    const weir__noisy_rows *n = context;
    const size_t width = n->node->width, first = rows.first * width;
    memcpy(n->to + first, n->from + first, (rows.last - rows.first) * width * sizeof *n->to);
}

static void map_rows(const weir_graph *graph, const weir__node *node, const weir_pass *pass, weir__range_function *map,
                     float *to, const float *from, bool back) {
    const weir__noisy_rows n = {node, weir__node_noise(node, pass, 0), graph->examples, to, from, back};
    weir__parallel_ranges(pass->rows, (double)node->width, map, &n);
}

weir_status weir__noisy_forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir__noisy_map *how = node->kind->how;
    const float *x = NULL;
    TRY(weir__output_reserve(graph, node, NULL, error));
    TRY(weir__output_dense(graph, node->from, &x, error));
    map_rows(graph, node, pass, pass->mode == WEIR_MODE_SAMPLE ? how->map : copy_rows, node->memory.values.data, x,
             false);
done:
    return status;
}

weir_status weir__noisy_backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir__noisy_map *how = node->kind->how;
    float *dx = NULL;
    if (!node->pass.gradient_written || !node->from->facts.wants_gradient) return WEIR_OK;
    TRY(weir__gradient_open(graph, node->from, pass->rows, true, &dx, error));
    map_rows(graph, node, pass, how->map, dx, node->memory.gradient.data, true);
    weir__gradient_close(graph, node->from, pass->rows, true, dx);
done:
    return status;
}
