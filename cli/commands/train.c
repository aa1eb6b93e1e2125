// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file train.c
/// `weir train`: from a configuration to a run directory.
#include "base/cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static cli_list settings, map;
static const char *out_folder, *data_folder, *init_file;
static size_t threads;
static bool resume, force, as_json, tensorboard;
static weir_train_options initial; // for the help

static const cli_option options[] = {
    {"data", "DIR", CLI_TEXT, &data_folder, NULL, "folder with the data set: of mnist, or of the files of CONFIG"},
    {"out", "RUN", CLI_TEXT, &out_folder, NULL, "run directory [default: runs/NAME, the name in CONFIG]"},
    {"epochs", "N", CLI_KEY_COUNT, &settings, "train.epochs", "passes over the training rows [default: as in CONFIG]"},
    {"seed", "S", CLI_KEY_COUNT, &settings, "train.seed", "of all random numbers [default: as in CONFIG]"},
    {"rule", "RULE", CLI_KEY, &settings, "rule",
     "rule of the stochastic units, see 'weir units' [default: as in CONFIG]"},
    {"precision", "P", CLI_KEY, &settings, "precision",
     "fp32, or bf16: weights rounded to 2 bytes in products [default: as in CONFIG]"},
    {"threads", "N", CLI_COUNT, &threads, NULL, "threads to use"},
    {"set", "KEY=VALUE", CLI_PAIR, &settings, NULL, "change any setting of CONFIG; may be repeated"},
    {"init", "FILE", CLI_TEXT, &init_file, NULL,
     "begin with the parameters of a model, or of any safetensors file, where names agree; others are random"},
    {"map", "HERE=THERE", CLI_PAIR, &map, NULL,
     "with --init: names of nodes or parameters here, and of FILE, that belong together; comma-separated"},
    {"resume", NULL, CLI_FLAG, &resume, NULL,
     "go on from the checkpoint in RUN: bit for bit with the same version, threads, rates and instruction set"},
    {"force", NULL, CLI_FLAG, &force, NULL, "replace what RUN holds"},
    {"log-steps", "N", CLI_KEY_COUNT, &settings, "train.log_steps",
     "a line of RUN/steps.jsonl and steps.csv after every N steps [default: as in CONFIG]"},
    {"tensorboard", NULL, CLI_FLAG, &tensorboard, NULL,
     "write the curves for TensorBoard, too: tensorboard --logdir RUN shows them"},
    {"json", NULL, CLI_FLAG, &as_json, NULL, "print the result as JSON, progress on standard error"},
};

static void prepare(void) {
    threads = (size_t)weir_threads();
    initial = weir_train_options_default();
}

static void more_help(FILE *out) {
    const char *bold = cli_bold(out), *plain = cli_plain(out);
    const weir_optimizer_options *o = &initial.optimizer;
    const weir_sparsity_options *s = &initial.sparsity;
    fprintf(out, "\n%sBuilt-in examples for CONFIG:%s\n", bold, plain);
    for (size_t i = 0; i < weir_example_count(); i++) {
        if (strchr(weir_example_name(i), '/') != NULL) continue; // rows of experiments
        weir_config config = {0};
        bool known = weir_config_load(&config, weir_example_name(i), NULL, 0, NULL) == WEIR_OK;
        fprintf(out, "  %-18s ", weir_example_name(i));
        cli_wrap(out, 21, known && config.about != NULL ? config.about : "");
        weir_config_free(&config);
    }
    fprintf(out, "  %-18s rows of the experiments of 'weir reproduce'\n", "EXPERIMENT/ROW");
    fprintf(out, "\n%sSome settings for --set, with the value where CONFIG is silent:%s\n", bold, plain);
    fprintf(out, "  %-28s %zu\n  %-28s %zu (0: no early stop)\n", "train.batch", initial.batch, "train.patience",
            initial.patience);
    fprintf(out, "  %-28s %s\n  %-28s %g\n  %-28s %s\n  %-28s %g\n", "train.optimizer.kind", o->kind,
            "train.optimizer.rate", o->rate, "train.sparsity.kind", s->kind, "train.sparsity.target", s->target);
    fprintf(out, "All of them, and those of nodes: weir help settings\n");
}

