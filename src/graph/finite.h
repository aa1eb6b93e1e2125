// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#ifndef WEIR_FINITE_H
#define WEIR_FINITE_H

#include "node.h"

/// Whether all values are finite.
bool weir__all_finite(const float *values, size_t count);
/// Fails unless the node's output of this pass is finite: WEIR_DATA for rows of the batch, else WEIR_DIVERGED, with the
/// node, the row and the output in the text. A gate takes NaN for closed and a loss gives classes to anything, so that
/// a number that is none must not reach them.
weir_status weir__check_finite(const weir_graph *graph, const weir__node *node, weir_error *error);
/// Fails unless all targets of the pass are finite: WEIR_DATA.
weir_status weir__check_targets(const weir_graph *graph, const weir_pass *pass, weir_error *error);

#endif
