// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file reproduce.c
/// `weir reproduce`: a published experiment from the data to its table and figures. This file holds the table of
/// experiments and the plan: which rows, with which seeds, in which folders, and what is there already.
#include "reproduce.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const experiment *const experiments[] = {&experiment_bengio2013, &experiment_lower_half};

static const char *data_folder, *out_folder;
static cli_list row_names, settings;
static size_t seeds, jobs, threads;
static bool resume, extended;

static const cli_option options[] = {
    {"data", "DIR", CLI_TEXT, &data_folder, NULL, "folder with the data set"},
    {"out", "DIR", CLI_TEXT, &out_folder, NULL, "folder for all results [default: runs/EXPERIMENT]"},
    {"row", "NAME", CLI_KEY, &row_names, NULL, "only this row, or all rows of this part; may be repeated"},
    {"seeds", "N", CLI_COUNT, &seeds, NULL, "runs of each row, with seeds 1 to N [default: as in the experiment]"},
    {"epochs", "N", CLI_KEY_COUNT, &settings, "train.epochs", "passes over the training rows [default: as in the row]"},
    {"jobs", "N", CLI_COUNT, &jobs, NULL, "trainings at a time, which share the threads"},
    {"threads", "N", CLI_COUNT, &threads, NULL, "threads to use, all trainings together"},
    {"set", "KEY=VALUE", CLI_PAIR, &settings, NULL, "change a setting of every row; may be repeated"},
    {"resume", NULL, CLI_FLAG, &resume, NULL, "keep what is finished in DIR, go on with the rest"},
    {"extended", NULL, CLI_FLAG, &extended, NULL, "the rows beyond the paper, too"},
};

static void prepare(void) {
    jobs = 1;
    threads = (size_t)weir_threads();
}

/// The names of a part's rows, wrapped.
static void print_rows(FILE *out, const experiment_part *part) {
    char *names = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&names, &size);
    if (text == NULL) return;
    for (size_t r = 0; r < part->row_count; r++) fprintf(text, "%s%s", r == 0 ? "" : " ", part->rows[r].name);
    if (fclose(text) == 0 && names != NULL) {
        fprintf(out, "    ");
        cli_wrap(out, 4, names);
    }
    free(names);
}

static void more_help(FILE *out) {
    fprintf(out, "\n%sExperiments:%s\n", cli_bold(out), cli_plain(out));
    for (size_t e = 0; e < CLI_COUNT_OF(experiments); e++) {
        fprintf(out, "  %-18s ", experiments[e]->name);
        cli_wrap(out, 21, experiments[e]->summary);
    }
    for (size_t e = 0; e < CLI_COUNT_OF(experiments); e++) {
        const experiment *x = experiments[e];
        fprintf(out, "\n%sParts and rows of %s%s; those after the first need --extended or their name:\n",
                cli_bold(out), x->name, cli_plain(out));
        for (size_t p = 0; p < x->part_count; p++) {
            fprintf(out, "  %-18s ", x->parts[p].name);
            cli_wrap(out, 21, x->parts[p].title);
            print_rows(out, &x->parts[p]);
        }
    }
}

static const experiment *find_experiment(const char *name) {
    const char *names[CLI_COUNT_OF(experiments)];
    for (size_t e = 0; e < CLI_COUNT_OF(experiments); e++) {
        names[e] = experiments[e]->name;
        if (strcmp(name, names[e]) == 0) return experiments[e];
    }
    const char *nearest = cli_nearest(name, names, CLI_COUNT_OF(names));
    if (nearest != NULL) cli_usage("reproduce", "no experiment '%s'; did you mean '%s'?", name, nearest);
    if (nearest == NULL) cli_usage("reproduce", "no experiment '%s'; there are %s and %s", name, names[0], names[1]);
    return NULL;
}

// The plan.

static bool row_named(const experiment_part *part, const experiment_row *row) {
    for (size_t i = 0; i < row_names.count; i++)
        if (strcmp(row_names.items[i], row->name) == 0 || strcmp(row_names.items[i], part->name) == 0) return true;
    return false;
}

static bool wanted(const experiment *x, const experiment_part *part, const experiment_row *row) {
    return row_names.count > 0 ? row_named(part, row) : extended || part == x->parts;
}

