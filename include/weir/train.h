// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file train.h
/// Training: sparsity control, thresholds, and the trainer that joins them with an optimizer (optimizer.h), with
/// checkpoints that continue bit for bit.
#ifndef WEIR_TRAIN_H
#define WEIR_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data.h"
#include "graph.h"
#include "optimizer.h"
#include "options.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// One epoch's line: metrics.jsonl and metrics.csv have the same names.
typedef struct weir_epoch {
    size_t epoch;                                ///< 1, 2, …
    double train_loss;                           ///< mean over the epoch's batches, sampled; penalties not included but that of
                                                 ///< kind "prior", with which it is the negative ELBO
    double penalty, weight;                      ///< mean sparsity term; λ at the end
    double train_share;                          ///< open gates in training
    double valid_loss, valid_error, valid_share; ///< valid_error NaN for targets
    double
        valid_nll; ///< targets: bound on the negative log-likelihood from valid_samples draws, nats per row; else NaN
    double valid_bits_per_byte; ///< texts: as in weir_evaluation; else NaN
    double valid_rmse;    ///< values (regression): root of the mean squared difference over all targets; else NaN
    double valid_entropy, valid_overlap; ///< load of the gates, see weir_load: means over their layers. NaN without gates
    size_t valid_dead;                   ///< gates that no validation row opened
    double rate;          ///< scheduled rate of the last batch
    double seconds;       ///< all of the epoch, validation included
    double train_seconds; ///< of them in batches
    bool best;
} weir_epoch;

/// How a layer of gates shares its work among them, over rows whose gates were decided.
typedef struct weir_load {
    size_t node, gates;       ///< the unit node, and its size
    double *open;             ///< [gates] share of the rows that opened each: the load of its block
    size_t dead;              ///< gates that no row opened
    double greatest;          ///< the greatest load over the mean one
    double entropy;           ///< −Σ f log f / log gates, f = open / Σ open: 1 when all are as often open, 0 when one is
    double overlap;           ///< of the gates that a row opens, the share that another row opens, too, over all pairs
    double same_class;        ///< the overlap of two rows of one class. NaN without labels
    double other_class;       ///< of two rows of different classes. NaN without labels
} weir_load;

/// Result of running a network over a part of the data.
typedef struct weir_evaluation {
    double loss, error; ///< mean loss; share of rows whose most probable class is not the label. NaN without labels (or
                        ///< targets); error NaN for targets
    double share;       ///< open gates of all gates; 1 for a network without gates and in mode OPEN
    size_t gates, never_open; ///< gates of all layers, and those that were open for no row; 0 in mode OPEN
    double entropy, overlap, same_class, other_class; ///< as in weir_load, means over the layers of gates; NaN without
    weir_counters counters;   ///< work of this run alone
    double nll;               ///< weir_evaluate_samples: the bound; else NaN
    double rmse; ///< values: root of the mean over rows and targets of (output - target)^2, in units of the targets
    double r2;   ///< values: 1 - sum (output - target)^2 / sum (target - mean of its column over the part)^2; NaN where
                 ///< the targets do not vary. Both NaN for a loss that is a likelihood
    size_t samples; ///< draws per row behind it; else 0
    double bits_per_byte; ///< texts: bits (loss / log 2) that the part's predicted tokens take per byte, unknown words
                          ///< with 8 bits for each of their bytes and for their end; else NaN. The
                          ///< perplexity per token is exp(loss)
} weir_evaluation;
/// Runs a part in batches of the graph's max_rows. mode DECIDE or OPEN or EXPECT. predicted [count], or NULL, for
/// classifiers. The network must end in a loss (WEIR_CONFIG), which takes the part's labels or its targets, and have
/// the data's columns (WEIR_SHAPE).
WEIR_API weir_status weir_evaluate(weir_graph *graph, weir_evaluation *evaluation, int32_t *predicted,
                                   const weir_part *part, weir_mode mode, weir_error *error);

/// The load of every layer of gates over a part, in mode DECIDE: *loads [*count], NULL and 0 without gates; freed by
/// weir_loads_free. One pass of the whole network. Errors as weir_evaluate.
WEIR_API weir_status weir_loads_measure(weir_load **loads, size_t *count, weir_graph *graph, const weir_part *part,
                                        weir_error *error);
WEIR_API void weir_loads_free(weir_load *loads);

