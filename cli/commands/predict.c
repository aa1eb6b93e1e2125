// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file predict.c
/// `weir predict`: class and probabilities of each row of some files, printed batch by batch.
#include "base/cli.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256, SAMPLES = 100 };

static bool as_json, as_csv, batch_invariant;
static const char *precision, *prompt;
enum { usual_length = 200, usual_seed = 1, longest_token = 64 };
static double temperature = NAN;
static size_t length = usual_length, seed = usual_seed;
static size_t limit, top, samples;
static const char *label_column, *target_columns, *skip_columns, *header = "auto", *scale_name = "auto";

static const cli_option options[] = {
    {"json", NULL, CLI_FLAG, &as_json, NULL, "print a JSON array: file, row, class, probabilities"},
    {"csv", NULL, CLI_FLAG, &as_csv, NULL, "print CSV: file, row, class, then one probability per class"},
    {"samples", "M", CLI_COUNT, &samples, NULL,
     "models that predict targets: draws per row that are averaged [default: 100]"},
    {"limit", "N", CLI_COUNT, &limit, NULL, "only the first N rows of each file"},
    {"label-column", "COLUMN", CLI_TEXT, &label_column, NULL,
     "CSV: column of the labels, by number from 0 or by name; they are compared with the classes, and the accuracy is "
     "told on standard error [default: the one with the name that it had in training]"},
    {"target-columns", "LIST", CLI_TEXT, &target_columns, NULL,
     "CSV, regression: columns of the true values, as in 4,price, compared with those predicted [default: those with "
     "the names that they had in training]"},
    {"skip-columns", "LIST", CLI_TEXT, &skip_columns, NULL, "CSV: columns that are left out, as in 0,3-5,id"},
    {"header", "H", CLI_CHOICE, &header, "auto|yes|no",
     "CSV: does the first line name columns; auto: it does when it holds a name from training, or no numbers, or "
     "counts 0, 1, 2, ..."},
    {"scale", "SCALE", CLI_CHOICE, &scale_name, "auto|model|none|1/255",
     "of values: that of the model's training rows (model), or none, or 1/255; auto: the model's, unless the values "
     "are "
     "evidently on another one, which is said"},
    {"top", "N", CLI_COUNT, &top, NULL, "as text: the N most likely classes [default: 1]"},
    {"prompt", "TEXT", CLI_TEXT, &prompt, NULL, "models of text: what is continued [default: the end of FILE]"},
    {"length", "N", CLI_COUNT, &length, NULL, "models of text: tokens to write"},
    {"temperature", "T", CLI_REAL, &temperature, "0|1e6",
     "models of text: tokens are drawn with their probabilities to the power of 1/T; 0: the most likely one "
     "[default: 1]"},
    {"seed", "N", CLI_COUNT, &seed, NULL, "models of text: of the draws"},
    {"precision", "P", CLI_CHOICE, &precision, "fp32|bf16", "fp32 or bf16 [default: as in training]"},
    {"batch-invariant", NULL, CLI_FLAG, &batch_invariant, NULL,
     "each row has the bits that it has alone, whatever rows are with it; takes 2 to 5 times as long"},
};

/// The network and room for one batch. A network that predicts targets has a probability for each of them, no classes.
typedef struct predictor {
    weir_graph *graph;
    weir_config config;
    bool targets, values; // it predicts targets; these are values, not probabilities
    size_t inputs, classes;
    int32_t *best;
    float *probabilities;
    const weir_names *names; // of columns, classes and targets, or NULL
    size_t printed;          // rows so far
    bool with_label;         // CSV: the first file has labels
} predictor;

/// The rows of a file, with what they are known to be.
typedef struct input {
    const char *file;
    bool with_file; // it is one of several
    const weir_rows *rows;
    const int32_t *labels;               // or NULL
    const weir_rows *targets;            // or NULL
    size_t known, right;                 // rows with a label, and those with the class that it says
    double squares, sum, sum_of_squares; // of differences, of true values
    size_t values;
} input;

