// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#ifndef WEIR_EVALUATE_H
#define WEIR_EVALUATE_H

#include <weir/graph.h>
#include <weir/train.h>

#include "../core/core.h"

/// Rows of a part as batches of floats, one after the other. Zero-initialise; free with weir__feed_free.
typedef struct weir__feed {
    const weir_part *part;
    size_t batch;          ///< most rows of a batch
    size_t first, rows;    ///< of the current batch, counted from the part's first row
    float *inputs;         ///< [rows][columns]
    const int32_t *labels; ///< [rows] of the current batch; NULL when the part has none
    float *targets;        ///< [rows][columns of the targets]; NULL when the part has none, or the network wants labels
} weir__feed;
/// WEIR_SHAPE unless the graph takes rows, and gives targets, like these; WEIR_DATA when there are none.
weir_status weir__feed_init(weir__feed *feed, const weir_graph *graph, const weir_part *part, size_t batch,
                            weir_error *error);
void weir__feed_free(weir__feed *feed);
/// Before the first batch; then weir__feed_next makes each batch current and returns false after the last.
void weir__feed_rewind(weir__feed *feed);
bool weir__feed_next(weir__feed *feed);
/// The current batch as a pass; its rows are numbered as those of the part, seed and step are 0.
weir_pass weir__feed_pass(const weir__feed *feed, weir_mode mode);
/// Whether the part holds what the network predicts.
bool weir__feed_has_answers(const weir__feed *feed, const weir_graph *graph);

/// Gates of some nodes so far (graph counters): all (row, gate) pairs, and the open ones.
typedef struct weir__gate_count {
    uint64_t gates, open;
} weir__gate_count;
weir__gate_count weir__count_gates(const weir_graph *graph, const size_t *nodes, size_t count);
/// Open share of what was counted between two moments; 1 when there were no gates.
double weir__share_between(weir__gate_count before, weir__gate_count after);

/// Work and gates of a graph from begin to end. Zero-initialise; free with weir__watch_free.
typedef struct weir__watch {
    size_t *gates, gate_count; ///< nodes
    weir__gate_count opened;
    weir_counters counters;
    uint8_t *seen_open; ///< [gates of all these nodes, one after the other]
    size_t total;       ///< of them
    bool looked;
} weir__watch;
weir_status weir__watch_begin(weir__watch *watch, const weir_graph *graph, weir_error *error);
/// After a pass: remembers which gates some row opened.
void weir__watch_look(weir__watch *watch, weir_graph *graph, size_t rows);
/// Sets share, gates and counters.
void weir__watch_end(const weir__watch *watch, const weir_graph *graph, weir_mode mode, weir_evaluation *evaluation);
void weir__watch_free(weir__watch *watch);

/// Index of the last node, which must be a loss, else WEIR_CONFIG.
weir_status weir__loss_node(const weir_graph *graph, size_t *node, weir_error *error);
/// Whether the last node takes targets.
bool weir__predicts_targets(const weir_graph *graph);
/// What networks are judged by: classifiers by their error, those that predict probabilities of targets by their
/// likelihood, those that predict values by how far these are off.
typedef enum weir__measure { WEIR__ERROR, WEIR__LIKELIHOOD, WEIR__DISTANCE } weir__measure;
weir__measure weir__judged_by(const weir_graph *graph);
/// WEIR_CONFIG unless the data have what the network predicts, and WEIR_SHAPE unless it has the network's size.
weir_status weir__check_answers(const weir_graph *graph, const weir_data *data, weir_error *error);

/// Most rows of a batch.
size_t weir__graph_max_rows(const weir_graph *graph);

#endif
