// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The list of settings: a configuration's own fields and the tables of its structs, in the order of a file.

#include <string.h>

#include "../data/fields.h"
#include "../graph/fields.h"
#include "options.h"
#include "settings.h"

#define AT(member)   offsetof(weir_config, member)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static weir_status check_rule(const char *text, weir_error *error) {
    return weir__field_find(&weir__node_fields, "rule")->check(text, error);
}

static const weir__field own[] = {
    {"name", WEIR__TEXT, AT(name), .about = "name of the configuration"},
    {"about", WEIR__TEXT, AT(about), .about = "what it is for, in one line"},
    {"rule", WEIR__TEXT, AT(rule), .expects = "NAME or NAME:parameter=value,...", .check = check_rule,
     .applies = WEIR__FACT_UNITS, .numbers = WEIR__ALWAYS,
     .about = "rule of the unit nodes that name none: NAME or NAME:parameter=value,..."},
    {"precision", WEIR__CHOICE, AT(precision), .choices = "fp32|bf16", .initial = "fp32", .numbers = WEIR__ALWAYS,
     .about = "of products with weights; bf16: half the bytes per weight, sums in fp32"},
};
static const weir__field network[] = {{"network", WEIR__LIST, 0, .about = "the nodes, in order"}};
static const weir__field variants[] = {{"variants", WEIR__LIST, 0, .about = "settings that belong to one rule"}};

static const weir__fields own_fields = {own, COUNT(own)};
static const weir__fields network_field = {network, 1}, variants_field = {variants, 1};

static const struct {
    const weir__fields *fields;
    size_t base;
} parts[] = {
    {&own_fields, 0},
    {&weir__data_fields, AT(data)},
    {&network_field, 0},
    {&weir__train_fields, AT(train)},
    {&weir__optimizer_fields, AT(train.optimizer)},
    {&weir__sparsity_fields, AT(train.sparsity)},
    {&variants_field, 0},
};

size_t weir__setting_count(void) {
    size_t count = 0;
    for (size_t i = 0; i < COUNT(parts); i++) count += parts[i].fields->count;
    return count;
}

weir__setting weir__setting_at(size_t index) {
    size_t part = 0;
    while (index >= parts[part].fields->count) index -= parts[part++].fields->count;
    return (weir__setting){.field = &parts[part].fields->at[index], .base = parts[part].base};
}

bool weir__setting_is_in(const char *path, const char *section) {
    const size_t length = strlen(section);
    if (length && (strncmp(path, section, length) || path[length] != '.')) return false;
    return !strchr(path + (length ? length + 1 : 0), '.');
}

weir__setting weir__setting_find(const char *path) {
    for (size_t i = 0; i < COUNT(parts); i++) {
        const weir__field *field = weir__field_find(parts[i].fields, path);
        if (field) return (weir__setting){.field = field, .base = parts[i].base};
    }
    return (weir__setting){0};
}

_Static_assert(COUNT(parts) < 8, "weir__config_structs writes so many");

void weir__config_structs(const weir_config *config, weir__described structs[8]) {
    for (size_t i = 0; i < COUNT(parts); i++) {
        structs[i] = (weir__described){parts[i].fields, (const char *)config + parts[i].base};
    }
    structs[COUNT(parts)] = (weir__described){0};
}

void weir__config_initial(weir_config *config) {
    *config = (weir_config){0};
    for (size_t i = 0; i < COUNT(parts); i++) weir__fields_initial(parts[i].fields, (char *)config + parts[i].base);
}

// How a resumed run is held to a setting: by its text, by the rows that come of it, or not at all.
static const char *resumed(const weir__field *field) {
    if (!field->numbers) return "no";
    if (!strncmp(field->path, "data.", 5)) return "by the rows";
    return *field->numbers ? field->numbers : "yes";
}

static weir_setting describe(const weir__field *field, bool of_node) {
    return (weir_setting){.path = field->path,
                          .expects = weir__field_expects(field),
                          .about = field->about,
                          .initial = field->initial ? field->initial : "",
                          .applies = field->applies ? field->applies : "",
                          .numbers = !field->numbers   ? "no"
                                     : *field->numbers ? field->numbers
                                                       : "yes",
                          .resumed = resumed(field),
                          .of_node = of_node};
}

size_t weir_setting_count(void) {
    size_t count = weir__node_fields.count;
    for (size_t i = 0; i < weir__setting_count(); i++) count += weir__field_is_value(weir__setting_at(i).field);
    return count;
}

weir_setting weir_setting_at(size_t index) {
    for (size_t i = 0; i < weir__setting_count(); i++) {
        const weir__field *field = weir__setting_at(i).field;
        if (weir__field_is_value(field) && index-- == 0) return describe(field, false);
    }
    return index < weir__node_fields.count ? describe(&weir__node_fields.at[index], true) : (weir_setting){0};
}
