// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file busy.c
/// What calls of the library take on a machine that other programs use: bench/busy.sh compiles this against the
/// installed library and runs it beside busy processes.
///
///     busy seconds
///
/// Forward passes of 1, 32 and 256 rows through a dense network of 450-800-45, and a training step of 100 rows, each in
/// turns of one thread and of all: a line per case with the median of one thread, the median of all and their ratio,
/// and the 99th percentile of all over their median. --spin: nothing but a loop,
/// until it is killed or whoever started it has ended.
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weir/weir.h>

enum { INPUTS = 450, OUTPUTS = 45, MOST_ROWS = 256, STEP_ROWS = 100, MOST_SAMPLES = 200000, TURNS = 10 };

static const weir_node network[] = {
    {.kind = "input", .name = "input", .size = INPUTS},
    {.kind = "affine", .size = 800},
    {.kind = "rectifier"},
    {.kind = "affine", .size = OUTPUTS},
    {.kind = "softmax-cross-entropy"},
};

typedef struct bench {
    weir_graph *graph;
    weir_optimizer *optimizer;
    float inputs[MOST_ROWS * INPUTS];
    int32_t labels[MOST_ROWS];
    uint32_t step;
} bench;

/// What is measured: a pass of some rows, or a step.
typedef struct work {
    const char *name;
    size_t rows;
    bool trains;
} work;

/// Seconds of one thread and of all.
typedef struct samples {
    double *values;
    size_t count;
} samples;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static weir_status run(bench *b, const work *w, weir_error *error) {
    const weir_pass pass = {.inputs = b->inputs,
                            .labels = w->trains ? b->labels : NULL,
                            .rows = w->rows,
                            .mode = w->trains ? WEIR_MODE_SAMPLE : WEIR_MODE_DECIDE,
                            .seed = 1,
                            .step = b->step++};
    weir_status status = weir_graph_forward(b->graph, &pass, error);
    if (status != WEIR_OK || !w->trains) return status;
    status = weir_graph_backward(b->graph, &pass, error);
    if (status != WEIR_OK) return status;
    weir_parameters p = weir_graph_parameters(b->graph);
    return weir_optimizer_step_parameters(b->optimizer, &p, 0.01, error);
}

static weir_status measure(bench *b, const work *w, int threads, double seconds, samples *s, weir_error *error) {
    const double end = now() + seconds;
    weir_status status = WEIR_OK;
    weir_threads_use(threads);
    for (double last = now(); last < end && s->count < MOST_SAMPLES && status == WEIR_OK;) {
        status = run(b, w, error);
        const double here = now();
        s->values[s->count++] = here - last;
        last = here;
    }
    return status;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double at(const samples *s, double share) {
    return s->count ? s->values[(size_t)(share * (double)(s->count - 1))] : 0;
}

static weir_status compare(bench *b, const work *w, double seconds, samples *one, samples *all, weir_error *error) {
    weir_status status = WEIR_OK;
    one->count = all->count = 0;
    for (int turn = 0; turn < TURNS && status == WEIR_OK; turn++) {
        status = measure(b, w, 1, seconds / (2 * TURNS), one, error);
        if (status == WEIR_OK) status = measure(b, w, 0, seconds / (2 * TURNS), all, error);
    }
    if (status != WEIR_OK) return status;
    qsort(one->values, one->count, sizeof *one->values, ascending);
    qsort(all->values, all->count, sizeof *all->values, ascending);
    printf("%-14s %10.4f %10.4f %7.2f %12.2f %12.2f\n", w->name, 1e3 * at(one, 0.5), 1e3 * at(all, 0.5),
           at(all, 0.5) / at(one, 0.5), at(one, 0.99) / at(one, 0.5), at(all, 0.99) / at(all, 0.5));
    fflush(stdout);
    return status;
}

static weir_status run_all(bench *b, double seconds, samples *one, samples *all, weir_error *error) {
    static const work cases[] = {
        {"1 row", 1, false}, {"32 rows", 32, false}, {"256 rows", 256, false}, {"training step", STEP_ROWS, true}};
    const weir_graph_options options = weir_graph_options_default(MOST_ROWS);
    const weir_optimizer_options how = weir_optimizer_options_default();
    weir_status status = weir_graph_create(&b->graph, network, sizeof network / sizeof *network, &options, error);
    if (status == WEIR_OK) {
        status = weir_optimizer_create(&b->optimizer, &how, weir_graph_parameters(b->graph).count, error);
    }
    for (size_t k = 0; k < MOST_ROWS * INPUTS; k++) b->inputs[k] = (float)(k * 7919 % 1009) / 1009;
    for (size_t r = 0; r < MOST_ROWS; r++) b->labels[r] = (int32_t)(r % OUTPUTS);
    printf("%-14s %10s %10s %7s %25s\n", "", "", "", "", "99th percentile/median");
    printf("%-14s %10s %10s %7s %12s %12s\n", "", "1 thread", "all", "ratio", "1 thread", "all");
    for (size_t k = 0; k < sizeof cases / sizeof *cases && status == WEIR_OK; k++) {
        status = compare(b, &cases[k], seconds, one, all, error);
    }
    weir_optimizer_free(b->optimizer);
    weir_graph_free(b->graph);
    return status;
}

int main(int count, char **words) {
    if (count > 1 && strcmp(words[1], "--spin") == 0) {
        const pid_t parent = getppid();
        for (volatile unsigned turn = 1; turn % (1u << 26) || getppid() == parent; turn++) {
        }
        return 0;
    }
    const double seconds = count > 1 ? strtod(words[1], NULL) : 2;
    static bench b;
    weir_error error = {0};
    samples one = {malloc(MOST_SAMPLES * sizeof(double)), 0}, all = {malloc(MOST_SAMPLES * sizeof(double)), 0};
    if (!one.values || !all.values) return fprintf(stderr, "busy: out of memory\n"), 1;
    const weir_status status = run_all(&b, seconds, &one, &all, &error);
    if (status != WEIR_OK) fprintf(stderr, "busy: %s\n", error.text);
    free(one.values);
    free(all.values);
    return status != WEIR_OK;
}
