// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Input: the rows of the batch, copied so that the caller's array may change after the forward pass.

#include <string.h>

#include "nodes.h"

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    (void)graph;
    (void)error;
    node->width = node->block = node->spec.size;
    return WEIR_OK;
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    const weir_status status = weir__output_reserve(graph, node, NULL, error);
    if (status != WEIR_OK) return status;
    memcpy(node->memory.values.data, pass->inputs, pass->rows * node->width * sizeof *pass->inputs);
    return WEIR_OK;
}

const weir__kind weir__kind_input = {
    .about = {.name = "input", .summary = "the rows of the batch", .equation = "y = x", .traits = WEIR_KIND_INPUT},
    .fields = WEIR__FIELD_SIZE,
    .build = build,
    .forward = forward,
};
