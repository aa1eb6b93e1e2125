// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A network over a part of the data, batch by batch: mean loss, share of wrong classes, share of open gates, work.

#include "evaluate.h"

#include <math.h>
#include <string.h>

#include "../data/rows.h"
#include "../graph/graph.h"
#include "sparsity.h"

size_t weir__graph_max_rows(const weir_graph *graph) { return graph->options.max_rows; }

static weir_takes taken_by(const weir_graph *graph) { return weir_graph_kind(graph, graph->count - 1)->takes; }

bool weir__predicts_targets(const weir_graph *graph) { return taken_by(graph) == WEIR_TAKES_TARGETS; }

weir__measure weir__judged_by(const weir_graph *graph) {
    if (!weir__predicts_targets(graph)) return WEIR__ERROR;
    const bool likelihood = weir_graph_kind(graph, graph->count - 1)->traits & WEIR_KIND_LIKELIHOOD;
    return likelihood ? WEIR__LIKELIHOOD : WEIR__DISTANCE;
}

/// Names of the losses that take labels, or targets: "a or b".
static const char *losses_that_take(weir_takes takes, char *text, size_t size) {
    size_t length = 0;
    *text = 0;
    for (size_t k = 0; k < weir_kind_count(); k++) {
        const weir_kind *kind = weir_kind_at(k);
        if (kind->takes != takes || length >= size) continue;
        length += (size_t)snprintf(text + length, size - length, "%s%s", length ? " or " : "", kind->name);
    }
    return text;
}

weir_status weir__loss_node(const weir_graph *graph, size_t *node, weir_error *error) {
    char labels[160], targets[160];
    const weir_node *nodes = weir_graph_nodes(graph, NULL);
    *node = graph->count - 1;
    if (taken_by(graph) != WEIR_TAKES_NOTHING) return WEIR_OK;
    return weir__fail(error, WEIR_CONFIG,
                      "the last node is \"%s\" (%s); rows with labels need %s, rows with targets %s", nodes[*node].name,
                      nodes[*node].kind, losses_that_take(WEIR_TAKES_LABELS, labels, sizeof labels),
                      losses_that_take(WEIR_TAKES_TARGETS, targets, sizeof targets));
}

static weir_status check_target_size(const weir_graph *graph, size_t columns, weir_error *error) {
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(graph, &count);
    if (columns == nodes[count - 1].size) return WEIR_OK;
    return weir__fail(error, WEIR_SHAPE,
                      "the network predicts %zu values, but the data's targets have %zu; set the size of the last "
                      "layer to %zu",
                      nodes[count - 1].size, columns, columns);
}

weir_status weir__check_answers(const weir_graph *graph, const weir_data *data, weir_error *error) {
    weir_status status = WEIR_OK;
    char others[160];
    size_t loss = 0;
    const size_t classes = weir_data_classes(data), targets = weir_data_targets(data);
    const weir_node *nodes = weir_graph_nodes(graph, NULL);
    TRY(weir__loss_node(graph, &loss, error));
    if (weir__predicts_targets(graph)) {
        TRY_THAT(targets, WEIR_CONFIG,
                 "the network ends in %s, which needs targets, but the data has labels; set data.targets, or end the "
                 "network in %s",
                 nodes[loss].kind, losses_that_take(WEIR_TAKES_LABELS, others, sizeof others));
        status = check_target_size(graph, targets, error);
        goto done;
    }
    TRY_THAT(!targets, WEIR_CONFIG,
             "the network ends in %s, which needs labels, but data.targets asks for targets; end the network in %s, or "
             "set data.targets to labels",
             nodes[loss].kind, losses_that_take(WEIR_TAKES_TARGETS, others, sizeof others));
    TRY_THAT(classes <= nodes[loss].size, WEIR_SHAPE,
             "the data has %zu classes, but the network tells only %zu apart; set the size of the last layer to %zu",
             classes, nodes[loss].size, classes);
done:
    return status;
}

weir_status weir__feed_init(weir__feed *feed, const weir_graph *graph, const weir_part *part, size_t batch,
                            weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t columns = weir_rows_shape(part->rows).columns, wanted = weir_graph_nodes(graph, NULL)[0].size;
    *feed = (weir__feed){.part = part, .batch = batch < part->count ? batch : part->count};
    TRY_THAT(part->count > 0, WEIR_DATA, "this part of the data has no rows; give it at least one");
    TRY_THAT(columns == wanted, WEIR_SHAPE,
             "the network takes rows of %zu values, but the data has %zu; set the input's size to %zu", wanted, columns,
             columns);
    TRY(weir__new(&feed->inputs, feed->batch * columns, sizeof(float), "a batch of rows", error));
    if (!part->targets || !weir__predicts_targets(graph)) return WEIR_OK;
    const size_t outputs = weir_rows_shape(part->targets).columns;
    TRY(check_target_size(graph, outputs, error));
    TRY(weir__new(&feed->targets, feed->batch * outputs, sizeof(float), "a batch of targets", error));
done:
    return status;
}

