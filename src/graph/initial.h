// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#ifndef WEIR_INITIAL_H
#define WEIR_INITIAL_H

#include "node.h"

/// Fills the values from the seed.
weir_status weir__initial_parameters(weir_graph *graph, weir_error *error);

#endif
