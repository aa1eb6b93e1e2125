// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file plot.c
/// `weir plot`: learning curves, the share of open gates per epoch, and how often each gate is open.
#include "plot.h"
#include "draw.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };

static cli_list changes;
static bool data_refused; // what was said of the data could not be used
static const char *out_folder, *data_folder, *part_name = "test";
static bool as_svg, as_png, as_text;

static const cli_option options[] = {
    {"out", "DIR", CLI_TEXT, &out_folder, NULL, "folder for the figures [default: the first RUN]"},
    {"svg", NULL, CLI_FLAG, &as_svg, NULL, "write SVG files (the default)"},
    {"png", NULL, CLI_FLAG, &as_png, NULL, "write PNG files"},
    {"text", NULL, CLI_FLAG, &as_text, NULL, "draw on the terminal instead"},
    {"data", "DIR", CLI_TEXT, &data_folder, NULL, "folder with the data set, for the figures of gates"},
    {"set", "KEY=VALUE", CLI_PAIR, &changes, NULL,
     "another setting of the data set, as in data.test_rows=FILE; may be repeated"},
    {"part", "PART", CLI_CHOICE, &part_name, "valid|test", "rows for the figures of gates: valid or test"},
};

// Reading.

static double field(const json_t *line, const char *name, double factor) {
    const json_t *value = json_object_get(line, name);
    return json_is_number(value) ? factor * json_number_value(value) : NAN;
}

static bool append(plot_run *run, const json_t *line) {
    static const struct {
        const char *name;
        double factor;
    } fields[PLOT_COLUMNS] = {{"train_loss", 1}, {"valid_error", 100}, {"train_share", 100}, {"valid_share", 100}};
    size_t n = run->epochs;
    if ((n & (n - 1)) == 0) { // room grows at powers of two
        size_t room = n == 0 ? 1 : 2 * n;
        double **arrays[PLOT_COLUMNS + 1] = {&run->epoch};
        for (size_t c = 0; c < PLOT_COLUMNS; c++) arrays[c + 1] = &run->column[c];
        for (size_t c = 0; c <= PLOT_COLUMNS; c++) {
            double *larger = realloc(*arrays[c], room * sizeof **arrays[c]);
            if (larger == NULL) return false;
            *arrays[c] = larger;
        }
    }
    run->epoch[n] = field(line, "epoch", 1);
    for (size_t c = 0; c < PLOT_COLUMNS; c++) run->column[c][n] = field(line, fields[c].name, fields[c].factor);
    double nll = field(line, "valid_nll", 1), rmse = field(line, "valid_rmse", 1);
    if (isfinite(nll) || isfinite(rmse)) {
        run->judged = isfinite(rmse) ? CLI_BY_DISTANCE : CLI_BY_LIKELIHOOD;
        run->column[PLOT_ERROR][n] = isfinite(rmse) ? rmse : nll;
    }
    double error = run->column[PLOT_ERROR][n];
    if (error < run->column[PLOT_ERROR][run->best] || !isfinite(run->column[PLOT_ERROR][run->best])) run->best = n;
    run->epochs = n + 1;
    return true;
}

static int read_metrics(plot_run *run) {
    char *path = cli_path(run->folder, "metrics.jsonl"), *line = NULL;
    size_t size = 0, number = 0;
    int status = CLI_OK;
    weir_error wrong = {0};
    if (path == NULL) return CLI_FAILED;
    if (weir_content_expect(NULL, run->folder, WEIR_CONTENT_SET(RUN), "a run directory, as 'weir train' makes it,",
                            &wrong) != WEIR_OK)
        status = cli_weir_error(&wrong);
    FILE *file = status == CLI_OK ? fopen(path, "r") : NULL;
    if (status == CLI_OK && file == NULL)
        status = cli_error("%s holds no metrics.jsonl: no epoch was finished", run->folder);
    while (status == CLI_OK && getline(&line, &size, file) > 0) {
        json_error_t error;
        json_t *value = json_loads(line, 0, &error);
        number++;
        if (!json_is_object(value) || !isfinite(field(value, "epoch", 1)))
            status = cli_error("%s:%zu: not a JSON object with the field \"epoch\"", path, number);
        else if (!append(run, value))
            status = cli_error("out of memory");
        json_decref(value);
    }
    if (status == CLI_OK && run->epochs == 0) status = cli_error("%s is empty: no epoch was finished", path);
    if (file != NULL) fclose(file);
    free(line);
    free(path);
    return status;
}

