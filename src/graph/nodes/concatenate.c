// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Concatenate: a row is the rows of the nodes that it reads, one behind the other. Reads its inputs densely.

#include <string.h>

#include "nodes.h"

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    (void)graph;
    (void)error;
    for (size_t k = 0; k < node->input_count; k++) node->width += node->inputs[k]->width;
    node->block = node->width;
    return WEIR_OK;
}

static void copy_columns(float *to, size_t to_width, const float *from, size_t from_width, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++) memcpy(to + r * to_width, from + r * from_width, width * sizeof *to);
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(weir__output_reserve(graph, node, NULL, error));
    float *y = node->memory.values.data;
    for (size_t k = 0; k < node->input_count; k++) {
        const float *x = NULL;
        const size_t width = node->inputs[k]->width;
        TRY(weir__output_dense(graph, node->inputs[k], &x, error));
        copy_columns(y, node->width, x, width, pass->rows, width);
        y += width;
    }
done:
    return status;
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    const float *dy = node->memory.gradient.data;
    if (!node->pass.gradient_written) return WEIR_OK;
    for (size_t k = 0; k < node->input_count; dy += node->inputs[k++]->width) {
        weir__node *read = node->inputs[k];
        float *dx = NULL;
        if (!read->facts.wants_gradient) continue;
        TRY(weir__gradient_open(graph, read, pass->rows, true, &dx, error));
        copy_columns(dx, read->width, dy, node->width, pass->rows, read->width);
        weir__gradient_close(graph, read, pass->rows, true, dx);
    }
done:
    return status;
}

const weir__kind weir__kind_concatenate = {
    .about = {.name = "concatenate",
              .synonyms = {"concat"},
              .summary = "the outputs of the nodes that it reads, one behind the other",
              .equation = "y = (x1, x2, ...)",
              .traits = WEIR_KIND_SEVERAL},
    .keeps_finite = true,
    .build = build,
    .forward = forward,
    .backward = backward,
};
