// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file eval.c
/// `weir eval`: error, share of open gates, work and time of a model on a part of its data.
#include "base/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *data_folder, *precision, *part_name = "test";
static cli_list changes;
static size_t threads, samples;
static bool as_json;

static const cli_option options[] = {
    {"data", "DIR", CLI_TEXT, &data_folder, NULL, "folder with the data set [default: where it was in training]"},
    {"set", "KEY=VALUE", CLI_PAIR, &changes, NULL,
     "another setting of the data set, as in data.test_rows=FILE; may be repeated"},
    {"part", "PART", CLI_CHOICE, &part_name, "train|valid|test", "rows to measure: train, valid or test"},
    {"samples", "M", CLI_COUNT, &samples, NULL,
     "models that predict targets: draws per row for the likelihood [default: train.test_samples of its "
     "configuration]"},
    {"precision", "P", CLI_CHOICE, &precision, "fp32|bf16", "fp32 or bf16 [default: as in training]"},
    {"threads", "N", CLI_COUNT, &threads, NULL, "threads to use"},
    {"json", NULL, CLI_FLAG, &as_json, NULL, "print JSON"},
};

static void prepare(void) { threads = (size_t)weir_threads(); }

static void set_number(json_t *object, const char *name, double value) {
    json_object_set_new(object, name, isfinite(value) ? json_real(value) : json_null());
}

/// How many rows of a class there are, and how many of them are recognised.
typedef struct tally {
    size_t rows, right;
} tally;

/// Counts the classes that have names; *classes [count] is freed by the caller, NULL where none has.
static int count_classes(weir_graph *graph, const weir_part *part, tally **classes, size_t *count) {
    weir_error error = {0};
    weir_evaluation evaluation;
    *classes = NULL;
    *count = part->labels != NULL ? weir_names_count(weir_graph_names(graph), WEIR_NAMED_CLASSES) : 0;
    if (*count == 0) return CLI_OK;
    int32_t *predicted = malloc((part->count + 1) * sizeof *predicted);
    *classes = calloc(*count, sizeof **classes);
    int status = predicted == NULL || *classes == NULL ? cli_error("out of memory") : CLI_OK;
    if (status == CLI_OK && weir_evaluate(graph, &evaluation, predicted, part, WEIR_MODE_DECIDE, &error) != WEIR_OK)
        status = cli_weir_error(&error);
    for (size_t i = 0; status == CLI_OK && i < part->count; i++) {
        tally *one = &(*classes)[part->labels[part->first + i]];
        one->rows++;
        one->right += predicted[i] == part->labels[part->first + i];
    }
    free(predicted);
    return status;
}

static void print_classes(const weir_names *names, const tally *classes, size_t count) {
    cli_table table = {.align = "lrrr"};
    cli_table_add(&table, "class\trows\tright\t");
    for (size_t k = 0; k < count; k++) {
        char share[CLI_NUMBER] = "";
        if (classes[k].rows > 0)
            snprintf(share, sizeof share, "%.2f %%", 100.0 * (double)classes[k].right / (double)classes[k].rows);
        cli_table_add(&table, "%s\t%zu\t%zu\t%s", weir_names_at(names, WEIR_NAMED_CLASSES, k), classes[k].rows,
                      classes[k].right, share);
    }
    printf("\n");
    cli_table_print(&table, stdout);
}