/// Last part of the path, trailing slashes left out.
static char *run_name(const char *folder) {
    size_t end = strlen(folder);
    while (end > 1 && folder[end - 1] == '/') end--;
    size_t start = end;
    while (start > 0 && folder[start - 1] != '/') start--;
    return strndup(folder + start, end - start);
}

// How often each gate is open.

/// Indices of the unit nodes that gate something.
static size_t gate_nodes(const weir_graph *graph, size_t *indices, size_t most) {
    size_t count = 0, found = 0;
    weir_graph_nodes(graph, &count);
    for (size_t i = 0; i < count; i++) {
        size_t node = weir_graph_gates(graph, i), k = 0;
        while (k < found && indices[k] != node) k++;
        if (k == found && node != SIZE_MAX && found < most) indices[found++] = node;
    }
    return found;
}

static void count_open(uint64_t *counts, const float *h, size_t rows, size_t gates) {
    for (size_t r = 0; r < rows; r++)
        for (size_t g = 0; g < gates; g++) counts[g] += h[r * gates + g] != 0;
}

// How often each gate is open for each class.

enum { MOST_CLASSES = 64 };

static size_t class_count(const weir_part *part) {
    size_t classes = 0;
    for (size_t r = 0; part->labels != NULL && r < part->count; r++) {
        size_t label = (size_t)part->labels[part->first + r];
        if (label >= classes) classes = label + 1;
    }
    return classes <= MOST_CLASSES ? classes : 0;
}

/// Adds the gates of a node, at offset, over the rows of a batch whose first label is labels[0].
static void count_by_class(plot_run *run, size_t gates, size_t offset, const float *h, size_t rows, size_t width,
                           const int32_t *labels) {
    for (size_t r = 0; r < rows; r++) {
        float *sums = run->by_class + (size_t)labels[r] * gates + offset;
        for (size_t g = 0; g < width; g++) sums[g] += h[r * width + g] != 0;
    }
}

/// Sums to percent; the classes' pictures.
static void finish_by_class(plot_run *run, size_t gates, const weir_part *part) {
    uint64_t rows[MOST_CLASSES] = {0};
    const weir_shape shape = weir_rows_shape(part->rows);
    run->side = shape.height == shape.width && shape.width > 1 ? shape.width : 0;
    run->picture = run->side > 0 ? calloc(run->classes * shape.columns, 1) : NULL;
    float *image = run->picture != NULL ? malloc(shape.columns * sizeof *image) : NULL;
    for (size_t r = 0; r < part->count; r++) {
        size_t label = (size_t)part->labels[part->first + r];
        if (rows[label]++ > 0 || image == NULL) continue;
        weir_rows_copy(part->rows, image, NULL, part->first + r, 1);
        for (size_t i = 0; i < shape.columns; i++)
            run->picture[label * shape.columns + i] = (uint8_t)(255 * fminf(fmaxf(image[i], 0), 1));
    }
    for (size_t c = 0; c < run->classes; c++)
        for (size_t g = 0; g < gates; g++) run->by_class[c * gates + g] *= rows[c] > 0 ? 100 / (float)rows[c] : 0;
    free(image);
}

static void take_class_names(plot_run *run, const weir_names *names) {
    const size_t count = weir_names_count(names, WEIR_NAMED_CLASSES);
    if (count < run->classes || count == 0) return;
    run->class_name = calloc(count, sizeof *run->class_name);
    run->names = run->class_name != NULL ? run->classes : 0;
    for (size_t c = 0; c < run->names; c++)
        run->class_name[c] = strdup(weir_names_at(names, WEIR_NAMED_CLASSES, c));
}

