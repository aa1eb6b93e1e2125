// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file graph.h
/// The inside of a graph for other folders.
#ifndef WEIR_GRAPH_INTERNAL_H
#define WEIR_GRAPH_INTERNAL_H

#include "counters.h"
#include "flow.h"
#include "groups.h"
#include "node.h"
#include "run.h"
#include "tensor.h"

#endif
