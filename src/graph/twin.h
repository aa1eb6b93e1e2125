// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file twin.h
/// The gated twin of a network: the same nodes, but that the hidden units of dense layers stand in blocks behind gates.
///
/// A hidden layer is an affine node whose one reader is a function that a gated layer has, too, and whose outputs, by way
/// of that function and of dropout, only affine nodes read. In the twin a gated layer of its name stands in its place, with
/// "NAME-narrow", "NAME-tanh", "NAME-gater" and "NAME-gates" before it.
#ifndef WEIR_TWIN_H
#define WEIR_TWIN_H

#include <weir/graph.h>

#include "../core/arena.h"

/// A layer that is to have gates.
typedef struct weir__twin_layer {
    size_t affine, function;  ///< nodes of the dense network
    size_t gater, gates;      ///< nodes of the twin: the affine node that the gates read, and these
    size_t reads;             ///< the node of the twin that layer and gater read
    size_t blocks;
} weir__twin_layer;

/// Zero-initialise; free with weir__twin_free.
typedef struct weir__twin {
    weir_node *nodes;
    size_t count;
    weir__twin_layer *layers;
    size_t layer_count;
    size_t *units_of; ///< [nodes of the dense network] the layer whose hidden units a node reads as its inputs; SIZE_MAX
    weir__arena arena; ///< owns all of it
} weir__twin;

/// Describes the twin of a graph: blocks of `block` units, gaters of `narrow` units and a rule for the gates. names: the
/// affine nodes that are meant, as "one, two"; NULL: all that can be. WEIR_NOT_FOUND: none is one, or a name is none
/// of them, which says why.
weir_status weir__twin_describe(weir__twin *twin, const weir_graph *dense, size_t block, size_t narrow, const char *rule,
                                const char *names, weir_error *error);
/// The network that a gater of `inputs` values is trained in by itself, to tell targets of `blocks` gates: its nodes are
/// called as in the twin of a layer of the name "x".
enum { WEIR__GATER_NODES = 5 };
void weir__twin_gater(weir_node nodes[WEIR__GATER_NODES], size_t inputs, size_t narrow, size_t blocks);
void weir__twin_free(weir__twin *twin);

#endif
