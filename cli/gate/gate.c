// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file gate.c
/// `weir gate`: a dense network that is already trained gets gates, is trained on with what is closed skipped, and is
/// compared with what it was.
#include "base/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *data_folder, *out_folder, *config_name, *layers, *groups, *share_text;
static cli_list settings, map;
static size_t threads, block, narrow, steps, rows;
static int epochs;
static bool force, as_json;

/// What training begins with: short, and careful with what the network knows. --set changes it.
static const char *const training[] = {
    "train.batch=64",
    "train.optimizer.kind=adam",
    "train.optimizer.rate=0.001",
    "train.optimizer.schedule=cosine",
    "train.sparsity.kind=l1",
    "train.sparsity.weight=0.001",
    "train.sparsity.adapt=1.02",
    "train.average=0.998",
};

static const cli_option options[] = {
    {"data", "DIR", CLI_TEXT, &data_folder, NULL, "folder with the data set [default: where it was in training]"},
    {"out", "RUN", CLI_TEXT, &out_folder, NULL, "run directory [default: runs/NAME-gated, the name of the model]"},
    {"block", "B", CLI_COUNT, &block, NULL, "hidden units per gate"},
    {"share", "S", CLI_TEXT, &share_text, NULL, "share of the gates to be open"},
    {"layers", "LIST", CLI_TEXT, &layers, NULL, "names of affine nodes that get gates [default: all hidden layers]"},
    {"narrow", "N", CLI_COUNT, &narrow, NULL, "units of a gater's hidden layer"},
    {"groups", "HOW", CLI_CHOICE, &groups, "co-activation|order|random",
     "which units share a gate: co-activation, order (as they stand) or random"},
    {"rows", "N", CLI_COUNT, &rows, NULL, "training rows that groups are found by"},
    {"steps", "N", CLI_COUNT, &steps, NULL, "steps of each gater's imitation"},
    {"epochs", "N", CLI_INDEX, &epochs, NULL, "passes over the training rows afterwards; 0: none [default: 5]"},
    {"seed", "S", CLI_KEY_COUNT, &settings, "train.seed", "of all random numbers [default: as in training]"},
    {"set", "KEY=VALUE", CLI_PAIR, &settings, NULL, "change a setting of that training; may be repeated"},
    {"config", "CONFIG", CLI_TEXT, &config_name, NULL,
     "the dense network that MODEL, a safetensors file of another program, has the parameters of"},
    {"map", "HERE=THERE", CLI_PAIR, &map, NULL, "with --config: names here and in MODEL that belong together"},
    {"threads", "N", CLI_COUNT, &threads, NULL, "threads to use"},
    {"force", NULL, CLI_FLAG, &force, NULL, "replace what RUN holds"},
    {"json", NULL, CLI_FLAG, &as_json, NULL, "print the frontier as JSON, progress on standard error"},
};

static void prepare(void) {
    const weir_gate_options o = weir_gate_options_default();
    threads = (size_t)weir_threads();
    block = o.block;
    narrow = o.narrow;
    steps = o.steps;
    rows = o.rows;
    groups = o.groups;
    epochs = 5;
    share_text = "0.1";
}

/// What a call needs; freed by close_all.
typedef struct gating {
    FILE *out;
    weir_config dense_config, config;
    weir_graph *dense, *gated;
    weir_data *data;
    weir_gated_layer *layers;
    size_t layer_count;
    weir_trainer *trainer;
    char *folder, *text;
    double share;
    json_t *frontier;
    cli_bar bar;
} gating;

static void close_all(gating *g) {
    weir_trainer_free(g->trainer);
    weir_bytes_free(g->layers);
    weir_graph_free(g->gated);
    weir_graph_free(g->dense);
    weir_data_free(g->data);
    weir_text_free(g->text);
    weir_config_free(&g->config);
    weir_config_free(&g->dense_config);
    json_decref(g->frontier);
    free(g->folder);
}

// The dense network.

