// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Settings that have no effect in a configuration: their row in a table says when they have one.

#include <string.h>

#include "../graph/fields.h"
#include "assign.h"
#include "options.h"

enum { text_most = 1 << 14 };

static bool takes_rule(const weir_node *node) {
    const weir_kind *kind = node->kind ? weir_kind_find(node->kind) : NULL;
    return kind && (kind->traits & WEIR_KIND_UNITS);
}

// A node's rule came from the top when it is the same.
static bool has_units_without_rule(const weir_config *config) {
    bool found = false;
    for (size_t n = 0; n < config->network_count; n++) {
        const weir_node *node = &config->network[n];
        found |= takes_rule(node) && config->rule && node->rule && !strcmp(node->rule, config->rule);
    }
    return found;
}

static bool has_gates(const weir_config *config) {
    bool found = false;
    for (size_t n = 0; n < config->network_count; n++) found |= config->network[n].gates && *config->network[n].gates;
    return found;
}

static const weir_node *node_named(const weir_config *config, const char *name) {
    char buffer[256];
    for (size_t n = 0; n < config->network_count; n++) {
        if (!strcmp(weir__node_name(config, n, buffer, sizeof buffer), name)) return &config->network[n];
    }
    return NULL;
}

// Not known (no such gates, a rule that is wrong) counts as read: the network will say what is wrong.
static bool reads_closed(const weir_config *config, const weir_node *node) {
    weir_unit unit;
    const weir_node *gates = node->gates ? node_named(config, node->gates) : NULL;
    if (!gates || !gates->rule || weir_unit_parse(&unit, gates->rule, NULL) != WEIR_OK) return true;
    return weir__rule_reads_closed(unit.rule);
}

// Whether a field of the configuration, or of one of its nodes, has an effect.
static bool has_effect(const weir_config *config, const weir__field *field, const void *object) {
    if (!field->applies) return true;
    for (size_t n = 0; n < config->network_count; n++) {
        const weir_node *node = &config->network[n];
        if (object != node) continue;
        const char *facts[] = {reads_closed(config, node) ? WEIR__FACT_READS_CLOSED : NULL, NULL};
        return weir__condition_holds(field->applies, (const weir__described[]){{&weir__node_fields, node}, {0}}, facts);
    }
    weir__described structs[8];
    const char *facts[4];
    size_t count = 0;
    if (has_gates(config)) facts[count++] = WEIR__FACT_GATES;
    if (has_units_without_rule(config)) facts[count++] = WEIR__FACT_UNITS;
    if (config->data.targets && strcmp(config->data.targets, "labels") != 0) facts[count++] = WEIR__FACT_TARGETS;
    facts[count] = NULL;
    weir__config_structs(config, structs);
    return weir__condition_holds(field->applies, structs, facts);
}

// Adds "PATH = VALUE has no effect: it counts for CONDITION only".
static void add_line(char *text, const char *name, const weir__field *field, const void *object) {
    char number[WEIR__NUMBER_ROOM];
    const char *value = weir__field_text(field, object, number);
    const size_t used = strlen(text);
    snprintf(text + used, text_most - used, "%s%s%s%s=%s has no effect here; it has one with: %s", used ? "\n" : "",
             name, *name ? "." : "", field->path, value ? value : "", field->applies);
}

static void list_differing(char *text, const weir_config *config) {
    char name[256];
    for (size_t i = 0; i < weir__setting_count(); i++) {
        const weir__setting setting = weir__setting_at(i);
        const void *object = (const char *)config + setting.base;
        if (!weir__field_is_value(setting.field) || weir__field_is_initial(setting.field, object)) continue;
        if (!has_effect(config, setting.field, object)) add_line(text, "", setting.field, object);
    }
    for (size_t n = 0; n < config->network_count; n++) {
        for (size_t i = 0; i < weir__node_fields.count; i++) {
            const weir__field *field = &weir__node_fields.at[i];
            const weir_node *node = &config->network[n];
            if (!weir__field_is_said(field, node) || weir__field_is_initial(field, node)) continue;
            if (has_effect(config, field, node)) continue;
            add_line(text, weir__node_name(config, n, name, sizeof name), field, node);
        }
    }
}

// Where the rules of units stand that do without the one at the top.
static void add_places_of_rules(char *text, const weir_config *config) {
    char name[256];
    for (size_t n = 0, told = 0; n < config->network_count; n++) {
        const weir_node *node = &config->network[n];
        if (!takes_rule(node) || !node->rule) continue;
        const size_t used = strlen(text);
        snprintf(text + used, text_most - used, "%snetwork.%s.rule", told++ ? ", " : "; here they have one in ",
                 weir__node_name(config, n, name, sizeof name));
    }
}

static weir_status list_given(char *text, const weir_config *config, const char *const *settings, size_t count,
                              weir_error *error) {
    for (size_t i = 0; i < count; i++) {
        weir__target target;
        const weir_status status = weir__target_find(&target, (weir_config *)(uintptr_t)config, settings[i], error);
        if (status != WEIR_OK) return status;
        if (has_effect(config, target.field, target.object)) continue;
        const size_t used = strlen(text);
        snprintf(text + used, text_most - used, "%s%s has no effect here; it has one with: %s", used ? "\n" : "",
                 settings[i], target.field->applies);
        if (target.object == config && strcmp(target.field->path, "rule") == 0) add_places_of_rules(text, config);
    }
    return WEIR_OK;
}

weir_status weir_config_idle(const weir_config *config, char **lines, const char *const *settings, size_t count,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    char *text = NULL;
    *lines = NULL;
    TRY(weir__new(&text, text_most, 1, "a list of settings", error));
    if (settings) TRY(list_given(text, config, settings, count, error));
    if (!settings) list_differing(text, config);
    if (*text) {
        *lines = text;
        text = NULL;
    }
done:
    weir__free(text);
    return status;
}
