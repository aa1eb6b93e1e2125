// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// "from: [one, two]" as the text "one, two". libcyaml has no value that is a text or a list, so that the brackets of
// such a list are replaced by quotes before it reads: every line and column stays where it was.

#include <stdbool.h>
#include <string.h>

#include <yaml.h>

#include "../core/core.h"
#include "document.h"

// Our documents are four levels deep, and libyaml is slow in deeper ones.
enum { depth_most = 16 };

/// Where the reader is: after the key, or inside its list.
typedef struct place {
    bool after_key, inside;
    size_t first; // character that opens the list
    int depth;
} place;

/// libyaml counts characters; a continuation byte of UTF-8 is none.
static size_t byte_of(const char *text, size_t character) {
    size_t at = 0;
    for (size_t seen = 0; text[at]; at++) {
        if (((unsigned char)text[at] & 0xc0) == 0x80) continue;
        if (seen++ == character) break;
    }
    return at;
}

static bool is_plain(const yaml_event_t *event) {
    return event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/// One event. A list that holds anything but plain words is left to libcyaml, which refuses it.
static void step(place *at, const yaml_event_t *event, char *text, const char *key) {
    const bool list = event->type == YAML_SEQUENCE_START_EVENT;
    at->depth += list || event->type == YAML_MAPPING_START_EVENT;
    at->depth -= event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT;
    if (at->inside && event->type == YAML_SEQUENCE_END_EVENT) {
        text[byte_of(text, at->first)] = '"';
        text[byte_of(text, event->end_mark.index - 1)] = '"';
    }
    at->inside = at->inside && is_plain(event);
    if (at->after_key && list && event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE) {
        at->inside = true;
        at->first = event->start_mark.index;
    }
    at->after_key = is_plain(event) && !at->inside && !strcmp((const char *)event->data.scalar.value, key);
}

weir_status weir__yaml_join_lists(char **joined, const char *text, const char *key, weir__arena *arena,
                                  weir_error *error) {
    yaml_parser_t parser;
    place at = {0};
    const size_t length = strlen(text);
    *joined = weir__arena_new(arena, length + 1);
    if (!*joined) return weir__fail(error, WEIR_MEMORY, "out of memory: a configuration");
    memcpy(*joined, text, length);
    if (!strchr(text, '[')) return WEIR_OK;
    if (!yaml_parser_initialize(&parser)) return weir__fail(error, WEIR_MEMORY, "out of memory: a configuration");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    for (bool more = true; more && at.depth < depth_most;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) break; // libcyaml will say what is wrong
        step(&at, &event, *joined, key);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return WEIR_OK;
}
