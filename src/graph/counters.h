// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file counters.h
/// Work that nodes do, and time that they take.
#ifndef WEIR_COUNTERS_H
#define WEIR_COUNTERS_H

#include "node.h"

/// Adds multiply-adds to the node's counters.
void weir__count_forward(weir__node *node, uint64_t dense, uint64_t done);
void weir__count_backward(weir__node *node, uint64_t dense, uint64_t done);

/// A clock for profiles, in seconds; 0 without one.
double weir__profile_clock(const weir_graph *graph);

#endif