// The run directory.

static const char *const run_files[] = {"config.yaml", "metrics.jsonl",     "metrics.csv",           "steps.jsonl",
                                        "steps.csv",   "model.safetensors", "checkpoint.safetensors", "result.json",
                                        CLI_EVENTS};

/// Number of a run's files that the folder holds; removes them if asked.
static size_t run_file_count(const char *folder, bool removing) {
    size_t count = 0;
    for (size_t i = 0; i < CLI_COUNT_OF(run_files); i++) {
        char *path = cli_path(folder, run_files[i]);
        if (path == NULL) continue;
        count += cli_exists(path);
        if (removing) unlink(path);
        free(path);
    }
    return count;
}

/// Makes the run directory and holds it, so that nothing else writes there.
static int open_folder(weir_trainer *trainer, const char *folder) {
    weir_error error = {0};
    if (resume && run_file_count(folder, false) == 0) return cli_error("%s holds no run to resume", folder);
    if (cli_folder_make(folder) != CLI_OK) return CLI_FAILED;
    if (weir_trainer_hold(trainer, folder, &error) != WEIR_OK) return cli_weir_error(&error);
    if (!resume && !force && run_file_count(folder, false) > 0)
        return cli_error(
            "%s holds a run already; --resume continues it, --force replaces it, --out RUN writes elsewhere", folder);
    if (force && !resume) run_file_count(folder, true);
    return CLI_OK;
}

// The configuration.

/// Parses CONFIG without and with the settings, so that a wrong setting is told from a wrong file; it is read once.
static int load_config(const char *name, weir_config *config) {
    weir_error error = {0};
    char *text = NULL;
    int status = CLI_OK;
    if (weir_config_read(&text, name, &error) != WEIR_OK ||
        weir_config_parse(config, text, name, NULL, 0, &error) != WEIR_OK) {
        status = cli_weir_error(&error);
        cli_config_hint(name);
    }
    if (status == CLI_OK && settings.count > 0) {
        weir_config_free(config);
        if (weir_config_parse(config, text, name, (const char *const *)settings.items, settings.count, &error) !=
            WEIR_OK)
            status = cli_usage("train", "%s", error.text);
    }
    if (status == CLI_OK) status = cli_tell_idle("train", "", config, &settings);
    if (status == CLI_OK && data_folder != NULL && weir_config_data_folder(config, data_folder, &error) != WEIR_OK)
        status = cli_weir_error(&error);
    weir_text_free(text);
    return status;
}

/// A run that is resumed brings its own configuration.
static char *config_name(char **operands, size_t count) {
    if (count > 0) return strdup(operands[0]);
    return cli_path(out_folder, "config.yaml");
}

// Telling.

typedef struct teller {
    FILE *out; // of the lines of the epochs
    cli_bar bar;
    bool gated, text;
    cli_judge judged;
    size_t first_epoch; // where this call began, for the time left
    double first_done;
    bool begun;
    const char *folder;
    cli_events events;
    uint64_t step;       // of the last record of steps that the events have
    double first_loss, last_loss; // of an epoch in training; NaN before
} teller;

/// Training goes on when nobody can read its lines; cli_finish tells at the end.
static void flush(FILE *out) {
    if (out == stdout)
        cli_flush();
    else
        fflush(out);
}

/// "  random    a, b", a list of names in lines of the terminal's width; nothing for none.
static void print_list(FILE *out, const char *label, char *const *names, size_t count) {
    size_t length = 1;
    for (size_t i = 0; i < count; i++) length += strlen(names[i]) + 2;
    char *line = count > 0 ? calloc(length, 1) : NULL;
    for (size_t i = 0; line != NULL && i < count; i++) {
        strcat(line, i > 0 ? ", " : "");
        strcat(line, names[i]);
    }
    if (line != NULL) {
        fprintf(out, "%s", label);
        cli_wrap(out, 12, line);
    }
    free(line);
}

