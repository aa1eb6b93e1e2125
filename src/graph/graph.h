// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file graph.h
/// The inside of a graph: what node kinds (src/graph/nodes/, one file each) see and implement.
///
/// A kind is one constant descriptor; adding one is a file with its functions and a row in kinds.c. The order of the
/// nodes is the order of evaluation. A node's output is dense [rows][width], or compact when it comes from
/// a gated layer: only evaluated (row, block) pairs, in the slots of a route; closed but evaluated slots hold 0.
#ifndef WEIR_GRAPH_INTERNAL_H
#define WEIR_GRAPH_INTERNAL_H

#include <weir/graph.h>

#include "../kernels/product.h"

typedef struct weir__node weir__node;
typedef struct weir__step weir__step;

/// Before a loop over pieces of work of any kind: shares them among the threads when the work (values) is worth it.
#define WEIR__FOR_PIECES(work) WEIR__PRAGMA(omp parallel for schedule(static) num_threads(weir_threads()) if ((work) > 16384))
#define WEIR__PRAGMA(text) _Pragma(#text)

/// Fields of weir_node beyond name, kind and from that a kind may use; a field that it does not take is an error.
enum {
    WEIR__FIELD_SIZE = 1 << 0,
    WEIR__FIELD_GATES = 1 << 1, // gates, block, activation, closed, closed_share
    WEIR__FIELD_RULE = 1 << 2,
    WEIR__FIELD_DROPOUT = 1 << 3,
    WEIR__FIELD_PARAMETERS = 1 << 4, // init, init_inputs, bias, rate, max_norm
    WEIR__FIELD_SHIFT = 1 << 5,
};

/// A kind of node.
typedef struct weir__kind {
    weir_kind about;
    unsigned fields;
    bool keeps_zero; // elementwise with f(0) = 0: works on compact outputs as they are
    /// Checks the description, sets node->width and node->block, declares tensors, allocates what does not depend on
    /// the batch.
    weir_status (*build)(weir_graph *graph, weir__node *node, weir_error *error);
    /// Fills node->output from the outputs of the nodes it reads.
    weir_status (*forward)(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error);
    /// Reads node->gradient, writes parameter gradients and, through weir__gradient_open, those of the nodes it reads.
    weir_status (*backward)(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error);
    /// Moves the parameters of a node that no gradient reached in a pass that moves them, for they may decay. NULL: it
    /// has none.
    void (*move)(weir_graph *graph, weir__node *node);
    void (*release)(weir__node *node); // frees node->data; may be NULL
} weir__kind;

static inline bool weir__has_trait(const weir__kind *kind, weir_kind_trait trait) {
    return (kind->about.traits & trait) != 0;
}

struct weir__node {
    weir_node spec; // complete; strings owned
    const weir__kind *kind;
    size_t index;
    weir__node *from, *gates;
    size_t width;        // outputs per row
    size_t block;        // units per block of a compact output; width when it is always dense
    bool compact;        // the output is compact, but for dense passes: consumers keep their weights in tiles
    bool gater;          // only gates need it
    bool opens;          // a unit node that is the gates of some layer
    bool learns;         // it or a node above it has parameters: backward visits it
    bool wants_gradient; // its backward reads ∂L/∂output: consumers compute it
    bool gradient_dense; // ∂L/∂output is dense though the output is compact: it is wanted for all closed pairs
    bool ran;            // took part in the last forward pass
    bool grouped;        // a unit node whose rule evaluates the loss several times; layer: its place among them
    bool wide, copied;   // see groups.c
    size_t layer;

    const weir__route *route; // of the last pass; NULL when the output is dense
    weir__buffer values;      // [rows][width], or [slots][block]
    weir__buffer gradient;    // the same, unless gradient_dense
    bool gradient_written;
    weir__buffer dense; // a compact output spread out, on demand
    bool dense_valid;

    size_t weight, bias; // indices of tensors
    bool moved;          // by the backward pass that moves parameters, in this step
    weir_counters counters;
    weir_seconds seconds;  // of each phase, while graph->profiled
    const weir_unit *unit; // of unit nodes; else NULL
    float threshold;       // likewise
    weir_penalty penalty;
    void *penalty_context;
    void *data; // of the kind
};