void weir__feed_free(weir__feed *feed) {
    weir__free(feed->inputs);
    weir__free(feed->targets);
    *feed = (weir__feed){0};
}

void weir__feed_rewind(weir__feed *feed) { feed->first = feed->rows = 0; }

bool weir__feed_next(weir__feed *feed) {
    const weir_part *part = feed->part;
    feed->first += feed->rows;
    const size_t left = part->count - feed->first;
    feed->rows = left < feed->batch ? left : feed->batch;
    if (!feed->rows) return false;
    weir_rows_copy(part->rows, feed->inputs, NULL, part->first + feed->first, feed->rows);
    if (feed->targets) weir_rows_copy(part->targets, feed->targets, NULL, part->first + feed->first, feed->rows);
    feed->labels = part->labels ? part->labels + part->first + feed->first : NULL;
    return true;
}

weir_pass weir__feed_pass(const weir__feed *feed, weir_mode mode) {
    return (weir_pass){.mode = mode,
                       .rows = feed->rows,
                       .inputs = feed->inputs,
                       .labels = feed->targets ? NULL : feed->labels,
                       .targets = feed->targets,
                       .first_row = feed->first};
}

bool weir__feed_has_answers(const weir__feed *feed, const weir_graph *graph) {
    return weir__predicts_targets(graph) ? feed->targets != NULL : feed->part->labels != NULL;
}

weir__gate_count weir__count_gates(const weir_graph *graph, const size_t *nodes, size_t count) {
    weir__gate_count sum = {0};
    for (size_t i = 0; i < count; i++) {
        const weir_counters counters = weir_graph_node_counters(graph, nodes[i]);
        sum.gates += counters.gates;
        sum.open += counters.gates_open;
    }
    return sum;
}

double weir__share_between(weir__gate_count before, weir__gate_count after) {
    const uint64_t gates = after.gates - before.gates;
    return gates ? (double)(after.open - before.open) / (double)gates : 1;
}

static weir_counters counters_between(weir_counters before, weir_counters after) {
    return (weir_counters){
        .rows = after.rows - before.rows,
        .forward_dense = after.forward_dense - before.forward_dense,
        .forward_done = after.forward_done - before.forward_done,
        .forward_gater = after.forward_gater - before.forward_gater,
        .backward_dense = after.backward_dense - before.backward_dense,
        .backward_done = after.backward_done - before.backward_done,
        .backward_gater = after.backward_gater - before.backward_gater,
        .gates = after.gates - before.gates,
        .gates_open = after.gates_open - before.gates_open,
        .blocks = after.blocks - before.blocks,
        .blocks_read = after.blocks_read - before.blocks_read,
    };
}

void weir__watch_end(const weir__watch *watch, const weir_graph *graph, weir_mode mode, weir_evaluation *evaluation) {
    const weir__gate_count opened = weir__count_gates(graph, watch->gates, watch->gate_count);
    evaluation->share = mode == WEIR_MODE_OPEN ? 1 : weir__share_between(watch->opened, opened);
    evaluation->counters = counters_between(watch->counters, weir_graph_counters(graph));
    weir__watch_summary(watch, graph, evaluation);
}

static size_t most_probable(const float *p, size_t classes) {
    size_t best = 0;
    for (size_t i = 1; i < classes; i++) {
        if (p[i] > p[best]) best = i;
    }
    return best;
}

/// Sums over the rows of a part. Of values, those of each target are taken from its first one on, so that their spread
/// is not lost in their size.
typedef struct sums {
    double loss;
    size_t wrong;
    double squares;                   // of all differences
    double *first, *shifted, *spread; // [outputs]: first value, sums of differences from it and of their squares
} sums;

static weir_status start_values(sums *sum, size_t outputs, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(weir__new(&sum->first, outputs, sizeof *sum->first, "sums over targets", error));
    TRY(weir__new(&sum->shifted, outputs, sizeof *sum->shifted, "sums over targets", error));
    TRY(weir__new(&sum->spread, outputs, sizeof *sum->spread, "sums over targets", error));
done:
    return status;
}

static void free_values(sums *sum) {
    weir__free(sum->first);
    weir__free(sum->shifted);
    weir__free(sum->spread);
}

