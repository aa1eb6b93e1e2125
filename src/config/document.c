// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Reads YAML by the events of libyaml: the tables of fields say which keys may stand where. The reader keeps the path
// of keys that it is at, for errors. Its depth is that of the tables: what is nested deeper is an error at once.

#include <stdarg.h>
#include <string.h>

#include <yaml.h>

#include "../graph/fields.h"
#include "document.h"
#include "synonyms.h"

enum { entries_most = 4096 }; // of a list

typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event; // where it is: of a key and its value, at the value
    unsigned line;      // of the key or the entry
    char path[192];     // of keys and numbers of entries: "network.2.size"
    weir__document *into;
    const char *name;
    weir__arena *arena;
    weir_error *error;
} reader;

static weir_status fail(reader *r, unsigned line, const char *format, ...) WEIR_PRINTF(3, 4);

static weir_status fail(reader *r, unsigned line, const char *format, ...) {
    char words[512];
    va_list arguments;
    va_start(arguments, format);
    weir__print_arguments(words, sizeof words, format, arguments);
    va_end(arguments);
    return weir__fail(r->error, WEIR_CONFIG, "%s:%u: %s%s%s", r->name, line, r->path, *r->path ? ": " : "", words);
}

static weir_status fail_memory(reader *r) { return weir__fail(r->error, WEIR_MEMORY, "out of memory: %s", r->name); }

static unsigned line_of(yaml_mark_t mark) { return (unsigned)mark.line + 1; }

static weir_status advance(reader *r) {
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        if (r->parser.error == YAML_MEMORY_ERROR) return fail_memory(r);
        const yaml_mark_t mark = r->parser.problem_mark;
        return weir__fail(r->error, WEIR_CONFIG, "%s:%u: not valid YAML: %s, in column %zu", r->name, line_of(mark),
                          r->parser.problem, mark.column + 1);
    }
    if (r->event.type != YAML_ALIAS_EVENT) return WEIR_OK;
    // A short text could stand for a very long one.
    return fail(r, line_of(r->event.start_mark), "anchors and aliases (&, *) are not supported");
}

static weir_status expect(reader *r, yaml_event_type_t type, const char *words) {
    return r->event.type == type ? WEIR_OK : fail(r, line_of(r->event.start_mark), "expected %s", words);
}

// Puts a key, or the number of an entry, behind the first characters of the path.
static void enter(reader *r, size_t length, const char *key) {
    r->line = line_of(r->event.start_mark);
    weir__print(r->path + length, sizeof r->path - length, "%s%s", length ? "." : "", key);
}

// Goes to the next entry of the list whose path has that length; *more is false at its end.
static weir_status next_entry(reader *r, size_t length, size_t index, bool *more) {
    char number[24];
    r->path[length] = 0;
    const weir_status status = advance(r);
    *more = status == WEIR_OK && r->event.type != YAML_SEQUENCE_END_EVENT;
    if (!*more) return status;
    if (index == entries_most) return fail(r, line_of(r->event.start_mark), "more than %d entries", entries_most);
    weir__print(number, sizeof number, "%zu", index);
    enter(r, length, number);
    return WEIR_OK;
}

// Goes to the next key of the mapping whose path has that length, and on to its value; *more is false at its end.
static weir_status next_key(reader *r, size_t length, bool *more) {
    weir_status status = WEIR_OK;
    r->path[length] = 0;
    *more = false;
    TRY(advance(r));
    if (r->event.type == YAML_MAPPING_END_EVENT) return WEIR_OK;
    TRY(expect(r, YAML_SCALAR_EVENT, "a key that is a single word"));
    enter(r, length, (const char *)r->event.data.scalar.value);
    *more = true;
    TRY(advance(r));
done:
    return status;
}

static const char *last_key(const reader *r, size_t length) { return r->path + length + (length ? 1 : 0); }

static weir_status fail_unknown(reader *r, size_t length, const char *const *keys, size_t count) {
    char known[320] = "; known are ";
    const weir_hint hint = weir_suggest(last_key(r, length), keys, count);
    for (size_t i = 0, used = strlen(known); i < count && used < sizeof known; i++) {
        const int more = weir__print(known + used, sizeof known - used, "%s%s", i ? ", " : "", keys[i]);
        if (more > 0) used += (size_t)more;
    }
    return fail(r, r->line, "unknown key%s", *hint.text ? hint.text : known);
}

