// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The training loop: epochs of shuffled batches; after each, thresholds and error on the validation part, metrics, the
// best model, a checkpoint. The order of the rows is a function of (seed, epoch) and the noise of (seed, step), so that
// a continued run meets the same ones.

#include <math.h>
#include <string.h>

#include <weir/model.h>

#include "../core/core.h"
#include "../data/rows.h"
#include "order.h"
#include "trainer.h"

// Streams of the nodes' own noise are small numbers.
static const uint16_t shuffle_stream = 0xffff;

// One call of weir_trainer_run.
typedef struct run {
    weir_trainer *t;
    const char *folder, *config_text;
    weir_train_callback callback;
    void *context;
    double began;
} run;

static weir_noise shuffle_noise(const weir_trainer *t) {
    return (weir_noise){.seed = t->options.seed, .step = (uint32_t)t->place.epoch, .stream = shuffle_stream};
}

static void shuffle(weir_trainer *t) {
    const weir_part part = weir_data_train(t->data);
    if (t->computed) return;
    weir_random_permutation(t->order, shuffle_noise(t), part.count);
    for (size_t i = 0; i < part.count; i++) t->order[i] += (uint32_t)part.first;
}

// The next rows of the epoch in t->inputs and t->labels or t->targets; *rows is 0 when it is over.
static void copy_rows(weir_trainer *t, size_t *rows) {
    const weir_part part = weir_data_train(t->data);
    const size_t first = t->place.batch * t->options.batch, left = first < part.count ? part.count - first : 0;
    *rows = left < t->options.batch ? left : t->options.batch;
    if (!*rows) return;
    uint32_t *order = t->computed ? t->order : t->order + first;
    for (size_t i = 0; t->computed && i < *rows; i++)
        order[i] = (uint32_t)part.first + weir__order_at(shuffle_noise(t), (uint32_t)part.count, (uint32_t)(first + i));
    const uint32_t draw = (uint32_t)t->place.epoch + 1; // draw 0 is that of evaluations
    weir__rows_copy_drawn(part.rows, t->inputs, order, 0, *rows, draw);
    if (t->targets) weir__rows_copy_drawn(part.targets, t->targets, order, 0, *rows, draw);
    for (size_t i = 0; !t->targets && i < *rows; i++) t->labels[i] = part.labels[order[i]];
}

// Batch number `batch` of a stream, where the batches before it have been taken.
static weir_status stream_rows(weir_trainer *t, size_t *rows, size_t batch, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t all = weir__training_rows(t), first = batch * t->options.batch;
    size_t wanted = t->options.batch;
    *rows = 0;
    if (all && first >= all) return WEIR_OK;
    if (all && all - first < wanted) wanted = all - first;
    TRY(weir__batches_take(t->data, t->inputs, t->labels, t->targets, rows, first, wanted, error));
    TRY_THAT(!all || *rows == wanted, WEIR_DATA,
             "the stream of training rows ended after %zu rows of epoch %zu; %zu were announced", first + *rows,
             t->place.epoch + 1, all);
    TRY_THAT(*rows || first, WEIR_DATA, "the stream of training rows has no rows in epoch %zu", t->place.epoch + 1);
    TRY_THAT(t->place.step < UINT32_MAX, WEIR_DATA, "more than 2^32 batches; their noise is numbered by 32 bits");
done:
    return status;
}

// The beginning of the epoch, or, continued from a checkpoint, the place within it where the run stopped.
static weir_status begin_epoch(weir_trainer *t, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!weir__data_batches(t->data)) {
        shuffle(t);
        return WEIR_OK;
    }
    TRY(weir__batches_begin(t->data, t->place.epoch, error));
    for (size_t batch = 0; batch < t->place.batch; batch++) {
        size_t rows = 0;
        TRY(stream_rows(t, &rows, batch, error));
        TRY_THAT(rows, WEIR_DATA, "the stream of training rows ends in epoch %zu before the place of the checkpoint",
                 t->place.epoch + 1);
    }
done:
    return status;
}

static weir_status save(const run *r, weir_error *error) {
    if (!r->folder) return WEIR_OK;
    const weir_status status = weir__checkpoint_save(r->t, r->folder, r->config_text, error);
    r->t->saved_at = weir__seconds();
    return status;
}

// Calls back; non-zero means stop.
static int report(const run *r, const weir_epoch *finished) {
    const weir_trainer *t = r->t;
    const weir__place *place = &t->place;
    if (!r->callback) return 0;
    weir_progress progress = {
        .epoch = place->epoch + 1,
        .epochs = t->options.epochs,
        .batch = place->batch,
        .batches = t->batches,
        .loss = place->rows ? place->loss / (double)place->rows : NAN,
        .share = weir__share_between((weir__gate_count){0}, place->gates),
        .seconds = weir__seconds() - r->began,
        .finished = finished,
    };
    if (finished) {
        progress.epoch = finished->epoch;
        progress.batch = t->batches;
        progress.loss = finished->train_loss;
        progress.share = finished->train_share;
    }
    return r->callback(r->context, &progress);
}

