// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file experiment_plan.c
/// The plan of an experiment: which rows, with which seeds, in which folders, and what is there already.
#include "plan.h"

#include <stdlib.h>
#include <string.h>

static bool wanted(const experiment_plan *plan, const experiment_part *part, const experiment_row *row) {
    const cli_list *rows = plan->rows;
    if (rows->count == 0) return plan->extended || part == plan->experiment->parts;
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->items[i], row->name) == 0 || strcmp(rows->items[i], part->name) == 0) return true;
    return false;
}

static int check_names(const experiment_plan *plan) {
    const experiment *x = plan->experiment;
    const char *names[128];
    size_t count = 0;
    for (size_t p = 0; p < x->part_count; p++) {
        names[count++] = x->parts[p].name;
        for (size_t r = 0; r < x->parts[p].row_count && count < CLI_COUNT_OF(names) - 16; r++)
            names[count++] = x->parts[p].rows[r].name;
    }
    for (size_t i = 0; i < plan->rows->count; i++) {
        size_t k = 0;
        while (k < count && strcmp(plan->rows->items[i], names[k]) != 0) k++;
        if (k < count) continue;
        return cli_usage(plan->command, "%s has no row '%s'%s", x->name, plan->rows->items[i],
                         weir_suggest(plan->rows->items[i], names, count).text);
    }
    return CLI_OK;
}

const char *experiment_row_name(const experiment_row *row) { return row->same != NULL ? row->same : row->name; }

static int add_run(experiment_plan *plan, const experiment_part *part, const experiment_row *row, size_t seed) {
    char name[160];
    snprintf(name, sizeof name, "%s/%zu", experiment_row_name(row), seed);
    experiment_run *run = &plan->runs[plan->run_count];
    *run = (experiment_run){.part = part, .row = row, .seed = seed, .folder = cli_path(plan->out, name)};
    if (run->folder == NULL) return CLI_FAILED;
    for (size_t i = 0; i < plan->run_count; i++)
        if (strcmp(plan->runs[i].folder, run->folder) == 0) run->state = EXPERIMENT_SHARED;
    plan->run_count++;
    return CLI_OK;
}

static int make_runs(experiment_plan *plan) {
    const experiment *x = plan->experiment;
    size_t rows = 0, count = plan->seeds > 0 ? plan->seeds : x->seeds;
    for (size_t p = 0; p < x->part_count; p++) rows += x->parts[p].row_count;
    plan->runs = count <= 10000 ? calloc(rows * count, sizeof *plan->runs) : NULL;
    if (plan->runs == NULL) return cli_error("out of memory: %zu runs of each row", count);
    int status = check_names(plan);
    for (size_t s = 1; s <= count; s++)
        for (size_t p = 0; p < x->part_count; p++)
            for (size_t r = 0; r < x->parts[p].row_count && status == CLI_OK; r++)
                if (wanted(plan, &x->parts[p], &x->parts[p].rows[r]))
                    status = add_run(plan, &x->parts[p], &x->parts[p].rows[r], s);
    return status;
}

void experiment_plan_free(experiment_plan *plan) {
    for (size_t i = 0; i < plan->run_count; i++) free(plan->runs[i].folder);
    free(plan->runs);
}

bool experiment_settings(const experiment_plan *plan, const experiment_run *run, cli_list *list) {
    bool done = true;
    for (size_t i = 0; i < EXPERIMENT_SETTINGS && run->row->settings[i] != NULL; i++)
        done &= cli_list_add(list, "%s", run->row->settings[i]);
    for (size_t i = 0; i < plan->settings->count; i++) done &= cli_list_add(list, "%s", plan->settings->items[i]);
    if (plan->data_folder != NULL) done &= cli_list_add(list, "data.path=%s", plan->data_folder);
    return done && cli_list_add(list, "train.seed=%zu", run->seed);
}

// What is there already.

static bool holds(const experiment_run *run, const char *name) {
    char *path = cli_path(run->folder, name);
    bool there = path != NULL && cli_exists(path);
    free(path);
    return there;
}

/// The configuration of the run in its folder as text, the place of the data left to `path`. NULL: there is none.
static char *stored_settings(const experiment_run *run, const char *path) {
    char *file = cli_path(run->folder, "config.yaml"), *text = NULL;
    cli_list place = {0};
    weir_config config = {0};
    if (file != NULL && cli_list_add(&place, "data.path=%s", path != NULL ? path : "") &&
        weir_config_load(&config, file, (const char *const *)place.items, 1, NULL) == WEIR_OK)
        weir_config_print(&config, &text, NULL);
    weir_config_free(&config);
    cli_list_free(&place);
    free(file);
    return text;
}

/// A run goes on only with the settings that it began with: a table is of one experiment.
static int check_stored(const experiment_run *run, weir_config *config) {
    weir_error error = {0};
    char *now = NULL, *then = stored_settings(run, config->data.path);
    int status = CLI_OK;
    if (then == NULL)
        status = cli_error("%s/config.yaml cannot be read; remove that folder to begin this run anew", run->folder);
    else if (weir_config_absolute(config, &error) != WEIR_OK || weir_config_print(config, &now, &error) != WEIR_OK)
        status = cli_weir_error(&error);
    else if (strcmp(now, then) != 0)
        status = cli_error("%s was begun with other settings; give the same ones, or another --out", run->folder);
    weir_text_free(then);
    weir_text_free(now);
    return status;
}

static int look_at(const experiment_plan *plan, experiment_run *run) {
    weir_config config = {0};
    weir_error error = {0};
    cli_list list = {0};
    int status = experiment_settings(plan, run, &list) ? CLI_OK : cli_error("out of memory");
    if (status == CLI_OK &&
        weir_config_load(&config, run->row->config, (const char *const *)list.items, list.count, &error) != WEIR_OK)
        status = cli_usage(plan->command, "row %s: %s", run->row->name, error.text);
    if (status == CLI_OK) {
        char place[96];
        snprintf(place, sizeof place, "row %s: ", run->row->name);
        status = cli_tell_idle(plan->command, place, &config, &list);
    }
    run->epochs = config.train.epochs;
    run->begun = holds(run, "config.yaml");
    if (run->begun && !plan->resume)
        status = cli_error("%s holds runs already; --resume goes on with them, --out DIR writes elsewhere", plan->out);
    if (status == CLI_OK && run->begun) status = check_stored(run, &config);
    if (run->begun && holds(run, "result.json") && run->state != EXPERIMENT_SHARED) run->state = EXPERIMENT_DONE;
    weir_config_free(&config);
    cli_list_free(&list);
    return status;
}

/// Is the data there? Better told now than by the first training.
static int check_data(const experiment_plan *plan) {
    weir_config config = {0};
    weir_data *data = NULL;
    weir_error error = {0};
    cli_list list = {0};
    const experiment_run *run = &plan->runs[0];
    int status = experiment_settings(plan, run, &list) ? CLI_OK : cli_error("out of memory");
    if (status == CLI_OK &&
        (weir_config_load(&config, run->row->config, (const char *const *)list.items, list.count, &error) != WEIR_OK ||
         weir_data_load(&data, &config.data, &error) != WEIR_OK))
        status = cli_weir_error(&error);
    weir_data_free(data);
    weir_config_free(&config);
    cli_list_free(&list);
    return status;
}

int experiment_plan_make(experiment_plan *plan) {
    int status = make_runs(plan);
    for (size_t i = 0; i < plan->run_count && status == CLI_OK; i++) status = look_at(plan, &plan->runs[i]);
    return status == CLI_OK ? check_data(plan) : status;
}