static void print_plan(FILE *out, const weir_config *config, weir_graph *graph, const weir_data *data,
                       const char *folder, const weir_transfer *transfer) {
    size_t nodes = 0, gated = cli_gated_layers(graph);
    const weir_node *node = weir_graph_nodes(graph, &nodes);
    const weir_parameters_view parameters = weir_graph_parameters_read(graph);
    uint64_t count = 0;
    for (size_t t = 0; t < parameters.tensor_count; t++)
        count += (uint64_t)parameters.tensors[t].rows * parameters.tensors[t].columns;
    char a[CLI_NUMBER], b[CLI_NUMBER], c[CLI_NUMBER];
    fprintf(out, "%s%s%s in %s\n", cli_bold(out), config->name, cli_plain(out), folder);
    fprintf(out, "  network   %zu to %zu, %zu gated layer%s, %s parameters\n", node[0].size, node[nodes - 1].size,
            gated, gated == 1 ? "" : "s", cli_thousands(a, count));
    fprintf(out, "  data      %s: %s training, %s validation, %s test rows\n", config->data.source,
            cli_thousands(a, weir_data_train(data).count), cli_thousands(b, weir_data_valid(data).count),
            cli_thousands(c, weir_data_test(data).count));
    cli_print_names(out, "  columns   ", 12, weir_data_names(data), WEIR_NAMED_COLUMNS);
    cli_print_names(out, "  classes   ", 12, weir_data_names(data), WEIR_NAMED_CLASSES);
    char scale[128];
    fprintf(out, "  scale     %s\n", weir_scale_text(weir_data_scale(data), scale, sizeof scale));
    for (size_t i = 0; weir_data_note(data, i) != NULL; i++) {
        fprintf(out, "  note      ");
        cli_wrap(out, 12, weir_data_note(data, i));
    }
    if (init_file != NULL) {
        fprintf(out, "  begins    with %zu of %zu parameters of %s\n", transfer->taken, parameters.tensor_count, init_file);
        print_list(out, "  random    ", transfer->missing, transfer->missing_count);
        print_list(out, "  not used  ", transfer->unused, transfer->unused_count);
    }
    for (size_t t = 0; t < parameters.tensor_count; t++)
        if (!weir_graph_learns(graph, t))
            fprintf(out, "  note      %s learns nothing: no gradient of the loss reaches it\n",
                    parameters.tensors[t].name);
    if (weir_data_targets(data) > 0)
        fprintf(out, "  targets   %s, values %s", config->data.targets,
                strcmp(config->data.binarise, "none") == 0 ? "as they are" : config->data.binarise);
    if (cli_judged_by(graph) == CLI_BY_LIKELIHOOD)
        fprintf(out, "; likelihood of %zu draws per row", config->train.valid_samples);
    if (weir_data_targets(data) > 0) fputc('\n', out);
    fprintf(out, "  training  %s, rate %g, batch %zu, %zu epochs, seed %llu\n", config->train.optimizer.kind,
            config->train.optimizer.rate, config->train.batch, config->train.epochs,
            (unsigned long long)config->train.seed);
    if (gated > 0 && isnan(cli_target(graph, 0)))
        fprintf(out, "  gates     %s%sthe draw says how many open, not target share %g; %s penalty\n",
                config->rule != NULL ? config->rule : "", config->rule != NULL ? ": " : "",
                config->train.sparsity.target, config->train.sparsity.kind);
    else if (gated > 0)
        fprintf(out, "  gates     %s%starget share %g, %s penalty\n", config->rule != NULL ? config->rule : "",
                config->rule != NULL ? ", " : "", config->train.sparsity.target, config->train.sparsity.kind);
    fprintf(out, "  computer  %d thread%s, %s, %s\n\n", weir_threads(), weir_threads() == 1 ? "" : "s",
            weir_isa_name(weir_isa_current()), config->precision);
    flush(out);
}

