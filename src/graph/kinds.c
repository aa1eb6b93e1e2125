// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The table of the kinds of nodes.

#include <string.h>

#include "kinds.h"
#include "nodes/custom.h"
#include "nodes/nodes.h"

#define WEIR__ROW(name) &weir__kind_##name,
static const weir__kind *const kinds[] = {WEIR__KINDS(WEIR__ROW)};
#undef WEIR__ROW
static const size_t kind_count = sizeof kinds / sizeof *kinds;

static const weir__kind *find(const char *name) {
    for (size_t k = 0; k < kind_count; k++) {
        if (!strcmp(kinds[k]->about.name, name)) return kinds[k];
    }
    return NULL;
}

const weir__kind *weir__kind_find(const weir_graph *graph, const char *name) {
    for (size_t k = 0; k < graph->custom_count; k++) {
        if (!strcmp(graph->customs[k].own.about.name, name)) return &graph->customs[k].kind;
    }
    return find(name);
}

weir_status weir__customs_take(weir_graph *graph, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_custom_kind *own = graph->options.kinds;
    const size_t count = own ? graph->options.kind_count : 0;
    graph->options.kinds = NULL; // the caller's array may go
    if (!count) return WEIR_OK;
    TRY(weir__new(&graph->customs, count, sizeof *graph->customs, "kinds of nodes", error));
    for (size_t k = 0; k < count; k++) {
        TRY(weir__custom_init(&graph->customs[k], &own[k], error));
        TRY_THAT(!weir__kind_find(graph, own[k].about.name), WEIR_ARGUMENT, "there is another kind '%s'",
                 own[k].about.name);
        graph->custom_count = k + 1;
    }
done:
    return status;
}

const weir_kind *weir_kind_find(const char *name) {
    const weir__kind *kind = find(name);
    return kind ? &kind->about : NULL;
}

size_t weir_kind_count(void) { return kind_count; }

const weir_kind *weir_kind_at(size_t index) { return index < kind_count ? &kinds[index]->about : NULL; }
