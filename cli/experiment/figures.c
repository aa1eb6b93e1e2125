// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file experiment_figures.c
/// The figures of an experiment: per part, either one curve a row over the epochs (mean over its seeds), or each row
/// as a point at the means of two of its results.
#include "plot/draw.h"
#include "plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCHS = 4096, SERIES = 8 };

static void print_number(FILE *out, double value) {
    if (isfinite(value))
        fprintf(out, " %.9g", value);
    else
        fputs(" NaN", out);
}

// Curves.

/// A run's metric of each epoch, NaN where there is none.
static void read_metric(const experiment_run *run, const experiment_figure *figure, double values[EPOCHS]) {
    char *path = cli_path(run->folder, "metrics.jsonl"), *line = NULL;
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    size_t size = 0;
    for (size_t e = 0; e < EPOCHS; e++) {
        json_t *value = file != NULL && getline(&line, &size, file) > 0 ? json_loads(line, 0, NULL) : NULL;
        values[e] = figure->factor * experiment_field(value, figure->metric);
        json_decref(value);
    }
    if (file != NULL) fclose(file);
    free(line);
    free(path);
}

/// Means and standard deviations over the runs of a row; returns the number of epochs that all of them have.
static size_t mean_curve(const experiment_plan *plan, const experiment_row *row, const experiment_figure *figure,
                         weir_summary *curve) {
    double *values = calloc(plan->run_count * EPOCHS, sizeof *values);
    double *one = calloc(plan->run_count + 1, sizeof *one);
    size_t runs = 0, epochs = 0;
    for (size_t i = 0; i < plan->run_count && values != NULL; i++)
        if (plan->runs[i].row == row) read_metric(&plan->runs[i], figure, values + runs++ * EPOCHS);
    for (; one != NULL && runs > 0 && epochs < EPOCHS; epochs++) {
        for (size_t r = 0; r < runs; r++) one[r] = values[r * EPOCHS + epochs];
        curve[epochs] = weir_summarise(one, runs);
        if (curve[epochs].count < runs) break;
    }
    free(one);
    free(values);
    return epochs;
}

static void curves(FILE *out, const experiment_plan *plan, const experiment_part *part, const char *format,
                   cli_list *written) {
    const experiment_figure *figure = &part->figure;
    weir_summary *curve = calloc(EPOCHS, sizeof *curve);
    double least = INFINITY, most = -INFINITY, last = 1, lowest = INFINITY; // least: of means, lowest: of bands
    bool bands = false;
    draw_label labels[DRAW_LABELS] = {{0}};
    size_t count = 0;
    for (size_t r = 0; r < part->row_count && curve != NULL && count < DRAW_LABELS; r++) {
        size_t epochs = mean_curve(plan, &part->rows[r], figure, curve);
        if (epochs == 0) continue;
        fprintf(out, "$curve%zu << EOD\n", count);
        for (size_t e = 0; e < epochs; e++) {
            const double mean = curve[e].mean, spread = isfinite(curve[e].deviation) ? curve[e].deviation : 0;
            fprintf(out, "%zu %.9g %.9g\n", e + 1, mean, spread);
            least = fmin(least, mean);
            lowest = fmin(lowest, fmax(mean - spread, 0.5 * mean));
            most = fmax(most, mean + spread);
            bands |= spread > 0;
        }
        fprintf(out, "EOD\n");
        last = fmax(last, (double)epochs);
        labels[count] = (draw_label){curve[epochs - 1].mean, part->rows[r].label, draw_colour(r)};
        count++;
    }
    free(curve);
    if (count == 0) return;
    // The first epochs, far above the others, may lie outside.
    draw_range y = draw_range_of(lowest, least > 0 ? fmin(most, 8 * least) : most, true);
    if (figure->linear && least > 0 && most > least) {
        y.high = fmin(most, 1.3 * least);
        y.low = least - 0.2 * (y.high - least);
        y.log = false;
    }
    size_t room = draw_room(labels, count);
    char axis[160];
    snprintf(axis, sizeof axis, "%s; band: standard deviation over the seeds", figure->axis);
    draw_begin(out, plan->out, figure->name, format, 620 + 10 * (int)room, 460, written);
    draw_title(out, figure->title, bands ? axis : figure->axis);
    draw_epochs(out, last);
    fprintf(out, "set lmargin 8\nset rmargin %zu\nset tmargin 3.8\nset bmargin 3.5\nset yrange [%g:%g]\n", room, y.low,
            y.high);
    if (y.log) draw_log_ticks(out, "y", y.low, y.high);
    draw_labels(out, labels, count, last, y.low, y.high, y.log);
    fprintf(out, "plot ");
    for (size_t k = 0; k < count && bands; k++) draw_band(out, "curve", k, 2, y.low, last > 1, labels[k].colour);
    for (size_t k = 0; k < count; k++)
        fprintf(out, "%s$curve%zu using 1:2 with %s linewidth 2 linecolor rgb '%s'%s", k == 0 ? "" : ", ", k,
                last > 1 ? "lines" : "points pointtype 7", labels[k].colour, k + 1 == count ? "\nunset output\n" : "");
}

