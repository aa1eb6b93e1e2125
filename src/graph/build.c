// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Building a graph from the descriptions of its nodes, and taking it apart.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/data.h>

#include "../kernels/bf16/bf16.h"
#include "fields.h"
#include "groups.h"
#include "initial.h"
#include "inputs.h"
#include "kinds.h"
#include "nodes/custom.h"
#include "run.h"
#include "shared.h"
#include "tensor.h"

enum { most_nodes = 4096, tensors_per_node = 3 };
static const size_t most_width = (size_t)1 << 24;

weir_graph_options weir_graph_options_default(size_t max_rows) {
    return (weir_graph_options){.max_rows = max_rows, .seed = 1, .training = true, .precision = WEIR_FLOAT32};
}

static weir_status copy_text(const char **to, const char *text, weir_error *error) {
    *to = weir__copy_string(text);
    return *to ? WEIR_OK : weir__fail(error, WEIR_MEMORY, "out of memory for a node's description");
}

static bool is_said(const char *text) { return text && *text; }

/// The lowest of the bits that are set.
static unsigned lowest(unsigned bits) { return bits & ~(bits - 1); }

/// What a description says in fields that its kind does not take is an error; so is a value outside its range.
static weir_status check_fields(const weir__node *node, const weir_node *spec, weir_error *error) {
    weir_error why = {0};
    char names[WEIR_ERROR_TEXT];
    if (spec->size > most_width) {
        return weir__fail_node(error, WEIR_SHAPE, node, "size %zu is above the limit of %zu", spec->size, most_width);
    }
    if (weir__node_check(spec, &why) != WEIR_OK) return weir__fail_node(error, why.status, node, "%s", why.text);
    const unsigned extra = weir__node_said(spec) & ~node->kind->fields;
    if (!extra) return WEIR_OK;
    return weir__fail_node(error, WEIR_ARGUMENT, node, "this kind takes no %s",
                           weir__node_field_names(lowest(extra), names, sizeof names));
}

static weir_status fail_kind(const weir__node *node, weir_error *error) {
    const char *names[64];
    size_t count = 0;
    while (count < 64 && weir_kind_at(count)) {
        names[count] = weir_kind_at(count)->name;
        count++;
    }
    return weir__fail_node(error, WEIR_NOT_FOUND, node, "unknown kind '%s'%s", node->spec.kind,
                           weir_suggest(node->spec.kind, names, count).text);
}

static void inherit_facts(weir__node *node) {
    for (size_t k = 0; k < node->input_count; k++) {
        node->facts.learns |= node->inputs[k]->facts.learns;
        node->facts.wants_gradient |= node->inputs[k]->facts.wants_gradient;
    }
    node->facts.learns |= node->gates && node->gates->facts.learns;
    node->facts.wants_gradient |= node->gates && node->gates->facts.wants_gradient;
}

/// Everything about a node that does not depend on its kind, then its kind's own build.
static weir_status build_node(weir_graph *graph, size_t index, const weir_node *spec, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__node *node = &graph->nodes[index];
    char name[64];
    node->index = index;
    node->weight = node->bias = SIZE_MAX;
    node->products = 1;
    TRY_THAT(is_said(spec->kind), WEIR_ARGUMENT, "node %zu: has no kind", index + 1);
    node->kind = weir__kind_find(graph, spec->kind);
    TRY(weir__node_copy(&node->spec, spec, node->kind ? node->kind->fields : 0, error));
    snprintf(name, sizeof name, "%s%zu", spec->kind, index + 1);
    if (!node->spec.name) TRY(copy_text(&node->spec.name, name, error));
    if (strchr(node->spec.name, ',')) {
        return weir__fail_node(error, WEIR_ARGUMENT, node, "a name has no comma: it stands between names of a list");
    }
    if (weir__node_named(graph, node->spec.name, index)) {
        return weir__fail_node(error, WEIR_ARGUMENT, node, "another node has the same name");
    }
    if (!node->kind) return fail_kind(node, error);
    TRY(check_fields(node, spec, error));
    TRY(weir__inputs_find(graph, node, spec, error));
    if ((node->kind->fields & WEIR__FIELD_SIZE) && !spec->size) {
        return weir__fail_node(error, WEIR_SHAPE, node, "needs a size of at least 1");
    }
    inherit_facts(node);
    if (weir__has_trait(node->kind, WEIR_KIND_INPUT) && graph->options.training) {
        node->facts.learns = node->facts.wants_gradient = graph->options.input_gradients;
    }
    TRY(node->kind->build(graph, node, error));
    if (spec->size && spec->size != node->width) {
        return weir__fail_node(error, WEIR_SHAPE, node, "size %zu: it has the %zu of the node it reads", spec->size,
                               node->width);
    }
    node->spec.size = node->width;
    if (weir__has_trait(node->kind, WEIR_KIND_LOSS)) graph->loss = node;
done:
    return status;
}

