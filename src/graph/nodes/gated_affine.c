// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gated affine: y = gate ⊙ f(W·x + b), the conditional layer. A gate multiplies a block of experts; only open (row,
// block) pairs are computed, forward and backward, and the output stays compact.
//
// With gates that read ∂L/∂h (straight-through), ∂L/∂gate = Σ_u f(W·x + b)_u·∂L/∂y_u is wanted for closed gates too:
// "all" evaluates every expert, "none" gives closed gates no gradient, "sample" evaluates a random share q of the
// closed pairs and weights their gradient by 1/q, which has the mean of "all". Closed pairs that are evaluated stand
// in the route behind the open ones; their output is 0.
//
// With gates that are never exactly 0 (a sigmoid), and in passes in open or expect mode, the layer is one dense
// product and its output dense.

#include <math.h>
#include <string.h>

#include "nodes.h"

typedef enum { LINEAR, RECTIFIER, TANH } activation;
typedef enum { CLOSED_ALL, CLOSED_NONE, CLOSED_SAMPLE } closed_choice;

typedef struct gated_data {
    activation activation;
    closed_choice closed;
    size_t gates;
    weir__route route;
    weir__buffer experts; // f(W·x + b), in the layout of the output
    weir__buffer slope;   // ∂L/∂(W·x + b)
    uint8_t *evaluate;    // [max_rows][gates]: closed pairs to evaluate; NULL: none
} gated_data;

/// The index of text in a list of choices, or −1. NULL is the first choice, and is filled in.
static int choose(const char **text, const char *const *choices, int count) {
    if (!*text) {
        *text = weir__copy_string(choices[0]);
        return *text ? 0 : -1;
    }
    for (int k = 0; k < count; k++) {
        if (!strcmp(*text, choices[k])) return k;
    }
    return -1;
}

static weir_status read_choices(weir__node *node, gated_data *data, weir_error *error) {
    static const char *const activations[] = {"linear", "rectifier", "tanh"};
    static const char *const closed[] = {"all", "none", "sample"};
    const int f = choose(&node->spec.activation, activations, 3), c = choose(&node->spec.closed, closed, 3);
    if (f < 0) {
        return weir__fail_node(error, WEIR_ARGUMENT, node, "activation '%s': expected linear, rectifier or tanh",
                               node->spec.activation);
    }
    if (c < 0) {
        return weir__fail_node(error, WEIR_ARGUMENT, node, "closed '%s': expected all, none or sample",
                               node->spec.closed);
    }
    data->activation = (activation)f;
    data->closed = (closed_choice)c;
    if (data->closed == CLOSED_SAMPLE && !(node->spec.closed_share > 0)) {
        return weir__fail_node(error, WEIR_ARGUMENT, node, "closed 'sample' needs a closed_share in (0, 1]");
    }
    return WEIR_OK;
}

static weir_status check_gates(weir_graph *graph, weir__node *node, gated_data *data, weir_error *error) {
    if (!node->gates) return weir__fail_node(error, WEIR_ARGUMENT, node, "needs 'gates': the name of a unit node");
    if (!weir__node_unit(node->gates)) {
        return weir__fail_node(error, WEIR_ARGUMENT, node, "its gates '%s' are of kind '%s', not 'unit'",
                               node->gates->spec.name, node->gates->spec.kind);
    }
    const size_t wanted = (node->width + node->block - 1) / node->block;
    if (wanted != node->gates->width) {
        return weir__fail_node(error, WEIR_SHAPE, node, "%zu experts in blocks of %zu need %zu gates, but '%s' has %zu",
                               node->width, node->block, wanted, node->gates->spec.name, node->gates->width);
    }
    if (graph->options.max_rows * wanted > INT32_MAX / 2) {
        return weir__fail_node(error, WEIR_SHAPE, node, "%zu rows x %zu gates are too many for one batch",
                               graph->options.max_rows, wanted);
    }
    data->gates = wanted;
    return WEIR_OK;
}

