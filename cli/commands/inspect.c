// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file inspect.c
/// `weir inspect`: the layers of a model or configuration, their sizes and the work they take per row.
///
/// The work is what the graph expects at the model's share (weir_graph_work): a gated layer costs that share of the
/// dense product, and so does a layer that reads a gated one; both together cost its square, in the gater as elsewhere.
#include "base/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool as_json, with_load;
static const char *data_folder;
static cli_list settings;

static const cli_option options[] = {
    {"set", "KEY=VALUE", CLI_PAIR, &settings, NULL, "change a setting of CONFIG, as in 'weir train'; may be repeated"},
    {"load", NULL, CLI_FLAG, &with_load, NULL,
     "also run MODEL over its validation rows: how often each gate is open, and how the gates share the work"},
    {"data", "DIR", CLI_TEXT, &data_folder, NULL,
     "with --load: folder with the data set [default: where it was in training]"},
    {"json", NULL, CLI_FLAG, &as_json, NULL, "print JSON"},
};

/// What is known of one node.
typedef struct layer {
    const weir_node *node;
    size_t inputs;
    uint64_t parameters;
    double dense, open, gater; // multiply-adds; open and gater are expectations
    bool idle;                 // parameters that no gradient reaches
    char detail[160];
} layer;

static bool has_trait(const weir_graph *graph, size_t node, weir_kind_trait trait) {
    return (weir_graph_kind(graph, node)->traits & trait) != 0;
}

static void describe(layer *l, const weir_graph *graph, size_t node) {
    const weir_node *n = l->node;
    const weir_unit *unit = weir_graph_unit(graph, node);
    char *text = l->detail;
    size_t size = sizeof l->detail;
    if (unit != NULL) {
        char rule[64];
        weir_unit_print(unit, rule, sizeof rule);
        snprintf(text, size, "%s, threshold %.3g", rule, (double)weir_graph_threshold(graph, node));
    } else if (has_trait(graph, node, WEIR_KIND_GATED)) {
        size_t block = n->block > 0 ? n->block : 1, blocks = (n->size + block - 1) / block;
        snprintf(text, size, "%zu %s of %zu by %s%s%s", blocks, blocks == 1 ? "block" : "blocks", block,
                 n->gates != NULL ? n->gates : "?",
                 n->activation == NULL || !strcmp(n->activation, "linear") ? "" : ", ",
                 n->activation == NULL || !strcmp(n->activation, "linear") ? "" : n->activation);
    } else if (n->dropout > 0)
        snprintf(text, size, "probability %g", n->dropout);
    else if (n->shift > 0)
        snprintf(text, size, "up to %zu %s", n->shift, n->shift == 1 ? "pixel" : "pixels");
    else
        text[0] = '\0';
}

static int collect(weir_graph *graph, double share, layer **layers, size_t *count) {
    const weir_node *nodes = weir_graph_nodes(graph, count);
    *layers = calloc(*count, sizeof **layers);
    if (*layers == NULL) return cli_error("out of memory");
    const weir_parameters_view parameters = weir_graph_parameters_read(graph);
    for (size_t t = 0; t < parameters.tensor_count; t++) {
        const weir_tensor *tensor = &parameters.tensors[t];
        (*layers)[tensor->node].parameters += (uint64_t)tensor->rows * tensor->columns;
        (*layers)[tensor->node].idle |= !weir_graph_learns(graph, t);
    }
    for (size_t i = 0; i < *count; i++) {
        layer *l = &(*layers)[i];
        const weir_work work = weir_graph_work(graph, i, share);
        const size_t read = weir_graph_reads(graph, i, 0);
        l->node = &nodes[i];
        l->inputs = read == SIZE_MAX ? 0 : nodes[read].size;
        l->dense = work.gater ? 0 : work.dense;
        l->open = work.gater ? 0 : work.open;
        l->gater = work.gater ? work.open : 0;
        describe(l, graph, i);
        if (l->idle) {
            size_t length = strlen(l->detail);
            snprintf(l->detail + length, sizeof l->detail - length,
                     "%slearns nothing: no gradient of the loss reaches it", length > 0 ? "; " : "");
        }
    }
    return CLI_OK;
}

static layer total_of(const layer *layers, size_t count) {
    layer total = {0};
    for (size_t i = 0; i < count; i++) {
        total.parameters += layers[i].parameters;
        total.dense += layers[i].dense;
        total.gater += layers[i].gater;
        total.open += layers[i].open;
    }
    return total;
}

static const char *blank_zero(char text[CLI_NUMBER], double number) {
    const uint64_t whole = (uint64_t)llround(number);
    return whole == 0 ? "" : cli_thousands(text, whole);
}

static void add_row(cli_table *table, const layer *l, const char *name, const char *kind, const char *shape) {
    char parameters[CLI_NUMBER], dense[CLI_NUMBER], open[CLI_NUMBER], gater[CLI_NUMBER];
    cli_table_add(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", name, kind, shape,
                  blank_zero(parameters, (double)l->parameters), blank_zero(dense, l->dense), blank_zero(open, l->open),
                  blank_zero(gater, l->gater), l->detail);
}

