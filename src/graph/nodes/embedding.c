// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Embedding: what it reads are numbers of tokens, whole and below the vocabulary's size; each becomes the row of a
// table that it names. A table's row that no token of a batch names is read and written by nothing: its gradient is not
// formed, and its flag is 0, so that no optimizer moves it.

#include <string.h>

#include "nodes.h"

/// The rows of the table that the last backward pass wrote gradients of.
typedef struct touched {
    size_t *rows, count, room;
} touched;

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    const size_t dimension = node->spec.dimension, vocabulary = node->spec.vocabulary, most = (size_t)1 << 24;
    weir_status status = WEIR_OK;
    if (!dimension || !vocabulary)
        return weir__fail_node(error, WEIR_SHAPE, node, "needs a vocabulary and a dimension of at least 1");
    if (vocabulary > most)
        return weir__fail_node(error, WEIR_SHAPE, node, "a vocabulary of %zu; floats count tokens up to %zu",
                               vocabulary, most);
    if (dimension > most / node->from->width)
        return weir__fail_node(error, WEIR_SHAPE, node,
                               "%zu tokens of dimension %zu are above the limit of %zu outputs", node->from->width,
                               dimension, most);
    if (node->spec.init_inputs || node->spec.bias != 0)
        return weir__fail_node(error, WEIR_ARGUMENT, node, "this kind takes no init_inputs and no bias");
    node->width = node->block = node->from->width * dimension;
    node->facts.learns = node->facts.wants_gradient = true;
    TRY(weir__new(&node->memory.data, 1, sizeof(touched), "an embedding", error));
    TRY(weir__tensor_declare(graph, node, WEIR_ROLE_TABLE, vocabulary, dimension, 1, dimension, true, &node->weight,
                             error));
done:
    return status;
}

static void release(weir__node *node) {
    touched *t = node->memory.data;
    if (t) weir__free(t->rows);
}

static weir_status check_tokens(const weir__node *node, const weir_pass *pass, const float *tokens, weir_error *error) {
    const size_t context = node->from->width, vocabulary = node->spec.vocabulary;
    for (size_t k = 0; k < pass->rows * context; k++) {
        const float token = tokens[k];
        if (token >= 0 && token < (float)vocabulary && token == (float)(size_t)token) continue;
        return weir__fail_node(error, WEIR_DATA, node, "token %zu of row %zu is %g: expected a whole number 0 to %zu",
                               k % context, pass->first_row + k / context, (double)token, vocabulary - 1);
    }
    return WEIR_OK;
}

/// Tokens with a row of the table each: their outputs, or the gradient of these.
typedef struct tokens_task {
    const float *tokens;
    size_t count, dimension;
    float *table, *outputs;
} tokens_task;

static void look_up(const void *context, weir__range tokens) {
    const tokens_task *t = context;
    const size_t d = t->dimension;
    for (size_t k = tokens.first; k < tokens.last; k++)
        memcpy(t->outputs + k * d, t->table + (size_t)t->tokens[k] * d, d * sizeof(float));
}

/// Columns of the table's gradient. Tokens add in their order, whatever the number of threads.
static void add_up(const void *context, weir__range columns) {
    const tokens_task *t = context;
    const size_t d = t->dimension;
    for (size_t k = 0; k < t->count; k++) {
        float *to = t->table + (size_t)t->tokens[k] * d;
        const float *from = t->outputs + k * d;
        for (size_t c = columns.first; c < columns.last; c++) to[c] += from[c];
    }
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    tokens_task t = {.count = pass->rows * node->from->width, .dimension = node->spec.dimension};
    TRY(weir__output_dense(graph, node->from, &t.tokens, error));
    TRY(check_tokens(node, pass, t.tokens, error));
    TRY(weir__output_reserve(graph, node, NULL, error));
    t.table = (float *)(uintptr_t)weir__matrix_values(&graph->matrices[node->weight]); // read only
    t.outputs = node->memory.values.data;
    weir__parallel_ranges(t.count, 2 + 0.3 * (double)t.dimension, look_up, &t);
done:
    return status;
}

/// Zero gradients for the rows of the table that these tokens name, flags for them, and for no others.
static weir_status touch(weir_graph *graph, weir__node *node, const tokens_task *task, weir_error *error) {
    touched *t = node->memory.data;
    uint8_t *flags = graph->touched[node->weight];
    weir_status status = WEIR_OK;
    const size_t row = task->dimension * sizeof(float);
    for (size_t k = 0; k < t->count; k++) {
        memset(task->table + t->rows[k] * task->dimension, 0, row);
        flags[t->rows[k]] = 0;
    }
    t->count = 0;
    if (t->room < task->count) {
        weir__free(t->rows);
        t->room = 0;
        TRY(weir__new(&t->rows, task->count, sizeof *t->rows, "an embedding", error));
        t->room = task->count;
    }
    for (size_t k = 0; k < task->count; k++) {
        const size_t token = (size_t)task->tokens[k];
        if (!flags[token]) t->rows[t->count++] = token;
        flags[token] = 1;
    }
done:
    return status;
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    tokens_task t = {.count = pass->rows * node->from->width,
                     .dimension = node->spec.dimension,
                     .outputs = node->memory.gradient.data};
    if (!node->pass.gradient_written) return WEIR_OK;
    t.table = weir__tensor_gradients(graph, node->weight);
    TRY(weir__output_dense(graph, node->from, &t.tokens, error));
    TRY(touch(graph, node, &t, error));
    weir__parallel_ranges(t.dimension, 0.5 * (double)t.count, add_up, &t);
    if (graph->moving) TRY(weir__affine_move_alone(graph, node, error));
    node->pass.moved = graph->moving != NULL;
done:
    return status;
}

const weir__kind weir__kind_embedding = {
    .about = {.name = "embedding",
              .summary =
                  "a row of a table for each of the token numbers that it reads; rows that a batch does not name "
                  "are neither read nor moved",
              .equation = "y = (table[x1], table[x2], ...)"},
    .fields = WEIR__FIELD_VOCABULARY | WEIR__FIELD_PARAMETERS,
    .build = build,
    .forward = forward,
    .backward = backward,
    .move = weir__affine_move_alone,
    .release = release,
};
