// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file trainer.h
/// The inside of a trainer, shared by its loop, its checkpoints and its metrics.
#ifndef WEIR_TRAINER_H
#define WEIR_TRAINER_H

#include <jansson.h>

#include "../core/lock.h"
#include "../data/batches.h"
#include "average.h"
#include "evaluate.h"
#include "optimizer.h"
#include "schedule.h"
#include "sparsity.h"

/// Where a run is: with parameters, unit averages, optimizer and sparsity state, all that its future depends on.
typedef struct weir__place {
    uint64_t step;                 ///< batches trained so far: the coordinate of all noise
    size_t epoch, batch;           ///< finished epochs, and batches done of the next one
    double loss, penalty;          ///< sums of this epoch: loss (with a prior's divergence) times rows, penalty times rows
    uint64_t rows;                 ///< of this epoch
    weir__gate_count gates;        ///< of this epoch
    double seconds, train_seconds; ///< of this epoch
    double logged_loss;            ///< loss, rows and gates as they were at the last record of steps
    uint64_t logged_rows;
    weir__gate_count logged_gates;
    size_t best_epoch;             ///< 0: none yet
    double best_error;             ///< validation error, or negative log-likelihood of targets
    size_t stale;                  ///< epochs since the best one
} weir__place;

struct weir_trainer {
    weir_graph *graph;
    const weir_data *data;
    weir_train_options options; ///< strings point into constant tables
    weir_optimizer optimizer;
    weir__sparsity sparsity;
    weir__average average;
    size_t *gates, gate_count; ///< nodes
    size_t batches;            ///< per epoch; 0: of a stream, not known
    uint32_t *order;           ///< [training rows] of this epoch, as row indices; computed: [batch] of this batch
    bool computed;             ///< the order of a text, which may be larger than memory
    float *inputs;             ///< [batch][columns]
    int32_t *labels;           ///< [batch]
    float *targets;            ///< [batch][outputs]; NULL when labels are predicted
    weir__place place;
    weir_epoch *epochs;
    size_t epoch_count, epoch_capacity;
    float *best_values;     ///< flat parameters of the best epoch
    float *best_thresholds; ///< [gate_count]
    char *identity;         ///< what a checkpoint must agree with, see identity.c; NULL until one is written or read
    weir__lock lock;        ///< of the folder that it writes to
    bool holds;             ///< until it is freed, see weir_trainer_hold
    char *remark;           ///< of the last resume, see machine.c; or NULL
    bool finished;          ///< the best parameters are in the graph
    double saved_at;        ///< time of the last checkpoint
};

/// Training rows of an epoch; 0: of a stream, not known.
size_t weir__training_rows(const weir_trainer *trainer);

/// " of 12", the batches of an epoch, or "" where they are not known. Returns text.
enum { WEIR__OF_BATCHES = 32 };
const char *weir__of_batches(const weir_trainer *trainer, char *text);

/// Adds an epoch's record.
weir_status weir__epochs_add(weir_trainer *trainer, const weir_epoch *epoch, weir_error *error);

/// What a run is: a line "key=value" for everything that its numbers depend on, the values of all rows by checksums.
/// Freed by weir__free.
weir_status weir__identity_print(char **text, const weir_trainer *trainer, weir_error *error);
/// WEIR_CONFIG, with the first line that differs, unless both are the same.
weir_status weir__identity_compare(const char *saved, const char *current, weir_error *error);

/// What the last bits of a run depend on beside what it is, in words.
typedef struct weir__machine_text {
    char text[200];
} weir__machine_text;
weir__machine_text weir__machine_now(void);
/// Sets the trainer's remark when a checkpoint comes from elsewhere.
weir_status weir__machine_compare(weir_trainer *trainer, const char *saved, weir_error *error);

/// An epoch's record as JSON and back (WEIR_FORMAT when a field is missing or no number).
json_t *weir__epoch_to_json(const weir_epoch *epoch);
weir_status weir__epoch_from_json(weir_epoch *epoch, const json_t *json, weir_error *error);
/// A number, or null when it is not finite.
json_t *weir__json_real(double value);

/// Makes folder/metrics.jsonl and .csv hold exactly the epochs of the trainer, and steps.jsonl and .csv no step beyond
/// its own; adds a line for the last epoch.
weir_status weir__metrics_rewrite(const weir_trainer *trainer, const char *folder, weir_error *error);
weir_status weir__metrics_append(const weir_trainer *trainer, const char *folder, weir_error *error);

/// Adds a line to folder/steps.jsonl and .csv after every so many steps as options.log_steps says.
weir_status weir__steps_append(weir_trainer *trainer, const char *folder, weir_error *error);

/// "folder/name", freed with weir__free.
weir_status weir__path_in(char **path, const char *folder, const char *name, weir_error *error);

/// Writes and reads folder/checkpoint.safetensors.
weir_status weir__checkpoint_save(weir_trainer *trainer, const char *folder, const char *config_text,
                                  weir_error *error);
weir_status weir__checkpoint_load(weir_trainer *trainer, const char *folder, weir_error *error);

#endif
