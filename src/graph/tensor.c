// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Tensors inside the flat parameter array: declaration, memory order (strips of tiles), initial values.

#include <math.h>
#include <string.h>

#include "../kernels/bf16/bf16.h"
#include "tensor.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/// Values are of `size` bytes.
static void each_run(const weir_tensor *t, void *to, const void *from, size_t size, bool unpack) {
    size_t packed = 0;
    for (size_t r0 = 0; r0 < t->rows; r0 += t->block_rows) {
        const size_t r1 = smaller(r0 + t->block_rows, t->rows);
        for (size_t c0 = 0; c0 < t->columns; c0 += t->block_columns) {
            const size_t length = smaller(t->block_columns, t->columns - c0);
            for (size_t r = r0; r < r1; r++, packed += length) {
                const size_t plain = r * t->columns + c0;
                memcpy((char *)to + (unpack ? plain : packed) * size,
                       (const char *)from + (unpack ? packed : plain) * size, length * size);
            }
        }
    }
}

void weir_tensor_unpack(const weir_tensor *tensor, const float *packed, float *plain) {
    each_run(tensor, plain, packed, sizeof *plain, true);
}

void weir_tensor_pack(const weir_tensor *tensor, const float *plain, float *packed) {
    each_run(tensor, packed, plain, sizeof *packed, false);
}

weir_status weir__tensor_declare(weir_graph *graph, weir__node *node, weir_role role, size_t rows, size_t columns,
                                 size_t block_rows, size_t block_columns, bool track, size_t *index,
                                 weir_error *error) {
    static const char *const suffixes[] = {[WEIR_ROLE_WEIGHT] = "weight", [WEIR_ROLE_BIAS] = "bias"};
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
        .max_norm = role == WEIR_ROLE_WEIGHT ? node->spec.max_norm : 0,
        .touched = touched,
    };
    graph->parameter_count += (rows * columns + 15) / 16 * 16;
    return WEIR_OK;
done:
    weir__free(name);
    weir__free(touched);
    return status;
}

float *weir__tensor_values(const weir_graph *graph, size_t tensor) {
    return graph->values + graph->tensors[tensor].offset;
}

float *weir__tensor_gradients(const weir_graph *graph, size_t tensor) {
    return graph->gradients + graph->tensors[tensor].offset;
}

weir__weights weir__tensor_weights(const weir_graph *graph, size_t tensor) {
    const size_t offset = graph->tensors[tensor].offset;
    return (weir__weights){.values = graph->values + offset,
                           .bf16 = graph->halves.upper ? graph->halves.upper + offset : NULL};
}

weir__halves weir__tensor_halves(const weir_graph *graph, size_t tensor) {
    return weir__halves_at(&graph->halves, graph->tensors[tensor].offset);
}

weir_status weir__plain_weights(weir_graph *graph, size_t tensor, weir__weights *weights, weir_error *error) {
    const weir_tensor *t = &graph->tensors[tensor];
    *weights = weir__tensor_weights(graph, tensor);
    if (t->block_columns >= t->columns) return WEIR_OK;
    weir__buffer *plain = &graph->plain[tensor];
    if (!graph->plain_valid[tensor]) {
        const weir_status status = weir__buffer_reserve(plain, t->rows * t->columns, error);
        if (status != WEIR_OK) return status;
        if (weights->bf16) {
            each_run(t, plain->data, weights->bf16, sizeof *weights->bf16, true);
        } else {
            each_run(t, plain->data, weights->values, sizeof *weights->values, true);
        }
        graph->plain_valid[tensor] = true;
    }
    if (weights->bf16) {
        weights->bf16 = (const uint16_t *)(const void *)plain->data;
    } else {
        weights->values = plain->data;
    }
    return WEIR_OK;
}

// ---- precision -----------------------------------------------------------------------------------------------------

weir_status weir_graph_precision_use(weir_graph *graph, weir_precision precision, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(precision == WEIR_FLOAT32 || precision == WEIR_BFLOAT16, WEIR_ARGUMENT, "unknown precision %d",
             (int)precision);
    (void)weir__graph_values(graph);
    if (precision == WEIR_BFLOAT16 && !graph->halves.upper) {
        TRY(weir__halves_new(&graph->halves, graph->parameter_count, graph->options.training, "weights in bf16",
                             error));
    } else if (precision == WEIR_FLOAT32) {
        weir__halves_free(&graph->halves);
    }
    graph->options.precision = precision;
    weir__weights_changed(graph);
done:
    return status;
}

weir_precision weir_graph_precision(const weir_graph *graph) { return graph->options.precision; }

void weir__weights_changed(weir_graph *graph) {
    memset(graph->plain_valid, 0, graph->tensor_count * sizeof *graph->plain_valid);
    graph->halves_valid = false;
}

void weir__halves_refresh(weir_graph *graph) {
    if (!graph->halves.upper || graph->halves_valid) return;
    weir__bf16_split(graph->parameter_count, &graph->halves, graph->values);
    graph->halves_valid = true;
}

/// Weights only: the halves of biases are of an earlier step.
const float *weir__graph_values(weir_graph *graph) {
    for (size_t k = 0; !graph->values_valid && k < graph->tensor_count; k++) {
        const weir_tensor *t = &graph->tensors[k];
        if (t->role != WEIR_ROLE_WEIGHT) continue;
        const weir__halves own = weir__tensor_halves(graph, k);
        weir__bf16_join(t->rows * t->columns, graph->values + t->offset, &own);
    }
    graph->values_valid = true;
    return graph->values;
}
