// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file scratch.h
/// Memory for the time of a product, shared by all layers: what the last product used is still in cache for the next.
#ifndef WEIR_SCRATCH_H
#define WEIR_SCRATCH_H

#include "product.h"

/// A layer is made, or freed: with the last one goes all memory that nobody has borrowed. Any thread.
void weir__scratch_join(void);
void weir__scratch_leave(void);

/// Borrows: what was given back last, or new memory. NULL: out of memory. Any thread.
weir__scratch *weir__scratch_borrow(weir_error *error);
/// Gives back; NULL: nothing.
void weir__scratch_return(weir__scratch *scratch);

#endif
