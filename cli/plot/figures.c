// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file figures.c
/// The figures of `weir plot` as gnuplot scripts.
#include "draw.h"
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// The column of a curve's data block; its standard deviation is in the next one.
static int data_column(plot_column c) { return 2 + 2 * (int)c; }

static bool any_seeds(const plot_run *runs, size_t count) {
    for (size_t k = 0; k < count; k++)
        if (runs[k].seeds > 1) return true;
    return false;
}

static void print_data(FILE *out, const plot_run *runs, size_t count) {
    for (size_t k = 0; k < count; k++) {
        fprintf(out, "$run%zu << EOD\n", k);
        for (size_t i = 0; i < runs[k].epochs; i++) {
            fprintf(out, "%g", runs[k].epoch[i]);
            for (size_t c = 0; c < PLOT_COLUMNS; c++) {
                double value = runs[k].column[c][i];
                if (isfinite(value))
                    fprintf(out, " %.9g", value);
                else
                    fputs(" NaN", out);
                const double spread = runs[k].spread[c] != NULL ? runs[k].spread[c][i] : 0;
                fprintf(out, " %.9g", isfinite(spread) ? spread : 0);
            }
            fputc('\n', out);
        }
        fprintf(out, "EOD\n$bins%zu << EOD\n", k);
        for (size_t b = 0; b < PLOT_BINS; b++)
            fprintf(out, "%g %g\n", ((double)b + 0.5) * 100 / PLOT_BINS, runs[k].bins[b]);
        fprintf(out, "EOD\n");
    }
}

/// Range of a column over all runs; false where it has no values.
static bool column_range(const plot_run *runs, size_t count, plot_column c, draw_range *range) {
    double least = INFINITY, most = -INFINITY;
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < runs[k].epochs; i++) {
            double y = runs[k].column[c][i];
            if (!isfinite(y)) continue;
            const double spread = runs[k].spread[c] != NULL && isfinite(runs[k].spread[c][i]) ? runs[k].spread[c][i] : 0;
            least = fmin(least, y - spread > 0 ? y - spread : fmin(y, 0.5 * fabs(y)));
            most = fmax(most, y + spread);
        }
    *range = draw_range_of(least, most, true);
    if (runs[0].judged == CLI_BY_LIKELIHOOD && (c == PLOT_LOSS || c == PLOT_ERROR)) // many nats cannot be predicted: 0 is far off
        *range = (draw_range){floor(least - 0.05 * (most - least)), most + 0.05 * (most - least) + 0.1, false};
    return least <= most;
}

static double last_epoch(const plot_run *runs, size_t count) {
    double last = 1;
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < runs[k].epochs; i++) last = fmax(last, runs[k].epoch[i]);
    return last;
}

static double last_value(const plot_run *run, plot_column c, double *epoch) {
    double value = NAN;
    for (size_t i = 0; i < run->epochs; i++)
        if (isfinite(run->column[c][i])) {
            value = run->column[c][i];
            *epoch = run->epoch[i];
        }
    return value;
}

static size_t curve_labels(const plot_run *runs, size_t count, plot_column c, bool best, draw_label *labels,
                           char (*texts)[96]) {
    size_t found = 0;
    double epoch = 0;
    for (size_t k = 0; k < count && found < DRAW_LABELS; k++) {
        double y = last_value(&runs[k], c, &epoch);
        if (!isfinite(y)) continue;
        const char *name = count > 1 ? runs[k].name : "";
        if (best)
            snprintf(texts[found], sizeof texts[0], "%.40s%s%.2f%s", name, count > 1 ? "  " : "best ",
                     runs[k].column[c][runs[k].best], runs[k].judged == CLI_BY_ERROR ? " %" : "");
        else
            snprintf(texts[found], sizeof texts[0], "%.40s", name);
        labels[found] = (draw_label){y, texts[found], draw_colour(k)};
        found++;
    }
    return found;
}

