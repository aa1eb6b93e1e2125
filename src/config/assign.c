// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// From the key of "key=value" to the setting that is meant.

#include <string.h>

#include "../graph/fields.h"
#include "assign.h"
#include "synonyms.h"

enum { key_most = 256, list_most = 320 };

const char *weir__node_name(const weir_config *config, size_t index, char *buffer, size_t size) {
    const weir_node *node = &config->network[index];
    if (node->name) {
        snprintf(buffer, size, "%s", node->name);
    } else {
        snprintf(buffer, size, "%s%zu", node->kind ? node->kind : "node", index + 1);
    }
    return buffer;
}

static bool ends_with_key(const char *path, const char *key) {
    const size_t length = strlen(path), end = strlen(key);
    return length > end && path[length - end - 1] == '.' && !strcmp(path + length - end, key);
}

static void append(char *list, const char *text) {
    const size_t used = strlen(list);
    snprintf(list + used, list_most - used, "%s%s", used ? ", " : "", text);
}

// The nodes' names are made in one buffer after the other.
static weir_node *find_node(weir_config *config, const char *name) {
    char buffer[key_most];
    for (size_t i = 0; i < config->network_count; i++) {
        if (!strcmp(weir__node_name(config, i, buffer, sizeof buffer), name)) return &config->network[i];
    }
    return NULL;
}

static weir_status fail_no_node(const weir_config *config, const char *name, weir_error *error) {
    char list[list_most] = "", buffer[key_most];
    for (size_t i = 0; i < config->network_count; i++) append(list, weir__node_name(config, i, buffer, sizeof buffer));
    return weir__fail(error, WEIR_CONFIG, "the network has no node '%s'; there are %s", name, list);
}

static weir_status fail_no_setting(const weir_config *config, const char *key, weir_error *error) {
    char hint[key_most];
    const char *names[2 * weir__settings_most];
    size_t count = 0;
    for (size_t i = 0; i < weir__setting_count(); i++) {
        const weir__field *field = weir__setting_at(i).field;
        if (!weir__field_is_value(field)) continue;
        names[count++] = field->path;
        names[count++] = weir__field_key(field);
    }
    if (weir__field_find(&weir__node_fields, key)) {
        char buffer[key_most] = "NODE";
        if (config->network_count) weir__node_name(config, config->network_count - 1, buffer, sizeof buffer);
        snprintf(hint, sizeof hint, "; of a node it is set as NODE.%s, for example %s.%s", key, buffer, key);
    } else {
        snprintf(hint, sizeof hint, "%s", weir_suggest(key, names, count).text);
    }
    return weir__fail(error, WEIR_CONFIG, "there is no setting '%s'%s", key, hint);
}

// NODE.key, with or without "network." before it. *target stays empty when key does not look like one.
static weir_status find_in_node(weir__target *target, weir_config *config, const char *key, weir_error *error) {
    static const char lead[] = "network.";
    const bool said = !strncmp(key, lead, sizeof lead - 1);
    char name[key_most];
    snprintf(name, sizeof name, "%s", said ? key + sizeof lead - 1 : key);
    char *field = strrchr(name, '.');
    if (!field) return said ? fail_no_node(config, name, error) : WEIR_OK;
    *field++ = 0;
    target->object = find_node(config, name);
    if (!target->object) return said ? fail_no_node(config, name, error) : WEIR_OK;
    target->field = weir__field_find(&weir__node_fields, field);
    if (target->field) return WEIR_OK;
    const char *names[weir__node_settings_most];
    for (size_t i = 0; i < weir__node_fields.count; i++) names[i] = weir__node_fields.at[i].path;
    return weir__fail(error, WEIR_CONFIG, "a node has no '%s'%s", field,
                      weir_suggest(field, names, weir__node_fields.count).text);
}

static weir_status find_by_end(weir__target *target, weir_config *config, const char *key, weir_error *error) {
    char list[list_most] = "";
    size_t found = 0;
    for (size_t i = 0; i < weir__setting_count(); i++) {
        const weir__setting setting = weir__setting_at(i);
        if (!weir__field_is_value(setting.field) || !ends_with_key(setting.field->path, key)) continue;
        *target = (weir__target){.field = setting.field, .object = (char *)config + setting.base};
        append(list, setting.field->path);
        found++;
    }
    if (!found) return fail_no_setting(config, key, error);
    if (found > 1) return weir__fail(error, WEIR_CONFIG, "'%s' is not unique: it could be %s", key, list);
    return WEIR_OK;
}

weir_status weir__target_find(weir__target *target, weir_config *config, const char *assignment, weir_error *error) {
    weir_status status = WEIR_OK;
    char said[key_most], key[key_most];
    const char *equals = strchr(assignment, '=');
    *target = (weir__target){0};
    TRY_THAT(equals && equals > assignment && (size_t)(equals - assignment) < sizeof said, WEIR_CONFIG,
             "setting '%.60s': expected key=value", assignment);
    memcpy(said, assignment, (size_t)(equals - assignment));
    said[equals - assignment] = 0;
    snprintf(key, sizeof key, "%s", weir__synonym_path(said));
    const weir__setting setting = weir__setting_find(key);
    if (setting.field) *target = (weir__target){.field = setting.field, .object = (char *)config + setting.base};
    if (!target->field) TRY(find_in_node(target, config, key, error));
    if (!target->field) TRY(find_by_end(target, config, key, error));
    target->value = weir__synonym_value(target->field->path, equals + 1);
done:
    return status;
}

weir_status weir__assign(weir_config *config, const char *assignment, weir__arena *arena, weir_error *error) {
    weir__target target;
    weir_status status = weir__target_find(&target, config, assignment, error);
    if (status != WEIR_OK) return status;
    status = weir__field_set(target.field, target.object, target.value, arena, error);
    if (status == WEIR_OK) return WEIR_OK;
    char prefix[key_most];
    snprintf(prefix, sizeof prefix, "setting '%.120s'", assignment);
    return weir__fail_in(error, status, prefix);
}
