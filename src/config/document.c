// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// YAML by libcyaml. The schema is made from the table of settings: every value is an optional string, a section is a
// mapping that shares its parent's object, so that the texts of all sections lie in one array.

#include <stdint.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "../graph/fields.h"
#include "document.h"

enum { nodes_most = 4096, variants_most = 64, sets_most = 256 };

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, char *, 0, CYAML_UNLIMITED)};

static const cyaml_schema_value_t set_entry = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t variant_fields[] = {
    CYAML_FIELD_STRING_PTR("rule", CYAML_FLAG_POINTER, weir__variant, rule, 1, CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("set", CYAML_FLAG_POINTER, weir__variant, set, &set_entry, 0, sets_most), CYAML_FIELD_END};

static const cyaml_schema_value_t variant_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, weir__variant, variant_fields)};

/// The schema of one load or save.
typedef struct schema {
    cyaml_schema_field_t *next; // in an array that holds the fields of all sections
    cyaml_schema_field_t node_fields[weir__node_settings_most + 1];
    cyaml_schema_value_t node_entry, top;
    cyaml_schema_field_t fields[2 * weir__settings_most]; // each section adds an end
} schema;

static bool is_child(const char *path, const char *section) {
    const size_t length = strlen(section);
    if (length && (strncmp(path, section, length) || path[length] != '.')) return false;
    return !strchr(path + (length ? length + 1 : 0), '.');
}

static cyaml_schema_field_t sequence_field(const char *key, const cyaml_schema_value_t *entry, size_t entry_size,
                                           size_t offset, size_t count_offset, uint32_t most) {
    return (cyaml_schema_field_t){.key = key,
                                  .data_offset = (uint32_t)offset,
                                  .count_offset = (uint32_t)count_offset,
                                  .count_size = sizeof(unsigned),
                                  .value = {.type = CYAML_SEQUENCE,
                                            .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                                            .data_size = (uint32_t)entry_size,
                                            .sequence = {.entry = entry, .min = 0, .max = most}}};
}

static const cyaml_schema_field_t *add_section(schema *to, const char *section);

static cyaml_schema_field_t make_field(schema *to, size_t index) {
    const weir__field *setting = weir__setting_at(index).field;
    const char *key = weir__field_key(setting);
    if (setting->type == WEIR__SECTION) {
        return (cyaml_schema_field_t){.key = key,
                                      .value = {.type = CYAML_MAPPING,
                                                .flags = CYAML_FLAG_OPTIONAL,
                                                .data_size = sizeof(weir__document),
                                                .mapping = {.fields = add_section(to, setting->path)}}};
    }
    if (setting->type == WEIR__LIST && !strcmp(key, "network")) {
        return sequence_field(key, &to->node_entry, sizeof(weir__document_node), offsetof(weir__document, nodes),
                              offsetof(weir__document, node_count), nodes_most);
    }
    if (setting->type == WEIR__LIST) {
        return sequence_field(key, &variant_entry, sizeof(weir__variant), offsetof(weir__document, variants),
                              offsetof(weir__document, variant_count), variants_most);
    }
    return (cyaml_schema_field_t){.key = key, .data_offset = (uint32_t)(index * sizeof(char *)), .value = text_value};
}

// Whether a synonym is the key of a value in the section.
static bool is_key_in(weir_synonym synonym, const char *section) {
    return !synonym.setting && is_child(synonym.name, section);
}

static cyaml_schema_field_t make_synonym(size_t index) {
    return (cyaml_schema_field_t){.key = weir_synonym_at(index).word,
                                  .data_offset = (uint32_t)(offsetof(weir__document, synonym) + index * sizeof(char *)),
                                  .value = text_value};
}

// The fields of a section, then those of the sections in it; ended by a field without a key.
static const cyaml_schema_field_t *add_section(schema *to, const char *section) {
    size_t count = 0;
    for (size_t i = 0; i < weir__setting_count(); i++) count += is_child(weir__setting_at(i).field->path, section);
    for (size_t i = 0; i < weir_synonym_count(); i++) count += is_key_in(weir_synonym_at(i), section);
    cyaml_schema_field_t *fields = to->next;
    to->next += count + 1;
    count = 0;
    for (size_t i = 0; i < weir_synonym_count(); i++) {
        if (is_key_in(weir_synonym_at(i), section)) fields[count++] = make_synonym(i);
    }
    for (size_t i = 0; i < weir__setting_count(); i++) {
        if (is_child(weir__setting_at(i).field->path, section)) fields[count++] = make_field(to, i);
    }
    return fields;
}

