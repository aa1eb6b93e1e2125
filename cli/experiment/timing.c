// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file timing.c
/// The times of an experiment: after all trainings, one network after the other with nothing else running, so that
/// rows can be compared. What a training measured at its own end, beside others, is replaced.
#include "plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256, SINGLE_ROWS = 1000, STEPS = 41, WARM_STEPS = 5 };

static int put(json_t *result, const char *field, double value) {
    return json_object_set_new(result, field, isfinite(value) ? json_real(value) : json_null());
}

static int store(const experiment_run *run, const weir_result *whole, const weir_result *single, double step_ms) {
    json_t *result = experiment_result(run);
    if (result == NULL) return CLI_FAILED;
    double rows = (double)single->predict_rows;
    int failed = json_object_set_new(result, "row", json_string(experiment_row_name(run->row)));
    failed |= put(result, "predict_ms_dense", whole->predict_ms_dense);
    failed |= put(result, "predict_ms_gated", whole->predict_ms_gated);
    failed |= put(result, "predict_single_ms_dense", single->predict_ms_dense / rows);
    failed |= put(result, "predict_single_ms_gated", single->predict_ms_gated / rows);
    failed |= put(result, "train_step_ms", step_ms);
    failed |= json_object_set_new(result, "measure_threads", json_integer(whole->threads));
    char *path = cli_path(run->folder, "result.json"), *text = NULL, *line = NULL;
    if (!failed) text = json_dumps(result, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    size_t size = text != NULL ? strlen(text) + 2 : 0;
    line = malloc(size + 1);
    int status = path != NULL && text != NULL && line != NULL ? CLI_OK : cli_error("out of memory");
    if (status == CLI_OK) {
        snprintf(line, size, "%s\n", text);
        status = cli_write_file(path, line);
    }
    free(line);
    free(text);
    free(path);
    json_decref(result);
    return status;
}

// Training steps.

/// Median time of a step on the first training rows.
static weir_status time_steps(weir_trainer *trainer, const weir_data *data, size_t batch, double *ms,
                              weir_error *error) {
    weir_part part = weir_data_train(data);
    float *rows = malloc(batch * weir_data_columns(data) * sizeof *rows);
    float *targets = malloc((batch * weir_data_targets(data) + 1) * sizeof *targets);
    double times[STEPS];
    weir_status status = rows != NULL && targets != NULL ? WEIR_OK : WEIR_MEMORY;
    for (size_t i = 0; i < STEPS + WARM_STEPS && status == WEIR_OK; i++) {
        size_t first = part.first + i * batch % (part.count - batch + 1);
        weir_rows_copy(part.rows, rows, NULL, first, batch);
        if (part.targets != NULL) weir_rows_copy(part.targets, targets, NULL, first, batch);
        double began = cli_clock();
        status = part.targets != NULL ? weir_trainer_step_targets(trainer, rows, targets, batch, error)
                                      : weir_trainer_step(trainer, rows, part.labels + first, batch, error);
        if (i >= WARM_STEPS) times[i - WARM_STEPS] = 1e3 * (cli_clock() - began);
    }
    free(rows);
    free(targets);
    if (status != WEIR_OK) return status;
    *ms = weir_median(times, STEPS);
    return WEIR_OK;
}

/// A step from the trained parameters, on a copy that is thrown away.
static int time_training(weir_graph *trained, const weir_config *config, const weir_data *data, double *ms) {
    weir_error error = {0};
    weir_graph *graph = NULL;
    weir_trainer *trainer = NULL;
    weir_graph_options making = weir_graph_options_default(config->train.batch > BATCH ? config->train.batch : BATCH);
    int status = CLI_OK;
    making.training = true;
    if (weir_data_train(data).count < config->train.batch) return CLI_OK; // no whole batch to time
    if (weir_graph_create(&graph, config->network, config->network_count, &making, &error) != WEIR_OK)
        return cli_weir_error(&error);
    const weir_parameters_view from = weir_graph_parameters_read(trained);
    const weir_parameters to = weir_graph_parameters(graph);
    memcpy(to.values, from.values, to.count * sizeof *to.values);
    if (weir_trainer_create(&trainer, graph, data, &config->train, &error) != WEIR_OK ||
        time_steps(trainer, data, config->train.batch, ms, &error) != WEIR_OK)
        status = cli_weir_error(&error);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    return status;
}

static int time_run(const experiment_plan *plan, const experiment_run *run) {
    weir_error error = {0};
    weir_graph *graph = NULL;
    weir_config config = {0};
    weir_data *data = NULL;
    weir_result whole = weir_result_empty(), single = weir_result_empty();
    double step_ms = NAN;
    int status = cli_open_model(run->folder, plan->data_folder, NULL, BATCH, &graph, &config, &data);
    if (status == CLI_OK) {
        weir_part part = weir_data_test(data), some = part;
        if (some.count > SINGLE_ROWS) some.count = SINGLE_ROWS;
        if (weir_measure(graph, &whole, &part, BATCH, CLI_REPEATS, &error) != WEIR_OK ||
            weir_measure(graph, &single, &some, 1, CLI_REPEATS, &error) != WEIR_OK)
            status = cli_weir_error(&error);
    }
    if (status == CLI_OK) status = time_training(graph, &config, data, &step_ms);
    if (status == CLI_OK) status = store(run, &whole, &single, step_ms);
    weir_data_free(data);
    weir_graph_free(graph);
    weir_config_free(&config);
    return status;
}

int experiment_time(const experiment_plan *plan) {
    cli_bar bar;
    cli_bar_begin(&bar);
    int status = CLI_OK;
    for (size_t i = 0; i < plan->run_count && status == CLI_OK && !cli_interrupted(); i++) {
        if (plan->runs[i].state == EXPERIMENT_SHARED) continue;
        cli_bar_show(&bar, (double)i / (double)plan->run_count, -1, "times", plan->runs[i].row->name);
        status = time_run(plan, &plan->runs[i]);
    }
    cli_bar_clear(&bar);
    if (status == CLI_OK && cli_interrupted())
        return cli_error("interrupted; to go on: the same command with --resume");
    return status;
}