// Points.

static double row_mean(const experiment_plan *plan, const experiment_row *row, const experiment_value *value) {
    double sum = 0, count = 0;
    for (size_t i = 0; i < plan->run_count; i++) {
        json_t *result = plan->runs[i].row == row ? experiment_result(&plan->runs[i]) : NULL;
        double x = result != NULL ? experiment_number(result, value) : NAN;
        json_decref(result);
        if (!isfinite(x)) continue;
        sum += x;
        count++;
    }
    return count > 0 ? sum / count : NAN;
}

/// Names of the series in the order of the rows; returns their number.
static size_t find_series(const experiment_part *part, const char **series) {
    size_t count = 0;
    for (size_t r = 0; r < part->row_count; r++) {
        const char *name = part->rows[r].series != NULL ? part->rows[r].series : "";
        size_t s = 0;
        while (s < count && strcmp(series[s], name) != 0) s++;
        if (s == count && count < SERIES) series[count++] = name;
    }
    return count;
}

static bool in_series(const experiment_row *row, const char *name) {
    return strcmp(row->series != NULL ? row->series : "", name) == 0;
}

/// The data of one panel: a block for each series that has a point, a line "x y label" for each row. shown: which have.
static size_t print_points(FILE *out, const experiment_plan *plan, const experiment_part *part, size_t panel,
                           const char *const *series, size_t series_count, bool shown[SERIES], double range[4]) {
    size_t found = 0;
    range[0] = range[2] = INFINITY;
    range[1] = range[3] = 0;
    for (size_t s = 0; s < series_count; s++) {
        shown[s] = false;
        for (size_t r = 0; r < part->row_count; r++) {
            const experiment_row *row = &part->rows[r];
            if (!in_series(row, series[s])) continue;
            double x = row_mean(plan, row, &part->figure.x[panel]), y = row_mean(plan, row, &part->figure.y);
            if (!(x > 0) || !isfinite(y)) continue;
            if (!shown[s]) fprintf(out, "$points%zu%zu << EOD\n", panel, s);
            shown[s] = true;
            print_number(out, x);
            print_number(out, y);
            fprintf(out, " \"%s\"\n", row->label);
            range[0] = fmin(range[0], x);
            range[1] = fmax(range[1], x);
            range[2] = fmin(range[2], y);
            range[3] = fmax(range[3], y);
            found++;
        }
        if (shown[s]) fprintf(out, "EOD\n");
    }
    return found;
}

