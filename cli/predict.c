// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file predict.c
/// `weir predict`: class and probabilities of each row of some files, printed batch by batch.
#include "cli.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };

static bool as_json, as_csv;
static size_t limit, top = 1;
static int label_column = -1;

static const cli_option options[] = {
    {"json", NULL, CLI_FLAG, &as_json, NULL, "print a JSON array: file, row, class, probabilities"},
    {"csv", NULL, CLI_FLAG, &as_csv, NULL, "print CSV: file, row, class, then one probability per class"},
    {"limit", "N", CLI_COUNT, &limit, NULL, "only the first N rows of each file"},
    {"label-column", "N", CLI_INDEX, &label_column, NULL, "CSV: column N, from 0, holds labels and is left out"},
    {"top", "N", CLI_COUNT, &top, NULL, "as text: the N most likely classes"},
};

/// The network and room for one batch.
typedef struct predictor {
    weir_graph *graph;
    weir_config config;
    size_t inputs, classes;
    int32_t *best;
    float *probabilities;
    size_t printed; // rows so far
} predictor;

static void print_csv_field(const char *text) {
    if (strpbrk(text, ",\"\n\r") == NULL) {
        fputs(text, stdout);
        return;
    }
    fputc('"', stdout);
    for (; *text != '\0'; text++) {
        if (*text == '"') fputc('"', stdout);
        fputc(*text, stdout);
    }
    fputc('"', stdout);
}

static void print_csv_row(const predictor *p, const char *file, size_t row, size_t in_batch) {
    print_csv_field(file);
    printf(",%zu,%d", row, (int)p->best[in_batch]);
    for (size_t k = 0; k < p->classes; k++) printf(",%.7g", (double)p->probabilities[in_batch * p->classes + k]);
    fputc('\n', stdout);
}

static void print_json_row(const predictor *p, const char *file, size_t row, size_t in_batch) {
    json_t *probabilities = json_array();
    for (size_t k = 0; k < p->classes; k++)
        json_array_append_new(probabilities, json_real((double)p->probabilities[in_batch * p->classes + k]));
    json_t *one = json_pack("{s:s, s:I, s:i, s:o}", "file", file, "row", (json_int_t)row, "class",
                            (int)p->best[in_batch], "probabilities", probabilities);
    if (one == NULL) // a file name that is no UTF-8
        one = json_pack("{s:n, s:I, s:i}", "file", "row", (json_int_t)row, "class", (int)p->best[in_batch]);
    printf(p->printed == 0 ? "[\n" : ",\n");
    json_dumpf(one, stdout, JSON_REAL_PRECISION(7));
    json_decref(one);
}

/// The classes from the most likely on, ties in the order of the classes.
static void print_text_row(const predictor *p, const char *file, size_t row, size_t in_batch, bool with_file) {
    const float *probabilities = p->probabilities + in_batch * p->classes;
    if (with_file) printf("%s\t", file);
    printf("%zu", row);
    float above = 2;
    size_t last = SIZE_MAX, shown = 0;
    while (shown < top && shown < p->classes) {
        size_t next = SIZE_MAX;
        for (size_t k = 0; k < p->classes; k++) {
            bool later = probabilities[k] < above || (probabilities[k] == above && last != SIZE_MAX && k > last);
            if (later && (next == SIZE_MAX || probabilities[k] > probabilities[next])) next = k;
        }
        if (next == SIZE_MAX) break;
        printf("\t%zu\t%.4f", next, (double)probabilities[next]);
        above = probabilities[next];
        last = next;
        shown++;
    }
    fputc('\n', stdout);
}

static void print_csv_heading(size_t classes) {
    printf("file,row,class");
    for (size_t k = 0; k < classes; k++) printf(",p%zu", k);
    fputc('\n', stdout);
}

