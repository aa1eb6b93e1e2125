// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#ifndef WEIR_CUSTOM_H
#define WEIR_CUSTOM_H

#include <weir/kind.h>

#include "../node.h"

/// A kind of one's own, as a row of the table of kinds is.
struct weir__custom {
    weir__kind kind; // first: a node's kind is the address of this
    weir_custom_kind own;
};

/// WEIR_ARGUMENT when the descriptor is incomplete or contradicts itself.
weir_status weir__custom_init(weir__custom *custom, const weir_custom_kind *own, weir_error *error);

#endif
