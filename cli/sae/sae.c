// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file sae.c
/// `weir sae`: sparse autoencoders, trained on shards of activations and looked at.
#include "base/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static weir_sae_options own;
static size_t features, k, batch = 1024, epochs = 1, steps, dead_rows, seed, threads, most = 5, shown = 10;
static double rate = NAN, sparsity = NAN;
static const char *form = "topk", *update = "exact", *scores = "fp32", *out = "runs/sae", *test, *texts;
static bool tied, go_on, as_json;

static const cli_option options[] = {
    {"features", "N", CLI_COUNT, &features, NULL, "train: features [default: 8 times the values of a row]"},
    {"k", "N", CLI_COUNT, &k, NULL, "train: open features of a row, of topk and batch-topk"},
    {"form", "FORM", CLI_CHOICE, &form, "topk|batch-topk|jumprelu|gated", "train: how features open"},
    {"tied", NULL, CLI_FLAG, &tied, NULL, "train: one matrix encodes and decodes"},
    {"update", "U", CLI_CHOICE, &update, "exact|lazy", "train: Adam of all features, or of open ones"},
    {"scores", "S", CLI_CHOICE, &scores, "fp32|int8|int8-likely", "train: how scores are found"},
    {"rate", "X", CLI_REAL, &rate, "0|1e3", "train: rate of Adam"},
    {"sparsity", "X", CLI_REAL, &sparsity, "0|1e6", "train: of the penalty of jumprelu and gated"},
    {"dead-rows", "N", CLI_COUNT, &dead_rows, NULL, "train: rows without being open after which a feature is dead"},
    {"batch", "N", CLI_COUNT, &batch, NULL, "rows of a step"},
    {"epochs", "N", CLI_COUNT, &epochs, NULL, "train: times that all rows are seen"},
    {"steps", "N", CLI_COUNT, &steps, NULL, "train: ends after so many [default: none]"},
    {"seed", "N", CLI_COUNT, &seed, NULL, "train: of the first weights and the order of rows"},
    {"out", "DIR", CLI_TEXT, &out, NULL, "train: folder of the model"},
    {"continue", NULL, CLI_FLAG, &go_on, NULL, "train: from what is in --out, with its settings"},
    {"test", "FILE", CLI_TEXT, &test, NULL, "train: rows to report on at the end"},
    {"show", "N", CLI_COUNT, &shown, NULL, "report: features to show, the greatest activation first"},
    {"most", "N", CLI_COUNT, &most, NULL, "report: most active rows of each feature, up to 1000"},
    {"texts", "FILE", CLI_TEXT, &texts, NULL, "report: a line of text for each row of DATA"},
    {"threads", "N", CLI_COUNT, &threads, NULL, "threads to use"},
    {"json", NULL, CLI_FLAG, &as_json, NULL, "print JSON"},
};

static void prepare(void) {
    own = weir_sae_options_default(64, 64);
    threads = (size_t)weir_threads();
    k = own.k, seed = (size_t)own.seed, dead_rows = (size_t)own.dead_rows;
    rate = 1e-3, sparsity = (double)own.sparsity;
}

// ---- rows ----------------------------------------------------------------------------------------------------------

/// Rows of one shard, in memory as long as it is open.
typedef struct shard {
    weir_rows *rows; ///< NULL: they are part's
    weir_data *data;
    weir_part part;
    weir_shape shape;
} shard;

static void close_shard(shard *s) {
    weir_rows_free(s->rows);
    weir_data_free(s->data);
    *s = (shard){0};
}

/// A file, or the built-in digits.
static int open_shard(shard *s, const char *name, size_t inputs) {
    weir_error error = {0};
    *s = (shard){0};
    if (strcmp(name, "digits") == 0 && !cli_exists(name)) {
        const weir_data_options digits = weir_data_options_default();
        if (weir_data_load(&s->data, &digits, &error) != WEIR_OK) return cli_weir_error(&error);
        s->part = weir_data_train(s->data);
        s->shape = weir_rows_shape(s->part.rows);
        s->shape.rows = s->part.count;
    } else {
        if (weir_rows_read(&s->rows, NULL, name, -1, &error) != WEIR_OK) return cli_weir_error(&error);
        s->part.rows = s->rows;
        s->shape = weir_rows_shape(s->rows);
    }
    if (inputs == 0 || s->shape.columns == inputs) return CLI_OK;
    const size_t columns = s->shape.columns;
    close_shard(s);
    return cli_error("%s: rows of %zu values, but %zu are expected", name, columns, inputs);
}

// ---- report --------------------------------------------------------------------------------------------------------

