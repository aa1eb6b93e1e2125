// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file gated.h
/// What the files of the gated-affine node share: gated_affine.c builds and runs it, gated_route.c finds the pairs that
/// are evaluated, gated_apply.c multiplies experts by gates and goes back.
#ifndef WEIR_GATED_NODE_H
#define WEIR_GATED_NODE_H

#include "nodes.h"

/// f of experts f(W·x + b), as WEIR__ACTIVATIONS lists them. From the squared rectifier on, experts are kept as W·x +
/// b, from GLU on as pairs of a block each: f(a) ⊙ u.
typedef enum {
    WEIR__LINEAR,
    WEIR__RECTIFIER,
    WEIR__TANH,
    WEIR__SQUARED_RECTIFIER,
    WEIR__GELU,
    WEIR__SILU,
    WEIR__GLU,
    WEIR__REGLU,
    WEIR__GEGLU,
    WEIR__SWIGLU,
} weir__activation;
typedef enum { WEIR__CLOSED_ALL, WEIR__CLOSED_NONE, WEIR__CLOSED_SAMPLE, WEIR__CLOSED_DEFAULT } weir__closed;

/// Whether experts are kept as W·x + b.
static inline bool weir__is_kept(weir__activation f) { return f >= WEIR__SQUARED_RECTIFIER; }

/// The closed pairs that a backward pass evaluates ("sample").
typedef struct weir__sampled {
    weir__route route;            // of them
    weir__buffer chances;         // [rows][gates]: weights of closed pairs; then 1/π of those that are chosen, else 0
    weir__buffer scales;          // [gates]
    weir__buffer sums;            // [rows]
    weir__buffer experts, values; // [slots]: W·x + b, and f of it
} weir__sampled;

/// What stands for closed blocks ("default").
typedef struct weir__stand {
    weir__buffer weights, slopes; // [rows][gates]: g, and ∂g/∂a of units that are drawn alone
    weir__buffer values;          // of open pairs, where experts are kept as W·x + b
} weir__stand;

typedef struct weir__gated {
    weir__activation activation;
    weir__closed closed; // NONE also where the rule has no use for closed gates' gradient
    size_t gates;
    weir__route route;
    bool experts_dense;   // in this pass
    bool in_place;        // in this pass: the output overwrites them
    weir__buffer experts; // f(W·x + b), or W·x + b
    weir__buffer slope;   // ∂L/∂(W·x + b), compact or dense as the output is
    weir__sampled sampled;
    weir__stand stand;
    size_t average; // tensor of the blocks' running averages ("default")
} weir__gated;

/// Whether experts of open pairs lie in slots though the output is dense.
static inline bool weir__spreads(const weir__gated *gated) {
    return gated->closed == WEIR__CLOSED_DEFAULT && !gated->experts_dense;
}


/// Lists the pairs that this pass evaluates in gated->route: the open ones, and the closed ones whose gradient is
/// wanted.
weir_status weir__gated_route(const weir__node *node, const weir_pass *pass, weir__gated *gated, weir_error *error);
/// Counts the blocks of this pass, and those with at least one row.
void weir__gated_count(weir__node *node, const weir__gated *gated);

/// experts = f(experts), and the node's output = gates ⊙ experts.
void weir__gated_apply(const weir__node *node, const weir__gated *gated, const weir_pass *pass);
/// gated->slope from the node's gradient and, unless it is NULL, dgates [rows][gates]: ∂L/∂gate, 0 for pairs that were
/// not evaluated.
void weir__gated_differentiate(const weir__node *node, const weir__gated *gated, size_t rows, float *dgates);

/// values [slots][block] = f(experts) of the pairs of a route; experts, W·x + b, may be changed.
void weir__gated_values(const weir__node *node, const weir__gated *gated, const weir__route *route, float *experts,
                        float *values);

/// "sample" (gated_closed.c): the running averages, and ∂L/∂gate of all closed pairs, of which a share is evaluated.
weir_status weir__closed_declare(weir__node *node, const weir__gated *gated, weir_error *error);
weir_status weir__closed_sample(weir_graph *graph, weir__node *node, const weir_pass *pass, weir__gated *gated,
                                float *dgates, weir_error *error);
void weir__closed_free(weir__gated *gated);

/// "default" (gated_default.c): the blocks' averages; the output of closed blocks, before weir__gated_apply; and what
/// they teach the gater and learn from the rows at hand, after weir__gated_differentiate.
weir_status weir__default_declare(weir_graph *graph, weir__node *node, weir__gated *gated, weir_error *error);
weir_status weir__default_fill(weir_graph *graph, weir__node *node, weir__gated *gated, size_t rows, weir_error *error);
weir_status weir__default_teach(weir_graph *graph, weir__node *node, weir__gated *gated, size_t rows,
                                weir_error *error);
void weir__default_free(weir__gated *gated);

#endif
