// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file compare.c
/// `weir compare`: the variants of a configuration, each trained with the same seeds, side by side.
#include "compare.h"

#include <stdlib.h>
#include <string.h>

static const char *data_folder, *out_folder, *rules;
static cli_list varied, settings;
static size_t seeds, jobs, threads;
static bool resume, as_json, tensorboard;

static const cli_option options[] = {
    {"rules", "LIST", CLI_TEXT, &rules, NULL,
     "rules of the stochastic units to compare, as in straight-through,rloo:samples=4; the first is what the others "
     "are "
     "compared with"},
    {"vary", "KEY=LIST", CLI_PAIR, &varied, NULL,
     "another setting to compare, as in train.sparsity.target=0.05,0.1; may be repeated: all combinations are trained"},
    {"seeds", "N", CLI_COUNT, &seeds, NULL, "runs of each variant, with seeds 1 to N"},
    {"data", "DIR", CLI_TEXT, &data_folder, NULL, "folder with the data set of mnist"},
    {"out", "DIR", CLI_TEXT, &out_folder, NULL, "folder for all results [default: runs/NAME-compared]"},
    {"epochs", "N", CLI_KEY_COUNT, &settings, "train.epochs", "passes over the training rows [default: as in CONFIG]"},
    {"jobs", "N", CLI_COUNT, &jobs, NULL, "trainings at a time, which share the threads"},
    {"threads", "N", CLI_COUNT, &threads, NULL, "threads to use, all trainings together"},
    {"set", "KEY=VALUE", CLI_PAIR, &settings, NULL, "change a setting of every run; may be repeated"},
    {"resume", NULL, CLI_FLAG, &resume, NULL, "keep what is finished in DIR, go on with the rest"},
    {"tensorboard", NULL, CLI_FLAG, &tensorboard, NULL,
     "write the curves of every run for TensorBoard, too: tensorboard --logdir DIR shows them"},
    {"json", NULL, CLI_FLAG, &as_json, NULL, "print summary.json, everything else on standard error"},
};

static void prepare(void) {
    seeds = 5;
    jobs = 1;
    threads = (size_t)weir_threads();
}

static const experiment_column columns[] = {
    {"valid error %", {"valid_error", NULL, 100}, 2, true, 0},
    {"valid nll", {"valid_nll", NULL, 1}, 2, true, 0},
    {"valid rmse", {"valid_rmse", NULL, 1}, 4, true, 0},
    {"test error %", {"test_error", NULL, 100}, 2, true, 0},
    {"test nll", {"test_nll", NULL, 1}, 2, true, 0},
    {"test rmse", {"test_rmse", NULL, 1}, 4, true, 0},
    {"share", {"share", NULL, 1}, 3, true, 0},
    {"multiply-adds", {"multiply_adds_done", NULL, 1}, -1, false, 0},
    {"step ms", {"train_step_ms", NULL, 1}, -2, false, 0},
    {"dense ms", {"predict_ms_dense", NULL, 1}, -2, false, 0},
    {"ms", {"predict_ms_gated", NULL, 1}, -2, false, 0},
};

/// What all runs have in common.
static int load(weir_config *config, const char *operand) {
    weir_error error = {0};
    if (weir_config_load(config, operand, (const char *const *)settings.items, settings.count, &error) == WEIR_OK)
        return CLI_OK;
    cli_weir_error(&error);
    cli_config_hint(operand);
    return CLI_FAILED;
}

/// A setting that is varied cannot be fixed as well.
static int check_fixed(void) {
    for (size_t i = 0; i < settings.count; i++)
        for (size_t k = 0; k < varied.count; k++) {
            const size_t length = strcspn(varied.items[k], "=");
            if (strncmp(settings.items[i], varied.items[k], length + 1) == 0)
                return cli_usage("compare", "%.*s is varied, and fixed by --set %s", (int)length, varied.items[k],
                                 settings.items[i]);
        }
    return CLI_OK;
}

/// Rules that every unit has for itself are varied node by node.
static int check_rules(const weir_config *config) {
    if (rules == NULL) return CLI_OK;
    char *lines = NULL;
    weir_error error = {0};
    if (weir_config_idle(config, &lines, (const char *const[]){varied.items[0]}, 1, &error) != WEIR_OK)
        return cli_weir_error(&error);
    if (lines == NULL || lines[0] == '\0') {
        weir_text_free(lines);
        return CLI_OK;
    }
    weir_text_free(lines);
    for (size_t i = 0; i < config->network_count; i++) {
        const weir_node *node = &config->network[i];
        if (node->rule == NULL) continue;
        if (node->name != NULL && node->name[0] != '\0')
            return cli_usage("compare", "--rules: the units have rules of their own; compare --vary network.%s.rule=%s",
                             node->name, rules);
        return cli_usage("compare", "--rules: the units have rules of their own; compare --vary network.%zu.rule=%s", i,
                         rules);
    }
    return cli_usage("compare", "--rules: the network has no stochastic units");
}

