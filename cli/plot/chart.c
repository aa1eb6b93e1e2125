// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file chart.c
/// Curves and bars as text: braille dots (2 × 4 per character) where the locale speaks UTF-8, plain characters
/// elsewhere. Curves carry their names at their right end.
#include "base/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHART_ROWS = 12, LABEL_WIDTH = 9, NAME_WIDTH = 22, MOST_COLUMNS = 100 };

static const int colours[] = {34, 33, 32, 35, 36, 31}; // blue, yellow, green, magenta, cyan, red

typedef struct canvas {
    size_t columns, dots_x, dots_y;
    unsigned char dots[CHART_ROWS][MOST_COLUMNS];  // braille: bits of the character; else the mark
    unsigned char owner[CHART_ROWS][MOST_COLUMNS]; // curve + 1
    bool utf8;
} canvas;

static void dot(canvas *c, size_t x, size_t y, size_t curve) {
    static const unsigned char bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x >= c->dots_x || y >= c->dots_y) return;
    size_t column = c->utf8 ? x / 2 : x, row = c->utf8 ? y / 4 : y;
    if (c->utf8)
        c->dots[row][column] |= bits[y % 4][x % 2];
    else
        c->dots[row][column] = (unsigned char)"*o+x#@"[curve % 6];
    c->owner[row][column] = (unsigned char)(curve % 250 + 1);
}

static void line(canvas *c, double x0, double y0, double x1, double y1, size_t curve) {
    size_t steps = (size_t)(fmax(fabs(x1 - x0), fabs(y1 - y0)) + 1);
    for (size_t i = 0; i <= steps; i++) {
        double t = (double)i / (double)steps;
        dot(c, (size_t)(x0 + t * (x1 - x0) + 0.5), (size_t)(y0 + t * (y1 - y0) + 0.5), curve);
    }
}

/// The least and greatest finite values of all curves, widened where they are equal.
static bool extent(const cli_curve *curves, size_t count, bool of_x, double *low, double *high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < curves[k].count; i++) {
            if (!isfinite(curves[k].y[i])) continue;
            double value = of_x ? curves[k].x[i] : curves[k].y[i];
            *low = fmin(*low, value);
            *high = fmax(*high, value);
        }
    if (!(*low <= *high)) return false;
    if (*low == *high) {
        const bool zero = !of_x && *low == 0; // an error of 0: between 0 and 1
        const double margin = of_x ? 0.5 : 0.1 * fabs(*low);
        *low -= margin;
        *high += zero ? 1 : margin;
    }
    return true;
}

static void print_row(FILE *out, const canvas *c, size_t row) {
    bool coloured = cli_colour(out);
    int current = 0;
    for (size_t x = 0; x < c->columns; x++) {
        int colour = c->owner[row][x] == 0 ? 0 : colours[(c->owner[row][x] - 1u) % CLI_COUNT_OF(colours)];
        if (coloured && colour != current) {
            if (colour == 0)
                fputs("\033[0m", out);
            else
                fprintf(out, "\033[%dm", colour);
        }
        current = colour;
        if (c->owner[row][x] == 0)
            fputc(' ', out);
        else if (c->utf8)
            fprintf(out, "\xe2%c%c", 0xa0 + c->dots[row][x] / 64, 0x80 + c->dots[row][x] % 64);
        else
            fputc(c->dots[row][x], out);
    }
    if (coloured && current != 0) fputs("\033[0m", out);
}

/// Loss and error fall steeply and then slowly: a logarithmic axis shows both.
static bool wants_log(double low, double high) { return low > 0 && high / low > 6; }

static double height_of(double y, bool log_y) { return log_y ? log(y) : y; }

/// The rows in which the names stand: that of each curve's last point, or the nearest free one.
static void place_names(const cli_curve *curves, size_t count, double low, double high, bool log_y,
                        size_t names[CHART_ROWS]) {
    for (size_t r = 0; r < CHART_ROWS; r++) names[r] = SIZE_MAX;
    for (size_t k = 0; k < count; k++) {
        double last = NAN;
        for (size_t i = 0; i < curves[k].count; i++)
            if (isfinite(curves[k].y[i])) last = curves[k].y[i];
        if (!isfinite(last) || curves[k].label == NULL) continue;
        size_t row = (size_t)((high - height_of(last, log_y)) / (high - low) * (CHART_ROWS - 1) + 0.5);
        for (size_t away = 1; names[row] != SIZE_MAX && away < CHART_ROWS; away++) { // the nearest free row
            if (row >= away && names[row - away] == SIZE_MAX)
                row -= away;
            else if (row + away < CHART_ROWS && names[row + away] == SIZE_MAX)
                row += away;
        }
        if (names[row] == SIZE_MAX) names[row] = k;
    }
}

static size_t chart_columns(FILE *out, bool names) {
    size_t width = cli_width(out), taken = 2 + LABEL_WIDTH + 2 + (names ? NAME_WIDTH : 2);
    if (width < taken + 20) width = taken + 20;
    return width - taken < MOST_COLUMNS ? width - taken : MOST_COLUMNS;
}

