// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// serve MODEL: reads a model file into memory and answers requests of one row in four threads, each with a context of
// its own over the one model.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <weir/weir.h>

enum { threads = 4, requests = 2000, all = threads * requests };
static double microseconds[all];
static weir_graph *contexts[threads];

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static void *serve(void *context) {
    const size_t thread = (size_t)((weir_graph **)context - contexts);
    const size_t columns = weir_graph_nodes(contexts[thread], NULL)[0].size;
    float *row = calloc(columns, sizeof *row);
    for (size_t k = thread * requests; row && k < (thread + 1) * requests; k++) {
        int32_t predicted = 0;
        for (size_t i = 0; i < columns; i++) row[i] = (float)((k + i) % 17) / 16; // what a client would send
        const double began = now();
        if (weir_predict_row(contexts[thread], &predicted, NULL, row, NULL) != WEIR_OK) break;
        microseconds[k] = now() - began;
    }
    return free(row), NULL;
}

static int ascending(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

int main(int count, char **words) {
    static char bytes[64 << 20];
    pthread_t ids[threads];
    weir_graph *model = NULL;
    weir_error error = {0};
    FILE *file = count == 2 ? fopen(words[1], "rb") : NULL;
    if (!file) return fprintf(stderr, "usage: serve MODEL.safetensors\n"), 2;
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    if (weir_model_load_memory(&model, NULL, bytes, size, 1, &error)) return fprintf(stderr, "%s\n", error.text), 1;
    for (size_t t = 0; t < threads; t++)
        if (weir_graph_share(&contexts[t], model, 1, &error)) return fprintf(stderr, "%s\n", error.text), 1;
    weir_graph_free(model); // the contexts keep its parameters
    for (size_t t = 0; t < threads; t++) pthread_create(&ids[t], NULL, serve, &contexts[t]);
    for (size_t t = 0; t < threads; t++) pthread_join(ids[t], NULL), weir_graph_free(contexts[t]);
    qsort(microseconds, all, sizeof *microseconds, ascending);
    printf("%d rows in %d threads: p50 %.1f us, p99 %.1f us\n", all, threads, microseconds[all / 2],
           microseconds[all / 100 * 99]);
}
