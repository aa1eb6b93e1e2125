// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gated affine: y = gate ⊙ f(W·x + b), the conditional layer. A gate multiplies a block of experts; only open (row,
// block) pairs are computed, forward and backward, and the output stays compact.
//
// With gates that read ∂L/∂h (straight-through), ∂L/∂gate = Σ_u f(W·x + b)_u·∂L/∂y_u is wanted for closed gates too:
// "all" evaluates every expert, "none" gives closed gates no gradient, "sample" evaluates a random share q of the
// closed pairs and weights their gradient by 1/q, which has the mean of "all".
//
// Where the experts f(W·x + b) of a pass lie:
// - in slots, as the output: closed pairs that are evaluated stand in the route behind the open ones; their output is
// 0.
// - dense, the output compact: training with "all" (gradient_dense), where one dense product is the cheapest way.
// - dense, the output dense: gates that are never exactly 0 (a sigmoid), and passes in open or expect mode.

#include <string.h>

#include "../../core/math.h"
#include "../../core/noise.h"
#include "nodes.h"

typedef enum { LINEAR, RECTIFIER, TANH } activation;
typedef enum { CLOSED_ALL, CLOSED_NONE, CLOSED_SAMPLE } closed_choice;

typedef struct gated_data {
    activation activation;
    closed_choice closed; // NONE also where the rule has no use for closed gates' gradient
    size_t gates;
    weir__route route;
    bool experts_dense;   // in this pass
    weir__buffer experts; // f(W·x + b)
    weir__buffer slope;   // ∂L/∂(W·x + b), in the layout of the output
    uint8_t *evaluate;    // [max_rows][gates]: closed pairs drawn for evaluation ("sample")
} gated_data;

// ---- building ------------------------------------------------------------------------------------------------------

/// Reads one of a list of choices; the first one when nothing is said, which is then filled in.
static weir_status choose(const weir__node *node, const char *field, const char **text, const char *const choices[3],
                          int *choice, weir_error *error) {
    if (!*text) {
        *text = weir__copy_string(choices[0]);
        if (!*text) return weir__fail_node(error, WEIR_MEMORY, node, "out of memory for its description");
    }
    for (*choice = 0; *choice < 3; ++*choice) {
        if (!strcmp(*text, choices[*choice])) return WEIR_OK;
    }
    return weir__fail_node(error, WEIR_ARGUMENT, node, "%s '%s': expected %s, %s or %s", field, *text, choices[0],
                           choices[1], choices[2]);
}

static weir_status read_choices(weir__node *node, gated_data *data, weir_error *error) {
    static const char *const activations[] = {"linear", "rectifier", "tanh"};
    static const char *const closed[] = {"all", "none", "sample"};
    weir_status status = WEIR_OK;
    int f = 0, c = 0;
    TRY(choose(node, "activation", &node->spec.activation, activations, &f, error));
    TRY(choose(node, "closed", &node->spec.closed, closed, &c, error));
    data->activation = (activation)f;
    data->closed = (closed_choice)c;
    if (data->closed == CLOSED_SAMPLE && !(node->spec.closed_share > 0)) {
        status = weir__fail_node(error, WEIR_ARGUMENT, node, "closed 'sample' needs a closed_share in (0, 1]");
    }
done:
    return status;
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
    node->gates->opens = true;
    return WEIR_OK;
}

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    weir_status status = WEIR_OK;
    gated_data *data = NULL;
    node->width = node->spec.size;
    if (!node->spec.block) node->spec.block = 1;
    node->block = node->spec.block < node->width ? node->spec.block : node->width;
    node->learns = node->wants_gradient = true;
    TRY(weir__new(&data, 1, sizeof *data, "a gated layer", error));
    node->data = data;
    TRY(read_choices(node, data, error));
    TRY(check_gates(graph, node, data, error));
    const unsigned traits = weir__node_unit(node->gates)->rule->traits;
    const bool reads_closed = node->gates->wants_gradient && !(traits & WEIR_TRAIT_SKIPS);
    node->compact = (traits & WEIR_TRAIT_SPARSE) != 0;
    if (!(node->compact && reads_closed && graph->options.training)) data->closed = CLOSED_NONE;
    node->gradient_dense = data->closed == CLOSED_ALL && !node->from->compact;
    if (data->closed == CLOSED_SAMPLE) {
        TRY(weir__new(&data->evaluate, graph->options.max_rows * data->gates, 1, "closed gates to evaluate", error));
    }
    TRY(weir__affine_declare(graph, node, error));
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

// ---- arithmetic of a piece of experts ------------------------------------------------------------------------------

static size_t block_width(const weir__node *node, size_t block) {
    const size_t left = node->width - block * node->block;
    return left < node->block ? left : node->block;
}

