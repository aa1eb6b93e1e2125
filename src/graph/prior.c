// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include "prior.h"

#include <string.h>

#include "../units/prior.h"

weir_status weir__graph_prior_set(weir_graph *graph, double s, weir_error *error) {
    size_t found = 0;
    for (size_t k = 0; k < graph->count; k++) {
        weir__node *node = &graph->nodes[k];
        const unsigned traits = node->unit ? node->unit->rule->traits : 0;
        if (!(traits & WEIR_TRAIT_STOCHASTIC)) continue;
        if (traits & WEIR_TRAIT_BOUND)
            return weir__fail_node(error, WEIR_CONFIG, node,
                                   "its rule '%s' bounds the likelihood by itself and takes no prior "
                                   "(train.sparsity.kind)",
                                   node->unit->rule->name);
        if (!weir__prior_exists(node->unit))
            return weir__fail_node(
                error, WEIR_CONFIG, node,
                "its rule '%s' has no prior (train.sparsity.kind): units must draw bits by a sigmoid "
                "or one of C by a softmax",
                node->unit->rule->name);
        found++;
    }
    if (!found)
        return weir__fail(error, WEIR_CONFIG, "train.sparsity.kind is \"prior\", but the network has no random units");
    for (size_t k = 0; k < graph->count; k++) {
        weir__node *node = &graph->nodes[k];
        node->prior = node->unit && (node->unit->rule->traits & WEIR_TRAIT_STOCHASTIC) ? s : 0;
    }
    return WEIR_OK;
}

bool weir__graph_has_prior(const weir_graph *graph) {
    bool some = false;
    for (size_t k = 0; k < graph->count; k++) some |= graph->nodes[k].prior > 0;
    return some;
}

weir_status weir__graph_prior(weir_graph *graph, double *divergence, double *ratio, weir_error *error) {
    const size_t rows = graph->examples;
    memset(divergence, 0, rows * sizeof *divergence);
    memset(ratio, 0, rows * sizeof *ratio);
    for (size_t k = 0; k < graph->count; k++) {
        const weir__node *node = &graph->nodes[k];
        if (!(node->prior > 0)) continue;
        const float *a = weir_graph_output(graph, node->from->index), *h = weir_graph_output(graph, k);
        if (!a || !h) return weir__fail(error, WEIR_MEMORY, "out of memory: outputs of a batch");
        weir__prior_divergence(node->unit, node->prior, rows, node->width, a, divergence, 0, NULL);
        weir__prior_ratio(node->unit, node->prior, rows, node->width, a, h, ratio);
    }
    return WEIR_OK;
}