static void print_layers(const weir_config *config, const layer *layers, size_t count, double share, bool gated) {
    cli_table table = {.align = "lllrrrrl"};
    printf("%s%s%s%s%s\n\n", cli_bold(stdout), config->name, cli_plain(stdout),
           config->about != NULL && config->about[0] != '\0' ? ": " : "", config->about == NULL ? "" : config->about);
    cli_table_add(&table, "layer\tkind\tshape\tparameters\tdense\topen\tgater\t");
    for (size_t i = 0; i < count; i++) {
        char shape[64];
        if (layers[i].parameters > 0)
            snprintf(shape, sizeof shape, "%zu to %zu", layers[i].inputs, layers[i].node->size);
        else
            snprintf(shape, sizeof shape, "%zu", layers[i].node->size);
        add_row(&table, &layers[i], layers[i].node->name, layers[i].node->kind, shape);
    }
    layer total = total_of(layers, count);
    snprintf(total.detail, sizeof total.detail, "%s", "");
    add_row(&table, &total, "total", "", "");
    cli_table_print(&table, stdout);
    char bytes[CLI_NUMBER], all[CLI_NUMBER], dense[CLI_NUMBER];
    printf("\nParameters take %s", cli_bytes(bytes, 4 * total.parameters));
    if (strcmp(config->precision, "bf16") == 0)
        printf(", their bf16 copy, made at run time, %s", cli_bytes(bytes, 2 * total.parameters));
    printf(". dense, open, gater: multiply-adds per row");
    if (!gated) {
        printf("; the network has no gates.\n");
        return;
    }
    const double work = total.open + total.gater;
    printf(", open at a share of %.3g:\n%s with the gater, %.1f %% of %s.\n", share,
           cli_thousands(all, (uint64_t)llround(work)), total.dense > 0 ? 100 * work / total.dense : 0,
           cli_thousands(dense, (uint64_t)llround(total.dense)));
}

/// What a model reads and says.
static void print_names(const weir_names *names) {
    if (names == NULL) return;
    printf("\n");
    cli_print_names(stdout, "Columns: ", 9, names, WEIR_NAMED_COLUMNS);
    cli_print_names(stdout, "Classes: ", 9, names, WEIR_NAMED_CLASSES);
    cli_print_names(stdout, "Label:   ", 9, names, WEIR_NAMED_LABEL);
    cli_print_names(stdout, "Targets: ", 9, names, WEIR_NAMED_TARGETS);
}

static json_t *layers_json(const weir_config *config, const layer *layers, size_t count, double share, bool gated,
                           weir_graph *graph) {
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++) {
        const layer *l = &layers[i];
        json_t *one = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:I}", "name", l->node->name, "kind",
                                l->node->kind, "inputs", (json_int_t)l->inputs, "outputs", (json_int_t)l->node->size,
                                "parameters", (json_int_t)l->parameters, "multiply_adds_dense", (json_int_t)l->dense,
                                "multiply_adds_open", l->open, "multiply_adds_gater", (json_int_t)llround(l->gater));
        const weir_unit *unit = weir_graph_unit(graph, i);
        if (unit != NULL) {
            char rule[128];
            weir_unit_print(unit, rule, sizeof rule);
            json_object_set_new(one, "rule", json_string(rule));
            json_object_set_new(one, "threshold", json_real((double)weir_graph_threshold(graph, i)));
        }
        if (has_trait(graph, i, WEIR_KIND_GATED)) {
            json_object_set_new(one, "block", json_integer((json_int_t)(l->node->block > 0 ? l->node->block : 1)));
            if (l->node->gates != NULL) json_object_set_new(one, "gates", json_string(l->node->gates));
        }
        json_array_append_new(all, one);
    }
    layer total = total_of(layers, count);
    json_t *top = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:f, s:I, s:o}", "name", config->name, "about",
                            config->about != NULL ? config->about : "", "precision", config->precision, "parameters",
                            (json_int_t)total.parameters, "bytes", (json_int_t)(4 * total.parameters),
                            "multiply_adds_dense", (json_int_t)total.dense, "multiply_adds_open", total.open,
                            "multiply_adds_gater", (json_int_t)llround(total.gater), "layers", all);
    if (gated) json_object_set_new(top, "share", json_real(share));
    return top;
}

static bool is_example(const char *name) {
    for (size_t i = 0; i < weir_example_count(); i++)
        if (strcmp(weir_example_name(i), name) == 0) return true;
    return false;
}

/// A model or a run directory, and no configuration. What is damaged beyond recognition may have been a model.
static bool is_model(const char *path) {
    weir_content content = WEIR_CONTENT_TEXT;
    (void)weir_content_find(&content, path, NULL); // where nothing is, no configuration is found either
    return content == WEIR_CONTENT_RUN || content == WEIR_CONTENT_FOLDER || content == WEIR_CONTENT_SAFETENSORS ||
           content == WEIR_CONTENT_BINARY;
}

