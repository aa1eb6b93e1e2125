// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file reproduce.c
/// `weir reproduce`: a published experiment from the data to its table and figures. The table of experiments is here.
#include "reproduce.h"
#include "experiment/plan.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const experiment *const experiments[] = {&experiment_bengio2013, &experiment_lower_half,
                                                &experiment_categorical_vae, &experiment_bernoulli_vae};

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
    char list[256] = "";
    for (size_t e = 0, used = 0; e < CLI_COUNT_OF(names) && used < sizeof list; e++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                 e == 0                        ? ""
                                 : e + 1 < CLI_COUNT_OF(names) ? ", "
                                                               : " and ",
                                 names[e]);
    cli_usage("reproduce", "no experiment '%s'; there are %s%s", name, list,
              weir_suggest(name, names, CLI_COUNT_OF(names)).text);
    return NULL;
}

// The whole.

static int carry_out(experiment_plan *plan) {
    int status = experiment_plan_make(plan);
    if (status == CLI_OK) status = cli_folder_make(plan->out);
    if (status == CLI_OK) status = experiment_train(plan);
    if (status == CLI_OK) status = experiment_time(plan);
    if (status == CLI_OK) status = experiment_tables(plan, stdout);
    if (status == CLI_OK) status = experiment_figures(plan, stdout);
    return status;
}

static int run(char **operands, size_t count) {
    experiment_plan plan = {.experiment = find_experiment(operands[0]), .command = "reproduce"};
    if (plan.experiment == NULL) return CLI_USAGE;
    for (size_t i = 1; i < count; i++)
        if (!cli_list_add(&row_names, "%s", operands[i])) return cli_error("out of memory");
    int status = CLI_OK;
    char *usual = cli_path("runs", plan.experiment->name);
    plan.out = out_folder != NULL ? out_folder : usual;
    plan.data_folder = data_folder;
    plan.settings = &settings;
    plan.rows = &row_names;
    plan.seeds = seeds;
    plan.extended = extended;
    plan.resume = resume;
    plan.jobs = jobs;
    plan.threads = threads;
    if (cli_use_machine(threads) != CLI_OK) status = CLI_FAILED;
    cli_interrupt_begin();
    if (status == CLI_OK) status = usual == NULL ? CLI_FAILED : carry_out(&plan);
    experiment_plan_free(&plan);
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
