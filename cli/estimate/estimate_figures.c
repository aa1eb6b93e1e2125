// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate_figures.c
/// Figures of the laboratory: curves over the steps of a training, labelled at their ends.
#include "estimate.h"

#include <math.h>
#include <stdlib.h>

#include "plot/draw.h"

/// The values that can be drawn: their range, with room below and above for labels.
static void set_range(const lab_panel *panel, double *low, double *high) {
    *low = panel->low;
    *high = panel->high;
    if (!isnan(*low) && !isnan(*high)) return;
    double least = INFINITY, most = 0;
    for (size_t k = 0; k < panel->count; k++)
        for (size_t i = 0; i < panel->curves[k].count; i++) {
            const double y = panel->curves[k].y[i];
            if (!isfinite(y) || y <= 1e-13) continue; // rules without noise
            least = fmin(least, y);
            most = fmax(most, y);
        }
    if (!(least <= most)) least = 1e-13, most = 1;
    *low = least / pow(most / least, 0.25) / 2;
    *high = most * 2;
}

static void write_panel(FILE *out, const lab_panel *panel) {
    draw_label labels[DRAW_LABELS];
    double low, high, last = 1;
    const size_t count = panel->count < DRAW_LABELS ? panel->count : DRAW_LABELS;
    set_range(panel, &low, &high);
    for (size_t k = 0; k < count; k++) {
        const lab_curve *c = &panel->curves[k];
        fprintf(out, "$r%zu << EOD\n", k);
        for (size_t i = 0; i < c->count; i++)
            if (isfinite(c->y[i]) && c->y[i] > 0) fprintf(out, "%g %.9g\n", c->x[i], c->y[i]);
        fprintf(out, "EOD\n");
        last = fmax(last, c->x[c->count - 1]);
        labels[k] = (draw_label){fmin(high, fmax(low, c->y[c->count - 1])), c->label, draw_colour(k)};
    }
    draw_title(out, panel->title, panel->axis);
    fprintf(out,
            "set rmargin %zu\nset tmargin 4\nset lmargin 11\nset xrange [0:%g]\nset yrange [%.9g:%.9g]\n%s\n"
            "set xlabel 'step' textcolor rgb '#666666'\n",
            draw_room(labels, count) + 3, last, low, high, panel->log_y ? "set logscale y" : "unset logscale y");
    fprintf(out, panel->log_y ? "set format y '10^{%%T}'\n" : "set format y '%%g'\n");
    draw_labels(out, labels, count, last, low, high, panel->log_y);
    fprintf(out, "plot ");
    for (size_t k = 0; k < count; k++)
        fprintf(
            out,
            "%s$r%zu using 1:2 with linespoints pointtype 7 pointsize 0.3 linewidth 2 dashtype %d linecolor rgb '%s'",
            k ? ", " : "", k, k < 7 ? 1 : 2, draw_colour(k));
    fprintf(out, "\n");
}

int lab_draw(const lab_panel *panels, size_t count, const lab_options *o) {
    char *script = NULL;
    size_t size = 0;
    cli_list written = {0};
    bool missing = false;
    if (cli_folder_make(o->out) != CLI_OK) return CLI_FAILED;
    FILE *out = open_memstream(&script, &size);
    if (out == NULL) return cli_error("out of memory");
    for (size_t k = 0; k < count; k++) {
        draw_begin(out, o->out, panels[k].file, o->format, 900, 480, &written);
        write_panel(out, &panels[k]);
    }
    int status = fclose(out) == 0 ? draw_gnuplot(script, &missing) : cli_error("out of memory");
    if (missing) status = cli_error("figures need gnuplot, which is not installed");
    for (size_t k = 0; status == CLI_OK && !o->json && k < written.count; k++) printf("%s\n", written.items[k]);
    free(script);
    cli_list_free(&written);
    return status;
}
