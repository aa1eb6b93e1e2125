// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file document.h
/// A configuration as text: what stands in a YAML file, before anything is given a type.
#ifndef WEIR_DOCUMENT_H
#define WEIR_DOCUMENT_H

#include <weir/status.h>

#include "settings.h"

/// What a file says for one key.
typedef struct weir__said {
    const char *text; ///< NULL: nothing
    unsigned line;    ///< of the key, from 1; 0: it does not stand there
    const char *word; ///< the synonym under which it stands; NULL: its own key
} weir__said;

/// A node, by index in weir__node_fields.
typedef struct weir__document_node {
    unsigned line;
    weir__said field[weir__node_settings_most];
} weir__document_node;

/// Settings ("key=value") that are applied when the rule is the one named.
typedef struct weir__variant {
    weir__said rule, *set;
    unsigned set_count;
} weir__variant;

/// Settings by index of weir__setting_at.
typedef struct weir__document {
    weir__said setting[weir__settings_most];
    weir__document_node *nodes;
    unsigned node_count;
    weir__variant *variants;
    unsigned variant_count;
} weir__document;

/// Reads YAML; everything in *document lives in the arena. Unknown keys and wrong structure are errors: WEIR_CONFIG with
/// name, line, key and what was expected.
weir_status weir__document_load(weir__document *document, const char *text, const char *name, weir__arena *arena,
                                weir_error *error);
/// Writes settings and nodes as YAML, freed by weir__free.
weir_status weir__document_save(const weir__document *document, char **text, weir_error *error);

#endif
