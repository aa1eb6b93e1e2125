// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What is asked of a graph that has been built, and set in it.

#include <math.h>

#include "shared.h"
#include "tensor.h"

#include <weir/data.h>

const weir_node *weir_graph_nodes(const weir_graph *graph, size_t *count) {
    if (count) *count = graph->count;
    return graph->specs;
}

size_t weir_graph_find(const weir_graph *graph, const char *name) {
    const weir__node *node = weir__node_named(graph, name, graph->count);
    return node ? node->index : SIZE_MAX;
}

const weir_kind *weir_graph_kind(const weir_graph *graph, size_t node) {
    return node < graph->count ? &graph->nodes[node].kind->about : NULL;
}

static size_t index_of(const weir__node *node) { return node ? node->index : SIZE_MAX; }

size_t weir_graph_reads(const weir_graph *graph, size_t node, size_t k) {
    return node < graph->count && k < graph->nodes[node].input_count ? graph->nodes[node].inputs[k]->index : SIZE_MAX;
}

size_t weir_graph_gates(const weir_graph *graph, size_t node) {
    return node < graph->count ? index_of(graph->nodes[node].gates) : SIZE_MAX;
}

weir_parameters weir_graph_parameters(weir_graph *graph) {
    if (weir__shared_check_alone(graph, NULL) != WEIR_OK) return (weir_parameters){0};
    return (weir_parameters){.values = weir__graph_edit(graph),
                             .gradients = graph->gradients,
                             .count = graph->parameter_count,
                             .tensors = graph->tensors,
                             .tensor_count = graph->tensor_count};
}

weir_parameters_view weir_graph_parameters_read(weir_graph *graph) {
    return (weir_parameters_view){.values = weir__graph_values(graph),
                                  .gradients = graph->gradients,
                                  .count = graph->parameter_count,
                                  .tensors = graph->tensors,
                                  .tensor_count = graph->tensor_count};
}

static weir_status check_tensor(const weir_graph *graph, size_t tensor, weir_error *error) {
    if (tensor < graph->tensor_count) return WEIR_OK;
    return weir__fail(error, WEIR_ARGUMENT, "tensor %zu: the graph has %zu tensors", tensor, graph->tensor_count);
}

weir_status weir_graph_values_get(const weir_graph *graph, float *plain, size_t tensor, weir_error *error) {
    const weir_status status = check_tensor(graph, tensor, error);
    if (status == WEIR_OK) weir__matrix_get(&graph->matrices[tensor], plain);
    return status;
}

weir_status weir_graph_values_set(weir_graph *graph, size_t tensor, const float *plain, weir_error *error) {
    weir_status status = check_tensor(graph, tensor, error);
    if (status == WEIR_OK) status = weir__shared_check_alone(graph, error);
    if (status == WEIR_OK) weir__matrix_set(&graph->matrices[tensor], plain);
    return status;
}

weir_status weir_graph_gradients_get(const weir_graph *graph, float *plain, size_t tensor, weir_error *error) {
    weir_status status = check_tensor(graph, tensor, error);
    if (status != WEIR_OK) return status;
    if (!graph->gradients) return weir__fail(error, WEIR_ARGUMENT, "the graph was not made for training: no gradients");
    weir__tensor_unpack(&graph->tensors[tensor], plain, graph->gradients);
    return WEIR_OK;
}

const weir_unit *weir_graph_unit(const weir_graph *graph, size_t node) {
    return node < graph->count ? graph->nodes[node].unit : NULL;
}

float *weir_graph_unit_state(weir_graph *graph, size_t node, size_t *count) {
    if (count) *count = 0;
    return node < graph->count ? weir__node_state(&graph->nodes[node], count) : NULL;
}

static weir_status check_units(const weir_graph *graph, size_t node, const char *what, weir_error *error) {
    if (node >= graph->count) {
        return weir__fail(error, WEIR_ARGUMENT, "%s of node %zu: the graph has nodes 0 to %zu", what, node,
                          graph->count - 1);
    }
    if (graph->nodes[node].unit) return WEIR_OK;
    return weir__fail_node(error, WEIR_ARGUMENT, &graph->nodes[node], "has no units, so that it takes no %s", what);
}