static void fill_bins(plot_run *run, const uint64_t *counts, size_t gates, size_t rows) {
    for (size_t g = 0; g < gates; g++) {
        size_t bin = (size_t)((double)counts[g] / (double)rows * PLOT_BINS);
        run->bins[bin < PLOT_BINS ? bin : PLOT_BINS - 1]++;
        run->never += counts[g] == 0;
        run->always += counts[g] == rows;
        run->mean_open += 100.0 * (double)counts[g] / (double)rows;
    }
    run->gates += gates;
}

static int count_gates(plot_run *run, weir_graph *graph, weir_part part) {
    weir_error error = {0};
    size_t nodes[32], offset[33] = {0}, count = gate_nodes(graph, nodes, CLI_COUNT_OF(nodes)), node_count = 0;
    const weir_node *all = weir_graph_nodes(graph, &node_count);
    for (size_t k = 0; k < count; k++) offset[k + 1] = offset[k] + all[nodes[k]].size;
    float *rows = calloc(BATCH * all[0].size + 1, sizeof *rows);
    uint64_t *counts = calloc(offset[count] + 1, sizeof *counts);
    run->classes = offset[count] > 0 ? class_count(&part) : 0;
    run->by_class = calloc(run->classes * offset[count] + 1, sizeof *run->by_class);
    int status = rows == NULL || counts == NULL || run->by_class == NULL ? cli_error("out of memory") : CLI_OK;
    for (size_t first = 0; first < part.count && status == CLI_OK; first += BATCH) {
        size_t size = part.count - first < BATCH ? part.count - first : BATCH;
        weir_rows_copy(part.rows, rows, NULL, part.first + first, size);
        weir_pass pass = {.mode = WEIR_MODE_DECIDE, .rows = size, .inputs = rows};
        if (weir_graph_forward(graph, &pass, &error) != WEIR_OK) status = cli_weir_error(&error);
        for (size_t k = 0; k < count && status == CLI_OK; k++) {
            const float *h = weir_graph_output(graph, nodes[k]);
            if (h == NULL)
                status = cli_error("out of memory");
            else
                count_open(counts + offset[k], h, size, all[nodes[k]].size);
            if (status == CLI_OK && run->classes > 0)
                count_by_class(run, offset[count], offset[k], h, size, all[nodes[k]].size,
                               part.labels + part.first + first);
        }
    }
    if (status == CLI_OK && part.count > 0 && offset[count] > 0) {
        fill_bins(run, counts, offset[count], part.count);
        run->mean_open /= (double)run->gates;
        if (run->classes > 0) finish_by_class(run, offset[count], &part);
        take_class_names(run, weir_graph_names(graph));
    }
    free(rows);
    free(counts);
    return status;
}

static int from_most(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return a < b ? 1 : a > b ? -1 : 0;
}

/// The loads of the layers, each in order of size.
static int take_loads(plot_run *run, weir_graph *graph, const weir_part *part) {
    weir_error error = {0};
    if (part->count == 0) return CLI_OK;
    if (weir_loads_measure(&run->loads, &run->load_count, graph, part, &error) != WEIR_OK) return cli_weir_error(&error);
    run->load_name = calloc(run->load_count + 1, sizeof *run->load_name);
    for (size_t k = 0; k < run->load_count; k++) {
        weir_load *load = &run->loads[k];
        qsort(load->open, load->gates, sizeof *load->open, from_most);
        if (run->load_name != NULL) run->load_name[k] = strdup(weir_graph_nodes(graph, NULL)[load->node].name);
    }
    return run->load_name != NULL ? CLI_OK : cli_error("out of memory");
}