static weir_status fail_interrupted(const weir_trainer *t, const run *r, weir_error *error) {
    char of[WEIR__OF_BATCHES];
    return weir__fail(error, WEIR_INTERRUPTED, "interrupted after %zu epochs and %zu%s batches%s", t->place.epoch,
                      t->place.batch, weir__of_batches(t, of),
                      r->folder ? "; the checkpoint lets it continue there" : "");
}

static weir_status train_batch(const run *r, bool *over, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_trainer *t = r->t;
    const double began = weir__seconds();
    size_t rows = 0;
    if (weir__data_batches(t->data)) {
        TRY(stream_rows(t, &rows, t->place.batch, error));
    } else {
        copy_rows(t, &rows);
    }
    *over = !rows;
    if (*over) goto done;
    TRY(t->targets ? weir_trainer_step_targets(t, t->inputs, t->targets, rows, error)
                   : weir_trainer_step(t, t->inputs, t->labels, rows, error));
    t->place.batch++;
    const double seconds = weir__seconds() - began;
    t->place.seconds += seconds;
    t->place.train_seconds += seconds;
    if (r->folder) TRY(weir__steps_append(t, r->folder, error));
done:
    return status;
}

static weir_status train_batches(const run *r, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_trainer *t = r->t;
    for (;;) {
        bool over = false;
        TRY(train_batch(r, &over, error));
        if (over) break;
        if (report(r, NULL)) {
            TRY(save(r, error));
            return fail_interrupted(t, r, error);
        }
        const double wait = t->options.checkpoint_seconds;
        if (wait > 0 && weir__seconds() - t->saved_at >= wait) TRY(save(r, error));
    }
done:
    return status;
}

static void keep_best(weir_trainer *t) {
    const weir_parameters_view p = weir_graph_parameters_read(t->graph);
    memcpy(t->best_values, p.values, p.count * sizeof *p.values);
    for (size_t i = 0; i < t->gate_count; i++) t->best_thresholds[i] = weir_graph_threshold(t->graph, t->gates[i]);
}

static void restore_best(weir_trainer *t) {
    const weir_parameters p = weir_graph_parameters(t->graph);
    t->finished = true;
    if (!t->place.best_epoch) return;
    memcpy(p.values, t->best_values, p.count * sizeof *p.values);
    for (size_t i = 0; i < t->gate_count; i++)
        (void)weir_graph_threshold_set(t->graph, t->gates[i], t->best_thresholds[i], NULL);
}

static weir_status validate(weir_trainer *t, weir_evaluation *valid, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_part part = weir_data_valid(t->data);
    if (t->options.test_threshold) TRY(weir_fit_thresholds(t->graph, &part, t->options.sparsity.target, error));
    if (weir__judged_by(t->graph) == WEIR__LIKELIHOOD) {
        TRY(weir_evaluate_samples(t->graph, valid, &part, t->options.valid_samples, t->options.seed, error));
    } else {
        TRY(weir_evaluate(t->graph, valid, NULL, &part, WEIR_MODE_DECIDE, error));
    }
    TRY_THAT(isfinite(valid->loss), WEIR_DIVERGED, "the loss is not finite");
done:
    return status;
}

// What the best epoch has the least of.
static double score_of(const weir_graph *graph, const weir_evaluation *valid) {
    switch (weir__judged_by(graph)) {
    case WEIR__LIKELIHOOD:
        return valid->nll;
    case WEIR__DISTANCE:
        return valid->rmse;
    default:
        return valid->error;
    }
}