/// The name of a class, or its number.
static const char *class_text(const predictor *p, size_t class, char text[CLI_NUMBER]) {
    const char *name = weir_names_at(p->names, WEIR_NAMED_CLASSES, class);
    if (name == NULL) snprintf(text, CLI_NUMBER, "%zu", class);
    return name != NULL ? name : text;
}

static json_t *class_json(const predictor *p, int32_t class) {
    const char *name = weir_names_at(p->names, WEIR_NAMED_CLASSES, (size_t) class);
    return name != NULL ? json_string(name) : json_integer(class);
}

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

static void print_csv_row(const predictor *p, const input *from, size_t row, size_t in_batch) {
    char number[CLI_NUMBER];
    print_csv_field(from->file);
    printf(",%zu", row);
    if (!p->targets) {
        putchar(',');
        print_csv_field(class_text(p, (size_t)p->best[in_batch], number));
    }
    if (p->with_label) {
        putchar(',');
        if (from->labels != NULL && from->labels[row] >= 0)
            print_csv_field(class_text(p, (size_t)from->labels[row], number));
    }
    for (size_t k = 0; k < p->classes; k++) printf(",%.7g", (double)p->probabilities[in_batch * p->classes + k]);
    fputc('\n', stdout);
}

/// The outputs of a row: an object where they have names, else an array.
static json_t *outputs_json(const predictor *p, size_t in_batch) {
    const weir_named list = p->targets ? WEIR_NAMED_TARGETS : WEIR_NAMED_CLASSES;
    const bool named = weir_names_count(p->names, list) == p->classes;
    json_t *outputs = named ? json_object() : json_array();
    for (size_t k = 0; k < p->classes; k++) {
        json_t *value = json_real((double)p->probabilities[in_batch * p->classes + k]);
        if (named)
            json_object_set_new(outputs, weir_names_at(p->names, list, k), value);
        else
            json_array_append_new(outputs, value);
    }
    return outputs;
}

static void print_json_row(const predictor *p, const input *from, size_t row, size_t in_batch) {
    json_t *name = json_string(from->file), *one = json_object(); // no string when the file's name is no UTF-8
    json_object_set_new(one, "file", name != NULL ? name : json_null());
    json_object_set_new(one, "row", json_integer((json_int_t)row));
    if (!p->targets) json_object_set_new(one, "class", class_json(p, p->best[in_batch]));
    if (from->labels != NULL)
        json_object_set_new(one, "label", from->labels[row] >= 0 ? class_json(p, from->labels[row]) : json_null());
    json_object_set_new(one, p->values ? "values" : "probabilities", outputs_json(p, in_batch));
    printf(p->printed == 0 ? "[\n" : ",\n");
    json_dumpf(one, stdout, JSON_REAL_PRECISION(7));
    json_decref(one);
}

/// The classes from the most likely on, ties in the order of the classes.
static void print_text_row(const predictor *p, const input *from, size_t row, size_t in_batch) {
    const float *probabilities = p->probabilities + in_batch * p->classes;
    char number[CLI_NUMBER];
    if (from->with_file) printf("%s\t", from->file);
    printf("%zu", row);
    if (p->targets) {
        for (size_t k = 0; k < p->classes; k++) printf(p->values ? "\t%.7g" : "\t%.4f", (double)probabilities[k]);
        fputc('\n', stdout);
        return;
    }
    float above = 2;
    size_t last = SIZE_MAX, shown = 0;
    while (shown < (top > 0 ? top : 1) && shown < p->classes) {
        size_t next = SIZE_MAX;
        for (size_t k = 0; k < p->classes; k++) {
            bool later = probabilities[k] < above || (probabilities[k] == above && last != SIZE_MAX && k > last);
            if (later && (next == SIZE_MAX || probabilities[k] > probabilities[next])) next = k;
        }
        if (next == SIZE_MAX) break;
        printf("\t%s\t%.4f", class_text(p, next, number), (double)probabilities[next]);
        above = probabilities[next];
        last = next;
        shown++;
    }
    fputc('\n', stdout);
}