static void epoch_heading(const teller *t) {
    static const char *const scores[] = {"error", "nll", "rmse"}; // by cli_judge
    fprintf(t->out, "%sepoch  train: loss%s  valid: loss  %9s%s  seconds%s\n", cli_bold(t->out),
            t->gated ? "   share" : "", t->text ? "bits/byte" : scores[t->judged], t->gated ? "   share   dead" : "",
            cli_plain(t->out));
}

static void epoch_line(const teller *t, const weir_epoch *e) {
    char train_share[16] = "", valid_share[32] = "", score[24];
    if (t->gated) {
        snprintf(train_share, sizeof train_share, "  %6.4f", e->train_share);
        snprintf(valid_share, sizeof valid_share, "  %6.4f  %5zu", e->valid_share, e->valid_dead);
    }
    if (t->text)
        snprintf(score, sizeof score, "%9.4f", e->valid_bits_per_byte);
    else if (t->judged == CLI_BY_DISTANCE)
        snprintf(score, sizeof score, "%9.4g", e->valid_rmse);
    else if (t->judged == CLI_BY_LIKELIHOOD)
        snprintf(score, sizeof score, "%9.4f", e->valid_nll);
    else
        snprintf(score, sizeof score, "%7.2f %%", 100 * e->valid_error);
    fprintf(t->out, "%5zu  %11.4f%s  %11.4f  %s%s  %7.1f%s\n", e->epoch, e->train_loss, train_share, e->valid_loss, score,
            valid_share, e->seconds, e->best ? "  best" : "");
    flush(t->out);
}

static const char *const score_tags[] = {"valid/error", "valid/nll", "valid/rmse"}; // by cli_judge

/// The curves of an epoch.
static void add_epoch(teller *t, const weir_epoch *e) {
    const double score[] = {e->valid_error, e->valid_nll, e->valid_rmse};
    bool good = cli_events_scalar(&t->events, "train/loss", e->epoch, e->train_loss) &&
                cli_events_scalar(&t->events, "valid/loss", e->epoch, e->valid_loss) &&
                cli_events_scalar(&t->events, score_tags[t->judged], e->epoch, score[t->judged]) &&
                (!t->text || cli_events_scalar(&t->events, "valid/bits_per_byte", e->epoch, e->valid_bits_per_byte)) &&
                cli_events_scalar(&t->events, "train/rate", e->epoch, e->rate) &&
                cli_events_scalar(&t->events, "seconds", e->epoch, e->seconds);
    if (t->gated)
        good = good && cli_events_scalar(&t->events, "train/share", e->epoch, e->train_share) &&
               cli_events_scalar(&t->events, "valid/share", e->epoch, e->valid_share) &&
               cli_events_scalar(&t->events, "train/penalty", e->epoch, e->penalty) &&
               (!isfinite(e->valid_entropy) ||
                (cli_events_scalar(&t->events, "valid/load_entropy", e->epoch, e->valid_entropy) &&
                 cli_events_scalar(&t->events, "valid/load_overlap", e->epoch, e->valid_overlap) &&
                 cli_events_scalar(&t->events, "valid/gates_never_open", e->epoch, (double)e->valid_dead)));
    if (!good && t->events.file != NULL) cli_note("cannot write %s: %s", t->events.path, strerror(errno));
}

/// The records of steps.jsonl that are new.
static void add_steps(teller *t) {
    char *path = cli_path(t->folder, "steps.jsonl"), *line = NULL;
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    size_t size = 0;
    while (file != NULL && getline(&line, &size, file) > 0) {
        json_t *record = json_loads(line, 0, NULL);
        const uint64_t step = (uint64_t)json_integer_value(json_object_get(record, "step"));
        if (step > t->step) {
            t->step = step;
            (void)cli_events_scalar(&t->events, "steps/loss", step,
                                    json_number_value(json_object_get(record, "loss")));
            if (t->gated)
                (void)cli_events_scalar(&t->events, "steps/share", step,
                                        json_number_value(json_object_get(record, "share")));
        }
        json_decref(record);
    }
    if (file != NULL) fclose(file);
    free(line);
    free(path);
}

