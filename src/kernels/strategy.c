// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The choice among the rows of a table.

#include "strategy.h"

#include <string.h>

const char *weir__strategy_wanted;

static double pairs_of(const weir__side *side, size_t rows, bool evaluated) {
    if (!side->route) return (double)rows;
    return (double)(evaluated ? side->route->slots : side->route->open_slots);
}

weir__case weir__case_of(weir_operation operation, size_t rows, const weir__side *out, const weir__side *in) {
    return (weir__case){.rows = rows,
                        .out = out->width,
                        .out_block = out->block,
                        .in = in->width,
                        .in_block = in->block,
                        .out_compact = out->route != NULL,
                        .in_compact = in->route != NULL,
                        .out_pairs = pairs_of(out, rows, operation == WEIR_OPERATION_FORWARD),
                        .in_pairs = pairs_of(in, rows, operation == WEIR_OPERATION_INPUT_GRADIENT)};
}

static bool applies(const weir__strategy *s, const weir__case *c) { return !s->applies || s->applies(c); }

const weir__strategy *weir__strategy_choose(const weir__strategy *table, const weir__case *c) {
    for (const weir__strategy *s = table; weir__strategy_wanted && s->name; s++) {
        if (!strcmp(s->name, weir__strategy_wanted) && applies(s, c)) return s;
    }
    for (const weir__strategy *s = table; s->name; s++) {
        if (applies(s, c) && (!s->suits || s->suits(c))) return s;
    }
    return NULL;
}
