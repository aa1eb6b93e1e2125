// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file table.c
/// The tables of an experiment, one for each part that has runs: a row for each network, means over its seeds with
/// their standard deviation, and the paper's figures beside them. As text and as Markdown.
#include "plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Over the runs of a row.
static weir_summary summarise(const experiment_plan *plan, json_t *const *results, const experiment_row *row,
                              const experiment_value *value) {
    double *values = calloc(plan->run_count + 1, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < plan->run_count && values != NULL; i++)
        if (plan->runs[i].row == row) values[count++] = experiment_number(results[i], value);
    const weir_summary summary = weir_summarise(values, count);
    free(values);
    return summary;
}

static void number_text(char text[CLI_NUMBER], double number, int digits) {
    if (!isfinite(number))
        snprintf(text, CLI_NUMBER, "%s", "");
    else if (digits == -2)
        cli_milliseconds(text, number);
    else if (digits < 0)
        cli_thousands(text, number > 0 && number < 1e18 ? (uint64_t)(number + 0.5) : 0);
    else
        snprintf(text, CLI_NUMBER, "%.*f", digits, number);
}

static bool any_published(const experiment_part *part, size_t which) {
    for (size_t r = 0; r < part->row_count; r++)
        if (which > 0 && part->rows[r].published[which - 1] > 0) return true;
    return false;
}

static bool any_value(const experiment_plan *plan, json_t *const *results, const experiment_part *part,
                      const experiment_value *value) {
    for (size_t i = 0; i < plan->run_count; i++)
        if (plan->runs[i].part == part && isfinite(experiment_number(results[i], value))) return true;
    return false;
}

static size_t row_runs(const experiment_plan *plan, const experiment_row *row) {
    size_t count = 0;
    for (size_t i = 0; i < plan->run_count; i++) count += plan->runs[i].row == row;
    return count;
}

/// A row as cells with tabs between them; row NULL: the heading.
static char *cells(const experiment_plan *plan, json_t *const *results, const experiment_part *part,
                   const experiment_row *row, const char *plus_minus) {
    char *line = NULL, text[CLI_NUMBER], spread[CLI_NUMBER];
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL) return NULL;
    fprintf(out, "%s", row == NULL ? "" : row->label);
    for (size_t c = 0; c < plan->experiment->column_count; c++) {
        const experiment_column *column = &plan->experiment->columns[c];
        if (!any_value(plan, results, part, &column->value)) continue;
        if (any_published(part, column->published)) {
            double published = row == NULL ? 0 : row->published[column->published - 1];
            number_text(text, published > 0 ? published : NAN, column->digits);
            fprintf(out, "\t%s", row == NULL ? "paper" : text);
        }
        if (row == NULL) {
            fprintf(out, "\t%s", column->heading);
            continue;
        }
        const weir_summary s = summarise(plan, results, row, &column->value);
        number_text(text, s.mean, column->digits);
        number_text(spread, s.deviation, column->digits);
        bool both = column->spread && spread[0] != '\0';
        fprintf(out, "\t%s%s%s%s%s", text, both ? " " : "", both ? plus_minus : "", both ? " " : "",
                both ? spread : "");
    }
    if (row == NULL)
        fprintf(out, "\truns");
    else
        fprintf(out, "\t%zu", row_runs(plan, row));
    if (fclose(out) == 0) return line;
    free(line);
    return NULL;
}

/// Every row of the part that has runs, the heading first, given to `take`.
static int each_row(const experiment_plan *plan, json_t *const *results, const experiment_part *part,
                    const char *plus_minus, void (*take)(void *context, const char *line, bool heading),
                    void *context) {
    for (size_t r = 0; r <= part->row_count; r++) {
        const experiment_row *row = r == 0 ? NULL : &part->rows[r - 1];
        if (row != NULL && row_runs(plan, row) == 0) continue;
        char *line = cells(plan, results, part, row, plus_minus);
        if (line == NULL) return cli_error("out of memory");
        take(context, line, row == NULL);
        free(line);
    }
    return CLI_OK;
}

static void take_text(void *context, const char *line, bool heading) {
    (void)heading;
    cli_table_add(context, "%s", line);
}

static void take_markdown(void *context, const char *line, bool heading) {
    FILE *out = context;
    size_t columns = 1;
    fputs("| ", out);
    for (const char *c = line; *c != '\0'; c++) {
        columns += *c == '\t';
        if (*c == '\t')
            fputs(" | ", out);
        else
            fputc(*c, out);
    }
    fputs(" |\n", out);
    for (size_t c = 0; heading && c < columns; c++) fputs(c == 0 ? "|---|" : "--:|", out);
    if (heading) fputc('\n', out);
}

static int print_part(const experiment_plan *plan, json_t *const *results, const experiment_part *part, FILE *text,
                      FILE *markdown) {
    fprintf(text, "\n%s%s%s\n", cli_bold(text), part->title, cli_plain(text));
    cli_table table = {.align = "lrrrrrrrrrrrrrr"};
    int status = each_row(plan, results, part, cli_utf8() ? "±" : "+-", take_text, &table);
    cli_table_print(&table, text);
    fprintf(markdown, "\n## %s\n\n%s\n\n", part->title, part->question);
    if (status == CLI_OK) status = each_row(plan, results, part, "±", take_markdown, markdown);
    return status;
}

static int print_all(const experiment_plan *plan, json_t *const *results, FILE *text) {
    const experiment *x = plan->experiment;
    char *markdown = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&markdown, &size);
    if (out == NULL) return cli_error("out of memory");
    fprintf(out, "# %s\n\n%s Means over the runs of a row, ± their standard deviation. weir %s.\n", x->name, x->source,
            weir_version());
    int status = CLI_OK;
    for (size_t p = 0; p < x->part_count && status == CLI_OK; p++) {
        size_t runs = 0;
        for (size_t i = 0; i < plan->run_count; i++) runs += plan->runs[i].part == &x->parts[p];
        if (runs > 0) status = print_part(plan, results, &x->parts[p], text, out);
    }
    if (fclose(out) != 0 && status == CLI_OK) status = cli_error("out of memory");
    char *path = cli_path(plan->out, "table.md");
    if (status == CLI_OK) status = path == NULL ? CLI_FAILED : cli_write_file(path, markdown);
    if (status == CLI_OK) fprintf(text, "\n%s\n", path);
    free(path);
    free(markdown);
    return status;
}

int experiment_tables(const experiment_plan *plan, FILE *out) {
    json_t **results = calloc(plan->run_count + 1, sizeof(json_t *));
    int status = results == NULL ? cli_error("out of memory") : CLI_OK;
    for (size_t i = 0; i < plan->run_count && status == CLI_OK; i++) {
        results[i] = experiment_result(&plan->runs[i]);
        if (results[i] == NULL) status = CLI_FAILED;
    }
    if (status == CLI_OK) status = print_all(plan, results, out);
    for (size_t i = 0; i < plan->run_count && results != NULL; i++) json_decref(results[i]);
    free((void *)results);
    return status;
}
