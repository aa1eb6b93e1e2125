// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Arrays of a graph grow with what its passes need. One row needs most when every gate is open and a product that is
// done at once spreads its widest side out: that is provided here, by a pass of such a row and a look at the widths,
// for the one thread that a row runs in.

#include <math.h>

#include "../core/core.h"
#include "../kernels/gated.h"
#include "run.h"

/// A row of zeros with all gates open; thresholds and counters are afterwards as before.
static weir_status run_open_row(weir_graph *graph, const float *zeros, weir_error *error) {
    const weir_pass pass = {.mode = WEIR_MODE_DECIDE, .rows = 1, .inputs = zeros};
    struct kept {
        float threshold;
        weir_counters counters;
    } *kept = NULL;
    weir_status status = weir__new(&kept, graph->count, sizeof *kept, "thresholds", error);
    if (status != WEIR_OK) return status;
    for (size_t k = 0; k < graph->count; k++) {
        kept[k] = (struct kept){graph->nodes[k].threshold, graph->nodes[k].counters};
        graph->nodes[k].threshold = -INFINITY;
    }
    status = weir_graph_forward(graph, &pass, error);
    if (status == WEIR_OK && !weir_graph_output(graph, graph->count - 1)) status = WEIR_MEMORY;
    for (size_t k = 0; k < graph->count; k++) {
        graph->nodes[k].threshold = kept[k].threshold;
        graph->nodes[k].counters = kept[k].counters;
    }
    graph->forward_done = false; // its inputs are gone
    weir__free(kept);
    return status;
}

static weir_status reserve(weir_graph *graph, weir_error *error) {
    weir_status status = WEIR_OK;
    float *zeros = NULL;
    size_t widest = 0;
    for (size_t k = 0; k < graph->count; k++) widest = graph->nodes[k].width > widest ? graph->nodes[k].width : widest;
    TRY(weir__buffer_reserve(&graph->scratch.plain, widest, error));
    TRY(weir__buffer_reserve(&graph->scratch.work, weir__scratch_floats(), error));
    TRY(weir__new(&zeros, graph->nodes[0].width, sizeof *zeros, "a row", error));
    TRY(run_open_row(graph, zeros, error));
    graph->row_reserved = true;
done:
    weir__free(zeros);
    return status;
}

weir_status weir__graph_reserve_row(weir_graph *graph, weir_error *error) {
    if (graph->row_reserved) return WEIR_OK;
    const int threads = graph->options.threads;
    const int former = weir__threads_begin(1); // for whom scratch memory is provided
    graph->options.threads = 1;
    const weir_status status = reserve(graph, error);
    graph->options.threads = threads;
    weir__threads_end(former);
    return status;
}
