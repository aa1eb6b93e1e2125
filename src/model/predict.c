// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Predictions for rows: deterministic gates, or the mean of several draws; batches as large as the graph takes.

#include <string.h>

#include "../core/core.h"
#include "../graph/graph.h"
#include "predict.h"

static weir_status check_rows(const weir_graph *graph, const weir_rows *rows, size_t first, size_t count,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_shape shape = weir_rows_shape(rows);
    const size_t columns = weir_graph_nodes(graph, NULL)[0].size;
    TRY_THAT(shape.columns == columns, WEIR_SHAPE, "the rows have %zu values, but the model reads rows of %zu",
             shape.columns, columns);
    TRY_THAT(first <= shape.rows && count <= shape.rows - first, WEIR_ARGUMENT,
             "rows %zu to %zu were asked for, but there are only %zu", first, first + count, shape.rows);
done:
    return status;
}

weir_status weir_predict(weir_graph *graph, int32_t *classes, float *probabilities, const weir_rows *rows, size_t first,
                         size_t count, weir_error *error) {
    weir_status status = WEIR_OK;
    float *inputs = NULL;
    size_t nodes = 0;
    const weir_node *node = weir_graph_nodes(graph, &nodes);
    const size_t columns = node[0].size, outputs = node[nodes - 1].size;
    const size_t batch = count < graph->options.max_rows ? count : graph->options.max_rows;
    TRY_THAT(!classes || weir_graph_kind(graph, nodes - 1)->takes != WEIR_TAKES_TARGETS, WEIR_ARGUMENT,
             "a network that ends in %s predicts no classes", node[nodes - 1].kind);
    TRY(check_rows(graph, rows, first, count, error));
    TRY(weir__new(&inputs, batch * columns, sizeof *inputs, "a batch of rows", error));
    for (size_t done = 0, now = 0; done < count; done += now) {
        now = count - done < batch ? count - done : batch;
        weir_rows_copy(rows, inputs, NULL, first + done, now);
        const weir_pass pass = {.mode = WEIR_MODE_DECIDE, .rows = now, .inputs = inputs, .first_row = first + done};
        TRY(weir_graph_forward(graph, &pass, error));
        const float *output = weir_graph_output(graph, nodes - 1);
        TRY_THAT(output, WEIR_MEMORY, "out of memory: the outputs of a batch");
        if (probabilities) memcpy(probabilities + done * outputs, output, now * outputs * sizeof *output);
        for (size_t r = 0; classes && r < now; r++) classes[done + r] = weir__arg_max(output + r * outputs, outputs);
    }
done:
    weir__free(inputs);
    return status;
}

/// Adds the outputs of all draws for a batch of rows to sum.
static weir_status add_draws(weir_graph *graph, const weir_pass *pass, size_t samples, float *sum, size_t outputs,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(weir_graph_forward(graph, pass, error));
    for (size_t k = 1;; k++) {
        bool drawn = false;
        const float *output = weir_graph_output(graph, graph->count - 1);
        TRY_THAT(output, WEIR_MEMORY, "out of memory: the outputs of a batch");
        for (size_t i = 0; i < pass->rows * outputs; i++) sum[i] += output[i];
        if (k < samples) TRY(weir__graph_redraw(graph, (uint32_t)k, &drawn, error));
        if (drawn) continue;
        for (size_t i = 0; i < pass->rows * outputs; i++) sum[i] /= (float)k;
        break;
    }
done:
    return status;
}

weir_status weir_predict_samples(weir_graph *graph, float *probabilities, const weir_rows *rows, size_t first,
                                 size_t count, size_t samples, uint64_t seed, weir_error *error) {
    weir_status status = WEIR_OK;
    float *inputs = NULL;
    size_t nodes = 0;
    const weir_node *node = weir_graph_nodes(graph, &nodes);
    const size_t columns = node[0].size, outputs = node[nodes - 1].size;
    const size_t batch = count < graph->options.max_rows ? count : graph->options.max_rows;
    TRY_THAT(samples > 0 && samples <= UINT32_MAX, WEIR_ARGUMENT, "%zu samples; expected 1 to 4294967295", samples);
    TRY(check_rows(graph, rows, first, count, error));
    TRY(weir__new(&inputs, batch * columns, sizeof *inputs, "a batch of rows", error));
    for (size_t done = 0, now = 0; done < count; done += now) {
        float *sum = probabilities + done * outputs;
        now = count - done < batch ? count - done : batch;
        weir_rows_copy(rows, inputs, NULL, first + done, now);
        memset(sum, 0, now * outputs * sizeof *sum);
        const weir_pass pass = {
            .mode = WEIR_MODE_DRAW, .rows = now, .inputs = inputs, .seed = seed, .first_row = first + done};
        TRY(add_draws(graph, &pass, samples, sum, outputs, error));
    }
done:
    weir__free(inputs);
    return status;
}
