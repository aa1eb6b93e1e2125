// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Add: y = Σ_k x_k over the nodes that it reads, all of one size. A residual connection (He et al. 2016) is the sum of
// a layer and what that layer reads. Reads its inputs densely.

#include <string.h>

#include "nodes.h"

weir_status weir__one_size(weir__node *node, const char *does, weir_error *error) {
    node->width = node->block = node->from->width;
    for (size_t k = 1; k < node->input_count; k++) {
        const weir__node *read = node->inputs[k];
        if (read->width == node->width) continue;
        return weir__fail_node(error, WEIR_SHAPE, node, "%s outputs of one size: '%s' has %zu, '%s' %zu", does,
                               node->from->spec.name, node->width, read->spec.name, read->width);
    }
    return WEIR_OK;
}

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    (void)graph;
    return weir__one_size(node, "adds", error);
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t count = pass->rows * node->width;
    TRY(weir__output_reserve(graph, node, NULL, error));
    float *y = node->memory.values.data;
    for (size_t k = 0; k < node->input_count; k++) {
        const float *x = NULL;
        TRY(weir__output_dense(graph, node->inputs[k], &x, error));
        if (k == 0) {
            memcpy(y, x, count * sizeof *y);
            continue;
        }
        weir__add(count, y, x);
    }
done:
    return status;
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!node->pass.gradient_written) return WEIR_OK;
    for (size_t k = 0; k < node->input_count; k++) {
        weir__node *read = node->inputs[k];
        float *dx = NULL;
        if (!read->facts.wants_gradient) continue;
        TRY(weir__gradient_open(graph, read, pass->rows, true, &dx, error));
        memcpy(dx, node->memory.gradient.data, pass->rows * node->width * sizeof *dx);
        weir__gradient_close(graph, read, pass->rows, true, dx);
    }
done:
    return status;
}

const weir__kind weir__kind_add = {
    .about = {.name = "add",
              .summary = "the sum of the nodes that it reads, as in a residual connection",
              .equation = "y = x1 + x2 + ...",
              .traits = WEIR_KIND_SEVERAL},
    .build = build,
    .forward = forward,
    .backward = backward,
};
