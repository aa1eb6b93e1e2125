// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A network as a part of somebody else's function and gradient: y = f(s·u), L = mean (y - sin 3u)². The scale s before
// the network and the loss behind it are this program's; optimizers move the network's parameters and s.
#include <math.h>
#include <stdio.h>
#include <weir/weir.h>

enum { rows = 64, steps = 1500 };

static const weir_node network[] = {
    {.kind = "input", .size = 1},
    {.kind = "affine", .size = 32},
    {.kind = "tanh"},
    {.kind = "affine", .size = 1},
};

int main(void) {
    weir_graph *graph = NULL;
    weir_optimizer *of_network = NULL, *of_scale = NULL;
    weir_error error = {0};
    weir_graph_options making = weir_graph_options_default(rows);
    weir_optimizer_options adam = weir_optimizer_options_default();
    float u[rows], x[rows], dy[rows], scale = 0.5F, scale_gradient = 0;
    double loss = 0, first = 0, rate = 0;
    making.input_gradients = true;
    adam.kind = "adam";
    adam.rate = 0.01;
    adam.schedule = "cosine";
    if (weir_graph_create(&graph, network, 4, &making, &error) ||
        weir_optimizer_create(&of_network, &adam, weir_graph_parameters(graph).count, &error) ||
        weir_optimizer_create(&of_scale, &adam, 1, &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    for (size_t step = 0; step < steps; step++) {
        const weir_pass pass = {.mode = WEIR_MODE_SAMPLE, .rows = rows, .inputs = x, .step = (uint32_t)step};
        for (size_t r = 0; r < rows; r++) x[r] = scale * (u[r] = 2 * (float)r / (rows - 1) - 1);
        if (weir_graph_forward(graph, &pass, &error)) return fprintf(stderr, "%s\n", error.text), 1;
        const float *y = weir_graph_output(graph, 3);
        loss = 0;
        for (size_t r = 0; r < rows; r++) {
            const float distance = y[r] - sinf(3 * u[r]);
            loss += (double)(distance * distance) / rows;
            dy[r] = 2 * distance / rows; // ∂L/∂y, put in
        }
        if (!step) first = loss;
        if (weir_graph_backward_from(graph, &pass, dy, NULL, &error)) return fprintf(stderr, "%s\n", error.text), 1;
        const float *dx = weir_graph_input_gradients(graph); // ∂L/∂x, read out
        scale_gradient = 0;
        for (size_t r = 0; r < rows; r++) scale_gradient += dx[r] * u[r];
        const weir_parameters parameters = weir_graph_parameters(graph);
        if (weir_schedule_rate(&rate, &adam, step, 0, steps, &error) ||
            weir_optimizer_step_parameters(of_network, &parameters, rate, &error) ||
            weir_optimizer_step(of_scale, &scale, &scale_gradient, rate, &error))
            return fprintf(stderr, "%s\n", error.text), 1;
    }
    printf("loss %.3f, then %.5f; scale 0.50, then %.2f\n", first, loss, (double)scale);
    weir_optimizer_free(of_scale);
    weir_optimizer_free(of_network);
    weir_graph_free(graph);
}