/// Needs the model and the data. Where they are missing the other figures are drawn all the same.
static void read_gates(plot_run *run) {
    weir_graph *graph = NULL;
    weir_config config = {0};
    weir_data *data = NULL;
    run->target = NAN;
    char *model = cli_path(run->folder, "model.safetensors");
    if (model == NULL || !cli_exists(model))
        cli_note("%s holds no model: neither target nor histogram of the gates are drawn", run->folder);
    else if (cli_open_model(model, data_folder, &changes, BATCH, &graph, &config, NULL) != CLI_OK) {
        data_refused = data_folder != NULL || changes.count > 0;
        cli_note("neither target nor histogram of the gates of %s are drawn", run->folder);
    } else if (cli_gated_layers(graph) > 0) {
        weir_error error = {0};
        weir_data_options source = config.data;
        source.known_scale = weir_graph_scale(graph);
        source.known_names = weir_graph_names(graph);
        run->target = 100 * config.train.sparsity.target;
        if (weir_data_load(&data, &source, &error) != WEIR_OK) {
            data_refused = data_folder != NULL || changes.count > 0;
            cli_note("no histogram of the gates of %s: %s", run->folder, error.text);
        } else if (weir_data_columns(data) != weir_graph_nodes(graph, &(size_t){0})[0].size)
            cli_note("no histogram of the gates of %s: rows of %zu values do not fit the network", run->folder,
                     weir_data_columns(data));
        else {
            const weir_part part = cli_part(data, part_name);
            if (count_gates(run, graph, part) == CLI_OK) (void)take_loads(run, graph, &part);
        }
    }
    free(model);
    weir_data_free(data);
    weir_graph_free(graph);
    weir_config_free(&config);
}

// Drawing.

static void text_curves(const plot_run *runs, size_t count, plot_column column, const char *title) {
    cli_curve *curves = calloc(count + 1, sizeof *curves);
    if (curves == NULL) return;
    for (size_t k = 0; k < count; k++)
        curves[k] = (cli_curve){count > 1 ? runs[k].name : NULL, runs[k].epoch, runs[k].column[column], runs[k].epochs};
    cli_chart(stdout, title, "epoch", curves, count);
    free(curves);
}

static void text_share(const plot_run *run) {
    double *target = malloc((run->epochs + 1) * sizeof *target);
    if (target == NULL) return;
    for (size_t i = 0; i < run->epochs; i++) target[i] = run->target;
    cli_curve curves[] = {{"target", run->epoch, target, run->epochs},
                          {"training", run->epoch, run->column[PLOT_TRAIN_SHARE], run->epochs},
                          {"validation", run->epoch, run->column[PLOT_SHARE], run->epochs}};
    cli_chart(stdout, "share of gates open, %", "epoch", curves, 3);
    free(target);
}

/// A bar for each gate, or for as many as share one.
static void text_load(const char *title, const weir_load *load) {
    double bars[64];
    const size_t count = load->gates < CLI_COUNT_OF(bars) ? load->gates : CLI_COUNT_OF(bars);
    for (size_t b = 0; b < count; b++) {
        const size_t first = b * load->gates / count, last = (b + 1) * load->gates / count;
        bars[b] = 0;
        for (size_t g = first; g < last; g++) bars[b] += 100 * load->open[g] / (double)(last - first);
    }
    cli_bars(stdout, title, "gates, by how often they are open, % of the rows", bars, count, 0, (double)load->gates);
}

static int draw_text(const plot_run *runs, size_t count) {
    bool gated = false;
    static const char *const scores[] = {"validation error, %", "validation, negative log-likelihood, nats per row",
                                         "validation, root mean square error"}; // by cli_judge
    text_curves(runs, count, PLOT_LOSS,
                runs[0].judged == CLI_BY_DISTANCE ? "training loss, mean per row" : "training loss, nats per row");
    text_curves(runs, count, PLOT_ERROR, scores[runs[0].judged]);
    for (size_t k = 0; k < count; k++) gated |= isfinite(runs[k].target);
    if (gated && count == 1) text_share(&runs[0]);
    if (gated && count > 1) text_curves(runs, count, PLOT_SHARE, "share of gates open, validation, %");
    for (size_t k = 0; k < count; k++) {
        if (runs[k].gates == 0) continue;
        char title[200];
        snprintf(title, sizeof title, "%.60s%show often the %zu gates are open: mean %.2f %%, %zu never, %zu always",
                 count > 1 ? runs[k].name : "", count > 1 ? ": " : "", runs[k].gates, runs[k].mean_open, runs[k].never,
                 runs[k].always);
        cli_bars(stdout, title, "% of the rows", runs[k].bins, PLOT_BINS, 0, 100);
    }
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < runs[k].load_count; i++) {
            char title[240];
            const weir_load *load = &runs[k].loads[i];
            snprintf(title, sizeof title,
                     "%.60s%sload of %.60s: greatest %.1f %%, entropy %.3f, %zu never open, overlap %.3f",
                     count > 1 ? runs[k].name : "", count > 1 ? ": " : "", runs[k].load_name[i], 100 * load->open[0],
                     load->entropy, load->dead, load->overlap);
            text_load(title, load);
        }
    }
    return CLI_OK;
}

