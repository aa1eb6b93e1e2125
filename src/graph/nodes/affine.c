// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Affine: y = W·x + b, its output dense. Closed blocks of a gated layer's compact output cost nothing.

#include "nodes.h"

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    node->width = node->block = node->spec.size;
    node->facts.learns = node->facts.wants_gradient = true;
    return weir__affine_declare(graph, node, error);
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    const weir_status status = weir__output_reserve(graph, node, NULL, error);
    if (status != WEIR_OK) return status;
    weir__side y = weir__output_side(node);
    return weir__affine_forward(graph, node, pass->rows, &y, error);
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    if (!node->pass.gradient_written) return WEIR_OK;
    weir__side dy = weir__output_side(node);
    dy.values = node->memory.gradient.data;
    return weir__affine_backward(graph, node, pass->rows, &dy, error);
}

const weir__kind weir__kind_affine = {
    .about = {.name = "affine",
              .synonyms = {"linear"},
              .summary = "every output sees every input",
              .equation = "y = W x + b",
              .traits = WEIR_KIND_WEIGHTS},
    .fields = WEIR__FIELD_SIZE | WEIR__FIELD_PARAMETERS,
    .build = build,
    .forward = forward,
    .backward = backward,
    .move = weir__affine_move_alone,
};
