// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file closed_gates.c
/// What a sample of closed gates adds to the variance of the gater's gradient in a trained network, beside a plain
/// sample of the same size: closed pairs chosen with one probability q and weighted by 1/q, whose variance is
/// (1/q − 1) Σ g² over closed pairs. g, ∂L/∂gate of one pair, is read off passes of single rows: the gradient of the
/// gates' biases with all closed experts evaluated, less that with none. The variance of `closed: sample` is the mean
/// square of its difference from `closed: all` for the same gates, over batches.
///
///     bench_closed_gates MODEL DATA LAYER [CLOSED_SHARE …]
///
/// MODEL is a model file of a network whose gated-affine node LAYER has gates of a rule that reads ∂L/∂h of closed gates
/// (straight-through), right behind an affine node; DATA is the folder with its data set.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

enum { ROWS = 128, BATCHES = 40, WARM = 60 };

static weir_error error;

static void stop(void) {
    fprintf(stderr, "bench_closed_gates: %s\n", error.text);
    exit(1);
}

typedef struct network {
    weir_graph *graph;
    const float *bias; ///< gradient of the biases of the gates
    size_t gates;
} network;

/// The model's network for training, with another way to treat the closed gates of a layer.
static network create(const weir_config *config, const char *model, const char *layer, const char *closed,
                      double share) {
    network n = {0};
    weir_transfer transfer = {0};
    weir_node nodes[256];
    size_t gated = SIZE_MAX, count = config->network_count;
    for (size_t i = 0; i < count && i < 256; i++) {
        nodes[i] = config->network[i];
        if (strcmp(nodes[i].name, layer) != 0) continue;
        nodes[i].closed = closed;
        nodes[i].closed_share = share;
        gated = i;
    }
    const weir_graph_options options = weir_graph_options_default(ROWS);
    if (gated == SIZE_MAX) {
        fprintf(stderr, "bench_closed_gates: no node is called %s\n", layer);
        exit(2);
    }
    if (weir_graph_create(&n.graph, nodes, count, &options, &error) ||
        weir_model_transfer(n.graph, &transfer, model, NULL, 0, &error))
        stop();
    weir_transfer_free(&transfer);
    const size_t gater = weir_graph_reads(n.graph, weir_graph_gates(n.graph, gated), 0);
    const weir_parameters p = weir_graph_parameters(n.graph);
    for (size_t t = 0; t < p.tensor_count; t++) {
        if (p.tensors[t].node != gater || p.tensors[t].role != WEIR_ROLE_BIAS) continue;
        n.bias = p.gradients + p.tensors[t].offset;
        n.gates = p.tensors[t].rows;
    }
    if (!n.bias) {
        fprintf(stderr, "bench_closed_gates: the gates of %s are not behind an affine node\n", layer);
        exit(2);
    }
    return n;
}

static void step(const network *n, const weir_pass *pass) {
    if (weir_graph_forward(n->graph, pass, &error) || weir_graph_backward(n->graph, pass, &error)) stop();
}

static weir_pass batch(const weir_part *part, float *inputs, size_t number, size_t first, size_t rows) {
    const size_t at = part->first + (number * ROWS) % (part->count - ROWS) + first;
    weir_rows_copy(part->rows, inputs, NULL, at, rows);
    return (weir_pass){.mode = WEIR_MODE_SAMPLE,
                       .rows = rows,
                       .inputs = inputs,
                       .labels = part->labels + at,
                       .seed = 1,
                       .step = (uint32_t)number,
                       .first_row = first};
}

/// Σ g² over the closed pairs of a batch, gradients of the mean loss.
static double squares(const network *all, const network *none, const weir_part *part, float *inputs, size_t number) {
    double sum = 0;
    for (size_t r = 0; r < ROWS; r++) {
        const weir_pass pass = batch(part, inputs, number, r, 1);
        step(all, &pass);
        step(none, &pass);
        for (size_t j = 0; j < all->gates; j++) {
            const double g = ((double)all->bias[j] - (double)none->bias[j]) / ROWS;
            sum += g * g;
        }
    }
    return sum;
}

int main(int argc, char **argv) {
    static const char *const usual[] = {"0.02", "0.05", "0.1", "0.2"};
    if (argc < 4) {
        fprintf(stderr, "usage: bench_closed_gates MODEL DATA LAYER [CLOSED_SHARE ...]\n");
        return argc == 1 ? 0 : 2; // the target "bench" runs it without a model
    }
    weir_config config = {0};
    weir_graph *graph = NULL;
    weir_data *data = NULL;
    if (weir_model_load(&graph, &config, argv[1], ROWS, &error)) stop();
    weir_data_options source = config.data;
    source.path = argv[2];
    source.known_scale = weir_graph_scale(graph);
    if (weir_data_load(&data, &source, &error)) stop();
    const weir_part part = weir_data_train(data);
    float *inputs = calloc(ROWS * weir_data_columns(data), sizeof *inputs);
    if (!inputs) return 1;
    const network all = create(&config, argv[1], argv[3], "all", 0), none = create(&config, argv[1], argv[3], "none", 0);
    double square = 0;
    for (size_t b = 0; b < BATCHES; b++) square += squares(&all, &none, &part, inputs, WARM + b) / BATCHES;
    printf("variance of the gradient of %zu gates' biases, mean of %d batches of %d rows\n", all.gates, BATCHES, ROWS);
    printf("%-8s %12s %12s %10s\n", "q", "plain", "sample", "ratio");
    const char *const *shares = argc > 4 ? (const char *const *)argv + 4 : usual;
    const size_t share_count = argc > 4 ? (size_t)argc - 4 : sizeof usual / sizeof *usual;
    for (size_t k = 0; k < share_count; k++) {
        const double q = atof(shares[k]), plain = (1 / q - 1) * square;
        const network sample = create(&config, argv[1], argv[3], "sample", q);
        double found = 0;
        for (size_t b = 0; b < WARM + BATCHES; b++) {
            const weir_pass pass = batch(&part, inputs, b, 0, ROWS);
            step(&sample, &pass);
            if (b < WARM) continue; // the running averages of the blocks form
            step(&all, &pass);
            for (size_t j = 0; j < all.gates; j++) {
                const double d = (double)sample.bias[j] - (double)all.bias[j];
                found += d * d / BATCHES;
            }
        }
        printf("%-8s %12.4g %12.4g %10.1f\n", shares[k], plain, found, plain / found);
        fflush(stdout);
        weir_graph_free(sample.graph);
    }
    weir_graph_free(all.graph);
    weir_graph_free(none.graph);
    weir_graph_free(graph);
    weir_data_free(data);
    weir_config_free(&config);
    free(inputs);
    return 0;
}