static void panel(FILE *out, const experiment_part *part, size_t which, const char *const *series, size_t series_count,
                  const bool shown[SERIES], const double range[4]) {
    const experiment_figure *figure = &part->figure;
    double low = range[0] / 1.5, high = range[1] * 2.2, span = range[3] - range[2];
    draw_title(out, figure->title, figure->axis);
    fprintf(out, "set lmargin 8\nset rmargin 3\nset tmargin 3.8\nset bmargin 3.5\nset xrange [%g:%g]\n", low, high);
    fprintf(out, "set yrange [%g:%g]\nset xlabel '%s' textcolor rgb '#666666'\n", fmax(range[2] - 0.1 * span - 0.05, 0),
            range[3] + 0.12 * span + 0.05, figure->x_title[which]);
    draw_log_ticks(out, "x", low, high);
    for (size_t s = 0; s < series_count; s++) {
        if (shown[s] && series[s][0] != '\0') {
            fprintf(out, "set label %zu ", 10 + s);
            draw_quoted(out, series[s]);
            fprintf(out, " at graph 0.98, graph %g right textcolor rgb '%s' noenhanced\n", 0.96 - 0.07 * (double)s,
                    draw_colour(s));
        }
    }
    const char *before = "plot ";
    for (size_t s = 0; s < series_count; s++) {
        if (!shown[s]) continue; // gnuplot warns of data without a point
        fprintf(out,
                "%s$points%zu%zu using 1:2 with linespoints pointtype 7 pointsize 0.7 linewidth 1.5 linecolor rgb "
                "'%s', $points%zu%zu using 1:2:3 with labels left offset 0.6,0.5 noenhanced font ',11' textcolor rgb "
                "'%s'",
                before, which, s, draw_colour(s), which, s, draw_colour(s));
        before = ", ";
    }
    fprintf(out, "\n");
}

static void points(FILE *out, const experiment_plan *plan, const experiment_part *part, const char *format,
                   cli_list *written) {
    const experiment_figure *figure = &part->figure;
    const char *series[SERIES];
    size_t series_count = find_series(part, series), panels = figure->x[1].field != NULL ? 2 : 1;
    bool shown[2][SERIES];
    double range[2][4];
    for (size_t p = 0; p < panels; p++)
        if (print_points(out, plan, part, p, series, series_count, shown[p], range[p]) == 0) return;
    draw_begin(out, plan->out, figure->name, format, panels == 2 ? 1180 : 680, 460, written);
    if (panels == 2) fprintf(out, "set multiplot layout 1,2\n");
    for (size_t p = 0; p < panels; p++) panel(out, part, p, series, series_count, shown[p], range[p]);
    fprintf(out, "%sunset output\n", panels == 2 ? "unset multiplot\n" : "");
}

// ---- all figures ---------------------------------------------------------------------------------------------------

static int draw(const char *script, const cli_list *written, FILE *messages) {
    bool missing = false;
    (void)draw_gnuplot("", &missing);
    if (missing) {
        cli_note("no figures: gnuplot is not installed (apt-get install gnuplot-nox)");
        return CLI_OK;
    }
    int status = draw_files(script, written);
    if (status != CLI_OK) cli_note("the table is complete; the same command with --resume draws the figures again");
    for (size_t i = 0; i < written->count && status == CLI_OK; i++) fprintf(messages, "%s\n", written->items[i]);
    return status;
}

int experiment_figures(const experiment_plan *plan, FILE *messages) {
    static const char *const formats[] = {"svg", "png"};
    char *script = NULL;
    size_t size = 0;
    cli_list written = {0};
    FILE *out = open_memstream(&script, &size);
    if (out == NULL) return cli_error("out of memory");
    for (size_t p = 0; p < plan->experiment->part_count; p++) {
        const experiment_part *part = &plan->experiment->parts[p];
        for (size_t f = 0; f < CLI_COUNT_OF(formats) && part->figure.name != NULL; f++) {
            if (part->figure.metric != NULL)
                curves(out, plan, part, formats[f], &written);
            else
                points(out, plan, part, formats[f], &written);
        }
    }
    int status = fclose(out) != 0 || script == NULL ? cli_error("out of memory") : draw(script, &written, messages);
    cli_list_free(&written);
    free(script);
    return status;
}
