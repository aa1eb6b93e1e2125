// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file gated_layer.c
/// One gated layer by itself: 1024 inputs, 1024 outputs in blocks of 32, of which every row wants two. Prints how much
/// of the dense work was done and what a step of gradient descent did to the error.
#include <stdio.h>
#include <weir/weir.h>

enum { ROWS = 64, WIDTH = 1024, BLOCK = 32, BLOCKS = WIDTH / BLOCK };

static float inputs[ROWS * WIDTH], gates[ROWS * BLOCKS], outputs[ROWS * WIDTH], gradient[ROWS * WIDTH];

/// Mean square of the outputs of open blocks, which are wanted to be 1; and its gradient.
static double loss(void) {
    double sum = 0;
    for (size_t k = 0; k < ROWS * WIDTH; k++) {
        const float away = gates[k / WIDTH * BLOCKS + k % WIDTH / BLOCK] != 0 ? outputs[k] - 1 : 0;
        gradient[k] = 2 * away / ROWS;
        sum += (double)(away * away) / ROWS;
    }
    return sum;
}

int main(void) {
    weir_layer_options options = weir_layer_options_default(WIDTH, WIDTH);
    options.output_block = BLOCK;
    weir_layer *layer = NULL;
    weir_batch *x = NULL, *y = NULL;
    weir_layer_work work;
    weir_error error = {0};
    for (size_t k = 0; k < ROWS * WIDTH; k++) inputs[k] = (float)(k * 7919 % 1000) / 1000;
    for (size_t r = 0; r < ROWS; r++) gates[r * BLOCKS + r % BLOCKS] = gates[r * BLOCKS + (r * 5 + 3) % BLOCKS] = 1;
    if (weir_layer_create(&layer, &options, &error) || weir_batch_create(&x, WIDTH, 0, ROWS, &error) ||
        weir_batch_create(&y, WIDTH, BLOCK, ROWS, &error) || weir_batch_begin(x, ROWS, NULL, &error) ||
        weir_batch_begin(y, ROWS, gates, &error) || weir_layer_count(layer, &work, y, x, &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    weir_batch_put(x, inputs);
    double losses[2];
    for (int turn = 0; turn < 2; turn++) {
        const weir_layer_step step = {.rate = 0.01f};
        if (weir_layer_forward(layer, y, x, &error)) return fprintf(stderr, "%s\n", error.text), 1;
        weir_batch_get(y, outputs);
        losses[turn] = loss();
        if (weir_batch_put_gradient(y, gradient, &error) || weir_layer_backward(layer, x, y, true, &step, &error))
            return fprintf(stderr, "%s\n", error.text), 1;
    }
    printf("%.1f %% of the dense multiply-adds, loss %.2f, then %.2f\n",
           100 * (double)work.products / (double)work.dense, losses[0], losses[1]);
    weir_layer_free(layer);
    weir_batch_free(x);
    weir_batch_free(y);
}
