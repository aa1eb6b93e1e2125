// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#ifndef WEIR_KINDS_H
#define WEIR_KINDS_H

#include "node.h"

/// The kind of that name, or NULL.
const weir__kind *weir__kind_find(const char *name);

#endif
