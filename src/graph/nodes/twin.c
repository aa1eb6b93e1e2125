// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The gated twin of a network, as a description. It stands here because it names kinds of nodes.

#include "../twin.h"

#include <string.h>

#include "nodes.h"

enum { added = 4, name_size = 128 }; // nodes before a gated layer

// Whether a gated layer can apply this function to its experts.
static bool is_activation(const weir__kind *kind) {
    const size_t length = strlen(kind->about.name);
    if (!kind->keeps_zero) return false;
    for (const char *choice = WEIR__ACTIVATIONS; choice; choice = strchr(choice, '|')) {
        choice += *choice == '|';
        if (!strncmp(choice, kind->about.name, length) && (choice[length] == '|' || !choice[length])) return true;
    }
    return false;
}

static bool reads(const weir__node *node, const weir__node *other) {
    for (size_t k = 0; k < node->input_count; k++)
        if (node->inputs[k] == other) return true;
    return false;
}

// Why the hidden units of a function cannot be closed, or NULL: only affine nodes may read them, through dropout or not.
static const char *why_not_read(const weir_graph *graph, const weir__node *function) {
    bool read = false;
    for (size_t k = function->index + 1; k < graph->count; k++) {
        const weir__node *node = &graph->nodes[k];
        if (!reads(node, function)) continue;
        read = true;
        if (node->kind == &weir__kind_affine) continue;
        if (node->kind != &weir__kind_dropout) return "something else than an affine node reads its hidden units";
        const char *why = why_not_read(graph, node);
        if (why) return why;
    }
    return read ? NULL : "nothing reads its hidden units";
}

// The function of a hidden layer, or NULL and why it is none.
static const weir__node *function_of(const weir_graph *graph, const weir__node *affine, size_t block, const char **why) {
    const weir__node *function = NULL;
    *why = NULL;
    if (affine->kind != &weir__kind_affine) *why = "it is no affine node";
    for (size_t k = affine->index + 1; k < graph->count && !*why; k++) {
        const weir__node *node = &graph->nodes[k];
        if (!reads(node, affine)) continue;
        if (function || !is_activation(node->kind)) *why = "what reads it is no function that a gated layer has";
        function = node;
    }
    if (!*why && !function) *why = "nothing reads it";
    if (!*why && affine->facts.gater) *why = "it belongs to a gater";
    if (!*why && affine->width <= block) *why = "it has no more units than a block";
    if (!*why) *why = why_not_read(graph, function);
    return *why ? NULL : function;
}

// Whether a name is in the list "one, two".
static bool is_listed(const char *list, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
        at += strspn(at, " ");
        if (!strncmp(at, name, length) && strcspn(at, ",") - strspn(at + length, " ") == length) return true;
    }
    return false;
}

static weir_status check_names(const weir_graph *graph, const char *list, size_t block, weir_error *error) {
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
        char name[name_size];
        const char *why = NULL;
        at += strspn(at, " ");
        size_t length = strcspn(at, ",");
        while (length && at[length - 1] == ' ') length--;
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        const weir__node *node = weir__node_named(graph, name, graph->count);
        if (!node) return weir__fail(error, WEIR_NOT_FOUND, "the network has no node '%s'", name);
        if (!function_of(graph, node, block, &why))
            return weir__fail(error, WEIR_NOT_FOUND, "the node '%s' is no hidden layer that can be gated: %s", name, why);
    }
    return WEIR_OK;
}

// ---- the description ------------------------------------------------------------------------------------------------

typedef struct description {
    weir__twin *twin;
    const weir_graph *graph;
    size_t block, narrow;
    const char *rule;
    weir_error *error;
} description;

static weir_status text(const description *d, const char **out, const char *name, const char *end) {
    char joined[2 * name_size];
    snprintf(joined, sizeof joined, "%s%s", name, end);
    *out = weir__arena_copy(&d->twin->arena, joined, strlen(joined));
    return *out ? WEIR_OK : weir__fail(d->error, WEIR_MEMORY, "out of memory for a node's description");
}

// The layer of an affine node, or of its function; SIZE_MAX: none.
static size_t layer_of(const weir__twin *twin, size_t node, bool function) {
    for (size_t l = 0; l < twin->layer_count; l++)
        if ((function ? twin->layers[l].function : twin->layers[l].affine) == node) return l;
    return SIZE_MAX;
}

// What a node of the dense network is called in the twin.
static const char *name_in_twin(const description *d, const weir__node *node) {
    const size_t l = layer_of(d->twin, node->index, true);
    return l == SIZE_MAX ? node->spec.name : d->graph->nodes[d->twin->layers[l].affine].spec.name;
}

static weir_status name_inputs(const description *d, const char **out, const weir__node *node) {
    char joined[4096] = "";
    size_t used = 0;
    *out = NULL;
    if (!node->input_count) return WEIR_OK;
    for (size_t k = 0; k < node->input_count && used < sizeof joined; k++)
        used += (size_t)snprintf(joined + used, sizeof joined - used, "%s%s", k ? ", " : "", name_in_twin(d, node->inputs[k]));
    if (used >= sizeof joined) return weir__fail(d->error, WEIR_SHAPE, "node '%s' reads too many nodes", node->spec.name);
    *out = weir__arena_copy(&d->twin->arena, joined, used);
    return *out ? WEIR_OK : weir__fail(d->error, WEIR_MEMORY, "out of memory for a node's description");
}

static size_t index_in_twin(const weir__twin *twin, const char *name) {
    size_t index = 0;
    while (strcmp(twin->nodes[index].name, name) != 0) index++; // it was added before
    return index;
}

