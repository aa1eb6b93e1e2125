// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What linear maps that are drawn in training share: dropout, shift.

#include <string.h>

#include "nodes.h"

weir_status weir__noisy_forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir__noisy_map map,
                                weir_error *error) {
    weir_status status = WEIR_OK;
    const float *x = NULL;
    TRY(weir__output_reserve(graph, node, NULL, error));
    TRY(weir__output_dense(graph, node->from, &x, error));
    if (pass->mode == WEIR_MODE_SAMPLE) {
        map(graph, node, pass, node->memory.values.data, x, false);
        goto done;
    }
    WEIR__FOR_PIECES(pass->rows * node->width)
    for (size_t r = 0; r < pass->rows; r++) {
        memcpy(node->memory.values.data + r * node->width, x + r * node->width, node->width * sizeof *x);
    }
done:
    return status;
}

weir_status weir__noisy_backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir__noisy_map map,
                                 weir_error *error) {
    weir_status status = WEIR_OK;
    float *dx = NULL;
    if (!node->pass.gradient_written || !node->from->facts.wants_gradient) return WEIR_OK;
    TRY(weir__gradient_open(graph, node->from, pass->rows, true, &dx, error));
    map(graph, node, pass, dx, node->memory.gradient.data, true);
    weir__gradient_close(graph, node->from, pass->rows, true, dx);
done:
    return status;
}