static int add_shards(weir_sae_report *report, weir_sae *sae, char **names, size_t count) {
    const size_t inputs = weir_sae_settings(sae).inputs;
    float *x = malloc(batch * inputs * sizeof *x);
    int status = x != NULL ? CLI_OK : cli_error("out of memory");
    weir_error error = {0};
    for (size_t i = 0; i < count && status == CLI_OK; i++) {
        shard s;
        status = open_shard(&s, names[i], inputs);
        for (size_t first = 0; status == CLI_OK && first < s.shape.rows; first += batch) {
            const size_t rows = s.shape.rows - first < batch ? s.shape.rows - first : batch;
            weir_rows_copy(s.part.rows, x, NULL, s.part.first + first, rows);
            if (weir_sae_report_add(report, sae, x, rows, &error) != WEIR_OK) status = cli_weir_error(&error);
        }
        close_shard(&s);
    }
    free(x);
    return status;
}

/// The lines of --texts; line r is of row r.
static int read_texts(cli_list *lines) {
    if (texts == NULL) return CLI_OK;
    FILE *file = fopen(texts, "r");
    char *line = NULL;
    size_t room = 0;
    if (file == NULL) return cli_error("%s: cannot be read", texts);
    bool good = true;
    for (ssize_t length; good && (length = getline(&line, &room, file)) >= 0;) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) line[--length] = '\0';
        good = cli_list_add(lines, "%s", line);
    }
    free(line);
    fclose(file);
    return good ? CLI_OK : cli_error("out of memory");
}

static const char *text_of(const cli_list *lines, uint64_t row) {
    return row < lines->count ? lines->items[row] : NULL;
}

typedef struct ranked {
    size_t feature;
    float greatest;
} ranked;

static int greatest_first(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->greatest != y->greatest) return x->greatest < y->greatest ? 1 : -1;
    return (x->feature > y->feature) - (x->feature < y->feature);
}

static json_t *summary_json(const weir_sae_summary *s) {
    json_t *json =
        json_pack("{s:I, s:f, s:f, s:f, s:I, s:I}", "rows", (json_int_t)s->rows, "loss", s->loss, "cosine", s->cosine,
                  "open", s->open, "features", (json_int_t)s->features, "dead", (json_int_t)s->dead);
    json_object_set_new(json, "explained_variance",
                        isfinite(s->explained_variance) ? json_real(s->explained_variance) : json_null());
    return json;
}

static void print_summary(const weir_sae_summary *s) {
    char rows[CLI_NUMBER], all[CLI_NUMBER], dead[CLI_NUMBER];
    printf(
        "  rows                %s\n  loss                %.6g\n  explained variance  %.4f\n  cosine              %.4f\n"
        "  open per row (L0)   %.2f\n  dead features       %s of %s\n",
        cli_thousands(rows, s->rows), s->loss, s->explained_variance, s->cosine, s->open, cli_thousands(dead, s->dead),
        cli_thousands(all, s->features));
}

static void print_feature(const weir_sae_report *report, size_t feature, weir_sae_activation *top,
                          const cli_list *lines) {
    uint64_t rows = 0;
    char number[CLI_NUMBER];
    const size_t held = weir_sae_report_feature(report, feature, &rows, top);
    printf("\nfeature %zu, open in %s rows\n", feature, cli_thousands(number, rows));
    for (size_t i = 0; i < held; i++) {
        const char *text = text_of(lines, top[i].row);
        printf("  %8.4f  row %llu%s%s\n", (double)top[i].value, (unsigned long long)top[i].row,
               text != NULL ? "  " : "", text != NULL ? text : "");
    }
}

static json_t *feature_json(const weir_sae_report *report, size_t feature, weir_sae_activation *top,
                            const cli_list *lines) {
    uint64_t rows = 0;
    const size_t held = weir_sae_report_feature(report, feature, &rows, top);
    json_t *list = json_array();
    for (size_t i = 0; i < held; i++) {
        json_t *one = json_pack("{s:I, s:f}", "row", (json_int_t)top[i].row, "value", (double)top[i].value);
        const char *text = text_of(lines, top[i].row);
        if (text != NULL) json_object_set_new(one, "text", json_string(text));
        json_array_append_new(list, one);
    }
    return json_pack("{s:I, s:I, s:o}", "feature", (json_int_t)feature, "rows", (json_int_t)rows, "top", list);
}