/// Whether the gates' rule reads ∂L/∂h of closed gates.
static bool reads_closed(const weir__node *node) {
    const unsigned traits = weir__node_unit(node->gates)->rule->traits;
    return (traits & WEIR_TRAIT_USES_DH) && !(traits & WEIR_TRAIT_SKIPS);
}

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    weir_status status = WEIR_OK;
    gated_data *data = NULL;
    node->width = node->spec.size;
    if (!node->spec.block) node->spec.block = 1;
    node->block = node->spec.block < node->width ? node->spec.block : node->width;
    node->learns = true;
    TRY(weir__new(&data, 1, sizeof *data, "a gated layer", error));
    node->data = data;
    TRY(read_choices(node, data, error));
    TRY(check_gates(graph, node, data, error));
    node->compact = (weir__node_unit(node->gates)->rule->traits & WEIR_TRAIT_SPARSE) != 0;
    const size_t in = node->from->width, in_block = node->from->compact ? node->from->block : in;
    TRY(weir__tensor_declare(graph, node, "weight", node->width, in, node->block, in_block, node->compact,
                             &node->weight, error));
    TRY(weir__tensor_declare(graph, node, "bias", node->width, 1, node->block, 1, node->compact, &node->bias, error));
    if (graph->options.training && data->closed != CLOSED_NONE && reads_closed(node)) {
        const size_t pairs = graph->options.max_rows * data->gates;
        TRY(weir__new(&data->evaluate, pairs, 1, "closed gates to evaluate", error));
        memset(data->evaluate, 1, pairs);
    }
done:
    return status;
}

static void release(weir__node *node) {
    gated_data *data = node->data;
    if (!data) return;
    weir__route_free(&data->route);
    weir__buffer_free(&data->experts);
    weir__buffer_free(&data->slope);
    weir__free(data->evaluate);
}

static float activate(activation f, float a) {
    if (f == RECTIFIER) return a > 0 ? a : 0;
    return f == TANH ? tanhf(a) : a;
}

/// f′ from f's value.
static float derivative(activation f, float y) {
    if (f == RECTIFIER) return y > 0 ? 1 : 0;
    return f == TANH ? 1 - y * y : 1;
}

static size_t block_width(const weir__node *node, size_t block) {
    const size_t left = node->width - block * node->block;
    return left < node->block ? left : node->block;
}

static uint64_t dense_work(const weir_graph *graph, const weir__node *node) {
    return (uint64_t)graph->rows * node->width * node->from->width;
}

// ---- compact passes ------------------------------------------------------------------------------------------------

/// Chooses the closed pairs that are evaluated in this pass: a random share q of all pairs.
static void draw_evaluated(const weir__node *node, const weir_pass *pass, gated_data *data) {
    const float q = (float)node->spec.closed_share;
    const weir_noise noise = weir__node_noise(node, pass, 0);
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < pass->rows; r++) {
        float u[256];
        for (size_t first = 0; first < data->gates; first += 256) {
            const size_t count = data->gates - first < 256 ? data->gates - first : 256;
            weir_noise part = noise;
            part.sample = (uint16_t)(first / 256);
            weir_random_uniform(u, part, (uint32_t)r, count);
            for (size_t j = 0; j < count; j++) data->evaluate[r * data->gates + first + j] = u[j] < q;
        }
    }
}

/// output = gate · experts over the open slots, 0 in closed ones that were evaluated.
static void apply_gates(const weir__node *node, const gated_data *data) {
    const weir__route *route = &data->route;
    const float *gates = node->gates->values.data;
    float *experts = data->experts.data, *out = node->values.data;
#pragma omp parallel for schedule(static)
    for (size_t j = 0; j < route->blocks; j++) {
        const size_t width = block_width(node, j);
        for (int32_t s = route->start[j]; s < route->start[j + 1]; s++) {
            float *e = experts + (size_t)s * node->block, *y = out + (size_t)s * node->block;
            const float g = s < route->open[j] ? gates[(size_t)route->row[s] * data->gates + j] : 0;
            if (data->activation != LINEAR) {
                for (size_t u = 0; u < width; u++) e[u] = activate(data->activation, e[u]);
            }
            for (size_t u = 0; u < width; u++) y[u] = g * e[u];
        }
    }
}

static weir_status forward_compact(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    gated_data *data = node->data;
    const float *gates = node->gates->values.data;
    const uint8_t *evaluate = NULL;
    if (pass->mode == WEIR_MODE_SAMPLE && data->evaluate) {
        if (data->closed == CLOSED_SAMPLE) draw_evaluated(node, pass, data);
        evaluate = data->evaluate;
    }
    TRY(weir__route_build(&data->route, pass->rows, data->gates, gates, evaluate, error));
    TRY(weir__output_reserve(graph, node, &data->route, error));
    TRY(weir__buffer_reserve(&data->experts, weir__output_count(graph, node), error));
    weir__side y = weir__output_side(node);
    y.values = data->experts.data;
    const weir__side x = weir__output_side(node->from);
    TRY(weir__gated_forward(pass->rows, &y, &x, weir__tensor_values(graph, node->weight),
                            weir__tensor_values(graph, node->bias), &graph->scratch, error));
    apply_gates(node, data);
    weir__count_forward(node, dense_work(graph, node), weir__gated_forward_work(pass->rows, &y, &x));
    node->counters.blocks += data->gates;
    for (size_t j = 0; j < data->gates; j++) {
        node->counters.blocks_read += data->route.start[j + 1] > data->route.start[j];
    }
done:
    return status;
}

