// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Configurations: defaults, then the file, then the rule that was asked for, then what the file says for that rule,
// then the other settings.

#include <string.h>

#include "../graph/fields.h"
#include "assign.h"
#include "document.h"
#include "synonyms.h"

enum { text_most = 1 << 20 };

/// A configuration in the making: where its text came from, for errors.
typedef struct source {
    const char *name;
    weir__arena *arena; // of the configuration
} source;

static weir_status fail_at(const source *from, unsigned line, const char *path, weir_status status, weir_error *error) {
    char prefix[320];
    if (line) {
        snprintf(prefix, sizeof prefix, "%.160s:%u: %s", from->name, line, path);
    } else {
        snprintf(prefix, sizeof prefix, "%.160s: %s", from->name, path);
    }
    return weir__fail_in(error, status, prefix);
}

static weir_status take_nodes(weir_config *config, const weir__document *document, const source *from,
                              weir_error *error) {
    char path[64];
    config->network = weir__arena_new(from->arena, (document->node_count + 1) * sizeof *config->network);
    if (!config->network) return weir__fail(error, WEIR_MEMORY, "out of memory: the nodes of %s", from->name);
    config->network_count = document->node_count;
    for (size_t n = 0; n < config->network_count; n++) {
        for (size_t i = 0; i < weir__node_fields.count; i++) {
            const weir__field *field = &weir__node_fields.at[i];
            const weir__said *said = &document->nodes[n].field[i];
            if (!said->text) continue;
            const char *text = weir__synonym_value(field->path, said->text);
            const weir_status status = weir__field_set(field, &config->network[n], text, from->arena, error);
            if (status == WEIR_OK) continue;
            snprintf(path, sizeof path, "network.%zu.%s", n, field->path);
            return fail_at(from, said->line, path, status, error);
        }
    }
    return WEIR_OK;
}

static weir_status take_document(weir_config *config, const weir__document *document, const source *from,
                                 weir_error *error) {
    for (size_t i = 0; i < weir__setting_count(); i++) {
        const weir__setting setting = weir__setting_at(i);
        const weir__said *said = &document->setting[i];
        if (!said->text) continue;
        const char *text = weir__synonym_value(setting.field->path, said->text);
        void *object = (char *)config + setting.base;
        const weir_status status = weir__field_set(setting.field, object, text, from->arena, error);
        if (status != WEIR_OK) return fail_at(from, said->line, setting.field->path, status, error);
    }
    return take_nodes(config, document, from, error);
}

static bool sets_rule(const weir__target *target, const weir_config *config) {
    return target->object == config && !strcmp(target->field->path, "rule");
}

// Applies those settings that choose the rule, or those that do not.
static weir_status take_settings(weir_config *config, const char *const *settings, size_t count, bool rules,
                                 const source *from, weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < count; i++) {
        weir__target target;
        TRY(weir__target_find(&target, config, settings[i], error));
        if (sets_rule(&target, config) == rules) TRY(weir__assign(config, settings[i], from->arena, error));
    }
done:
    return status;
}

static bool same_rule(const char *text, const char *other) {
    const size_t length = strcspn(text, ":");
    return length == strcspn(other, ":") && !strncmp(text, other, length);
}

// One setting of a variant. Its rule=NAME:parameters counts only where the rule was asked for by its name alone.
static weir_status take_variant_setting(weir_config *config, const char *assignment, const source *from,
                                        weir_error *error) {
    weir__target target;
    weir_status status = WEIR_OK;
    TRY(weir__target_find(&target, config, assignment, error));
    if (sets_rule(&target, config)) {
        TRY_THAT(same_rule(target.value, config->rule), WEIR_CONFIG, "a variant of the rule '%s' cannot choose '%s'",
                 config->rule, target.value);
        if (strchr(config->rule, ':')) return WEIR_OK;
    }
    TRY(weir__assign(config, assignment, from->arena, error));
done:
    return status;
}

static weir_status take_variants(weir_config *config, const weir__document *document, const source *from,
                                 weir_error *error) {
    char path[64];
    for (unsigned v = 0; v < document->variant_count; v++) {
        const weir__variant *variant = &document->variants[v];
        weir_status status = weir__setting_find("rule").field->check(variant->rule.text, error);
        snprintf(path, sizeof path, "variants.%u.rule", v);
        if (status != WEIR_OK) return fail_at(from, variant->rule.line, path, status, error);
        if (!config->rule || !same_rule(variant->rule.text, config->rule)) continue;
        for (unsigned i = 0; i < variant->set_count; i++) {
            status = take_variant_setting(config, variant->set[i].text, from, error);
            snprintf(path, sizeof path, "variants.%u.set.%u", v, i);
            if (status != WEIR_OK) return fail_at(from, variant->set[i].line, path, status, error);
        }
    }
    return WEIR_OK;
}