// Notes that a key is there, once.
static weir_status note(reader *r, weir__said *to, const char *word) {
    if (to->line && !word && !to->word) {
        return fail(r, to->line, "is here and once more in line %u; one of them must go", r->line);
    }
    if (to->line) {
        return fail(r, r->line, "is here and once more as %s; one of them must go", word ? word : to->word);
    }
    *to = (weir__said){.line = r->line, .word = word};
    return WEIR_OK;
}

static weir_status read_text(reader *r, weir__said *to) {
    weir_status status = WEIR_OK;
    TRY(expect(r, YAML_SCALAR_EVENT, "a single value"));
    const char *value = (const char *)r->event.data.scalar.value;
    const size_t length = r->event.data.scalar.length;
    if (strlen(value) != length) return fail(r, r->line, "holds a zero byte");
    to->text = weir__arena_copy(r->arena, value, length);
    if (!to->text) return fail_memory(r);
done:
    return status;
}

// A list of words as one text: "one, two".
static weir_status read_words(reader *r, bool quotes, weir__said *to) {
    weir_status status = WEIR_OK;
    char *joined = weir__arena_copy(r->arena, "", 0);
    const unsigned line = r->line;
    const size_t above = strlen(r->path);
    bool more = true;
    for (size_t i = 0; joined; i++) {
        weir__said word = {0};
        TRY(next_entry(r, above, i, &more));
        if (!more) break;
        TRY(read_text(r, &word));
        const bool quoted = quotes && *word.text != '"' && strchr(word.text, ','); // a comma of a name separates nothing
        if (!*word.text || (!quotes && strchr(word.text, ',')))
            return fail(r, r->line, "expected a word%s", quotes ? "" : " without commas");
        const size_t used = strlen(joined), room = used + 2 * strlen(word.text) + 5;
        joined = weir__arena_resize(r->arena, joined, room);
        if (!joined) break;
        weir__print(joined + used, room - used, "%s%s", used ? ", " : "", quoted ? "\"" : word.text);
        for (const char *c = word.text; quoted; c++) {
            const size_t now = strlen(joined);
            weir__print(joined + now, room - now, *c == '"' ? "\"\"" : "%c", *c ? *c : '"');
            if (!*c) break;
        }
    }
    if (!joined) return fail_memory(r);
    to->text = joined;
    r->line = line;
done:
    return status;
}

static weir_status read_value(reader *r, const weir__field *field, weir__said *to) {
    return field->is_list && r->event.type == YAML_SEQUENCE_START_EVENT ? read_words(r, field->has_quotes, to) : read_text(r, to);
}

static const char keys_words[] = "keys with values (key: value)";

// A list of elements of that size; items points to the array, which grows as 1, 2, 4, …
static weir_status read_list(reader *r, void *items, unsigned *count, size_t size,
                             weir_status (*read)(reader *r, void *item)) {
    weir_status status = WEIR_OK;
    char *array = NULL;
    const size_t above = strlen(r->path);
    TRY(expect(r, YAML_SEQUENCE_START_EVENT, "a list (lines that start with '- ')"));
    for (bool more = true;;) {
        TRY(next_entry(r, above, *count, &more));
        if (!more) break;
        if (!(*count & (*count - 1))) array = weir__arena_resize(r->arena, array, (*count ? 2 * *count : 1) * size);
        if (!array) return fail_memory(r);
        TRY(read(r, array + (*count)++ * size));
    }
    memcpy(items, &array, sizeof array);
done:
    return status;
}

static weir_status read_node(reader *r, void *item) {
    weir_status status = WEIR_OK;
    weir__document_node *node = item;
    const size_t above = strlen(r->path);
    node->line = r->line;
    TRY(expect(r, YAML_MAPPING_START_EVENT, keys_words));
    for (bool more = true;;) {
        const char *keys[weir__node_settings_most];
        size_t i = 0;
        TRY(next_key(r, above, &more));
        if (!more) break;
        for (; i < weir__node_fields.count; i++) {
            keys[i] = weir__node_fields.at[i].path;
            if (!strcmp(keys[i], last_key(r, above))) break;
        }
        if (i == weir__node_fields.count) return fail_unknown(r, above, keys, i);
        TRY(note(r, &node->field[i], NULL));
        TRY(read_value(r, &weir__node_fields.at[i], &node->field[i]));
    }
done:
    return status;
}

static weir_status read_set(reader *r, void *item) {
    weir__said *set = item;
    set->line = r->line;
    return read_text(r, set);
}

