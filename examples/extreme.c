// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Extreme classification: which of very many classes does a sparse row belong to? Trains on one file and ranks the
// classes for the rows of another one, which `scripts/dependencies` makes of what a Debian machine knows of its packages.
//
//     extreme TRAIN TEST [EPOCHS [SAMPLED|all [BLOCK [RATE]]]]
//
// SAMPLED classes, and those of each row's labels, are computed per step; "all" computes every class.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/weir.h>

enum { BATCH = 256, BEST = 5, SHOWN = 3 };

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static weir_status rank(weir_extreme *network, const weir_sparse *test, const double *propensities, double *ranked_in,
                        weir_ranking at[SHOWN], weir_error *error) {
    const size_t rows = weir_sparse_shape_of(test).rows;
    uint32_t *classes = calloc(rows * BEST, sizeof *classes);
    if (!classes) return WEIR_MEMORY;
    const double begin = now();
    weir_status status = weir_extreme_predict(network, test, 0, rows, BEST, classes, NULL, error);
    *ranked_in = now() - begin;
    for (size_t i = 0; i < SHOWN && status == WEIR_OK; i++)
        status = weir_extreme_ranking(&at[i], test, 0, rows, classes, 2 * i + 1, BEST, propensities, error);
    free(classes);
    return status;
}

static weir_status train(weir_extreme *network, const weir_sparse *rows, const weir_sparse *test, size_t epochs,
                         weir_error *error) {
    const weir_sparse_shape shape = weir_sparse_shape_of(rows);
    double seconds = 0, ranked_in = 0, *propensities = calloc(shape.classes, sizeof *propensities);
    uint32_t *order = calloc(shape.rows, sizeof *order);
    weir_status status = propensities && order ? WEIR_OK : WEIR_MEMORY;
    if (status == WEIR_OK) status = weir_extreme_propensities(propensities, rows, 0.55, 1.5, error);
    printf("epoch  seconds    loss   P@1   P@3   P@5  nDCG@5  PSP@1  PSP@5  ms a row, ranked\n");
    for (size_t epoch = 0; epoch < epochs && status == WEIR_OK; epoch++) {
        double loss = 0;
        size_t steps = 0;
        weir_ranking at[SHOWN];
        const double begin = now();
        weir_random_permutation(order, (weir_noise){.seed = 1, .step = (uint32_t)epoch}, shape.rows);
        for (size_t first = 0; first < shape.rows && status == WEIR_OK; first += BATCH, steps++) {
            weir_extreme_step step = {0};
            const size_t count = shape.rows - first < BATCH ? shape.rows - first : BATCH;
            status = weir_extreme_train(network, rows, order + first, 0, count, &step, error);
            loss += step.loss;
        }
        seconds += now() - begin;
        if (status == WEIR_OK) status = rank(network, test, propensities, &ranked_in, at, error);
        if (status != WEIR_OK) break;
        printf("%5zu %8.1f %7.4f %5.2f %5.2f %5.2f  %6.2f  %5.2f  %5.2f  %.3f\n", epoch + 1, seconds,
               loss / (double)steps, 100 * at[0].precision, 100 * at[1].precision, 100 * at[2].precision,
               100 * at[2].ndcg, 100 * at[0].scored_precision, 100 * at[2].scored_precision,
               1e3 * ranked_in / (double)weir_sparse_shape_of(test).rows);
        fflush(stdout);
    }
    free(propensities);
    free(order);
    return status;
}

int main(int count, char **arguments) {
    weir_error error = {0};
    weir_sparse *rows = NULL, *test = NULL;
    weir_extreme *network = NULL;
    weir_extreme_options options = weir_extreme_options_default();
    if (count < 3) {
        fprintf(stderr, "usage: extreme TRAIN TEST [EPOCHS [SAMPLED|all [BLOCK [RATE]]]]\n");
        return 2;
    }
    const size_t epochs = count > 3 ? (size_t)strtoull(arguments[3], NULL, 10) : 10;
    weir_status status = weir_sparse_read(&rows, arguments[1], NULL, NULL, &error);
    if (status == WEIR_OK) status = weir_sparse_read(&test, arguments[2], NULL, NULL, &error);
    if (status == WEIR_OK) {
        const weir_sparse_shape shape = weir_sparse_shape_of(rows);
        printf("%zu training and %zu test rows, %zu columns, %zu classes; %.1f columns and %.2f labels a row\n", shape.rows,
               weir_sparse_shape_of(test).rows, shape.columns, shape.classes, (double)shape.pairs / (double)shape.rows,
               (double)shape.labels / (double)shape.rows);
        if (count > 4) options.sampled = strcmp(arguments[4], "all") ? (size_t)strtoull(arguments[4], NULL, 10) : shape.classes;
        if (count > 5) options.block = (size_t)strtoull(arguments[5], NULL, 10);
        if (count > 6) options.rate = strtod(arguments[6], NULL);
        status = weir_extreme_create(&network, shape.columns, shape.classes, &options, &error);
    }
    if (status == WEIR_OK) status = train(network, rows, test, epochs, &error);
    weir_extreme_free(network);
    weir_sparse_free(test);
    weir_sparse_free(rows);
    if (status != WEIR_OK) fprintf(stderr, "extreme: %s\n", error.text);
    return status == WEIR_OK ? 0 : 1;
}