/// One panel: a column of every run against the epoch.
static void curve_panel(FILE *out, const plot_run *runs, size_t count, plot_column c, const char *title,
                        const char *axis, bool mark_best, size_t room) {
    double last = last_epoch(runs, count);
    draw_range y;
    if (!column_range(runs, count, c, &y)) return;
    draw_label labels[DRAW_LABELS] = {{0}};
    char texts[DRAW_LABELS][96];
    size_t label_count = curve_labels(runs, count, c, mark_best, labels, texts);
    char text[200];
    snprintf(text, sizeof text, "%s%s", axis, any_seeds(runs, count) ? "; band: deviation over seeds" : "");
    draw_title(out, title, text);
    draw_epochs(out, last);
    fprintf(out, "set rmargin %zu\nset lmargin 8\nset tmargin 3.8\nset bmargin 3.5\n", room);
    fprintf(out, "unset logscale y\nset ytics autofreq\nset yrange [%g:%g]\n", y.low, y.high);
    if (y.log) draw_log_ticks(out, "y", y.low, y.high);
    draw_labels(out, labels, label_count, last, y.low, y.high, y.log);
    fprintf(out, "plot ");
    for (size_t k = 0; k < count; k++)
        if (runs[k].seeds > 1) draw_band(out, "run", k, data_column(c), y.low, runs[k].epochs > 1, draw_colour(k));
    for (size_t k = 0; k < count; k++) {
        const char *colour = draw_colour(k);
        fprintf(out, "%s$run%zu using 1:%d with lines linewidth 2 linecolor rgb '%s'", k == 0 ? "" : ", ", k,
                data_column(c), colour);
        if (mark_best || runs[k].epochs == 1)
            fprintf(out,
                    ", $run%zu every ::%zu::%zu using 1:%d with points pointtype 7 pointsize 0.8 linecolor rgb '%s'", k,
                    runs[k].best, runs[k].best, data_column(c), colour);
    }
    fprintf(out, "\n");
}

static void learning_figure(FILE *out, const plot_run *runs, size_t count, const char *folder, const char *format,
                            cli_list *written) {
    draw_label labels[DRAW_LABELS] = {{0}};
    char texts[DRAW_LABELS][96];
    size_t label_count = curve_labels(runs, count, PLOT_ERROR, true, labels, texts);
    size_t room = draw_room(labels, label_count);
    draw_begin(out, folder, "learning", format, 860 + 20 * (int)room, 400, written);
    fprintf(out, "set multiplot layout 1,2\n");
    static const struct {
        const char *loss, *title, *score;
    } texts_of[] = {
        {"mean per row, nats", "Validation error", "% of rows, best epoch marked"},
        {"mean per row, nats", "Validation", "negative log-likelihood per row, nats, best epoch marked"},
        {"mean per row", "Validation", "root mean square error, best epoch marked"},
    }; // by cli_judge
    const size_t judged = (size_t)runs[0].judged;
    curve_panel(out, runs, count, PLOT_LOSS, "Training loss", texts_of[judged].loss, false, room);
    curve_panel(out, runs, count, PLOT_ERROR, texts_of[judged].title, texts_of[judged].score, true, room);
    fprintf(out, "unset multiplot\nunset output\n");
}

static bool any_gated(const plot_run *runs, size_t count) {
    for (size_t k = 0; k < count; k++)
        if (isfinite(runs[k].target)) return true;
    return false;
}

/// A dashed line across the panel at a target, if all runs that have gates share it.
static double common_target(const plot_run *runs, size_t count) {
    double target = NAN;
    for (size_t k = 0; k < count; k++) {
        if (!isfinite(runs[k].target)) continue;
        if (isfinite(target) && fabs(target - runs[k].target) > 1e-9) return NAN;
        target = runs[k].target;
    }
    return target;
}