static int check_names(const experiment *x) {
    const char *names[128];
    size_t count = 0;
    for (size_t p = 0; p < x->part_count; p++) {
        names[count++] = x->parts[p].name;
        for (size_t r = 0; r < x->parts[p].row_count && count < CLI_COUNT_OF(names) - 16; r++)
            names[count++] = x->parts[p].rows[r].name;
    }
    for (size_t i = 0; i < row_names.count; i++) {
        size_t k = 0;
        while (k < count && strcmp(row_names.items[i], names[k]) != 0) k++;
        if (k < count) continue;
        const char *nearest = cli_nearest(row_names.items[i], names, count);
        return cli_usage("reproduce", "%s has no row '%s'%s%s%s", x->name, row_names.items[i],
                         nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                         nearest != NULL ? "'?" : "");
    }
    return CLI_OK;
}

const char *reproduce_row_name(const experiment_row *row) { return row->same != NULL ? row->same : row->name; }

static int add_run(reproduce_plan *plan, const experiment_part *part, const experiment_row *row, size_t seed) {
    char name[160];
    snprintf(name, sizeof name, "%s/%zu", reproduce_row_name(row), seed);
    reproduce_run *run = &plan->runs[plan->run_count];
    *run = (reproduce_run){.part = part, .row = row, .seed = seed, .folder = cli_path(plan->out, name)};
    if (run->folder == NULL) return CLI_FAILED;
    for (size_t i = 0; i < plan->run_count; i++)
        if (strcmp(plan->runs[i].folder, run->folder) == 0) run->state = REPRODUCE_SHARED;
    plan->run_count++;
    return CLI_OK;
}

static int make_plan(reproduce_plan *plan) {
    const experiment *x = plan->experiment;
    size_t rows = 0, count = seeds > 0 ? seeds : x->seeds;
    for (size_t p = 0; p < x->part_count; p++) rows += x->parts[p].row_count;
    plan->runs = count <= 10000 ? calloc(rows * count, sizeof *plan->runs) : NULL;
    if (plan->runs == NULL) return cli_error("out of memory: %zu runs of each row", count);
    int status = CLI_OK;
    for (size_t s = 1; s <= count; s++)
        for (size_t p = 0; p < x->part_count; p++)
            for (size_t r = 0; r < x->parts[p].row_count && status == CLI_OK; r++)
                if (wanted(x, &x->parts[p], &x->parts[p].rows[r]))
                    status = add_run(plan, &x->parts[p], &x->parts[p].rows[r], s);
    return status;
}

static void free_plan(reproduce_plan *plan) {
    for (size_t i = 0; i < plan->run_count; i++) free(plan->runs[i].folder);
    free(plan->runs);
}

bool reproduce_settings(const reproduce_plan *plan, const reproduce_run *run, cli_list *list) {
    bool done = true;
    for (size_t i = 0; i < EXPERIMENT_SETTINGS && run->row->settings[i] != NULL; i++)
        done &= cli_list_add(list, "%s", run->row->settings[i]);
    for (size_t i = 0; i < plan->settings->count; i++) done &= cli_list_add(list, "%s", plan->settings->items[i]);
    if (plan->data_folder != NULL) done &= cli_list_add(list, "data.path=%s", plan->data_folder);
    return done && cli_list_add(list, "train.seed=%zu", run->seed);
}

// What is there already.

static bool holds(const reproduce_run *run, const char *name) {
    char *path = cli_path(run->folder, name);
    bool there = path != NULL && cli_exists(path);
    free(path);
    return there;
}

