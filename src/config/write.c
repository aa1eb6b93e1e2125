// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Writes YAML by the events of libyaml, in the order of the tables of fields.

#include <string.h>

#include <yaml.h>

#include "../graph/fields.h"
#include "document.h"

typedef struct writer {
    yaml_emitter_t emitter;
    weir__arena *arena;
    char *text;
    size_t used, room;
    bool short_of_memory;
} writer;

// A yaml_write_handler_t.
static int collect(void *data, unsigned char *bytes, size_t size) {
    writer *w = data;
    if (w->used + size + 1 > w->room) {
        w->room = 2 * (w->used + size + 1);
        w->text = weir__arena_resize(w->arena, w->text, w->room);
    }
    if (!w->text) return 0;
    memcpy(w->text + w->used, bytes, size);
    w->used += size;
    return 1;
}

// Passes an event on, which libyaml frees; made: whether there was memory for it.
static void emit(writer *w, yaml_event_t *event, int made) {
    if (made && w->short_of_memory) yaml_event_delete(event);
    if (made && !w->short_of_memory) made = yaml_emitter_emit(&w->emitter, event);
    if (!made) w->short_of_memory = true;
}

static void begin_mapping(writer *w) {
    yaml_event_t event;
    emit(w, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
}

static void end_mapping(writer *w) {
    yaml_event_t event;
    emit(w, &event, yaml_mapping_end_event_initialize(&event));
}

static void put(writer *w, const char *text) {
    yaml_event_t event;
    emit(w, &event,
         yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1,
                                      YAML_PLAIN_SCALAR_STYLE));
}

static void put_nodes(writer *w, const weir__document *document) {
    yaml_event_t event;
    emit(w, &event, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
    for (unsigned n = 0; n < document->node_count; n++) {
        begin_mapping(w);
        for (size_t i = 0; i < weir__node_fields.count; i++) {
            const char *text = document->nodes[n].field[i].text;
            if (!text) continue;
            put(w, weir__node_fields.at[i].path);
            put(w, text);
        }
        end_mapping(w);
    }
    emit(w, &event, yaml_sequence_end_event_initialize(&event));
}

static void put_section(writer *w, const weir__document *document, const char *section) {
    begin_mapping(w);
    for (size_t i = 0; i < weir__setting_count(); i++) {
        const weir__field *field = weir__setting_at(i).field;
        const bool nodes = !strcmp(field->path, "network"), sections = field->type == WEIR__SECTION;
        const char *text = document->setting[i].text;
        if (!weir__setting_is_in(field->path, section) || !(text || nodes || sections)) continue;
        put(w, weir__field_key(field));
        if (sections) {
            put_section(w, document, field->path);
        } else if (nodes) {
            put_nodes(w, document);
        } else {
            put(w, text);
        }
    }
    end_mapping(w);
}

static void put_all(writer *w, const weir__document *document) {
    yaml_event_t event;
    emit(w, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    emit(w, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
    put_section(w, document, "");
    emit(w, &event, yaml_document_end_event_initialize(&event, 1));
    emit(w, &event, yaml_stream_end_event_initialize(&event));
}

weir_status weir__document_save(const weir__document *document, char **text, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__arena arena = {0};
    writer w = {.arena = &arena};
    const bool made = yaml_emitter_initialize(&w.emitter);
    *text = NULL;
    TRY_THAT(made, WEIR_MEMORY, "out of memory: a configuration's text");
    yaml_emitter_set_output(&w.emitter, collect, &w);
    yaml_emitter_set_unicode(&w.emitter, 1);
    put_all(&w, document);
    TRY_THAT(!w.short_of_memory, WEIR_MEMORY, "out of memory: a configuration's text");
    TRY(weir__new(text, w.used + 1, 1, "a configuration's text", error));
    memcpy(*text, w.text, w.used);
done:
    if (made) yaml_emitter_delete(&w.emitter);
    weir__arena_free(&arena);
    return status;
}
