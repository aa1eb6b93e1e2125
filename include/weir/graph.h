// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file graph.h
/// A static network over a batch of rows: built once from a list of nodes, run many times.
///
/// All arrays are row-major float.
#ifndef WEIR_GRAPH_H
#define WEIR_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"
#include "system.h"
#include "units.h"

#ifdef __cplusplus
extern "C" {
#endif

/// One node, as a person writes it: a plain description. Zero or NULL means "not said". Strings are copied.
typedef struct weir_node {
    const char *name;  ///< unique, without a comma; not said: kind and index ("affine3")
    const char *kind;  ///< one of weir_kind_at: "input", "affine", "tanh", "unit", "gated-affine", …
    const char *from;  ///< the node it reads, or several, as "one, two", where its kind reads several; not said: the
                       ///< node before it
    const char *gates; ///< gated-affine: the unit node whose outputs are its gates
    size_t size;       ///< outputs per row: input, affine, gated-affine; elsewhere it follows from what is read
    size_t block;      ///< gated-affine: hidden units per gate, b ≥ 1 (not said: 1); the last block may be smaller
    const char *activation; ///< gated-affine, f before the gate multiplies: "linear" (not said), "rectifier", "tanh",
                            ///< "squared-rectifier", "gelu", "silu"; or of pairs f(a)·u, see weir_tensor: "glu" (f = σ),
                            ///< "reglu" (rectifier), "geglu" (gelu), "swiglu" (silu)
    const char *rule;       ///< unit: what weir_unit_parse reads
    double target;          ///< unit: share of these gates to be open, in (0, 1), in place of train.sparsity.target and
                            ///< train_target; not said: these
    double dropout;         ///< dropout: probability of 0, in [0, 1)
    size_t shift;           ///< shift: most pixels that a square image moves in each direction
    const char *closed; ///< gated-affine, for rules that read ∂L/∂h of closed gates: "all", "none" or "sample" (not
                        ///< said: all). Rules with WEIR_TRAIT_SKIPS never look at these. For all rules: "default", a
                        ///< running average of the block's experts in the place of a closed one, in use as in training,
                        ///< weighed by the chance that the gate opens or, for variables of several outputs, softmax(a),
                        ///< by which it teaches the gater.
    double closed_share; ///< "sample": share q in (0, 1] of closed gates that are evaluated, in the mean. They are chosen
                         ///< in the backward pass, by |∂L/∂y|, and corrected for their chance; a running average of the
                         ///< block's experts stands for the others. The mean is the gradient of "all".
    double init;         ///< initial weights uniform in ±init·√(6/(fan_in + fan_out)); not said: 1.
                         ///< Of an embedding: variance init²; of a norm: its gain
    size_t init_inputs;  ///< that many non-zero inputs per unit at the start; not said: all
    double bias;         ///< initial bias
    double rate;         ///< factor of the learning rate for its parameters; not said: 1
    double max_norm;     ///< most that the L2 norm of a unit's incoming weights may be; not said: unlimited
    size_t vocabulary;   ///< embedding: rows of its table; token numbers are below it
    size_t dimension;    ///< embedding: outputs per token; its outputs are as many as the tokens that it reads times this
} weir_node;

/// What is true of a kind of node; or-ed together in weir_kind.traits.
typedef enum weir_kind_trait {
    WEIR_KIND_INPUT = 1 << 0,   ///< its outputs are the rows of the batch; it reads no node and is the first one
    WEIR_KIND_LOSS = 1 << 1,    ///< gives a loss per row; it is the last node
    WEIR_KIND_UNITS = 1 << 2,   ///< stochastic units: it needs a rule, has a threshold, and can be the gates of a layer
    WEIR_KIND_GATED = 1 << 3,   ///< its output is multiplied by gates, block by block; closed blocks are not computed
    WEIR_KIND_WEIGHTS = 1 << 4, ///< has a weight for each pair of an output and an input, size x size of what it reads
    WEIR_KIND_SEVERAL = 1 << 5, ///< may read several nodes
    /// Its loss is -log of a probability of what it takes, and its outputs are probabilities: a network is judged by
    /// its error or its likelihood. A loss without it compares values: a network is judged by how far these are off.
    WEIR_KIND_LIKELIHOOD = 1 << 6,
} weir_kind_trait;

/// What a loss compares its outputs with.
typedef enum weir_takes {
    WEIR_TAKES_NOTHING, ///< no loss
    WEIR_TAKES_LABELS,  ///< weir_pass.labels: a class per row; the outputs are the probabilities of the classes
    WEIR_TAKES_TARGETS, ///< weir_pass.targets: a value per output
} weir_takes;

/// What a kind of node is: for --help, for error messages, and for whoever treats nodes by what they do.
typedef struct weir_kind {
    const char *name;
    const char *summary;
    const char *equation;
    unsigned traits; ///< weir_kind_trait bits
    weir_takes takes;
    const char *synonyms[4]; ///< other words for it that configurations accept ("relu"); the last is NULL
} weir_kind;

/// Number of kinds and the kind at index (NULL beyond).
WEIR_API size_t weir_kind_count(void);
WEIR_API const weir_kind *weir_kind_at(size_t index);
/// The kind of that name, or NULL.
WEIR_API const weir_kind *weir_kind_find(const char *name);

/// What a tensor is to the node that it belongs to.
typedef enum weir_role {
    WEIR_ROLE_WEIGHT, ///< [outputs][inputs], multiplies; weight decay and max_norm apply; a file has two dimensions
    WEIR_ROLE_BIAS,   ///< [outputs][1], is added; neither applies; a file has one dimension
    WEIR_ROLE_AVERAGE, ///< [outputs][1], a running average: training moves it, no gradient does; a file has one dimension
    WEIR_ROLE_GAIN,   ///< [outputs][1], multiplies each output; neither applies; a file has one dimension
    WEIR_ROLE_TABLE,  ///< [entries][outputs], its rows are outputs; max_norm applies to a row; a file has two dimensions.
                      ///< Always in fp32. Rows without a gradient do not move, nor do their moving averages
} weir_role;

/// A parameter or gradient array inside the flat one: values[offset … offset + rows·columns).
///
/// Memory order: strips of block_rows rows; inside a strip, tiles of block_columns columns; inside a tile row-major.
/// With block_columns == columns that is plain row-major [rows][columns] (PyTorch's Linear.weight: [out][in]).
/// Files always hold plain row-major; weir_graph_values_get and its neighbours convert.
///
/// A gated layer of pairs ("swiglu" and its kind) has two rows for each output: block j of b outputs has rows
/// 2·j·b … 2·j·b + b − 1 for a, and the b rows behind these for u.
typedef struct weir_tensor {
    const char *name; ///< "experts.weight", "experts.bias"
    weir_role role;
    size_t rows, columns; ///< outputs and inputs; a bias has columns == 1
    size_t block_rows, block_columns;
    size_t offset;          ///< index of its first value in the flat arrays; a multiple of 16 (64 bytes)
    size_t node;            ///< index of the node that it belongs to
    double rate, max_norm;  ///< as in the node; max_norm 0 for biases
    const uint8_t *touched; ///< [tiles in memory order] 1 where the last backward wrote a gradient: elsewhere the
                            ///< gradient is exactly 0 and was not visited. NULL: all
} weir_tensor;

/// The flat arrays. values and gradients have count floats, 64-byte aligned, owned by the graph; padding
/// between tensors stays 0.
typedef struct weir_parameters {
    float *values;
    float *gradients;
    size_t count;
    const weir_tensor *tensors;
    size_t tensor_count;
} weir_parameters;

/// The flat arrays, to be read only.
typedef struct weir_parameters_view {
    const float *values;
    const float *gradients;
    size_t count;
    const weir_tensor *tensors;
    size_t tensor_count;
} weir_parameters_view;

/// Nodes, parameters and the arrays of a batch. One thread uses a graph at a time (for more than one:
/// weir_graph_share); its calls use weir_threads() threads inside.
typedef struct weir_graph weir_graph;
struct weir_custom_kind;

/// How a graph is made; from weir_graph_options_default.
typedef struct weir_graph_options {
    size_t max_rows;          ///< most rows of a batch, in 1 … 2²⁰
    uint64_t seed;            ///< of the initial parameters
    bool training;            ///< false: no gradients, no backward (less memory)
    weir_precision precision; ///< of all products with weights; see weir_graph_precision_use
    int threads;              ///< see weir_graph_threads_use
    bool batch_invariant;     ///< see weir_graph_batch_invariant_use; not in a graph for training
    /// [kind_count] kinds of one's own that nodes may name (weir/kind.h), copied; NULL: none.
    const struct weir_custom_kind *kinds;
    size_t kind_count;
    bool input_gradients; ///< backward passes give ∂L/∂inputs, too: weir_graph_input_gradients
    /// [rule_count] rules of one's own that unit nodes may name, before those of the library, each held to
    /// weir_rule_check; the array is read while a graph is made, the descriptors live as long as it. NULL: none.
    const weir_rule *const *rules;
    size_t rule_count;
} weir_graph_options;
WEIR_API weir_graph_options weir_graph_options_default(size_t max_rows);

/// Builds a graph from nodes (each reads only nodes before it; at most one loss node, the last). The graph
/// copies the description. *graph is NULL after an error: WEIR_SHAPE, WEIR_ARGUMENT, WEIR_NOT_FOUND or
/// WEIR_MEMORY, with the node named in the text. Free with weir_graph_free.
WEIR_API weir_status weir_graph_create(weir_graph **graph, const weir_node *nodes, size_t count,
                                       const weir_graph_options *options, weir_error *error);
WEIR_API void weir_graph_free(weir_graph *graph);

/// Makes a context: a graph over the same nodes and the parameters of a model, which it only reads. What it has of its
/// own are the arrays of a batch of max_rows rows, thresholds, unit states and the scale, copied from the model now. So
/// one model in memory serves many threads, each with a context, at the same time and with the same bits as alone. A
/// context is a graph in everything but training; WEIR_ARGUMENT for a max_rows outside 1 … 2²⁰, WEIR_MEMORY.
///
/// While a model has contexts, none of these graphs may change its parameters: weir_graph_values_set,
/// weir_graph_precision_use and training steps are WEIR_ARGUMENT, weir_graph_parameters returns NULL arrays.
/// weir_graph_parameters_read works in each. They are freed in any order, by any thread: the last one takes the
/// parameters with it. The call itself uses the model, which no other thread uses at that moment unless it only runs
/// passes in contexts made before.
WEIR_API weir_status weir_graph_share(weir_graph **context, weir_graph *model, size_t max_rows, weir_error *error);

/// The description, complete: names, sizes and defaults filled in.
WEIR_API const weir_node *weir_graph_nodes(const weir_graph *graph, size_t *count);
/// Index of the node of that name, or SIZE_MAX.
WEIR_API size_t weir_graph_find(const weir_graph *graph, const char *name);
/// The kind of a node; NULL when there is no such node.
WEIR_API const weir_kind *weir_graph_kind(const weir_graph *graph, size_t node);
/// The node that a node reads at place k = 0, 1, …, and the node whose outputs are its gates; SIZE_MAX when there is
/// none.
WEIR_API size_t weir_graph_reads(const weir_graph *graph, size_t node, size_t k);
WEIR_API size_t weir_graph_gates(const weir_graph *graph, size_t node);
/// The flat parameter and gradient arrays (gradients NULL when not training), to be changed. Values may be read and
/// changed until the next pass or training step; after it, ask again: passes keep copies of weights, rounded or in
/// another order, which this call makes stale, and steps in bf16 move weights in a form of their own, from which the
/// values are made when they are asked for. Who only reads takes weir_graph_parameters_read.
WEIR_API weir_parameters weir_graph_parameters(weir_graph *graph);
/// The flat arrays, to be read until the next pass or training step: as weir_graph_parameters, but the graph's copies
/// of weights stay as good as they are.
WEIR_API weir_parameters_view weir_graph_parameters_read(weir_graph *graph);

/// Copies the values of one tensor to plain [rows][columns], row-major, or from there: whatever the memory order and
/// the precision are. tensor is an index into weir_parameters.tensors; one that the graph does not have is
/// WEIR_ARGUMENT.
WEIR_API weir_status weir_graph_values_get(const weir_graph *graph, float *plain, size_t tensor, weir_error *error);
WEIR_API weir_status weir_graph_values_set(weir_graph *graph, size_t tensor, const float *plain, weir_error *error);
/// Copies the gradient of one tensor, as the last weir_graph_backward left it, to plain [rows][columns]. WEIR_ARGUMENT
/// too where the graph was not made for training.
WEIR_API weir_status weir_graph_gradients_get(const weir_graph *graph, float *plain, size_t tensor, weir_error *error);
/// Whether the loss depends on a tensor in a way that backward passes follow; else nothing but weight decay ever moves
/// it: the output of its node reaches no loss (nor the last node), or only through a kind without a backward function.
WEIR_API bool weir_graph_learns(const weir_graph *graph, size_t tensor);
/// Chooses the precision of all later passes. With WEIR_BFLOAT16 the weights are kept once more, rounded (2 bytes
/// beside the 4 of each; in a graph for training 4, see weir_graph_parameters), and products with them round what they
/// read; parameters, gradients, outputs and sums stay
/// floats. WEIR_MEMORY: the precision is then as before.
WEIR_API weir_status weir_graph_precision_use(weir_graph *graph, weir_precision precision, weir_error *error);
WEIR_API weir_precision weir_graph_precision(const weir_graph *graph);
/// Threads that later passes and steps of this graph use, at most WEIR_THREADS_MOST; 0: as many as weir_threads() says
/// when they begin. Results have the same bits for any number (but see weir_threads_use). WEIR_ARGUMENT: less than 0,
/// or more.
WEIR_API weir_status weir_graph_threads_use(weir_graph *graph, int threads, weir_error *error);
/// Whether each row of later passes has the bits that it has alone, whatever other rows are in its batch and however
/// many. Rows are then run one after the other: a batch takes what its rows take by themselves, 2 to 5 times as
/// long as together (bench/batch_invariant.c: the built-in networks, batches of 8 to 256). Otherwise the last bits of a
/// row may depend on the batch: products of many rows add in another order than those of few. WEIR_ARGUMENT: the graph was made for training.
WEIR_API weir_status weir_graph_batch_invariant_use(weir_graph *graph, bool batch_invariant, weir_error *error);
/// The unit of a unit node and its running averages [rule->state][size], or NULL.
WEIR_API const weir_unit *weir_graph_unit(const weir_graph *graph, size_t node);
WEIR_API float *weir_graph_unit_state(weir_graph *graph, size_t node, size_t *count);

/// How the units of a pass get their outputs.
typedef enum weir_mode {
    WEIR_MODE_SAMPLE, ///< drawn (training); dropout and shift active
    WEIR_MODE_DECIDE, ///< deterministic, closed at or under the node's threshold (test time)
    WEIR_MODE_EXPECT, ///< the mean
    WEIR_MODE_OPEN,   ///< every gate is 1, the gater is not run, all experts are computed by the dense product
    WEIR_MODE_DRAW    ///< drawn as by a finished network: weir_rule.draw; dropout and shift off, closed gates skipped
} weir_mode;

/// One batch. inputs [rows][input size]; for a loss node labels [rows] (softmax-cross-entropy) or targets
/// [rows][size] (the others): both NULL means that no loss is computed. What is random is a function of seed, step,
/// node and unit, and of the row's own number first_row + r: a row draws the same in any batch. Numbers end before 2³²
/// where something is drawn (else WEIR_ARGUMENT). Errors name rows by them.
typedef struct weir_pass {
    weir_mode mode;
    size_t rows;
    const float *inputs;
    const int32_t *labels;
    const float *targets;
    uint64_t seed;
    uint32_t step;
    size_t first_row; ///< number of the first row among all rows that the seed is for; 0: the batch stands alone
} weir_pass;

/// Runs the graph on a batch. WEIR_SHAPE (more rows than max_rows), WEIR_DATA (label out of range; an input or target
/// that is not finite), WEIR_DIVERGED (an output of some node is not finite: the text names node, row and output, each
/// counted from 0). Nothing is predicted then: the graph has no outputs until its next pass.
WEIR_API weir_status weir_graph_forward(weir_graph *graph, const weir_pass *pass, weir_error *error);

/// Gradients of the mean loss over the batch of the last forward pass, which must have been the same pass (the same
/// arrays, unchanged) in sample mode with a loss: else WEIR_ARGUMENT. Writes the gradients of all parameters (does not
/// add). Cost: only open (row, block) pairs.
WEIR_API weir_status weir_graph_backward(weir_graph *graph, const weir_pass *pass, weir_error *error);

/// Backward for a network without a loss, as a part of a larger one: output_gradients [rows][size] is ∂L/∂output of the
/// last node, from outside, of whatever L is. loss [rows] is L of each row, for rules that estimate gradients from it
/// (WEIR_TRAIT_USES_LOSS); L is then the mean of the rows, and output_gradients has its factor 1/rows. NULL: no unit
/// has such a rule, else WEIR_ARGUMENT. Otherwise as weir_graph_backward. WEIR_UNSUPPORTED: a rule that evaluates the
/// loss several times per example.
WEIR_API weir_status weir_graph_backward_from(weir_graph *graph, const weir_pass *pass, const float *output_gradients,
                                              const float *loss, weir_error *error);
/// ∂L/∂inputs [rows][input size] of the last backward pass, owned by the graph, valid until its next pass. NULL unless
/// the graph was made with input_gradients, and when nothing that the loss depends on passes a gradient to the inputs.
WEIR_API const float *weir_graph_input_gradients(const weir_graph *graph);

/// Loss per row [rows] of the last forward pass (penalties not included), or NULL. Owned by the graph.
WEIR_API const float *weir_graph_loss(const weir_graph *graph);
/// Mean loss of the last forward pass plus the penalties of its last backward pass; NaN without a loss.
WEIR_API double weir_graph_mean_loss(const weir_graph *graph);
WEIR_API double weir_graph_penalty(const weir_graph *graph);

/// Output of a node for the last pass, dense [rows][size] (a compact one is spread out, zeros where closed). For
/// the loss node: softmax-cross-entropy gives the class probabilities, bernoulli-cross-entropy σ(input). Owned by the
/// graph, valid until the next call with the same graph (of an input node, in other modes than sample: the pass's own
/// inputs, valid as long as the caller keeps them); NULL when the node was not run or memory is short.
WEIR_API const float *weir_graph_output(weir_graph *graph, size_t node);

struct weir_scale;
/// The scale of the rows that the graph was trained on (weir/data.h), NULL where nobody has said. A pass does not apply
/// it: inputs are values as weir_rows_copy gives them after weir_rows_scale. weir_trainer_create sets it, model files
/// keep it. The setter copies it; NULL takes it away.
WEIR_API const struct weir_scale *weir_graph_scale(const weir_graph *graph);
WEIR_API weir_status weir_graph_scale_set(weir_graph *graph, const struct weir_scale *scale, weir_error *error);

struct weir_names;
/// What columns, classes and targets are called (weir/names.h), NULL where nobody has said. weir_trainer_create sets
/// them from the data set, model files keep them. The setter copies them; NULL takes them away. WEIR_SHAPE when there
/// are other than the network's inputs many columns, or more classes or targets than outputs.
WEIR_API const struct weir_names *weir_graph_names(const weir_graph *graph);
WEIR_API weir_status weir_graph_names_set(weir_graph *graph, const struct weir_names *names, weir_error *error);

/// Threshold of a unit node for WEIR_MODE_DECIDE, in units of the pre-activation a (default 0; any number, infinity
/// included). WEIR_ARGUMENT when there is no such node, or it has no units. The getter gives 0 then.
WEIR_API weir_status weir_graph_threshold_set(weir_graph *graph, size_t node, float threshold, weir_error *error);
WEIR_API float weir_graph_threshold(const weir_graph *graph, size_t node);

/// A term added to the loss at a unit node: called in backward with rows×units arrays a and h, it adds its gradient
/// with respect to a (of the term itself, not divided further) to da and returns its value.
typedef double (*weir_penalty)(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a,
                               const float *h, float *da);
/// Attaches a penalty to a unit node (NULL removes it). The context belongs to the caller. WEIR_ARGUMENT when there is
/// no such node, or it has no units.
WEIR_API weir_status weir_graph_penalty_set(weir_graph *graph, size_t node, weir_penalty penalty, void *context,
                                            weir_error *error);

/// Work of the passes since the last weir_graph_counters_reset: multiply-adds, counted from shapes and routes.
typedef struct weir_counters {
    uint64_t rows;          ///< rows that went forward
    uint64_t forward_dense; ///< what a network without gates would do: main path, gater left out
    uint64_t forward_done;  ///< what was done on the main path
    uint64_t forward_gater; ///< what was done in the gater (all nodes that only gates need)
    uint64_t backward_dense, backward_done, backward_gater;
    uint64_t gates, gates_open;   ///< (row, gate) pairs of units that gate a layer, and those with h ≠ 0
    uint64_t blocks, blocks_read; ///< (batch, block) pairs, and those with at least one row evaluated
} weir_counters;
WEIR_API weir_counters weir_graph_counters(const weir_graph *graph);
WEIR_API void weir_graph_counters_reset(weir_graph *graph);
/// The work of one node, as weir_graph_counters counts it.
WEIR_API weir_counters weir_graph_node_counters(const weir_graph *graph, size_t node);

/// Multiply-adds per row that a node is expected to take, in passes that decide or draw gates.
typedef struct weir_work {
    double dense; ///< with all gates open
    double open;  ///< with that share of the gates open, those of different layers independent of each other
    bool gater;   ///< only gates need it: weir_counters counts `open` as forward_gater; else dense as forward_dense and
                  ///< open as forward_done
} weir_work;
/// The expectation of what weir_graph_node_counters counts forward; zeros when there is no such node.
WEIR_API weir_work weir_graph_work(const weir_graph *graph, size_t node, double share);

/// Where the time of training steps goes: wall-clock seconds of one node since weir_graph_profile, by phase.
typedef struct weir_seconds {
    double forward, backward;
    double update; ///< moving its parameters, with their gradients where these are summed on the way (training only);
                   ///< where that is one pass with the gradient of its input, it is in backward
} weir_seconds;
/// Begins (or, with false, ends) the measuring of all nodes, all from 0: two looks at a clock per node and phase.
WEIR_API void weir_graph_profile(weir_graph *graph, bool on);
/// Zeros for a graph that was never measured.
WEIR_API weir_seconds weir_graph_node_seconds(const weir_graph *graph, size_t node);

/// What weir_gradient_check found.
typedef struct weir_gradient_report {
    double error;             ///< greatest relative error of a directional derivative over the tensors checked
    char worst[96];           ///< tensor that it belongs to
    double analytic, numeric; ///< both values there
    size_t checked, skipped;  ///< tensors; skipped are those upstream of units whose backward is not the derivative:
                              ///< rules that lack WEIR_TRAIT_PATHWISE or WEIR_TRAIT_UNBIASED;
                              ///< and running averages (WEIR_ROLE_AVERAGE), which no gradient moves
} weir_gradient_report;

/// Compares backward with central differences of the mean loss (penalties included) along `directions` random
/// directions per tensor, noise held fixed (same seed and step). The components of a direction have the gradient's
/// signs, so that the derivative is not small by cancellation. Relative error |analytic − numeric| / max(|analytic|,
/// |numeric|, 1e-3·scale), scale the largest derivative found: under 0.003 for smooth networks, 0.01 with rectifiers,
/// from the rounding of the losses and from kinks. The pass is in sample mode, with a loss. Parameters and unit states
/// are restored. Nothing differentiable found is WEIR_ARGUMENT, not a pass; so is a graph in bf16, in which the small
/// steps of the differences are rounded away.
WEIR_API weir_status weir_gradient_check(weir_graph *graph, weir_gradient_report *report, const weir_pass *pass,
                                         int directions, weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
