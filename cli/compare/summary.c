// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file summary.c
/// What the runs of a comparison come to: means, and differences from the first row between runs of the same seed.
#include "compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Numbers of result.json that are summarised.
static const char *const fields[] = {
    "train_loss",  "valid_error", "valid_nll",  "valid_rmse",          "test_loss",           "test_error",
    "test_nll",    "test_rmse",   "test_r2",    "share",               "epochs",              "best_epoch",
    "seconds",     "train_step_ms", "predict_ms_dense", "predict_ms_gated", "multiply_adds_dense", "multiply_adds_done"};

/// A number of every run of a row, by seed, freed by the caller; NULL when memory is short.
static double *values_of(const experiment_plan *plan, json_t *const *results, const experiment_row *row,
                         const char *field, size_t *count) {
    double *values = calloc(plan->run_count + 1, sizeof *values);
    *count = 0;
    for (size_t i = 0; i < plan->run_count && values != NULL; i++)
        if (plan->runs[i].row == row) values[(*count)++] = experiment_field(results[i], field);
    return values;
}

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *summary_json(const weir_summary *s) {
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "count", (json_int_t)s->count, "mean", number(s->mean), "deviation",
                     number(s->deviation), "least", number(s->least), "greatest", number(s->greatest));
}

static json_t *difference_json(const weir_difference *d, const char *from, const char *field) {
    return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "from", from, "of", field, "pairs",
                     (json_int_t)d->pairs, "below", (json_int_t)d->below, "mean", number(d->mean), "deviation",
                     number(d->deviation), "low", number(d->low), "high", number(d->high), "p", number(d->p));
}

static json_t *runs_json(const experiment_plan *plan, json_t *const *results, const experiment_row *row,
                         const judged *by) {
    json_t *runs = json_array();
    for (size_t i = 0; i < plan->run_count; i++) {
        const experiment_run *run = &plan->runs[i];
        if (run->row != row) continue;
        json_array_append_new(runs, json_pack("{s:I, s:s, s:o}", "seed", (json_int_t)run->seed, "folder", run->folder,
                                              by->test, number(experiment_field(results[i], by->test))));
    }
    return runs;
}

static weir_difference difference_of(const experiment_plan *plan, json_t *const *results, const experiment_row *row,
                                     const judged *by) {
    size_t count = 0;
    double *values = values_of(plan, results, row, by->test, &count);
    double *base = values_of(plan, results, plan->experiment->parts[0].rows, by->test, &count);
    const weir_difference d = weir_paired_difference(values, base, values != NULL && base != NULL ? count : 0);
    free(values);
    free(base);
    return d;
}

static json_t *row_json(const experiment_plan *plan, json_t *const *results, size_t index, const judged *by) {
    const experiment_row *rows = plan->experiment->parts[0].rows, *row = &rows[index];
    json_t *settings = json_array(), *means = json_object();
    for (size_t i = 0; i < EXPERIMENT_SETTINGS && row->settings[i] != NULL; i++)
        json_array_append_new(settings, json_string(row->settings[i]));
    for (size_t f = 0; f < CLI_COUNT_OF(fields); f++) {
        size_t count = 0;
        double *values = values_of(plan, results, row, fields[f], &count);
        const weir_summary s = weir_summarise(values, values != NULL ? count : 0);
        free(values);
        if (s.count > 0) json_object_set_new(means, fields[f], summary_json(&s));
    }
    json_t *all = json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", row->name, "label", row->label, "settings", settings,
                            "runs", runs_json(plan, results, row, by), "summary", means);
    const weir_difference d = difference_of(plan, results, row, by);
    if (index > 0) json_object_set_new(all, "difference", difference_json(&d, rows[0].name, by->test));
    return all;
}

static json_t *whole_json(const experiment_plan *plan, json_t *const *results, const judged *by) {
    const experiment_part *part = &plan->experiment->parts[0];
    json_t *rows = json_array();
    for (size_t r = 0; r < part->row_count; r++) json_array_append_new(rows, row_json(plan, results, r, by));
    return json_pack("{s:s, s:s, s:s, s:I, s:o}", "name", plan->experiment->name, "version", weir_version(),
                     "judged_by", by->test, "seeds", (json_int_t)plan->experiment->seeds, "rows", rows);
}

static void print_differences(const experiment_plan *plan, json_t *const *results, const judged *by, FILE *out) {
    const experiment_part *part = &plan->experiment->parts[0];
    const char *plus_minus = cli_utf8() ? "±" : "+-";
    cli_table table = {.align = "lrrrr"};
    if (part->row_count < 2 || plan->experiment->seeds < 2) return;
    fprintf(out, "\n%sTest %s minus that of %s, seed by seed%s\n", cli_bold(out), by->what, part->rows[0].label,
            cli_plain(out));
    cli_table_add(&table, "\tdifference%s\t95 %% interval\tp\tlower in", by->unit);
    for (size_t r = 1; r < part->row_count; r++) {
        const weir_difference d = difference_of(plan, results, &part->rows[r], by);
        const double f = by->factor;
        char p[CLI_NUMBER];
        snprintf(p, sizeof p, d.p < 0.001 ? "<0.001" : "%.3f", d.p);
        cli_table_add(&table, "%s\t%+.3f %s %.3f\t%+.3f to %+.3f\t%s\t%zu of %zu", part->rows[r].label, f * d.mean,
                      plus_minus, f * d.deviation, f * d.low, f * d.high, p, d.below, d.pairs);
    }
    cli_table_print(&table, out);
    if (part->row_count > 2)
        cli_note("p is of one comparison; of %zu, multiply it by as many", part->row_count - 1);
}

int summary_write(const experiment_plan *plan, const judged *by, FILE *out, json_t **json) {
    json_t **results = calloc(plan->run_count + 1, sizeof *results), *whole = NULL;
    char *text = NULL, *line = NULL, *path = cli_path(plan->out, "summary.json");
    int status = results == NULL || path == NULL ? cli_error("out of memory") : CLI_OK;
    for (size_t i = 0; i < plan->run_count && status == CLI_OK; i++) {
        results[i] = experiment_result(&plan->runs[i]);
        if (results[i] == NULL) status = CLI_FAILED;
    }
    if (status == CLI_OK) {
        print_differences(plan, results, by, out);
        whole = whole_json(plan, results, by);
        text = whole != NULL ? json_dumps(whole, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
        const size_t size = text != NULL ? strlen(text) + 2 : 0;
        line = text != NULL ? malloc(size) : NULL;
        if (line == NULL) status = cli_error("out of memory");
        if (line != NULL) snprintf(line, size, "%s\n", text);
    }
    if (status == CLI_OK) status = cli_write_file(path, line);
    if (status == CLI_OK) fprintf(out, "\n%s\n", path);
    if (json != NULL && status == CLI_OK) *json = json_incref(whole);
    for (size_t i = 0; i < plan->run_count && results != NULL; i++) json_decref(results[i]);
    free((void *)results);
    json_decref(whole);
    free(line);
    free(text);
    free(path);
    return status;
}
