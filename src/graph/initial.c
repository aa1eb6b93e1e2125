// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Initial parameters: weights uniform in ±init·√(6/(fan_in + fan_out)) (Glorot and Bengio 2010), optionally only a
// few inputs of each unit non-zero (Martens 2010), biases and gains constant, rows of a table uniform with variance
// init². A pure function of the seed, in noise streams that
// no node draws from.

#include <math.h>
#include <string.h>

#include "initial.h"
#include "tensor.h"

enum { first_stream = 0x8000 }; // nodes have those below

/// Keeps `inputs` weights of a unit, chosen at random, and zeroes the others. order has room for columns.
static void thin_out(float *weights, size_t columns, size_t inputs, weir_noise noise, uint32_t *order) {
    weir_random_permutation(order, noise, columns);
    for (size_t i = inputs; i < columns; i++) weights[order[i]] = 0;
}

static void fill_weights(const weir_tensor *tensor, const weir_node *spec, uint64_t seed, uint16_t stream, float *plain,
                         uint32_t *order) {
    const double square = tensor->role == WEIR_ROLE_TABLE ? 3 : 6.0 / (double)(tensor->rows + tensor->columns);
    const float reach = (float)(spec->init * sqrt(square));
    const weir_noise noise = {.seed = seed, .stream = stream};
    for (size_t r = 0; r < tensor->rows; r++) {
        float *row = plain + r * tensor->columns;
        weir_random_uniform(row, noise, (uint32_t)r, tensor->columns);
        for (size_t c = 0; c < tensor->columns; c++) row[c] = reach * (2 * row[c] - 1);
        if (spec->init_inputs && spec->init_inputs < tensor->columns) {
            const weir_noise choice = {.seed = seed, .stream = stream, .step = (uint32_t)r, .sample = 1};
            thin_out(row, tensor->columns, spec->init_inputs, choice, order);
        }
    }
}

weir_status weir__initial_parameters(weir_graph *graph, weir_error *error) {
    weir_status status = WEIR_OK;
    float *plain = NULL;
    uint32_t *order = NULL;
    for (size_t k = 0; k < graph->tensor_count; k++) {
        const weir_tensor *tensor = &graph->tensors[k];
        const weir_node *spec = &graph->nodes[tensor->node].spec;
        if (weir__role_rank(tensor->role) == 1) {
            float *values = weir__matrix_edit(&graph->matrices[k]);
            const double initial = tensor->role == WEIR_ROLE_GAIN      ? spec->init
                                   : tensor->role == WEIR_ROLE_AVERAGE ? 0
                                                                       : spec->bias;
            for (size_t r = 0; r < tensor->rows; r++) values[r] = (float)initial;
            continue;
        }
        TRY(weir__new(&plain, tensor->rows * tensor->columns, sizeof *plain, "initial weights", error));
        TRY(weir__new(&order, tensor->columns, sizeof *order, "initial weights", error));
        fill_weights(tensor, spec, graph->options.seed, (uint16_t)(first_stream + k), plain, order);
        weir__matrix_set(&graph->matrices[k], plain);
        weir__free(plain);
        weir__free(order);
        plain = NULL;
        order = NULL;
    }
done:
    weir__free(plain);
    weir__free(order);
    return status;
}
