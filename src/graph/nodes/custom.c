// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Kinds of one's own (weir/kind.h): a row for the table of kinds whose functions call those of a weir_custom_kind, with
// everything dense.

#include <string.h>

#include "custom.h"
#include "nodes.h"

typedef struct custom_data {
    void *memory;
    size_t *sizes;           // of the inputs
    const float **inputs;    // of the call at hand
    float **gradients;       // likewise; NULL: not wanted
    weir__buffer *scattered; // [input_count] where gradients go first, when there are several inputs
    weir__buffer losses;
    size_t input_count;
} custom_data;

static const weir_custom_kind *own_kind(const weir__node *node) {
    return &((const weir__custom *)(const void *)node->kind)->own;
}

static weir_status fail_own(weir_status status, const weir__node *node, const weir_error *found, weir_error *error) {
    return weir__fail_node(error, status, node, "%s", *found->text ? found->text : weir_status_text(status));
}

static weir_status declare(weir_graph *graph, weir__node *node, const weir_node_shape *shape, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t rows = shape->weight_rows, columns = shape->weight_columns, biases = shape->biases;
    if (rows && columns) {
        TRY(weir__tensor_declare(graph, node, WEIR_ROLE_WEIGHT, rows, columns, rows, columns, false, &node->weight,
                                 error));
    }
    if (biases) {
        TRY(weir__tensor_declare(graph, node, WEIR_ROLE_BIAS, biases, 1, biases, 1, false, &node->bias, error));
    }
    node->facts.learns |= (rows && columns) || biases;
    node->facts.wants_gradient = node->facts.learns && own_kind(node)->backward;
done:
    return status;
}

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    weir_status status = WEIR_OK;
    custom_data *data = NULL;
    weir_error found = {0};
    const weir_custom_kind *own = own_kind(node);
    const size_t count = node->input_count;
    TRY(weir__new(&data, 1, sizeof *data, "a node", error));
    node->memory.data = data;
    data->input_count = count;
    TRY(weir__new(&data->sizes, count, sizeof *data->sizes, "a node", error));
    TRY(weir__new(&data->inputs, count, sizeof *data->inputs, "a node", error));
    TRY(weir__new(&data->gradients, count, sizeof *data->gradients, "a node", error));
    TRY(weir__new(&data->scattered, count, sizeof *data->scattered, "a node", error));
    if (own->memory) TRY(weir__new((char **)&data->memory, own->memory, 1, "a node", error));
    for (size_t k = 0; k < count; k++) data->sizes[k] = node->inputs[k]->width;
    weir_node_shape shape = {.node = &node->spec,
                             .input_count = count,
                             .input_sizes = data->sizes,
                             .size = node->spec.size ? node->spec.size : data->sizes[0]};
    if (own->shape && (status = own->shape(own->context, &shape, &found)) != WEIR_OK) {
        return fail_own(status, node, &found, error);
    }
    if (!shape.size) return weir__fail_node(error, WEIR_SHAPE, node, "needs a size of at least 1");
    node->width = node->block = shape.size;
    TRY(declare(graph, node, &shape, error));
done:
    return status;
}

static void release(weir__node *node) {
    custom_data *data = node->memory.data;
    if (!data) return;
    for (size_t k = 0; data->scattered && k < data->input_count; k++) weir__buffer_free(&data->scattered[k]);
    weir__buffer_free(&data->losses);
    weir__free(data->scattered);
    weir__free(data->gradients);
    weir__free((void *)data->inputs);
    weir__free(data->sizes);
    weir__free(data->memory);
}

/// The call with all that forward and backward have in common.
static weir_status begin(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_node_call *call,
                         weir_error *error) {
    weir_status status = WEIR_OK;
    const custom_data *data = node->memory.data;
    const weir_takes takes = node->kind->about.takes;
    for (size_t k = 0; k < node->input_count; k++) {
        TRY(weir__output_dense(graph, node->inputs[k], &data->inputs[k], error));
    }
    *call = (weir_node_call){.context = own_kind(node)->context,
                             .memory = data->memory,
                             .node = &node->spec,
                             .mode = pass->mode,
                             .noise = weir__node_noise(node, pass, 0),
                             .rows = pass->rows,
                             .size = node->width,
                             .input_count = node->input_count,
                             .input_sizes = data->sizes,
                             .inputs = data->inputs,
                             .outputs = node->memory.values.data,
                             .labels = takes == WEIR_TAKES_LABELS ? pass->labels : NULL,
                             .targets = takes == WEIR_TAKES_TARGETS ? pass->targets : NULL,
                             .row_weight = 1 / (float)graph->examples};
    if (node->weight != SIZE_MAX) call->weights = weir__matrix_values(&graph->matrices[node->weight]);
    if (node->bias != SIZE_MAX) call->biases = weir__matrix_values(&graph->matrices[node->bias]);
done:
    return status;
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    custom_data *data = node->memory.data;
    weir_node_call call;
    weir_error found = {0};
    TRY(weir__output_reserve(graph, node, NULL, error));
    TRY(begin(graph, node, pass, &call, error));
    if (call.labels) TRY(weir__check_labels(node, pass, error));
    if (call.labels || call.targets) {
        TRY(weir__buffer_reserve(&data->losses, pass->rows, error));
        call.loss = data->losses.data;
    }
    status = own_kind(node)->forward(&call, &found);
    if (status != WEIR_OK) return fail_own(status, node, &found, error);
    if (weir__has_trait(node->kind, WEIR_KIND_LOSS)) graph->row_loss = call.loss;
done:
    return status;
}

