// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bench_figure.c
/// Time against share of gates open: a panel per batch, in it a curve per block size, the dense time and the floor.
#include "bench.h"
#include "plot/draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PANELS = 4, MOST_CURVES = 8 };

/// The cases that are drawn: those that differ from the first in block, share and batch only.
typedef struct drawing {
    const bench_case *cases;
    const bench_result *results;
    size_t count;
    bool train; // else the forward pass
    size_t batches[MOST_PANELS], blocks[MOST_CURVES];
    size_t batch_count, block_count;
} drawing;

static bool is_drawn(const drawing *d, size_t k) {
    const bench_case *a = &d->cases[0], *b = &d->cases[k];
    return a->inputs == b->inputs && a->outputs == b->outputs && a->precision == b->precision &&
           a->two_sided == b->two_sided && d->results[k].open > 0;
}

static void collect(size_t *list, size_t *count, size_t most, size_t value) {
    for (size_t k = 0; k < *count; k++)
        if (list[k] == value) return;
    if (*count < most) list[(*count)++] = value;
}

static double time_in(const drawing *d, const bench_times *times) { return d->train ? times->train : times->forward; }

/// The points of one curve.
static void print_points(FILE *out, const drawing *d, size_t batch, size_t block, size_t offset) {
    double last = -1;
    for (size_t k = 0; k < d->count; k++) {
        if (!is_drawn(d, k) || d->cases[k].batch != batch || d->cases[k].block != block) continue;
        const bench_times *times = (const bench_times *)(const void *)((const char *)&d->results[k] + offset);
        if (d->cases[k].share <= last) continue; // a list that is not ascending
        last = d->cases[k].share;
        fprintf(out, "%.9g %.9g\n", d->results[k].open, time_in(d, times));
    }
    fprintf(out, "EOD\n");
}

static void print_data(FILE *out, const drawing *d) {
    for (size_t p = 0; p < d->batch_count; p++) {
        for (size_t c = 0; c < d->block_count; c++) {
            fprintf(out, "$gated%zu_%zu << EOD\n", p, c);
            print_points(out, d, d->batches[p], d->blocks[c], offsetof(bench_result, gated));
        }
        fprintf(out, "$dense%zu << EOD\n", p);
        print_points(out, d, d->batches[p], d->blocks[0], offsetof(bench_result, dense));
        fprintf(out, "$floor%zu << EOD\n", p);
        print_points(out, d, d->batches[p], d->blocks[0], offsetof(bench_result, floor));
    }
}

typedef struct range {
    double low, high;
} range;

static void widen(range *r, double value) {
    if (!(value > 0)) return;
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
}

static void draw_panel(FILE *out, const drawing *d, size_t panel, size_t room) {
    range x = {INFINITY, 0}, y = {INFINITY, 0};
    draw_label labels[DRAW_LABELS] = {{0}};
    char texts[MOST_CURVES][32], title[120], axis[120];
    double ends[MOST_CURVES] = {0}, dense = NAN, least = NAN;
    for (size_t k = 0; k < d->count; k++) {
        if (!is_drawn(d, k) || d->cases[k].batch != d->batches[panel]) continue;
        const bench_result *r = &d->results[k];
        widen(&x, r->open);
        widen(&y, time_in(d, &r->gated)), widen(&y, time_in(d, &r->dense)), widen(&y, time_in(d, &r->floor));
        for (size_t c = 0; c < d->block_count; c++)
            if (d->cases[k].block == d->blocks[c]) ends[c] = time_in(d, &r->gated);
        dense = time_in(d, &r->dense), least = time_in(d, &r->floor);
    }
    if (!(x.low <= x.high) || !(y.low <= y.high)) return;
    if (x.low == x.high) x.low /= 1.25, x.high *= 1.25;
    y.low /= 1.25, y.high *= 1.25;
    size_t count = 0;
    for (size_t c = 0; c < d->block_count; c++) {
        if (!(ends[c] > 0)) continue;
        snprintf(texts[c], sizeof texts[c], "blocks of %zu", d->blocks[c]);
        labels[count++] = (draw_label){ends[c], texts[c], draw_colour(c)};
    }
    labels[count++] = (draw_label){dense, "dense", "#222222"};
    labels[count++] = (draw_label){least, "floor", "#888888"};
    snprintf(title, sizeof title, "%s, %zu row%s", d->train ? "Training step" : "Forward", d->batches[panel],
             d->batches[panel] == 1 ? "" : "s");
    snprintf(axis, sizeof axis, "milliseconds, %zu x %zu, %s", d->cases[0].inputs, d->cases[0].outputs,
             weir_precision_name(d->cases[0].precision));
    draw_title(out, title, axis);
    fprintf(out, "set rmargin %zu\nset lmargin 8\nset tmargin 3.8\nset bmargin 3.5\n", room);
    fprintf(out, "set xrange [%g:%g]\nset yrange [%g:%g]\n", x.low, x.high, y.low, y.high);
    fprintf(out, "set xlabel 'share of gates open' textcolor rgb '#666666'\n");
    draw_log_ticks(out, "x", x.low, x.high);
    draw_log_ticks(out, "y", y.low, y.high);
    draw_labels(out, labels, count, x.high, y.low, y.high, true);
    fprintf(out,
            "plot $dense%zu using 1:2 with lines dashtype 2 linewidth 2 linecolor rgb '#222222', "
            "$floor%zu using 1:2 with lines dashtype 3 linewidth 2 linecolor rgb '#888888'",
            panel, panel);
    for (size_t c = 0; c < d->block_count; c++)
        if (ends[c] > 0)
            fprintf(
                out,
                ", $gated%zu_%zu using 1:2 with linespoints pointtype 7 pointsize 0.4 linewidth 2 linecolor rgb '%s'",
                panel, c, draw_colour(c));
    fprintf(out, "\n");
}

static void print_script(FILE *out, const drawing *d, const char *folder, const char *format, cli_list *written) {
    const draw_label longest = {1, "blocks of 1024", ""};
    size_t room = draw_room(&longest, 1), columns = d->batch_count > 1 ? 2 : 1,
           rows = (d->batch_count + columns - 1) / columns;
    print_data(out, d);
    draw_begin(out, folder, "gated", format, (int)(columns * (430 + 10 * room)), (int)(rows * 400), written);
    fprintf(out, "set multiplot layout %zu,%zu\n", rows, columns);
    for (size_t p = 0; p < d->batch_count; p++) draw_panel(out, d, p, room);
    fprintf(out, "unset multiplot\nunset output\n");
}

int bench_figure(const bench_case *cases, const bench_result *results, size_t count, const char *folder,
                 cli_list *written) {
    drawing d = {.cases = cases, .results = results, .count = count};
    d.train = !(cases[0].passes & BENCH_FORWARD);
    for (size_t k = 0; k < count; k++) {
        if (!is_drawn(&d, k)) continue;
        collect(d.batches, &d.batch_count, MOST_PANELS, cases[k].batch);
        collect(d.blocks, &d.block_count, MOST_CURVES, cases[k].block);
    }
    char *script = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&script, &size);
    if (out == NULL) return cli_error("out of memory");
    print_script(out, &d, folder, "svg", written);
    print_script(out, &d, folder, "png", written);
    int status = fclose(out) != 0 ? cli_error("out of memory") : draw_files(script, written);
    free(script);
    return status;
}