static int open_operand(const char *operand, weir_graph **graph, weir_config *config, weir_data **data) {
    enum { BATCH = 256 };
    weir_error error = {0};
    bool yaml = is_example(operand) || !is_model(operand);
    if (!yaml && settings.count > 0) return cli_usage("inspect", "--set changes a configuration, not a model");
    if (yaml && with_load) return cli_usage("inspect", "--load is of a model: a configuration has opened no gates yet");
    if (data_folder != NULL && !with_load) return cli_usage("inspect", "--data has no effect without --load");
    if (!yaml) return cli_open_model(operand, data_folder, NULL, BATCH, graph, config, with_load ? data : NULL);
    if (weir_config_load(config, operand, (const char *const *)settings.items, settings.count, &error) != WEIR_OK)
        return cli_weir_error(&error);
    if (cli_tell_idle("inspect", "", config, &settings) != CLI_OK) return CLI_USAGE;
    weir_graph_options making = weir_graph_options_default(1);
    making.seed = config->train.seed;
    if (weir_graph_create(graph, config->network, config->network_count, &making, &error) != WEIR_OK)
        return cli_weir_error(&error);
    return CLI_OK;
}

/// The gates of a layer that are drawn as bars, from the most used one on.
enum { MOST_BARS = 4096 };

static int by_size(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return a < b ? 1 : a > b ? -1 : 0;
}

static void print_bars(weir_graph *graph, const weir_load *load) {
    double bars[MOST_BARS];
    char title[160];
    if (load->gates > MOST_BARS) return;
    for (size_t g = 0; g < load->gates; g++) bars[g] = 100 * load->open[g];
    qsort(bars, load->gates, sizeof *bars, by_size);
    // As many bars as fit a line: each is then the mean of some gates.
    size_t each = (load->gates + 63) / 64, count = 0;
    for (size_t first = 0; first < load->gates; first += each) {
        size_t last = first + each < load->gates ? first + each : load->gates;
        double sum = 0;
        for (size_t g = first; g < last; g++) sum += bars[g];
        bars[count++] = sum / (double)(last - first);
    }
    snprintf(title, sizeof title, "%.60s: %% of the validation rows that open each gate",
             weir_graph_nodes(graph, NULL)[load->node].name);
    cli_bars(stdout, title, "gates, by how often they are open", bars, count, 0, (double)load->gates);
}

static void print_loads(weir_graph *graph, const weir_load *loads, size_t count) {
    printf("\n");
    cli_print_loads(stdout, graph, loads, count);
    for (size_t k = 0; k < count; k++) print_bars(graph, &loads[k]);
}

static int run(char **operands, size_t count) {
    (void)count;
    weir_graph *graph = NULL;
    weir_config config = {0};
    layer *layers = NULL;
    weir_data *data = NULL;
    weir_load *loads = NULL;
    weir_error error = {0};
    size_t layer_count = 0, load_count = 0;
    int status = open_operand(operands[0], &graph, &config, &data);
    double share = config.train.sparsity.target;
    bool gated = graph != NULL && cli_gated_layers(graph) > 0;
    if (status == CLI_OK) status = collect(graph, share, &layers, &layer_count);
    if (status == CLI_OK && with_load) {
        const weir_part part = cli_part(data, "valid");
        if (!gated)
            status = cli_error("%s has no gates: --load has nothing to measure", operands[0]);
        else if (part.count == 0)
            status = cli_error("the data set has no rows in its validation part");
        else if (weir_loads_measure(&loads, &load_count, graph, &part, &error) != WEIR_OK)
            status = cli_weir_error(&error);
    }
    if (status == CLI_OK && as_json) {
        json_t *all = layers_json(&config, layers, layer_count, share, gated, graph);
        cli_names_json(all, weir_graph_names(graph));
        if (load_count > 0) json_object_set_new(all, "load", cli_loads_json(graph, loads, load_count));
        cli_print_json(all);
        json_decref(all);
    } else if (status == CLI_OK)
        print_layers(&config, layers, layer_count, share, gated);
    if (status == CLI_OK && !as_json) print_names(weir_graph_names(graph));
    if (load_count > 0 && !as_json) print_loads(graph, loads, load_count);
    weir_loads_free(loads);
    weir_data_free(data);
    free(layers);
    weir_graph_free(graph);
    weir_config_free(&config);
    cli_list_free(&settings);
    return status;
}

const cli_command cli_inspect = {
    .name = "inspect",
    .operands = "MODEL|CONFIG",
    .summary = "show layers, sizes and multiply-adds of a network",
    .about =
        "Show the layers of a network: shapes, gates, blocks, thresholds, parameters, and the multiply-adds per row "
        "with every gate open (dense) and with the share of gates open that the network was made for. MODEL is a "
        "model file or a run directory; CONFIG a YAML file or a built-in example.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 1,
    .most = 1,
    .examples = {"weir inspect mnist-paper", "weir inspect runs/digits", "weir inspect runs/digits --load"},
    .run = run,
};