static weir_status add_gated(const description *d, weir__twin_layer *layer, const weir__node *affine) {
    weir_status status = WEIR_OK;
    weir__twin *twin = d->twin;
    const char *name = affine->spec.name, *from = NULL, *gates = NULL;
    weir_node *to = &twin->nodes[twin->count];
    TRY(name_inputs(d, &from, affine));
    layer->blocks = (affine->width + d->block - 1) / d->block;
    layer->reads = index_in_twin(twin, from);
    layer->gater = twin->count + 2;
    layer->gates = twin->count + 3;
    to[0] = (weir_node){.kind = weir__kind_affine.about.name, .from = from, .size = d->narrow};
    to[1] = (weir_node){.kind = weir__kind_tanh.about.name};
    to[2] = (weir_node){.kind = weir__kind_affine.about.name, .size = layer->blocks};
    to[3] = (weir_node){.kind = weir__kind_unit.about.name, .rule = d->rule};
    TRY(text(d, &to[0].name, name, "-narrow"));
    TRY(text(d, &to[1].name, name, "-tanh"));
    TRY(text(d, &to[2].name, name, "-gater"));
    TRY(text(d, &gates, name, "-gates"));
    to[3].name = gates;
    to[added] = affine->spec;
    to[added].kind = weir__kind_gated_affine.about.name;
    to[added].from = from;
    to[added].gates = gates;
    to[added].block = d->block;
    to[added].activation = d->graph->nodes[layer->function].kind->about.name;
    TRY(text(d, &to[added].name, name, ""));
    twin->count += added + 1;
done:
    return status;
}

static weir_status add_node(const description *d, const weir__node *node) {
    weir_status status = WEIR_OK;
    weir_node *to = &d->twin->nodes[d->twin->count];
    *to = node->spec;
    TRY(name_inputs(d, &to->from, node));
    d->twin->count++; // texts are those of the dense network, but for these
done:
    return status;
}

// Follows the hidden units of a layer through dropout to the affine nodes that read them.
static void mark_readers(const description *d, const weir__node *from, size_t layer) {
    for (size_t k = from->index + 1; k < d->graph->count; k++) {
        const weir__node *node = &d->graph->nodes[k];
        if (!reads(node, from)) continue;
        if (node->kind == &weir__kind_affine)
            d->twin->units_of[k] = layer;
        else
            mark_readers(d, node, layer);
    }
}

static weir_status find_layers(const description *d, const char *names) {
    weir__twin *twin = d->twin;
    const weir_graph *graph = d->graph;
    weir_status status = WEIR_OK;
    weir_error *error = d->error;
    const size_t bytes = graph->count * sizeof *twin->layers;
    twin->layers = weir__arena_new(&twin->arena, bytes);
    twin->units_of = weir__arena_new(&twin->arena, graph->count * sizeof *twin->units_of);
    twin->nodes = weir__arena_new(&twin->arena, graph->count * (added + 1) * sizeof *twin->nodes);
    TRY_THAT(twin->layers && twin->units_of && twin->nodes, WEIR_MEMORY, "out of memory for a network's description");
    if (names) TRY(check_names(graph, names, d->block, error));
    for (size_t k = 0; k < graph->count; k++) {
        const char *why = NULL;
        const weir__node *affine = &graph->nodes[k], *function = function_of(graph, affine, d->block, &why);
        twin->units_of[k] = SIZE_MAX;
        if (!function || (names && !is_listed(names, affine->spec.name))) continue;
        twin->layers[twin->layer_count++] = (weir__twin_layer){.affine = k, .function = function->index};
    }
    TRY_THAT(twin->layer_count, WEIR_NOT_FOUND,
             "the network has no hidden layer that can be gated: an affine node of more than %zu units, behind it a function "
             "such as rectifier or gelu, and behind that affine nodes alone",
             d->block);
done:
    return status;
}

weir_status weir__twin_describe(weir__twin *twin, const weir_graph *dense, size_t block, size_t narrow, const char *rule,
                                const char *names, weir_error *error) {
    weir_status status = WEIR_OK;
    const description d = {twin, dense, block, narrow, rule, error};
    TRY(find_layers(&d, names));
    for (size_t k = 0; k < dense->count; k++) {
        const size_t layer = layer_of(twin, k, false);
        if (layer_of(twin, k, true) != SIZE_MAX) continue; // it is done by the gated layer
        TRY(layer == SIZE_MAX ? add_node(&d, &dense->nodes[k]) : add_gated(&d, &twin->layers[layer], &dense->nodes[k]));
    }
    for (size_t l = 0; l < twin->layer_count; l++) mark_readers(&d, &dense->nodes[twin->layers[l].function], l);
done:
    return status;
}

void weir__twin_gater(weir_node nodes[WEIR__GATER_NODES], size_t inputs, size_t narrow, size_t blocks) {
    nodes[0] = (weir_node){.name = "x", .kind = weir__kind_input.about.name, .size = inputs};
    nodes[1] = (weir_node){.name = "x-narrow", .kind = weir__kind_affine.about.name, .size = narrow};
    nodes[2] = (weir_node){.name = "x-tanh", .kind = weir__kind_tanh.about.name};
    nodes[3] = (weir_node){.name = "x-gater", .kind = weir__kind_affine.about.name, .size = blocks};
    nodes[4] = (weir_node){.name = "x-loss", .kind = weir__kind_bernoulli_cross_entropy.about.name};
}

void weir__twin_free(weir__twin *twin) {
    weir__arena_free(&twin->arena);
    *twin = (weir__twin){0};
}
