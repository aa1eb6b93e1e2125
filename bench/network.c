// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file network.c
/// A whole gated network beside a dense one, in turns: milliseconds and multiply-adds per second of a prediction and of
/// a training step of one batch, warm.
///
///     bench_network [--json] [--profile] [--rounds N] [--optimizer KIND] [--dense UNITS] [--gater UNITS]
///                   [--outputs UNITS] INPUTS HIDDEN BLOCK SHARE BATCH [INPUTS HIDDEN BLOCK SHARE BATCH …]
///
/// Gated: inputs → gater of 48 tanh units → a gate per block (noisy-rectifier) · inputs → HIDDEN rectifiers in blocks,
/// SHARE of the gates of each open → 45 outputs, softmax. Multiply-adds are those done, the gater's included. Dense:
/// inputs → 800 rectifiers → 45 outputs. A training step is that of a trainer, by plain
/// gradient descent unless told otherwise. --profile: microseconds of
/// each node and phase. --json: a line per case.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/weir.h>

enum { most_rounds = 99, pool_rows = 2048 };

typedef struct network_case {
    size_t inputs, hidden, block, batch;
    double share;
} network_case;

static bool profiled, json;
static const char *optimizer = "sgd";
static size_t rounds = 9, dense_units = 800, gater_units = 48, output_units = 45;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/// A network that predicts and learns, with its measurements.
typedef struct network {
    weir_graph *graph;
    weir_trainer *trainer;
    const weir_data *data;
    const float *rows;     // [pool_rows][inputs]
    const int32_t *labels; // [pool_rows]
    size_t inputs, batch, next;
    double predict[most_rounds], train[most_rounds]; // seconds of a batch
    double predict_work, train_work;                 // multiply-adds of a batch
    double share;                                    // of gates that were open
} network;

/// The next batch; rows lie where they are.
static weir_pass next_batch(network *n, weir_mode mode) {
    if (n->next + n->batch > pool_rows) n->next = 0;
    const size_t first = n->next;
    n->next += n->batch;
    return (weir_pass){
        .mode = mode, .rows = n->batch, .inputs = n->rows + first * n->inputs, .labels = n->labels + first};
}

static weir_status predict_batch(network *n, weir_error *error) {
    weir_pass pass = next_batch(n, WEIR_MODE_DECIDE);
    pass.labels = NULL;
    const weir_status status = weir_graph_forward(n->graph, &pass, error);
    if (status == WEIR_OK) (void)weir_graph_output(n->graph, weir_graph_find(n->graph, "logits"));
    return status;
}

static weir_status train_batch(network *n, weir_error *error) {
    const weir_pass pass = next_batch(n, WEIR_MODE_SAMPLE);
    return weir_trainer_step(n->trainer, pass.inputs, pass.labels, pass.rows, error);
}

typedef weir_status batch_function(network *n, weir_error *error);

/// Seconds of a batch, of as many as take about 20 ms, and its multiply-adds.
static weir_status measure(network *n, batch_function *run, double *seconds, double *work, weir_error *error) {
    weir_status status = run(n, error);
    double begin = now();
    if (status == WEIR_OK) status = run(n, error);
    const size_t times = (size_t)(0.02 / (now() - begin)) + 1;
    weir_graph_counters_reset(n->graph);
    begin = now();
    for (size_t k = 0; k < times && status == WEIR_OK; k++) status = run(n, error);
    *seconds = (now() - begin) / (double)times;
    const weir_counters c = weir_graph_counters(n->graph);
    *work = (double)(c.forward_done + c.forward_gater + c.backward_done + c.backward_gater) / (double)times;
    if (c.gates) n->share = (double)c.gates_open / (double)c.gates;
    return status;
}