/// The configuration of the run in its folder as text, the place of the data left to `path`. NULL: there is none.
static char *stored_settings(const reproduce_run *run, const char *path) {
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
static int check_stored(const reproduce_run *run, const weir_config *config) {
    weir_error error = {0};
    char *now = NULL, *then = stored_settings(run, config->data.path);
    int status = CLI_OK;
    if (then == NULL)
        status = cli_error("%s/config.yaml cannot be read; remove that folder to begin this run anew", run->folder);
    else if (weir_config_print(config, &now, &error) != WEIR_OK)
        status = cli_weir_error(&error);
    else if (strcmp(now, then) != 0)
        status = cli_error("%s was begun with other settings; give the same ones, or another --out", run->folder);
    weir_text_free(then);
    weir_text_free(now);
    return status;
}

static int look_at(const reproduce_plan *plan, reproduce_run *run) {
    weir_config config = {0};
    weir_error error = {0};
    cli_list list = {0};
    int status = reproduce_settings(plan, run, &list) ? CLI_OK : cli_error("out of memory");
    if (status == CLI_OK &&
        weir_config_load(&config, run->row->config, (const char *const *)list.items, list.count, &error) != WEIR_OK)
        status = cli_usage("reproduce", "row %s: %s", run->row->name, error.text);
    run->epochs = config.train.epochs;
    run->begun = holds(run, "config.yaml");
    if (run->begun && !resume)
        status = cli_error("%s holds runs already; --resume goes on with them, --out DIR writes elsewhere", plan->out);
    if (status == CLI_OK && run->begun) status = check_stored(run, &config);
    if (run->begun && holds(run, "result.json") && run->state != REPRODUCE_SHARED) run->state = REPRODUCE_DONE;
    weir_config_free(&config);
    cli_list_free(&list);
    return status;
}

/// Is the data there? Better told now than by the first training.
static int check_data(const reproduce_plan *plan) {
    weir_config config = {0};
    weir_data *data = NULL;
    weir_error error = {0};
    cli_list list = {0};
    const reproduce_run *run = &plan->runs[0];
    int status = reproduce_settings(plan, run, &list) ? CLI_OK : cli_error("out of memory");
    if (status == CLI_OK &&
        (weir_config_load(&config, run->row->config, (const char *const *)list.items, list.count, &error) != WEIR_OK ||
         weir_data_load(&data, &config.data, &error) != WEIR_OK))
        status = cli_weir_error(&error);
    weir_data_free(data);
    weir_config_free(&config);
    cli_list_free(&list);
    return status;
}

// The whole.

static int carry_out(reproduce_plan *plan) {
    int status = make_plan(plan);
    for (size_t i = 0; i < plan->run_count && status == CLI_OK; i++) status = look_at(plan, &plan->runs[i]);
    if (status == CLI_OK) status = check_data(plan);
    if (status == CLI_OK) status = cli_folder_make(plan->out);
    if (status == CLI_OK) status = reproduce_train(plan);
    if (status == CLI_OK) status = reproduce_time(plan);
    if (status == CLI_OK) status = reproduce_tables(plan, stdout);
    if (status == CLI_OK) status = reproduce_figures(plan);
    return status;
}

static int run(char **operands, size_t count) {
    reproduce_plan plan = {.experiment = find_experiment(operands[0])};
    if (plan.experiment == NULL) return CLI_USAGE;
    for (size_t i = 1; i < count; i++)
        if (!cli_list_add(&row_names, "%s", operands[i])) return cli_error("out of memory");
    int status = check_names(plan.experiment);
    char *usual = cli_path("runs", plan.experiment->name);
    plan.out = out_folder != NULL ? out_folder : usual;
    plan.data_folder = data_folder;
    plan.settings = &settings;
    plan.jobs = jobs;
    plan.threads = threads;
    if (cli_use_machine(threads) != CLI_OK) status = CLI_FAILED;
    cli_interrupt_begin();
    if (status == CLI_OK) status = usual == NULL ? CLI_FAILED : carry_out(&plan);
    free_plan(&plan);
    free(usual);
    cli_list_free(&row_names);
    cli_list_free(&settings);
    return status;
}

const cli_command cli_reproduce = {
    .name = "reproduce",
    .operands = "EXPERIMENT [ROW...]",
    .summary = "train, measure and tabulate a published experiment",
    .about =
        "Repeat a published experiment: train each row of its table with several seeds, choose the epoch by validation "
        "error, measure once on the test part, time predictions alone on the machine, and print the table beside the "
        "published one, with figures. A row is a built-in configuration ('weir train EXPERIMENT/ROW' trains it by "
        "itself), a run an ordinary run directory. Ctrl-C stops all trainings in an orderly way, --resume goes on.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 1,
    .most = INT_MAX,
    .prepare = prepare,
    .more = more_help,
    .files = "DIR/ROW/SEED (a run directory each, train.log beside it), DIR/table.md, DIR/*.svg and DIR/*.png",
    .examples = {"weir reproduce bengio2013 --data data/mnist --jobs 2",
                 "weir reproduce bengio2013 --data data/mnist --row straight-through --epochs 2",
                 "weir reproduce bengio2013 --data data/mnist --extended --resume"},
    .run = run,
};
