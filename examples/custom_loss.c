// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A loss of one's own in a network with gated blocks: cross-entropy against smoothed labels (Szegedy et al. 2016),
// q = (1 - s)·[class is the label] + s / classes, L = -sum q log p.
#include <math.h>
#include <stdio.h>
#include <weir/weir.h>

static const float smoothing = 0.1f;

static float wanted(const weir_node_call *call, size_t row, size_t class) {
    return (size_t)call->labels[row] == class ? 1 - smoothing + smoothing / (float)call->size
                                              : smoothing / (float)call->size;
}

static weir_status forward(const weir_node_call *call, weir_error *error) {
    (void)error;
    for (size_t r = 0; r < call->rows; r++) {
        const float *x = call->inputs[0] + r * call->size;
        float *p = call->outputs + r * call->size, most = x[0], sum = 0;
        for (size_t k = 1; k < call->size; k++) most = fmaxf(most, x[k]);
        for (size_t k = 0; k < call->size; k++) sum += p[k] = expf(x[k] - most);
        for (size_t k = 0; k < call->size; k++) p[k] /= sum;
        if (!call->loss) continue;
        call->loss[r] = 0;
        for (size_t k = 0; k < call->size; k++) call->loss[r] -= wanted(call, r, k) * (x[k] - most - logf(sum));
    }
    return WEIR_OK;
}

static weir_status backward(const weir_node_call *call, weir_error *error) {
    (void)error;
    for (size_t k = 0; call->input_gradients[0] && k < call->rows * call->size; k++) {
        const float q = wanted(call, k / call->size, k % call->size);
        call->input_gradients[0][k] = call->row_weight * (call->outputs[k] - q);
    }
    return WEIR_OK;
}

static const weir_custom_kind smoothed = {
    .about = {.name = "smoothed", .traits = WEIR_KIND_LOSS, .takes = WEIR_TAKES_LABELS},
    .forward = forward,
    .backward = backward,
};

static const weir_node network[] = {
    {.kind = "input", .name = "image", .size = 784},
    {.kind = "affine", .size = 32},
    {.kind = "unit", .name = "gates", .rule = "straight-through"},
    {.kind = "gated-affine", .from = "image", .gates = "gates", .size = 512, .block = 16, .activation = "rectifier"},
    {.kind = "affine", .size = 10},
    {.kind = "smoothed"},
};

int main(void) {
    weir_data_options digits = weir_data_options_default();
    weir_graph_options batch = weir_graph_options_default(32);
    weir_train_options train = weir_train_options_default();
    batch.kinds = &smoothed;
    batch.kind_count = 1;
    train.sparsity.target = 0.25;
    train.epochs = 4;
    weir_data *data = NULL;
    weir_graph *graph = NULL;
    weir_trainer *trainer = NULL;
    weir_error error = {0};
    weir_evaluation test;
    if (weir_data_load(&data, &digits, &error) || weir_graph_create(&graph, network, 6, &batch, &error) ||
        weir_trainer_create(&trainer, graph, data, &train, &error) ||
        weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    const weir_part part = weir_data_test(data);
    if (weir_evaluate(graph, &test, NULL, &part, WEIR_MODE_DECIDE, &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    printf("test error %.1f %%, share of gates open %.2f\n", 100 * test.error, test.share);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(data);
}