static int show_report(const weir_sae_report *report, const cli_list *lines) {
    const weir_sae_summary s = weir_sae_report_summary(report);
    weir_sae_activation *top = malloc((most + 1) * sizeof *top);
    ranked *order = malloc(s.features * sizeof *order);
    if (top == NULL || order == NULL) {
        free(top), free(order);
        return cli_error("out of memory");
    }
    for (size_t f = 0; f < s.features; f++) {
        const size_t held = weir_sae_report_feature(report, f, NULL, top);
        order[f] = (ranked){f, held > 0 ? top[0].value : 0};
    }
    qsort(order, s.features, sizeof *order, greatest_first);
    json_t *json = as_json ? summary_json(&s) : NULL, *list = json_array();
    if (!as_json) print_summary(&s);
    for (size_t i = 0; i < s.features && i < shown && order[i].greatest > 0; i++) {
        if (as_json) json_array_append_new(list, feature_json(report, order[i].feature, top, lines));
        if (!as_json) print_feature(report, order[i].feature, top, lines);
    }
    if (as_json) {
        json_object_set(json, "top", list);
        cli_print_json(json);
    }
    json_decref(list), json_decref(json);
    free(top), free(order);
    return CLI_OK;
}

static int run_report(char **operands, size_t count) {
    weir_error error = {0};
    weir_sae *sae = NULL;
    weir_sae_report *report = NULL;
    cli_list lines = {0};
    if (count < 2) return cli_usage("sae", "report needs a MODEL and DATA");
    int status = weir_sae_load(&sae, operands[0], &error) == WEIR_OK ? CLI_OK : cli_weir_error(&error);
    if (status == CLI_OK) status = read_texts(&lines);
    if (status == CLI_OK && weir_sae_report_create(&report, sae, most, &error) != WEIR_OK)
        status = cli_weir_error(&error);
    if (status == CLI_OK) status = add_shards(report, sae, operands + 1, count - 1);
    if (status == CLI_OK) status = show_report(report, &lines);
    weir_sae_report_free(report);
    weir_sae_free(sae);
    cli_list_free(&lines);
    return status;
}

// ---- training ------------------------------------------------------------------------------------------------------

