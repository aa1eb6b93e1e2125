// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Row groups: units whose rule evaluates the loss at several points of each example. In training what follows such a
// layer runs on groups·rows rows, group after group, in one pass; what comes before it on the rows alone. Which nodes
// that are is decided here, once; and here the losses of the groups become those of the examples.
//
//   wide    a node with an output row per group and example: what reads such units, and they themselves
//   copied  a narrow node that a wide one reads, too: its output is repeated for every group, so that the first rows
//           are what narrow readers expect. Its gradient is narrow: the groups' gradients, weighted and added.
//
// A compact output cannot be repeated like that. Where a wide node reads one, the nodes that compute it run wide.

#include <string.h>

#include "graph.h"

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
        node->grouped = true;
        node->layer = graph->layers++;
        if (!graph->grouped) graph->grouped = node;
        if (node->layer && !((unit->rule->traits & WEIR_TRAIT_LAYERS) && graph->grouped->unit->rule == unit->rule)) {
            return fail_together(node, graph->grouped, error);
        }
    }
    for (size_t k = 0; k < graph->count; k++) {
        const weir__node *node = &graph->nodes[k];
        if (!node->grouped) continue;
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

/// Whether the node itself runs on all rows: the first grouped layer reads narrow rows and writes wide ones.
static bool runs_wide(const weir__node *node) { return node->wide && !(node->grouped && node->layer == 0); }

/// Marks what a wide node reads. False when nothing changed.
static bool mark_read(const weir__node *node, weir__node *read) {
    if (!read || read->wide || read->copied) return false;
    if (runs_wide(node)) {
        read->wide = read->compact;
        read->copied = !read->compact;
        return true;
    }
    return false;
}

static bool mark_wide(weir_graph *graph) {
    bool changed = false;
    for (size_t k = graph->count; k-- > 0;) {
        weir__node *node = &graph->nodes[k];
        const bool wide = node->grouped || (node->from && node->from->wide) || (node->gates && node->gates->wide);
        if (wide && !node->wide) {
            node->wide = changed = true;
            node->copied = false;
        }
        changed |= mark_read(node, node->from);
        changed |= mark_read(node, node->gates);
    }
    return changed;
}

static weir_status check_marks(const weir_graph *graph, weir_error *error) {
    const weir__node *first = graph->grouped;
    if (first->from->wide) {
        return weir__fail_node(error, WEIR_UNSUPPORTED, first,
                               "it reads '%s', a gated layer that is read again behind it; with a rule of several "
                               "evaluations let it read something else",
                               first->from->spec.name);
    }
    if (graph->loss && !graph->loss->wide) {
        return weir__fail_node(error, WEIR_UNSUPPORTED, first, "its output does not reach the loss");
    }
    for (size_t k = 0; k < graph->count; k++) {
        const weir__node *node = &graph->nodes[k];
        if (node->gates && node->wide &&
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

size_t weir__node_rows(const weir_graph *graph, const weir__node *node) {
    return graph->wide && node->wide ? graph->groups * graph->examples : graph->examples;
}

size_t weir__run_rows(const weir_graph *graph, const weir__node *node) {
    return graph->wide && runs_wide(node) ? graph->groups * graph->examples : graph->examples;
}

weir_status weir__groups_begin(weir_graph *graph, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    graph->examples = pass->rows;
    graph->wide = graph->groups > 1 && pass->mode == WEIR_MODE_SAMPLE;
    graph->labels = pass->labels;
    graph->targets = pass->targets;
    if (!graph->wide || !graph->loss) return WEIR_OK;
    const size_t rows = pass->rows, width = graph->loss->width;
    if (pass->labels) {
        TRY(weir__buffer_reserve(&graph->wide_labels, graph->groups * rows, error));
        int32_t *labels = (int32_t *)(void *)graph->wide_labels.data;
        for (size_t g = 0; g < graph->groups; g++) memcpy(labels + g * rows, pass->labels, rows * sizeof *labels);
        graph->labels = labels;
    }
    if (pass->targets) {
        TRY(weir__buffer_reserve(&graph->wide_targets, graph->groups * rows * width, error));
        float *targets = graph->wide_targets.data;
        for (size_t g = 0; g < graph->groups; g++) {
            memcpy(targets + g * rows * width, pass->targets, rows * width * sizeof *targets);
        }
        graph->targets = targets;
    }
    TRY(weir__buffer_reserve(&graph->merged, rows, error));
    TRY(weir__buffer_reserve(&graph->weights, graph->groups * rows, error));
done:
    return status;
}

void weir__groups_repeat(const weir_graph *graph, weir__node *node) {
    const size_t count = graph->examples * node->width;
    if (!graph->wide || !node->copied) return;
    float *values = node->values.data;
    for (size_t g = 1; g < graph->groups; g++) memcpy(values + g * count, values, count * sizeof *values);
}

void weir__groups_merge(weir_graph *graph) {
    graph->group_loss = graph->row_loss;
    graph->weighted = 1;
    if (!graph->wide || !graph->row_loss) return;
    weir__node_unit_merge(graph->grouped, graph, graph->merged.data, graph->weights.data);
    graph->row_loss = graph->merged.data;
    const float *weights = graph->weights.data;
    size_t used = graph->groups * graph->examples;
    while (used > graph->examples && weights[used - 1] == 0) used--;
    graph->weighted = (used + graph->examples - 1) / graph->examples;
}

size_t weir__groups_weigh(const weir_graph *graph, weir__side *dy, bool routed) {
    if (graph->rows == graph->examples) return graph->rows;
    const size_t rows = routed ? graph->rows : graph->weighted * graph->examples;
    const size_t pieces = dy->route ? dy->route->slots : rows;
    const float *weights = graph->weights.data;
    WEIR__FOR_PIECES(pieces * dy->block)
    for (size_t s = 0; s < pieces; s++) {
        const float weight = weights[dy->route ? (size_t)dy->route->row[s] : s];
        float *values = dy->values + s * dy->block;
        for (size_t u = 0; u < dy->block; u++) values[u] *= weight;
    }
    return rows;
}

void weir__groups_reduce(const weir_graph *graph, float *narrow, const float *gradient, size_t width, bool add) {
    const size_t examples = graph->examples;
    WEIR__FOR_PIECES(graph->weighted * examples * width)
    for (size_t r = 0; r < examples; r++) {
        float *to = narrow + r * width;
        if (!add) memset(to, 0, width * sizeof *to);
        for (size_t g = 0; g < graph->weighted; g++) {
            const float weight = graph->weights.data[g * examples + r];
            const float *from = gradient + (g * examples + r) * width;
            for (size_t u = 0; u < width; u++) to[u] += weight * from[u];
        }
    }
}

double weir__groups_penalty(const weir_graph *graph, const weir__node *node, const float *a, float *da) {
    const size_t groups = weir__run_rows(graph, node) > graph->examples ? graph->weighted : 1;
    const size_t count = graph->examples * node->width;
    double sum = 0;
    for (size_t g = 0; g < groups; g++) {
        sum += node->penalty(node->penalty_context, node->unit, graph->examples, node->width, a + g * count,
                             node->values.data + g * count, da + g * count);
    }
    return sum / (double)groups;
}
