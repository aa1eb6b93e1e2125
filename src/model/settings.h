// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file settings.h
/// Every setting of a configuration in one table, which drives the YAML schema, "key=value", printing and help.
#ifndef WEIR_SETTINGS_H
#define WEIR_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/model.h>

#include "arena.h"

typedef enum weir__setting_type {
    WEIR__SECTION,  ///< holds the settings whose paths continue its own
    WEIR__NODES,    ///< the list of nodes
    WEIR__VARIANTS, ///< the list of variants
    WEIR__TEXT,     ///< const char *
    WEIR__CHOICE,   ///< const char *, one of choices
    WEIR__KIND,     ///< const char *, a kind of node
    WEIR__RULE,     ///< const char *, what weir_unit_parse reads
    WEIR__NAME,     ///< const char *, a name that can stand in a path
    WEIR__SIZE,     ///< size_t
    WEIR__SEED,     ///< uint64_t
    WEIR__INTEGER,  ///< int
    WEIR__NUMBER,   ///< double
    WEIR__FLAG      ///< bool
} weir__setting_type;

/// An interval, each end in it or not, and its text ("a number > 0").
typedef struct weir__range {
    double least, greatest;
    bool without_least, without_greatest;
    const char *text;
} weir__range;

typedef struct weir__setting {
    const char *path; ///< "train.optimizer.rate"; of a node: "rate"
    weir__setting_type type;
    size_t offset;            ///< in weir_config, or in weir_node
    const weir__range *range; ///< of SIZE, INTEGER and NUMBER
    const char *choices;      ///< of CHOICE: "sgd|momentum|adam"
    const char *about;
} weir__setting;

enum { weir__settings_most = 64, weir__node_settings_most = 24 };

/// The settings of a configuration, and those of one node.
extern const weir__setting weir__settings[];
extern const size_t weir__setting_count;
extern const weir__setting weir__node_settings[];
extern const size_t weir__node_setting_count;

/// The last component of a setting's path.
const char *weir__setting_key(const weir__setting *setting);
/// Whether it holds a value, and is no section or list.
bool weir__setting_is_value(const weir__setting *setting);

/// Reads text into the setting's field of *object (a weir_config or weir_node); strings are copied to the arena. The
/// error says only what was expected and found: the caller puts file and key before it.
weir_status weir__setting_set(const weir__setting *setting, void *object, const char *text, weir__arena *arena,
                              weir_error *error);

/// The text that weir__setting_set reads back to exactly the same value, in the arena; *text is NULL when the field is
/// "not said" (a NULL string; for nodes also a zero).
weir_status weir__setting_print(const weir__setting *setting, const void *object, bool zero_is_unsaid,
                                weir__arena *arena, char **text, weir_error *error);

/// Whether weir_unit_parse reads the text; its error, as one of the configuration.
weir_status weir__rule_check(const char *text, weir_error *error);

#endif
