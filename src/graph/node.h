// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file node.h
/// A node, its kind, and the graph that holds it: the types that all files of this folder share.
///
/// A kind is one constant descriptor; adding one is a file in nodes/ with its functions and a row in nodes/nodes.h. The
/// order of the nodes is the order of evaluation. A node's output is dense [rows][width], or compact when it comes from
/// a gated layer: only evaluated (row, block) pairs, in the slots of a route; closed but evaluated slots hold 0.
#ifndef WEIR_NODE_H
#define WEIR_NODE_H

#include <weir/graph.h>

#include "../core/parallel.h"
#include "../kernels/matrix.h"
#include "fields.h"

typedef struct weir__node weir__node;
typedef struct weir__step weir__step;
typedef struct weir__custom weir__custom;

/// How parameters move: the update of each tensor.
struct weir__step {
    weir__update (*update_of)(const void *context, const weir_tensor *tensor);
    const void *context;
};

/// A kind of node.
typedef struct weir__kind {
    weir_kind about;
    unsigned fields;   // of weir_node that it takes: WEIR__FIELD_…
    bool keeps_zero;   // elementwise with f(0) = 0: works on compact outputs as they are
    bool keeps_finite; // its outputs are finite where what it reads is
    const void *how;   // what functions of several kinds have to know of this one
    /// Checks the description, sets node->width and node->block, declares tensors, allocates what does not depend on
    /// the batch.
    weir_status (*build)(weir_graph *graph, weir__node *node, weir_error *error);
    /// Fills node->output from the outputs of the nodes it reads.
    weir_status (*forward)(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error);
    /// Reads node->gradient, writes parameter gradients and, through weir__gradient_open, those of the nodes it reads.
    weir_status (*backward)(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error);
    /// Row groups of a unit layer: loss [examples] of those of the groups, and weights [groups][examples], see
    /// weir_rule.merge. NULL for other kinds.
    void (*merge)(const weir_graph *graph, const weir__node *node, float *loss, float *weights);
    /// Moves the parameters of a node that no gradient reached in a pass that moves them, for they may decay. NULL: it
    /// has none.
    weir_status (*move)(weir_graph *graph, weir__node *node, weir_error *error);
    void (*release)(weir__node *node); // frees node->data; may be NULL
} weir__kind;

static inline bool weir__has_trait(const weir__kind *kind, weir_kind_trait trait) {
    return (kind->about.traits & trait) != 0;
}

/// What is decided about a node when the graph is built.
typedef struct weir__facts {
    bool compact;        // the output is compact, but for dense passes: consumers keep their weights in tiles
    bool tiled;          // its own weights lie in tiles all the same
    bool gater;          // only gates need it
    bool opens;          // a unit node that is the gates of some layer
    bool learns;         // it or a node before it has parameters: backward visits it
    bool wants_gradient; // its backward reads ∂L/∂output: consumers compute it
    bool gradient_dense; // ∂L/∂output is dense though the output is compact: it is wanted for all closed pairs
    bool needs_dense;    // and so whatever reads it
    bool grouped;        // a unit node whose rule evaluates the loss several times
    size_t layer;        // its place among the grouped ones
    bool wide, copied;   // see plan.c
} weir__facts;

/// Where a node stands in the pass at hand.
typedef struct weir__node_pass {
    bool ran;                 // took part in the last forward pass
    bool dense_valid;         // memory.dense is of this pass
    bool gradient_written;    // by at least one consumer
    bool moved;               // its parameters, by the backward pass that moves them
    const weir__route *route; // of the output; NULL when that is dense
    const float *drawn;       // units whose rule lists outcomes: a draw [examples][width] beside them; else NULL
} weir__node_pass;

