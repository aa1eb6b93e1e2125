// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Row groups, the plan: units whose rule evaluates the loss at several points of each example. In training what follows
// such a layer runs on groups·rows rows, group after group, in one pass; what comes before it on the rows alone. Which
// nodes that are is decided here, once.
//
//   wide    a node with an output row per group and example: what reads such units, and they themselves
//   copied  a narrow node that a wide one reads, too: its output is repeated for every group, so that the first rows
//           are what narrow readers expect. Its gradient is narrow: the groups' gradients, weighted and added.
//
// A compact output cannot be repeated like that. Where a wide node reads one, the nodes that compute it run wide.

#include "groups.h"

static const size_t most_rows = (size_t)1 << 24;

static weir_status fail_together(const weir__node *node, const weir__node *first, weir_error *error) {
    return weir__fail_node(error, WEIR_UNSUPPORTED, node,
                           "its rule '%s' and '%s' of node '%s' evaluate the loss several times per example; only "
                           "layers of one rule that shares its evaluations (disarm, muprop) can be combined",
                           node->unit->rule->name, first->unit->rule->name, first->spec.name);
}

static weir_status find_layers(weir_graph *graph, weir_error *error) {
    for (size_t k = 0; k < graph->count; k++) {
        weir__node *node = &graph->nodes[k];
        const weir_unit *unit = node->unit;
        if (!unit || !unit->rule->groups) continue;
        node->facts.grouped = true;
        node->facts.layer = graph->layers++;
        if (!graph->grouped) graph->grouped = node;
        if (node->facts.layer &&
            !((unit->rule->traits & WEIR_TRAIT_LAYERS) && graph->grouped->unit->rule == unit->rule)) {
            return fail_together(node, graph->grouped, error);
        }
    }
    for (size_t k = 0; k < graph->count; k++) {
        const weir__node *node = &graph->nodes[k];
        if (!node->facts.grouped) continue;
        const size_t groups = weir_unit_groups(node->unit, node->width, graph->layers);
        if (!groups || groups > most_rows / graph->options.max_rows) {
            return weir__fail_node(error, WEIR_UNSUPPORTED, node,
                                   "%s evaluates the loss too often for %zu units and batches of %zu rows",
                                   node->unit->rule->name, node->width, graph->options.max_rows);
        }
        if (graph->grouped != node && groups != graph->groups) return fail_together(node, graph->grouped, error);
        graph->groups = groups;
    }
    return WEIR_OK;
}

/// Marks what a wide node reads. False when nothing changed.
static bool mark_read(const weir__node *node, weir__node *read) {
    if (!read || read->facts.wide || read->facts.copied) return false;
    if (weir__runs_wide(node)) {
        read->facts.wide = read->facts.compact;
        read->facts.copied = !read->facts.compact;
        return true;
    }
    return false;
}

/// Whether it has an output per row group: it draws them, or reads what has.
static bool is_wide(const weir__node *node) {
    bool wide = node->facts.grouped || (node->gates && node->gates->facts.wide);
    for (size_t i = 0; i < node->input_count; i++) wide |= node->inputs[i]->facts.wide;
    return wide;
}

static bool mark_wide(weir_graph *graph) {
    bool changed = false;
    for (size_t k = graph->count; k-- > 0;) {
        weir__node *node = &graph->nodes[k];
        if (is_wide(node) && !node->facts.wide) {
            node->facts.wide = changed = true;
            node->facts.copied = false;
        }
        for (size_t i = 0; i < node->input_count; i++) changed |= mark_read(node, node->inputs[i]);
        changed |= mark_read(node, node->gates);
    }
    return changed;
}

static weir_status check_marks(const weir_graph *graph, weir_error *error) {
    const weir__node *first = graph->grouped;
    if (first->from->facts.wide) {
        return weir__fail_node(error, WEIR_UNSUPPORTED, first,
                               "it reads '%s', a gated layer that is read again behind it; with a rule of several "
                               "evaluations let it read something else",
                               first->from->spec.name);
    }
    if (graph->loss && !graph->loss->facts.wide) {
        return weir__fail_node(error, WEIR_UNSUPPORTED, first, "its output does not reach the loss");
    }
    for (size_t k = 0; k < graph->count; k++) {
        const weir__node *node = &graph->nodes[k];
        if (node->gates && node->facts.wide &&
            graph->options.max_rows * graph->groups > (size_t)INT32_MAX / 2 / node->gates->width) {
            return weir__fail_node(error, WEIR_SHAPE, node, "%zu rows x %zu evaluations x %zu gates are too many",
                                   graph->options.max_rows, graph->groups, node->gates->width);
        }
    }
    return WEIR_OK;
}

weir_status weir__groups_plan(weir_graph *graph, weir_error *error) {
    graph->groups = 1;
    if (!graph->options.training) return WEIR_OK;
    const weir_status status = find_layers(graph, error);
    if (status != WEIR_OK || !graph->grouped) return status;
    while (mark_wide(graph)) continue;
    return check_marks(graph, error);
}
