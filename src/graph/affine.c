// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The affine product W·x + b of a node and its gradients, whichever of the two sides is compact: what affine and
// gated-affine nodes share. Both sides dense: CBLAS. Otherwise the gated kernels, for which W lies in tiles: strips of
// rows for the blocks of a compact output, and in them columns for the blocks of a compact input.

#include "../kernels/product.h"
#include "graph.h"

weir_status weir__affine_declare(weir_graph *graph, weir__node *node, weir_error *error) {
    const size_t out = node->width, in = node->from->width;
    const size_t out_block = node->compact ? node->block : out;
    const size_t in_block = node->from->compact ? node->from->block : in;
    const bool track = node->compact || node->from->compact;
    const weir_status status =
        weir__tensor_declare(graph, node, "weight", out, in, out_block, in_block, track, &node->weight, error);
    if (status != WEIR_OK) return status;
    return weir__tensor_declare(graph, node, "bias", out, 1, out_block, 1, node->compact, &node->bias, error);
}

static uint64_t dense_work(const weir_graph *graph, const weir__node *node) {
    return (uint64_t)graph->rows * node->width * node->from->width;
}

weir_status weir__affine_forward(weir_graph *graph, weir__node *node, weir__side *y, weir_error *error) {
    const weir__side x = weir__output_side(node->from);
    weir__weights weights = weir__tensor_weights(graph, node->weight);
    const float *bias = weir__tensor_values(graph, node->bias);
    weir_status status = WEIR_OK;
    uint64_t work = dense_work(graph, node);
    if (x.route || y->route) {
        work = weir__gated_forward_work(graph->rows, y, &x);
    } else {
        TRY(weir__plain_weights(graph, node->weight, &weights, error));
    }
    TRY(weir__product_forward(NULL, graph->rows, y, &x, &weights, bias, &graph->scratch, error));
    weir__count_forward(node, dense_work(graph, node), work);
done:
    return status;
}

/// ∂L/∂x for every unit of x, though W lies in tiles of x's blocks. Tiles of one column are Wᵀ as it stands.
static weir_status dense_input_gradient(weir_graph *graph, weir__node *node, const weir__side *dy, float *dx,
                                        weir_error *error) {
    const size_t in = node->from->width;
    const weir__side to = {.width = in, .block = in, .values = dx};
    weir__weights weights = weir__tensor_weights(graph, node->weight);
    weir_status status = WEIR_OK;
    if (graph->tensors[node->weight].block_columns == 1) {
        return weir__product_forward(NULL, graph->rows, &to, dy, &weights, NULL, &graph->scratch, error);
    }
    TRY(weir__plain_weights(graph, node->weight, &weights, error));
    TRY(weir__product_input_gradient(NULL, graph->rows, &to, dy, &weights, &graph->scratch, error));
done:
    return status;
}

static weir_status input_gradient(weir_graph *graph, weir__node *node, const weir__side *dy, uint64_t *done,
                                  weir_error *error) {
    weir__side dx = weir__output_side(node->from);
    weir_status status = weir__gradient_open(graph, node->from, false, &dx.values, error);
    if (status != WEIR_OK) return status;
    if (node->from->gradient_dense || !(dx.route || dy->route)) {
        status = dense_input_gradient(graph, node, dy, dx.values, error);
        *done += dense_work(graph, node);
    } else {
        const weir__weights weights = weir__tensor_weights(graph, node->weight);
        status = weir__product_input_gradient(NULL, graph->rows, &dx, dy, &weights, &graph->scratch, error);
        *done += weir__gated_input_gradient_work(graph->rows, &dx, dy);
    }
    weir__gradient_close(graph, node->from, false, dx.values);
    return status;
}

weir_status weir__affine_backward(weir_graph *graph, weir__node *node, weir__side *dy, weir_error *error) {
    const weir__side x = weir__output_side(node->from);
    const bool passes_on = node->from->wants_gradient;
    float *dweights = weir__tensor_gradients(graph, node->weight), *dbias = weir__tensor_gradients(graph, node->bias);
    weir_status status = WEIR_OK;
    uint64_t done = 0;
    if (passes_on) TRY(input_gradient(graph, node, dy, &done, error));
    const size_t rows = weir__groups_weigh(graph, dy, x.route || dy->route);
    done += x.route || dy->route ? weir__gated_weight_gradient_work(rows, dy, &x)
                                 : (uint64_t)rows * node->width * node->from->width;
    if (graph->keeps_slopes) {
        node->slope = *dy;
        node->slope_rows = rows;
        node->slope_kept = true;
    } else {
        TRY(weir__product_weight_gradient(NULL, rows, dweights, dbias, graph->touched[node->weight],
                                          graph->touched[node->bias], dy, &x, &graph->scratch, error));
    }
    weir__count_backward(node, (passes_on ? 2 : 1) * dense_work(graph, node), done);
done:
    return status;
}

weir_status weir__affine_update(weir_graph *graph, weir__node *node, const weir__update *weights,
                                const weir__update *biases, weir_error *error) {
    const weir__side x = weir__output_side(node->from);
    return weir__product_weight_update(NULL, node->slope_rows, weir__tensor_values(graph, node->weight),
                                       weir__tensor_values(graph, node->bias), &node->slope, &x, weights, biases,
                                       &graph->scratch, error);
}