static int make(weir_sae **sae, size_t inputs) {
    weir_error error = {0};
    if (go_on) return weir_sae_load(sae, out, &error) == WEIR_OK ? CLI_OK : cli_weir_error(&error);
    own = weir_sae_options_default(inputs, features > 0 ? features : 8 * inputs);
    own.form = form, own.k = k, own.tied = tied, own.update = update, own.scores = scores;
    own.rate = (float)rate, own.sparsity = (float)sparsity, own.dead_rows = dead_rows, own.seed = seed;
    return weir_sae_create(sae, &own, &error) == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

/// What the steps of an epoch came to.
typedef struct course {
    size_t made, made_in_epoch;
    double reconstruction, open, started;
    weir_sae_losses last;
    cli_bar bar;
} course;

static bool is_over(const course *c) { return (steps > 0 && c->made >= steps) || cli_interrupted(); }

static int train_shard(weir_sae *sae, course *c, const shard *s, float *x, uint32_t *order, size_t epoch) {
    weir_error error = {0};
    char left[80], right[80];
    weir_random_permutation(order, (weir_noise){.seed = seed, .stream = 0xFD21, .step = (uint32_t)epoch},
                            s->shape.rows);
    for (size_t r = 0; r < s->shape.rows; r++) order[r] += (uint32_t)s->part.first;
    for (size_t first = 0; first < s->shape.rows && !is_over(c); first += batch) {
        const size_t rows = s->shape.rows - first < batch ? s->shape.rows - first : batch;
        if (rows < batch && c->made_in_epoch > 0) break; // a short batch counts as much as a whole one
        weir_rows_copy(s->part.rows, x, order + first, 0, rows);
        if (weir_sae_steps(sae) == 0 && weir_sae_centre(sae, x, rows, &error) != WEIR_OK) return cli_weir_error(&error);
        if (weir_sae_step(sae, &c->last, x, rows, &error) != WEIR_OK) return cli_weir_error(&error);
        c->made++, c->made_in_epoch++;
        c->reconstruction += c->last.reconstruction, c->open += c->last.open;
        snprintf(left, sizeof left, "epoch %zu", epoch + 1);
        snprintf(right, sizeof right, "loss %.5g", c->last.reconstruction);
        cli_bar_show(&c->bar, (double)(first + rows) / (double)s->shape.rows, -1, left, right);
    }
    return CLI_OK;
}

static void print_epoch(const course *c, size_t epoch) {
    const double n = (double)c->made_in_epoch;
    if (as_json || c->made_in_epoch == 0) return;
    printf("epoch %zu: loss %.6g, open %.2f, dead %zu, %zu steps, %.0f ms each\n", epoch + 1, c->reconstruction / n,
           c->open / n, c->last.dead, c->made_in_epoch, 1e3 * (cli_clock() - c->started) / n);
    cli_flush();
}

static int train_epochs(weir_sae *sae, char **names, size_t count, course *c) {
    const size_t inputs = weir_sae_settings(sae).inputs;
    float *x = malloc(batch * inputs * sizeof *x);
    int status = x != NULL ? CLI_OK : cli_error("out of memory");
    for (size_t epoch = 0; status == CLI_OK && (epoch < epochs || steps > 0) && !is_over(c); epoch++) {
        c->made_in_epoch = 0, c->reconstruction = c->open = 0, c->started = cli_clock();
        for (size_t i = 0; status == CLI_OK && i < count && !is_over(c); i++) {
            shard s;
            uint32_t *order = NULL;
            // Another shard comes first in each epoch.
            status = open_shard(&s, names[(i + epoch) % count], inputs);
            if (status == CLI_OK && (order = malloc((s.shape.rows + 1) * sizeof *order)) == NULL)
                status = cli_error("out of memory");
            if (status == CLI_OK) status = train_shard(sae, c, &s, x, order, epoch);
            free(order);
            close_shard(&s);
        }
        cli_bar_clear(&c->bar);
        if (status == CLI_OK && c->made_in_epoch == 0 && !cli_interrupted()) status = cli_error("DATA has no rows");
        if (status == CLI_OK) print_epoch(c, epoch);
    }
    free(x);
    return status;
}

static int report_test(weir_sae *sae, json_t **json) {
    weir_error error = {0};
    weir_sae_report *report = NULL;
    char *names[1] = {(char *)(uintptr_t)test}; // read alone
    if (test == NULL) return CLI_OK;
    if (weir_sae_report_create(&report, sae, 0, &error) != WEIR_OK) return cli_weir_error(&error);
    const int status = add_shards(report, sae, names, 1);
    if (status == CLI_OK) {
        const weir_sae_summary s = weir_sae_report_summary(report);
        if (as_json) *json = summary_json(&s);
        if (!as_json) print_summary(&s);
    }
    weir_sae_report_free(report);
    return status;
}

static int run_train(char **operands, size_t count) {
    weir_error error = {0};
    weir_sae *sae = NULL;
    shard first;
    course c = {0};
    json_t *tested = NULL;
    if (count < 1) return cli_usage("sae", "train needs DATA: NPY files of rows, or digits");
    int status = open_shard(&first, operands[0], 0);
    if (status != CLI_OK) return status;
    const size_t inputs = first.shape.columns;
    close_shard(&first);
    status = make(&sae, inputs);
    cli_bar_begin(&c.bar);
    if (status == CLI_OK) status = train_epochs(sae, operands, count, &c);
    if (status == CLI_OK && weir_sae_save(sae, out, true, &error) != WEIR_OK) status = cli_weir_error(&error);
    if (status == CLI_OK) status = report_test(sae, &tested);
    if (status == CLI_OK && as_json) {
        json_t *json = json_pack("{s:s, s:I, s:f, s:f, s:I}", "out", out, "steps", (json_int_t)weir_sae_steps(sae),
                                 "loss", c.last.reconstruction, "open", c.last.open, "dead", (json_int_t)c.last.dead);
        if (tested != NULL) json_object_set(json, "test", tested);
        cli_print_json(json);
        json_decref(json);
    } else if (status == CLI_OK)
        printf("%s after %llu steps; 'weir sae report %s DATA' shows its features\n", cli_shell(out).text,
               (unsigned long long)weir_sae_steps(sae), cli_shell(out).text);
    json_decref(tested);
    weir_sae_free(sae);
    return status;
}

static int run(char **operands, size_t count) {
    if (batch == 0) return cli_usage("sae", "--batch needs a number from 1 on");
    if (cli_use_machine(threads) != CLI_OK) return CLI_FAILED;
    cli_interrupt_begin();
    if (strcmp(operands[0], "train") == 0) return run_train(operands + 1, count - 1);
    if (strcmp(operands[0], "report") == 0) return run_report(operands + 1, count - 1);
    return cli_usage("sae", "WHAT is train or report, not '%s'", operands[0]);
}

const cli_command cli_sae = {
    .name = "sae",
    .operands = "WHAT [MODEL] DATA...",
    .summary = "sparse autoencoders: activations as a few of many features",
    .about =
        "WHAT is 'train' or 'report'.\n\n"
        "train: learn features of the rows of DATA, so that each row is a sum of few of them. DATA are NPY files of "
        "rows (activations of a model), one of which is in memory at a time, or 'digits', the built-in ones. --out "
        "becomes a folder that SAELens reads, and that --continue goes on from.\n\n"
        "report: what MODEL, such a folder or one of SAELens or sparsify, does on DATA: loss, explained variance, open "
        "features per row, dead features, and the rows in which features are most active.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 1,
    .most = 100000,
    .prepare = prepare,
    .files = "cfg.json, sae_weights.safetensors, weir_state.safetensors in --out",
    .examples = {"weir sae train digits --features 1024 --k 16", "weir sae report runs/sae digits --show 5",
                 "weir sae train activations/train-*.npy --features 32768 --scores int8"},
    .run = run,
};
