// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// NaN and infinity in a pass: one look at each output, where it is made. Kinds whose outputs are finite whenever what
// they read is (weir__kind.keeps_finite) are left out. The cost beside the products is that of reading what these have
// just written: less than a hundredth of a layer of a hundred inputs.

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "../core/clones.h"
#include "finite.h"
#include "groups.h"

// The greatest of their bits, signs left out, is below those of infinity.
WEIR__CLONES bool weir__all_finite(const float *values, size_t count) {
    uint32_t most = 0;
    for (size_t k = 0; k < count; k++) {
        uint32_t bits;
        memcpy(&bits, values + k, sizeof bits);
        bits &= 0x7fffffffu;
        most = bits > most ? bits : most;
    }
    return most < 0x7f800000u;
}

/// Place of a value, found after something was not finite.
typedef struct place {
    bool found;
    size_t row, column;
    double value;
} place;

static bool look(place *at, const float *values, size_t count, size_t row, size_t column) {
    if (weir__all_finite(values, count)) return false;
    for (size_t k = 0; !at->found && k < count; k++) {
        if (isfinite(values[k])) continue;
        *at = (place){.found = true, .row = row, .column = column + k, .value = (double)values[k]};
    }
    return true;
}

typedef struct rows_of_values {
    const float *values;
    size_t width;
    atomic_bool *found;
} rows_of_values;

static void look_at_range(const void *context, weir__range rows) {
    const rows_of_values *v = context;
    if (weir__all_finite(v->values + rows.first * v->width, (rows.last - rows.first) * v->width)) return;
    atomic_store(v->found, true);
}

/// Whoever has made some rows looks at them: they are in its cache.
static bool all_rows_are_finite(const float *values, size_t rows, size_t width) {
    atomic_bool found = false;
    weir__parallel_ranges(rows, 0.1 * (double)width, look_at_range, &(rows_of_values){values, width, &found});
    return !atomic_load(&found);
}

static void look_at_rows(place *at, const float *values, size_t rows, size_t width) {
    if (all_rows_are_finite(values, rows, width)) return;
    for (size_t r = 0; r < rows && !at->found; r++) look(at, values + r * width, width, r, 0);
}

/// Open pairs of a compact output. Those that were evaluated though closed are 0; only behind a block that is shorter
/// than the others there are values that mean nothing.
static void look_at_slots(place *at, const weir__node *node, size_t rows) {
    const weir__route *route = node->pass.route;
    const bool whole = node->width % node->block == 0;
    if (whole && all_rows_are_finite(node->memory.values.data, route->slots, node->block)) return;
    for (size_t r = 0; r < rows; r++) {
        for (int32_t e = route->row_start[r]; e < route->row_open[r]; e++) {
            const size_t first = (size_t)route->row_block[e] * node->block, left = node->width - first;
            const float *values = node->memory.values.data + (size_t)route->row_slot[e] * node->block;
            if (look(at, values, left < node->block ? left : node->block, r, first)) return;
        }
    }
}

/// The greatest absolute value of a row of the batch: a fill value of absent data shows there.
static double greatest_input(const weir_graph *graph, size_t row) {
    const size_t width = graph->nodes[0].width;
    double most = 0;
    for (size_t k = 0; k < width; k++) most = fmax(most, fabs((double)graph->pass.inputs[row * width + k]));
    return most;
}

weir_status weir__check_finite(const weir_graph *graph, const weir__node *node, weir_error *error) {
    const size_t rows = weir__node_rows(graph, node);
    place at = {0};
    if (node->kind->keeps_finite) return WEIR_OK;
    if (node->pass.route) {
        look_at_slots(&at, node, rows);
    } else {
        look_at_rows(&at, node->memory.values.data, rows, node->width);
    }
    if (!at.found) return WEIR_OK;
    const size_t row = at.row % graph->examples, number = graph->pass.first_row + row;
    if (weir__has_trait(node->kind, WEIR_KIND_INPUT)) {
        return weir__fail_node(error, WEIR_DATA, node, "value %zu of row %zu is %g; inputs must be finite", at.column,
                               number, at.value);
    }
    return weir__fail_node(error, WEIR_DIVERGED, node,
                           "output %zu of row %zu is %g (the greatest input of that row is %g): the inputs or the "
                           "parameters are too large",
                           at.column, number, at.value, greatest_input(graph, row));
}

weir_status weir__check_targets(const weir_graph *graph, const weir_pass *pass, weir_error *error) {
    place at = {0};
    if (!pass->targets || !graph->loss || graph->loss->kind->about.takes != WEIR_TAKES_TARGETS) return WEIR_OK;
    look_at_rows(&at, pass->targets, pass->rows, graph->loss->width);
    if (!at.found) return WEIR_OK;
    return weir__fail_node(error, WEIR_DATA, graph->loss, "target %zu of row %zu is %g; targets must be finite",
                           at.column, pass->first_row + at.row, at.value);
}