static int predict_rows(predictor *p, const weir_rows *rows, const char *file, bool with_file) {
    weir_error error = {0};
    size_t count = weir_rows_shape(rows).rows;
    if (limit > 0 && limit < count) count = limit;
    for (size_t first = 0; first < count; first += BATCH) {
        size_t size = count - first < BATCH ? count - first : BATCH;
        if (weir_predict(p->graph, rows, first, size, p->best, p->probabilities, &error) != WEIR_OK)
            return cli_error("%s: %s", file, error.text);
        for (size_t i = 0; i < size; i++, p->printed++) {
            if (as_csv)
                print_csv_row(p, file, first + i, i);
            else if (as_json)
                print_json_row(p, file, first + i, i);
            else
                print_text_row(p, file, first + i, i, with_file);
        }
        if (!cli_flush()) return CLI_FAILED; // cli_finish says why
    }
    return CLI_OK;
}

static int predict_file(predictor *p, const char *file, bool with_file) {
    weir_error error = {0};
    weir_rows *rows = NULL;
    int32_t *labels = NULL;
    const char *name = strcmp(file, "-") == 0 ? "standard input" : file;
    if (weir_rows_read(&rows, &labels, file, label_column, &error) != WEIR_OK) return cli_weir_error(&error);
    weir_shape shape = weir_rows_shape(rows);
    int status = CLI_OK;
    if (shape.columns != p->inputs)
        status = cli_error("%s: rows of %zu values, but the network reads %zu%s", name, shape.columns, p->inputs,
                           shape.columns == p->inputs + 1 ? "; is one column the label? See --label-column" : "");
    else
        status = predict_rows(p, rows, file, with_file);
    weir_rows_free(rows);
    weir_labels_free(labels);
    return status;
}

static int prepare(predictor *p, const char *model) {
    if (cli_open_model(model, NULL, BATCH, &p->graph, &p->config, NULL) != CLI_OK) return CLI_FAILED;
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(p->graph, &count);
    p->inputs = nodes[0].size;
    p->classes = nodes[count - 1].size;
    p->best = malloc(BATCH * sizeof *p->best);
    p->probabilities = p->classes > SIZE_MAX / sizeof(float) / BATCH
                           ? NULL
                           : malloc((BATCH * p->classes + 1) * sizeof *p->probabilities);
    return p->best == NULL || p->probabilities == NULL ? cli_error("out of memory") : CLI_OK;
}

static int run(char **operands, size_t count) {
    if (as_json && as_csv) return cli_usage("predict", "--json and --csv exclude each other");
    size_t inputs = 0;
    for (size_t i = 1; i < count; i++) inputs += strcmp(operands[i], "-") == 0;
    if (inputs > 1) return cli_usage("predict", "'-' (standard input) can be read once only");
    predictor p = {0};
    int status = prepare(&p, operands[0]);
    if (status == CLI_OK && as_csv) print_csv_heading(p.classes);
    for (size_t i = 1; i < count && status == CLI_OK; i++) status = predict_file(&p, operands[i], count > 2);
    if (as_json && p.graph != NULL && (status == CLI_OK || p.printed > 0)) printf(p.printed == 0 ? "[]\n" : "\n]\n");
    free(p.best);
    free(p.probabilities);
    weir_graph_free(p.graph);
    weir_config_free(&p.config);
    return status;
}

const cli_command cli_predict = {
    .name = "predict",
    .operands = "MODEL FILE...",
    .summary = "print class and probabilities of the rows of files",
    .about =
        "Read rows from IDX, NPY or CSV files, plain or gzip ('-' is standard input), and print the most likely class "
        "of each. As text, a line is: row, class, probability, separated by tabs, with the file's name before "
        "them when there are several files. MODEL is a model file or a run directory; nothing else is needed.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 2,
    .most = INT_MAX,
    .examples = {"weir predict runs/digits images.npy",
                 "weir predict runs/mnist-blocks data/mnist/t10k-images-idx3-ubyte.gz "
                 "--csv > classes.csv",
                 "gzip -dc rows.csv.gz | weir predict runs/digits - --json"},
    .run = run,
};
