// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Which (row, block) pairs a pass of a gated-affine node evaluates.

#include "gated.h"

weir_status weir__gated_route(const weir__node *node, const weir_pass *pass, weir__gated *gated, weir_error *error) {
    const bool all = pass->mode == WEIR_MODE_SAMPLE && !gated->experts_dense && gated->closed == WEIR__CLOSED_ALL;
    return weir__route_build(&gated->route, pass->rows, gated->gates, node->gates->memory.values.data,
                             all ? weir__route_all : NULL, error);
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
