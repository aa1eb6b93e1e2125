// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file nodes.h
/// The descriptors of all kinds of nodes, each defined in the file of its name.
#ifndef WEIR_NODES_H
#define WEIR_NODES_H

#include "../graph.h"

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

#endif