/// e = f(e).
static void activate(activation f, float *e, size_t count) {
    if (f == RECTIFIER) {
        for (size_t u = 0; u < count; u++) e[u] = e[u] > 0 ? e[u] : 0;
    } else if (f == TANH) {
        for (size_t u = 0; u < count; u++) e[u] = weir__tanh(e[u]);
    }
}

/// s = g·d·f′, f′ from f's value e.
static void differentiate(activation f, float *s, float g, const float *d, const float *e, size_t count) {
    if (f == LINEAR) {
        for (size_t u = 0; u < count; u++) s[u] = g * d[u];
    } else if (f == RECTIFIER) {
        for (size_t u = 0; u < count; u++) s[u] = e[u] > 0 ? g * d[u] : 0;
    } else {
        for (size_t u = 0; u < count; u++) s[u] = g * d[u] * (1 - e[u] * e[u]);
    }
}

static float dot(const float *x, const float *y, size_t count) {
    float sum = 0;
    for (size_t u = 0; u < count; u++) sum += x[u] * y[u];
    return sum;
}

// ---- forward -------------------------------------------------------------------------------------------------------

/// Chooses the closed pairs that are evaluated in this pass: a random share q of all pairs.
static void draw_evaluated(const weir__node *node, const weir_pass *pass, gated_data *data) {
    const float q = (float)node->spec.closed_share;
    const weir_noise noise = weir__node_noise(node, pass, 0);
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < pass->rows; r++) {
        float u[256];
        for (size_t first = 0; first < data->gates; first += 256) {
            const size_t count = data->gates - first < 256 ? data->gates - first : 256;
            uint8_t *evaluate = data->evaluate + r * data->gates + first;
            weir__random_uniform_at(u, noise, (uint32_t)r, first, count);
            for (size_t j = 0; j < count; j++) evaluate[j] = u[j] < q;
        }
    }
}

static weir_status build_route(weir__node *node, const weir_pass *pass, gated_data *data, weir_error *error) {
    const uint8_t *evaluate = NULL;
    if (pass->mode == WEIR_MODE_SAMPLE && !data->experts_dense) {
        if (data->closed == CLOSED_SAMPLE) draw_evaluated(node, pass, data);
        if (data->closed != CLOSED_NONE) evaluate = data->closed == CLOSED_ALL ? weir__route_all : data->evaluate;
    }
    return weir__route_build(&data->route, pass->rows, data->gates, node->gates->values.data, evaluate, error);
}

static void apply_in_slots(const weir__node *node, const gated_data *data) {
    const weir__route *route = &data->route;
    const float *gates = node->gates->values.data;
#pragma omp parallel for schedule(static)
    for (size_t j = 0; j < route->blocks; j++) {
        const size_t width = block_width(node, j);
        for (size_t s = (size_t)route->start[j]; s < (size_t)route->start[j + 1]; s++) {
            float *e = data->experts.data + s * node->block, *y = node->values.data + s * node->block;
            activate(data->activation, e, width);
            if (s < (size_t)route->open[j]) {
                const float g = gates[(size_t)route->row[s] * data->gates + j];
                for (size_t u = 0; u < width; u++) y[u] = g * e[u];
            } else {
                memset(y, 0, width * sizeof *y);
            }
        }
    }
}

/// From dense experts to a compact output.
static void apply_and_gather(const weir__node *node, const gated_data *data) {
    const weir__route *route = &data->route;
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < route->rows; r++) {
        const float *gates = node->gates->values.data + r * data->gates;
        float *experts = data->experts.data + r * node->width;
        activate(data->activation, experts, node->width);
        for (int32_t entry = route->row_start[r]; entry < route->row_open[r]; entry++) {
            const size_t j = (size_t)route->row_block[entry], width = block_width(node, j);
            const float *e = experts + j * node->block;
            float *y = node->values.data + (size_t)route->row_slot[entry] * node->block;
            for (size_t u = 0; u < width; u++) y[u] = gates[j] * e[u];
        }
    }
}

/// gates NULL: all 1.
static void apply_dense(const weir__node *node, const gated_data *data, size_t rows, const float *gates) {
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < rows; r++) {
        float *experts = data->experts.data + r * node->width, *out = node->values.data + r * node->width;
        activate(data->activation, experts, node->width);
        if (!gates) {
            memcpy(out, experts, node->width * sizeof *out);
            continue;
        }
        for (size_t j = 0; j < data->gates; j++) {
            const float g = gates[r * data->gates + j];
            const size_t first = j * node->block;
            for (size_t i = first; i < first + block_width(node, j); i++) out[i] = g * experts[i];
        }
    }
}

