// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Losses per row, and their gradients, as far as they are alike.

#include "loss.h"

static const double work_of_value = 8; // exponentials in double, in operations

weir_status weir__loss_build(weir_graph *graph, weir__node *node, weir_error *error) {
    (void)graph;
    weir__buffer *losses = NULL;
    node->width = node->block = node->from->width;
    const weir_status status = weir__new(&losses, 1, sizeof *losses, "losses", error);
    if (status != WEIR_OK) return status;
    node->memory.data = losses;
    return WEIR_OK;
}

void weir__loss_release(weir__node *node) {
    if (node->memory.data) weir__buffer_free(node->memory.data);
}

weir_status weir__check_labels(const weir__node *node, const weir_pass *pass, weir_error *error) {
    for (size_t r = 0; pass->labels && r < pass->rows; r++) {
        if (pass->labels[r] < 0 || (size_t)pass->labels[r] >= node->width) {
            return weir__fail_node(error, WEIR_DATA, node, "label %d of row %zu: expected 0 to %zu", pass->labels[r],
                                   pass->first_row + r, node->width - 1);
        }
    }
    return WEIR_OK;
}

static weir__loss_rows rows_of(const weir_graph *graph, const weir__node *node, const weir_pass *pass) {
    return (weir__loss_rows){.width = node->width,
                             .labels = pass->labels,
                             .targets = pass->targets,
                             .y = node->memory.values.data,
                             .weight = 1 / (float)graph->examples};
}

weir_status weir__loss_forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir__loss *how = node->kind->how;
    weir__buffer *losses = node->memory.data;
    const bool compares = node->kind->about.takes == WEIR_TAKES_LABELS ? pass->labels != NULL : pass->targets != NULL;
    const float *x = NULL;
    if (how->check) TRY(how->check(node, pass, error));
    TRY(weir__output_reserve(graph, node, NULL, error));
    TRY(weir__output_dense(graph, node->from, &x, error));
    TRY(weir__buffer_reserve(losses, pass->rows, error));
    weir__loss_rows rows = rows_of(graph, node, pass);
    rows.x = x, rows.loss = compares ? losses->data : NULL;
    graph->row_loss = rows.loss;
    weir__parallel_ranges(pass->rows, work_of_value * (double)node->width, how->forward, &rows);
done:
    return status;
}

weir_status weir__loss_backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir__loss_rows rows = rows_of(graph, node, pass);
    const weir__loss *how = node->kind->how;
    if (!node->from->facts.wants_gradient) return WEIR_OK; // nothing before the loss learns
    const weir_status status = weir__gradient_open(graph, node->from, pass->rows, true, &rows.dx, error);
    if (status != WEIR_OK) return status;
    weir__parallel_ranges(pass->rows, (double)node->width, how->backward, &rows);
    weir__gradient_close(graph, node->from, pass->rows, true, rows.dx);
    return WEIR_OK;
}

void weir__loss_difference(const void *context, weir__range rows) {
    const weir__loss_rows *l = context;
    for (size_t k = rows.first * l->width; k < rows.last * l->width; k++)
        l->dx[k] = l->weight * (l->y[k] - l->targets[k]);
}