static int carry_out(experiment_plan *plan, const judged *by) {
    FILE *out = as_json ? stderr : stdout;
    json_t *summary = NULL;
    int status = experiment_plan_make(plan);
    if (status == CLI_OK) status = cli_folder_make(plan->out);
    if (status == CLI_OK) status = experiment_train(plan);
    if (status == CLI_OK) status = experiment_time(plan);
    if (status == CLI_OK) status = experiment_tables(plan, out);
    if (status == CLI_OK) status = summary_write(plan, by, out, &summary);
    if (status == CLI_OK) status = experiment_figures(plan, out);
    if (status == CLI_OK && as_json) cli_print_json(summary);
    json_decref(summary);
    return status;
}

static int compare(const weir_config *config, const char *operand) {
    const judged by = judged_by(config);
    variants rows;
    char usual[300], title[300], axis[120];
    snprintf(usual, sizeof usual, "runs/%.200s-compared", config->name);
    snprintf(title, sizeof title, "%.200s, %zu %s of each variant", config->name, seeds, seeds == 1 ? "run" : "runs");
    snprintf(axis, sizeof axis, "validation, %s%s", by.what, strcmp(by.unit, " %") == 0 ? ", % of rows" : by.unit);
    int status = variants_make(&rows, &varied, operand);
    experiment_part part = {
        .name = "variants",
        .title = title,
        .question = "Every variant with the same seeds.",
        .rows = rows.rows,
        .row_count = rows.count,
        .figure = {.name = "validation", .title = config->name, .axis = axis, .metric = by.valid, .factor = by.factor}};
    const experiment compared = {.name = config->name,
                                 .summary = "",
                                 .source = "Variants of one configuration.",
                                 .seeds = seeds,
                                 .columns = columns,
                                 .column_count = CLI_COUNT_OF(columns),
                                 .parts = &part,
                                 .part_count = 1};
    experiment_plan plan = {.experiment = &compared,
                            .command = "compare",
                            .out = out_folder != NULL ? out_folder : usual,
                            .data_folder = data_folder,
                            .settings = &settings,
                            .rows = &(cli_list){0},
                            .messages = as_json ? stderr : stdout,
                            .resume = resume,
                            .tensorboard = tensorboard,
                            .jobs = jobs,
                            .threads = threads};
    if (status == CLI_OK) status = carry_out(&plan, &by);
    experiment_plan_free(&plan);
    variants_free(&rows);
    return status;
}

static int run(char **operands, size_t count) {
    weir_config config = {0};
    cli_list all = {0};
    (void)count;
    // The rules come first, whatever the order of the options: a rule is what is mostly compared.
    int status = rules == NULL || cli_list_add(&all, "rule=%s", rules) ? CLI_OK : cli_error("out of memory");
    for (size_t i = 0; i < varied.count && status == CLI_OK; i++)
        if (!cli_list_add(&all, "%s", varied.items[i])) status = cli_error("out of memory");
    cli_list_free(&varied);
    varied = all;
    if (status == CLI_OK) status = check_fixed();
    if (status == CLI_OK && cli_use_machine(threads) != CLI_OK) status = CLI_FAILED;
    cli_interrupt_begin();
    if (status == CLI_OK) status = load(&config, operands[0]);
    if (status == CLI_OK) status = check_rules(&config);
    if (status == CLI_OK) status = compare(&config, operands[0]);
    weir_config_free(&config);
    cli_list_free(&varied);
    cli_list_free(&settings);
    return status;
}

const cli_command cli_compare = {
    .name = "compare",
    .operands = "CONFIG",
    .summary = "train variants of a network with the same seeds and compare them",
    .about =
        "Train the network of CONFIG with several rules, or with several values of any setting, each with the same "
        "seeds, and say which is better: a table of means with their standard deviations, differences from the first "
        "variant seed by seed with their 95 % interval and Student's paired test, and a figure of the validation "
        "error with a band for the seeds. A run is an ordinary run directory; 'weir plot' draws several of them, and "
        "those that differ in their seeds alone as one line with a band. Without --rules and --vary the runs say how "
        "much depends on the seed. Ctrl-C stops all trainings in an orderly way; --resume goes on where they were, to "
        "the same bits.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 1,
    .most = 1,
    .prepare = prepare,
    .files = "DIR/VARIANT/SEED (a run directory each, train.log beside it), DIR/summary.json, DIR/table.md, "
             "DIR/validation.svg and DIR/validation.png",
    .examples =
        {"weir compare digits --rules noisy-rectifier,straight-through --seeds 3 --epochs 2",
         "weir compare mnist-blocks --data data/mnist --vary train.sparsity.target=0.05,0.1,0.2 --jobs 2",
         "weir compare my.yaml --rules straight-through,reinmax --vary train.optimizer.rate=0.01,0.003 --resume"},
    .run = run,
};