struct weir_graph {
    weir_graph_options options;
    weir__node *nodes;
    weir_node *specs; // what weir_graph_nodes returns
    size_t count;
    weir_tensor *tensors;
    uint8_t **touched;   // [tensor] or NULL
    weir__buffer *plain; // [tensor] row-major copies for dense passes, see weir__plain_weights
    bool *plain_valid;   // [tensor]
    // In bf16: values in halves, of which the lower ones are there for training (of weights; the places of biases are
    // not kept up). Upper NULL: fp32. Steps move the halves; values follow when they are asked for.
    weir__halves halves;
    bool halves_valid, values_valid;
    size_t tensor_count, tensor_capacity;
    float *values, *gradients;
    size_t parameter_count;

    weir__node *loss;
    const float *row_loss; // of the last pass, or NULL
    double mean_loss, penalty;
    weir_pass pass; // the last one
    size_t rows;    // that the node being run has: examples, or groups·examples
    bool forward_done;
    const weir__step *moving; // of this backward pass, which moves the parameters; NULL: it forms their gradients
    bool profiled;            // nodes' seconds are measured
    weir__scratch scratch;
    weir__buffer gradient_scratch;

    // Row groups, see groups.c.
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

/// The kinds' table.
const weir__kind *weir__kind_find(const char *name);

/// Declares a tensor of the node, named "node.weight" or "node.bias" by its role (build time); its place in the flat
/// arrays is set afterwards. track: keep touched flags.
weir_status weir__tensor_declare(weir_graph *graph, weir__node *node, weir_role role, size_t rows, size_t columns,
                                 size_t block_rows, size_t block_columns, bool track, size_t *index, weir_error *error);
/// Values and gradients of a tensor.
float *weir__tensor_values(const weir_graph *graph, size_t tensor);
float *weir__tensor_gradients(const weir_graph *graph, size_t tensor);
/// A tensor of weights as products of the graph's precision take it.
weir__weights weir__tensor_weights(const weir_graph *graph, size_t tensor);
/// Its halves, in bf16.
weir__halves weir__tensor_halves(const weir_graph *graph, size_t tensor);
/// The same in row-major order, whatever the memory order: the tensor itself, or a copy kept until weights change.
weir_status weir__plain_weights(weir_graph *graph, size_t tensor, weir__weights *weights, weir_error *error);

/// Whoever changes weights other than by weir__graph_step says so: copies of them are made anew when they are next
/// wanted.
void weir__weights_changed(weir_graph *graph);
/// Splits the weights if they may have changed since. Before any product of a pass.
void weir__halves_refresh(weir_graph *graph);
/// The values after the last step, to be read.
const float *weir__graph_values(weir_graph *graph);

/// The node's output of this pass as one side of a gated product.
weir__side weir__output_side(const weir__node *node);
/// The node's output, dense (spread out if need be; valid until the next pass).
weir_status weir__output_dense(weir_graph *graph, weir__node *node, const float **values, weir_error *error);
/// Makes room for the output of this pass: dense (route NULL) or compact.
weir_status weir__output_reserve(weir_graph *graph, weir__node *node, const weir__route *route, weir_error *error);
/// Floats in the node's output of this pass.
size_t weir__output_count(const weir_graph *graph, const weir__node *node);

/// Where a consumer writes ∂L/∂(output of node), every element: dense, or as the node keeps it (dense if its output or
/// gradient is, else compact). Then weir__gradient_close adds it to what other consumers wrote. One at a time.
weir_status weir__gradient_open(weir_graph *graph, weir__node *node, bool dense, float **gradient, weir_error *error);
void weir__gradient_close(weir_graph *graph, weir__node *node, bool dense, const float *gradient);

/// Noise of the node's draw number `use` (0 … 3) in this pass.
weir_noise weir__node_noise(const weir__node *node, const weir_pass *pass, unsigned use);

/// Runs the last pass, one in draw mode, again at another step: what comes before the first random node keeps its
/// outputs. *drawn is false, and nothing is done, when no node is random. The pass's arrays must still be there.
weir_status weir__graph_redraw(weir_graph *graph, uint32_t step, bool *drawn, weir_error *error);

/// A clock for profiles, in seconds; 0 without one.
double weir__profile_clock(const weir_graph *graph);

/// Adds multiply-adds to the node's counters.
void weir__count_forward(weir__node *node, uint64_t dense, uint64_t done);
void weir__count_backward(weir__node *node, uint64_t dense, uint64_t done);

/// y = W·x + bias with the node's weight and bias tensors, x the output of node->from, in either layout; counts the
/// work.
weir_status weir__affine_forward(weir_graph *graph, weir__node *node, weir__side *y, weir_error *error);
/// Gradients of both tensors and, where it is wanted, of x, from dy = ∂L/∂y (open slots); counts the work. In a pass
/// that moves the parameters both tensors move at once, after the gradient of x.
weir_status weir__affine_backward(weir_graph *graph, weir__node *node, weir__side *dy, weir_error *error);
/// In a pass that moves the parameters: both tensors of a node that no gradient reached, for they may decay.
void weir__affine_move_alone(weir_graph *graph, weir__node *node);
/// Declares both tensors of such a node: weights in the tiles that the layouts of y and x ask for.
weir_status weir__affine_declare(weir_graph *graph, weir__node *node, weir_error *error);

/// How parameters move: the update of each tensor.
struct weir__step {
    weir__update (*update_of)(const void *context, const weir_tensor *tensor);
    const void *context;
};
/// For who moves the parameters by their gradients and has no other use for these: weir_graph_backward, in which each
/// node's parameters move as soon as nothing else needs them, and those that no gradient reaches after it. No gradient
/// is kept. After a failure parameters behind the node that failed have moved, the others have not.
weir_status weir__graph_step(weir_graph *graph, const weir_pass *pass, const weir__step *step, weir_error *error);

/// The running averages of a unit node, or NULL.
float *weir__node_unit_state(const weir__node *node, size_t *count);

/// Decides which nodes run on all row groups; after all nodes are built.
weir_status weir__groups_plan(weir_graph *graph, weir_error *error);
/// Rows of the node's output in this pass, and those that it runs on: a grouped node may read fewer than it writes.
size_t weir__node_rows(const weir_graph *graph, const weir__node *node);
size_t weir__run_rows(const weir_graph *graph, const weir__node *node);
/// Before a forward pass: how many groups it has, labels and targets of all of them.
weir_status weir__groups_begin(weir_graph *graph, const weir_pass *pass, weir_error *error);
/// After a node ran: repeats its output if others read it on all groups.
void weir__groups_repeat(const weir_graph *graph, weir__node *node);
/// After the loss: row_loss of the examples, and the weights of the groups.
void weir__groups_merge(weir_graph *graph);
/// dy of the node being run, times the weights of its rows in the loss: what its parameters' gradient is made of.
/// Returns the leading rows that matter: all of them if routed.
size_t weir__groups_weigh(const weir_graph *graph, weir__side *dy, bool routed);
/// narrow [examples][width] = (or +=) the weighted sum over groups of gradient [groups][examples][width].
void weir__groups_reduce(const weir_graph *graph, float *narrow, const float *gradient, size_t width, bool add);
/// The penalty of a unit node with pre-activations a, its gradient added to da: of its examples, or the mean of those
/// of the groups that count.
double weir__groups_penalty(const weir_graph *graph, const weir__node *node, const float *a, float *da);
/// Merges the losses of the last pass by the node's rule: loss [examples], weights [groups][examples].
void weir__node_unit_merge(const weir__node *node, const weir_graph *graph, float *loss, float *weights);

/// Error text prefix "node 'name' (kind)": fails with it.
weir_status weir__fail_node(weir_error *error, weir_status status, const weir__node *node, const char *format, ...)
    WEIR_PRINTF(4, 5);

#endif