static void print_csv_heading(predictor *p, const input *from) {
    const weir_named list = p->targets ? WEIR_NAMED_TARGETS : WEIR_NAMED_CLASSES;
    p->with_label = from->labels != NULL;
    printf("file,row%s%s", p->targets ? "" : ",class", p->with_label ? ",label" : "");
    for (size_t k = 0; k < p->classes; k++) {
        const char *name = weir_names_at(p->names, list, k), letter = p->values ? 'y' : 'p';
        char heading[300];
        if (name != NULL)
            snprintf(heading, sizeof heading, "%c_%s", letter, name);
        else
            snprintf(heading, sizeof heading, "%c%zu", letter, k);
        putchar(',');
        print_csv_field(heading);
    }
    fputc('\n', stdout);
}

/// Compares the batch's predictions with what is known of its rows.
static int judge(const predictor *p, input *from, size_t first, size_t size) {
    for (size_t i = 0; from->labels != NULL && i < size; i++) {
        from->known += from->labels[first + i] >= 0;
        from->right += from->labels[first + i] == p->best[i];
    }
    if (from->targets == NULL) return CLI_OK;
    float *truth = malloc(size * p->classes * sizeof *truth);
    if (truth == NULL) return cli_error("out of memory");
    weir_rows_copy(from->targets, truth, NULL, first, size);
    for (size_t i = 0; i < size * p->classes; i++) {
        const double value = (double)truth[i], apart = (double)p->probabilities[i] - value;
        from->squares += apart * apart;
        from->sum += value;
        from->sum_of_squares += value * value;
        from->values++;
    }
    free(truth);
    return CLI_OK;
}

static void tell_score(const input *from) {
    char rows[CLI_NUMBER], right[CLI_NUMBER];
    if (from->known > 0)
        cli_note("%s: accuracy %.2f %%: %s of %s rows with a label have the class that it says", from->file,
                 100.0 * (double)from->right / (double)from->known, cli_thousands(right, from->right),
                 cli_thousands(rows, from->known));
    if (from->values > 0)
        cli_note("%s: root mean square error %.6g over %s values, which spread by %.6g", from->file,
                 sqrt(from->squares / (double)from->values), cli_thousands(rows, from->values),
                 sqrt(fmax(from->sum_of_squares / (double)from->values -
                               from->sum * from->sum / ((double)from->values * (double)from->values),
                           0)));
}

static int predict_rows(predictor *p, input *from) {
    weir_error error = {0};
    size_t count = weir_rows_shape(from->rows).rows;
    if (limit > 0 && limit < count) count = limit;
    for (size_t first = 0; first < count; first += BATCH) {
        size_t size = count - first < BATCH ? count - first : BATCH;
        weir_status status =
            p->targets && !p->values
                ? weir_predict_samples(p->graph, p->probabilities, from->rows, first, size,
                                       samples > 0 ? samples : SAMPLES, p->config.train.seed, &error)
                : weir_predict(p->graph, p->values ? NULL : p->best, p->probabilities, from->rows, first, size, &error);
        if (status != WEIR_OK) return cli_error("%s: %s", from->file, error.text);
        if (judge(p, from, first, size) != CLI_OK) return CLI_FAILED;
        if (as_csv && p->printed == 0) print_csv_heading(p, from);
        for (size_t i = 0; i < size; i++, p->printed++) {
            if (as_csv)
                print_csv_row(p, from, first + i, i);
            else if (as_json)
                print_json_row(p, from, first + i, i);
            else
                print_text_row(p, from, first + i, i);
        }
        if (!cli_flush()) return CLI_FAILED; // cli_finish says why
    }
    tell_score(from);
    return CLI_OK;
}

