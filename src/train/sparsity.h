// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file sparsity.h
/// Steering the share of open gates in training: a penalty on each layer of gates, its adaptive weight, and the push of
/// the biases of units that are nearly always closed.
#ifndef WEIR_SPARSITY_H
#define WEIR_SPARSITY_H

#include <weir/train.h>

#include "../core/core.h"

typedef struct weir__sparsity weir__sparsity;

/// The control of one layer of gates.
typedef struct weir__gate_control {
    const weir__sparsity *sparsity;
    size_t node, units;
    double target;  ///< share of these gates to be open
    double weight;  ///< λ of the next batch
    float *average; ///< [units] moving average of being open
    size_t bias;    ///< the tensor of the units' biases; SIZE_MAX: none is pushed

    // Of the last batch, filled by the penalty:
    double share;    ///< open gates
    float *opened;   ///< [units] share of rows in which each was open
    float *quantile; ///< [units] what is above 0 in the target share of rows, with bias_quantile
    double *term;    ///< [units] penalty
    double *factor;  ///< [units] scratch: what weighs a unit's penalty
    float *slope;    ///< [units] scratch: its derivative by the mean opening
    double *row;     ///< [rows] scratch
    float *q, *dq;   ///< [rows][units] scratch: opening probability and its slope (l1: gradients to h and a)
} weir__gate_control;

/// A form of the penalty: returns its value, adds its gradient to da.
typedef struct weir__sparsity_rule {
    const char *name;
    weir_penalty penalty; ///< its context is a weir__gate_control; it changes only what is "of the last batch"
    /// λ after a batch whose share was `share`.
    double (*adapt)(const weir_sparsity_options *options, double target, double weight, double share);
    /// Whether its gradient for a unit is there: it goes through the slope of P(h ≠ 0), which some draws have not.
    bool (*reaches)(const weir_unit *unit);
    bool prior; ///< of latent variables: it is part of the loss, and of all random units, gates or not
} weir__sparsity_rule;

/// The rule of that name, or NULL.
const weir__sparsity_rule *weir__sparsity_find(const char *name);

struct weir__sparsity {
    weir_sparsity_options options;
    const weir__sparsity_rule *rule;
    double target; ///< of the penalty
    weir_graph *graph;
    weir__gate_control *gates;
    size_t count;
};

/// Indices of the unit nodes that some gated-affine node uses as gates, in the order of the graph; freed by the
/// caller with weir__free.
weir_status weir__gate_nodes(const weir_graph *graph, size_t **nodes, size_t *count, weir_error *error);

/// Makes the control of one layer for batches of at most `rows` rows (sparsity's options, rule and target are set).
weir_status weir__gate_control_init(weir__gate_control *gate, const weir__sparsity *sparsity, size_t rows, size_t units,
                                    weir_error *error);
void weir__gate_control_free(weir__gate_control *gate);
/// After the batch's update: λ, moving averages, and the push on biases [units] (NULL: none).
void weir__gate_control_update(weir__gate_control *gate, float *biases);

/// Attaches the control to the gates of a graph; a prior to all random units, of which evaluations then know, too. The
/// object must not move afterwards. Free (which detaches it) before the graph.
weir_status weir__sparsity_init(weir__sparsity *sparsity, weir_graph *graph, const weir_sparsity_options *options,
                                size_t rows, weir_error *error);
void weir__sparsity_free(weir__sparsity *sparsity);
/// After the update of a batch.
void weir__sparsity_update(weir__sparsity *sparsity);
/// Mean of λ over the layers of gates; 0 without any.
double weir__sparsity_weight(const weir__sparsity *sparsity);

#endif
