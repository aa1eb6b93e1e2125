// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file train.h
/// Training: optimizers, schedules, sparsity control, thresholds, and the trainer that joins them, with
/// checkpoints that continue bit for bit.
#ifndef WEIR_TRAIN_H
#define WEIR_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data.h"
#include "graph.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// How parameters move. rate_t is the scheduled rate times the node's rate; g the gradient plus decay·w for weights.
/// - "sgd": w −= rate·g
/// - "momentum": v = momentum·v + g, w −= rate·v (Polyak 1964)
/// - "adam": Kingma and Ba 2015, algorithm 1, with bias correction
/// Afterwards each unit's incoming weights are scaled down to an L2 norm of at most max_norm (Srivastava et al. 2014).
/// Blocks that the batch did not touch are not visited by sgd without decay, nor by momentum and adam: their moving
/// averages stand still ("lazy" updates).
typedef struct weir_optimizer_options {
    const char *kind; ///< "sgd", "momentum", "adam"
    double rate;      ///< > 0
    double momentum;  ///< in [0, 1)
    double beta1, beta2, epsilon;
    double decay;         ///< L2 weight decay ≥ 0
    const char *schedule; ///< "constant", "step", "cosine"
    double step_factor;   ///< step: rate·factor every step_epochs
    size_t step_epochs;
    double final_rate; ///< cosine: rate at the end, from rate at the start, over all epochs
    double rate_decay; ///< additionally rate / (1 + rate_decay·epoch); 0: none
} weir_optimizer_options;

/// How the share of open gates is steered, at every unit node that some gated-affine uses as gates.
/// - "kl": eq. 14 of Bengio et al. 2013 on the mean opening probability of each unit over the batch
/// - "l1": eq. 15, weight adapted by the factor `adapt` when the share leaves target ± tolerance
/// - "none"
typedef struct weir_sparsity_options {
    const char *kind;
    double target;       ///< share of gates to be open, in (0, 1)
    double train_target; ///< target of the penalty when it differs (0: target)
    double weight;       ///< λ ≥ 0 at the start
    double adapt;        ///< l1: factor > 1 per batch; kl: 1 keeps λ fixed
    double tolerance;    ///< l1: 0.01
    double bias_push;    ///< step by which the bias of a unit rises while its moving average of being open is under
                      ///< bias_rate; 0: none (section 2.1)
    double bias_rate; ///< opening rate under which the push acts
    double average;   ///< weight of the past in that moving average, in [0, 1)
} weir_sparsity_options;

typedef struct weir_train_options {
    uint64_t seed;
    size_t epochs, batch;
    size_t patience;           ///< epochs without a better validation error before the end; 0: never
    bool test_threshold;       ///< find the thresholds on validation data that give the target share (A.3); false: 0
    double checkpoint_seconds; ///< at most so much time between checkpoints inside an epoch; 0: only at its end
    weir_optimizer_options optimizer;
    weir_sparsity_options sparsity;
} weir_train_options;
WEIR_API weir_train_options weir_train_options_default(void);

/// One epoch's line: metrics.jsonl has the same names.
typedef struct weir_epoch {
    size_t epoch;           ///< 1, 2, …
    double train_loss;      ///< mean over the epoch's batches, sampled, penalties not included
    double penalty, weight; ///< mean sparsity term; λ at the end
    double train_share;     ///< open gates in training
    double valid_loss, valid_error, valid_share;
    double rate, seconds;
    bool best;
} weir_epoch;

/// Result of running a network over a part of the data with deterministic gates.
typedef struct weir_evaluation {
    double loss, error, share;
    weir_counters counters;
} weir_evaluation;
/// Runs a part in batches of the graph's max_rows. mode DECIDE or OPEN or EXPECT. predicted [count], or NULL.
WEIR_API weir_status weir_evaluate(weir_graph *graph, const weir_part *part, weir_mode mode,
                                   weir_evaluation *evaluation, int32_t *predicted, weir_error *error);

/// Sets the threshold of each gate node so that `target` of its gates are open over a part of the data, exactly up to
/// ties: the (1 − target) quantile of the pre-activations, one gated layer after the other. Nodes whose rule cannot be
/// 0 keep theirs.
WEIR_API weir_status weir_fit_thresholds(weir_graph *graph, const weir_part *part, double target, weir_error *error);

typedef struct weir_trainer weir_trainer;

/// Where a trainer is, for progress. Valid during the callback.
typedef struct weir_progress {
    size_t epoch, epochs, batch, batches; ///< epoch and batch count from 1
    double loss, share;                   ///< running means of this epoch
    double seconds;                       ///< in this call of weir_trainer_run
    const weir_epoch *finished;           ///< not NULL once per epoch, when it is over
} weir_progress;
/// Non-zero stops at once: the trainer saves a checkpoint (if it has a folder) and returns WEIR_INTERRUPTED.
typedef int (*weir_train_callback)(void *context, const weir_progress *progress);

/// A trainer for a graph made with training = true and max_rows ≥ batch. Graph and data stay the caller's and must
/// outlive it.
WEIR_API weir_status weir_trainer_create(weir_trainer **trainer, weir_graph *graph, const weir_data *data,
                                         const weir_train_options *options, weir_error *error);
/// One batch: forward, backward, update. WEIR_DIVERGED when the loss is not finite (parameters are then as before the
/// batch).
WEIR_API weir_status weir_trainer_step(weir_trainer *trainer, const float *inputs, const int32_t *labels, size_t rows,
                                       weir_error *error);
/// Trains to the end. folder (or NULL): where checkpoint.safetensors (latest complete state), model.safetensors (best)
/// and metrics.jsonl go. config_text is stored in both files. At the end the graph holds the best parameters and
/// thresholds.
WEIR_API weir_status weir_trainer_run(weir_trainer *trainer, const char *folder, const char *config_text,
                                      weir_train_callback callback, void *context, weir_error *error);
/// Continues from folder/checkpoint.safetensors: the next weir_trainer_run goes on where it was, bit for bit.
/// WEIR_NOT_FOUND when there is none; WEIR_CONFIG when it belongs to another network or other settings.
WEIR_API weir_status weir_trainer_resume(weir_trainer *trainer, const char *folder, weir_error *error);
/// All epochs finished so far, and the best one's number (0: none yet).
WEIR_API const weir_epoch *weir_trainer_epochs(const weir_trainer *trainer, size_t *count, size_t *best);
WEIR_API void weir_trainer_free(weir_trainer *trainer);

#ifdef __cplusplus
}
#endif
#endif
