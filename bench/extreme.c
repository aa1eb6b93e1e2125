// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file extreme.c
/// A training step of extreme classification on rows of Amazon-670K's shape: 135 909 columns, 670 091 classes, about 75
/// columns and 5.45 labels a row, both by Zipf and Mandelbrot's law (the most frequent class in 0.4 % of rows, the most
/// frequent column in a fifth of them). Prints the median milliseconds of a step after warm-up, the greatest memory of
/// the process, and what a step touched. Warm-up sees every row once, so that no page of memory is new afterwards.
///
///     bench_extreme [--save FILE] [--steps N] [--batch N] [--hidden N] [--block N] [--sampled N] [--classes N]
///
/// --save writes the rows, for others to read, and ends.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <weir/weir.h>

enum { columns = 135909, rows = 16384, warm_up = rows / 256 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/// A number below count, rank + 1 of it with a probability ∝ 1/(rank + shift), ranks scattered over all numbers.
static uint32_t draw(double u, size_t count, double shift) {
    const double rank = shift * (pow(((double)count + shift) / shift, u) - 1);
    return (uint32_t)((uint64_t)rank * 2654435761u % count);
}

/// How many of a row: 1 to twice the mean less one, all as likely.
static size_t how_many(double u, double mean) { return 1 + (size_t)(u * (2 * mean - 1)); }

static weir_status make_rows(weir_sparse **made, size_t classes, weir_error *error) {
    enum { MOST_PAIRS = 160, MOST_LABELS = 16, DRAWS = MOST_PAIRS + MOST_LABELS + 4 };
    uint64_t *begin = calloc(rows + 1, sizeof *begin), *label_begin = calloc(rows + 1, sizeof *label_begin);
    uint32_t *ids = calloc((size_t)rows * MOST_PAIRS, sizeof *ids), *labels = calloc((size_t)rows * MOST_LABELS, sizeof *labels);
    float *values = calloc((size_t)rows * MOST_PAIRS, sizeof *values);
    weir_status status = WEIR_MEMORY;
    snprintf(error->text, sizeof error->text, "out of memory");
    if (begin && label_begin && ids && labels && values) {
        for (size_t r = 0; r < rows; r++) {
            float u[DRAWS];
            weir_random_uniform(u, (weir_noise){.seed = 670}, (uint32_t)r, DRAWS);
            // A column that is drawn twice counts once more (their values are summed): 82 draws make 75 columns.
            const size_t pairs = how_many((double)u[0], 75), many = how_many((double)u[1], 5.45);
            for (size_t j = 0; j < pairs; j++) {
                ids[begin[r] + j] = draw((double)u[4 + j], columns, 45);
                values[begin[r] + j] = 1 / sqrtf((float)pairs);
            }
            for (size_t j = 0; j < many; j++)
                labels[label_begin[r] + j] = draw((double)u[4 + MOST_PAIRS + j], classes, 180);
            begin[r + 1] = begin[r] + pairs;
            label_begin[r + 1] = label_begin[r] + many;
        }
        status = weir_sparse_create(made, rows, columns, classes, begin, ids, values, label_begin, labels, "sum", error);
    }
    free(begin);
    free(label_begin);
    free(ids);
    free(labels);
    free(values);
    return status;
}

static weir_status measure(const weir_sparse *data, const weir_extreme_options *options, size_t batch, size_t steps,
                           weir_error *error) {
    const weir_sparse_shape shape = weir_sparse_shape_of(data);
    weir_extreme *network = NULL;
    double *seconds = calloc(steps, sizeof *seconds), open = 0, touched_columns = 0, touched_blocks = 0;
    weir_status status = weir_extreme_create(&network, shape.columns, shape.classes, options, error);
    for (size_t t = 0; t < warm_up + steps && status == WEIR_OK && seconds; t++) {
        weir_extreme_step step;
        const double begin = now();
        status = weir_extreme_train(network, data, NULL, t * batch % (rows - batch), batch, &step, error);
        if (t < warm_up) continue;
        seconds[t - warm_up] = now() - begin;
        open += step.open / (double)steps;
        touched_columns += (double)step.touched_columns / (double)steps;
        touched_blocks += (double)step.touched_blocks / (double)steps;
    }
    if (status == WEIR_OK && seconds) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("{\"iteration_ms\": %.2f, \"peak_gb\": %.3f, \"open\": %.0f, \"touched_columns\": %.0f, "
               "\"touched_blocks\": %.0f, \"batch\": %zu, \"hidden\": %zu, \"block\": %zu, \"threads\": %d}\n",
               1e3 * weir_median(seconds, steps), (double)usage.ru_maxrss / 1e6, open, touched_columns, touched_blocks,
               batch, options->hidden, options->block, weir_threads());
    }
    free(seconds);
    weir_extreme_free(network);
    return status;
}

int main(int count, char **arguments) {
    weir_extreme_options options = weir_extreme_options_default();
    size_t steps = 40, batch = 256, classes = 670091;
    const char *save = NULL;
    const struct {
        const char *name;
        size_t *value;
    } numbers[] = {{"--steps", &steps},          {"--batch", &batch},          {"--classes", &classes},
                   {"--hidden", &options.hidden}, {"--block", &options.block}, {"--sampled", &options.sampled}};
    options.sampled = 912;
    for (int i = 1; i + 1 < count; i += 2) {
        if (!strcmp(arguments[i], "--save")) save = arguments[i + 1];
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
            if (!strcmp(arguments[i], numbers[k].name)) *numbers[k].value = (size_t)strtoull(arguments[i + 1], NULL, 10);
        }
    }
    weir_error error = {0};
    weir_sparse *data = NULL;
    weir_status status = !steps || !batch || batch >= rows ? WEIR_ARGUMENT : make_rows(&data, classes, &error);
    if (status == WEIR_OK)
        status = save ? weir_sparse_save(data, save, &error) : measure(data, &options, batch, steps, &error);
    weir_sparse_free(data);
    if (status != WEIR_OK) fprintf(stderr, "bench_extreme: %s\n", error.text);
    return status == WEIR_OK ? 0 : 1;
}
