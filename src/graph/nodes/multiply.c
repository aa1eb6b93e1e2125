// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Multiply: y = Π_k x_k, element by element, over the nodes that it reads, all of one size. Reads its inputs densely.

#include <string.h>

#include "nodes.h"

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    (void)graph;
    return weir__one_size(node, "multiplies", error);
}

typedef struct factor {
    float *product;
    const float *x;
} factor;

static void multiply_range(const void *context, weir__range own) {
    const factor *f = context;
    for (size_t k = own.first; k < own.last; k++) f->product[k] *= f->x[k];
}

/// product [rows][width] ⊙= the outputs of all nodes that it reads but the one at place left_out.
static weir_status multiply(weir_graph *graph, const weir__node *node, size_t rows, float *product, size_t left_out,
                            weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t k = 0; k < node->input_count; k++) {
        const float *x = NULL;
        if (k == left_out) continue;
        TRY(weir__output_dense(graph, node->inputs[k], &x, error));
        weir__parallel_ranges(rows * node->width, 0.5, multiply_range, &(factor){product, x});
    }
done:
    return status;
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    const float *x = NULL;
    TRY(weir__output_reserve(graph, node, NULL, error));
    TRY(weir__output_dense(graph, node->from, &x, error));
    memcpy(node->memory.values.data, x, pass->rows * node->width * sizeof *x);
    TRY(multiply(graph, node, pass->rows, node->memory.values.data, 0, error));
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
        TRY(multiply(graph, node, pass->rows, dx, k, error));
        weir__gradient_close(graph, read, pass->rows, true, dx);
    }
done:
    return status;
}

const weir__kind weir__kind_multiply = {
    .about = {.name = "multiply",
              .summary = "the product of the nodes that it reads, element by element",
              .equation = "y = x1 * x2 * ...",
              .traits = WEIR_KIND_SEVERAL},
    .build = build,
    .forward = forward,
    .backward = backward,
};