static weir_status check_names(const weir_config *config, const weir__document *document, const source *from,
                               weir_error *error) {
    char path[64];
    for (size_t n = 0; n < config->network_count; n++) {
        const char *name = config->network[n].name;
        for (size_t m = 0; name && m < n; m++) {
            if (!config->network[m].name || strcmp(name, config->network[m].name)) continue;
            weir__fail(error, WEIR_CONFIG, "expected a unique name, but another node is called '%.60s', too", name);
            snprintf(path, sizeof path, "network.%zu.name", n);
            const weir__document_node *node = &document->nodes[n];
            const unsigned line = node->field[0].line; // the name's
            return fail_at(from, line ? line : node->line, path, WEIR_CONFIG, error);
        }
    }
    return WEIR_OK;
}

// What can only be said of the whole: there are nodes, each has a kind, and each unit node gets a rule.
static weir_status complete(weir_config *config, const weir__document *document, const source *from,
                            weir_error *error) {
    char path[64];
    weir_status status = WEIR_OK;
    TRY_THAT(config->network_count, WEIR_CONFIG,
             "%s: network: is missing; expected a list of nodes such as '- {name: image, kind: input, size: 784}'",
             from->name);
    TRY(check_names(config, document, from, error));
    for (size_t n = 0; n < config->network_count; n++) {
        weir_node *node = &config->network[n];
        const char *wrong = NULL;
        if (!node->kind) {
            wrong = "has no kind; expected 'kind: NAME'";
        } else if (weir__kind_named(node->kind)->traits & WEIR_KIND_UNITS && !node->rule) {
            node->rule = config->rule;
            if (!node->rule) wrong = "has no rule; expected 'rule: NAME' here or at the top of the file";
        }
        if (!wrong) continue;
        weir__fail(error, WEIR_CONFIG, "%s", wrong);
        snprintf(path, sizeof path, "network.%zu", n);
        return fail_at(from, document->nodes[n].line, path, WEIR_CONFIG, error);
    }
done:
    return status;
}

// The name of a configuration that gives itself none: the file's, without folder and ".yaml".
static weir_status name_after_file(weir_config *config, const source *from, weir_error *error) {
    if (config->name) return WEIR_OK;
    const char *slash = strrchr(from->name, '/');
    const char *name = slash ? slash + 1 : from->name;
    const char *end = strrchr(name, '.');
    const size_t length = end && (!strcmp(end, ".yaml") || !strcmp(end, ".yml")) ? (size_t)(end - name) : strlen(name);
    config->name = weir__arena_copy(from->arena, name, length);
    return config->name ? WEIR_OK : weir__fail(error, WEIR_MEMORY, "out of memory: %s", from->name);
}

weir_status weir_config_parse(weir_config *config, const char *text, const char *name, const char *const *settings,
                              size_t setting_count, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__arena texts = {0};
    weir__document document;
    weir_config made;
    weir__config_initial(&made);
    *config = (weir_config){0};
    TRY(weir__new(&made.memory, 1, sizeof(weir__arena), "a configuration", error));
    const source from = {.name = name, .arena = made.memory};
    TRY_THAT(strlen(text) <= text_most, WEIR_CONFIG, "%s: longer than the %d bytes that a configuration may have", name,
             text_most);
    TRY(weir__document_load(&document, text, name, &texts, error));
    TRY(take_document(&made, &document, &from, error));
    TRY(take_settings(&made, settings, setting_count, true, &from, error));
    TRY(take_variants(&made, &document, &from, error));
    TRY(take_settings(&made, settings, setting_count, false, &from, error));
    TRY(complete(&made, &document, &from, error));
    TRY(name_after_file(&made, &from, error));
    *config = made;
    made.memory = NULL;
done:
    weir__arena_free(&texts);
    weir_config_free(&made);
    return status;
}

void weir_config_free(weir_config *config) {
    if (!config) return;
    if (config->memory) weir__arena_free(config->memory);
    weir__free(config->memory);
    *config = (weir_config){0};
}

static weir_status fail_unknown_name(const char *name, weir_error *error) {
    char list[256] = "";
    const char *names[64];
    size_t count = 0, used = 0;
    for (; count < 64 && weir_example_name(count); count++) {
        names[count] = weir_example_name(count);
        if (strchr(names[count], '/')) continue; // rows of an experiment: too many to list
        const int more = snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", names[count]);
        if (more > 0 && used + (size_t)more < sizeof list) used += (size_t)more;
    }
    return weir__fail(error, WEIR_NOT_FOUND, "%.160s: neither a file nor a built-in example (%s)%s", name, list,
                      weir_suggest(name, names, count).text);
}

