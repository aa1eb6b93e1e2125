// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Which nodes a node reads: "from", one name or several with commas between them, and "gates".

#include <string.h>

#include "inputs.h"

static const char blank[] = " \t\r\n";

static bool is_said(const char *text) { return text && *text; }

/// The next name of a list, without the blanks around it; advances the list. False at its end.
static bool next_name(const char **list, const char **name, size_t *length) {
    if (!*list) return false;
    *name = *list + strspn(*list, blank);
    *length = strcspn(*name, ",");
    *list = (*name)[*length] ? *name + *length + 1 : NULL;
    while (*length && strchr(blank, (*name)[*length - 1])) --*length;
    return true;
}

static size_t count_names(const char *list) {
    const char *name = NULL;
    size_t count = 0, length = 0;
    while (next_name(&list, &name, &length)) count++;
    return count;
}

/// The description's own form of the list: "one, two".
static weir_status complete_from(weir__node *node, weir_error *error) {
    size_t room = 1;
    char *text = NULL;
    for (size_t k = 0; k < node->input_count; k++) room += strlen(node->inputs[k]->spec.name) + 2;
    const weir_status status = weir__new(&text, room, 1, "a node's description", error);
    if (status != WEIR_OK) return status;
    for (size_t k = 0; k < node->input_count; k++) {
        if (k) strcat(text, ", ");
        strcat(text, node->inputs[k]->spec.name);
    }
    weir__free((void *)(uintptr_t)node->spec.from);
    node->spec.from = text;
    return WEIR_OK;
}

static weir_status find_one(weir_graph *graph, weir__node *node, const char *name, size_t length, weir_error *error) {
    char copy[256];
    snprintf(copy, sizeof copy, "%.*s", (int)(length < sizeof copy ? length : sizeof copy - 1), name);
    weir__node *read = length < sizeof copy ? weir__node_named(graph, copy, node->index) : NULL;
    if (!read) {
        return weir__fail_node(error, WEIR_NOT_FOUND, node, "reads '%s', but no node before it has that name", copy);
    }
    if (weir__has_trait(read->kind, WEIR_KIND_LOSS)) {
        return weir__fail_node(error, WEIR_ARGUMENT, node, "a loss must be the last node");
    }
    node->inputs[node->input_count++] = read;
    return WEIR_OK;
}

static weir_status find_from(weir_graph *graph, weir__node *node, const char *list, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *name = NULL;
    size_t length = 0;
    const size_t count = count_names(list);
    if (count > 1 && !weir__has_trait(node->kind, WEIR_KIND_SEVERAL)) {
        return weir__fail_node(error, WEIR_ARGUMENT, node, "reads one node, not %zu: '%s'", count, list);
    }
    TRY(weir__new(&node->inputs, count, sizeof *node->inputs, "a node's inputs", error));
    while (next_name(&list, &name, &length)) TRY(find_one(graph, node, name, length, error));
    node->from = node->inputs[0];
    TRY(complete_from(node, error));
done:
    return status;
}

static weir_status find_gates(weir_graph *graph, weir__node *node, const char *name, weir_error *error) {
    node->gates = weir__node_named(graph, name, node->index);
    if (node->gates) return WEIR_OK;
    return weir__fail_node(error, WEIR_NOT_FOUND, node, "gates '%s': no node before it has that name", name);
}

weir_status weir__inputs_find(weir_graph *graph, weir__node *node, const weir_node *spec, weir_error *error) {
    if (weir__has_trait(node->kind, WEIR_KIND_INPUT)) {
        if (is_said(spec->from)) return weir__fail_node(error, WEIR_ARGUMENT, node, "an input reads no other node");
        if (node->index) return weir__fail_node(error, WEIR_ARGUMENT, node, "the input must be the first node");
        return WEIR_OK;
    }
    if (!node->index) return weir__fail_node(error, WEIR_ARGUMENT, node, "the first node must be of kind 'input'");
    const char *from = is_said(spec->from) ? spec->from : graph->nodes[node->index - 1].spec.name;
    const weir_status status = find_from(graph, node, from, error);
    if (status != WEIR_OK || !is_said(spec->gates)) return status;
    return find_gates(graph, node, spec->gates, error);
}
