// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The moving average of the parameters. It moves every eighth step only, an eighth of the memory traffic: over a
// thousand steps and more, which is what it is for, the two averages are the same to a hundredth of their width.

#include "average.h"

#include <math.h>
#include <string.h>

#include "../core/parallel.h"
#include "../graph/graph.h"

static const uint64_t interval = 8;

weir_status weir__average_init(weir__average *average, double past, weir_graph *graph, weir_error *error) {
    weir_status status = WEIR_OK;
    *average = (weir__average){.past = past};
    TRY_THAT(past >= 0 && past < 1, WEIR_CONFIG, "train.average is %g; expected 0 <= average < 1", past);
    if (past == 0) return WEIR_OK;
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    TRY(weir__new(&average->values, p.count, sizeof *average->values, "the average of the parameters", error));
    TRY(weir__new(&average->raw, p.count, sizeof *average->raw, "the average of the parameters", error));
    memcpy(average->values, p.values, p.count * sizeof *p.values);
done:
    return status;
}

void weir__average_free(weir__average *average) {
    weir__free(average->values);
    weir__free(average->raw);
    *average = (weir__average){0};
}

/// averages += share·(values − averages).
typedef struct approach {
    float share, *averages;
    const float *values;
} approach;

static void approach_range(const void *context, weir__range own) {
    const approach *p = context;
    float *restrict a = p->averages;
    const float *restrict w = p->values;
    for (size_t i = own.first; i < own.last; i++) a[i] += p->share * (w[i] - a[i]);
}

void weir__average_add(weir__average *average, weir_graph *graph, uint64_t step) {
    if (!average->values || step % interval) return;
    const double k = (double)(step / interval), most = pow(average->past, (double)interval);
    const float fresh = (float)(1 - fmin(most, (1 + k) / (10 + k)));
    const approach p = {fresh, average->values, weir__graph_values(graph)};
    weir__parallel_ranges(graph->parameter_count, 1, approach_range, &p);
}

void weir__average_show(const weir__average *average, weir_graph *graph) {
    if (!average->values) return;
    const weir_parameters p = weir_graph_parameters(graph);
    memcpy(average->raw, p.values, p.count * sizeof *p.values);
    memcpy(p.values, average->values, p.count * sizeof *p.values);
}

void weir__average_hide(const weir__average *average, weir_graph *graph) {
    if (!average->values) return;
    const weir_parameters p = weir_graph_parameters(graph);
    memcpy(p.values, average->raw, p.count * sizeof *p.values);
}