/// What training did to its rows: binarises them, and keeps the upper halves of whole ones where these are the inputs.
static int prepare_rows(const predictor *p, weir_rows *rows, const char *name) {
    weir_error error = {0};
    weir_rows *targets = NULL;
    weir_data_options made = p->config.data;
    if (weir_rows_shape(rows).columns == p->inputs) made.targets = "labels";
    weir_status status = weir_rows_prepare(rows, &targets, &made, 1, &error);
    weir_rows_free(targets);
    return status == WEIR_OK ? CLI_OK : cli_error("%s: %s", name, error.text);
}

/// Gives rows the scale that --scale names.
static int scale_rows(const predictor *p, weir_rows *rows, const char *name) {
    weir_error error = {0};
    char note[WEIR_NOTE] = "";
    const weir_scale *model = weir_graph_scale(p->graph);
    weir_scale *given = NULL;
    weir_status status = WEIR_OK;
    if (strcmp(scale_name, "none") == 0 || strcmp(scale_name, "1/255") == 0) {
        status = weir_scale_create(&given, scale_name, 0, &error);
        if (status == WEIR_OK) status = weir_rows_scale(rows, given, &error);
    } else if (strcmp(scale_name, "auto") == 0)
        status = weir_rows_scale_like(rows, note, model, &error);
    else
        status = weir_rows_scale(rows, model, &error);
    weir_scale_free(given);
    if (note[0] != '\0') cli_note("%s: %s (--scale says otherwise)", name, note);
    return status == WEIR_OK ? CLI_OK : cli_error("%s: %s", name, error.text);
}

static int read_rows(const predictor *p, weir_table *table, const char *file) {
    weir_error error = {0};
    weir_names *none = NULL;
    weir_read_options reading = weir_read_options_default();
    if (weir_names_create(&none, &error) != WEIR_OK) return cli_weir_error(&error);
    reading.header = header;
    reading.label_column = label_column;
    reading.target_columns = target_columns;
    reading.skip_columns = skip_columns;
    reading.labels_may_lack = true;
    reading.names = p->names != NULL ? p->names : none;
    const weir_status status = weir_table_read(table, file, &reading, &error);
    weir_names_free(none);
    if (status != WEIR_OK) return cli_weir_error(&error);
    if (table->note[0] != '\0') cli_note("%s", table->note);
    return CLI_OK;
}

/// Where a row has as many values more than the network reads as training's labels and columns that were left out.
static void advise_columns(const predictor *p, char *text, size_t size, size_t columns) {
    const weir_data_options *data = &p->config.data;
    const bool label = data->label_column != NULL && data->label_column[0] != '\0' && label_column == NULL;
    text[0] = '\0';
    if (columns <= p->inputs) return;
    if (label)
        snprintf(text, size, "; is one column the label? In training it was --label-column %s",
                 cli_shell(data->label_column).text);
    else if (columns == p->inputs + 1)
        snprintf(text, size, "; is one column the label? See --label-column");
}

static int predict_file(predictor *p, const char *file, bool with_file) {
    weir_table table = {0};
    const char *name = strcmp(file, "-") == 0 ? "standard input" : file;
    if (read_rows(p, &table, file) != CLI_OK) return CLI_FAILED;
    weir_shape shape = weir_rows_shape(table.rows);
    int status = CLI_OK;
    char advice[300];
    const bool whole = p->targets && shape.columns == p->inputs + p->classes;
    advise_columns(p, advice, sizeof advice, shape.columns);
    if (shape.columns != p->inputs && !whole)
        status =
            cli_error("%s: rows of %zu values, but the network reads %zu%s", name, shape.columns, p->inputs, advice);
    if (status == CLI_OK && table.targets != NULL && weir_rows_shape(table.targets).columns != p->classes)
        status = cli_error("%s: %zu columns of targets, but the network predicts %zu", name,
                           weir_rows_shape(table.targets).columns, p->classes);
    if (status == CLI_OK && table.labels != NULL && p->targets)
        status = cli_error("%s: has labels, but the network predicts targets; --target-columns names their columns, "
                           "--skip-columns leaves columns out",
                           name);
    if (status == CLI_OK) status = scale_rows(p, table.rows, name);
    if (status == CLI_OK) status = prepare_rows(p, table.rows, name);
    if (status == CLI_OK)
        status = predict_rows(p, &(input){.file = file,
                                          .with_file = with_file,
                                          .rows = table.rows,
                                          .labels = table.labels,
                                          .targets = table.targets});
    weir_table_free(&table);
    return status;
}

