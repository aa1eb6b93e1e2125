// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Closed blocks that stand in their running average ("default"), after Panda et al. 2025 (arXiv 2504.12463, "Dense
// Backpropagation Improves Training for Sparse Mixture-of-Experts"): where gate j of a row is closed,
//   y_j = g_j·m_j,   m_j the running average of block j's experts f(W·x + b) over the rows that opened it,
// in training as in use, and no weight of the block is read. g is what the gate would weigh: the chance of being open
// for units that are drawn alone, and softmax(a) for the outputs of a variable, as the mixtures of that paper have it.
// g is smooth in a where the gate itself is 0, so that closed blocks teach the gater:
//   ∂L/∂a += (∂g/∂a)ᵀ·s,   s_j = m_j·∂L/∂y_j where closed, else 0.
// That is the derivative of the output, with the averages held fixed.

#include <string.h>

#include "../../units/draws.h"
#include "../affine.h"
#include "../flow.h"
#include "../tensor.h"
#include "gated.h"

static const float slowest = 0.01f; // of the running averages

weir_status weir__default_declare(weir_graph *graph, weir__node *node, weir__gated *gated, weir_error *error) {
    weir_status status = WEIR_OK;
    if (gated->closed != WEIR__CLOSED_DEFAULT) return WEIR_OK;
    if (node->gates->unit->rule->groups && graph->options.training) {
        return weir__fail_node(error, WEIR_UNSUPPORTED, node,
                               "closed 'default' goes with rules that evaluate the loss once; '%s' evaluates it "
                               "several times",
                               node->gates->unit->rule->name);
    }
    TRY(weir__tensor_declare(graph, node, WEIR_ROLE_AVERAGE, node->width, 1, node->width, 1, false, &gated->average,
                             error));
    node->state = gated->gates; // batches that moved each block's average
    TRY(weir__buffer_reserve(&node->memory.state, node->state, error));
    memset(node->memory.state.data, 0, node->state * sizeof(float));
done:
    return status;
}

void weir__default_free(weir__gated *gated) {
    weir__buffer_free(&gated->stand.weights);
    weir__buffer_free(&gated->stand.slopes);
    weir__buffer_free(&gated->stand.values);
}

typedef struct default_task {
    const weir__node *node;
    weir__gated *gated;
    const float *means; // [width]
    float *to;          // forward: the output; backward: ∂L/∂a
    float *averages;
    const float *values; // f(W·x + b) of open pairs, in slots
    size_t variable;
} default_task;

static size_t width_of(const weir__node *node, size_t block) {
    const size_t left = node->width - block * node->block;
    return left < node->block ? left : node->block;
}

/// g·m of a row's closed blocks; open ones are left to weir__gated_apply.
WEIR__CLONES static void fill_row(const default_task *t, size_t r) {
    const weir__node *node = t->node;
    const size_t gates = t->gated->gates;
    const float *g = t->gated->stand.weights.data + r * gates;
    float *y = t->to + r * node->width;
    if (node->block == 1) {
        for (size_t j = 0; j < gates; j++) y[j] = g[j] * t->means[j];
        return;
    }
    for (size_t j = 0; j < gates; j++) {
        const size_t first = j * node->block, last = first + width_of(node, j);
        for (size_t i = first; i < last; i++) y[i] = g[j] * t->means[i];
    }
}

/// ∂L/∂a of a row by way of its closed blocks.
WEIR__CLONES static void teach_row(const default_task *t, size_t r) {
    const weir__node *node = t->node;
    const size_t gates = t->gated->gates;
    const float *h = node->gates->memory.values.data + r * gates, *d = node->memory.gradient.data + r * node->width;
    const float *slopes = t->gated->stand.slopes.data + r * gates, *g = t->gated->stand.weights.data + r * gates;
    float *da = t->to + r * gates;
    for (size_t j = 0; j < gates; j++) {
        const size_t first = j * node->block, last = first + width_of(node, j);
        float s = 0;
        for (size_t i = first; h[j] == 0 && i < last; i++) s += t->means[i] * d[i];
        da[j] = t->variable > 1 ? s : slopes[j] * s;
    }
    for (size_t at = 0; t->variable > 1 && at < gates; at += t->variable)
        weir__softmax_pull(da + at, g + at, da + at, t->variable);
}

