// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file draw.c
/// What all figures share, as pieces of gnuplot scripts: colours of Okabe and Ito (told apart by colour-blind readers),
/// curves labelled at their ends, thin grid, no frame.
#include "draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *draw_colour(size_t index) {
    static const char *const palette[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444"};
    return palette[index % CLI_COUNT_OF(palette)];
}

void draw_quoted(FILE *out, const char *text) {
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'') fputc('\'', out);
        fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
    }
    fputc('\'', out);
}

void draw_begin(FILE *out, const char *folder, const char *name, const char *format, int width, int height,
                cli_list *written) {
    char file[64];
    snprintf(file, sizeof file, "%s.%s", name, format);
    char *path = cli_path(folder, file);
    if (path == NULL) return;
    fprintf(out, "reset\n");
    if (strcmp(format, "svg") == 0)
        fprintf(out, "set terminal svg size %d,%d dynamic background rgb 'white' font 'Arial,14' linewidth 1\n", width,
                height);
    else
        fprintf(out,
                "if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo size %d,%d background rgb "
                "'white' font 'Sans,19' linewidth 2 pointscale 2 } else { set terminal png size %d,%d font 'Sans,19' "
                "linewidth 2 "
                "}\n",
                2 * width, 2 * height, 2 * width, 2 * height);
    fprintf(out, "set output ");
    draw_quoted(out, path);
    fprintf(out, "\nset encoding utf8\nset border 3 linecolor rgb '#888888' linewidth 1\n"
                 "set tics nomirror out scale 0.5 textcolor rgb '#444444'\n"
                 "set grid ytics linetype 1 linecolor rgb '#e6e6e6' linewidth 1\n"
                 "unset key\n");
    cli_list_add(written, "%s", path);
    free(path);
}

void draw_title(FILE *out, const char *title, const char *axis) {
    fprintf(out,
            "unset label\nunset arrow\n"
            "set label 1 '{/:Bold %s}' at graph 0, graph 1 offset -0.5,1.95 enhanced textcolor rgb '#222222'\n"
            "set label 2 '%s' at graph 0, graph 1 offset -0.5,0.9 noenhanced textcolor rgb '#666666'\n",
            title, axis);
}

void draw_labels(FILE *out, draw_label *labels, size_t count, double x, double low, double high, bool log_y) {
    double place[DRAW_LABELS], from = log_y ? log(low) : low, span = (log_y ? log(high) : high) - from;
    size_t order[DRAW_LABELS];
    for (size_t i = 0; i < count; i++) {
        double y = ((log_y ? log(labels[i].y) : labels[i].y) - from) / span;
        y = y > 0 ? fmin(y, 1) : 0; // also of what the axis cannot show
        size_t at = i;
        for (; at > 0 && place[at - 1] > y; at--) {
            place[at] = place[at - 1];
            order[at] = order[at - 1];
        }
        place[at] = y;
        order[at] = i;
    }
    const double least = 0.065;
    for (int pass = 0; pass < 50; pass++)
        for (size_t i = 1; i < count; i++) {
            double lack = least - (place[i] - place[i - 1]);
            if (lack <= 0) continue;
            place[i] += lack / 2 + 1e-6;
            place[i - 1] -= lack / 2 + 1e-6;
        }
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "set label %zu ", 10 + i);
        draw_quoted(out, labels[order[i]].text);
        fprintf(out, " at first %g, graph %g left offset 0.8,0 textcolor rgb '%s' noenhanced\n", x, place[i],
                labels[order[i]].colour);
    }
}

size_t draw_room(const draw_label *labels, size_t count) {
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        if (strlen(labels[i].text) > longest) longest = strlen(labels[i].text);
    return 3 + (longest < 50 ? longest : 50) * 17 / 20; // proportional letters are narrower than gnuplot's unit
}

void draw_band(FILE *out, const char *name, size_t k, int mean, double low, bool line, const char *colour) {
    const int spread = mean + 1;
    fprintf(out, "$%s%zu using 1:", name, k);
    if (line)
        fprintf(out,
                "($%d-$%d > %g ? $%d-$%d : %g):($%d+$%d) with filledcurves fillcolor rgb '%s' fillstyle transparent solid "
                "0.14 noborder, ",
                mean, spread, low, mean, spread, low, mean, spread, colour);
    else
        fprintf(out, "%d:%d with yerrorbars pointtype 7 pointsize 0 linewidth 1.5 linecolor rgb '%s', ", mean, spread,
                colour);
}

void draw_epochs(FILE *out, double last) {
    static const int steps[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
    size_t s = 0;
    while (s + 1 < CLI_COUNT_OF(steps) && last / steps[s] > 10) s++;
    fprintf(out, "set xrange [%g:%g]\nset xtics %d,%d format '%%.0f'\n", last > 1 ? 1.0 : 0.5, last > 1 ? last : 1.5,
            steps[s] == 1 ? 1 : 0, steps[s]);
    fprintf(out, "set xlabel 'epoch' textcolor rgb '#666666'\n");
}

draw_range draw_range_of(double least, double most, bool log_wanted) {
    if (!(least <= most)) return (draw_range){0, 1, false};
    if (log_wanted && least > 0 && most / least > 6) return (draw_range){least / 1.25, most * 1.25, true};
    const double low = fmin(least, 0), high = fmax(most, 0);
    const double room = high > low ? 0.08 * (high - low) : 1;
    return (draw_range){low < 0 ? low - room : 0, high + room, false};
}

void draw_log_ticks(FILE *out, const char *axis, double low, double high) {
    bool many = high / low > 300;
    const char *comma = "";
    fprintf(out, "set logscale %s\n", axis);
    if (high / low < 5) { // 1, 2 and 5 may all lie outside
        fprintf(out, "set %stics autofreq\n", axis);
        return;
    }
    fprintf(out, "set %stics (", axis);
    for (int power = (int)floor(log10(low)); power <= (int)ceil(log10(high)); power++)
        for (int m = 0; m < (many ? 1 : 3); m++) {
            double tick = pow(10, power) * (m == 0 ? 1 : m == 1 ? 2 : 5);
            if (tick < low || tick > high) continue;
            fprintf(out, "%s%g", comma, tick);
            comma = ", ";
        }
    fprintf(out, ")\n");
}