weir_status weir_graph_threshold_set(weir_graph *graph, size_t node, float threshold, weir_error *error) {
    const weir_status status = check_units(graph, node, "threshold", error);
    if (status != WEIR_OK) return status;
    if (isnan(threshold)) {
        return weir__fail_node(error, WEIR_ARGUMENT, &graph->nodes[node], "a threshold of %g is none",
                               (double)threshold);
    }
    graph->nodes[node].threshold = threshold;
    return WEIR_OK;
}

float weir_graph_threshold(const weir_graph *graph, size_t node) {
    return node < graph->count ? graph->nodes[node].threshold : 0;
}

weir_status weir_graph_penalty_set(weir_graph *graph, size_t node, weir_penalty penalty, void *context,
                                   weir_error *error) {
    const weir_status status = check_units(graph, node, "penalty", error);
    if (status != WEIR_OK) return status;
    graph->nodes[node].penalty = penalty;
    graph->nodes[node].penalty_context = context;
    return WEIR_OK;
}

const weir_scale *weir_graph_scale(const weir_graph *graph) { return graph->scale; }

weir_status weir_graph_scale_set(weir_graph *graph, const weir_scale *scale, weir_error *error) {
    weir_scale *copy = NULL;
    const weir_status status = weir_scale_copy(&copy, scale, error);
    if (status != WEIR_OK) return status;
    weir_scale_free(graph->scale);
    graph->scale = copy;
    return WEIR_OK;
}

const weir_names *weir_graph_names(const weir_graph *graph) { return graph->names; }

weir_status weir_graph_names_set(weir_graph *graph, const weir_names *names, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_names *copy = NULL;
    const size_t columns = weir_names_count(names, WEIR_NAMED_COLUMNS), inputs = graph->nodes[0].width,
                 outputs = graph->nodes[graph->count - 1].width;
    TRY_THAT(!columns || columns == inputs, WEIR_SHAPE, "names of %zu columns, but the network reads %zu values",
             columns, inputs);
    for (weir_named list = WEIR_NAMED_CLASSES; list <= WEIR_NAMED_TARGETS; list++) {
        const size_t count = weir_names_count(names, list);
        TRY_THAT(count <= outputs, WEIR_SHAPE, "names of %zu %s, but the network has %zu outputs", count,
                 list == WEIR_NAMED_CLASSES ? "classes" : "targets", outputs);
    }
    TRY(weir_names_copy(&copy, names, error));
    weir_names_free(graph->names);
    graph->names = copy;
done:
    return status;
}

/// Whether node `reader` passes a gradient on to what it reads. Units that learn from the loss need none for it.
static bool passes_back(const weir_graph *graph, size_t reader, const bool *reached) {
    const weir__node *node = &graph->nodes[reader];
    if (node->unit && (node->unit->rule->traits & WEIR_TRAIT_USES_LOSS)) return true;
    return reached[reader] && node->kind->backward &&
           (node->unit || node->facts.wants_gradient || !node->from || weir__has_trait(node->kind, WEIR_KIND_LOSS));
}

bool weir_graph_learns(const weir_graph *graph, size_t tensor) {
    bool *reached = NULL, learns = true;
    if (tensor >= graph->tensor_count || weir__new(&reached, graph->count, sizeof *reached, "", NULL)) return false;
    reached[graph->count - 1] = true;
    for (size_t k = graph->count; k-- > 0;) {
        const weir__node *node = &graph->nodes[k];
        for (size_t i = 0; passes_back(graph, k, reached) && i < node->input_count; i++) {
            reached[node->inputs[i]->index] = true;
        }
        if (node->gates && reached[k]) reached[node->gates->index] = true;
    }
    learns = reached[graph->tensors[tensor].node];
    weir__free(reached);
    return learns;
}

weir_status weir_graph_threads_use(weir_graph *graph, int threads, weir_error *error) {
    if (threads < 0 || threads > WEIR_THREADS_MOST) {
        return weir__fail(error, WEIR_ARGUMENT, "%d threads: expected 0 (as many as the process uses) to %d", threads,
                          WEIR_THREADS_MOST);
    }
    graph->options.threads = threads;
    return WEIR_OK;
}

weir_status weir_graph_batch_invariant_use(weir_graph *graph, bool batch_invariant, weir_error *error) {
    if (batch_invariant && graph->options.training) {
        return weir__fail(error, WEIR_ARGUMENT, "rows that do not depend on their batch: not in a graph for training");
    }
    graph->options.batch_invariant = batch_invariant;
    graph->forward_done = false;
    return WEIR_OK;
}
