// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The load of gates: which rows of a part opened them, counted class by class, and what is said of it. With K_i of N
// rows that opened gate i, k_ci of the n_c rows of class c among them:
//   overlap      Σ_i K_i (K_i − 1) / Σ_i K_i (N − 1), over pairs of different rows
//   same class   Σ_ci k_ci (k_ci − 1) / Σ_ci k_ci (n_c − 1)
//   other class  Σ_ci k_ci (K_i − k_ci) / Σ_ci k_ci (N − n_c)

#include <math.h>

#include "../graph/graph.h"
#include "evaluate.h"
#include "sparsity.h"

enum { most_classes = 64 }; // that are told apart

size_t weir__watch_classes(const weir_graph *graph, const weir_part *part) {
    const size_t width = graph->nodes[graph->count - 1].width;
    return part->labels && !weir__predicts_targets(graph) && width <= most_classes ? width : 0;
}

weir_status weir__watch_begin(weir__watch *watch, const weir_graph *graph, size_t classes, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(weir__gate_nodes(graph, &watch->gates, &watch->gate_count, error));
    watch->classes = classes ? classes : 1;
    watch->labelled = classes > 0;
    watch->opened = weir__count_gates(graph, watch->gates, watch->gate_count);
    watch->counters = weir_graph_counters(graph);
    for (size_t i = 0; i < watch->gate_count; i++) watch->total += weir_graph_nodes(graph, NULL)[watch->gates[i]].size;
    TRY(weir__new(&watch->open, watch->classes * watch->total, sizeof *watch->open, "the load of the gates", error));
    TRY(weir__new(&watch->rows, watch->classes, sizeof *watch->rows, "the load of the gates", error));
done:
    return status;
}

void weir__watch_look(weir__watch *watch, weir_graph *graph, const int32_t *labels, size_t rows) {
    size_t first = 0;
    const bool told = watch->labelled && labels;
    for (size_t r = 0; r < rows; r++) watch->rows[told ? labels[r] : 0]++;
    for (size_t i = 0; i < watch->gate_count; i++) {
        const size_t units = weir_graph_nodes(graph, NULL)[watch->gates[i]].size;
        const float *h = weir_graph_output(graph, watch->gates[i]);
        watch->looked |= h != NULL;
        for (size_t r = 0; h && r < rows; r++) {
            uint32_t *open = watch->open + (told ? (size_t)labels[r] : 0) * watch->total + first;
            for (size_t u = 0; u < units; u++) open[u] += h[r * units + u] != 0;
        }
        first += units;
    }
}

void weir__watch_free(weir__watch *watch) {
    weir__free(watch->gates);
    weir__free(watch->open);
    weir__free(watch->rows);
    *watch = (weir__watch){0};
}

/// Pairs of rows by the gates of one layer: those that both open, of those that the first opens.
typedef struct pairs {
    double both, one;
} pairs;

static double share(pairs p) { return p.one > 0 ? p.both / p.one : (double)NAN; }

weir_load weir__watch_load(const weir__watch *watch, const weir_graph *graph, size_t k, double *open) {
    size_t first = 0, rows = 0;
    for (size_t i = 0; i < k; i++) first += graph->nodes[watch->gates[i]].width;
    for (size_t c = 0; c < watch->classes; c++) rows += watch->rows[c];
    weir_load load = {.node = watch->gates[k], .gates = graph->nodes[watch->gates[k]].width, .open = open};
    pairs any = {0}, same = {0}, other = {0};
    double sum = 0, most = 0, logs = 0;
    for (size_t u = 0; u < load.gates; u++) {
        double all = 0;
        for (size_t c = 0; c < watch->classes; c++) all += (double)watch->open[c * watch->total + first + u];
        for (size_t c = 0; c < watch->classes; c++) {
            const double own = (double)watch->open[c * watch->total + first + u], n = (double)watch->rows[c];
            same.both += own * (own - 1);
            same.one += own * (n - 1);
            other.both += own * (all - own);
            other.one += own * ((double)rows - n);
        }
        any.both += all * (all - 1);
        any.one += all * ((double)rows - 1);
        sum += all;
        most = fmax(most, all);
        logs += all > 0 ? all * log(all) : 0;
        load.dead += all == 0;
        if (open) open[u] = all / (double)rows;
    }
    const bool used = sum > 0;
    load.greatest = used ? most * (double)load.gates / sum : NAN;
    load.entropy = !used ? NAN : load.gates == 1 ? 1 : (log(sum) - logs / sum) / log((double)load.gates);
    load.overlap = share(any);
    load.same_class = watch->labelled ? share(same) : NAN;
    load.other_class = watch->labelled ? share(other) : NAN;
    return load;
}

void weir__watch_summary(const weir__watch *watch, const weir_graph *graph, weir_evaluation *evaluation) {
    const double layers = (double)watch->gate_count;
    const bool looked = watch->looked && watch->gate_count;
    evaluation->entropy = evaluation->overlap = evaluation->same_class = evaluation->other_class = looked ? 0 : NAN;
    if (!looked) return;
    evaluation->gates = watch->total;
    for (size_t k = 0; k < watch->gate_count; k++) {
        const weir_load load = weir__watch_load(watch, graph, k, NULL);
        evaluation->never_open += load.dead;
        evaluation->entropy += load.entropy / layers;
        evaluation->overlap += load.overlap / layers;
        evaluation->same_class += load.same_class / layers;
        evaluation->other_class += load.other_class / layers;
    }
}

void weir_loads_free(weir_load *loads) { weir__free(loads); }

weir_status weir_loads_measure(weir_load **loads, size_t *count, weir_graph *graph, const weir_part *part,
                               weir_error *error) {
    weir_status status = WEIR_OK;
    weir__feed feed = {0};
    weir__watch watch = {0};
    char *memory = NULL;
    *loads = NULL;
    *count = 0;
    TRY(weir__feed_init(&feed, graph, part, weir__graph_max_rows(graph), error));
    TRY(weir__watch_begin(&watch, graph, weir__watch_classes(graph, part), error));
    if (!watch.gate_count) goto done;
    while (weir__feed_next(&feed)) {
        const weir_pass pass = weir__feed_pass(&feed, WEIR_MODE_DECIDE);
        TRY(weir_graph_forward(graph, &pass, error));
        weir__watch_look(&watch, graph, feed.labels, feed.rows);
    }
    // The loads, and behind them the arrays that they point to.
    TRY(weir__new(&memory, watch.gate_count * sizeof(weir_load) + watch.total * sizeof(double), 1,
                  "the load of the gates", error));
    weir_load *found = (weir_load *)(void *)memory;
    double *open = (double *)(void *)(memory + watch.gate_count * sizeof(weir_load));
    for (size_t k = 0; k < watch.gate_count; k++) {
        found[k] = weir__watch_load(&watch, graph, k, open);
        open += found[k].gates;
    }
    *loads = found;
    *count = watch.gate_count;
done:
    weir__watch_free(&watch);
    weir__feed_free(&feed);
    return status;
}