static void count_blocks(weir__node *node, const gated_data *data) {
    node->counters.blocks += data->gates;
    if (data->experts_dense) {
        node->counters.blocks_read += data->gates;
        return;
    }
    for (size_t j = 0; j < data->gates; j++) {
        node->counters.blocks_read += data->route.start[j + 1] > data->route.start[j];
    }
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    gated_data *data = node->data;
    const bool dense = !node->compact || pass->mode == WEIR_MODE_OPEN || pass->mode == WEIR_MODE_EXPECT;
    data->experts_dense = dense || (node->gradient_dense && pass->mode == WEIR_MODE_SAMPLE);
    if (!dense) TRY(build_route(node, pass, data, error));
    TRY(weir__output_reserve(graph, node, dense ? NULL : &data->route, error));
    weir__side y = weir__output_side(node);
    if (data->experts_dense) y = (weir__side){.width = node->width, .block = node->width};
    TRY(weir__buffer_reserve(&data->experts, y.route ? weir__output_count(graph, node) : pass->rows * node->width,
                             error));
    y.values = data->experts.data;
    TRY(weir__affine_forward(graph, node, &y, error));
    count_blocks(node, data);
    if (dense) {
        apply_dense(node, data, pass->rows, pass->mode == WEIR_MODE_OPEN ? NULL : node->gates->values.data);
    } else if (data->experts_dense) {
        apply_and_gather(node, data);
    } else {
        apply_in_slots(node, data);
    }
done:
    return status;
}

// ---- backward ------------------------------------------------------------------------------------------------------
// Each function fills slope and, unless it is NULL, dgates [rows][gates]: ∂L/∂gate, 0 for pairs not evaluated.

static void differentiate_slots(const weir__node *node, const gated_data *data, float *dgates) {
    const weir__route *route = &data->route;
    const float *gates = node->gates->values.data;
    const float closed_weight = data->closed == CLOSED_SAMPLE ? (float)(1 / node->spec.closed_share) : 1;
    if (dgates) memset(dgates, 0, route->rows * data->gates * sizeof *dgates);
#pragma omp parallel for schedule(static)
    for (size_t j = 0; j < route->blocks; j++) {
        const size_t width = block_width(node, j);
        for (size_t s = (size_t)route->start[j]; s < (size_t)route->start[j + 1]; s++) {
            const size_t pair = (size_t)route->row[s] * data->gates + j, at = s * node->block;
            const float *d = node->gradient.data + at, *e = data->experts.data + at;
            const bool open = s < (size_t)route->open[j];
            if (dgates) dgates[pair] = (open ? 1 : closed_weight) * dot(d, e, width);
            if (open) differentiate(data->activation, data->slope.data + at, gates[pair], d, e, width);
        }
    }
}

/// From a dense gradient and dense experts to a compact slope.
static void differentiate_and_gather(const weir__node *node, const gated_data *data, float *dgates) {
    const weir__route *route = &data->route;
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < route->rows; r++) {
        const float *gates = node->gates->values.data + r * data->gates;
        const float *d = node->gradient.data + r * node->width, *e = data->experts.data + r * node->width;
        for (size_t j = 0; dgates && j < data->gates; j++) {
            dgates[r * data->gates + j] = dot(d + j * node->block, e + j * node->block, block_width(node, j));
        }
        for (int32_t entry = route->row_start[r]; entry < route->row_open[r]; entry++) {
            const size_t j = (size_t)route->row_block[entry], at = j * node->block;
            float *slope = data->slope.data + (size_t)route->row_slot[entry] * node->block;
            differentiate(data->activation, slope, gates[j], d + at, e + at, block_width(node, j));
        }
    }
}

static void differentiate_dense(const weir__node *node, const gated_data *data, size_t rows, float *dgates) {
#pragma omp parallel for schedule(static)
    for (size_t pair = 0; pair < rows * data->gates; pair++) {
        const size_t r = pair / data->gates, j = pair % data->gates, at = r * node->width + j * node->block;
        const float *d = node->gradient.data + at, *e = data->experts.data + at;
        const float g = node->gates->values.data[pair];
        if (dgates) dgates[pair] = dot(d, e, block_width(node, j));
        differentiate(data->activation, data->slope.data + at, g, d, e, block_width(node, j));
    }
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    gated_data *data = node->data;
    float *dgates = NULL;
    if (!node->gradient_written) return WEIR_OK;
    TRY(weir__buffer_reserve(&data->slope, weir__output_count(graph, node), error));
    if (node->gates->wants_gradient) TRY(weir__gradient_open(graph, node->gates, false, &dgates, error));
    if (!node->route) {
        differentiate_dense(node, data, pass->rows, dgates);
    } else if (data->experts_dense) {
        differentiate_and_gather(node, data, dgates);
    } else {
        differentiate_slots(node, data, dgates);
    }
    if (dgates) weir__gradient_close(graph, node->gates, false, dgates);
    weir__side dy = weir__output_side(node);
    dy.values = data->slope.data;
    TRY(weir__affine_backward(graph, node, &dy, error));
done:
    return status;
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
