// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <weir/weir.h>

static const weir_node network[] = {
    {.kind = "input", .name = "image", .size = 784},
    {.kind = "affine", .size = 32}, // the gater: one pre-activation per block of 16 hidden units
    {.kind = "unit", .name = "gates", .rule = "straight-through"},
    {.kind = "gated-affine", .from = "image", .gates = "gates", .size = 512, .block = 16, .activation = "rectifier"},
    {.kind = "affine", .size = 10},
    {.kind = "softmax-cross-entropy"},
};

int main(void) {
    weir_data_options digits = weir_data_options_default(); // drawn by the library: nothing to download
    weir_graph_options batch = weir_graph_options_default(32);
    weir_train_options train = weir_train_options_default();
    train.sparsity.target = 0.25; // a quarter of the gates open
    weir_data *data = NULL;
    weir_graph *graph = NULL;
    weir_trainer *trainer = NULL;
    weir_error error = {0};
    if (weir_data_load(&data, &digits, &error) || weir_graph_create(&graph, network, 6, &batch, &error) ||
        weir_trainer_create(&trainer, graph, data, &train, &error) ||
        weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    weir_part part = weir_data_test(data);
    weir_evaluation test;
    if (weir_evaluate(graph, &test, NULL, &part, WEIR_MODE_DECIDE, &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    printf("test error %.1f %%, share of gates open %.2f\n", 100 * test.error, test.share);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(data);
}
