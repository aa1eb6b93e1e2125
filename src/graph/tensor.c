// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Tensors inside the flat parameter array: declaration, memory order (strips of tiles), initial values.

#include <math.h>
#include <string.h>

#include "graph.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static void each_run(const weir_tensor *t, float *to, const float *from, bool unpack) {
    size_t packed = 0;
    for (size_t r0 = 0; r0 < t->rows; r0 += t->block_rows) {
        const size_t r1 = smaller(r0 + t->block_rows, t->rows);
        for (size_t c0 = 0; c0 < t->columns; c0 += t->block_columns) {
            const size_t length = smaller(t->block_columns, t->columns - c0);
            for (size_t r = r0; r < r1; r++, packed += length) {
                const size_t plain = r * t->columns + c0;
                memcpy(to + (unpack ? plain : packed), from + (unpack ? packed : plain), length * sizeof *to);
            }
        }
    }
}

void weir_tensor_unpack(const weir_tensor *tensor, const float *packed, float *plain) {
    each_run(tensor, plain, packed, true);
}

void weir_tensor_pack(const weir_tensor *tensor, const float *plain, float *packed) {
    each_run(tensor, packed, plain, false);
}

weir_status weir__tensor_declare(weir_graph *graph, weir__node *node, const char *suffix, size_t rows, size_t columns,
                                 size_t block_rows, size_t block_columns, bool track, size_t *index,
                                 weir_error *error) {
    weir_status status = WEIR_OK;
    char *name = NULL;
    uint8_t *touched = NULL;
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
    const bool is_bias = !strcmp(suffix, "bias");
    *index = graph->tensor_count++;
    graph->touched[*index] = touched;
    graph->tensors[*index] = (weir_tensor){
        .name = name,
        .rows = rows,
        .columns = columns,
        .block_rows = block_rows,
        .block_columns = block_columns,
        .offset = graph->parameter_count,
        .node = node->index,
        .rate = node->spec.rate,
        .max_norm = is_bias ? 0 : node->spec.max_norm,
        .decays = !is_bias,
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

weir_status weir__plain_weights(weir_graph *graph, size_t tensor, const float **weights, weir_error *error) {
    const weir_tensor *t = &graph->tensors[tensor];
    const float *packed = weir__tensor_values(graph, tensor);
    if (t->block_columns >= t->columns) {
        *weights = packed;
        return WEIR_OK;
    }
    weir__buffer *plain = &graph->plain[tensor];
    if (!graph->plain_valid[tensor]) {
        const weir_status status = weir__buffer_reserve(plain, t->rows * t->columns, error);
        if (status != WEIR_OK) return status;
        weir_tensor_unpack(t, packed, plain->data);
        graph->plain_valid[tensor] = true;
    }
    *weights = plain->data;
    return WEIR_OK;
}
