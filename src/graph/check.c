// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gradient check: backward's gradient along random directions beside central differences of the loss, with two step
// widths and Richardson's extrapolation. Noise stays fixed because it is a function of the pass's coordinates. Each
// component of a direction has the sign of the gradient's: along a direction that is almost at right angles to the
// gradient the derivative would be small by chance, and its relative error large.

#include <math.h>
#include <string.h>

#include "flow.h"
#include "groups.h"
#include "tensor.h"

/// Loss with penalties at the current parameters. Unit states are left as they are: only backward moves them.
static weir_status total_loss(weir_graph *graph, const weir_pass *pass, float *scratch, double *loss,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(weir_graph_forward(graph, pass, error));
    *loss = graph->mean_loss;
    for (size_t k = 0; k < graph->count; k++) {
        weir__node *node = &graph->nodes[k];
        const float *a = NULL;
        if (!node->penalty || !node->pass.ran) continue;
        TRY(weir__output_dense(graph, node->from, &a, error));
        *loss += weir__groups_penalty(graph, node, a, scratch);
    }
done:
    return status;
}

/// Whether backward is the derivative of the loss with the noise held fixed. One that is pathwise but biased (sts)
/// leaves out the jumps of its unit's output; differences would see them.
static bool has_derivative(const weir_rule *rule) {
    const unsigned both = WEIR_TRAIT_PATHWISE | WEIR_TRAIT_UNBIASED;
    return (rule->traits & both) == both;
}

/// Marks nodes whose parameters reach the loss only, or also, through a unit whose backward is not a derivative.
static void mark_estimated(const weir_graph *graph, bool *estimated) {
    for (size_t k = graph->count; k-- > 0;) {
        const weir__node *node = &graph->nodes[k];
        const weir_unit *unit = node->unit;
        const bool above = estimated[k] || (unit && !has_derivative(unit->rule));
        for (size_t i = 0; i < node->input_count && above; i++) estimated[node->inputs[i]->index] = true;
        if (node->gates && estimated[k]) estimated[node->gates->index] = true;
    }
}

typedef struct probe {
    weir_graph *graph;
    const weir_pass *pass;
    weir__matrix *matrix;
    float *start, *direction, *scratch;
    size_t count;
} probe;

/// Moves a tensor to start + width·direction.
static void move(const probe *p, double width) {
    float *values = weir__matrix_edit(p->matrix);
    for (size_t k = 0; k < p->count; k++) values[k] = p->start[k] + (float)(width * (double)p->direction[k]);
}

static weir_status central_difference(const probe *p, double width, double *slope, weir_error *error) {
    double up = 0, down = 0;
    move(p, width);
    weir_status status = total_loss(p->graph, p->pass, p->scratch, &up, error);
    if (status == WEIR_OK) {
        move(p, -width);
        status = total_loss(p->graph, p->pass, p->scratch, &down, error);
    }
    *slope = (up - down) / (2 * width);
    return status;
}

/// Step along a direction of unit length: small beside the weights, or beside 1, the scale of what a bias is added to.
/// Wider ones meet more kinks of rectifiers, narrower ones lose more to the rounding of the losses.
static double step_width(const weir_tensor *tensor, const float *start, size_t count) {
    double square = 0;
    for (size_t k = 0; k < count; k++) square += (double)start[k] * (double)start[k];
    if (weir__role_rank(tensor->role) == 2 && square > 0) return 2e-3 * sqrt(square);
    return 5e-3 * fmax(1, sqrt(square));
}

static void draw_direction(float *direction, const float *gradient, size_t count, uint64_t seed, uint32_t number) {
    const weir_noise noise = {.seed = seed, .step = number, .stream = UINT16_MAX};
    double square = 0;
    weir_random_normal(direction, noise, 0, count);
    for (size_t k = 0; k < count; k++) {
        square += (double)direction[k] * (double)direction[k];
        if (gradient[k] != 0) direction[k] = copysignf(direction[k], gradient[k]);
    }
    for (size_t k = 0; k < count; k++) direction[k] = (float)((double)direction[k] / sqrt(square));
}

typedef struct comparison {
    size_t tensor;
    double analytic, numeric;
} comparison;

static weir_status compare_tensor(const probe *p, size_t tensor, int directions, const float *gradient,
                                  comparison *found, weir_error *error) {
    weir_status status = WEIR_OK;
    const double width = step_width(&p->graph->tensors[tensor], p->start, p->count);
    for (int d = 0; d < directions; d++) {
        double wide = 0, narrow = 0, analytic = 0;
        draw_direction(p->direction, gradient, p->count, tensor, (uint32_t)d);
        for (size_t k = 0; k < p->count; k++) analytic += (double)gradient[k] * (double)p->direction[k];
        TRY(central_difference(p, width, &wide, error));
        TRY(central_difference(p, width / 2, &narrow, error));
        found[d] = (comparison){.tensor = tensor, .analytic = analytic, .numeric = (4 * narrow - wide) / 3};
    }
done:
    memcpy(weir__matrix_edit(p->matrix), p->start, p->count * sizeof *p->start);
    return status;
}