static int open_model(predictor *p, const char *model) {
    if (cli_open_model(model, NULL, NULL, BATCH, &p->graph, &p->config, NULL) != CLI_OK) return CLI_FAILED;
    if (cli_use_precision(p->graph, precision) != CLI_OK) return CLI_FAILED;
    weir_error error = {0};
    if (weir_graph_batch_invariant_use(p->graph, batch_invariant, &error) != WEIR_OK) return cli_weir_error(&error);
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(p->graph, &count);
    p->names = weir_graph_names(p->graph);
    p->inputs = nodes[0].size;
    p->classes = nodes[count - 1].size;
    p->targets = cli_judged_by(p->graph) != CLI_BY_ERROR;
    p->values = cli_judged_by(p->graph) == CLI_BY_DISTANCE;
    if (p->targets && label_column != NULL)
        return cli_usage("predict", "--label-column is of classes, but this model predicts targets; see "
                                    "--target-columns and --skip-columns");
    if (!p->values && target_columns != NULL)
        return cli_usage("predict", "--target-columns is of a regression's values, which this model does not predict");
    if (p->targets && top > 0) return cli_usage("predict", "--top is of classes, but this model predicts targets");
    if (samples > 0 && (!p->targets || p->values))
        return cli_usage("predict", "--samples has no effect here: nothing is drawn by a model that does not predict "
                                    "targets with probabilities");
    p->best = malloc(BATCH * sizeof *p->best);
    p->probabilities = p->classes > SIZE_MAX / sizeof(float) / BATCH
                           ? NULL
                           : malloc((BATCH * p->classes + 1) * sizeof *p->probabilities);
    return p->best == NULL || p->probabilities == NULL ? cli_error("out of memory") : CLI_OK;
}

/// The model may stand behind the rows.
static void hint_order(char **operands, size_t count) {
    for (size_t i = 1; i < count; i++) {
        weir_content content;
        if (weir_content_find(&content, operands[i], NULL) != WEIR_OK) continue;
        if (content == WEIR_CONTENT_RUN || content == WEIR_CONTENT_SAFETENSORS) {
            cli_note("%s is %s: MODEL comes first, as in weir predict %s %s", operands[i], weir_content_text(content),
                     cli_shell(operands[i]).text, cli_shell(operands[0]).text);
            return;
        }
    }
}

// ---- models of text ------------------------------------------------------------------------------------------------

/// The end of a file or of standard input, at most `most` bytes that begin with a whole character of UTF-8, freed by
/// the caller; NULL after a message. No more than twice as many are in memory, however long the text is.
static char *read_end(const char *file, size_t most, size_t *size) {
    FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
    char *text = in != NULL ? malloc(2 * most) : NULL;
    size_t got = text != NULL, kept = 0;
    bool cut = in != NULL && in != stdin && fseeko(in, -(off_t)most, SEEK_END) == 0;
    while (got > 0) {
        if (kept == 2 * most) {
            memcpy(text, text + most, kept = most);
            cut = true;
        }
        got = fread(text + kept, 1, 2 * most - kept, in);
        kept += got;
    }
    const bool failed = text == NULL || ferror(in);
    if (failed) cli_error("%s: cannot be read", file);
    if (in != NULL && in != stdin) fclose(in);
    if (failed) {
        free(text);
        return NULL;
    }
    size_t first = kept > most ? kept - most : 0;
    cut = cut || first > 0;
    while (cut && first < kept && ((unsigned char)text[first] & 0xc0) == 0x80) first++;
    memmove(text, text + first, *size = kept - first);
    return text;
}