/// The likelihood of the labels or targets under a network with random units, in mode DRAW: nll is the mean over rows
/// of −log (1/m) Σ exp(−L_k), an upper bound in expectation on −log p(target | row), tighter for more samples m; loss
/// the mean over rows and samples, which is the bound of one sample. Where nothing is random one sample is taken. The
/// same seed gives a row of the part the same draws, for any max_rows. WEIR_DATA without labels or targets.
/// Of a network with latent variables (trained with the sparsity kind "prior"; q their draw given the row) L_k is
/// −log p(target | h_k) − log prior(h_k) + log q(h_k | row), so that nll bounds −log p(target) (Burda, Grosse and
/// Salakhutdinov 2016, arXiv 1509.00519, eq. 8), and loss is the negative ELBO with the divergence in closed form.
WEIR_API weir_status weir_evaluate_samples(weir_graph *graph, weir_evaluation *evaluation, const weir_part *part,
                                           size_t samples, uint64_t seed, weir_error *error);

/// Sets the threshold of each gate node so that `target`, or the node's own target, of its gates are open over a part of the data, exactly up to
/// ties: the (1 − target) quantile of the pre-activations, one gated layer after the other. Nodes whose rule cannot be
/// 0 keep theirs. Cost: two passes of the gater per layer; memory does not grow with the rows. WEIR_DIVERGED when a
/// pre-activation is not finite; all thresholds are then as before.
WEIR_API weir_status weir_fit_thresholds(weir_graph *graph, const weir_part *part, double target, weir_error *error);

/// A graph, a data set and an optimizer in the middle of a training. One thread uses a trainer, and its graph, at a
/// time.
typedef struct weir_trainer weir_trainer;

/// Where a trainer is, for progress. Valid during the callback.
typedef struct weir_progress {
    size_t epoch, epochs, batch, batches; ///< epoch and batch count from 1; batches 0: of a stream, not known
    double loss, share;                   ///< running means of this epoch
    double seconds;                       ///< in this call of weir_trainer_run
    const weir_epoch *finished;           ///< not NULL once per epoch, when it is over
} weir_progress;
/// Non-zero stops at once: the trainer saves a checkpoint (if it has a folder) and returns WEIR_INTERRUPTED.
typedef int (*weir_train_callback)(void *context, const weir_progress *progress);

/// A trainer for a graph made with training = true and max_rows ≥ batch. Graph and data stay the caller's and must
/// outlive it; strings in options are not kept. WEIR_CONFIG names the option that is wrong.
WEIR_API weir_status weir_trainer_create(weir_trainer **trainer, weir_graph *graph, const weir_data *data,
                                         const weir_train_options *options, weir_error *error);
/// One batch: forward, backward, update, at the rate of the place where the trainer is. WEIR_DIVERGED when the loss is
/// not finite (parameters are then as before the batch), or the sparsity penalty, which is known when those above the
/// gates have moved.
WEIR_API weir_status weir_trainer_step(weir_trainer *trainer, const float *inputs, const int32_t *labels, size_t rows,
                                       weir_error *error);
/// weir_trainer_step for a network that predicts targets [rows][outputs].
WEIR_API weir_status weir_trainer_step_targets(weir_trainer *trainer, const float *inputs, const float *targets,
                                               size_t rows, weir_error *error);
/// Trains to the end. folder (or NULL): where checkpoint.safetensors (latest complete state), model.safetensors (best)
/// and metrics.jsonl go, with metrics.csv and, as options.log_steps says, steps.jsonl and steps.csv; it is made if
/// missing. config_text is stored in checkpoint and model. At the end the graph holds the best parameters and
/// thresholds. WEIR_IO (disk full, folder gone), WEIR_DIVERGED and WEIR_INTERRUPTED leave a
/// checkpoint from which weir_trainer_resume continues.
WEIR_API weir_status weir_trainer_run(weir_trainer *trainer, const char *folder, const char *config_text,
                                      weir_train_callback callback, void *context, weir_error *error);
