// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file kind.h
/// Kinds of nodes of one's own: a function of other nodes, a layer with parameters, or a loss. A graph that is given
/// such a kind (weir_graph_options.kinds) treats its nodes as it treats all others: they can be gated behind, read by
/// several nodes, checked by weir_gradient_check, trained and evaluated. examples/custom_loss.c is a whole one.
#ifndef WEIR_KIND_H
#define WEIR_KIND_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What a node of the kind is to be, while its graph is built.
typedef struct weir_node_shape {
    const weir_node *node;     ///< its description
    size_t input_count;        ///< nodes that it reads; 1 unless the kind has WEIR_KIND_SEVERAL
    const size_t *input_sizes; ///< [input_count] outputs per row of each
    /// Outputs per row. Before the call: what the node says, or the size of the first node that it reads.
    size_t size;
    /// Parameters of kinds with WEIR_KIND_WEIGHTS, 0 before the call: a matrix, which starts as those of affine nodes
    /// do, and biases; either may stay 0.
    size_t weight_rows, weight_columns, biases;
} weir_node_shape;

/// One call of a kind's function. Arrays are row-major; they are valid during the call.
typedef struct weir_node_call {
    const void *context;   ///< of the kind
    void *memory;          ///< of the node, weir_custom_kind.memory bytes; zeros at first, kept from call to call
    const weir_node *node; ///< its description, complete
    weir_mode mode;
    weir_noise noise; ///< of this node and pass, for draws at (row, unit) (weir/random.h)
    size_t rows;      ///< examples, or examples × evaluations of the loss behind units whose rule wants several
    size_t size, input_count;
    const size_t *input_sizes;
    const float *const *inputs;    ///< [input_count], each [rows][input_sizes[k]]
    float *outputs;                ///< [rows][size]: forward writes, backward reads
    const float *weights, *biases; ///< [weight_rows][weight_columns], [biases]; NULL: none
    const int32_t *labels;         ///< losses: [rows], each in 0 … size − 1; NULL unless the kind takes them
    const float *targets;          ///< losses: [rows][size], finite; NULL unless the kind takes them
    float *loss; ///< losses, forward: [rows] to be written; NULL when there is nothing to compare with
    // Backward alone.
    float row_weight;              ///< weight of a row in the mean loss: a loss multiplies its gradients by it
    const float *output_gradients; ///< [rows][size] ∂L/∂outputs; NULL for losses
    float *const *input_gradients; ///< [input_count], each to be written [rows][input_sizes[k]], or NULL: not wanted
    float *weight_gradients, *bias_gradients; ///< to be written; NULL: not wanted in this call
} weir_node_call;

/// A kind of one's own. Plain data, which a graph copies; context belongs to the caller and outlives the graph.
/// Functions return WEIR_OK, or another status with a text in *error (never NULL), which the graph completes by the
/// node's name. They may be called by several threads at a time for different graphs.
typedef struct weir_custom_kind {
    weir_kind about; ///< a name that no other kind has; traits: WEIR_KIND_LOSS with takes, WEIR_KIND_LIKELIHOOD of
                     ///< a loss, WEIR_KIND_WEIGHTS, WEIR_KIND_SEVERAL
    const void *context;
    size_t memory; ///< bytes per node
    /// Checks the description and says sizes. NULL: as many outputs as the first node that it reads, no parameters.
    weir_status (*shape)(const void *context, weir_node_shape *shape, weir_error *error);
    /// Writes outputs and, of a loss, loss.
    weir_status (*forward)(const weir_node_call *call, weir_error *error);
    /// Writes the gradients that are wanted; called twice for a node with parameters, for its inputs and for these.
    /// NULL: nothing before the node learns from it.
    weir_status (*backward)(const weir_node_call *call, weir_error *error);
} weir_custom_kind;

#ifdef __cplusplus
}
#endif
#endif