static void add_values(sums *sum, const float *y, const weir__feed *feed, size_t outputs) {
    for (size_t k = 0; k < feed->rows * outputs; k++) {
        const size_t column = k % outputs;
        const double target = (double)feed->targets[k], difference = (double)y[k] - target;
        if (feed->first == 0 && k < outputs) sum->first[column] = target;
        const double moved = target - sum->first[column];
        sum->squares += difference * difference;
        sum->shifted[column] += moved;
        sum->spread[column] += moved * moved;
    }
}

static void judge_values(const sums *sum, double rows, size_t outputs, weir_evaluation *evaluation) {
    double all = 0;
    for (size_t k = 0; k < outputs; k++) all += sum->spread[k] - sum->shifted[k] * sum->shifted[k] / rows;
    evaluation->rmse = sqrt(sum->squares / (rows * (double)outputs));
    if (all > 0) evaluation->r2 = 1 - sum->squares / all;
}

static weir_status run_batch(weir_graph *graph, const weir__feed *feed, weir_mode mode, size_t node, sums *sum,
                             int32_t *predicted, weir_error *error) {
    const weir_pass pass = weir__feed_pass(feed, mode);
    const weir_status status = weir_graph_forward(graph, &pass, error);
    if (status != WEIR_OK) return status;
    const float *loss = weir_graph_loss(graph), *p = weir_graph_output(graph, node);
    const size_t width = weir_graph_nodes(graph, NULL)[node].size;
    const bool classes = !weir__predicts_targets(graph);
    if (!p) return weir__fail(error, WEIR_MEMORY, "out of memory: outputs of a batch");
    if (sum->first && loss) add_values(sum, p, feed, width);
    for (size_t r = 0; r < feed->rows; r++) {
        const size_t class = classes ? most_probable(p + r * width, width) : 0;
        if (predicted) predicted[feed->first + r] = (int32_t) class;
        if (!loss) continue;
        sum->loss += (double)loss[r];
        sum->wrong += classes && class != (size_t)feed->labels[r];
    }
    return WEIR_OK;
}

/// Bits per byte of a text whose labels have that loss in all; NaN of other rows. A word that the vocabulary lacks is told
/// by the class of unknown words, and spelled: 8 bits for each of its bytes, and 8 for its end.
static double bits_per_byte(const weir_part *part, double loss) {
    const weir_rows *rows = part->rows;
    double bytes = 0, spelled = 0;
    for (size_t i = 0; rows->lengths && i < part->count; i++) {
        const size_t row = part->first + i;
        const int32_t label = part->labels[row];
        const size_t length = rows->token_bytes ? rows->token_bytes[row + rows->shape.columns] : rows->lengths[label];
        bytes += (double)length;
        if (rows->token_bytes && !label) spelled += 8 * ((double)length + 1);
    }
    return rows->lengths ? (loss / log(2) + spelled) / bytes : (double)NAN;
}

weir_status weir_evaluate(weir_graph *graph, weir_evaluation *evaluation, int32_t *predicted, const weir_part *part,
                          weir_mode mode, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__feed feed = {0};
    weir__watch watch = {0};
    size_t node = 0;
    sums sum = {0};
    TRY(weir__loss_node(graph, &node, error));
    const bool classes = !weir__predicts_targets(graph);
    TRY_THAT(classes || !predicted, WEIR_ARGUMENT, "a network that ends in %s predicts no classes",
             weir_graph_nodes(graph, NULL)[node].kind);
    TRY(weir__feed_init(&feed, graph, part, weir__graph_max_rows(graph), error));
    TRY(weir__watch_begin(&watch, graph, weir__watch_classes(graph, part), error));
    const bool values = weir__judged_by(graph) == WEIR__DISTANCE;
    const size_t outputs = weir_graph_nodes(graph, NULL)[node].size;
    if (values) TRY(start_values(&sum, outputs, error));
    while (weir__feed_next(&feed)) {
        TRY(run_batch(graph, &feed, mode, node, &sum, predicted, error));
        if (mode != WEIR_MODE_OPEN) weir__watch_look(&watch, graph, feed.labels, feed.rows);
    }
    const double rows = (double)part->count;
    const bool known = weir__feed_has_answers(&feed, graph);
    *evaluation = (weir_evaluation){
        .loss = known ? sum.loss / rows : NAN,
        .error = known && classes ? (double)sum.wrong / rows : NAN,
        .nll = NAN,
        .rmse = NAN,
        .r2 = NAN,
        .bits_per_byte = known && classes ? bits_per_byte(part, sum.loss) : NAN,
    };
    if (known && values) judge_values(&sum, rows, outputs, evaluation);
    weir__watch_end(&watch, graph, mode, evaluation);
done:
    free_values(&sum);
    weir__watch_free(&watch);
    weir__feed_free(&feed);
    return status;
}
