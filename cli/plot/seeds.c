// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file seeds.c
/// Runs that differ in their seeds alone become one: means with their standard deviations.
#include "plot.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/// The configuration in a run directory as text, with one seed for all; NULL where there is none.
static char *settings_of(const plot_run *run) {
    static const char *const one_seed[] = {"train.seed=0"};
    char *path = cli_path(run->folder, "config.yaml"), *text = NULL;
    weir_config config = {0};
    if (path != NULL && cli_exists(path) && weir_config_load(&config, path, one_seed, 1, NULL) == WEIR_OK)
        weir_config_print(&config, &text, NULL);
    weir_config_free(&config);
    free(path);
    return text;
}

static bool is_number(const char *text) {
    while (isdigit((unsigned char)*text)) text++;
    return *text == '\0';
}

/// RULE of RULE/1, RULE/2, …: the last part of the folder's name that is no number.
static char *common_name(const plot_run *run) {
    const char *end = run->folder + strlen(run->folder);
    while (end > run->folder && end[-1] == '/') end--;
    if (!is_number(run->name)) return strdup(run->name);
    end -= strlen(run->name);
    while (end > run->folder && end[-1] == '/') end--;
    const char *start = end;
    while (start > run->folder && start[-1] != '/') start--;
    return start < end ? strndup(start, (size_t)(end - start)) : strdup(run->name);
}

/// Means of the columns over the runs of a group, up to the last epoch that all of them have.
static int merge_columns(plot_run *to, const plot_run *runs, const size_t *group, size_t count) {
    double *values = calloc(count, sizeof *values);
    size_t epochs = runs[group[0]].epochs;
    for (size_t i = 1; i < count; i++) epochs = runs[group[i]].epochs < epochs ? runs[group[i]].epochs : epochs;
    for (size_t c = 0; values != NULL && c < PLOT_COLUMNS; c++) {
        to->spread[c] = calloc(epochs + 1, sizeof *to->spread[c]);
        for (size_t e = 0; e < epochs && to->spread[c] != NULL; e++) {
            for (size_t i = 0; i < count; i++) values[i] = runs[group[i]].column[c][e];
            const weir_summary s = weir_summarise(values, count);
            to->column[c][e] = s.mean;
            to->spread[c][e] = s.deviation;
        }
        if (to->spread[c] == NULL) epochs = 0;
    }
    free(values);
    to->epochs = epochs;
    to->best = 0;
    for (size_t e = 1; e < epochs; e++)
        if (to->column[PLOT_ERROR][e] < to->column[PLOT_ERROR][to->best]) to->best = e;
    return epochs > 0 ? CLI_OK : cli_error("out of memory");
}

/// How often the gates are open, the mean over the runs that have counted them.
static void merge_gates(plot_run *to, const plot_run *runs, const size_t *group, size_t count) {
    size_t counted = 1;
    for (size_t i = 1; to->gates > 0 && i < count; i++) {
        const plot_run *one = &runs[group[i]];
        if (one->gates != to->gates) continue;
        for (size_t b = 0; b < PLOT_BINS; b++) to->bins[b] += one->bins[b];
        to->never += one->never;
        to->always += one->always;
        to->mean_open += one->mean_open;
        counted++;
    }
    for (size_t b = 0; b < PLOT_BINS; b++) to->bins[b] /= (double)counted;
    to->never = (to->never + counted / 2) / counted;
    to->always = (to->always + counted / 2) / counted;
    to->mean_open /= (double)counted;
    if (counted > 1) to->classes = 0; // whose gates? Every run has its own
}

int plot_join_seeds(plot_run *runs, size_t *count) {
    char **settings = calloc(*count + 1, sizeof *settings);
    size_t *group = calloc(*count + 1, sizeof *group), kept = 0;
    bool *joined = calloc(*count + 1, sizeof *joined);
    int status = settings == NULL || group == NULL || joined == NULL ? cli_error("out of memory") : CLI_OK;
    for (size_t k = 0; k < *count && *count > 1 && status == CLI_OK; k++) settings[k] = settings_of(&runs[k]);
    for (size_t k = 0; k < *count && status == CLI_OK; k++) {
        if (joined[k]) continue;
        size_t members = 0;
        for (size_t i = k; i < *count; i++) {
            const bool same = i == k || (settings[k] != NULL && settings[i] != NULL && !joined[i] &&
                                         strcmp(settings[k], settings[i]) == 0);
            joined[i] |= same;
            if (same) group[members++] = i;
        }
        runs[k].seeds = members;
        if (members == 1) continue;
        char *name = common_name(&runs[k]);
        free(runs[k].name);
        runs[k].name = name;
        status = name == NULL ? cli_error("out of memory") : merge_columns(&runs[k], runs, group, members);
        if (status == CLI_OK) merge_gates(&runs[k], runs, group, members);
    }
    for (size_t k = 0; k < *count && status == CLI_OK; k++) {
        if (runs[k].seeds == 0) {
            plot_run_free(&runs[k]);
            continue;
        }
        const plot_run one = runs[k];
        runs[k] = (plot_run){0};
        runs[kept++] = one;
    }
    for (size_t k = 0; settings != NULL && k < *count; k++) weir_text_free(settings[k]);
    if (status == CLI_OK) *count = kept;
    free((void *)settings);
    free(group);
    free(joined);
    return status;
}

void plot_run_free(plot_run *run) {
    free(run->folder);
    free(run->name);
    free(run->epoch);
    for (size_t c = 0; c < PLOT_COLUMNS; c++) free(run->column[c]);
    for (size_t c = 0; c < PLOT_COLUMNS; c++) free(run->spread[c]);
    for (size_t k = 0; run->load_name != NULL && k < run->load_count; k++) free(run->load_name[k]);
    free((void *)run->load_name);
    weir_loads_free(run->loads);
    free(run->by_class);
    for (size_t c = 0; c < run->names; c++) free(run->class_name[c]);
    free((void *)run->class_name);
    free(run->picture);
    *run = (plot_run){0};
}
