// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#ifndef WEIR_EVALUATE_H
#define WEIR_EVALUATE_H

#include <weir/train.h>

#include "../core/core.h"

/// Rows of a part as batches of floats, one after the other. Zero-initialise; free with weir__feed_free.
typedef struct weir__feed {
    const weir_part *part;
    size_t batch;          ///< most rows of a batch
    size_t first, rows;    ///< of the current batch, counted from the part's first row
    float *inputs;         ///< [rows][columns]
    const int32_t *labels; ///< [rows] of the current batch; NULL when the part has none
} weir__feed;
/// WEIR_SHAPE unless the graph takes rows like these; WEIR_DATA when there are none.
weir_status weir__feed_init(weir__feed *feed, const weir_graph *graph, const weir_part *part, size_t batch,
                            weir_error *error);
void weir__feed_free(weir__feed *feed);
/// Before the first batch; then weir__feed_next makes each batch current and returns false after the last.
void weir__feed_rewind(weir__feed *feed);
bool weir__feed_next(weir__feed *feed);

/// Gates of some nodes so far (graph counters): all (row, gate) pairs, and the open ones.
typedef struct weir__gate_count {
    uint64_t gates, open;
} weir__gate_count;
weir__gate_count weir__count_gates(const weir_graph *graph, const size_t *nodes, size_t count);
/// Open share of what was counted between two moments; 1 when there were no gates.
double weir__share_between(weir__gate_count before, weir__gate_count after);

/// Index of the loss node if it is softmax-cross-entropy, else WEIR_CONFIG.
weir_status weir__classifier_node(const weir_graph *graph, size_t *node, weir_error *error);

/// Most rows of a batch.
size_t weir__graph_max_rows(const weir_graph *graph);

#endif