// The record of the epoch whose batches are done, and the place at the beginning of the next one.
static weir_status finish_epoch(weir_trainer *t, weir_error *error) {
    weir_evaluation valid;
    weir_error found = {0};
    const double began = weir__seconds();
    const weir_status status = validate(t, &valid, &found);
    if (status != WEIR_OK) {
        return weir__fail(error, status, "validation after epoch %zu: %s%s", t->place.epoch + 1, found.text,
                          status == WEIR_DIVERGED ? "; try a lower optimizer.rate or a max_norm on the layers" : "");
    }
    weir__place *place = &t->place;
    const double score = score_of(t->graph, &valid);
    const bool best = !place->best_epoch || score < place->best_error;
    const double last = t->batches ? (double)(t->batches - 1) / (double)t->batches : 0;
    const weir_epoch epoch = {
        .epoch = place->epoch + 1,
        .train_loss = place->loss / (double)place->rows,
        .penalty = place->penalty / (double)place->rows,
        .weight = weir__sparsity_weight(&t->sparsity),
        .train_share = weir__share_between((weir__gate_count){0}, place->gates),
        .valid_loss = valid.loss,
        .valid_error = valid.error,
        .valid_share = valid.share,
        .valid_nll = valid.nll,
        .valid_rmse = valid.rmse,
        .valid_bits_per_byte = valid.bits_per_byte,
        .valid_entropy = valid.entropy,
        .valid_overlap = valid.overlap,
        .valid_dead = valid.never_open,
        .rate = weir__schedule_rate(&t->options.optimizer, place->epoch, last, t->options.epochs),
        .seconds = place->seconds + (weir__seconds() - began),
        .train_seconds = place->train_seconds,
        .best = best,
    };
    *place = (weir__place){
        .step = place->step,
        .epoch = epoch.epoch,
        .best_epoch = best ? epoch.epoch : place->best_epoch,
        .best_error = best ? score : place->best_error,
        .stale = best ? 0 : place->stale + 1,
    };
    if (best) keep_best(t);
    return weir__epochs_add(t, &epoch, error);
}

static weir_status save_best(const run *r, const weir_epoch *epoch, weir_error *error) {
    char *path = NULL;
    weir_status status = WEIR_OK;
    if (!r->folder || !epoch->best) return WEIR_OK;
    TRY(weir__path_in(&path, r->folder, "model.safetensors", error));
    TRY(weir_model_save(r->t->graph, path, r->config_text, epoch->valid_share, error));
done:
    weir__free(path);
    return status;
}

// What is found out about the parameters, or their average, at the end of an epoch, and put into the folder.
static weir_status judge_epoch(const run *r, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_trainer *t = r->t;
    TRY(finish_epoch(t, error));
    if (r->folder) TRY(weir__metrics_append(t, r->folder, error));
    TRY(save_best(r, &t->epochs[t->epoch_count - 1], error));
done:
    return status;
}

// The checkpoint comes last: whatever fails before it is done again when the run continues.
static weir_status train_epoch(const run *r, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_trainer *t = r->t;
    TRY(begin_epoch(t, error));
    TRY(train_batches(r, error));
    weir__average_show(&t->average, t->graph);
    status = judge_epoch(r, error);
    weir__average_hide(&t->average, t->graph);
    if (status != WEIR_OK) return status;
    TRY(save(r, error));
    if (report(r, &t->epochs[t->epoch_count - 1])) status = fail_interrupted(t, r, error);
done:
    return status;
}

static bool is_over(const weir_trainer *t) {
    const size_t patience = t->options.patience;
    return t->place.epoch >= t->options.epochs || (patience && t->place.stale >= patience);
}

// The folder's lock, unless it is held already.
static weir_status take_lock(weir_trainer *t, const char *folder, weir_error *error) {
    const size_t length = strlen(folder);
    if (t->lock.path && !strncmp(t->lock.path, folder, length) && !strcmp(t->lock.path + length, "/.lock")) {
        return WEIR_OK;
    }
    weir__lock_release(&t->lock);
    return weir__lock_take(&t->lock, folder, error);
}

weir_status weir_trainer_hold(weir_trainer *t, const char *folder, weir_error *error) {
    weir_status status = weir_folder_make(folder, error);
    if (status == WEIR_OK) status = take_lock(t, folder, error);
    t->holds |= status == WEIR_OK;
    return status;
}

weir_status weir_trainer_run(weir_trainer *t, const char *folder, const char *config_text, weir_train_callback callback,
                             void *context, weir_error *error) {
    weir_status status = WEIR_OK;
    const run r = {.t = t,
                   .folder = folder,
                   .config_text = config_text,
                   .callback = callback,
                   .context = context,
                   .began = weir__seconds()};
    if (t->finished) return WEIR_OK;
    if (folder) {
        TRY(weir_folder_make(folder, error));
        TRY(take_lock(t, folder, error));
        TRY(weir__metrics_rewrite(t, folder, error));
        // Before the first batch: a folder that cannot be written shows now, and "resume" never finds an older run.
        TRY(save(&r, error));
    }
    while (!is_over(t)) TRY(train_epoch(&r, error));
    restore_best(t);
done:
    if (!t->holds) weir__lock_release(&t->lock);
    return status;
}

weir_status weir_trainer_resume(weir_trainer *t, const char *folder, weir_error *error) {
    const weir_status status = take_lock(t, folder, error);
    if (status != WEIR_OK) return status;
    t->finished = false;
    return weir__checkpoint_load(t, folder, error);
}