/// ∂L/∂gate of each evaluated pair into dgates [rows][gates] (NULL: not wanted), ∂L/∂(W·x + b) of open slots into
/// slope.
static void differentiate_compact(const weir__node *node, const gated_data *data, float *dgates) {
    const weir__route *route = &data->route;
    const float *gates = node->gates->values.data, *dout = node->gradient.data, *experts = data->experts.data;
    const float closed_weight = data->closed == CLOSED_SAMPLE ? (float)(1 / node->spec.closed_share) : 1;
    float *slope = data->slope.data;
#pragma omp parallel for schedule(static)
    for (size_t j = 0; j < route->blocks; j++) {
        const size_t width = block_width(node, j);
        for (int32_t s = route->start[j]; s < route->start[j + 1]; s++) {
            const size_t pair = (size_t)route->row[s] * data->gates + j, at = (size_t)s * node->block;
            const float *d = dout + at, *e = experts + at;
            const bool open = s < route->open[j];
            if (dgates) {
                float sum = 0;
                for (size_t u = 0; u < width; u++) sum += d[u] * e[u];
                dgates[pair] = open ? sum : closed_weight * sum;
            }
            if (!open) continue;
            const float g = gates[pair];
            for (size_t u = 0; u < width; u++) slope[at + u] = g * d[u];
            if (data->activation != LINEAR) {
                for (size_t u = 0; u < width; u++) slope[at + u] *= derivative(data->activation, e[u]);
            }
        }
    }
}

static weir_status backward_compact(weir_graph *graph, weir__node *node, float *dgates, weir_error *error) {
    weir_status status = WEIR_OK;
    gated_data *data = node->data;
    TRY(weir__buffer_reserve(&data->slope, weir__output_count(graph, node), error));
    if (dgates) memset(dgates, 0, graph->rows * data->gates * sizeof *dgates);
    differentiate_compact(node, data, dgates);
    weir__side dy = weir__output_side(node);
    dy.values = data->slope.data;
    const weir__side x = weir__output_side(node->from);
    weir__gated_current()->weight_gradient(graph->rows, weir__tensor_gradients(graph, node->weight),
                                           weir__tensor_gradients(graph, node->bias), graph->touched[node->weight],
                                           graph->touched[node->bias], &dy, &x);
    uint64_t done = weir__gated_weight_gradient_work(graph->rows, &dy, &x);
    if (dgates) weir__gradient_close(graph, node->gates, false, dgates);
    if (node->from->learns) {
        weir__side dx = x;
        TRY(weir__gradient_open(graph, node->from, false, &dx.values, error));
        weir__gated_current()->input_gradient(graph->rows, &dx, &dy, weir__tensor_values(graph, node->weight));
        weir__gradient_close(graph, node->from, false, dx.values);
        done += weir__gated_input_gradient_work(graph->rows, &dx, &dy);
    }
    weir__count_backward(node, (node->from->learns ? 2 : 1) * dense_work(graph, node), done);
done:
    return status;
}

// ---- dense passes --------------------------------------------------------------------------------------------------

static weir_status forward_dense(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    gated_data *data = node->data;
    const float *weights = NULL, *x = NULL;
    const float *gates = pass->mode == WEIR_MODE_OPEN ? NULL : node->gates->values.data;
    TRY(weir__output_reserve(graph, node, NULL, error));
    TRY(weir__buffer_reserve(&data->experts, weir__output_count(graph, node), error));
    TRY(weir__plain_weights(graph, node->weight, &weights, error));
    TRY(weir__output_dense(graph, node->from, &x, error));
    float *experts = gates ? data->experts.data : node->values.data, *out = node->values.data;
    weir__dense_forward(pass->rows, node->width, node->from->width, experts, x, weights,
                        weir__tensor_values(graph, node->bias));
    const size_t width = node->width, block = node->block;
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < pass->rows; r++) {
        float *e = experts + r * width, *y = out + r * width;
        if (data->activation != LINEAR) {
            for (size_t i = 0; i < width; i++) e[i] = activate(data->activation, e[i]);
        }
        if (!gates) continue;
        for (size_t j = 0; j < data->gates; j++) {
            const float g = gates[r * data->gates + j];
            for (size_t i = j * block; i < j * block + block_width(node, j); i++) y[i] = g * e[i];
        }
    }
    weir__count_forward(node, dense_work(graph, node), dense_work(graph, node));
    node->counters.blocks += data->gates;
    node->counters.blocks_read += data->gates;
