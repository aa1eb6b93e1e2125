// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The affine product W·x + b of a node and its gradients, whichever of the two sides is compact: what affine and
// gated-affine nodes share. Both sides dense: CBLAS. Otherwise the gated kernels, for which W lies in tiles: strips of
// rows for the blocks of a compact output, and in them columns for the blocks of a compact input.

#include "affine.h"
#include "counters.h"
#include "flow.h"
#include "groups.h"
#include "shared.h"
#include "tensor.h"

weir_status weir__affine_declare(weir_graph *graph, weir__node *node, weir_error *error) {
    const size_t out = node->width * node->products, in = node->from->width;
    const bool blocks = node->facts.compact || node->facts.tiled;
    const size_t out_block = blocks ? node->block * node->products : out;
    const size_t in_block = node->from->facts.compact ? node->from->block : in;
    const bool track = blocks || node->from->facts.compact;
    const weir_status status =
        weir__tensor_declare(graph, node, WEIR_ROLE_WEIGHT, out, in, out_block, in_block, track, &node->weight, error);
    if (status != WEIR_OK) return status;
    return weir__tensor_declare(graph, node, WEIR_ROLE_BIAS, out, 1, out_block, 1, blocks, &node->bias,
                                error);
}

static uint64_t dense_work(const weir__node *node, size_t rows) {
    return (uint64_t)rows * node->width * node->products * node->from->width;
}

weir_status weir__affine_product(weir_graph *graph, weir__node *node, size_t rows, weir__side *y, uint64_t *work,
                                 weir_error *error) {
    const weir__side x = weir__output_side(node->from);
    const bool compact = x.route || y->route;
    const float *bias = weir__matrix_values(&graph->matrices[node->bias]);
    weir__weights weights;
    weir_status status = WEIR_OK;
    TRY(weir__shared_read(graph, node->weight, &weights, compact ? WEIR__TILES : WEIR__PLAIN, error));
    TRY(weir__product_forward(NULL, rows, y, &x, &weights, bias, &graph->scratch, error));
    *work = compact ? weir__gated_forward_work(rows, y, &x) : dense_work(node, rows);
done:
    return status;
}

weir_status weir__affine_forward(weir_graph *graph, weir__node *node, size_t rows, weir__side *y, weir_error *error) {
    uint64_t work = 0;
    const weir_status status = weir__affine_product(graph, node, rows, y, &work, error);
    if (status == WEIR_OK) weir__count_forward(node, dense_work(node, rows), work);
    return status;
}

/// ∂L/∂x for every unit of x, though W lies in tiles of x's blocks. Tiles of one column are Wᵀ as it stands.
static weir_status dense_input_gradient(weir_graph *graph, weir__node *node, size_t rows, const weir__side *dy,
                                        float *dx, weir_error *error) {
    const size_t in = node->from->width;
    const weir__side to = {.width = in, .block = in, .values = dx};
    const bool transposed = graph->tensors[node->weight].block_columns == 1;
    weir__weights weights;
    weir_status status = WEIR_OK;
    TRY(weir__shared_read(graph, node->weight, &weights, transposed ? WEIR__TILES : WEIR__PLAIN, error));
    if (transposed) {
        TRY(weir__product_forward(NULL, rows, &to, dy, &weights, NULL, &graph->scratch, error));
    } else {
        TRY(weir__product_input_gradient(NULL, rows, &to, dy, &weights, &graph->scratch, error));
    }
done:
    return status;
}

static weir_status input_gradient(weir_graph *graph, weir__node *node, size_t rows, const weir__side *dy,
                                  uint64_t *done, weir_error *error) {
    weir__side dx = weir__output_side(node->from);
    weir_status status = weir__gradient_open(graph, node->from, rows, false, &dx.values, error);
    if (status != WEIR_OK) return status;
    if (node->from->facts.gradient_dense || !(dx.route || dy->route)) {
        const weir__side all = {.width = dx.width, .block = dx.width, .values = dx.values};
        status = dense_input_gradient(graph, node, rows, dy, dx.values, error);
        *done += dy->route ? weir__gated_input_gradient_work(rows, &all, dy) : dense_work(node, rows);
    } else {
        weir__weights weights;
        status = weir__shared_read(graph, node->weight, &weights, WEIR__TILES, error);
        if (status != WEIR_OK) return status;
        status = weir__product_input_gradient(NULL, rows, &dx, dy, &weights, &graph->scratch, error);
        *done += weir__gated_input_gradient_work(rows, &dx, dy);
    }
    weir__gradient_close(graph, node->from, rows, false, dx.values);
    return status;
}

/// One tensor in a pass that moves it: its update, and its values where it has no halves.
typedef struct motion {
    weir__update update;
    float *values;
} motion;