static void share_figure(FILE *out, const plot_run *runs, size_t count, const char *folder, const char *format,
                         cli_list *written) {
    double last = last_epoch(runs, count), target = common_target(runs, count), end;
    draw_range valid, train_range;
    if (!any_gated(runs, count) || !column_range(runs, count, PLOT_SHARE, &valid)) return;
    double high = valid.high;
    if (column_range(runs, count, PLOT_TRAIN_SHARE, &train_range)) high = fmax(high, train_range.high);
    if (isfinite(target)) high = fmax(high, 1.2 * target);
    draw_label labels[DRAW_LABELS] = {{0}};
    size_t label_count = 0;
    for (size_t k = 0; k < count && label_count + 2 < DRAW_LABELS; k++) {
        const char *colour = draw_colour(k);
        double y = last_value(&runs[k], PLOT_SHARE, &end), train = last_value(&runs[k], PLOT_TRAIN_SHARE, &end);
        if (isfinite(y)) labels[label_count++] = (draw_label){y, count > 1 ? runs[k].name : "validation", colour};
        if (isfinite(train) && count == 1) labels[label_count++] = (draw_label){train, "training", "#5aa5cf"};
    }
    if (isfinite(target)) labels[label_count++] = (draw_label){target, "target", "#666666"};
    draw_begin(out, folder, "share", format, 640, 400, written);
    draw_title(out, "Share of gates open",
               count > 1 ? "% of gates and rows; thin: in training" : "% of gates and rows");
    draw_epochs(out, last);
    fprintf(out, "set rmargin %zu\nset lmargin 8\nset tmargin 3.8\nset bmargin 3.5\nset yrange [0:%g]\n",
            draw_room(labels, label_count), high);
    draw_labels(out, labels, label_count, last, 0, high, false);
    fprintf(out, "plot ");
    for (size_t k = 0; k < count; k++)
        if (runs[k].seeds > 1)
            draw_band(out, "run", k, data_column(PLOT_SHARE), 0, runs[k].epochs > 1, draw_colour(k));
    for (size_t k = 0; k < count; k++) {
        const char *colour = count > 1 ? draw_colour(k) : "#5aa5cf";
        fprintf(out, "%s$run%zu using 1:%d with lines linewidth 1 linecolor rgb '%s'", k == 0 ? "" : ", ", k,
                data_column(PLOT_TRAIN_SHARE), colour);
        fprintf(out, ", $run%zu using 1:%d with %s linewidth 2 linecolor rgb '%s'", k, data_column(PLOT_SHARE),
                runs[k].epochs == 1 ? "points pointtype 7 pointsize 0.8" : "lines", draw_colour(k));
    }
    if (isfinite(target)) fprintf(out, ", %g with lines dashtype (6,5) linewidth 1.2 linecolor rgb '#444444'", target);
    fprintf(out, "\nunset output\n");
}

static void gates_figure(FILE *out, const plot_run *runs, size_t count, const char *folder, const char *format,
                         const char *part, cli_list *written) {
    size_t panels = 0;
    for (size_t k = 0; k < count; k++) panels += runs[k].gates > 0;
    if (panels == 0) return;
    draw_begin(out, folder, "gates", format, 640, (int)(panels == 1 ? 400 : 330 * panels), written);
    fprintf(out, "set multiplot layout %zu,1\n", panels);
    for (size_t k = 0; k < count; k++) {
        const plot_run *r = &runs[k];
        if (r->gates == 0) continue;
        char title[160], axis[200];
        snprintf(title, sizeof title, "How often each gate is open%s%.60s", panels > 1 ? ", " : "",
                 panels > 1 ? r->name : "");
        for (char *c = title; *c != '\0'; c++)
            if (strchr("'{}_^@&~", *c) != NULL) *c = '-';
        snprintf(axis, sizeof axis, "number of gates, of %zu; %zu never open, %zu always", r->gates, r->never,
                 r->always);
        draw_title(out, title, axis);
        fprintf(out,
                "set lmargin 8\nset rmargin 3\nset tmargin 3.8\nset bmargin 3.5\nset xrange [0:100]\nset xtics 0,10 "
                "format '%%.0f'\nset yrange [0:*]\nset style fill solid 0.85 noborder\nset boxwidth %g\n"
                "set xlabel '%% of the %s rows' textcolor rgb '#666666'\n",
                100.0 / PLOT_BINS * 0.88, strcmp(part, "valid") == 0 ? "validation" : "test");
        fprintf(out,
                "set arrow 1 from first %g, graph 0 to first %g, graph 1 nohead dashtype (6,5) linewidth 1.2 linecolor "
                "rgb '#666666' front\nset label 3 'mean %.1f %%' at first %g, graph 0.94 left offset 0.6,0 textcolor "
                "rgb '#666666' front\n",
                r->mean_open, r->mean_open, r->mean_open, r->mean_open);
        fprintf(out, "plot $bins%zu using 1:2 with boxes linecolor rgb '%s'\n", k, draw_colour(k));
    }
    fprintf(out, "unset multiplot\nunset output\n");
}