static void make_schema(schema *to) {
    *to = (schema){.next = to->fields};
    for (size_t i = 0; i < weir__node_fields.count; i++) {
        to->node_fields[i] = (cyaml_schema_field_t){
            .key = weir__node_fields.at[i].path, .data_offset = (uint32_t)(i * sizeof(char *)), .value = text_value};
    }
    to->node_entry =
        (cyaml_schema_value_t){CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, weir__document_node, to->node_fields)};
    to->top = (cyaml_schema_value_t){CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, weir__document, add_section(to, ""))};
}

/// What libcyaml said: its first message, and the keys that lead to the place, from its "backtrace".
typedef struct report {
    char message[192];
    char path[128];
    unsigned line; // of the innermost place; 0: none was named
} report;

static void prepend(char *path, size_t size, const char *key, size_t length) {
    char rest[128];
    snprintf(rest, sizeof rest, "%s", path);
    snprintf(path, size, "%.*s%s%s", (int)length, key, *rest ? "." : "", rest);
}

static void listen(cyaml_log_t level, void *context, const char *format, va_list arguments) WEIR_PRINTF(3, 0);

static void listen(cyaml_log_t level, void *context, const char *format, va_list arguments) {
    static const char lead[] = "Load: ", field[] = "in mapping field '", entry[] = "in sequence entry '";
    report *to = context;
    char text[256];
    unsigned number = 0;
    (void)level;
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = 0;
    const char *place = strstr(text, "(line: ");
    const char *in_field = strstr(text, field), *in_entry = strstr(text, entry);
    if (!strncmp(text, "  in ", 5)) {
        if (place && !to->line) sscanf(place, "(line: %u", &to->line);
        if (in_field) {
            const char *key = in_field + sizeof field - 1;
            prepend(to->path, sizeof to->path, key, strcspn(key, "'"));
        } else if (in_entry && sscanf(in_entry + sizeof entry - 1, "%u", &number) == 1 && number) {
            snprintf(text, sizeof text, "%u", number - 1);
            prepend(to->path, sizeof to->path, text, strlen(text));
        }
    } else if (!*to->message) {
        snprintf(to->message, sizeof to->message, "%s",
                 strncmp(text, lead, sizeof lead - 1) ? text : text + sizeof lead - 1);
    }
}

static bool starts(const char *text, const char *start) { return !strncmp(text, start, strlen(start)); }

// The keys that may stand in a section, a node or a variant.
static size_t known_keys(const char *path, const char **keys) {
    size_t count = 0;
    if (starts(path, "network.")) {
        for (size_t i = 0; i < weir__node_fields.count; i++) keys[count++] = weir__node_fields.at[i].path;
    } else if (starts(path, "variants.")) {
        keys[count++] = "rule";
        keys[count++] = "set";
    } else {
        for (size_t i = 0; i < weir__setting_count(); i++) {
            if (is_child(weir__setting_at(i).field->path, path))
                keys[count++] = weir__field_key(weir__setting_at(i).field);
        }
    }
    return count;
}

static weir_status fail_unknown_key(const report *said, const char *key, const char *text, const char *name,
                                    weir_error *error) {
    char path[256], known[320] = "; known are ";
    const char *keys[weir__settings_most];
    const size_t count = known_keys(said->path, keys);
    const weir_hint hint = weir_suggest(key, keys, count);
    for (size_t i = 0, used = strlen(known); i < count && used < sizeof known; i++) {
        const int more = snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", keys[i]);
        if (more > 0) used += (size_t)more;
    }
    snprintf(path, sizeof path, "%s%s%s", said->path, *said->path ? "." : "", key);
    const unsigned line = weir__yaml_line(text, path, NULL, 0);
    return weir__fail(error, WEIR_CONFIG, "%s:%u: %s: unknown key%s", name, line ? line : said->line, path,
                      *hint.text ? hint.text : known);
}

