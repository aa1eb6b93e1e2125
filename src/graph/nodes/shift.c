// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Random translation, the oldest augmentation of image data (Simard, Steinkraus and Platt 2003, section 2): in sample
// mode a square image in row-major order moves by (v, h) pixels, each uniform on {-s, …, s} and drawn anew at every
// pass, and 0 moves in at its edges; elsewhere y = x.

#include <math.h>
#include <string.h>

#include "nodes.h"

static size_t side_of(const weir__node *node) { return (size_t)lround(sqrt((double)node->width)); }

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    (void)graph;
    node->width = node->block = node->from->width;
    const size_t side = side_of(node);
    if (side * side != node->width) {
        return weir__fail_node(error, WEIR_SHAPE, node, "moves square images: expected a square of inputs, not %zu",
                               node->width);
    }
    if (node->spec.shift >= side) {
        return weir__fail_node(error, WEIR_ARGUMENT, node, "shift = %zu: expected less than the image's %zu pixels",
                               node->spec.shift, side);
    }
    return WEIR_OK;
}

/// to [side][side] = from [side][side], moved down by v and right by h pixels.
static void move(float *to, const float *from, ptrdiff_t side, ptrdiff_t v, ptrdiff_t h) {
    const size_t kept = (size_t)(side - (h < 0 ? -h : h)), row = (size_t)side * sizeof *to;
    for (ptrdiff_t i = 0; i < side; i++) {
        const bool inside = i - v >= 0 && i - v < side;
        memset(to + i * side, 0, row);
        if (!inside) continue;
        memcpy(to + i * side + (h > 0 ? h : 0), from + (i - v) * side + (h < 0 ? -h : 0), kept * sizeof *to);
    }
}

/// Rows moved as the pass draws it; back: by the opposite, which is the transpose of that map.
static void move_rows(const void *context, weir__range rows) {
    const weir__noisy_rows *n = context;
    const weir__node *node = n->node;
    const ptrdiff_t side = (ptrdiff_t)side_of(node), most = (ptrdiff_t)node->spec.shift, sign = n->back ? -1 : 1;
    for (size_t r = rows.first; r < rows.last; r++) {
        float u[2];
        weir_random_uniform(u, n->noise, (uint32_t)(r % n->examples), 2);
        const ptrdiff_t v = (ptrdiff_t)(u[0] * (float)(2 * most + 1)) - most;
        const ptrdiff_t h = (ptrdiff_t)(u[1] * (float)(2 * most + 1)) - most;
        move(n->to + r * node->width, n->from + r * node->width, side, sign * v, sign * h);
    }
}

static const weir__noisy_map how = {move_rows};

const weir__kind weir__kind_shift = {
    .about = {.name = "shift",
              .summary = "moves square images by a few pixels at random in training",
              .equation = "y[i][j] = x[i - v][j - h], v, h ~ uniform {-s, ..., s}"},
    .fields = WEIR__FIELD_SHIFT,
    .keeps_finite = true,
    .how = &how,
    .build = build,
    .forward = weir__noisy_forward,
    .backward = weir__noisy_backward,
};