/// Marks what only gates need: everything that the last node does not reach without going through "gates".
static void mark_gaters(weir_graph *graph) {
    for (size_t k = 0; k < graph->count; k++) graph->nodes[k].facts.gater = k < graph->count - 1;
    for (size_t k = graph->count; k-- > 0;) {
        const weir__node *node = &graph->nodes[k];
        for (size_t i = 0; i < node->input_count && !node->facts.gater; i++) node->inputs[i]->facts.gater = false;
    }
}

/// A gated layer that wants ∂L/∂output of all closed pairs keeps it dense, unless a reader writes compact gradients
/// (another gated layer): then it evaluates closed pairs in slots, unless it needs all of it to choose them. Elementwise
/// nodes do as what they read.
static void place_gradients(weir_graph *graph) {
    for (size_t k = graph->count; k-- > 0;) {
        const weir__node *node = &graph->nodes[k];
        if (node->facts.compact && node->from->facts.compact && !node->facts.gradient_dense &&
            !node->from->facts.needs_dense)
            node->from->facts.gradient_dense = false;
    }
}

static weir_status check_request(const weir_node *nodes, size_t count, const weir_graph_options *options,
                                 weir_error *error) {
    if (!nodes || count < 2 || count > most_nodes) {
        return weir__fail(error, WEIR_ARGUMENT, "a network has 2 to %d nodes, not %zu", most_nodes, count);
    }
    if (options->max_rows < 1 || options->max_rows > 1 << 20) {
        return weir__fail(error, WEIR_ARGUMENT, "max_rows = %zu: expected 1 to %d", options->max_rows, 1 << 20);
    }
    for (size_t i = 0; i < options->rule_count; i++) {
        const weir_status status = weir_rule_check(options->rules[i], error);
        if (status != WEIR_OK) return status;
    }
    return WEIR_OK;
}

/// A copy of the caller's array of rules: contexts of the graph name them, too.
static weir_status take_rules(weir_graph *graph, weir_error *error) {
    const size_t count = graph->options.rule_count;
    if (!count) return WEIR_OK;
    const weir_status status = weir__new(&graph->rules, count, sizeof(weir_rule *), "rules", error);
    if (status == WEIR_OK) memcpy(graph->rules, graph->options.rules, count * sizeof(weir_rule *));
    graph->options.rules = graph->rules;
    return status;
}

/// The nodes, and what is known of them together; no parameters yet.
static weir_status build_nodes(weir_graph *graph, const weir_node *nodes, size_t count, weir_error *error) {
    weir_status status = WEIR_OK;
    graph->tensor_capacity = count * tensors_per_node;
    TRY(weir__new(&graph->nodes, count, sizeof *graph->nodes, "nodes", error));
    TRY(weir__new(&graph->specs, count, sizeof *graph->specs, "nodes", error));
    TRY(weir__new(&graph->tensors, graph->tensor_capacity, sizeof *graph->tensors, "tensors", error));
    TRY(weir__new(&graph->touched, graph->tensor_capacity, sizeof *graph->touched, "tensors", error));
    for (size_t k = 0; k < count; k++) {
        graph->count++; // also after a failure: its name belongs to the graph already, if any
        if (graph->loss) return weir__fail_node(error, WEIR_ARGUMENT, graph->loss, "a loss must be the last node");
        TRY(build_node(graph, k, &nodes[k], error));
        graph->specs[k] = graph->nodes[k].spec;
    }
    mark_gaters(graph);
    place_gradients(graph);
    TRY(weir__groups_plan(graph, error));
done:
    return status;
}

static weir_status make_parameters(weir_graph *graph, bool drawn, weir_error *error) {
    const weir_precision precision = graph->options.precision;
    weir_status status = WEIR_OK;
    TRY(weir__shared_new(graph, error));
    if (graph->options.training) {
        TRY(weir__new(&graph->gradients, graph->parameter_count, sizeof *graph->gradients, "gradients", error));
    }
    if (drawn) TRY(weir__initial_parameters(graph, error));
    graph->options.precision = WEIR_FLOAT32;
    TRY(weir_graph_precision_use(graph, precision, error));
done:
    return status;
}