// libcyaml's message in the words of a person who writes a file.
static const char *plain_words(const char *message) {
    static const struct {
        const char *start, *words;
    } words[] = {{"Expecting MAPPING", "expected keys with values (key: value)"},
                 {"Expecting SEQUENCE", "expected a list (lines that start with '- ')"},
                 {"Expecting STRING", "expected a single value"},
                 {"Mapping field already seen", "is here and once more further down; one of them must go"},
                 {"Missing required mapping field: rule", "rule is missing"},
                 {"Missing required mapping field: set", "set is missing"},
                 {"Ignoring documents", "holds a second document; one is expected"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (starts(message, words[i].start)) return words[i].words;
    }
    return message;
}

static weir_status fail_load(report *said, cyaml_err_t result, const char *text, const char *name, weir_error *error) {
    static const char unknown[] = "Unexpected key: ", libyaml[] = "libyaml: ";
    char problem[128], place[16] = "";
    if (said->line) snprintf(place, sizeof place, ":%u", said->line);
    if (result == CYAML_ERR_OOM) return weir__fail(error, WEIR_MEMORY, "out of memory: %s", name);
    if (result == CYAML_ERR_ALIAS) {
        return weir__fail(error, WEIR_CONFIG, "%s:%u: %s: anchors and aliases (&, *) are not supported", name,
                          said->line, said->path);
    }
    if (starts(said->message, "Missing required")) { // libcyaml names the last field that was there
        char *dot = strrchr(said->path, '.');
        *(dot ? dot : said->path) = 0;
    }
    if (starts(said->message, unknown)) {
        return fail_unknown_key(said, said->message + sizeof unknown - 1, text, name, error);
    }
    if (starts(said->message, libyaml) || !*said->message) {
        const unsigned line = weir__yaml_line(text, "", problem, sizeof problem);
        return weir__fail(error, WEIR_CONFIG, "%s:%u: not valid YAML: %s", name, line,
                          *problem ? problem : cyaml_strerror(result));
    }
    return weir__fail(error, WEIR_CONFIG, "%s%s: %s%s%s", name, place, said->path, *said->path ? ": " : "",
                      plain_words(said->message));
}

// Moves what stands under a synonym to the setting that it means.
static weir_status take_synonyms(weir__document *document, const char *name, weir_error *error) {
    for (size_t s = 0; s < weir__synonyms_most; s++) {
        if (!document->synonym[s]) continue;
        const weir_synonym synonym = weir_synonym_at(s);
        size_t i = 0;
        while (strcmp(weir__setting_at(i).field->path, synonym.name) != 0) i++; // a test finds each of them
        if (document->text[i]) {
            return weir__fail(error, WEIR_CONFIG, "%s: %s: is here and once more as %s; one of them must go", name,
                              synonym.name, synonym.word);
        }
        document->text[i] = document->synonym[s];
    }
    return WEIR_OK;
}

weir_status weir__document_load(weir__document **document, const char *text, const char *name, weir__arena *arena,
                                weir_error *error) {
    schema form;
    report said = {0};
    void *loaded = NULL;
    char *joined = NULL;
    const weir_status status = weir__yaml_join_lists(&joined, text, "from", arena, error);
    if (status != WEIR_OK) return status;
    make_schema(&form);
    // Aliases are refused: a short text could stand for a very long one.
    const cyaml_config_t config = {.log_fn = listen,
                                   .log_ctx = &said,
                                   .mem_fn = weir__arena_resize,
                                   .mem_ctx = arena,
                                   .log_level = CYAML_LOG_WARNING,
                                   .flags = CYAML_CFG_NO_ALIAS};
    *document = NULL;
    const cyaml_err_t result =
        cyaml_load_data((const uint8_t *)joined, strlen(joined), &config, &form.top, &loaded, NULL);
    if (result != CYAML_OK || *said.message) return fail_load(&said, result, text, name, error);
    if (!loaded) return weir__fail(error, WEIR_CONFIG, "%s: is empty; expected a network", name);
    *document = loaded;
    return take_synonyms(loaded, name, error);
}

weir_status weir__document_save(const weir__document *document, char **text, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__arena arena = {0};
    schema form;
    char *made = NULL;
    size_t length = 0;
    make_schema(&form);
    const cyaml_config_t config = {
        .mem_fn = weir__arena_resize, .mem_ctx = &arena, .log_level = CYAML_LOG_ERROR, .flags = CYAML_CFG_STYLE_BLOCK};
    *text = NULL;
    const cyaml_err_t result = cyaml_save_data(&made, &length, &config, &form.top, document, 0);
    TRY_THAT(result == CYAML_OK, result == CYAML_ERR_OOM ? WEIR_MEMORY : WEIR_CONFIG,
             "the configuration cannot be written as YAML: %s", cyaml_strerror(result));
    TRY(weir__new(text, length + 1, 1, "a configuration's text", error));
    memcpy(*text, made, length);
done:
    weir__arena_free(&arena);
    return status;
}
