// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Row groups in a pass: labels and targets of all groups before it, copies of narrow outputs, the losses of the groups
// as those of the examples, and gradients weighted by what each group counts in the loss. plan.c says which nodes run
// on them.

#include <string.h>

#include "../kernels/side.h"
#include "groups.h"

size_t weir__node_rows(const weir_graph *graph, const weir__node *node) {
    return graph->wide && node->facts.wide ? graph->groups * graph->examples : graph->examples;
}

size_t weir__run_rows(const weir_graph *graph, const weir__node *node) {
    return graph->wide && weir__runs_wide(node) ? graph->groups * graph->examples : graph->examples;
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
    if (!graph->wide || !node->facts.copied) return;
    float *values = node->memory.values.data;
    for (size_t g = 1; g < graph->groups; g++) memcpy(values + g * count, values, count * sizeof *values);
}

void weir__groups_merge(weir_graph *graph) {
    graph->group_loss = graph->row_loss;
    graph->weighted = 1;
    if (!graph->wide || !graph->row_loss) return;
    graph->grouped->kind->merge(graph, graph->grouped, graph->merged.data, graph->weights.data);
    graph->row_loss = graph->merged.data;
    const float *weights = graph->weights.data;
    size_t used = graph->groups * graph->examples;
    while (used > graph->examples && weights[used - 1] == 0) used--;
    graph->weighted = (used + graph->examples - 1) / graph->examples;
}

typedef struct weighing {
    const weir__side *dy;
    const float *weights;
} weighing;

static void weigh_slots(const void *context, weir__range slots) {
    const weighing *w = context;
    for (size_t s = slots.first; s < slots.last; s++) {
        const float weight = w->weights[weir__row(w->dy, s)];
        float *values = weir__values(w->dy, s);
        for (size_t u = 0; u < w->dy->block; u++) values[u] *= weight;
    }
}

size_t weir__groups_weigh(const weir_graph *graph, size_t all, weir__side *dy, bool routed) {
    if (all == graph->examples) return all;
    const size_t rows = routed ? all : graph->weighted * graph->examples;
    const size_t pieces = dy->route ? dy->route->slots : rows;
    weir__parallel_ranges(pieces, 0.5 * (double)dy->block, weigh_slots, &(weighing){dy, graph->weights.data});
    return rows;
}

typedef struct reduction {
    const weir_graph *graph;
    float *narrow;
    const float *gradient;
    size_t width;
    bool add;
} reduction;

static void reduce_rows(const void *context, weir__range rows) {
    const reduction *s = context;
    const weir_graph *graph = s->graph;
    const size_t examples = graph->examples, width = s->width;
    for (size_t r = rows.first; r < rows.last; r++) {
        float *to = s->narrow + r * width;
        if (!s->add) memset(to, 0, width * sizeof *to);
        for (size_t g = 0; g < graph->weighted; g++) {
            const float weight = graph->weights.data[g * examples + r];
            const float *from = s->gradient + (g * examples + r) * width;
            for (size_t u = 0; u < width; u++) to[u] += weight * from[u];
        }
    }
}

void weir__groups_reduce(const weir_graph *graph, float *narrow, const float *gradient, size_t width, bool add) {
    const reduction s = {graph, narrow, gradient, width, add};
    weir__parallel_ranges(graph->examples, 0.5 * (double)(graph->weighted * width), reduce_rows, &s);
}

double weir__groups_penalty(const weir_graph *graph, const weir__node *node, const float *a, float *da) {
    const size_t groups = weir__run_rows(graph, node) > graph->examples ? graph->weighted : 1;
    const size_t count = graph->examples * node->width;
    double sum = 0;
    for (size_t g = 0; g < groups; g++) {
        const float *h = node->pass.drawn ? node->pass.drawn : node->memory.values.data + g * count;
        sum += node->penalty(node->penalty_context, node->unit, graph->examples, node->width, a + g * count, h,
                             da + g * count);
    }
    return sum / (double)groups;
}