static weir_status read_variant(reader *r, void *item) {
    static const char *const keys[] = {"rule", "set"};
    weir_status status = WEIR_OK;
    weir__variant *variant = item;
    const size_t above = strlen(r->path);
    const unsigned line = r->line;
    weir__said sets = {0};
    TRY(expect(r, YAML_MAPPING_START_EVENT, keys_words));
    for (bool more = true;;) {
        TRY(next_key(r, above, &more));
        if (!more) break;
        if (!strcmp(last_key(r, above), "rule")) {
            TRY(note(r, &variant->rule, NULL));
            TRY(read_text(r, &variant->rule));
        } else if (!strcmp(last_key(r, above), "set")) {
            TRY(note(r, &sets, NULL));
            TRY(read_list(r, &variant->set, &variant->set_count, sizeof *variant->set, read_set));
        } else {
            return fail_unknown(r, above, keys, 2);
        }
    }
    if (!variant->rule.line || !sets.line) return fail(r, line, "%s is missing", variant->rule.line ? "set" : "rule");
done:
    return status;
}

// The setting that is meant by the key of the section; the number of settings if none is. *word: the synonym used.
static size_t find_setting(const char *path, const char *section, const char **word) {
    const char *meant = weir__synonym_path(path);
    size_t i = 0;
    *word = NULL;
    if (meant != path && weir__setting_is_in(meant, section)) *word = strrchr(path, '.') + 1;
    if (!*word) meant = path;
    if (!weir__setting_is_in(meant, section)) return weir__setting_count();
    while (i < weir__setting_count() && strcmp(weir__setting_at(i).field->path, meant) != 0) i++;
    return i;
}

static weir_status fail_unknown_setting(reader *r, const char *section) {
    const char *keys[weir__settings_most];
    size_t count = 0;
    for (size_t i = 0; i < weir__setting_count(); i++) {
        const weir__field *field = weir__setting_at(i).field;
        if (weir__setting_is_in(field->path, section)) keys[count++] = weir__field_key(field);
    }
    return fail_unknown(r, strlen(section), keys, count);
}

static weir_status read_section(reader *r, const char *section) {
    weir_status status = WEIR_OK;
    weir__document *into = r->into;
    TRY(expect(r, YAML_MAPPING_START_EVENT, keys_words));
    for (bool more = true;;) {
        const char *word = NULL;
        TRY(next_key(r, strlen(section), &more));
        if (!more) break;
        const size_t i = find_setting(r->path, section, &word);
        if (i == weir__setting_count()) return fail_unknown_setting(r, section);
        const weir__field *field = weir__setting_at(i).field;
        weir__said *said = &into->setting[i];
        if (word) word = weir__arena_copy(r->arena, word, strlen(word));
        weir__print(r->path, sizeof r->path, "%s", field->path);
        TRY(note(r, said, word));
        if (field->type == WEIR__SECTION) {
            TRY(read_section(r, field->path));
        } else if (weir__field_is_value(field)) {
            TRY(read_value(r, field, said));
        } else if (!strcmp(field->path, "network")) {
            TRY(read_list(r, &into->nodes, &into->node_count, sizeof *into->nodes, read_node));
        } else {
            TRY(read_list(r, &into->variants, &into->variant_count, sizeof *into->variants, read_variant));
        }
    }
done:
    return status;
}

static weir_status read_all(reader *r) {
    weir_status status = WEIR_OK;
    do TRY(advance(r));
    while (r->event.type == YAML_STREAM_START_EVENT || r->event.type == YAML_DOCUMENT_START_EVENT);
    if (r->event.type == YAML_STREAM_END_EVENT) {
        return weir__fail(r->error, WEIR_CONFIG, "%s: is empty; expected a network", r->name);
    }
    TRY(read_section(r, ""));
    do TRY(advance(r));
    while (r->event.type == YAML_DOCUMENT_END_EVENT);
    TRY(expect(r, YAML_STREAM_END_EVENT, "one, and this is a second document"));
done:
    return status;
}

weir_status weir__document_load(weir__document *document, const char *text, const char *name, weir__arena *arena,
                                weir_error *error) {
    reader r = {.into = document, .name = name, .arena = arena, .error = error};
    *document = (weir__document){0};
    if (!yaml_parser_initialize(&r.parser)) return fail_memory(&r);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, strlen(text));
    const weir_status status = read_all(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return status;
}