/// A file of another program, for a configuration.
static int open_foreign(gating *g, const char *path) {
    weir_error error = {0};
    weir_transfer done = {0};
    cli_list pairs = {0};
    weir_graph_options making = weir_graph_options_default(256);
    making.training = false;
    int status = cli_pairs(&pairs, &map) ? CLI_OK : cli_error("out of memory");
    if (status == CLI_OK &&
        (weir_config_load(&g->dense_config, config_name, NULL, 0, &error) != WEIR_OK ||
         (data_folder != NULL && weir_config_data_folder(&g->dense_config, data_folder, &error) != WEIR_OK) ||
         weir_graph_create(&g->dense, g->dense_config.network, g->dense_config.network_count, &making, &error) != WEIR_OK ||
         weir_model_transfer(g->dense, &done, path, (const char *const *)pairs.items, pairs.count, &error) != WEIR_OK ||
         weir_data_load(&g->data, &g->dense_config.data, &error) != WEIR_OK ||
         weir_graph_scale_set(g->dense, weir_data_scale(g->data), &error) != WEIR_OK ||
         weir_graph_names_set(g->dense, weir_data_names(g->data), &error) != WEIR_OK))
        status = cli_weir_error(&error);
    if (status == CLI_OK && done.missing_count > 0)
        status = cli_error("%s lacks %zu of the network's parameters, %s first; --map says what they are called there", path,
                           done.missing_count, done.missing[0]);
    weir_transfer_free(&done);
    cli_list_free(&pairs);
    return status;
}

static int open_dense(gating *g, const char *operand) {
    if (config_name != NULL) return open_foreign(g, operand);
    return cli_open_model(operand, data_folder, NULL, 256, &g->dense, &g->dense_config, &g->data);
}

// The gated one.

static int tell_layer(void *context, const char *layer, size_t step, size_t all) {
    gating *g = context;
    char left[64];
    snprintf(left, sizeof left, "%s%.40s", step == 0 ? "groups of " : "gater of ", layer);
    cli_bar_show(&g->bar, (double)step / (double)all, -1, left, "");
    return cli_interrupted();
}

static int make_gates(gating *g) {
    weir_error error = {0};
    weir_gate_options o = weir_gate_options_default();
    o.block = block;
    o.share = g->share;
    o.narrow = narrow;
    o.layers = layers;
    o.groups = groups;
    o.rows = rows;
    o.steps = steps;
    o.seed = g->config.train.seed;
    cli_bar_begin(&g->bar);
    const weir_status status =
        weir_gate_create(&g->gated, &g->layers, &g->layer_count, g->dense, g->data, &o, tell_layer, g, &error);
    cli_bar_clear(&g->bar);
    return status == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

static void print_layers(const gating *g) {
    cli_table table = {.align = "lrrrr"};
    cli_table_add(&table, "layer\tunits\tblocks\tbest share keeps\tgater keeps");
    for (size_t l = 0; l < g->layer_count; l++)
        cli_table_add(&table, "%s\t%zu\t%zu\t%.1f %%\t%.1f %%", g->layers[l].name, g->layers[l].units, g->layers[l].blocks,
                      100 * g->layers[l].best, 100 * g->layers[l].gated);
    fprintf(g->out, "\n");
    cli_table_print(&table, g->out);
}

// The frontier: error against work and time.

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

/// A line of the frontier, and of its table.
static int add_point(gating *g, cli_table *table, const char *when, weir_graph *graph) {
    weir_error error = {0};
    weir_result r = weir_result_empty();
    weir_part test = weir_data_test(g->data);
    char work[CLI_NUMBER], time[CLI_NUMBER], score[CLI_NUMBER];
    const bool gated = cli_gated_layers(graph) > 0;
    if (weir_measure(graph, &r, &test, 0, CLI_REPEATS, &error) != WEIR_OK) return cli_weir_error(&error);
    const double done = (gated ? r.multiply_adds_done : r.multiply_adds_dense) + (gated ? r.multiply_adds_gater : 0);
    const double ms = gated ? r.predict_ms_gated : r.predict_ms_dense;
    if (isfinite(r.test_rmse))
        snprintf(score, sizeof score, "%.4g", r.test_rmse);
    else
        snprintf(score, sizeof score, "%.2f %%", 100 * r.test_error);
    cli_table_add(table, "%s\t%.3f\t%s\t%.4f\t%s\t%s", when, gated ? r.share : 1.0, score, r.test_loss,
                  cli_thousands(work, (uint64_t)(done + 0.5)), cli_milliseconds(time, ms));
    json_t *point = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "when", when, "share", number(gated ? r.share : 1.0),
                              "error", number(r.test_error), "rmse", number(r.test_rmse), "loss", number(r.test_loss),
                              "multiply_adds", number(done), "ms", number(ms));
    return json_array_append_new(g->frontier, point) == 0 ? CLI_OK : cli_error("out of memory");
}