/// Where the gradients of the inputs go: of one input straight to it, of several first to a place of this node.
static weir_status open_gradients(weir_graph *graph, weir__node *node, size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    const custom_data *data = node->memory.data;
    for (size_t k = 0; k < node->input_count; k++) {
        data->gradients[k] = NULL;
        if (!node->inputs[k]->facts.wants_gradient) continue;
        if (node->input_count == 1) {
            TRY(weir__gradient_open(graph, node->from, rows, true, &data->gradients[0], error));
        } else {
            TRY(weir__buffer_reserve(&data->scattered[k], rows * data->sizes[k], error));
            data->gradients[k] = data->scattered[k].data;
        }
    }
done:
    return status;
}

static weir_status close_gradients(weir_graph *graph, weir__node *node, size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    const custom_data *data = node->memory.data;
    for (size_t k = 0; k < node->input_count; k++) {
        float *to = data->gradients[k];
        if (!to) continue;
        if (node->input_count > 1) {
            TRY(weir__gradient_open(graph, node->inputs[k], rows, true, &to, error));
            memcpy(to, data->gradients[k], rows * data->sizes[k] * sizeof *to);
        }
        weir__gradient_close(graph, node->inputs[k], rows, true, to);
    }
done:
    return status;
}

/// Gradients of the parameters, of the rows weighted as they count in the loss.
static weir_status parameters_backward(weir_graph *graph, weir__node *node, weir_node_call *call, weir_error *error) {
    weir__side dy = weir__output_side(node);
    weir_error found = {0};
    dy.values = node->memory.gradient.data;
    call->rows = weir__groups_weigh(graph, call->rows, &dy, false);
    if (node->weight != SIZE_MAX) call->weight_gradients = weir__tensor_gradients(graph, node->weight);
    if (node->bias != SIZE_MAX) call->bias_gradients = weir__tensor_gradients(graph, node->bias);
    for (size_t k = 0; k < node->input_count; k++) ((custom_data *)node->memory.data)->gradients[k] = NULL;
    const weir_status status = own_kind(node)->backward(call, &found);
    if (status != WEIR_OK) return fail_own(status, node, &found, error);
    node->pass.moved = graph->moving != NULL;
    return graph->moving ? node->kind->move(graph, node, error) : WEIR_OK;
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    const bool is_loss = weir__has_trait(node->kind, WEIR_KIND_LOSS);
    const custom_data *data = node->memory.data;
    weir_node_call call;
    weir_error found = {0};
    if (!is_loss && !node->pass.gradient_written) return WEIR_OK;
    TRY(begin(graph, node, pass, &call, error));
    call.output_gradients = is_loss ? NULL : node->memory.gradient.data;
    TRY(open_gradients(graph, node, pass->rows, error));
    call.input_gradients = data->gradients;
    status = own_kind(node)->backward(&call, &found);
    if (status != WEIR_OK) return fail_own(status, node, &found, error);
    TRY(close_gradients(graph, node, pass->rows, error));
    if (node->weight != SIZE_MAX || node->bias != SIZE_MAX) TRY(parameters_backward(graph, node, &call, error));
done:
    return status;
}

weir_status weir__custom_init(weir__custom *custom, const weir_custom_kind *own, weir_error *error) {
    const unsigned known = WEIR_KIND_LOSS | WEIR_KIND_LIKELIHOOD | WEIR_KIND_WEIGHTS | WEIR_KIND_SEVERAL;
    const bool is_loss = own->about.traits & WEIR_KIND_LOSS, has_weights = own->about.traits & WEIR_KIND_WEIGHTS;
    weir_status status = WEIR_OK;
    TRY_THAT(own->about.name && *own->about.name, WEIR_ARGUMENT, "a kind of one's own has no name");
    TRY_THAT(own->forward, WEIR_ARGUMENT, "the kind '%s' has no function forward", own->about.name);
    TRY_THAT(!(own->about.traits & ~known), WEIR_ARGUMENT,
             "the kind '%s' has traits other than WEIR_KIND_LOSS, LIKELIHOOD, WEIGHTS and SEVERAL", own->about.name);
    TRY_THAT(is_loss == (own->about.takes != WEIR_TAKES_NOTHING) && !(is_loss && has_weights), WEIR_ARGUMENT,
             "the kind '%s': a loss, and nothing else, takes labels or targets, and it has no parameters",
             own->about.name);
    custom->own = *own;
    custom->kind = (weir__kind){
        .about = own->about,
        .fields = has_weights ? WEIR__FIELD_PARAMETERS : 0,
        .build = build,
        .forward = forward,
        .backward = own->backward ? backward : NULL,
        .move = has_weights ? weir__affine_move_alone : NULL,
        .release = release,
    };
done:
    return status;
}
