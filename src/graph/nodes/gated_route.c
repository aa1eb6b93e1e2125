// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Which (row, block) pairs a pass of a gated-affine node evaluates.

#include "../../core/noise.h"
#include "gated.h"

typedef struct evaluated_draw {
    float share;
    weir_noise noise;
    size_t examples;
    const weir__gated *gated;
} evaluated_draw;

/// Chooses the closed pairs that are evaluated in this pass: a random share of all pairs. Each row group of an example
/// has its own.
static void draw_evaluated(const void *context, weir__range rows) {
    const evaluated_draw *d = context;
    const size_t gates = d->gated->gates;
    for (size_t r = rows.first; r < rows.last; r++) {
        float u[256];
        weir_noise noise = d->noise;
        noise.sample = (uint16_t)(r / d->examples);
        for (size_t first = 0; first < gates; first += 256) {
            const size_t count = gates - first < 256 ? gates - first : 256;
            uint8_t *evaluate = d->gated->evaluate + r * gates + first;
            weir__random_uniform_at(u, noise, (uint32_t)(r % d->examples), first, count);
            for (size_t j = 0; j < count; j++) evaluate[j] = u[j] < d->share;
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

weir_status weir__gated_route(const weir_graph *graph, const weir__node *node, const weir_pass *pass,
                              weir__gated *gated, weir_error *error) {
    const uint8_t *evaluate = NULL;
    if (pass->mode == WEIR_MODE_SAMPLE && !gated->experts_dense) {
        if (gated->closed == WEIR__CLOSED_SAMPLE) {
            const weir_status status = reserve_evaluated(gated, pass->rows, error);
            if (status != WEIR_OK) return status;
            const evaluated_draw d = {(float)node->spec.closed_share, weir__node_noise(node, pass, 0), graph->examples,
                                      gated};
            weir__parallel_ranges(pass->rows, (double)gated->gates, draw_evaluated, &d);
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
