// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The kinds of nodes: one row each.

#include <string.h>

#include "kinds.h"
#include "nodes/nodes.h"

static const weir__kind *const kinds[] = {
    &weir__kind_input,         &weir__kind_affine,
    &weir__kind_gated_affine,  &weir__kind_tanh,
    &weir__kind_sigmoid,       &weir__kind_rectifier,
    &weir__kind_dropout,       &weir__kind_shift,
    &weir__kind_unit,          &weir__kind_softmax_cross_entropy,
    &weir__kind_squared_error, &weir__kind_bernoulli_cross_entropy,
};
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