/// A graph with parameters of its own, drawn or 0, or with those of another graph.
static weir_status create(weir_graph **out, const weir_node *nodes, size_t count, const weir_graph_options *options,
                          weir_graph *other, bool drawn, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_graph *graph = NULL;
    *out = NULL;
    TRY(check_request(nodes, count, options, error));
    TRY(weir__new(&graph, 1, sizeof *graph, "a graph", error));
    graph->options = *options;
    graph->mean_loss = NAN;
    TRY(weir__customs_take(graph, error));
    TRY(take_rules(graph, error));
    TRY(build_nodes(graph, nodes, count, error));
    if (other) {
        weir__shared_join(graph, other);
    } else {
        TRY(make_parameters(graph, drawn, error));
    }
    TRY(weir_graph_threads_use(graph, options->threads, error));
    TRY(weir_graph_batch_invariant_use(graph, options->batch_invariant, error));
    *out = graph;
    graph = NULL;
done:
    weir_graph_free(graph);
    return status;
}

weir_status weir_graph_create(weir_graph **graph, const weir_node *nodes, size_t count,
                              const weir_graph_options *options, weir_error *error) {
    return create(graph, nodes, count, options, NULL, true, error);
}

weir_status weir__graph_create_zero(weir_graph **graph, const weir_node *nodes, size_t count,
                                    const weir_graph_options *options, weir_error *error) {
    return create(graph, nodes, count, options, NULL, false, error);
}

/// What belongs to a graph and not to its parameters, but decides what a finished network gives.
static weir_status copy_settings(weir_graph *context, const weir_graph *model, weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t k = 0; k < model->count; k++) {
        size_t count = 0;
        const float *state = weir__node_state(&model->nodes[k], &count);
        context->nodes[k].threshold = model->nodes[k].threshold;
        if (state) memcpy(weir__node_state(&context->nodes[k], NULL), state, count * sizeof *state);
    }
    if (model->scale) TRY(weir_graph_scale_set(context, model->scale, error));
    if (model->names) TRY(weir_graph_names_set(context, model->names, error));
done:
    return status;
}

weir_status weir_graph_share(weir_graph **context, weir_graph *model, size_t max_rows, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_graph *made = NULL;
    weir_custom_kind *kinds = NULL;
    weir_graph_options options = model->options;
    options.max_rows = max_rows;
    options.training = false;
    *context = NULL;
    TRY(weir__new(&kinds, model->custom_count, sizeof *kinds, "kinds of nodes", error));
    for (size_t k = 0; k < model->custom_count; k++) kinds[k] = model->customs[k].own;
    options.kinds = kinds;
    options.kind_count = model->custom_count;
    TRY(create(&made, model->specs, model->count, &options, model, false, error));
    TRY(copy_settings(made, model, error));
    TRY(weir__graph_reserve_row(made, error));
    *context = made;
    made = NULL;
done:
    weir_graph_free(made);
    weir__free(kinds);
    return status;
}

void weir_graph_free(weir_graph *graph) {
    if (!graph) return;
    for (size_t k = 0; k < graph->count; k++) {
        weir__node *node = &graph->nodes[k];
        if (node->kind && node->kind->release) node->kind->release(node);
        weir__free(node->memory.data);
        weir__buffer_free(&node->memory.values);
        weir__buffer_free(&node->memory.gradient);
        weir__buffer_free(&node->memory.dense);
        weir__buffer_free(&node->memory.rows);
        weir__buffer_free(&node->memory.state);
        weir__free(node->inputs);
        weir__fields_free(&weir__node_fields, &node->spec);
    }
    for (size_t k = 0; k < graph->tensor_count; k++) {
        weir__free((void *)(uintptr_t)graph->tensors[k].name);
        weir__free(graph->touched[k]);
    }
    weir_scale_free(graph->scale);
    weir_names_free(graph->names);
    weir__scratch_free(&graph->scratch);
    weir__buffer_free(&graph->gradient_scratch);
    weir__buffer_free(&graph->row_losses);
    weir__buffer_free(&graph->wide_labels);
    weir__buffer_free(&graph->wide_targets);
    weir__buffer_free(&graph->merged);
    weir__buffer_free(&graph->weights);
    weir__shared_leave(graph);
    weir__free(graph->gradients);
    weir__free(graph->tensors);
    weir__free(graph->touched);
    weir__free(graph->specs);
    weir__free(graph->customs);
    weir__free(graph->rules);
    weir__free(graph->nodes);
    weir__free(graph);
}
