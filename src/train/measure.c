// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What a trained network does on a test part, and what its closed gates save. Times are of forward passes alone and of
// the same batches for both modes; a mode is timed over the whole part, after one batch that is not timed (it may have
// to lay out weights for the mode), and the modes alternate, so that a disturbance meets both.

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../core/core.h"
#include "evaluate.h"
#include "sparsity.h"

static weir_status run_once(weir_graph *graph, const weir__feed *feed, weir_mode mode, double *seconds,
                            weir_error *error) {
    const weir_pass pass = {.mode = mode, .rows = feed->rows, .inputs = feed->inputs};
    const double began = weir__seconds();
    const weir_status status = weir_graph_forward(graph, &pass, error);
    *seconds += weir__seconds() - began;
    return status;
}

static weir_status time_part(weir_graph *graph, weir__feed *feed, weir_mode mode, double *ms, weir_error *error) {
    weir_status status = WEIR_OK;
    double untimed = 0, seconds = 0;
    weir__feed_rewind(feed);
    if (weir__feed_next(feed)) TRY(run_once(graph, feed, mode, &untimed, error));
    weir__feed_rewind(feed);
    while (weir__feed_next(feed)) TRY(run_once(graph, feed, mode, &seconds, error));
    *ms = seconds * 1e3;
done:
    return status;
}

static weir_status time_modes(weir_graph *graph, weir__feed *feed, size_t repeats, weir_result *result,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    double *gated = NULL, *dense = NULL, warm = 0;
    TRY(weir__new(&gated, repeats, sizeof *gated, "times", error));
    TRY(weir__new(&dense, repeats, sizeof *dense, "times", error));
    TRY(time_part(graph, feed, WEIR_MODE_DECIDE, &warm, error));
    TRY(time_part(graph, feed, WEIR_MODE_OPEN, &warm, error));
    for (size_t i = 0; i < repeats; i++) {
        TRY(time_part(graph, feed, WEIR_MODE_DECIDE, &gated[i], error));
        TRY(time_part(graph, feed, WEIR_MODE_OPEN, &dense[i], error));
    }
    result->predict_ms_gated = weir_median(gated, repeats);
    result->predict_ms_dense = weir_median(dense, repeats);
done:
    weir__free(gated);
    weir__free(dense);
    return status;
}

// Names, rule and thresholds of the gates; the rule of a network without gates is that of its first unit node.
static weir_status describe(weir_graph *graph, weir_result *result, weir_error *error) {
    size_t *gates = NULL, count = 0, nodes = 0;
    const weir_node *specs = weir_graph_nodes(graph, &nodes);
    const weir_status status = weir__gate_nodes(graph, &gates, &count, error);
    if (status != WEIR_OK) return status;
    const weir_unit *unit = count ? weir_graph_unit(graph, gates[0]) : NULL;
    for (size_t i = 0; i < nodes && !unit; i++) unit = weir_graph_unit(graph, i);
    result->rule[0] = 0;
    if (unit) weir_unit_print(unit, result->rule, sizeof result->rule);
    result->gate_count = count;
    for (size_t i = 0; i < count && i < WEIR_RESULT_GATES; i++) {
        result->gates[i] = specs[gates[i]].name;
        result->thresholds[i] = (double)weir_graph_threshold(graph, gates[i]);
    }
    result->threshold = count ? result->thresholds[0] : NAN;
    weir__free(gates);
    return WEIR_OK;
}

static size_t count_parameters(weir_graph *graph) {
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    size_t count = 0;
    for (size_t i = 0; i < p.tensor_count; i++) count += p.tensors[i].rows * p.tensors[i].columns;
    return count;
}

static uint64_t memory_peak(void) {
    struct rusage usage = {0};
    return getrusage(RUSAGE_SELF, &usage) ? 0 : (uint64_t)usage.ru_maxrss * 1024;
}

weir_status weir_measure_samples(weir_graph *graph, weir_result *result, const weir_part *part, size_t samples,
                                 uint64_t seed, weir_error *error) {
    weir_evaluation test;
    if (weir__judged_by(graph) != WEIR__LIKELIHOOD) return WEIR_OK;
    const weir_status status = weir_evaluate_samples(graph, &test, part, samples, seed, error);
    if (status != WEIR_OK) return status;
    result->test_nll = test.nll;
    result->test_loss = test.loss;
    result->samples = test.samples;
    return WEIR_OK;
}

weir_status weir_measure(weir_graph *graph, weir_result *result, const weir_part *part, size_t batch, int repeats,
                         weir_error *error) {
    weir_status status = WEIR_OK;
    weir__feed feed = {0};
    weir_evaluation test;
    const size_t most = weir__graph_max_rows(graph);
    TRY_THAT(repeats >= 0, WEIR_ARGUMENT, "%d repeats; expected 0 or more", repeats);
    TRY(weir_evaluate(graph, &test, NULL, part, WEIR_MODE_DECIDE, error));
    TRY(weir__feed_init(&feed, graph, part, batch && batch < most ? batch : most, error));
    TRY(describe(graph, result, error));
    if (repeats) TRY(time_modes(graph, &feed, (size_t)repeats, result, error));
    const double rows = (double)part->count;
    result->version = weir_version();
    result->isa = weir_isa_name(weir_isa_current());
    result->precision = weir_precision_name(weir_graph_precision(graph));
    result->threads = weir_threads();
    result->test_loss = test.loss;
    result->test_error = test.error;
    result->gates_all = test.gates;
    result->gates_never_open = test.never_open;
    result->load_entropy = test.entropy;
    result->load_overlap = test.overlap;
    result->load_same_class = test.same_class;
    result->load_other_class = test.other_class;
    result->test_bits_per_byte = test.bits_per_byte;
    result->test_rmse = test.rmse;
    result->test_r2 = test.r2;
    result->share = test.share;
    result->multiply_adds_dense = (double)test.counters.forward_dense / rows;
    result->multiply_adds_done = (double)test.counters.forward_done / rows;
    result->multiply_adds_gater = (double)test.counters.forward_gater / rows;
    result->predict_rows = part->count;
    result->predict_batch = feed.batch;
    result->predict_repeats = repeats;
    result->parameters = count_parameters(graph);
    result->memory_peak = memory_peak();
done:
    weir__feed_free(&feed);
    return status;
}
