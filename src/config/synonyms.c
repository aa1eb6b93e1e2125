// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The table of synonyms: those of settings here, those of kinds in their descriptors.

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <weir/graph.h>

#include "synonyms.h"

static const weir_synonym own[] = {
    {NULL, "lr", "train.optimizer.rate"},
    {NULL, "learning_rate", "train.optimizer.rate"},
    {NULL, "weight_decay", "train.optimizer.decay"},
    {NULL, "eps", "train.optimizer.epsilon"},
    {NULL, "batch_size", "train.batch"},
    {"activation", "relu", "rectifier"},
    {"activation", "relu2", "squared-rectifier"},
    {"activation", "swish", "silu"},
    {"train.optimizer.schedule", "StepLR", "step"},
    {"train.optimizer.schedule", "CosineAnnealingLR", "cosine"},
};
enum { own_count = sizeof own / sizeof *own };

static size_t count_of(const weir_kind *kind) {
    size_t count = 0;
    while (kind->synonyms[count]) count++;
    return count;
}

size_t weir_synonym_count(void) {
    size_t count = own_count;
    for (size_t k = 0; k < weir_kind_count(); k++) count += count_of(weir_kind_at(k));
    return count;
}

weir_synonym weir_synonym_at(size_t index) {
    if (index < own_count) return own[index];
    index -= own_count;
    for (size_t k = 0; k < weir_kind_count(); k++) {
        const weir_kind *kind = weir_kind_at(k);
        const size_t count = count_of(kind);
        if (index < count) return (weir_synonym){"kind", kind->synonyms[index], kind->name};
        index -= count;
    }
    return (weir_synonym){0};
}

static const char *find(const char *setting, const char *text) {
    for (size_t i = 0; i < weir_synonym_count(); i++) {
        const weir_synonym row = weir_synonym_at(i);
        const bool of_it = setting ? row.setting && !strcmp(row.setting, setting) : !row.setting;
        if (of_it && !strcasecmp(row.word, text)) return row.name;
    }
    return NULL;
}

const char *weir__synonym_value(const char *path, const char *text) {
    const char *name = find(path, text);
    return name ? name : text;
}

const char *weir__synonym_path(const char *key) {
    const char *dot = strrchr(key, '.');
    const char *path = find(NULL, dot ? dot + 1 : key);
    if (!path || !dot) return path ? path : key;
    // What stands before the synonym must stand there in the path, too: "optimizer.lr" is fine, "gates.lr" is not.
    const char *end = strrchr(path, '.');
    const size_t before = (size_t)(dot - key), all = (size_t)(end - path);
    const bool fits =
        before <= all && !strncmp(end - before, key, before) && (before == all || end[-(long)before - 1] == '.');
    return fits ? path : key;
}