/// Thresholds for parts of the share; the share itself last, which then holds.
static int add_points(gating *g, cli_table *table, const char *when) {
    static const double parts[] = {0.25, 0.5, 0.75, 1};
    weir_error error = {0};
    const weir_part valid = weir_data_valid(g->data);
    int status = CLI_OK;
    for (size_t i = 0; i < CLI_COUNT_OF(parts) && status == CLI_OK; i++) {
        if (weir_fit_thresholds(g->gated, &valid, parts[i] * g->share, &error) != WEIR_OK) return cli_weir_error(&error);
        status = add_point(g, table, when, g->gated);
    }
    return status;
}

static cli_table new_table(const gating *g) {
    cli_table table = {.align = "lrrrrr"};
    char rows_text[CLI_NUMBER];
    cli_thousands(rows_text, weir_data_test(g->data).count);
    cli_table_add(&table, "test part, %s rows\topen\t%s\tloss\tmultiply-adds\tms", rows_text,
                  cli_judged_by(g->dense) == CLI_BY_DISTANCE ? "rmse" : "error");
    return table;
}

// Training on.

/// The configuration of the gated network: the dense one's data and name, its own nodes, and how it is trained.
static int configure(gating *g) {
    weir_error error = {0};
    weir_config printed = g->dense_config;
    char *text = NULL, name[256];
    cli_list all = {0};
    bool added = true;
    snprintf(name, sizeof name, "%s-gated", g->dense_config.name);
    printed.name = name;
    for (size_t i = 0; i < CLI_COUNT_OF(training); i++) added &= cli_list_add(&all, "%s", training[i]);
    added &= cli_list_add(&all, "train.sparsity.target=%s", share_text);
    if (epochs > 0) added &= cli_list_add(&all, "train.epochs=%d", epochs);
    for (size_t i = 0; i < settings.count; i++) added &= cli_list_add(&all, "%s", settings.items[i]);
    int status = added ? CLI_OK : cli_error("out of memory");
    if (status == CLI_OK && g->gated != NULL) {
        size_t count = 0;
        printed.network = malloc((weir_graph_nodes(g->gated, &count), count) * sizeof *printed.network);
        if (printed.network == NULL) status = cli_error("out of memory");
        if (status == CLI_OK) memcpy(printed.network, weir_graph_nodes(g->gated, NULL), count * sizeof *printed.network);
        printed.network_count = count;
    }
    weir_config_free(&g->config);
    if (status == CLI_OK && (weir_config_print(&printed, &text, &error) != WEIR_OK ||
                             weir_config_parse(&g->config, text, "the gated network", (const char *const *)all.items,
                                               all.count, &error) != WEIR_OK))
        status = cli_usage("gate", "%s", error.text);
    if (g->gated != NULL) free(printed.network);
    weir_text_free(text);
    cli_list_free(&all);
    return status;
}

static int tell_epoch(void *context, const weir_progress *p) {
    gating *g = context;
    char left[48], right[64];
    if (p->finished == NULL) {
        const double done = (double)(p->epoch - 1) + (p->batches > 0 ? (double)p->batch / (double)p->batches : 0);
        snprintf(left, sizeof left, "epoch %zu/%zu", p->epoch, p->epochs);
        snprintf(right, sizeof right, "loss %.4f  share %.3f", p->loss, p->share);
        cli_bar_show(&g->bar, done / (double)p->epochs, -1, left, right);
        return cli_interrupted();
    }
    cli_bar_clear(&g->bar);
    const weir_epoch *e = p->finished;
    char score[24];
    if (cli_judged_by(g->dense) == CLI_BY_DISTANCE)
        snprintf(score, sizeof score, "%9.4g", e->valid_rmse);
    else
        snprintf(score, sizeof score, "%7.2f %%", 100 * e->valid_error);
    fprintf(g->out, "epoch %zu  train: loss %.4f  share %.4f  valid: loss %.4f  %s  %.1f s%s\n", e->epoch, e->train_loss,
            e->train_share, e->valid_loss, score, e->seconds, e->best ? "  best" : "");
    fflush(g->out);
    return cli_interrupted();
}