done:
    return status;
}

static void differentiate_dense(const weir__node *node, const gated_data *data, size_t rows, float *dgates) {
    const float *gates = node->gates->values.data, *dout = node->gradient.data, *experts = data->experts.data;
    float *slope = data->slope.data;
#pragma omp parallel for schedule(static)
    for (size_t pair = 0; pair < rows * data->gates; pair++) {
        const size_t r = pair / data->gates, j = pair % data->gates, at = r * node->width + j * node->block;
        const float g = gates[pair];
        float sum = 0;
        for (size_t u = at; u < at + block_width(node, j); u++) {
            sum += dout[u] * experts[u];
            slope[u] = g * dout[u] * derivative(data->activation, experts[u]);
        }
        if (dgates) dgates[pair] = sum;
    }
}

static weir_status backward_dense(weir_graph *graph, weir__node *node, float *dgates, weir_error *error) {
    weir_status status = WEIR_OK;
    gated_data *data = node->data;
    const float *x = NULL;
    const size_t rows = graph->rows, in = node->from->width;
    TRY(weir__buffer_reserve(&data->slope, weir__output_count(graph, node), error));
    differentiate_dense(node, data, rows, dgates);
    if (dgates) weir__gradient_close(graph, node->gates, false, dgates);
    TRY(weir__output_dense(graph, node->from, &x, error));
    float *dweights = weir__tensor_gradients(graph, node->weight);
    const weir_tensor *tensor = &graph->tensors[node->weight];
    const bool tiled = tensor->block_columns < tensor->columns;
    if (tiled) {
        TRY(weir__buffer_reserve(&graph->scratch, node->width * in, error));
        dweights = graph->scratch.data;
    }
    weir__dense_weight_gradient(rows, node->width, in, dweights, weir__tensor_gradients(graph, node->bias),
                                data->slope.data, x);
    if (tiled) weir_tensor_pack(tensor, dweights, weir__tensor_gradients(graph, node->weight));
    if (node->from->learns) {
        const float *weights = NULL;
        float *dx = NULL;
        graph->plain_valid[node->weight] = false;
        TRY(weir__plain_weights(graph, node->weight, &weights, error));
        TRY(weir__gradient_open(graph, node->from, true, &dx, error));
        weir__dense_input_gradient(rows, node->width, in, dx, data->slope.data, weights);
        weir__gradient_close(graph, node->from, true, dx);
    }
    weir__count_backward(node, (node->from->learns ? 2 : 1) * dense_work(graph, node),
                         (node->from->learns ? 2 : 1) * dense_work(graph, node));
done:
    return status;
}

// ---- both ----------------------------------------------------------------------------------------------------------

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    const bool dense = !node->compact || pass->mode == WEIR_MODE_OPEN || pass->mode == WEIR_MODE_EXPECT;
    return dense ? forward_dense(graph, node, pass, error) : forward_compact(graph, node, pass, error);
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    (void)pass;
    if (!node->gradient_written) return WEIR_OK;
    float *dgates = NULL;
    if (node->gates->learns && (weir__node_unit(node->gates)->rule->traits & WEIR_TRAIT_USES_DH)) {
        const weir_status status = weir__gradient_open(graph, node->gates, false, &dgates, error);
        if (status != WEIR_OK) return status;
    }
    return node->route ? backward_compact(graph, node, dgates, error) : backward_dense(graph, node, dgates, error);
}

const weir__kind weir__kind_gated_affine = {
    .about = {.name = "gated-affine",
              .summary = "experts in blocks, each block multiplied by a gate; closed blocks are not computed",
              .equation = "y = h * f(W x + b)"},
    .fields = WEIR__FIELD_SIZE | WEIR__FIELD_GATES | WEIR__FIELD_PARAMETERS,
    .build = build,
    .forward = forward,
    .backward = backward,
    .release = release,
};
