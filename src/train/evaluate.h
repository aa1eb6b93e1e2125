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
    size_t total, classes; ///< gates of all these nodes; classes that are told apart, 1 without labels
    uint32_t *open;        ///< [classes][gates of all these nodes, one after the other]: rows that opened each
    uint64_t *rows;        ///< [classes]
    bool labelled, looked;
} weir__watch;
/// How many classes a watch of the part is to tell apart; 0 without labels, or where there are too many.
size_t weir__watch_classes(const weir_graph *graph, const weir_part *part);
/// classes: labels that weir__watch_look is given are below it; 0: it is given none.
weir_status weir__watch_begin(weir__watch *watch, const weir_graph *graph, size_t classes, weir_error *error);
/// After a pass: counts which gates its rows opened. labels [rows], or NULL.
void weir__watch_look(weir__watch *watch, weir_graph *graph, const int32_t *labels, size_t rows);
/// Sets share, gates, their load, and counters.
void weir__watch_end(const weir__watch *watch, const weir_graph *graph, weir_mode mode, weir_evaluation *evaluation);
void weir__watch_free(weir__watch *watch);

/// Load of the gates of node number k that were watched; open [their number], or NULL.
weir_load weir__watch_load(const weir__watch *watch, const weir_graph *graph, size_t k, double *open);
/// What an evaluation says of all of them.
void weir__watch_summary(const weir__watch *watch, const weir_graph *graph, weir_evaluation *evaluation);

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