static int write_figures(const plot_run *runs, size_t count, const char *folder) {
    char *script = NULL;
    size_t size = 0;
    cli_list written = {0};
    FILE *out = open_memstream(&script, &size);
    if (out == NULL) return cli_error("out of memory");
    if (as_svg || !as_png) plot_script(out, runs, count, folder, "svg", part_name, &written);
    if (as_png) plot_script(out, runs, count, folder, "png", part_name, &written);
    int status = fclose(out) != 0 || script == NULL ? cli_error("out of memory") : cli_folder_make(folder);
    if (status == CLI_OK) {
        status = draw_files(script, &written);
        if (status != CLI_OK) cli_note("--text draws on the terminal, without gnuplot");
    }
    for (size_t i = 0; i < written.count && status == CLI_OK; i++) printf("%s\n", written.items[i]);
    cli_list_free(&written);
    free(script);
    return status;
}

static int run(char **operands, size_t count) {
    if (as_text && (as_svg || as_png)) return cli_usage("plot", "--text goes without --svg and --png");
    plot_run *runs = calloc(count + 1, sizeof *runs);
    if (runs == NULL) return cli_error("out of memory");
    int status = CLI_OK;
    for (size_t k = 0; k < count && status == CLI_OK; k++) {
        runs[k].folder = strdup(operands[k]);
        runs[k].name = run_name(operands[k]);
        status = runs[k].folder == NULL || runs[k].name == NULL ? cli_error("out of memory") : read_metrics(&runs[k]);
        if (status == CLI_OK && runs[k].judged != runs[0].judged)
            status = cli_error("%s and %s go into no common figure: one has errors of classes, the other likelihoods",
                               runs[0].folder, runs[k].folder);
        if (status == CLI_OK) read_gates(&runs[k]);
        if (status == CLI_OK && data_refused) status = CLI_FAILED; // it was asked for by name
    }
    size_t lines = count;
    if (status == CLI_OK) status = plot_join_seeds(runs, &lines);
    if (status == CLI_OK)
        status = as_text ? draw_text(runs, lines)
                         : write_figures(runs, lines, out_folder != NULL ? out_folder : operands[0]);
    for (size_t k = 0; k < count; k++) plot_run_free(&runs[k]);
    free(runs);
    return status;
}

const cli_command cli_plot = {
    .name = "plot",
    .operands = "RUN...",
    .summary = "draw learning curves, shares and gates of runs",
    .about =
        "Draw what happened in run directories: training loss and validation error per epoch, the share of gates that "
        "were open with its target, how many gates are open how often, the load of each gate, and which gates are open "
        "for which class. "
        "Several runs share one figure; those that differ in their seeds alone are one line, their mean, with a band of "
        "their standard deviation. Files are drawn by gnuplot; --text needs nothing.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 1,
    .most = INT_MAX,
    .files = "DIR/learning.svg, DIR/share.svg, DIR/gates.svg, DIR/load.svg and DIR/classes.svg (or .png)",
    .examples = {"weir plot runs/digits", "weir plot runs/sts runs/reinforce --out figures --png",
                 "weir plot runs/digits-compared/*/* --out figures"},
    .run = run,
};
