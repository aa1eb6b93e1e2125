// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file nodes.h
/// The descriptors of all kinds of nodes, each defined in the file of its name.
#ifndef WEIR_NODES_H
#define WEIR_NODES_H

#include "../affine.h"
#include "../counters.h"
#include "../flow.h"
#include "../groups.h"
#include "../tensor.h"

extern const weir__kind weir__kind_input;
extern const weir__kind weir__kind_affine;
extern const weir__kind weir__kind_gated_affine;
extern const weir__kind weir__kind_tanh;
extern const weir__kind weir__kind_sigmoid;
extern const weir__kind weir__kind_rectifier;
extern const weir__kind weir__kind_dropout;
extern const weir__kind weir__kind_shift;
extern const weir__kind weir__kind_unit;
extern const weir__kind weir__kind_softmax_cross_entropy;
extern const weir__kind weir__kind_squared_error;
extern const weir__kind weir__kind_bernoulli_cross_entropy;

/// A linear map of rows that is drawn in sample mode and the identity elsewhere: to [rows][width] = the map of the pass
/// applied to from, or, back, its transpose. The same coordinates of the noise give the same map.
typedef void (*weir__noisy_map)(const weir_graph *graph, const weir__node *node, const weir_pass *pass, float *to,
                                const float *from, bool back);
/// forward and backward of a kind that is such a map.
weir_status weir__noisy_forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir__noisy_map map,
                                weir_error *error);
weir_status weir__noisy_backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir__noisy_map map,
                                 weir_error *error);

#endif
