// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file synonyms.h
/// PyTorch's words for ours: read from the command line and from YAML, never written.
#ifndef WEIR_SYNONYMS_H
#define WEIR_SYNONYMS_H

#include <weir/config.h>

/// The value that is meant by a text for the setting of that path (of a node: "kind"); the text itself if it is no
/// synonym.
const char *weir__synonym_value(const char *path, const char *text);
/// The whole path of the setting that is meant by a key, alone or behind its sections; the key itself if its last word
/// is no synonym there.
const char *weir__synonym_path(const char *key);

#endif