static void print_axis(FILE *out, size_t columns, double low, double high, const char *label) {
    char left[CLI_NUMBER], right[CLI_NUMBER];
    fprintf(out, "%*s %s", 2 + LABEL_WIDTH, "", cli_utf8() ? "└" : "+");
    for (size_t x = 0; x < columns; x++) fputs(cli_utf8() ? "─" : "-", out);
    snprintf(left, sizeof left, "%.3g", low);
    snprintf(right, sizeof right, "%.3g", high);
    size_t taken = strlen(left) + strlen(right) + strlen(label), gap = columns > taken + 2 ? columns - taken : 2;
    fprintf(out, "\n%*s  %s%*s%s%*s%s\n", 2 + LABEL_WIDTH, "", left, (int)(gap / 2), "", label, (int)(gap - gap / 2),
            "", right);
}

void cli_chart(FILE *out, const char *title, const char *x_label, const cli_curve *curves, size_t count) {
    double x_low, x_high, low, high;
    fprintf(out, "\n%*s  %s%s%s\n", 2 + LABEL_WIDTH, "", cli_bold(out), title, cli_plain(out));
    if (!extent(curves, count, true, &x_low, &x_high) || !extent(curves, count, false, &low, &high)) {
        fprintf(out, "%*s  (nothing to draw)\n", 2 + LABEL_WIDTH, "");
        return;
    }
    bool log_y = wants_log(low, high), named = false;
    low = height_of(low, log_y);
    high = height_of(high, log_y);
    for (size_t k = 0; k < count; k++) named |= curves[k].label != NULL;
    canvas c = {.columns = chart_columns(out, named), .utf8 = cli_utf8()};
    c.dots_x = c.utf8 ? 2 * c.columns : c.columns;
    c.dots_y = c.utf8 ? 4 * CHART_ROWS : CHART_ROWS;
    double to_x = (double)(c.dots_x - 1) / (x_high - x_low), to_y = (double)(c.dots_y - 1) / (high - low);
    for (size_t k = 0; k < count; k++) {
        double px = NAN, py = NAN;
        for (size_t i = 0; i < curves[k].count; i++) {
            if (!isfinite(curves[k].y[i])) continue;
            double x = (curves[k].x[i] - x_low) * to_x, y = (high - height_of(curves[k].y[i], log_y)) * to_y;
            line(&c, isfinite(px) ? px : x, isfinite(py) ? py : y, x, y, k);
            px = x;
            py = y;
        }
    }
    size_t names[CHART_ROWS];
    place_names(curves, count, low, high, log_y, names);
    for (size_t r = 0; r < CHART_ROWS; r++) {
        char label[CLI_NUMBER] = "";
        double here = high - (high - low) * (double)r / (CHART_ROWS - 1);
        if (r % 4 == 0 || r == CHART_ROWS - 1) snprintf(label, sizeof label, "%.3g", log_y ? exp(here) : here);
        fprintf(out, "  %*s %s", LABEL_WIDTH, label, c.utf8 ? (label[0] == '\0' ? "│" : "┤") : "|");
        print_row(out, &c, r);
        if (names[r] != SIZE_MAX) {
            if (cli_colour(out)) fprintf(out, "\033[%dm", colours[names[r] % CLI_COUNT_OF(colours)]);
            if (!c.utf8) fprintf(out, " %c", "*o+x#@"[names[r] % 6]);
            fprintf(out, " %.*s%s", NAME_WIDTH - 3, curves[names[r]].label, cli_plain(out));
        }
        fputc('\n', out);
    }
    print_axis(out, c.columns, x_low, x_high, x_label);
}

void cli_bars(FILE *out, const char *title, const char *x_label, const double *heights, size_t count, double low,
              double high) {
    static const char *const eighths[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double most = 0;
    for (size_t i = 0; i < count; i++) most = fmax(most, heights[i]);
    size_t columns = chart_columns(out, false), each = count == 0 ? 1 : columns / count;
    bool utf8 = cli_utf8();
    if (each == 0) each = 1;
    if (each > 3) each = 3;
    fprintf(out, "\n%*s  %s%s%s\n", 2 + LABEL_WIDTH, "", cli_bold(out), title, cli_plain(out));
    for (size_t r = 0; r < CHART_ROWS; r++) {
        double base = most * (double)(CHART_ROWS - 1 - r) / CHART_ROWS; // height at the foot of this row
        char label[CLI_NUMBER] = "";
        if (r % 4 == 0) snprintf(label, sizeof label, "%.0f", base + most / CHART_ROWS);
        fprintf(out, "  %*s %s%s", LABEL_WIDTH, label, utf8 ? (label[0] == '\0' ? "│" : "┤") : "|",
                cli_colour(out) ? "\033[34m" : "");
        for (size_t i = 0; i < count; i++) {
            double part = most > 0 ? (heights[i] - base) / (most / CHART_ROWS) : 0;
            size_t level = part <= 0 ? 0 : part >= 1 ? 8 : (size_t)ceil(part * 8);
            for (size_t k = 0; k < each; k++)
                fputs(each > 1 && k + 1 == each ? " "
                      : utf8                    ? eighths[level]
                      : level >= 4              ? "#"
                      : level > 0               ? "."
                                                : " ",
                      out);
        }
        fprintf(out, "%s\n", cli_plain(out));
    }
    print_axis(out, count * each, low, high, x_label);
}