/// A panel per layer of gates: the load of each gate, from the most used one on, beside that of gates used alike.
static void load_figure(FILE *out, const plot_run *runs, size_t count, const char *folder, const char *format,
                        const char *part, cli_list *written) {
    enum { most_panels = 12 };
    size_t panels = 0;
    for (size_t k = 0; k < count; k++) panels += runs[k].load_count;
    if (panels == 0) return;
    if (panels > most_panels) panels = most_panels;
    for (size_t k = 0, n = 0; k < count; k++)
        for (size_t i = 0; i < runs[k].load_count && n < panels; i++, n++) {
            fprintf(out, "$load%zu << EOD\n", n);
            for (size_t g = 0; g < runs[k].loads[i].gates; g++)
                fprintf(out, "%zu %.6g\n", g + 1, 100 * runs[k].loads[i].open[g]);
            fprintf(out, "EOD\n");
        }
    draw_begin(out, folder, "load", format, 640, (int)(panels == 1 ? 380 : 300 * panels), written);
    fprintf(out, "set multiplot layout %zu,1\n", panels);
    for (size_t k = 0, n = 0; k < count; k++)
        for (size_t i = 0; i < runs[k].load_count && n < panels; i++, n++) {
            const weir_load *load = &runs[k].loads[i];
            char title[200], axis[240];
            double mean = 0;
            for (size_t g = 0; g < load->gates; g++) mean += 100 * load->open[g] / (double)load->gates;
            snprintf(title, sizeof title, "Load of %.60s%s%.60s", runs[k].load_name[i],
                     count > 1 ? ", " : "", count > 1 ? runs[k].name : "");
            for (char *c = title; *c != '\0'; c++)
                if (strchr("'{}_^@&~", *c) != NULL) *c = '-';
            snprintf(axis, sizeof axis, "%% of the %s rows that open a gate; entropy %.3f, overlap %.3f, %zu never open",
                     strcmp(part, "valid") == 0 ? "validation" : "test", load->entropy, load->overlap, load->dead);
            draw_title(out, title, axis);
            fprintf(out,
                    "unset arrow\nset lmargin 8\nset rmargin 12\nset tmargin 3.8\nset bmargin 3.5\nset xrange [0.5:%g]\n"
                    "set xtics autofreq format '%%.0f'\nset yrange [0:*]\nset ytics autofreq format '%%g'\n"
                    "set style fill solid 0.85 noborder\nset boxwidth %g\n"
                    "set xlabel 'gates, from the most used one on' textcolor rgb '#666666'\n",
                    (double)load->gates + 0.5, load->gates <= 200 ? 0.85 : 1.0);
            fprintf(out, "set label 3 'even: %.1f %%' at graph 1, first %g left offset 0.6,0 textcolor rgb '#666666' front\n",
                    mean, mean);
            fprintf(out,
                    "plot $load%zu using 1:2 with boxes linecolor rgb '%s', %g with lines dashtype (6,5) linewidth 1.2 "
                    "linecolor rgb '#444444'\n",
                    n, draw_colour(k), mean);
        }
    fprintf(out, "unset multiplot\nunset output\n");
}

typedef struct devotion {
    size_t gate, class; ///< class for which the gate is open most often; the number of classes if it never is
    float rate;
} devotion;

static devotion devotion_of(const plot_run *run, size_t gate) {
    devotion most = {gate, run->classes, 0};
    for (size_t c = 0; c < run->classes; c++) {
        float rate = run->by_class[c * run->gates + gate];
        if (rate > most.rate) most = (devotion){gate, c, rate};
    }
    return most;
}

static int by_devotion(const void *left, const void *right) {
    const devotion *a = left, *b = right;
    if (a->class != b->class) return a->class < b->class ? -1 : 1;
    if (a->rate > b->rate || a->rate < b->rate) return a->rate > b->rate ? -1 : 1;
    return a->gate < b->gate ? -1 : 1;
}

/// The order in which a map shows the gates: by the class for which each is open most often, the most devoted first;
/// those that are never open last. order [gates]. False when memory is short.
static bool gate_order(const plot_run *run, size_t *order) {
    devotion *gates = calloc(run->gates + 1, sizeof *gates);
    if (gates == NULL) return false;
    for (size_t g = 0; g < run->gates; g++) gates[g] = devotion_of(run, g);
    qsort(gates, run->gates, sizeof *gates, by_devotion);
    for (size_t g = 0; g < run->gates; g++) order[g] = gates[g].gate;
    free(gates);
    return true;
}

/// Data of a map: "gate class percent" for each cell, and the pictures as "x y ink".
static void print_map(FILE *out, const plot_run *run, const size_t *order) {
    fprintf(out, "$map << EOD\n");
    for (size_t c = 0; c < run->classes; c++)
        for (size_t g = 0; g < run->gates; g++)
            fprintf(out, "%zu %zu %.1f\n", g, c, (double)run->by_class[c * run->gates + order[g]]);
    fprintf(out, "EOD\n$pictures << EOD\n");
    const size_t cells = run->side * run->side;
    for (size_t c = 0; run->picture != NULL && c < run->classes; c++)
        for (size_t i = 0; i < cells; i++)
            fprintf(out, "%g %g %d\n", ((double)(i % run->side) + 0.5) / (double)run->side,
                    (double)c + ((double)(i / run->side) + 0.5) / (double)run->side - 0.5, run->picture[c * cells + i]);
    fprintf(out, "EOD\n");
}

