// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A trainer: made, advanced by one batch, freed. The loop over epochs is in run.c.

#include <math.h>
#include <string.h>

#include "../config/options.h"
#include "../data/rows.h"
#include "../graph/graph.h"
#include "trainer.h"

// What graph, data and options must agree on.
static weir_status check_fit(const weir_trainer *t, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_node *nodes = weir_graph_nodes(t->graph, NULL);
    const weir_part train = weir_data_train(t->data), valid = weir_data_valid(t->data);
    const size_t columns = weir_data_columns(t->data);
    TRY_THAT(t->graph->options.training, WEIR_ARGUMENT, "the graph was not made for training");
    TRY_THAT(t->options.batch <= t->graph->options.max_rows, WEIR_ARGUMENT,
             "train.batch is %zu, but the graph was made for at most %zu rows", t->options.batch,
             t->graph->options.max_rows);
    TRY_THAT((train.count > 0 || weir__data_batches(t->data)) && valid.count > 0, WEIR_DATA,
             "%zu training and %zu validation rows; training needs both (data.train, data.valid)", train.count,
             valid.count);
    TRY_THAT(columns == nodes[0].size, WEIR_SHAPE,
             "the network takes rows of %zu values, but the data has %zu; set the input's size to %zu", nodes[0].size,
             columns, columns);
    TRY(weir__check_answers(t->graph, t->data, error));
done:
    return status;
}

size_t weir__training_rows(const weir_trainer *t) {
    const weir_batches *batches = weir__data_batches(t->data);
    return batches ? batches->rows : weir_data_train(t->data).count;
}

const char *weir__of_batches(const weir_trainer *t, char *text) {
    text[0] = 0;
    if (t->batches) snprintf(text, WEIR__OF_BATCHES, " of %zu", t->batches);
    return text;
}

// Everything whose size is known from the options.
static weir_status allocate(weir_trainer *t, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_parameters_view p = weir_graph_parameters_read(t->graph);
    const size_t rows = weir__training_rows(t), batch = t->options.batch;
    const bool stream = weir__data_batches(t->data) != NULL;
    t->batches = rows / batch + (rows % batch != 0);
    TRY_THAT(!t->batches || t->options.epochs <= UINT32_MAX / t->batches, WEIR_CONFIG,
             "train.epochs is %zu: more than 2^32 batches in all; the noise of a batch is numbered by 32 bits",
             t->options.epochs);
    TRY(weir__optimizer_init(&t->optimizer, &t->options.optimizer, p.count, error));
    TRY(weir__average_init(&t->average, t->options.average, t->graph, error));
    TRY(weir__sparsity_init(&t->sparsity, t->graph, &t->options.sparsity, batch, error));
    TRY(weir__gate_nodes(t->graph, &t->gates, &t->gate_count, error));
    t->computed = !stream && weir_data_train(t->data).rows->lengths;
    TRY(weir__new(&t->order, stream ? 0 : t->computed ? batch : rows, sizeof *t->order, "the order of the training rows",
                  error));
    TRY(weir__new(&t->inputs, batch * weir_data_columns(t->data), sizeof *t->inputs, "a batch of rows", error));
    TRY(weir__new(&t->labels, batch, sizeof *t->labels, "a batch of labels", error));
    const size_t targets = weir_data_targets(t->data);
    if (targets) TRY(weir__new(&t->targets, batch * targets, sizeof *t->targets, "a batch of targets", error));
    TRY(weir__new(&t->best_values, p.count, sizeof *t->best_values, "the best parameters", error));
    TRY(weir__new(&t->best_thresholds, t->gate_count, sizeof *t->best_thresholds, "the best thresholds", error));
done:
    return status;
}

weir_status weir_trainer_create(weir_trainer **trainer, weir_graph *graph, const weir_data *data,
                                const weir_train_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_trainer *t = NULL;
    *trainer = NULL;
    TRY(weir__new(&t, 1, sizeof *t, "a trainer", error));
    t->graph = graph;
    t->data = data;
    t->options = *options;
    TRY(weir__options_check(&weir__train_fields, options, error));
    TRY(check_fit(t, error));
    TRY(allocate(t, error));
    TRY(weir_graph_scale_set(graph, weir_data_scale(data), error));
    TRY(weir_graph_names_set(graph, weir_data_names(data), error));
    t->options.optimizer = t->optimizer.options;
    t->options.sparsity.kind = t->sparsity.options.kind;
    *trainer = t;
    t = NULL;
done:
    weir_trainer_free(t);
    return status;
}

void weir_trainer_free(weir_trainer *t) {
    if (!t) return;
    weir__optimizer_free(&t->optimizer);
    weir__sparsity_free(&t->sparsity);
    weir__average_free(&t->average);
    weir__free(t->gates);
    weir__free(t->order);
    weir__free(t->inputs);
    weir__free(t->labels);
    weir__free(t->targets);
    weir__free(t->best_values);
    weir__free(t->best_thresholds);
    weir__free(t->identity);
    weir__free(t->remark);
    weir__lock_release(&t->lock);
    weir__free(t->epochs);
    weir__free(t);
}