static int train_on(gating *g) {
    weir_error error = {0};
    cli_bar_begin(&g->bar);
    fprintf(g->out, "\n");
    const weir_status status = weir_trainer_run(g->trainer, g->folder, g->text, tell_epoch, g, &error);
    cli_bar_clear(&g->bar);
    if (status == WEIR_INTERRUPTED)
        return cli_error("interrupted; to continue: weir train --out %s --resume", cli_shell(g->folder).text);
    return status == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

// The run directory.

static const char *const made_files[] = {"config.yaml", "model.safetensors", "checkpoint.safetensors", "metrics.jsonl",
                                         "metrics.csv", "frontier.json",     "result.json"};

static int open_folder(gating *g) {
    size_t held = 0;
    if (cli_folder_make(g->folder) != CLI_OK) return CLI_FAILED;
    for (size_t i = 0; i < CLI_COUNT_OF(made_files); i++) {
        char *path = cli_path(g->folder, made_files[i]);
        if (path == NULL) return CLI_FAILED;
        held += cli_exists(path);
        if (force) unlink(path);
        free(path);
    }
    if (held > 0 && !force)
        return cli_error("%s holds a run already; --force replaces it, --out RUN writes elsewhere", g->folder);
    return CLI_OK;
}

/// Writes a text, or the model where there is none, into the run directory.
static int write_into(gating *g, const char *name, const char *text) {
    weir_error error = {0};
    char *path = cli_path(g->folder, name);
    int status = path == NULL ? CLI_FAILED : CLI_OK;
    if (status == CLI_OK && text != NULL) status = cli_write_file(path, text);
    if (status == CLI_OK && text == NULL && weir_model_save(g->gated, path, g->text, g->share, &error) != WEIR_OK)
        status = cli_weir_error(&error);
    free(path);
    return status;
}

static int write_results(gating *g) {
    weir_error error = {0};
    weir_result result = weir_result_empty();
    weir_part test = weir_data_test(g->data);
    char *text = json_dumps(g->frontier, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    cli_list lines = {0};
    int status = text != NULL && cli_list_add(&lines, "%s\n", text) ? CLI_OK : cli_error("out of memory");
    if (status == CLI_OK) status = write_into(g, "frontier.json", lines.items[0]);
    cli_list_free(&lines);
    free(text);
    result.name = g->config.name;
    weir_trainer_result(g->trainer, &result);
    if (status == CLI_OK && weir_measure(g->gated, &result, &test, 0, CLI_REPEATS, &error) != WEIR_OK)
        status = cli_weir_error(&error);
    char *path = cli_path(g->folder, "result.json");
    if (path == NULL) status = CLI_FAILED;
    if (status == CLI_OK && weir_result_write(&result, path, &error) != WEIR_OK) status = cli_weir_error(&error);
    free(path);
    return status;
}

/// The graph of the configuration, which --set may have changed, in place of the one that the library made.
static int take_configuration(gating *g) {
    weir_error error = {0};
    size_t count = 0;
    weir_graph *made = NULL;
    weir_graph_options making = weir_graph_options_default(g->config.train.batch > 256 ? g->config.train.batch : 256);
    making.seed = g->config.train.seed;
    (void)weir_precision_find(&making.precision, g->config.precision); // the configuration knows no other names
    if (weir_graph_create(&made, g->config.network, g->config.network_count, &making, &error) != WEIR_OK ||
        weir_graph_values_copy(made, g->gated, &error) != WEIR_OK ||
        weir_graph_scale_set(made, weir_graph_scale(g->gated), &error) != WEIR_OK ||
        weir_graph_names_set(made, weir_graph_names(g->gated), &error) != WEIR_OK) {
        weir_graph_free(made);
        return cli_weir_error(&error);
    }
    (void)weir_graph_nodes(made, &count);
    for (size_t n = 0; n < count; n++)
        if (weir_graph_unit(made, n) != NULL)
            (void)weir_graph_threshold_set(made, n, weir_graph_threshold(g->gated, n), NULL);
    for (size_t l = 0; l < g->layer_count; l++) g->layers[l].name = g->layers[l].gates = NULL; // they were printed
    weir_graph_free(g->gated);
    g->gated = made;
    return CLI_OK;
}

static int gate(gating *g) {
    weir_error error = {0};
    cli_table table = new_table(g);
    int status = make_gates(g);
    if (status == CLI_OK) print_layers(g);
    if (status == CLI_OK) status = configure(g);
    if (status == CLI_OK) status = take_configuration(g);
    if (status == CLI_OK && (weir_config_absolute(&g->config, &error) != WEIR_OK ||
                             weir_config_print(&g->config, &g->text, &error) != WEIR_OK ||
                             weir_trainer_create(&g->trainer, g->gated, g->data, &g->config.train, &error) != WEIR_OK))
        status = cli_weir_error(&error);
    if (status == CLI_OK) status = add_point(g, &table, "dense", g->dense);
    if (status == CLI_OK) status = add_points(g, &table, "gated");
    if (status == CLI_OK) status = write_into(g, "config.yaml", g->text);
    if (status == CLI_OK && epochs > 0) {
        status = train_on(g);
        if (status == CLI_OK) status = add_points(g, &table, "trained");
    }
    if (status == CLI_OK) status = write_into(g, "model.safetensors", NULL);
    if (status == CLI_OK) status = write_results(g);
    if (status == CLI_OK) {
        fprintf(g->out, "\n");
        cli_table_print(&table, g->out);
        fprintf(g->out, "\nNext:\n  weir eval %s\n", cli_shell(g->folder).text);
        if (as_json) cli_print_json(g->frontier);
    } else
        cli_list_free(&table.rows);
    return status;
}

static int run(char **operands, size_t count) {
    (void)count;
    gating g = {.out = as_json ? stderr : stdout};
    char *end = NULL;
    g.share = strtod(share_text, &end);
    if (*end != '\0' || !(g.share > 0 && g.share < 1))
        return cli_usage("gate", "--share needs a number between 0 and 1, not '%s'", share_text);
    if (map.count > 0 && config_name == NULL) return cli_usage("gate", "--map needs --config CONFIG");
    if (cli_use_machine(threads) != CLI_OK) return CLI_FAILED;
    cli_interrupt_begin();
    g.frontier = json_array();
    int status = open_dense(&g, operands[0]);
    if (status == CLI_OK && weir_data_test(g.data).count == 0) status = cli_error("the data set has no test rows");
    if (status == CLI_OK) status = configure(&g); // wrong settings show before anything is computed
    if (status == CLI_OK) {
        g.folder = out_folder != NULL ? strdup(out_folder) : cli_path("runs", g.config.name);
        status = g.folder == NULL ? CLI_FAILED : open_folder(&g);
    }
    if (status == CLI_OK) status = gate(&g);
    close_all(&g);
    cli_list_free(&settings);
    cli_list_free(&map);
    return status;
}

const cli_command cli_gate = {
    .name = "gate",
    .operands = "MODEL",
    .summary = "give gates to a dense network that is already trained",
    .about = "Hidden units that work on the same rows come into one block, and a small gater for each hidden layer learns "
             "to tell which blocks matter. Then the network is trained on with closed blocks skipped. Prints error, "
             "multiply-adds and milliseconds of the dense network, of the gated one before that training and after it, "
             "at parts of the share. MODEL is a model file or a run directory; or, with --config, any safetensors file.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 1,
    .most = 1,
    .prepare = prepare,
    .files = "RUN/model.safetensors (the gated network), RUN/frontier.json (the table), RUN/config.yaml, and what training "
             "writes",
    .examples = {"weir gate runs/mnist-dense --block 16 --share 0.1", "weir gate runs/mnist-dense --groups random --epochs 2",
                 "weir gate net.safetensors --config net.yaml --map hidden=0,logits=2"},
    .run = run,
};