/// Holds a folder, made if missing, for this trainer until it is freed; a run holds its folder by itself, from
/// weir_trainer_resume to the end of weir_trainer_run. WEIR_IO, with the process, while another trainer holds it, in
/// this process or another; nothing is changed then. A process that is killed holds nothing any more.
WEIR_API weir_status weir_trainer_hold(weir_trainer *trainer, const char *folder, weir_error *error);
/// Continues from folder/checkpoint.safetensors: the next weir_trainer_run goes on where it was. All that changes
/// numbers must be the same, down to the values of all rows (docs/settings.md): else WEIR_CONFIG names what differs. It
/// goes on bit for bit where version of weir, instruction set, threads and rates (calibration.h) are those that wrote
/// the checkpoint: the last two choose how products are done, which changes how they round. Elsewhere
/// weir_trainer_remark says what differs. WEIR_NOT_FOUND when there is none; WEIR_CONFIG names the first setting that
/// differs. After another error the trainer and its graph are of no use.
WEIR_API weir_status weir_trainer_resume(weir_trainer *trainer, const char *folder, weir_error *error);
/// One line about the last weir_trainer_resume for a person, or NULL: why it does not go on bit for bit. Owned by the
/// trainer.
WEIR_API const char *weir_trainer_remark(const weir_trainer *trainer);
/// All epochs finished so far, and the best one's number (0: none yet).
WEIR_API const weir_epoch *weir_trainer_epochs(const weir_trainer *trainer, size_t *count, size_t *best);
WEIR_API void weir_trainer_free(weir_trainer *trainer);

#define WEIR_RESULT_GATES 16 ///< most gate nodes whose threshold a result lists

/// What a run came to: result.json has the same names. What is not known is NaN (null in the file). Strings are
/// borrowed.
typedef struct weir_result {
    const char *name;      ///< of the configuration, or NULL
    char rule[128];        ///< of the first gate node (or unit node), as weir_unit_print writes it; "" without units
    const char *version;   ///< of weir
    const char *isa;       ///< instruction set in use
    const char *precision; ///< of products with weights: "fp32", "bf16"
    int threads;
    uint64_t seed;
    double train_loss, train_share, valid_error, valid_nll, valid_rmse; ///< of the best epoch
    size_t epochs, best_epoch;                                          ///< finished, and the best one's number
    double seconds, rows_per_second_train; ///< all epochs; rows per second of training batches
    double test_loss, test_error, share;   ///< on the test part, gates decided
    double test_bits_per_byte;             ///< texts: as in weir_evaluation; NaN
    double test_rmse, test_r2;             ///< values, gates decided: as in weir_evaluation; NaN
    double test_nll;                       ///< targets: bound on the negative log-likelihood, nats per row; NaN
    size_t samples;                        ///< draws per row behind test_nll and test_loss; else 0
    double threshold;                      ///< of the first gate node
    size_t gates_all, gates_never_open;    ///< gates of all of them, and those that no row of the test part opened
    double load_entropy, load_overlap, load_same_class, load_other_class; ///< as in weir_evaluation; NaN
    size_t gate_count;                     ///< gate nodes
    const char *gates[WEIR_RESULT_GATES];  ///< their names
    double thresholds[WEIR_RESULT_GATES];
    double multiply_adds_dense, multiply_adds_done, multiply_adds_gater; ///< per row of the test part
    double predict_ms_dense, predict_ms_gated; ///< forward passes of the whole test part, median, gater included;
                                               ///< reading rows into floats left out of both
    size_t predict_rows, predict_batch;
    int predict_repeats;
    size_t parameters;    ///< values that are learned
    uint64_t memory_peak; ///< bytes, greatest resident size of the process so far
} weir_result;

/// A result that knows nothing yet: NaN, 0 and empty.
WEIR_API weir_result weir_result_empty(void);
/// Fills in what the trainer knows: seed, train_loss … rows_per_second_train.
WEIR_API void weir_trainer_result(const weir_trainer *trainer, weir_result *result);
/// Measures the network on a test part and fills in all the rest but the name: error, share, work per row, and the time
/// of the whole part in batches of `batch` rows (0, or more than max_rows: max_rows), gates decided (DECIDE) and all
/// open (OPEN: same weights, one dense product, no gater), alternating `repeats` times after a run of each to warm up.
/// repeats 0: times stay NaN.
WEIR_API weir_status weir_measure(weir_graph *graph, weir_result *result, const weir_part *part, size_t batch,
                                  int repeats, weir_error *error);
/// What weir_measure leaves out for a network that predicts targets: test_nll and test_loss by weir_evaluate_samples.
/// Does nothing for a classifier.
WEIR_API weir_status weir_measure_samples(weir_graph *graph, weir_result *result, const weir_part *part, size_t samples,
                                          uint64_t seed, weir_error *error);
/// Writes result.json, atomically.
WEIR_API weir_status weir_result_write(const weir_result *result, const char *path, weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
