// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Affine: y = W·x + b. From a dense output by CBLAS; from a gated layer's compact output by the gated kernels, so
// that closed blocks of the input cost nothing. In the second case W lies in tiles, one per input block.

#include "nodes.h"

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    const size_t in = node->from->width, out = node->spec.size;
    const bool tiled = node->from->compact;
    node->width = node->block = out;
    node->learns = true;
    const weir_status status = weir__tensor_declare(graph, node, "weight", out, in, out, tiled ? node->from->block : in,
                                                    tiled, &node->weight, error);
    if (status != WEIR_OK) return status;
    return weir__tensor_declare(graph, node, "bias", out, 1, out, 1, false, &node->bias, error);
}

static uint64_t dense_work(const weir_graph *graph, const weir__node *node) {
    return (uint64_t)graph->rows * node->width * node->from->width;
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = weir__output_reserve(graph, node, NULL, error);
    if (status != WEIR_OK) return status;
    const weir__side x = weir__output_side(node->from), y = weir__output_side(node);
    const float *bias = weir__tensor_values(graph, node->bias);
    if (x.route) {
        weir__gated_current()->forward(pass->rows, &y, &x, weir__tensor_values(graph, node->weight), bias);
        weir__count_forward(node, dense_work(graph, node), weir__gated_forward_work(pass->rows, &y, &x));
        return WEIR_OK;
    }
    const float *weights = NULL;
    status = weir__plain_weights(graph, node->weight, &weights, error);
    if (status != WEIR_OK) return status;
    weir__dense_forward(pass->rows, y.width, x.width, y.values, x.values, weights, bias);
    weir__count_forward(node, dense_work(graph, node), dense_work(graph, node));
    return WEIR_OK;
}

static weir_status backward_compact(weir_graph *graph, weir__node *node, const weir__side *dy, weir_error *error) {
    const weir_tensor *tensor = &graph->tensors[node->weight];
    weir__side x = weir__output_side(node->from);
    weir__gated_current()->weight_gradient(graph->rows, weir__tensor_gradients(graph, node->weight),
                                           weir__tensor_gradients(graph, node->bias), graph->touched[node->weight],
                                           NULL, dy, &x);
    uint64_t done = weir__gated_weight_gradient_work(graph->rows, dy, &x);
    if (node->from->learns) {
        weir__side dx = x;
        const weir_status status = weir__gradient_open(graph, node->from, false, &dx.values, error);
        if (status != WEIR_OK) return status;
        weir__gated_current()->input_gradient(graph->rows, &dx, dy, graph->values + tensor->offset);
        weir__gradient_close(graph, node->from, false, dx.values);
        done += weir__gated_input_gradient_work(graph->rows, &dx, dy);
    }
    weir__count_backward(node, 2 * dense_work(graph, node), done);
    return WEIR_OK;
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    if (!node->gradient_written) return WEIR_OK;
    weir__side dy = weir__output_side(node);
    dy.values = node->gradient.data;
    if (node->from->route) return backward_compact(graph, node, &dy, error);
    const size_t in = node->from->width;
    weir__dense_weight_gradient(pass->rows, node->width, in, weir__tensor_gradients(graph, node->weight),
                                weir__tensor_gradients(graph, node->bias), dy.values, node->from->values.data);
    uint64_t done = dense_work(graph, node);
    if (node->from->learns) {
        float *dx = NULL;
        const weir_status status = weir__gradient_open(graph, node->from, false, &dx, error);
        if (status != WEIR_OK) return status;
        weir__dense_input_gradient(pass->rows, node->width, in, dx, dy.values,
                                   weir__tensor_values(graph, node->weight));
        weir__gradient_close(graph, node->from, false, dx);
        done += dense_work(graph, node);
    }
    weir__count_backward(node, done, done);
    return WEIR_OK;
}

const weir__kind weir__kind_affine = {
    .about = {.name = "affine", .summary = "every output sees every input", .equation = "y = W x + b"},
    .fields = WEIR__FIELD_SIZE | WEIR__FIELD_PARAMETERS,
    .build = build,
    .forward = forward,
    .backward = backward,
};
