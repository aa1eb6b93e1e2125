// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A network over a part of the data, batch by batch: mean loss, share of wrong classes, share of open gates, work.

#include "evaluate.h"

#include <math.h>
#include <string.h>

#include "../graph/graph.h"
#include "sparsity.h"

size_t weir__graph_max_rows(const weir_graph *graph) { return graph->options.max_rows; }

weir_status weir__feed_init(weir__feed *feed, const weir_graph *graph, const weir_part *part, size_t batch,
                            weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t columns = weir_rows_shape(part->rows).columns, wanted = weir_graph_nodes(graph, NULL)[0].size;
    *feed = (weir__feed){.part = part, .batch = batch < part->count ? batch : part->count};
    TRY_THAT(part->count > 0, WEIR_DATA, "this part of the data has no rows; give it at least one");
    TRY_THAT(columns == wanted, WEIR_SHAPE,
             "the network takes rows of %zu values, but the data has %zu; set the input's size to %zu", wanted, columns,
             columns);
    TRY(weir__new(&feed->inputs, feed->batch * columns, sizeof(float), "a batch of rows", error));
done:
    return status;
}

void weir__feed_free(weir__feed *feed) {
    weir__free(feed->inputs);
    *feed = (weir__feed){0};
}

void weir__feed_rewind(weir__feed *feed) { feed->first = feed->rows = 0; }

bool weir__feed_next(weir__feed *feed) {
    const weir_part *part = feed->part;
    feed->first += feed->rows;
    const size_t left = part->count - feed->first;
    feed->rows = left < feed->batch ? left : feed->batch;
    if (!feed->rows) return false;
    weir_rows_copy(part->rows, NULL, part->first + feed->first, feed->rows, feed->inputs);
    feed->labels = part->labels ? part->labels + part->first + feed->first : NULL;
    return true;
}

weir__gate_count weir__count_gates(const weir_graph *graph, const size_t *nodes, size_t count) {
    weir__gate_count sum = {0};
    for (size_t i = 0; i < count; i++) {
        const weir_counters counters = weir_graph_node_counters(graph, nodes[i]);
        sum.gates += counters.gates;
        sum.open += counters.gates_open;
    }
    return sum;
}

double weir__share_between(weir__gate_count before, weir__gate_count after) {
    const uint64_t gates = after.gates - before.gates;
    return gates ? (double)(after.open - before.open) / (double)gates : 1;
}

weir_status weir__classifier_node(const weir_graph *graph, size_t *node, weir_error *error) {
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(graph, &count);
    *node = count - 1;
    if (!strcmp(nodes[*node].kind, "softmax-cross-entropy")) return WEIR_OK;
    return weir__fail(error, WEIR_CONFIG, "the last node is \"%s\" (%s); rows with labels need softmax-cross-entropy",
                      nodes[*node].name, nodes[*node].kind);
}

static weir_counters counters_between(weir_counters before, weir_counters after) {
    return (weir_counters){
        .rows = after.rows - before.rows,
        .forward_dense = after.forward_dense - before.forward_dense,
        .forward_done = after.forward_done - before.forward_done,
        .forward_gater = after.forward_gater - before.forward_gater,
        .backward_dense = after.backward_dense - before.backward_dense,
        .backward_done = after.backward_done - before.backward_done,
        .backward_gater = after.backward_gater - before.backward_gater,
        .gates = after.gates - before.gates,
        .gates_open = after.gates_open - before.gates_open,
        .blocks = after.blocks - before.blocks,
        .blocks_read = after.blocks_read - before.blocks_read,
    };
}

static size_t most_probable(const float *p, size_t classes) {
    size_t best = 0;
    for (size_t i = 1; i < classes; i++) {
        if (p[i] > p[best]) best = i;
    }
    return best;
}

typedef struct sums {
    double loss;
    size_t wrong;
} sums;

static weir_status run_batch(weir_graph *graph, const weir__feed *feed, weir_mode mode, size_t node, size_t classes,
                             sums *sum, int32_t *predicted, weir_error *error) {
    const weir_pass pass = {.mode = mode, .rows = feed->rows, .inputs = feed->inputs, .labels = feed->labels};
    const weir_status status = weir_graph_forward(graph, &pass, error);
    if (status != WEIR_OK) return status;
    const float *loss = weir_graph_loss(graph), *p = weir_graph_output(graph, node);
    if (!p) return weir__fail(error, WEIR_MEMORY, "out of memory: outputs of a batch");
    for (size_t r = 0; r < feed->rows; r++) {
        const size_t class = most_probable(p + r * classes, classes);
        if (predicted) predicted[feed->first + r] = (int32_t) class;
        if (!feed->labels) continue;
        sum->loss += (double)loss[r];
        sum->wrong += class != (size_t)feed->labels[r];
    }
    return WEIR_OK;
}

weir_status weir_evaluate(weir_graph *graph, const weir_part *part, weir_mode mode, weir_evaluation *evaluation,
                          int32_t *predicted, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__feed feed = {0};
    size_t node = 0, gate_count = 0, *gates = NULL;
    sums sum = {0};
    TRY(weir__classifier_node(graph, &node, error));
    TRY(weir__feed_init(&feed, graph, part, weir__graph_max_rows(graph), error));
    TRY(weir__gate_nodes(graph, &gates, &gate_count, error));
    const size_t classes = weir_graph_nodes(graph, NULL)[node].size;
    const weir_counters before = weir_graph_counters(graph);
    const weir__gate_count gates_before = weir__count_gates(graph, gates, gate_count);
    while (weir__feed_next(&feed)) {
        TRY(run_batch(graph, &feed, mode, node, classes, &sum, predicted, error));
    }
    const double rows = (double)part->count;
    *evaluation = (weir_evaluation){
        .loss = part->labels ? sum.loss / rows : NAN,
        .error = part->labels ? (double)sum.wrong / rows : NAN,
        .share =
            mode == WEIR_MODE_OPEN ? 1 : weir__share_between(gates_before, weir__count_gates(graph, gates, gate_count)),
        .counters = counters_between(before, weir_graph_counters(graph)),
    };
done:
    weir__free(gates);
    weir__feed_free(&feed);
    return status;
}