/// Begins the event file anew, with what the run has done before.
static void begin_events(teller *t, const weir_trainer *trainer) {
    size_t count = 0, best = 0;
    const weir_epoch *epochs = weir_trainer_epochs(trainer, &count, &best);
    if (!tensorboard) return;
    if (!cli_events_begin(&t->events, t->folder)) cli_note("cannot write %s: %s", t->events.path, strerror(errno));
    for (size_t i = 0; i < count; i++) add_epoch(t, &epochs[i]);
}

static int tell(void *context, const weir_progress *p) {
    teller *t = context;
    double done = (double)(p->epoch - 1) + (p->batches > 0 ? (double)p->batch / (double)p->batches : 0);
    if (!t->begun) {
        t->begun = true;
        t->first_done = done;
        epoch_heading(t);
    }
    if (p->finished != NULL) {
        cli_bar_clear(&t->bar);
        epoch_line(t, p->finished);
        if (t->events.file != NULL) {
            add_epoch(t, p->finished);
            add_steps(t);
            (void)cli_events_flush(&t->events);
        }
        t->last_loss = p->finished->train_loss;
        if (!isfinite(t->first_loss)) t->first_loss = t->last_loss;
    } else {
        char left[48], right[64], share[32] = "";
        double fresh = done - t->first_done, rest = (double)p->epochs - done;
        if (t->gated) snprintf(share, sizeof share, "  share %.3f", p->share);
        snprintf(left, sizeof left, "epoch %zu/%zu", p->epoch, p->epochs);
        snprintf(right, sizeof right, "loss %.4f%s", p->loss, share);
        cli_bar_show(&t->bar, done / (double)p->epochs, fresh > 0 ? p->seconds / fresh * rest : -1, left, right);
    }
    return cli_interrupted();
}

// Training.

/// What a run needs; freed by close_run.
typedef struct run_state {
    weir_config config;
    char *text, *folder;
    weir_data *data;
    weir_graph *graph;
    weir_trainer *trainer;
    weir_transfer transfer;
} run_state;

static void close_run(run_state *r) {
    weir_trainer_free(r->trainer);
    weir_graph_free(r->graph);
    weir_data_free(r->data);
    weir_text_free(r->text);
    weir_config_free(&r->config);
    weir_transfer_free(&r->transfer);
    free(r->folder);
}

/// Takes parameters from --init, before the trainer looks at them.
static int begin_with(run_state *r) {
    weir_error error = {0};
    cli_list pairs = {0};
    char *path = cli_model_path(init_file);
    if (path == NULL) return CLI_FAILED;
    int status = cli_pairs(&pairs, &map) ? CLI_OK : cli_error("out of memory");
    if (status == CLI_OK && weir_model_transfer(r->graph, &r->transfer, path, (const char *const *)pairs.items,
                                                pairs.count, &error) != WEIR_OK)
        status = cli_weir_error(&error);
    cli_list_free(&pairs);
    free(path);
    return status;
}

static int open_run(run_state *r) {
    weir_error error = {0};
    size_t rows = r->config.train.batch > 256 ? r->config.train.batch : 256;
    weir_graph_options making = weir_graph_options_default(rows);
    making.seed = r->config.train.seed;
    making.training = true;
    (void)weir_precision_find(&making.precision, r->config.precision); // the configuration knows no other names
    if (weir_data_load(&r->data, &r->config.data, &error) != WEIR_OK ||
        weir_config_absolute(&r->config, &error) != WEIR_OK ||
        weir_graph_create(&r->graph, r->config.network, r->config.network_count, &making, &error) != WEIR_OK)
        return cli_weir_error(&error);
    if (init_file != NULL && begin_with(r) != CLI_OK) return CLI_FAILED;
    if (weir_trainer_create(&r->trainer, r->graph, r->data, &r->config.train, &error) != WEIR_OK ||
        weir_config_print(&r->config, &r->text, &error) != WEIR_OK)
        return cli_weir_error(&error);
    return CLI_OK;
}

