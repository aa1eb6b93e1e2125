// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file nodes.h
/// The list of all kinds of nodes, each a descriptor at the end of a file here. A new kind is a file and a row below.
#ifndef WEIR_NODES_H
#define WEIR_NODES_H

#include "../affine.h"
#include "../counters.h"
#include "../flow.h"
#include "../groups.h"
#include "../tensor.h"

/// All kinds, in the order of help, a row each: X(name) stands for weir__kind_name.
#define WEIR__KINDS(X)                                                                                                 \
    X(input)                                                                                                           \
    X(embedding)                                                                                                       \
    X(affine)                                                                                                          \
    X(gated_affine)                                                                                                    \
    X(add)                                                                                                             \
    X(multiply)                                                                                                        \
    X(concatenate)                                                                                                     \
    X(tanh)                                                                                                            \
    X(sigmoid)                                                                                                         \
    X(rectifier)                                                                                                       \
    X(squared_rectifier)                                                                                               \
    X(gelu)                                                                                                            \
    X(silu)                                                                                                            \
    X(rms_norm)                                                                                                        \
    X(layer_norm)                                                                                                      \
    X(dropout)                                                                                                         \
    X(shift)                                                                                                           \
    X(unit)                                                                                                            \
    X(softmax_cross_entropy)                                                                                           \
    X(squared_error)                                                                                                   \
    X(bernoulli_cross_entropy)

#define WEIR__DECLARE(name) extern const weir__kind weir__kind_##name;
WEIR__KINDS(WEIR__DECLARE)
#undef WEIR__DECLARE

/// WEIR_DATA unless the labels of the pass, if any, are classes of the loss.
weir_status weir__check_labels(const weir__node *node, const weir_pass *pass, weir_error *error);

/// Gives a node the size of what it reads; WEIR_SHAPE where these have several. does: what for, "adds".
weir_status weir__one_size(weir__node *node, const char *does, weir_error *error);

/// A linear map of rows that is drawn in sample mode and the identity elsewhere: to [rows][width] = the map of the pass
/// applied to from, or, back, its transpose. Equal coordinates of the noise give the same map. Row groups of one
/// example have one draw (row % examples): it is part of the loss that they are evaluations of.
typedef struct weir__noisy_rows {
    const weir__node *node;
    weir_noise noise;
    size_t examples;
    float *to;
    const float *from;
    bool back;
} weir__noisy_rows;
/// Such a map, a function of ranges of rows whose context is a weir__noisy_rows: `how` of a kind whose forward and
/// backward are these.
typedef struct weir__noisy_map {
    weir__range_function *map;
} weir__noisy_map;
weir_status weir__noisy_forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error);
weir_status weir__noisy_backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error);

#endif