/// Draws a class with its probability to the power of 1/heat.
static size_t draw_class(const float *probabilities, size_t classes, double heat, float u) {
    size_t best = 0;
    double sum = 0, below = 0;
    for (size_t k = 1; k < classes; k++)
        if (probabilities[k] > probabilities[best]) best = k;
    if (heat <= 0) return best;
#define WEIGHT(k) pow((double)(probabilities[k] / probabilities[best]), 1 / heat)
    for (size_t k = 0; k < classes; k++) sum += WEIGHT(k);
    for (size_t k = 0; k < classes; k++) {
        below += WEIGHT(k);
        if ((double)u * sum < below) return k;
    }
#undef WEIGHT
    return best;
}

static void print_token(const predictor *p, size_t class, bool bytes) {
    if (bytes)
        putchar((int)class);
    else
        fputs(weir_names_at(p->names, WEIR_NAMED_CLASSES, class), stdout);
}

/// The last tokens of a text as a row of the network; in front of a text that is shorter, ends of lines.
static int fill_row(const predictor *p, float *row, const char *text, size_t size) {
    const char *kind = p->config.data.tokens;
    weir_error error = {0};
    int32_t *tokens = NULL, *line_end = NULL;
    size_t count = 0, ends = 0;
    if (weir_text_tokens(&tokens, &count, text, size, kind, p->names, &error) != WEIR_OK) return cli_weir_error(&error);
    if (weir_text_tokens(&line_end, &ends, "\n", 1, kind, p->names, &error) != WEIR_OK) ends = 0;
    for (size_t i = 0; i < p->inputs; i++) {
        const size_t back = p->inputs - i;
        row[i] = back <= count ? (float)tokens[count - back] : ends > 0 ? (float)line_end[0] : 0;
    }
    weir_labels_free(tokens);
    weir_labels_free(line_end);
    return CLI_OK;
}

static int continue_text(predictor *p, const char *text, size_t size) {
    const bool bytes = strcmp(p->config.data.tokens, "bytes") == 0;
    const size_t named = weir_names_count(p->names, WEIR_NAMED_CLASSES);
    const size_t classes = !bytes && named < p->classes ? named : p->classes; // further outputs were never a label
    if (classes == 0) return cli_error("the model names no %s", p->config.data.tokens);
    float *row = malloc((p->inputs + 1) * sizeof *row);
    if (row == NULL) return cli_error("out of memory");
    weir_error error = {0};
    int status = fill_row(p, row, text, size);
    for (size_t i = 0; i < length && status == CLI_OK; i++) {
        float u = 0;
        weir_random_uniform(&u, (weir_noise){.seed = seed, .step = (uint32_t)i}, 0, 1);
        if (weir_predict_row(p->graph, NULL, p->probabilities, row, &error) != WEIR_OK) {
            status = cli_weir_error(&error);
            break;
        }
        const size_t class = draw_class(p->probabilities, classes, isnan(temperature) ? 1 : temperature, u);
        print_token(p, class, bytes);
        memmove(row, row + 1, (p->inputs - 1) * sizeof *row);
        row[p->inputs - 1] = (float)class;
    }
    if (status == CLI_OK) putchar('\n');
    free(row);
    return status;
}

typedef struct given {
    bool is;
    const char *name;
} given;

/// An option that was given and belongs to models of the other kind is refused.
static int refuse_options(bool text) {
    const given of_rows[] = {{as_json, "json"},
                             {as_csv, "csv"},
                             {samples > 0, "samples"},
                             {limit > 0, "limit"},
                             {label_column != NULL, "label-column"},
                             {target_columns != NULL, "target-columns"},
                             {skip_columns != NULL, "skip-columns"},
                             {strcmp(header, "auto") != 0, "header"},
                             {strcmp(scale_name, "auto") != 0, "scale"},
                             {top > 0, "top"},
                             {false, NULL}};
    const given of_texts[] = {{prompt != NULL, "prompt"},
                              {length != usual_length, "length"},
                              {!isnan(temperature), "temperature"},
                              {seed != usual_seed, "seed"},
                              {false, NULL}};
    for (const given *option = text ? of_rows : of_texts; option->name != NULL; option++)
        if (option->is)
            return cli_usage("predict",
                             text ? "--%s is of rows; this model continues a text"
                                  : "--%s is of models of text; this one reads rows",
                             option->name);
    return CLI_OK;
}

