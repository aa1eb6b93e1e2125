// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file progress.c
/// A progress bar on the last line of a terminal; silent where standard error is none.
#include "cli.h"

#include <string.h>

void cli_bar_begin(cli_bar *bar) {
    *bar = (cli_bar){.live = cli_is_terminal(stderr), .started = cli_clock(), .shown = -1};
}

void cli_bar_clear(cli_bar *bar) {
    cli_line_clear();
    bar->shown = -1;
}

/// Cells of the bar, each a half or a whole: ━━━━━╸─────.
static void draw_cells(size_t cells, double fraction) {
    size_t halves = (size_t)(fraction * 2 * (double)cells + 0.5), full = halves / 2;
    bool utf8 = cli_utf8();
    fputs(cli_colour(stderr) ? "\033[36m" : "", stderr);
    for (size_t i = 0; i < full; i++) fputs(utf8 ? "━" : "#", stderr);
    bool half = utf8 && halves % 2 == 1 && full < cells;
    if (half) fputs("╸", stderr);
    fprintf(stderr, "%s%s", cli_plain(stderr), cli_dim(stderr));
    for (size_t i = full + half; i < cells; i++) fputs(utf8 ? "─" : ".", stderr);
    fputs(cli_plain(stderr), stderr);
}

void cli_bar_show(cli_bar *bar, double fraction, double seconds_left, const char *left, const char *right) {
    double now = cli_clock();
    if (!bar->live || (bar->shown >= 0 && now - bar->shown < 0.1)) return;
    bar->shown = now;
    if (!(fraction >= 0)) fraction = 0;
    if (fraction > 1) fraction = 1;
    char time[CLI_NUMBER], tail[160];
    snprintf(tail, sizeof tail, " %3.0f %%  %s%s%s", 100 * fraction, right, seconds_left < 0 ? "" : "  ",
             seconds_left < 0 ? "" : cli_duration(time, seconds_left));
    if (seconds_left >= 0) snprintf(tail + strlen(tail), sizeof tail - strlen(tail), " left");
    size_t width = cli_width(stderr), taken = strlen(left) + 1 + strlen(tail);
    cli_line_begin();
    if (taken + 6 <= width) {
        size_t cells = width - taken - 1;
        fprintf(stderr, "%s ", left);
        draw_cells(cells < 40 ? cells : 40, fraction);
        fputs(tail, stderr);
    } else // too narrow for a bar: what fits of the text
        fprintf(stderr, "%.*s", (int)(width > 1 ? width - 1 : 1), tail);
    fflush(stderr);
}
