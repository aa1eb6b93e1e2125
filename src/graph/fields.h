// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file fields.h
/// The fields of weir_node, described once (fields.c): graphs check, complete, copy and free descriptions by this
/// table; configurations read and print nodes by it.
#ifndef WEIR_GRAPH_FIELDS_H
#define WEIR_GRAPH_FIELDS_H

#include <weir/graph.h>

#include "../core/field.h"

/// Fields that only some kinds of node take, by the bits of weir__kind.fields. A field of another kind is an error.
enum {
    WEIR__FIELD_SIZE = 1 << 0, // must be said; elsewhere it may be, if it is that of the node that is read
    WEIR__FIELD_GATES = 1 << 1,
    WEIR__FIELD_RULE = 1 << 2,
    WEIR__FIELD_DROPOUT = 1 << 3,
    WEIR__FIELD_PARAMETERS = 1 << 4,
    WEIR__FIELD_SHIFT = 1 << 5,
    WEIR__FIELD_VOCABULARY = 1 << 6,
};

/// Choices of the activation of a gated layer, in the order of weir__activation (nodes/gated.h).
#define WEIR__ACTIVATIONS "linear|rectifier|tanh|squared-rectifier|gelu|silu|glu|reglu|geglu|swiglu"
/// And those of what is done with closed gates.
#define WEIR__CLOSED "all|none|sample|default"

extern const weir__fields weir__node_fields;

/// A fact that conditions of these fields name: the rule of a gated layer's gates reads ∂L/∂h of closed ones.
#define WEIR__FACT_READS_CLOSED "closed gates read"
bool weir__rule_reads_closed(const weir_rule *rule);

/// Has descriptions that this thread reads name the kinds and rules of the caller's own that are in these options, too
/// (NULL: none), until weir__own_names_use gets what this returns.
const weir_graph_options *weir__own_names_use(const weir_graph_options *own);
/// The kind of that name, among those, too; or NULL.
const weir_kind *weir__kind_named(const char *name);

/// Bits of the fields in which a description says something, but of size.
unsigned weir__node_said(const weir_node *spec);
/// "gates, block, activation, closed or closed_share": the names of a bit's fields, in a buffer of the caller.
const char *weir__node_field_names(unsigned bit, char *buffer, size_t size);
/// Checks every value that is said. The error names the field, what was expected and what was found.
weir_status weir__node_check(const weir_node *spec, weir_error *error);
/// Copies the description, with the defaults of the fields that a kind of node takes (fields: its bits). Freed by
/// weir__fields_free, also after a failure.
weir_status weir__node_copy(weir_node *to, const weir_node *from, unsigned fields, weir_error *error);

#endif