static double rate_now(const weir_trainer *t) {
    const double part = t->batches ? (double)t->place.batch / (double)t->batches : 0;
    return weir__schedule_rate(&t->options.optimizer, t->place.epoch, part, t->options.epochs);
}

static weir_status fail_diverged(const weir_trainer *t, const char *what, weir_error *error) {
    char of[WEIR__OF_BATCHES];
    return weir__fail(error, WEIR_DIVERGED,
                      "%s; in epoch %zu, batch %zu%s; try a lower optimizer.rate (it is %g there) or "
                      "a max_norm on the layers",
                      what, t->place.epoch + 1, t->place.batch + 1, weir__of_batches(t, of), rate_now(t));
}

// What the network itself found: the same advice, or the batch that has the value.
static weir_status fail_forward(const weir_trainer *t, weir_status status, const weir_error *found, weir_error *error) {
    if (status == WEIR_DIVERGED) return fail_diverged(t, found->text, error);
    char of[WEIR__OF_BATCHES];
    return weir__fail(error, status, "epoch %zu, batch %zu%s: %s", t->place.epoch + 1, t->place.batch + 1,
                      weir__of_batches(t, of), found->text);
}

// The optimizer at a scheduled rate, for weir__graph_step.
typedef struct optimizer_at_rate {
    const weir_optimizer *optimizer;
    double rate;
} optimizer_at_rate;

static weir__update update_of(const void *context, const weir_tensor *tensor) {
    const optimizer_at_rate *at = context;
    return weir__optimizer_update(at->optimizer, tensor, at->rate);
}

static weir_status step(weir_trainer *t, const float *inputs, const int32_t *labels, const float *targets, size_t rows,
                        weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_pass pass = {.mode = WEIR_MODE_SAMPLE,
                            .rows = rows,
                            .inputs = inputs,
                            .labels = labels,
                            .targets = targets,
                            .seed = t->options.seed,
                            .step = (uint32_t)t->place.step};
    weir_error found = {0};
    const weir__gate_count before = weir__count_gates(t->graph, t->gates, t->gate_count);
    TRY_THAT(rows > 0 && rows <= t->options.batch, WEIR_ARGUMENT, "a batch of %zu rows; this trainer takes 1 to %zu",
             rows, t->options.batch);
    TRY_THAT(t->targets ? targets != NULL : labels != NULL, WEIR_ARGUMENT, "a training batch of this network needs %s",
             t->targets ? "targets" : "labels");
    status = weir_graph_forward(t->graph, &pass, &found);
    if (status != WEIR_OK) return fail_forward(t, status, &found, error);
    const double loss = weir_graph_mean_loss(t->graph);
    if (!isfinite(loss)) return fail_diverged(t, "the loss is not finite", error);
    weir__optimizer_begin(&t->optimizer);
    const optimizer_at_rate optimizer = {&t->optimizer, rate_now(t)};
    TRY(weir__graph_step(t->graph, &pass, &(weir__step){update_of, &optimizer}, error));
    const double penalty = weir_graph_penalty(t->graph);
    if (!isfinite(penalty)) return fail_diverged(t, "the sparsity penalty is not finite", error);
    weir__sparsity_update(&t->sparsity);

    const weir__gate_count after = weir__count_gates(t->graph, t->gates, t->gate_count);
    t->place.step++;
    weir__average_add(&t->average, t->graph, t->place.step);
    t->place.loss += (loss + (t->sparsity.rule->prior ? penalty : 0)) * (double)rows;
    t->place.penalty += penalty * (double)rows;
    t->place.rows += rows;
    t->place.gates.gates += after.gates - before.gates;
    t->place.gates.open += after.open - before.open;
done:
    return status;
}

weir_status weir_trainer_step(weir_trainer *t, const float *inputs, const int32_t *labels, size_t rows,
                              weir_error *error) {
    return step(t, inputs, labels, NULL, rows, error);
}

weir_status weir_trainer_step_targets(weir_trainer *t, const float *inputs, const float *targets, size_t rows,
                                      weir_error *error) {
    return step(t, inputs, NULL, targets, rows, error);
}

const weir_epoch *weir_trainer_epochs(const weir_trainer *t, size_t *count, size_t *best) {
    if (count) *count = t->epoch_count;
    if (best) *best = t->place.best_epoch;
    return t->epochs;
}

weir_status weir__epochs_add(weir_trainer *t, const weir_epoch *epoch, weir_error *error) {
    if (t->epoch_count == t->epoch_capacity) {
        const size_t capacity = t->epoch_capacity ? 2 * t->epoch_capacity : 32;
        weir_epoch *epochs = NULL;
        const weir_status status = weir__new(&epochs, capacity, sizeof *epochs, "the records of the epochs", error);
        if (status != WEIR_OK) return status;
        if (t->epoch_count) memcpy(epochs, t->epochs, t->epoch_count * sizeof *epochs);
        weir__free(t->epochs);
        t->epochs = epochs;
        t->epoch_capacity = capacity;
    }
    t->epochs[t->epoch_count++] = *epoch;
    return WEIR_OK;
}
