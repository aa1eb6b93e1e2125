// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The table of the kinds of nodes.

#include <string.h>

#include "kinds.h"
#include "nodes/nodes.h"

#define WEIR__ROW(name) &weir__kind_##name,
static const weir__kind *const kinds[] = {WEIR__KINDS(WEIR__ROW)};
#undef WEIR__ROW
static const size_t kind_count = sizeof kinds / sizeof *kinds;

const weir__kind *weir__kind_find(const char *name) {
    for (size_t k = 0; k < kind_count; k++) {
        if (!strcmp(kinds[k]->about.name, name)) return kinds[k];
    }
    return NULL;
}

const weir_kind *weir_kind_find(const char *name) {
    const weir__kind *kind = weir__kind_find(name);
    return kind ? &kind->about : NULL;
}

size_t weir_kind_count(void) { return kind_count; }

const weir_kind *weir_kind_at(size_t index) { return index < kind_count ? &kinds[index]->about : NULL; }
