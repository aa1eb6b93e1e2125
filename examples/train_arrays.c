// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// train_arrays [MODEL]: trains on rows in memory, then on rows that are made while they are needed: is a point inside
// the ring? The first network is saved as MODEL.
#include <stdio.h>
#include <weir/weir.h>

enum { train = 4000, valid = 1000 };
static float points[train + valid][2];
static int32_t inside[train + valid];

// Point number i of a sequence that fills the square −1 … 1, and its class.
static int32_t point(float *x, uint64_t i) {
    weir_random_uniform(x, (weir_noise){.seed = 1}, (uint32_t)i, 2);
    x[0] = 2 * x[0] - 1;
    x[1] = 2 * x[1] - 1;
    const float r = x[0] * x[0] + x[1] * x[1];
    return r > 0.3F && r < 0.8F;
}

static int begin(void *context, size_t epoch) {
    *(uint64_t *)context = (uint64_t)epoch << 24; // new points in every epoch
    return 0;
}

static size_t next(void *context, float *inputs, int32_t *labels, float *targets, size_t most) {
    (void)targets;
    uint64_t *number = context;
    size_t rows = 0;
    for (; rows < most && (*number & 0xFFFFFF) < train; rows++) labels[rows] = point(inputs + 2 * rows, (*number)++);
    return rows; // 0: this epoch is over
}

static const weir_node network[] = {
    {.name = "point", .kind = "input", .size = 2},
    {.kind = "affine", .size = 8},
    {.name = "gates", .kind = "unit", .rule = "straight-through"},
    {.kind = "gated-affine", .from = "point", .gates = "gates", .size = 64, .block = 8, .activation = "rectifier"},
    {.kind = "affine", .size = 2},
    {.kind = "softmax-cross-entropy"},
};

static int run(const weir_data *data, const char *name, const char *model, weir_error *error) {
    weir_graph_options making = weir_graph_options_default(64);
    weir_train_options options = weir_train_options_default();
    weir_graph *graph = NULL;
    weir_trainer *trainer = NULL;
    weir_evaluation found;
    options.epochs = 30;
    options.batch = 50;
    options.optimizer.kind = "adam";
    options.optimizer.rate = 0.01;
    options.sparsity.target = 0.5;
    weir_part part = weir_data_valid(data);
    int failed = weir_graph_create(&graph, network, 6, &making, error) ||
                 weir_trainer_create(&trainer, graph, data, &options, error) ||
                 weir_trainer_run(trainer, NULL, NULL, NULL, NULL, error) ||
                 weir_evaluate(graph, &found, NULL, &part, WEIR_MODE_DECIDE, error) ||
                 (model && weir_model_save(graph, model, NULL, found.share, error));
    if (!failed) printf("%s: error %.1f %%, share of gates open %.2f\n", name, 100 * found.error, found.share);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    return failed;
}

int main(int count, char **words) {
    weir_data *data = NULL, *stream = NULL;
    weir_error error = {0};
    uint64_t number = 0;
    for (size_t i = 0; i < train + valid; i++) inside[i] = point(points[i], ((uint64_t)1 << 30) + i);
    weir_data_arrays arrays = {.columns = 2,
                               .train = {.rows = train, .values = points[0], .labels = inside},
                               .valid = {.rows = valid, .values = points[train], .labels = inside + train},
                               .shared = true}; // the arrays live as long as the data sets
    weir_batches batches = {.columns = 2, .classes = 2, .begin = begin, .next = next, .context = &number};
    int failed = weir_data_create(&data, &arrays, NULL, &error) ||
                 run(data, "arrays", count > 1 ? words[1] : NULL, &error) ||
                 weir_data_stream(&stream, &batches, &arrays, NULL, &error) || run(stream, "stream", NULL, &error);
    if (failed) fprintf(stderr, "%s\n", error.text);
    weir_data_free(stream);
    weir_data_free(data);
    return failed;
}