static int by_value(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/// Moves the bias of each gate to where its share of the rows opens it.
static weir_status open_gates(weir_graph *graph, const weir_data *data, double share, weir_error *error) {
    const size_t node = weir_graph_find(graph, "gater");
    size_t count = 0, gates = weir_graph_nodes(graph, &count)[node].size, tensor = 0;
    const weir_part part = weir_data_train(data);
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    const size_t rows = 256 < part.count ? 256 : part.count;
    float *inputs = malloc(rows * weir_data_columns(data) * sizeof *inputs);
    float *column = malloc(part.count * gates * sizeof *column), *bias = malloc(gates * sizeof *bias);
    weir_status status = inputs && column && bias ? WEIR_OK : WEIR_MEMORY;
    while (tensor < p.tensor_count && strcmp(p.tensors[tensor].name, "gater.bias")) tensor++;
    for (size_t first = 0; first < part.count && status == WEIR_OK; first += rows) {
        const size_t some = part.count - first < rows ? part.count - first : rows;
        weir_rows_copy(part.rows, inputs, NULL, part.first + first, some);
        const weir_pass pass = {.mode = WEIR_MODE_DECIDE, .rows = some, .inputs = inputs};
        status = weir_graph_forward(graph, &pass, error);
        const float *a = status == WEIR_OK ? weir_graph_output(graph, node) : NULL;
        for (size_t r = 0; a && r < some; r++) {
            for (size_t g = 0; g < gates; g++) column[g * part.count + first + r] = a[r * gates + g];
        }
    }
    for (size_t g = 0; g < gates && status == WEIR_OK; g++) {
        float *own = column + g * part.count;
        qsort(own, part.count, sizeof *own, by_value);
        bias[g] = -own[(size_t)((1 - share) * (double)(part.count - 1))];
    }
    if (status == WEIR_OK) status = weir_graph_values_set(graph, tensor, bias, error); // it was 0
    free(inputs);
    free(column);
    free(bias);
    return status;
}

static weir_status make(network *n, const weir_node *nodes, size_t count, const weir_data *data, const float *rows,
                        const int32_t *labels, size_t batch, double share, weir_error *error) {
    weir_graph_options options = weir_graph_options_default(batch > 256 ? batch : 256);
    weir_train_options train = weir_train_options_default();
    train.batch = batch;
    train.optimizer.kind = optimizer;
    train.optimizer.rate = 1e-7; // the share of open gates stays
    *n = (network){.data = data, .rows = rows, .labels = labels, .inputs = nodes[0].size, .batch = batch};
    weir_status status = weir_graph_create(&n->graph, nodes, count, &options, error);
    if (status == WEIR_OK && share > 0) status = open_gates(n->graph, data, share, error);
    if (status == WEIR_OK) status = weir_trainer_create(&n->trainer, n->graph, data, &train, error);
    return status;
}

/// Rows and labels, and a data set that shares them.
static weir_status draw_data(weir_data **data, float *values, int32_t *labels, size_t inputs, weir_error *error) {
    for (size_t r = 0; r < pool_rows; r++) {
        weir_random_uniform(values + r * inputs, (weir_noise){.seed = 1}, (uint32_t)r, inputs);
        for (size_t i = 0; i < inputs; i++) values[r * inputs + i] -= 0.5F;
        labels[r] = (int32_t)(r % output_units);
    }
    weir_data_options how = weir_data_options_default();
    how.scale = "none";
    const weir_data_arrays arrays = {
        .columns = inputs,
        .train = {.rows = pool_rows - 48, .values = values, .labels = labels},
        .valid = {.rows = 48, .values = values, .labels = labels},
        .shared = true,
    };
    return weir_data_create(data, &arrays, &how, error);
}

static double median(const double *seconds) {
    double copy[most_rounds];
    memcpy(copy, seconds, rounds * sizeof *copy);
    return weir_median(copy, rounds);
}

static void print_profile(network *n, batch_function *run, const char *what, weir_error *error) {
    enum { times = 50 };
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(n->graph, &count);
    weir_graph_profile(n->graph, true);
    const double begin = now();
    for (size_t k = 0; k < times; k++) {
        if (run(n, error) != WEIR_OK) break;
    }
    double rest = 1e6 * (now() - begin) / times;
    const double all = rest;
    for (size_t k = 0; k < count; k++) {
        const weir_seconds s = weir_graph_node_seconds(n->graph, k);
        const double us[3] = {1e6 * s.forward / times, 1e6 * s.backward / times, 1e6 * s.update / times};
        rest -= us[0] + us[1] + us[2];
        printf("    %-8s %-12s %9.1f %9.1f %9.1f\n", what, nodes[k].name, us[0], us[1], us[2]);
    }
    printf("    %-8s %-12s %9.1f of %.1f us\n", what, "rest", rest, all);
    weir_graph_profile(n->graph, false);
}

static void print_case(const network_case *c, const network *gated, const network *dense) {
    const double g = gated->predict_work / median(gated->predict) * 1e-9,
                 d = dense->predict_work / median(dense->predict) * 1e-9;
    const double gt = gated->train_work / median(gated->train) * 1e-9,
                 dt = dense->train_work / median(dense->train) * 1e-9;
    if (json) {
        printf(
            "{\"inputs\": %zu, \"hidden\": %zu, \"block\": %zu, \"share\": %.5f, \"batch\": %zu, "
            "\"gated_gmacs\": %.3f, \"dense_gmacs\": %.3f, \"ratio\": %.4f, \"gated_ms\": %.5f, \"dense_ms\": %.5f, "
            "\"train\": {\"gated_gmacs\": %.3f, \"dense_gmacs\": %.3f, \"ratio\": %.4f, \"gated_ms\": %.5f, "
            "\"dense_ms\": %.5f}, \"dense\": %zu, \"gater\": %zu, \"outputs\": %zu, \"open\": %.5f, \"threads\": %d, "
            "\"isa\": \"%s\", \"optimizer\": \"%s\"}\n",
            c->inputs, c->hidden, c->block, c->share, c->batch, g, d, g / d, 1e3 * median(gated->predict),
            1e3 * median(dense->predict), gt, dt, gt / dt, 1e3 * median(gated->train), 1e3 * median(dense->train),
            dense_units, gater_units, output_units, gated->share, weir_threads(), weir_isa_name(weir_isa_current()),
            optimizer);
    } else {
        printf("%5zu -> %5zu  %3zu  %.4f %5zu | %8.3f %8.3f %7.1f %7.1f  %.2f | %8.3f %8.3f %7.1f %7.1f  %.2f\n",
               c->inputs, c->hidden, c->block, gated->share, c->batch, 1e3 * median(gated->predict),
               1e3 * median(dense->predict), g, d, g / d, 1e3 * median(gated->train), 1e3 * median(dense->train), gt,
               dt, gt / dt);
    }
    fflush(stdout);
}

static weir_status run_case(const network_case *c, weir_error *error) {
    const weir_node gated_nodes[] = {
        {.kind = "input", .name = "inputs", .size = c->inputs},
        {.kind = "affine", .name = "bottleneck", .size = gater_units},
        {.kind = "tanh", .name = "narrow"},
        {.kind = "affine", .name = "gater", .size = (c->hidden + c->block - 1) / c->block},
        {.kind = "unit", .name = "gates", .rule = "noisy-rectifier:sd=0.001"},
        {.kind = "gated-affine",
         .name = "hidden",
         .from = "inputs",
         .gates = "gates",
         .size = c->hidden,
         .block = c->block,
         .activation = "rectifier"},
        {.kind = "affine", .name = "logits", .size = output_units},
        {.kind = "softmax-cross-entropy", .name = "loss"},
    };
    const weir_node dense_nodes[] = {
        {.kind = "input", .name = "inputs", .size = c->inputs},
        {.kind = "affine", .name = "hidden", .size = dense_units},
        {.kind = "rectifier", .name = "rectified"},
        {.kind = "affine", .name = "logits", .size = output_units},
        {.kind = "softmax-cross-entropy", .name = "loss"},
    };
    weir_data *data = NULL;
    network gated = {0}, dense = {0};
    float *rows = malloc(pool_rows * c->inputs * sizeof *rows);
    int32_t *labels = malloc(pool_rows * sizeof *labels);
    weir_status status = rows && labels ? draw_data(&data, rows, labels, c->inputs, error) : WEIR_MEMORY;
    if (status == WEIR_OK) {
        status = make(&gated, gated_nodes, sizeof gated_nodes / sizeof *gated_nodes, data, rows, labels, c->batch,
                      c->share, error);
    }
    if (status == WEIR_OK) {
        status =
            make(&dense, dense_nodes, sizeof dense_nodes / sizeof *dense_nodes, data, rows, labels, c->batch, 0, error);
    }
    for (size_t r = 0; r < rounds && status == WEIR_OK; r++) {
        network *both[2] = {r % 2 ? &dense : &gated, r % 2 ? &gated : &dense};
        for (size_t k = 0; k < 2 && status == WEIR_OK; k++) {
            status = measure(both[k], predict_batch, &both[k]->predict[r], &both[k]->predict_work, error);
        }
        for (size_t k = 0; k < 2 && status == WEIR_OK; k++) {
            status = measure(both[k], train_batch, &both[k]->train[r], &both[k]->train_work, error);
        }
    }
    if (status == WEIR_OK) print_case(c, &gated, &dense);
    if (status == WEIR_OK && profiled) {
        print_profile(&gated, predict_batch, "predict", error);
        print_profile(&dense, predict_batch, "predict", error);
        print_profile(&gated, train_batch, "train", error);
        print_profile(&dense, train_batch, "train", error);
    }
    weir_trainer_free(gated.trainer);
    weir_trainer_free(dense.trainer);
    weir_graph_free(gated.graph);
    weir_graph_free(dense.graph);
    weir_data_free(data);
    free(rows);
    free(labels);
    return status;
}

static bool read_number(const char *text, double least, double *number) {
    char *end;
    *number = strtod(text, &end);
    return end != text && !*end && *number >= least;
}

int main(int argc, char **argv) {
    int at = 1;
    for (; at < argc && !strncmp(argv[at], "--", 2); at++) {
        double number = 0;
        size_t *const into = !strcmp(argv[at], "--rounds")    ? &rounds
                             : !strcmp(argv[at], "--dense")   ? &dense_units
                             : !strcmp(argv[at], "--gater")   ? &gater_units
                             : !strcmp(argv[at], "--outputs") ? &output_units
                                                              : NULL;
        if (into && at + 1 < argc && read_number(argv[at + 1], 1, &number)) {
            *into = (size_t)number;
            at++;
        } else if (!strcmp(argv[at], "--optimizer") && at + 1 < argc) {
            optimizer = argv[++at];
        } else if (!strcmp(argv[at], "--json")) {
            json = true;
        } else if (!strcmp(argv[at], "--profile")) {
            profiled = true;
        } else {
            fprintf(
                stderr,
                "bench_network: %s: expected --json, --profile, --optimizer KIND, or a number after --rounds, --dense, "
                "--gater, --outputs\n",
                argv[at]);
            return 2;
        }
    }
    if (rounds > most_rounds) rounds = most_rounds;
    if (!json) {
        printf("%d threads, %s; dense: %zu units; ms and 10^9 multiply-adds per second, gated and dense, and ratio\n",
               weir_threads(), weir_isa_name(weir_isa_current()), dense_units);
        printf("%5s    %6s %4s  %6s %5s | %42s | %s\n", "in", "hidden", "blk", "open", "batch", "predict", "train");
    }
    for (; at + 5 <= argc; at += 5) {
        double v[5];
        for (int k = 0; k < 5; k++) {
            if (read_number(argv[at + k], 1e-6, &v[k])) continue;
            fprintf(stderr, "bench_network: %s: expected INPUTS HIDDEN BLOCK SHARE BATCH\n", argv[at + k]);
            return 2;
        }
        const network_case c = {(size_t)v[0], (size_t)v[1], (size_t)v[2], (size_t)v[4], v[3]};
        weir_error error = {0};
        if (run_case(&c, &error) == WEIR_OK) continue;
        fprintf(stderr, "bench_network: %s\n", error.text);
        return 1;
    }
    if (at == argc) return 0;
    fprintf(stderr, "bench_network: %d numbers are left: expected five per case\n", argc - at);
    return 2;
}