weir_status weir_config_read(char **text, const char *path_or_name, weir_error *error) {
    const unsigned texts = WEIR_CONTENT_SET(YAML) | WEIR_CONTENT_SET(JSON) | WEIR_CONTENT_SET(TEXT) |
                           WEIR_CONTENT_SET(EMPTY) | WEIR_CONTENT_SET(DEVICE);
    weir_status status = WEIR_OK;
    char *read = NULL;
    size_t size = 0;
    weir_content content = WEIR_CONTENT_TEXT;
    *text = NULL;
    for (size_t i = 0; weir_example_name(i); i++) {
        if (strcmp(path_or_name, weir_example_name(i))) continue;
        *text = weir__copy_string(weir_example_text(i));
        return *text ? WEIR_OK : weir__fail(error, WEIR_MEMORY, "out of memory: %s", path_or_name);
    }
    status = weir_content_expect(&content, path_or_name, texts, "a configuration (YAML)", error);
    if (status == WEIR_NOT_FOUND) return fail_unknown_name(path_or_name, error);
    TRY(status);
    status = weir__file_read(path_or_name, text_most, &read, &size, error);
    // What came through a pipe could not be looked at before.
    TRY_THAT(content != WEIR_CONTENT_DEVICE || (status != WEIR_FORMAT && (!read || strlen(read) == size)), WEIR_CONFIG,
             "%s: is not a configuration (YAML); a model is read from its file, and not through a pipe", path_or_name);
    TRY(status);
    TRY_THAT(strlen(read) == size, WEIR_CONFIG, "%s: is not a text: it holds a zero byte", path_or_name);
    *text = read;
    read = NULL;
done:
    weir__free(read);
    return status;
}

weir_status weir_config_load(weir_config *config, const char *path_or_name, const char *const *settings,
                             size_t setting_count, weir_error *error) {
    char *text = NULL;
    *config = (weir_config){0};
    weir_status status = weir_config_read(&text, path_or_name, error);
    if (status == WEIR_OK) status = weir_config_parse(config, text, path_or_name, settings, setting_count, error);
    weir__free(text);
    return status;
}

weir_status weir_config_load_with(weir_config *config, const char *path_or_name, const char *const *settings,
                                  size_t setting_count, const weir_graph_options *own, weir_error *error) {
    const weir_graph_options *former = weir__own_names_use(own);
    const weir_status status = weir_config_load(config, path_or_name, settings, setting_count, error);
    weir__own_names_use(former);
    return status;
}

weir_status weir_config_set(weir_config *config, const char *setting, weir_error *error) {
    return weir__assign(config, setting, config->memory, error);
}

// A field's text in the arena; NULL when it says nothing. Of nodes that is also a zero.
static weir_status print_field(const char **text, const weir__field *field, const void *object, bool of_node,
                               weir__arena *arena, weir_error *error) {
    char number[WEIR__NUMBER_ROOM];
    const char *value = weir__field_text(field, object, number);
    *text = NULL;
    if (!value || (of_node && value == number && !weir__field_is_said(field, object))) return WEIR_OK;
    *text = weir__arena_copy(arena, value, strlen(value));
    return *text ? WEIR_OK : weir__fail(error, WEIR_MEMORY, "out of memory: a configuration");
}

static weir_status print_nodes(weir__document *document, const weir_config *config, weir__arena *arena,
                               weir_error *error) {
    weir_status status = WEIR_OK;
    document->nodes = weir__arena_new(arena, (config->network_count + 1) * sizeof *document->nodes);
    TRY_THAT(document->nodes, WEIR_MEMORY, "out of memory: a configuration's text");
    document->node_count = (unsigned)config->network_count;
    for (size_t n = 0; n < config->network_count; n++) {
        weir_node node = config->network[n];
        // So that another rule at the top, or by a setting, still reaches the node.
        if (node.rule && config->rule && !strcmp(node.rule, config->rule)) node.rule = NULL;
        for (size_t i = 0; i < weir__node_fields.count; i++) {
            TRY(print_field(&document->nodes[n].field[i].text, &weir__node_fields.at[i], &node, true, arena, error));
        }
    }
done:
    return status;
}

weir_status weir_config_print(const weir_config *config, char **text, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__arena arena = {0};
    weir__document document = {0};
    *text = NULL;
    for (size_t i = 0; i < weir__setting_count(); i++) {
        const weir__setting setting = weir__setting_at(i);
        if (!weir__field_is_value(setting.field)) continue;
        const void *object = (const char *)config + setting.base;
        TRY(print_field(&document.setting[i].text, setting.field, object, false, &arena, error));
    }
    TRY(print_nodes(&document, config, &arena, error));
    TRY(weir__document_save(&document, text, error));
done:
    weir__arena_free(&arena);
    return status;
}

void weir_text_free(char *text) { weir__free(text); }
