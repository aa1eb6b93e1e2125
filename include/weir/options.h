// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file options.h
/// Options of training: how parameters move, how the share of open gates is steered, how long and in what batches.
/// docs/settings.md lists them with defaults and ranges.
#ifndef WEIR_OPTIONS_H
#define WEIR_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// How parameters move. rate_t is the scheduled rate times the tensor's rate; g the gradient plus decay·w for weights.
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
/// Gradient descent at a constant rate of 0.1; momentum 0.5, beta1 0.9, beta2 0.999, epsilon 1e-8 for who chooses
/// another kind.
WEIR_API weir_optimizer_options weir_optimizer_options_default(void);

/// How the share of open gates is steered, at every unit node that some gated-affine uses as gates.
/// - "kl": eq. 14 of Bengio et al. 2013 on the mean opening probability of each unit over the batch
/// - "l1": eq. 15, weight adapted by the factor `adapt` when the share leaves target ± tolerance
/// - "l0": the expected number of open gates, the penalty of hard-concrete (Louizos et al. 2018); weight as for l1
/// - "load-l1": l1 times the unit's load over the target (ReMoE, Wang et al. 2025); weight as for l1
/// - "switch": the auxiliary loss of Fedus, Zoph and Shazeer 2022, eq. 4: n Σ load·mean softmax
/// - "z": the router z-loss of Zoph et al. 2022, eq. 5: the mean squared logarithm of Σ exp a
/// - "prior": the divergence of all random units, gates or not, from a prior whose bits are 1 with probability target
///   and whose variables of several outputs are uniform; with weight 1 the loss is the negative ELBO of a variational
///   autoencoder (Kingma and Welling 2014)
/// - "none"
typedef struct weir_sparsity_options {
    const char *kind;
    double target;       ///< share of gates to be open, in (0, 1)
    double train_target; ///< target of the penalty when it differs (0: target)
    double weight;       ///< λ ≥ 0 at the start
    double adapt; ///< factor ≥ 1 by which λ changes per batch; 1 keeps it fixed. l1: up above target + tolerance,
                  ///< down under target − tolerance. kl: up outside the tolerance, back to weight inside
    double tolerance; ///< 0.01
    double bias_push; ///< step by which the bias of a unit rises while its moving average of being open is under
                      ///< bias_rate; 0: none (section 2.1)
    double bias_rate; ///< opening rate under which the push acts
    double average;   ///< weight of the past in that moving average, in [0, 1)
    double bias_balance; ///< step by which a unit's bias moves towards the target share after each batch, up or down
                         ///< (Wang et al. 2024, algorithm 1); 0: none
    double bias_quantile; ///< part in [0, 1] of the way that a unit's bias goes, after each batch, to where the batch would
                          ///< have had the unit open above 0 in the target share of its rows: a running quantile, which
                          ///< holds the share of draw=threshold, rectifier and jump-relu without a penalty; 0: none
} weir_sparsity_options;

typedef struct weir_train_options {
    uint64_t seed;
    size_t epochs, batch;
    size_t patience;     ///< epochs without a better validation error (likelihood, of targets) before the end; 0: never
    bool test_threshold; ///< find the thresholds on validation data that give the target share (A.3); false: 0
    double average; ///< weight of the past per step, in [0, 1), in a moving average of the parameters, which is what is
                    ///< validated, tested and saved (Polyak and Juditsky 1992); 0: the parameters themselves
    double checkpoint_seconds; ///< at most so much time between checkpoints inside an epoch; 0: only at its end
    size_t log_steps;          ///< a line of steps.jsonl after so many steps, with means since the last one of the epoch;
                               ///< 0: none
    size_t valid_samples; ///< networks that predict targets: draws per row for the likelihood of the validation part
    size_t test_samples;  ///< and of the test part; the trainer does not read it
    weir_optimizer_options optimizer;
    weir_sparsity_options sparsity;
} weir_train_options;
WEIR_API weir_train_options weir_train_options_default(void);

#ifdef __cplusplus
}
#endif
#endif
