// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file document.h
/// A configuration as text: what stands in a YAML file, before anything is given a type.
#ifndef WEIR_DOCUMENT_H
#define WEIR_DOCUMENT_H

#include <weir/status.h>

#include "settings.h"
#include "synonyms.h"

/// Texts of a node, by index in weir__node_fields; NULL: not said.
typedef struct weir__document_node {
    char *text[weir__node_settings_most];
} weir__document_node;

/// Settings ("key=value") that are applied when the rule is the one named.
typedef struct weir__variant {
    char *rule;
    char **set;
    unsigned set_count;
} weir__variant;

/// Texts by index of weir__setting_at; NULL: not said.
typedef struct weir__document {
    char *text[weir__settings_most];
    char *synonym[weir__synonyms_most]; ///< by index of weir_synonym_at; moved to text when it is loaded
    weir__document_node *nodes;
    unsigned node_count;
    weir__variant *variants;
    unsigned variant_count;
} weir__document;

/// Reads YAML by libcyaml; everything in *document lives in the arena. Unknown keys and wrong structure are errors:
/// WEIR_CONFIG with name, line, key and what was expected.
weir_status weir__document_load(weir__document **document, const char *text, const char *name, weir__arena *arena,
                                weir_error *error);
/// Writes YAML, freed by weir__free.
weir_status weir__document_save(const weir__document *document, char **text, weir_error *error);

/// The text with each list of plain words behind the key ("from: [one, two]") as one text ("one, two"), in the arena.
weir_status weir__yaml_join_lists(char **joined, const char *text, const char *key, weir__arena *arena,
                                  weir_error *error);

/// Line, from 1, where the value of a path stands in a YAML text ("train.optimizer.rate", "network.2.size" with entries
/// counted from 0), or where the text stops being YAML; 0 when there is neither. Then problem, unless NULL, receives
/// what is wrong there, else "".
unsigned weir__yaml_line(const char *text, const char *path, char *problem, size_t size);

#endif
