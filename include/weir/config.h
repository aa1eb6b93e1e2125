// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file config.h
/// Configurations: data, network and training in one YAML file. docs/settings.md lists every setting.
#ifndef WEIR_CONFIG_H
#define WEIR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "data.h"
#include "graph.h"
#include "options.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A complete configuration: data, network, training. Owned strings and arrays: free with weir_config_free. One thread
/// changes a configuration at a time; any number of threads may read one that nobody changes.
typedef struct weir_config {
    const char *name;      ///< of the configuration, "mnist-paper"
    const char *about;     ///< one line
    const char *rule;      ///< rule of unit nodes that name none
    const char *precision; ///< "fp32" or "bf16": weir_graph_options.precision
    weir_data_options data;
    weir_node *network;
    size_t network_count;
    weir_train_options train;
    void *memory; ///< owns everything above
} weir_config;

/// Reads a YAML file, or a built-in example by its name, then applies settings "key=value" (dotted path:
/// "train.epochs=3", "network.gates.size=500"; the short form "rule=sts" where it is unique), in order. Rule-dependent
/// settings of the file ("variants") are applied after the rule is known and before the other settings; a variant's own
/// "rule=NAME:parameter=value" counts only where the rule was asked for by its name alone. Errors name file, line, key
/// and what was expected.
WEIR_API weir_status weir_config_load(weir_config *config, const char *path_or_name, const char *const *settings,
                                      size_t setting_count, weir_error *error);
/// weir_config_load of a file whose nodes may name kinds and rules of the caller's own: `kinds` and `rules` of these
/// options, of which nothing else is read (NULL: none). The configuration keeps the names alone.
WEIR_API weir_status weir_config_load_with(weir_config *config, const char *path_or_name, const char *const *settings,
                                           size_t setting_count, const weir_graph_options *own, weir_error *error);
/// weir_config_load from text; name is used in errors.
WEIR_API weir_status weir_config_parse(weir_config *config, const char *text, const char *name,
                                       const char *const *settings, size_t setting_count, weir_error *error);
/// The complete configuration as YAML text (every default filled in, variants resolved), freed by weir_text_free.
WEIR_API weir_status weir_config_print(const weir_config *config, char **text, weir_error *error);
WEIR_API void weir_config_free(weir_config *config);

/// The text that weir_config_load would parse, freed by weir_text_free: of a file, which is read once (a pipe holds it
/// only once), or of a built-in example.
WEIR_API weir_status weir_config_read(char **text, const char *path_or_name, weir_error *error);
/// Settings without effect, in lines "train.optimizer.beta1=0.8 has no effect here; it has one with: …", freed by
/// weir_text_free; *lines is NULL when there is none. settings NULL: all that differ from their defaults; else these
/// "key=value", whatever their values.
WEIR_API weir_status weir_config_idle(const weir_config *config, char **lines, const char *const *settings,
                                      size_t count, weir_error *error);
/// Applies one more setting "key=value" to a configuration.
WEIR_API weir_status weir_config_set(weir_config *config, const char *setting, weir_error *error);
/// Makes the names of the data set's files absolute, so that they are found from any folder.
WEIR_API weir_status weir_config_absolute(weir_config *config, weir_error *error);
/// Says that the data set lies in this folder: MNIST's files, or, of data from files, each of them (of an absolute name
/// the last part). WEIR_NOT_FOUND, or WEIR_ARGUMENT for a file or for data that are drawn.
WEIR_API weir_status weir_config_data_folder(weir_config *config, const char *folder, weir_error *error);
WEIR_API void weir_text_free(char *text);

/// A setting of configurations, for --help and documentation.
typedef struct weir_setting {
    const char *path;    ///< "train.optimizer.rate"; of nodes the key alone: "size", set as "NODE.size"
    const char *expects; ///< "a number > 0", "sgd|momentum|adam"
    const char *about;   ///< one line
    const char *initial; ///< the value where a configuration is silent; "": nothing, or 0
    const char *applies; ///< when it has an effect: "train.optimizer.kind=momentum"; "": always
    const char *numbers; ///< whether it changes the numbers of a run: "yes", "no", or when
    const char *resumed; ///< whether a run that is resumed must have the same: "yes", "no", "by the rows", or when
    bool of_node;
} weir_setting;
/// Number of settings, and the one at index, those of nodes last (path NULL beyond).
WEIR_API size_t weir_setting_count(void);
WEIR_API weir_setting weir_setting_at(size_t index);

/// A word of PyTorch's that configurations and "key=value" accept for one of ours; weir_config_print writes ours.
typedef struct weir_synonym {
    const char
        *setting;     ///< NULL: the word is a key; else the path of the setting whose value it is (of a node: "kind")
    const char *word; ///< "lr", "relu"; letter case does not count
    const char *name; ///< what it stands for: the path of a setting, or a value
} weir_synonym;
WEIR_API size_t weir_synonym_count(void);
/// Keys first; word is NULL beyond the last one.
WEIR_API weir_synonym weir_synonym_at(size_t index);

/// Built-in examples: count, and name and YAML text of one (NULL beyond).
WEIR_API size_t weir_example_count(void);
WEIR_API const char *weir_example_name(size_t index);
WEIR_API const char *weir_example_text(size_t index);

#ifdef __cplusplus
}
#endif
#endif
