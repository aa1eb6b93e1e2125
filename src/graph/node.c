// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What is asked of a single node.

#include <stdio.h>
#include <string.h>

#include "node.h"

weir__node *weir__node_named(const weir_graph *graph, const char *name, size_t before) {
    for (size_t k = 0; k < before; k++) {
        if (!strcmp(graph->nodes[k].spec.name, name)) return &graph->nodes[k];
    }
    return NULL;
}

float *weir__node_state(const weir__node *node, size_t *count) {
    if (count) *count = node->state;
    return node->state ? node->memory.state.data : NULL;
}

weir_noise weir__node_noise(const weir__node *node, const weir_pass *pass, unsigned use) {
    return (weir_noise){.seed = pass->seed,
                        .step = pass->step,
                        .stream = (uint16_t)(node->index * 4 + use),
                        .first_row = (uint32_t)pass->first_row};
}

weir_status weir__fail_node(weir_error *error, weir_status status, const weir__node *node, const char *format, ...) {
    if (error) {
        char text[WEIR_ERROR_TEXT];
        va_list arguments;
        va_start(arguments, format);
        weir__print_arguments(text, sizeof text, format, arguments);
        va_end(arguments);
        weir__fail(error, status, "node '%s' (%s): %s", node->spec.name ? node->spec.name : "?",
                   node->spec.kind ? node->spec.kind : "?", text);
    }
    return status;
}