static weir_status motion_of(weir_graph *graph, motion *m, size_t tensor, weir_error *error) {
    const weir__step *step = graph->moving;
    weir__form form = {0};
    const weir_status status = weir__matrix_move(&graph->matrices[tensor], &form, WEIR__TILES, error);
    *m = (motion){step->update_of(step->context, &graph->tensors[tensor]), form.values};
    m->update.halves = form.halves;
    return status;
}

/// Whether the gradient of x and the update of the weights may be one product: nothing is to happen between them, and
/// both are of open blocks.
static bool is_one_product(const weir_graph *graph, const weir__node *node, size_t rows, const weir__side *x,
                           const weir__side *dy) {
    return graph->moving && rows == graph->examples && !node->from->facts.gradient_dense && (x->route || dy->route);
}

/// The gradient of the input and the update of the weights in one pass over them.
static weir_status backward_and_move(weir_graph *graph, weir__node *node, size_t rows, const weir__side *dy,
                                     const weir__side *x, weir_error *error) {
    motion weight, bias;
    weir__side dx = *x;
    weir_status status = WEIR_OK;
    TRY(motion_of(graph, &weight, node->weight, error));
    TRY(motion_of(graph, &bias, node->bias, error));
    TRY(weir__gradient_open(graph, node->from, rows, false, &dx.values, error));
    status = weir__product_backward(rows, &dx, dy, x, weight.values, bias.values, &weight.update, &bias.update,
                                    &graph->scratch, error);
    weir__gradient_close(graph, node->from, rows, false, dx.values);
done:
    return status;
}

static weir_status update_weights(weir_graph *graph, weir__node *node, size_t rows, const weir__side *dy,
                                  const weir__side *x, weir_error *error) {
    motion weight, bias;
    weir_status status = WEIR_OK;
    TRY(motion_of(graph, &weight, node->weight, error));
    TRY(motion_of(graph, &bias, node->bias, error));
    TRY(weir__product_weight_update(NULL, rows, weight.values, bias.values, dy, x, &weight.update, &bias.update,
                                    &graph->scratch, error));
done:
    return status;
}

static weir_status weight_gradient(weir_graph *graph, weir__node *node, size_t rows, const weir__side *dy,
                                   const weir__side *x, weir_error *error) {
    if (graph->moving) {
        const double start = weir__profile_clock(graph);
        const weir_status status = update_weights(graph, node, rows, dy, x, error);
        const double seconds = weir__profile_clock(graph) - start;
        node->seconds.update += seconds;
        node->seconds.backward -= seconds; // which is measured around it
        return status;
    }
    return weir__product_weight_gradient(NULL, rows, weir__tensor_gradients(graph, node->weight),
                                         weir__tensor_gradients(graph, node->bias), graph->touched[node->weight],
                                         graph->touched[node->bias], dy, x, &graph->scratch, error);
}

weir_status weir__affine_backward(weir_graph *graph, weir__node *node, size_t all, weir__side *dy, weir_error *error) {
    const weir__side x = weir__output_side(node->from);
    const bool passes_on = node->from->facts.wants_gradient;
    size_t rows = all;
    weir_status status = WEIR_OK;
    uint64_t done = 0;
    if (passes_on && is_one_product(graph, node, rows, &x, dy)) {
        TRY(backward_and_move(graph, node, rows, dy, &x, error));
        done += weir__gated_input_gradient_work(rows, &x, dy);
    } else {
        if (passes_on) TRY(input_gradient(graph, node, rows, dy, &done, error));
        rows = weir__groups_weigh(graph, all, dy, x.route || dy->route);
        TRY(weight_gradient(graph, node, rows, dy, &x, error));
    }
    node->pass.moved = graph->moving != NULL;
    done += x.route || dy->route ? weir__gated_weight_gradient_work(rows, dy, &x) : dense_work(node, rows);
    weir__count_backward(node, (passes_on ? 2 : 1) * dense_work(node, all), done);
done:
    return status;
}

static weir_status move_alone(weir_graph *graph, size_t tensor, weir_error *error) {
    if (tensor == SIZE_MAX) return WEIR_OK;
    const weir_tensor *t = &graph->tensors[tensor];
    const weir__tiling tiling = weir__tensor_tiling(t);
    motion m;
    const weir_status status = motion_of(graph, &m, tensor, error);
    if (status == WEIR_OK) {
        weir__update_apply(&m.update, m.values, weir__tensor_gradients(graph, tensor), t->touched, &tiling);
    }
    return status;
}

weir_status weir__affine_move_alone(weir_graph *graph, weir__node *node, weir_error *error) {
    const weir_status status = move_alone(graph, node->weight, error);
    return status == WEIR_OK ? move_alone(graph, node->bias, error) : status;
}
