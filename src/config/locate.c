// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Finds the line of a key in a YAML text, for errors: libcyaml does not keep the places of values. Walks libyaml's
// events with a stack of where we are; used only after something went wrong.

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "document.h"

// Our documents are four levels deep, and libyaml is slow in deeper ones.
enum { depth_most = 16, path_most = 256 };

typedef struct level {
    bool sequence, key_next;
    unsigned entry;
    size_t length; // of the path at this level, before its entry or key
} level;

typedef struct walk {
    level levels[depth_most];
    unsigned depth;
    char path[path_most];
} walk;

static void name_entry(walk *w, const char *name) {
    level *top = &w->levels[w->depth - 1];
    snprintf(w->path + top->length, sizeof w->path - top->length, "%s%s", top->length ? "." : "", name);
}

// A node of the document begins: completes the path. True if it is a key and not a value.
static bool begin(walk *w, const yaml_event_t *event) {
    if (!w->depth) return false;
    level *top = &w->levels[w->depth - 1];
    if (top->sequence) {
        char number[16];
        snprintf(number, sizeof number, "%u", top->entry++);
        name_entry(w, number);
        return false;
    }
    top->key_next = !top->key_next;
    if (top->key_next) return false; // it was the value
    name_entry(w, event->type == YAML_SCALAR_EVENT ? (const char *)event->data.scalar.value : "");
    return true;
}

static void push(walk *w, bool sequence) {
    w->levels[w->depth++] = (level){.sequence = sequence, .key_next = true, .length = strlen(w->path)};
}

// Handles one event; true when the value of path, or its key, begins here.
static bool step(walk *w, const yaml_event_t *event, const char *path) {
    switch (event->type) {
    case YAML_SCALAR_EVENT:
    case YAML_ALIAS_EVENT:
        begin(w, event);
        return !strcmp(w->path, path);
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        begin(w, event);
        if (w->depth && !strcmp(w->path, path)) return true;
        push(w, event->type == YAML_SEQUENCE_START_EVENT);
        return false;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        w->path[w->levels[--w->depth].length] = 0;
        return false;
    default:
        return false;
    }
}

unsigned weir__yaml_line(const char *text, const char *path, char *problem, size_t size) {
    walk w = {0};
    yaml_parser_t parser;
    unsigned line = 0;
    if (problem && size) problem[0] = 0;
    if (!yaml_parser_initialize(&parser)) return 0;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    for (bool more = true; more && !line && w.depth < depth_most;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            line = (unsigned)parser.problem_mark.line + 1;
            if (problem) snprintf(problem, size, "%s", parser.problem ? parser.problem : "out of memory");
            break;
        }
        if (step(&w, &event, path)) line = (unsigned)event.start_mark.line + 1;
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return line;
}