/// The ticks of the classes: their names, or numbers.
static void class_ticks(FILE *out, const plot_run *run) {
    if (run->class_name == NULL) {
        fprintf(out, "set ytics 1\n");
        return;
    }
    fprintf(out, "set ytics noenhanced (");
    for (size_t c = 0; c < run->classes; c++) {
        char name[32];
        snprintf(name, sizeof name, "%.28s", run->class_name[c] != NULL ? run->class_name[c] : "");
        fprintf(out, "%s", c > 0 ? ", " : "");
        draw_quoted(out, name);
        fprintf(out, " %zu", c);
    }
    fprintf(out, ")\n");
}

static size_t longest_name(const plot_run *run) {
    size_t longest = 0;
    for (size_t c = 0; run->class_name != NULL && c < run->classes; c++) {
        const size_t length = run->class_name[c] != NULL ? strlen(run->class_name[c]) : 0;
        if (length > longest) longest = length < 28 ? length : 28;
    }
    return longest;
}

/// Rows: classes, each with a picture of it; columns: gates, by their favourite class. Of one run alone.
static void classes_figure(FILE *out, const plot_run *run, const char *folder, const char *format, const char *part,
                           cli_list *written) {
    size_t *order = run->classes > 0 && run->gates > 0 ? calloc(run->gates, sizeof *order) : NULL;
    if (order == NULL || !gate_order(run, order)) {
        free(order);
        return;
    }
    print_map(out, run, order);
    const int height = 90 + 34 * (int)run->classes;
    const double left = run->picture == NULL ? fmax(0.085, 0.02 + 0.0092 * (double)longest_name(run)) : 0.085, bottom = 50.0 / height, top = 1 - 52.0 / height;
    char axis[160];
    snprintf(axis, sizeof axis, "how often each of %zu gates is open for the %s rows of a class; %zu are never open",
             run->gates, strcmp(part, "valid") == 0 ? "validation" : "test", run->never);
    draw_begin(out, folder, "classes", format, 860, height, written);
    fprintf(out, "set multiplot\nunset grid\nunset border\nset format y '%%.0f'\nset tics scale 0\n");
    draw_title(out, "Which gates are open for which class", axis);
    fprintf(out,
            "set lmargin at screen %g\nset rmargin at screen 0.88\nset bmargin at screen %g\nset tmargin at screen %g\n"
            "set xrange [-0.5:%g]\nset yrange [%g:-0.5]\nset cbrange [0:100]\n"
            "set palette defined (0 '#f3f6f8', 15 '#bcdcee', 50 '#2f8fc6', 100 '#053d61')\n"
            "set colorbox user origin 0.905,%g size 0.018,%g noborder\nset cbtics 25 format '%%.0f %%%%'\n"
            "unset xtics\nset xlabel 'gates, ordered by the class for which they are open most often' textcolor rgb "
            "'#666666'\n",
            left, bottom, top, (double)run->gates - 0.5, (double)run->classes - 0.5, bottom, top - bottom);
    if (run->picture != NULL)
        fprintf(out, "unset ytics\n");
    else
        class_ticks(out, run);
    // Sharp cells; one image, which viewers smooth, where they are tiny.
    fprintf(out, "plot $map using 1:2:3 with image %s\n", run->gates <= 400 ? "pixels" : "");
    if (run->picture != NULL)
        fprintf(out,
                "unset label\nunset xlabel\nset lmargin at screen %g\nset rmargin at screen %g\nset xrange [0:1]\n"
                "set cbrange [0:255]\nset palette defined (0 '#ffffff', 255 '#222222')\nunset colorbox\n"
                "plot $pictures using 1:2:3 with image\n",
                left - 38.0 / 860, left - 4.0 / 860);
    fprintf(out, "unset multiplot\nunset output\n");
    free(order);
}

void plot_script(FILE *out, const plot_run *runs, size_t count, const char *folder, const char *format,
                 const char *part, cli_list *written) {
    print_data(out, runs, count);
    learning_figure(out, runs, count, folder, format, written);
    share_figure(out, runs, count, folder, format, written);
    gates_figure(out, runs, count, folder, format, part, written);
    load_figure(out, runs, count, folder, format, part, written);
    if (count == 1) classes_figure(out, runs, folder, format, part, written);
}