static int predict_text(predictor *p, char **files, size_t count) {
    if ((prompt != NULL) + count != 1)
        return cli_usage("predict", "a model of text continues one text: name a FILE or --prompt TEXT");
    if (prompt != NULL) return continue_text(p, prompt, strlen(prompt));
    size_t size = 0;
    char *text = read_end(files[0], (p->inputs + 1) * longest_token, &size); // the row needs the last tokens
    if (text == NULL) return CLI_FAILED;
    const int status = continue_text(p, text, size);
    free(text);
    return status;
}

/// Can the file be read? Better told now than after the rows of those before it.
static int check_file(const char *file) {
    weir_content content;
    weir_error error = {0};
    if (strcmp(file, "-") == 0 || strchr(file, ':') != NULL)
        return CLI_OK; // standard input; an array of FILE.npz:ARRAY
    return weir_content_find(&content, file, &error) == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

static int run(char **operands, size_t count) {
    if (as_json && as_csv) return cli_usage("predict", "--json and --csv exclude each other");
    if (top > 0 && (as_json || as_csv))
        return cli_usage("predict", "--top is of text; --json and --csv print the probability of every class");
    size_t inputs = 0;
    for (size_t i = 1; i < count; i++) inputs += strcmp(operands[i], "-") == 0;
    if (inputs > 1) return cli_usage("predict", "'-' (standard input) can be read once only");
    predictor p = {0};
    int status = open_model(&p, operands[0]);
    if (status != CLI_OK) hint_order(operands, count);
    const bool text = status == CLI_OK && strcmp(p.config.data.source, "text") == 0;
    if (status == CLI_OK) status = refuse_options(text);
    if (text) {
        if (status == CLI_OK) status = predict_text(&p, operands + 1, count - 1);
        count = 1;
    } else if (status == CLI_OK && count < 2) {
        status = cli_usage("predict", "no FILE of rows is named");
    }
    for (size_t i = 1; i < count && status == CLI_OK; i++) status = check_file(operands[i]);
    for (size_t i = 1; i < count && status == CLI_OK; i++) status = predict_file(&p, operands[i], count > 2);
    if (as_json && !text && p.graph != NULL && (status == CLI_OK || p.printed > 0))
        printf(p.printed == 0 ? "[]\n" : "\n]\n");
    free(p.best);
    free(p.probabilities);
    weir_graph_free(p.graph);
    weir_config_free(&p.config);
    return status;
}

const cli_command cli_predict = {
    .name = "predict",
    .operands = "MODEL [FILE...]",
    .summary = "print class and probabilities of the rows of files, or continue a text",
    .about =
        "Read rows from IDX, NPY or CSV files, plain or gzip ('-' is standard input), and print the most likely class "
        "of each. As text, a line is: row, class, probability, separated by tabs, with the file's name before "
        "them when there are several files. A model that predicts targets gives the probability of each, the mean of "
        "several draws of its random units, from whole rows or from their upper halves; a regression gives the values. "
        "Columns of a CSV file that names them are found by the names that they had in training; classes are printed "
        "by their names if they have some. Where the file holds the labels, or a regression's true values, the "
        "accuracy, or the error, is told on standard error. "
        "A model of text (data.source text) writes what comes behind FILE or --prompt, token by token. "
        "MODEL is a model file or a run directory; nothing else is needed. Results have the same bits for any number "
        "of "
        "threads; the last bits of a row may depend on the rows that it is computed with, but not with "
        "--batch-invariant.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 1,
    .most = INT_MAX,
    .examples = {"weir predict runs/digits images.npy",
                 "weir predict runs/mnist-blocks data/mnist/t10k-images-idx3-ubyte.gz "
                 "--csv > classes.csv",
                 "weir predict runs/iris new.csv --label-column species --json"},
    .run = run,
};
