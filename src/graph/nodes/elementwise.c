// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Elementwise functions: tanh, rectifier, sigmoid. Those with f(0) = 0 work on a compact output as it is: closed
// blocks are 0 before and after.

#include "../../core/math.h"
#include "nodes.h"

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    (void)graph;
    (void)error;
    node->width = node->from->width;
    const bool compact = node->kind->keeps_zero && node->from->compact;
    node->compact = compact;
    node->block = compact ? node->from->block : node->width;
    return WEIR_OK;
}

/// What the node reads in this pass: in its own layout.
static weir_status input_values(weir_graph *graph, weir__node *node, const float **x, weir_error *error) {
    if (node->compact) {
        *x = node->from->values.data;
        return weir__output_reserve(graph, node, node->from->route, error);
    }
    const weir_status status = weir__output_reserve(graph, node, NULL, error);
    return status == WEIR_OK ? weir__output_dense(graph, node->from, x, error) : status;
}

/// y = f(x) and dx = dy·f′ from f's value, for one function.
#define ELEMENTWISE(name, value, slope)                                                                                \
    static weir_status name##_forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) { \
        (void)pass;                                                                                                    \
        const float *in = NULL;                                                                                        \
        const weir_status status = input_values(graph, node, &in, error);                                              \
        if (status != WEIR_OK) return status;                                                                          \
        float *out = node->values.data;                                                                                \
        const size_t count = weir__output_count(graph, node);                                                          \
        _Pragma("omp parallel for simd schedule(static) if (count > 1 << 12)") for (size_t k = 0; k < count; k++) {    \
            const float x = in[k];                                                                                     \
            out[k] = (value);                                                                                          \
        }                                                                                                              \
        return WEIR_OK;                                                                                                \
    }                                                                                                                  \
    static weir_status name##_backward(weir_graph *graph, weir__node *node, const weir_pass *pass,                     \
                                       weir_error *error) {                                                            \
        (void)pass;                                                                                                    \
        if (!node->gradient_written || !node->from->learns) return WEIR_OK;                                            \
        float *dx = NULL;                                                                                              \
        const weir_status status = weir__gradient_open(graph, node->from, !node->compact, &dx, error);                 \
        if (status != WEIR_OK) return status;                                                                          \
        const float *out = node->values.data, *dy = node->gradient.data;                                               \
        const size_t count = weir__output_count(graph, node);                                                          \
        _Pragma("omp parallel for simd schedule(static) if (count > 1 << 12)") for (size_t k = 0; k < count; k++) {    \
            const float y = out[k];                                                                                    \
            dx[k] = dy[k] * (slope);                                                                                   \
        }                                                                                                              \
        weir__gradient_close(graph, node->from, !node->compact, dx);                                                   \
        return WEIR_OK;                                                                                                \
    }

ELEMENTWISE(tanh, weir__tanhf(x), 1 - y * y)
ELEMENTWISE(rectifier, x > 0 ? x : 0, y > 0 ? 1.0f : 0.0f)
ELEMENTWISE(sigmoid, weir__sigmoidf(x), y *(1 - y))

const weir__kind weir__kind_tanh = {
    .about = {.name = "tanh", .summary = "hyperbolic tangent", .equation = "y = tanh(x)"},
    .keeps_zero = true,
    .build = build,
    .forward = tanh_forward,
    .backward = tanh_backward,
};

const weir__kind weir__kind_rectifier = {
    .about = {.name = "rectifier", .summary = "rectified linear", .equation = "y = max(0, x)"},
    .keeps_zero = true,
    .build = build,
    .forward = rectifier_forward,
    .backward = rectifier_backward,
};

const weir__kind weir__kind_sigmoid = {
    .about = {.name = "sigmoid", .summary = "logistic sigmoid", .equation = "y = 1 / (1 + exp(-x))"},
    .build = build,
    .forward = sigmoid_forward,
    .backward = sigmoid_backward,
};