/// The average of a block, from the rows that opened it.
WEIR__CLONES static void learn_block(const default_task *t, size_t j) {
    const weir__node *node = t->node;
    const weir__route *route = &t->gated->route;
    const size_t first = (size_t)route->start[j], last = (size_t)route->open[j], width = width_of(node, j);
    float *number = node->memory.state.data + j, *m = t->averages + j * node->block;
    if (first == last) return;
    const float share = 1 / (1 + *number) > slowest ? 1 / (1 + *number) : slowest;
    for (size_t u = 0; u < width; u++) {
        float sum = 0;
        for (size_t s = first; s < last; s++) sum += t->values[s * node->block + u];
        m[u] += share * (sum / (float)(last - first) - m[u]);
    }
    *number += 1;
}

typedef struct default_pieces {
    const default_task *task;
    void (*function)(const default_task *t, size_t item);
} default_pieces;

static void run_pieces(const void *context, weir__range own) {
    const default_pieces *p = context;
    for (size_t k = own.first; k < own.last; k++) p->function(p->task, k);
}

static void for_items(const default_task *task, size_t items, double cost,
                      void (*function)(const default_task *t, size_t item)) {
    weir__parallel_ranges(items, cost, run_pieces, &(default_pieces){task, function});
}

weir_status weir__default_fill(weir_graph *graph, weir__node *node, weir__gated *gated, size_t rows,
                               weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_unit *unit = node->gates->unit;
    const size_t count = rows * gated->gates, variable = weir_unit_variable(unit);
    const float *a = NULL;
    TRY(weir__output_dense(graph, node->gates->from, &a, error));
    TRY(weir__buffer_reserve(&gated->stand.weights, count, error));
    TRY(weir__buffer_reserve(&gated->stand.slopes, count, error));
    if (variable > 1) {
        for (size_t at = 0; at < count; at += variable)
            (void)weir__softmax(gated->stand.weights.data + at, a + at, variable);
    } else {
        weir_unit_draw(unit)->opening(unit, count, a, gated->stand.weights.data, gated->stand.slopes.data);
    }
    const default_task task = {.node = node,
                               .gated = gated,
                               .means = weir__matrix_values(&graph->matrices[gated->average]),
                               .to = node->memory.values.data};
    for_items(&task, rows, (double)node->width, fill_row);
done:
    return status;
}

weir_status weir__default_teach(weir_graph *graph, weir__node *node, weir__gated *gated, size_t rows,
                                weir_error *error) {
    weir_status status = WEIR_OK;
    weir__node *scores = node->gates->from;
    default_task task = {.node = node,
                         .gated = gated,
                         .means = weir__matrix_values(&graph->matrices[gated->average]),
                         .variable = weir_unit_variable(node->gates->unit)};
    if (scores->facts.learns) {
        TRY(weir__gradient_open(graph, scores, rows, true, &task.to, error));
        for_items(&task, rows, (double)node->width, teach_row);
        weir__gradient_close(graph, scores, rows, true, task.to);
    }
    task.values = gated->experts.data;
    if (weir__is_kept(gated->activation)) {
        TRY(weir__buffer_reserve(&gated->stand.values, gated->route.slots * node->block, error));
        weir__gated_values(node, gated, &gated->route, gated->experts.data, gated->stand.values.data);
        task.values = gated->stand.values.data;
    }
    task.averages = weir__matrix_edit(&graph->matrices[gated->average]);
    const double pairs = (double)(gated->route.slots * node->block);
    for_items(&task, gated->gates, pairs / (double)gated->gates, learn_block);
done:
    return status;
}
