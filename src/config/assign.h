// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file assign.h
/// Settings given as "key=value".
#ifndef WEIR_ASSIGN_H
#define WEIR_ASSIGN_H

#include "settings.h"

/// What an assignment sets.
typedef struct weir__target {
    const weir__field *field;
    void *object;      ///< the struct that it is a field of: in the configuration, or one of its nodes
    const char *value; ///< the text after "="
} weir__target;

/// Finds what "key=value" means in a configuration. key is
/// - the whole path: "train.optimizer.rate";
/// - of a node: "network.NODE.key" or "NODE.key"; a node without a name is called by kind and number ("tanh3");
/// - the end of a path where only one setting ends so: "epochs", "optimizer.rate".
/// WEIR_CONFIG when there is no such setting (the nearest is named) or several (all are named).
weir_status weir__target_find(weir__target *target, weir_config *config, const char *assignment, weir_error *error);

/// Finds and sets it. Strings are copied to the arena.
weir_status weir__assign(weir_config *config, const char *assignment, weir__arena *arena, weir_error *error);

/// Name of a node as settings and errors call it, in a buffer of the caller.
const char *weir__node_name(const weir_config *config, size_t index, char *buffer, size_t size);

#endif
