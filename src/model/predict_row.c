// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// One row at a time, for a server: in the calling thread alone, and without a call for memory.

#include <string.h>

#include "../core/core.h"
#include "../graph/graph.h"
#include "predict.h"

static weir_status predict(weir_graph *graph, int32_t *predicted, float *probabilities, const float *row,
                           weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_pass pass = {.mode = WEIR_MODE_DECIDE, .rows = 1, .inputs = row};
    const size_t last = graph->count - 1, outputs = graph->nodes[last].width;
    TRY_THAT(row, WEIR_ARGUMENT, "no row was given");
    TRY(weir__graph_reserve_row(graph, error));
    TRY(weir_graph_forward(graph, &pass, error));
    const float *output = weir_graph_output(graph, last);
    TRY_THAT(output, WEIR_MEMORY, "out of memory: the outputs of a row");
    if (probabilities) memcpy(probabilities, output, outputs * sizeof *output);
    if (predicted) *predicted = weir__arg_max(output, outputs);
done:
    return status;
}

weir_status weir_predict_row(weir_graph *graph, int32_t *predicted, float *probabilities, const float *row,
                             weir_error *error) {
    const int threads = graph->options.threads;
    graph->options.threads = 1;
    const weir_status status = predict(graph, predicted, probabilities, row, error);
    graph->options.threads = threads;
    return status;
}