/// The arrays of a node. They grow with the rows of a pass and stay.
typedef struct weir__memory {
    weir__buffer values;   // the output: [rows][width], or [slots][block]
    weir__buffer gradient; // ∂L/∂output, laid out alike, unless facts.gradient_dense
    weir__buffer dense;    // a compact output spread out, on demand
    weir__buffer state;    // running averages, kept from step to step: of units, of closed blocks
    weir__buffer rows;     // of a batch whose rows run one by one: the outputs of all, [rows][width]
    void *data;            // of the kind
} weir__memory;

struct weir__node {
    weir_node spec; // complete; strings owned
    const weir__kind *kind;
    size_t index;
    weir__node **inputs; // the nodes that it reads, at places 0 … input_count − 1
    size_t input_count;
    weir__node *from; // the first of them, which for most kinds is the only one; NULL: it reads none
    weir__node *gates;
    size_t width;          // outputs per row
    size_t block;          // units per block of a compact output; width when it is always dense
    size_t products;       // rows of its weights for each output: 2 in a gated layer of pairs, else 1
    size_t weight, bias;   // indices of tensors, SIZE_MAX: none
    size_t state;          // floats of memory.state
    const weir_unit *unit; // of unit nodes; else NULL
    float threshold;       // likewise
    weir_penalty penalty;
    void *penalty_context;
    double prior;          // of units with a prior: the chance of a bit to be 1, see prior.h; 0: they have none
    weir__facts facts;
    weir__node_pass pass;
    weir__memory memory;
    weir_counters counters;
    weir_seconds seconds; // of each phase, while graph->profiled
};

struct weir_graph {
    weir_graph_options options;
    const weir_rule **rules; // [options.rule_count] of the caller's own
    weir__node *nodes;
    weir_node *specs; // what weir_graph_nodes returns
    size_t count;
    weir__custom *customs; // kinds of the caller's own
    size_t custom_count;
    weir_tensor *tensors;
    uint8_t **touched;        // [tensor] or NULL
    weir__matrix *matrices;   // [tensor] around its values: its forms, and which of them are current
    struct weir_scale *scale; // of the rows that it was trained on, or NULL
    struct weir_names *names; // of their columns and classes, or NULL
    size_t tensor_count, tensor_capacity;
    float *values, *gradients;
    struct weir__shared *shared; // owns values and matrices, for this graph and others
    size_t parameter_count;

    weir__node *loss;
    const float *row_loss; // of the last pass, or NULL
    double mean_loss, penalty;
    weir_pass pass; // the last one
    bool forward_done;
    bool row_reserved;        // see weir__graph_reserve_row
    const weir__step *moving; // of this backward pass, which moves the parameters; NULL: it forms their gradients
    bool profiled;            // nodes' seconds are measured
    weir__scratch scratch;
    weir__buffer gradient_scratch;
    weir__buffer row_losses; // of a batch whose rows run one by one

    // Row groups, see plan.c and groups.c.
    weir__node *grouped;     // the first grouped node, or NULL
    size_t groups, layers;   // evaluations of the loss per example in training, and grouped nodes
    size_t examples;         // of the last pass
    bool wide;               // the last pass ran with several groups
    const int32_t *labels;   // of the last pass, for every group
    const float *targets;    // likewise
    const float *group_loss; // [groups][examples] of it, or NULL; row_loss is then that of the examples
    size_t weighted;         // leading groups that the parameters behind the units learn from
    weir__buffer wide_labels, wide_targets, merged, weights;
};

/// The node of that name among the first `before`, or NULL.
weir__node *weir__node_named(const weir_graph *graph, const char *name, size_t before);

/// The running averages of a node and their number; NULL without any.
float *weir__node_state(const weir__node *node, size_t *count);

/// Noise of the node's draw number `use` (0 … 3) in this pass.
weir_noise weir__node_noise(const weir__node *node, const weir_pass *pass, unsigned use);

/// Fails with the text behind "node 'name' (kind): ".
weir_status weir__fail_node(weir_error *error, weir_status status, const weir__node *node, const char *format, ...)
    WEIR_PRINTF(4, 5);

#endif