/// The names of result.json; error and loss without "test_", for they are of any part.
static void print_json(const weir_result *r, const char *model, size_t rows, const weir_names *names,
                       const tally *classes, size_t count, json_t *loads) {
    json_t *all = json_object();
    json_object_set_new(all, "model", json_string(model));
    json_object_set_new(all, "part", json_string(part_name));
    json_object_set_new(all, "rows", json_integer((json_int_t)rows));
    if (r->samples > 0) {
        set_number(all, "nll", r->test_nll);
        json_object_set_new(all, "samples", json_integer((json_int_t)r->samples));
    } else if (isfinite(r->test_rmse)) {
        set_number(all, "rmse", r->test_rmse);
        set_number(all, "r2", r->test_r2);
    } else
        set_number(all, "error", r->test_error);
    set_number(all, "loss", r->test_loss);
    if (isfinite(r->test_bits_per_byte)) {
        set_number(all, "bits_per_byte", r->test_bits_per_byte);
        set_number(all, "perplexity", exp(r->test_loss));
    }
    set_number(all, "share", r->share);
    if (r->gates_all > 0) json_object_set_new(all, "gates_never_open", json_integer((json_int_t)r->gates_never_open));
    if (loads != NULL) json_object_set_new(all, "load", loads);
    set_number(all, "threshold", r->threshold);
    set_number(all, "multiply_adds_dense", r->multiply_adds_dense);
    set_number(all, "multiply_adds_done", r->multiply_adds_done);
    set_number(all, "multiply_adds_gater", r->multiply_adds_gater);
    set_number(all, "predict_ms_dense", r->predict_ms_dense);
    set_number(all, "predict_ms_gated", r->predict_ms_gated);
    json_object_set_new(all, "precision", json_string(r->precision));
    json_object_set_new(all, "threads", json_integer(r->threads));
    json_object_set_new(all, "version", json_string(weir_version()));
    json_t *per_class = count > 0 ? json_object() : NULL;
    for (size_t k = 0; k < count; k++)
        json_object_set_new(per_class, weir_names_at(names, WEIR_NAMED_CLASSES, k),
                            json_pack("{s:I, s:I}", "rows", (json_int_t)classes[k].rows, "right",
                                      (json_int_t)classes[k].right));
    if (count > 0) json_object_set_new(all, "classes", per_class);
    cli_print_json(all);
    json_decref(all);
}

static int run(char **operands, size_t count) {
    (void)count;
    weir_error error = {0};
    weir_graph *graph = NULL;
    weir_config config = {0};
    weir_data *data = NULL;
    if (cli_use_machine(threads) != CLI_OK) return CLI_FAILED;
    int status = cli_open_model(operands[0], data_folder, &changes, 256, &graph, &config, &data);
    if (status == CLI_OK) status = cli_use_precision(graph, precision);
    if (status == CLI_OK) {
        weir_part part = cli_part(data, part_name);
        weir_result result = weir_result_empty();
        const weir_names *names = weir_graph_names(graph);
        tally *classes = NULL;
        weir_load *loads = NULL;
        size_t class_count = 0, load_count = 0;
        if (samples > 0 && cli_judged_by(graph) != CLI_BY_LIKELIHOOD)
            status =
                cli_usage("eval", "--samples has no effect here: nothing is drawn by a model that does not predict "
                                  "targets with probabilities");
        else if (part.count == 0)
            status = cli_error("the data set has no rows in its %s part", part_name);
        else if (weir_measure(graph, &result, &part, 0, CLI_REPEATS, &error) != WEIR_OK ||
                 weir_measure_samples(graph, &result, &part, samples > 0 ? samples : config.train.test_samples,
                                      config.train.seed, &error) != WEIR_OK ||
                 weir_loads_measure(&loads, &load_count, graph, &part, &error) != WEIR_OK)
            status = cli_weir_error(&error);
        else
            status = count_classes(graph, &part, &classes, &class_count);
        if (status == CLI_OK && as_json) {
            print_json(&result, operands[0], part.count, names, classes, class_count,
                       load_count > 0 ? cli_loads_json(graph, loads, load_count) : NULL);
        } else if (status == CLI_OK) {
            cli_report(&result, part_name, part.count, cli_gated_layers(graph) > 0,
                       cli_target(graph, config.train.sparsity.target), stdout);
            if (load_count > 0) {
                printf("\n");
                cli_print_loads(stdout, graph, loads, load_count);
            }
            if (class_count > 0) print_classes(names, classes, class_count);
        }
        free(classes);
        weir_loads_free(loads);
    }
    weir_data_free(data);
    weir_graph_free(graph);
    weir_config_free(&config);
    cli_list_free(&changes);
    return status;
}

const cli_command cli_eval = {
    .name = "eval",
    .operands = "MODEL",
    .summary = "measure a model: error, share, multiply-adds, milliseconds",
    .about =
        "Run a model over a part of its data set with the gates it chose in training, and again with all gates open "
        "(dense, without the gater), and compare work and time. Error and share are those with gates. For each layer of "
        "gates: how many no row opened; the greatest load (share of rows that open a gate) over the mean one; the "
        "entropy of the loads, 1 when all are alike; and overlap, the share of a row's open gates that another row "
        "opens, too, for all pairs of rows, for those of one class, and of two. A model that "
        "predicts targets is measured by its negative log-likelihood, bounded by several draws of its units per row. "
        "MODEL is a model file or a run directory.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 1,
    .most = 1,
    .prepare = prepare,
    .examples = {"weir eval runs/digits", "weir eval runs/mnist-blocks --data data/mnist --part valid --json"},
    .run = run,
};
