// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file settings.h
/// Every setting of a configuration: the fields of its structs in one list, which drives the YAML schema, "key=value",
/// printing and help.
#ifndef WEIR_SETTINGS_H
#define WEIR_SETTINGS_H

#include <weir/config.h>

#include "../core/field.h"

/// A field with the place of its struct in weir_config.
typedef struct weir__setting {
    const weir__field *field;
    size_t base;
} weir__setting;

enum { weir__settings_most = 96, weir__node_settings_most = 32 }; // a document has room for so many

/// Number of settings, sections and lists included, and the one at index. Those of nodes are weir__node_fields.
size_t weir__setting_count(void);
weir__setting weir__setting_at(size_t index);
/// The structs of a configuration with their tables: at most 7, and an end.
void weir__config_structs(const weir_config *config, weir__described structs[8]);
/// Sets every setting to its default; no network.
void weir__config_initial(weir_config *config);
/// Whether a path names a member of the section ("train.optimizer"; "": of none).
bool weir__setting_is_in(const char *path, const char *section);
/// The setting of that path; field NULL: there is none.
weir__setting weir__setting_find(const char *path);

#endif