static void judge(const weir_graph *graph, const comparison *found, size_t count, weir_gradient_report *report) {
    double scale = 0;
    for (size_t k = 0; k < count; k++) scale = fmax(scale, fmax(fabs(found[k].analytic), fabs(found[k].numeric)));
    report->error = -1;
    for (size_t k = 0; k < count; k++) {
        const double size = fmax(fmax(fabs(found[k].analytic), fabs(found[k].numeric)), 1e-3 * scale);
        const double error = fabs(found[k].analytic - found[k].numeric) / size;
        if (error <= report->error) continue;
        report->error = error; // also when it is NaN: then every later comparison is false and it stays
        report->analytic = found[k].analytic;
        report->numeric = found[k].numeric;
        snprintf(report->worst, sizeof report->worst, "%s", graph->tensors[found[k].tensor].name);
        if (isnan(error)) return;
    }
}

/// Keeps a running average, which a backward pass moves, or puts it back.
static void keep_average(weir_graph *graph, size_t tensor, float *kept, bool back) {
    const size_t bytes = graph->tensors[tensor].rows * sizeof *kept;
    if (graph->tensors[tensor].role != WEIR_ROLE_AVERAGE) return;
    if (back) {
        memcpy(weir__matrix_edit(&graph->matrices[tensor]), kept, bytes);
    } else {
        memcpy(kept, weir__matrix_values(&graph->matrices[tensor]), bytes);
    }
}

weir_status weir_gradient_check(weir_graph *graph, weir_gradient_report *report, const weir_pass *pass, int directions,
                                weir_error *error) {
    weir_status status = WEIR_OK;
    float *gradients = NULL, *start = NULL, *direction = NULL, *scratch = NULL, **states = NULL;
    bool *estimated = NULL;
    comparison *found = NULL;
    size_t found_count = 0;
    *report = (weir_gradient_report){0};
    if (directions < 1) return weir__fail(error, WEIR_ARGUMENT, "directions = %d: expected at least 1", directions);
    size_t widest = 1;
    for (size_t k = 0; k < graph->count; k++) {
        if (graph->nodes[k].width > widest) widest = graph->nodes[k].width;
    }
    TRY(weir__new(&gradients, graph->parameter_count, sizeof *gradients, "gradient check", error));
    TRY(weir__new(&start, graph->parameter_count, sizeof *start, "gradient check", error));
    TRY(weir__new(&direction, graph->parameter_count, sizeof *direction, "gradient check", error));
    TRY(weir__new(&scratch, graph->groups * pass->rows * widest, sizeof *scratch, "gradient check", error));
    TRY(weir__new(&estimated, graph->count, sizeof *estimated, "gradient check", error));
    TRY_THAT(graph->options.precision != WEIR_BFLOAT16, WEIR_ARGUMENT,
             "the graph is in bf16, which rounds the steps of a gradient check away");
    TRY(weir__new(&found, graph->tensor_count * (size_t)directions, sizeof *found, "gradient check", error));
    TRY(weir__new(&states, graph->count, sizeof *states, "gradient check", error));
    for (size_t k = 0; k < graph->count; k++) {
        size_t count = 0;
        const float *state = weir__node_state(&graph->nodes[k], &count);
        if (!state) continue;
        TRY(weir__new(&states[k], count, sizeof(float), "gradient check", error));
        memcpy(states[k], state, count * sizeof(float));
    }
    mark_estimated(graph, estimated);
    TRY(weir_graph_forward(graph, pass, error));
    for (size_t k = 0; k < graph->tensor_count; k++) keep_average(graph, k, start + graph->tensors[k].offset, false);
    TRY(weir_graph_backward(graph, pass, error));
    for (size_t k = 0; k < graph->tensor_count; k++) keep_average(graph, k, start + graph->tensors[k].offset, true);
    memcpy(gradients, graph->gradients, graph->parameter_count * sizeof *gradients);
    for (size_t k = 0; k < graph->tensor_count; k++) {
        const weir_tensor *tensor = &graph->tensors[k];
        const size_t count = tensor->rows * tensor->columns;
        if (estimated[tensor->node] || tensor->role == WEIR_ROLE_AVERAGE) {
            report->skipped++;
            continue;
        }
        memcpy(start, weir__matrix_values(&graph->matrices[k]), count * sizeof *start);
        const probe p = {.graph = graph,
                         .pass = pass,
                         .matrix = &graph->matrices[k],
                         .start = start,
                         .direction = direction,
                         .scratch = scratch,
                         .count = count};
        TRY(compare_tensor(&p, k, directions, gradients + tensor->offset, found + found_count, error));
        found_count += (size_t)directions;
        report->checked++;
    }
    TRY_THAT(found_count, WEIR_ARGUMENT, "no tensor of this graph has a gradient that is a derivative");
    judge(graph, found, found_count, report);
done:
    for (size_t k = 0; states && k < graph->count; k++) {
        size_t count = 0;
        float *state = weir__node_state(&graph->nodes[k], &count);
        if (states[k]) memcpy(state, states[k], count * sizeof(float));
        weir__free(states[k]);
    }
    weir__free(gradients);
    weir__free(start);
    weir__free(direction);
    weir__free(scratch);
    weir__free(estimated);
    weir__free(found);
    weir__free(states);
    return status;
}
