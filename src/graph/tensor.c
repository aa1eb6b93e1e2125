// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Tensors inside the flat parameter array: declaration, values, precision.

#include <math.h>
#include <string.h>

#include "shared.h"
#include "tensor.h"

void weir__tensor_unpack(const weir_tensor *tensor, float *plain, const float *flat) {
    const weir__tiling tiling = weir__tensor_tiling(tensor);
    weir__tiling_unpack(&tiling, plain, flat + tensor->offset);
}

void weir__tensor_pack(const weir_tensor *tensor, float *flat, const float *plain) {
    const weir__tiling tiling = weir__tensor_tiling(tensor);
    weir__tiling_pack(&tiling, flat + tensor->offset, plain);
}

weir_status weir__tensor_declare(weir_graph *graph, weir__node *node, weir_role role, size_t rows, size_t columns,
                                 size_t block_rows, size_t block_columns, bool track, size_t *index,
                                 weir_error *error) {
    static const char *const suffixes[] = {[WEIR_ROLE_WEIGHT] = "weight",
                                           [WEIR_ROLE_BIAS] = "bias",
                                           [WEIR_ROLE_AVERAGE] = "average",
                                           [WEIR_ROLE_GAIN] = "weight",
                                           [WEIR_ROLE_TABLE] = "weight"};
    weir_status status = WEIR_OK;
    char *name = NULL;
    uint8_t *touched = NULL;
    const char *suffix = suffixes[role];
    const size_t most = (size_t)1 << 33; // floats of one tensor: 32 GiB
    if (columns > most / rows) {
        return weir__fail_node(error, WEIR_SHAPE, node, "%zu x %zu weights are more than any memory holds", rows,
                               columns);
    }
    const size_t length = strlen(node->spec.name) + strlen(suffix) + 2;
    TRY(weir__new(&name, length, 1, "a tensor's name", error));
    snprintf(name, length, "%s.%s", node->spec.name, suffix);
    if (track) {
        const size_t strips = (rows + block_rows - 1) / block_rows;
        const size_t tiles = (columns + block_columns - 1) / block_columns;
        TRY(weir__new(&touched, strips * tiles, 1, "touched flags", error));
    }
    *index = graph->tensor_count++;
    graph->touched[*index] = touched;
    graph->tensors[*index] = (weir_tensor){
        .name = name,
        .role = role,
        .rows = rows,
        .columns = columns,
        .block_rows = block_rows,
        .block_columns = block_columns,
        .offset = graph->parameter_count,
        .node = node->index,
        .rate = node->spec.rate,
        .max_norm = weir__role_rank(role) == 2 ? node->spec.max_norm : 0,
        .touched = touched,
    };
    graph->parameter_count += (rows * columns + 15) / 16 * 16;
    return WEIR_OK;
done:
    weir__free(name);
    weir__free(touched);
    return status;
}

float *weir__tensor_gradients(const weir_graph *graph, size_t tensor) {
    return graph->gradients + graph->tensors[tensor].offset;
}

// ---- values --------------------------------------------------------------------------------------------------------

const float *weir__graph_values(weir_graph *graph) {
    for (size_t k = 0; k < graph->tensor_count; k++) (void)weir__matrix_values(&graph->matrices[k]);
    return graph->values;
}

float *weir__graph_edit(weir_graph *graph) {
    for (size_t k = 0; k < graph->tensor_count; k++) (void)weir__matrix_edit(&graph->matrices[k]);
    return graph->values;
}

// ---- precision -----------------------------------------------------------------------------------------------------

/// Of all weights; biases stay floats.
static weir_status use_precision(weir_graph *graph, weir_precision precision, weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t k = 0; k < graph->tensor_count && status == WEIR_OK; k++) {
        if (graph->tensors[k].role != WEIR_ROLE_WEIGHT) continue;
        status = weir__matrix_precision_use(&graph->matrices[k], precision, graph->options.training, error);
    }
    return status;
}

weir_status weir_graph_precision_use(weir_graph *graph, weir_precision precision, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(precision == WEIR_FLOAT32 || precision == WEIR_BFLOAT16, WEIR_ARGUMENT, "unknown precision %d",
             (int)precision);
    TRY(weir__shared_check_alone(graph, error));
    status = use_precision(graph, precision, error);
    if (status == WEIR_OK) {
        graph->options.precision = precision;
    } else {
        (void)use_precision(graph, graph->options.precision, NULL); // fp32, which does not fail
    }
done:
    return status;
}

weir_precision weir_graph_precision(const weir_graph *graph) { return graph->options.precision; }
