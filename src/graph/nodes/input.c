// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Input: the rows of the batch. Those of a pass in sample mode are copied, so that the caller's array may change before
// the backward pass; other passes read the caller's array where it is.

#include <string.h>

#include "nodes.h"

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    weir__buffer *own = NULL;
    (void)graph;
    node->width = node->block = node->spec.size;
    const weir_status status = weir__new(&own, 1, sizeof *own, "an input", error);
    node->memory.data = own;
    return status;
}

static void release(weir__node *node) {
    weir__buffer *own = node->memory.data;
    node->memory.values = (weir__buffer){NULL, 0}; // its own, or the caller's
    if (own) weir__buffer_free(own);
}

typedef struct row_copy {
    float *to;
    const float *from;
    size_t width;
} row_copy;

static void copy_rows(const void *context, weir__range rows) {
    const row_copy *c = context;
    memcpy(c->to + rows.first * c->width, c->from + rows.first * c->width,
           (rows.last - rows.first) * c->width * sizeof *c->to);
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir__buffer *own = node->memory.data;
    if (pass->mode != WEIR_MODE_SAMPLE) {
        node->pass.route = NULL;
        node->memory.values = (weir__buffer){(float *)(uintptr_t)pass->inputs, pass->rows * node->width};
        return WEIR_OK;
    }
    node->memory.values = *own;
    const weir_status status = weir__output_reserve(graph, node, NULL, error);
    *own = node->memory.values;
    if (status != WEIR_OK) return status;
    weir__parallel_ranges(pass->rows, 0.1 * (double)node->width, copy_rows,
                          &(row_copy){own->data, pass->inputs, node->width});
    return WEIR_OK;
}

const weir__kind weir__kind_input = {
    .about = {.name = "input", .summary = "the rows of the batch", .equation = "y = x", .traits = WEIR_KIND_INPUT},
    .fields = WEIR__FIELD_SIZE,
    .build = build,
    .forward = forward,
    .release = release,
};