/// Continues where the run stopped, or at the beginning when it was stopped before its first checkpoint.
static int continue_run(run_state *r) {
    weir_error error = {0};
    weir_status status = weir_trainer_resume(r->trainer, r->folder, &error);
    if (status == WEIR_NOT_FOUND) {
        cli_note("%s has no checkpoint yet: training starts from the beginning", r->folder);
        run_file_count(r->folder, true);
        return CLI_OK;
    }
    if (status == WEIR_OK && weir_trainer_remark(r->trainer) != NULL) cli_note("%s", weir_trainer_remark(r->trainer));
    return status == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

static int write_config(const run_state *r) {
    char *path = cli_path(r->folder, "config.yaml");
    int status = path == NULL ? CLI_FAILED : cli_write_file(path, r->text);
    free(path);
    return status;
}

/// Names of one network's files and what to do with them.
static void print_next(FILE *out, const char *folder) {
    const cli_word run = cli_shell(folder);
    fprintf(out, "\nNext:\n  weir eval %s\n  weir predict %s FILE\n  weir plot %s\n", run.text, run.text, run.text);
}

/// Reads result.json back and prints it.
static int print_result_file(const char *path) {
    json_error_t reason;
    json_t *value = json_load_file(path, 0, &reason);
    if (value == NULL) return cli_error("%s: %s", path, reason.text);
    cli_print_json(value);
    json_decref(value);
    return CLI_OK;
}

static int finish_run(run_state *r) {
    weir_error error = {0};
    weir_result result = weir_result_empty();
    weir_part test = weir_data_test(r->data);
    result.name = r->config.name;
    weir_trainer_result(r->trainer, &result);
    if (weir_measure(r->graph, &result, &test, 0, CLI_REPEATS, &error) != WEIR_OK ||
        weir_measure_samples(r->graph, &result, &test, r->config.train.test_samples, r->config.train.seed, &error) !=
            WEIR_OK)
        return cli_weir_error(&error);
    char *path = cli_path(r->folder, "result.json");
    int status = path == NULL ? CLI_FAILED : CLI_OK;
    if (status == CLI_OK && weir_result_write(&result, path, &error) != WEIR_OK) status = cli_weir_error(&error);
    if (status == CLI_OK && as_json)
        status = print_result_file(path);
    else if (status == CLI_OK) {
        printf("\n");
        cli_report(&result, "test", test.count, cli_gated_layers(r->graph) > 0,
                   cli_target(r->graph, r->config.train.sparsity.target), stdout);
        print_next(stdout, r->folder);
    }
    free(path);
    return status;
}

/// The loss of a network that gives each class the same probability; infinite where targets are predicted.
static double guess_loss(const run_state *r) {
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(r->graph, &count);
    const bool classes = weir_graph_kind(r->graph, count - 1)->takes == WEIR_TAKES_LABELS;
    return classes ? log((double)nodes[count - 1].size) : INFINITY;
}

/// A loss that is finite, but far above that of guessing, or of the first epoch, is no result.
static void remark_divergence(const run_state *r, const teller *t) {
    const double guess = guess_loss(r), rate = r->config.train.optimizer.rate;
    if (t->last_loss > 1.5 * guess)
        cli_note("the training has diverged: the last epoch's loss, %.3g, is far above that of guessing, %.3g; try a "
                 "smaller rate, for example --set train.optimizer.rate=%g",
                 t->last_loss, guess, rate / 10);
    else if (t->first_loss > 1000 * guess)
        cli_note("the training has diverged: the first epoch's loss, %.3g, is far above that of guessing, %.3g; try a "
                 "smaller rate, for example --set train.optimizer.rate=%g",
                 t->first_loss, guess, rate / 10);
    else if (t->last_loss > 3 * t->first_loss)
        cli_note("the training has diverged: the loss rose from %.3g to %.3g; try a smaller rate, for example --set "
                 "train.optimizer.rate=%g",
                 t->first_loss, t->last_loss, rate / 10);
}

static int train(run_state *r) {
    weir_error error = {0};
    teller t = {.out = as_json ? stderr : stdout,
                .gated = cli_gated_layers(r->graph) > 0,
                .text = strcmp(r->config.data.source, "text") == 0,
                .judged = cli_judged_by(r->graph),
                .first_loss = NAN,
                .last_loss = NAN};
    t.folder = r->folder;
    begin_events(&t, r->trainer);
    cli_bar_begin(&t.bar);
    weir_status status =
        cli_interrupted() ? WEIR_INTERRUPTED : weir_trainer_run(r->trainer, r->folder, r->text, tell, &t, &error);
    cli_bar_clear(&t.bar);
    if (cli_events_end(&t.events, CLI_OK) != CLI_OK) return CLI_FAILED;
    if (status == WEIR_INTERRUPTED)
        return cli_error("interrupted; to continue: weir train --out %s --resume", cli_shell(r->folder).text);
    if (status != WEIR_OK) {
        cli_weir_error(&error);
        if (status == WEIR_IO)
            cli_note("once that is mended, to continue: weir train --out %s --resume", cli_shell(r->folder).text);
        if (status == WEIR_DIVERGED)
            cli_note("try a smaller rate, for example --set train.optimizer.rate=%g",
                     r->config.train.optimizer.rate / 10);
        return CLI_FAILED;
    }
    const int result = finish_run(r);
    if (result == CLI_OK) remark_divergence(r, &t);
    return result;
}

static int run_in_folder(run_state *r) {
    FILE *out = as_json ? stderr : stdout;
    if (open_folder(r->trainer, r->folder) != CLI_OK) return CLI_FAILED;
    if (resume && continue_run(r) != CLI_OK) return CLI_FAILED;
    if (write_config(r) != CLI_OK) return CLI_FAILED;
    print_plan(out, &r->config, r->graph, r->data, r->folder, &r->transfer);
    return train(r);
}

static int run(char **operands, size_t count) {
    run_state r = {0};
    if (count == 0 && !resume) return cli_usage("train", "CONFIG is missing; 'weir train digits' needs no data set");
    if (count == 0 && out_folder == NULL) return cli_usage("train", "--resume needs CONFIG or --out RUN");
    if (resume && init_file != NULL)
        return cli_usage("train", "--resume and --init exclude each other: a checkpoint has all parameters");
    if (map.count > 0 && init_file == NULL) return cli_usage("train", "--map needs --init FILE");
    if (resume && force) return cli_usage("train", "--resume and --force exclude each other");
    if (cli_use_machine(threads) != CLI_OK) return CLI_FAILED;
    cli_interrupt_begin();
    char *name = config_name(operands, count);
    int status = name == NULL ? CLI_FAILED : load_config(name, &r.config);
    if (status == CLI_OK) {
        r.folder = out_folder != NULL ? strdup(out_folder) : cli_path("runs", r.config.name);
        status = r.folder == NULL ? CLI_FAILED : open_run(&r);
    }
    if (status == CLI_OK) status = run_in_folder(&r);
    free(name);
    close_run(&r);
    cli_list_free(&settings);
    cli_list_free(&map);
    return status;
}

const cli_command cli_train = {
    .name = "train",
    .operands = "CONFIG",
    .summary = "train a network and write a run directory",
    .about =
        "Train the network that CONFIG describes: a YAML file or a built-in example. Prints a line per epoch, and at "
        "the end what the closed gates saved. Ctrl-C saves a checkpoint; --resume continues exactly there, also "
        "after a crash, and then CONFIG may be left out.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .most = 1,
    .prepare = prepare,
    .more = more_help,
    .files =
        "RUN/config.yaml (complete), RUN/metrics.jsonl and RUN/metrics.csv (a line per epoch), RUN/model.safetensors (the best epoch), "
        "RUN/checkpoint.safetensors (the latest state), RUN/result.json",
    .examples = {"weir train digits", "weir train mnist-blocks --data data/mnist --init runs/mnist-blocks --epochs 3",
                 "weir train --out runs/digits --resume"},
    .run = run,
};
