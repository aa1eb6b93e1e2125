// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Elementwise functions. Those with f(0) = 0 work on a compact output as it is: closed blocks are 0 before and after.

#include "../../core/math.h"
#include "activation.h"
#include "nodes.h"

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    (void)graph;
    (void)error;
    node->width = node->from->width;
    const bool compact = node->kind->keeps_zero && node->from->facts.compact;
    node->facts.compact = compact;
    node->block = compact ? node->from->block : node->width;
    node->facts.gradient_dense = compact && node->from->facts.gradient_dense;
    node->facts.needs_dense = compact && node->from->facts.needs_dense;
    return WEIR_OK;
}

/// A function on arrays: y = f(x), and dx = dy·f′ from f's value y or, with of_input, from x in its place.
typedef struct elementwise {
    void (*value)(size_t count, float *y, const float *x);
    void (*gradient)(size_t count, float *dx, const float *dy, const float *y);
    bool of_input;
} elementwise;

typedef struct elementwise_task {
    const elementwise *f;
    float *to;
    const float *x, *y; // y: of the gradient only
} elementwise_task;

static void value_range(const void *context, weir__range own) {
    const elementwise_task *t = context;
    t->f->value(own.last - own.first, t->to + own.first, t->x + own.first);
}

static void gradient_range(const void *context, weir__range own) {
    const elementwise_task *t = context;
    t->f->gradient(own.last - own.first, t->to + own.first, t->x + own.first, t->y + own.first);
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    (void)pass;
    const float *x = node->from->memory.values.data;
    TRY(weir__output_reserve(graph, node, node->facts.compact ? node->from->pass.route : NULL, error));
    if (!node->facts.compact) TRY(weir__output_dense(graph, node->from, &x, error));
    const elementwise_task t = {node->kind->how, node->memory.values.data, x, NULL};
    weir__parallel_ranges(weir__output_count(graph, node), 1, value_range, &t);
done:
    return status;
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    const elementwise *f = node->kind->how;
    weir__node *known = f->of_input ? node->from : node;
    const float *y = known->memory.values.data;
    float *dx = NULL;
    if (!node->pass.gradient_written || !node->from->facts.wants_gradient) return WEIR_OK;
    const bool dense = !node->facts.compact || node->facts.gradient_dense;
    if (dense) TRY(weir__output_dense(graph, known, &y, error));
    TRY(weir__gradient_open(graph, node->from, pass->rows, dense, &dx, error));
    const size_t count = dense ? pass->rows * node->width : weir__output_count(graph, node);
    const elementwise_task t = {f, dx, node->memory.gradient.data, y};
    weir__parallel_ranges(count, 1, gradient_range, &t);
    weir__gradient_close(graph, node->from, pass->rows, dense, dx);
done:
    return status;
}

WEIR__CLONES static void tanh_value(size_t count, float *restrict y, const float *restrict x) {
    for (size_t k = 0; k < count; k++) y[k] = weir__tanh(x[k]);
}

WEIR__CLONES static void tanh_gradient(size_t count, float *restrict dx, const float *restrict dy,
                                       const float *restrict y) {
    for (size_t k = 0; k < count; k++) dx[k] = dy[k] * ((1 - y[k]) * (1 + y[k]));
}

WEIR__CLONES static void rectifier_value(size_t count, float *restrict y, const float *restrict x) {
    for (size_t k = 0; k < count; k++) y[k] = x[k] < 0 ? 0 : x[k]; // a NaN stays NaN
}

WEIR__CLONES static void rectifier_gradient(size_t count, float *restrict dx, const float *restrict dy,
                                            const float *restrict y) {
    for (size_t k = 0; k < count; k++) dx[k] = y[k] > 0 ? dy[k] : 0;
}

WEIR__CLONES static void sigmoid_value(size_t count, float *restrict y, const float *restrict x) {
    for (size_t k = 0; k < count; k++) y[k] = weir__sigmoid(x[k]);
}

WEIR__CLONES static void sigmoid_gradient(size_t count, float *restrict dx, const float *restrict dy,
                                          const float *restrict y) {
    for (size_t k = 0; k < count; k++) dx[k] = dy[k] * (y[k] * (1 - y[k]));
}

/// Value and gradient, for arrays, of a function of activation.h.
#define OF_INPUT(name)                                                                                                 \
    WEIR__CLONES static void name##_value(size_t count, float *restrict y, const float *restrict x) {                  \
        float slope;                                                                                                   \
        for (size_t k = 0; k < count; k++) y[k] = weir__##name(x[k], &slope);                                          \
    }                                                                                                                  \
    WEIR__CLONES static void name##_gradient(size_t count, float *restrict dx, const float *restrict dy,               \
                                             const float *restrict x) {                                                \
        for (size_t k = 0; k < count; k++) {                                                                           \
            float slope;                                                                                               \
            (void)weir__##name(x[k], &slope);                                                                          \
            dx[k] = dy[k] * slope;                                                                                     \
        }                                                                                                              \
    }                                                                                                                  \
    static const elementwise name##_function = {name##_value, name##_gradient, .of_input = true};
OF_INPUT(gelu)
OF_INPUT(silu)
OF_INPUT(squared_rectifier)

static const elementwise tanh_function = {tanh_value, tanh_gradient, false};
static const elementwise rectifier_function = {rectifier_value, rectifier_gradient, false};
static const elementwise sigmoid_function = {sigmoid_value, sigmoid_gradient, false};

const weir__kind weir__kind_tanh = {
    .about = {.name = "tanh", .summary = "hyperbolic tangent", .equation = "y = tanh(x)"},
    .keeps_zero = true,
    .keeps_finite = true,
    .how = &tanh_function,
    .build = build,
    .forward = forward,
    .backward = backward,
};

const weir__kind weir__kind_rectifier = {
    .about = {.name = "rectifier", .synonyms = {"relu"}, .summary = "rectified linear", .equation = "y = max(0, x)"},
    .keeps_zero = true,
    .keeps_finite = true,
    .how = &rectifier_function,
    .build = build,
    .forward = forward,
    .backward = backward,
};

const weir__kind weir__kind_sigmoid = {
    .about = {.name = "sigmoid", .summary = "logistic sigmoid", .equation = "y = 1 / (1 + exp(-x))"},
    .keeps_finite = true,
    .how = &sigmoid_function,
    .build = build,
    .forward = forward,
    .backward = backward,
};

const weir__kind weir__kind_gelu = {
    .about = {.name = "gelu",
              .summary = "Gaussian error linear, exact",
              .equation = "y = x Phi(x), Phi the normal distribution function"},
    .keeps_zero = true,
    .how = &gelu_function,
    .build = build,
    .forward = forward,
    .backward = backward,
};

const weir__kind weir__kind_silu = {
    .about = {.name = "silu", .synonyms = {"swish"}, .summary = "sigmoid linear", .equation = "y = x / (1 + exp(-x))"},
    .keeps_zero = true,
    .how = &silu_function,
    .build = build,
    .forward = forward,
    .backward = backward,
};

const weir__kind weir__kind_squared_rectifier = {
    .about = {.name = "squared-rectifier",
              .synonyms = {"relu2", "squared-relu"},
              .summary = "square of the rectified linear",
              .equation = "y = max(0, x)^2"},
    .keeps_zero = true,
    .how = &squared_rectifier_function,
    .build = build,
    .forward = forward,
    .backward = backward,
};
