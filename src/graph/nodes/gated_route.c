// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Which (row, block) pairs a pass of a gated-affine node evaluates.

#include "../../core/noise.h"
#include "gated.h"

/// Chooses the closed pairs that are evaluated in this pass: a random share q of all pairs.
static void draw_evaluated(const weir__node *node, const weir_pass *pass, weir__gated *gated) {
    const float q = (float)node->spec.closed_share;
    const weir_noise noise = weir__node_noise(node, pass, 0);
    WEIR__FOR_PIECES(pass->rows * gated->gates)
    for (size_t r = 0; r < pass->rows; r++) {
        float u[256];
        for (size_t first = 0; first < gated->gates; first += 256) {
            const size_t count = gated->gates - first < 256 ? gated->gates - first : 256;
            uint8_t *evaluate = gated->evaluate + r * gated->gates + first;
            weir__random_uniform_at(u, noise, (uint32_t)r, first, count);
            for (size_t j = 0; j < count; j++) evaluate[j] = u[j] < q;
        }
    }
}

static weir_status reserve_evaluated(weir__gated *gated, size_t rows, weir_error *error) {
    if (rows <= gated->evaluate_rows) return WEIR_OK;
    weir__free(gated->evaluate);
    gated->evaluate_rows = 0;
    const weir_status status = weir__new(&gated->evaluate, rows * gated->gates, 1, "closed gates to evaluate", error);
    if (status == WEIR_OK) gated->evaluate_rows = rows;
    return status;
}

weir_status weir__gated_route(const weir__node *node, const weir_pass *pass, weir__gated *gated, weir_error *error) {
    const uint8_t *evaluate = NULL;
    if (pass->mode == WEIR_MODE_SAMPLE && !gated->experts_dense) {
        if (gated->closed == WEIR__CLOSED_SAMPLE) {
            const weir_status status = reserve_evaluated(gated, pass->rows, error);
            if (status != WEIR_OK) return status;
            draw_evaluated(node, pass, gated);
        }
        if (gated->closed != WEIR__CLOSED_NONE)
            evaluate = gated->closed == WEIR__CLOSED_ALL ? weir__route_all : gated->evaluate;
    }
    return weir__route_build(&gated->route, pass->rows, gated->gates, node->gates->memory.values.data, evaluate, error);
}

void weir__gated_count(weir__node *node, const weir__gated *gated) {
    node->counters.blocks += gated->gates;
    if (gated->experts_dense) {
        node->counters.blocks_read += gated->gates;
        return;
    }
    for (size_t j = 0; j < gated->gates; j++) {
        node->counters.blocks_read += gated->route.start[j + 1] > gated->route.start[j];
    }
}
