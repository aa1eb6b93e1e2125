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
    uint8_t *evaluate;    // [rows][gates]: closed pairs drawn for evaluation ("sample")
    size_t evaluate_rows; // that it has room for
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
    if (!node->gates->unit) {
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
    const unsigned traits = node->gates->unit->rule->traits;
    const bool reads_closed = node->gates->wants_gradient && !(traits & WEIR_TRAIT_SKIPS);
    node->compact = (traits & WEIR_TRAIT_SPARSE) != 0;
    if (!(node->compact && reads_closed && graph->options.training)) data->closed = CLOSED_NONE;
    node->gradient_dense = data->closed == CLOSED_ALL && !node->from->compact;
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

WEIR__INLINE size_t block_width(const weir__node *node, size_t block) {
    const size_t left = node->width - block * node->block;
    return left < node->block ? left : node->block;
}

/// e = f(e).
WEIR__INLINE void activate(activation f, float *e, size_t count) {
    if (f == RECTIFIER) {
        for (size_t u = 0; u < count; u++) e[u] = e[u] < 0 ? 0 : e[u]; // a NaN stays NaN
    } else if (f == TANH) {
        for (size_t u = 0; u < count; u++) e[u] = weir__tanh(e[u]);
    }
}

/// s = g·d·f′, f′ from f's value e.
WEIR__INLINE void differentiate(activation f, float *s, float g, const float *d, const float *e, size_t count) {
    if (f == LINEAR) {
        for (size_t u = 0; u < count; u++) s[u] = g * d[u];
    } else if (f == RECTIFIER) {
        for (size_t u = 0; u < count; u++) s[u] = e[u] > 0 ? g * d[u] : 0;
    } else {
        for (size_t u = 0; u < count; u++) s[u] = g * d[u] * ((1 - e[u]) * (1 + e[u]));
    }
}

WEIR__INLINE float dot(const float *x, const float *y, size_t count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t u = 0; u < count; u++) sum += x[u] * y[u];
    return sum;
}

/// A row of dense experts: sums[j] = the dot product of block j of x and of y.
WEIR__INLINE void dot_blocks(const weir__node *node, size_t gates, float *restrict sums, const float *restrict x,
                             const float *restrict y) {
    if (node->block == 1) {
        for (size_t j = 0; j < gates; j++) sums[j] = x[j] * y[j];
        return;
    }
    for (size_t j = 0; j < gates; j++) sums[j] = dot(x + j * node->block, y + j * node->block, block_width(node, j));
}

/// A row of dense experts: y = gates ⊙ e.
WEIR__INLINE void scale_blocks(const weir__node *node, size_t gates, float *restrict y, const float *restrict g,
                               const float *restrict e) {
    if (node->block == 1) {
        for (size_t j = 0; j < gates; j++) y[j] = g[j] * e[j];
        return;
    }
    for (size_t j = 0; j < gates; j++) {
        const size_t first = j * node->block;
        for (size_t i = first; i < first + block_width(node, j); i++) y[i] = g[j] * e[i];
    }
}

// ---- forward -------------------------------------------------------------------------------------------------------

/// Chooses the closed pairs that are evaluated in this pass: a random share q of all pairs.
static void draw_evaluated(const weir__node *node, const weir_pass *pass, gated_data *data) {
    const float q = (float)node->spec.closed_share;
    const weir_noise noise = weir__node_noise(node, pass, 0);
    WEIR__FOR_PIECES(pass->rows * data->gates)
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

static weir_status reserve_evaluated(gated_data *data, size_t rows, weir_error *error) {
    if (rows <= data->evaluate_rows) return WEIR_OK;
    weir__free(data->evaluate);
    data->evaluate_rows = 0;
    const weir_status status = weir__new(&data->evaluate, rows * data->gates, 1, "closed gates to evaluate", error);
    if (status == WEIR_OK) data->evaluate_rows = rows;
    return status;
}

static weir_status build_route(weir__node *node, const weir_pass *pass, gated_data *data, weir_error *error) {
    const uint8_t *evaluate = NULL;
    if (pass->mode == WEIR_MODE_SAMPLE && !data->experts_dense) {
        if (data->closed == CLOSED_SAMPLE) {
            const weir_status status = reserve_evaluated(data, pass->rows, error);
            if (status != WEIR_OK) return status;
            draw_evaluated(node, pass, data);
        }
        if (data->closed != CLOSED_NONE) evaluate = data->closed == CLOSED_ALL ? weir__route_all : data->evaluate;
    }
    return weir__route_build(&data->route, pass->rows, data->gates, node->gates->values.data, evaluate, error);
}

/// A row's experts lie in slots, as its output does. width: of all blocks, a constant where it is inlined; 0: their
/// own.
WEIR__INLINE void apply_to_slots(const weir__node *node, const gated_data *data, size_t r, size_t width) {
    const weir__route *route = &data->route;
    const float *gates = node->gates->values.data + r * data->gates;
    for (int32_t entry = route->row_start[r]; entry < route->row_start[r + 1]; entry++) {
        const size_t j = (size_t)route->row_block[entry], at = (size_t)route->row_slot[entry] * node->block;
        const size_t count = width ? width : block_width(node, j);
        float *e = data->experts.data + at, *y = node->values.data + at;
        activate(data->activation, e, count);
        const bool open = entry < route->row_open[r];
        for (size_t u = 0; u < count; u++) y[u] = open ? gates[j] * e[u] : 0;
    }
}

WEIR__CLONES static void apply_to_row_of_slots(const weir__node *node, const gated_data *data, size_t r) {
    if (node->block == 1) {
        apply_to_slots(node, data, r, 1);
    } else {
        apply_to_slots(node, data, r, 0);
    }
}

/// Dense experts, compact output.
WEIR__CLONES static void apply_and_gather(const weir__node *node, const gated_data *data, size_t r) {
    const weir__route *route = &data->route;
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

/// Both dense; gates NULL: all 1.
WEIR__CLONES static void apply_to_row(const weir__node *node, const gated_data *data, const float *gates, size_t r) {
    float *experts = data->experts.data + r * node->width, *out = node->values.data + r * node->width;
    activate(data->activation, experts, node->width);
    if (gates) {
        scale_blocks(node, data->gates, out, gates + r * data->gates, experts);
    } else {
        memcpy(out, experts, node->width * sizeof *out);
    }
}

/// What going over all slots costs, in values: finding one is as much as some of its values.
static size_t work_of_slots(const weir__node *node, const gated_data *data) {
    enum { FINDING = 4 };
    return data->route.slots * (node->block + FINDING);
}

static void apply_gates(const weir__node *node, const gated_data *data, const weir_pass *pass) {
    const size_t rows = pass->rows;
    if (!node->route) {
        const float *gates = pass->mode == WEIR_MODE_OPEN ? NULL : node->gates->values.data;
        WEIR__FOR_PIECES(rows * node->width)
        for (size_t r = 0; r < rows; r++) apply_to_row(node, data, gates, r);
    } else if (data->experts_dense) {
        WEIR__FOR_PIECES(rows * node->width)
        for (size_t r = 0; r < rows; r++) apply_and_gather(node, data, r);
    } else {
        WEIR__FOR_PIECES(work_of_slots(node, data))
        for (size_t r = 0; r < rows; r++) apply_to_row_of_slots(node, data, r);
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
    apply_gates(node, data, pass);
done:
    return status;
}

// ---- backward ------------------------------------------------------------------------------------------------------
// slope and, unless it is NULL, dgates [rows][gates]: ∂L/∂gate, 0 for pairs that were not evaluated.

/// A row's experts, gradient and slope lie in slots. width: as in apply_to_slots.
WEIR__INLINE void differentiate_slots(const weir__node *node, const gated_data *data, float *dgates, size_t r,
                                      size_t width) {
    const weir__route *route = &data->route;
    const float *gates = node->gates->values.data + r * data->gates;
    const float closed_weight = data->closed == CLOSED_SAMPLE ? (float)(1 / node->spec.closed_share) : 1;
    float *row = dgates ? dgates + r * data->gates : NULL;
    if (row) memset(row, 0, data->gates * sizeof *row);
    for (int32_t entry = route->row_start[r]; entry < route->row_start[r + 1]; entry++) {
        const size_t j = (size_t)route->row_block[entry], at = (size_t)route->row_slot[entry] * node->block;
        const size_t count = width ? width : block_width(node, j);
        const float *d = node->gradient.data + at, *e = data->experts.data + at;
        const bool open = entry < route->row_open[r];
        if (row) row[j] = (open ? 1 : closed_weight) * dot(d, e, count);
        if (open) differentiate(data->activation, data->slope.data + at, gates[j], d, e, count);
    }
}

WEIR__CLONES static void differentiate_row_of_slots(const weir__node *node, const gated_data *data, float *dgates,
                                                    size_t r) {
    if (node->block == 1) {
        differentiate_slots(node, data, dgates, r, 1);
    } else {
        differentiate_slots(node, data, dgates, r, 0);
    }
}

/// Dense experts and gradient, compact slope.
WEIR__CLONES static void differentiate_and_gather(const weir__node *node, const gated_data *data, float *dgates,
                                                  size_t r) {
    const weir__route *route = &data->route;
    const float *gates = node->gates->values.data + r * data->gates;
    const float *d = node->gradient.data + r * node->width, *e = data->experts.data + r * node->width;
    if (dgates) dot_blocks(node, data->gates, dgates + r * data->gates, d, e);
    for (int32_t entry = route->row_start[r]; entry < route->row_open[r]; entry++) {
        const size_t j = (size_t)route->row_block[entry], at = j * node->block;
        float *slope = data->slope.data + (size_t)route->row_slot[entry] * node->block;
        differentiate(data->activation, slope, gates[j], d + at, e + at, block_width(node, j));
    }
}

/// All dense.
WEIR__CLONES static void differentiate_row(const weir__node *node, const gated_data *data, float *dgates, size_t r) {
    const float *gates = node->gates->values.data + r * data->gates;
    const float *d = node->gradient.data + r * node->width, *e = data->experts.data + r * node->width;
    float *slope = data->slope.data + r * node->width;
    if (dgates) dot_blocks(node, data->gates, dgates + r * data->gates, d, e);
    for (size_t j = 0; j < data->gates; j++) {
        const size_t at = j * node->block;
        differentiate(data->activation, slope + at, gates[j], d + at, e + at, block_width(node, j));
    }
}

static void differentiate_gates(const weir__node *node, const gated_data *data, size_t rows, float *dgates) {
    if (!node->route) {
        WEIR__FOR_PIECES(rows * node->width)
        for (size_t r = 0; r < rows; r++) differentiate_row(node, data, dgates, r);
    } else if (data->experts_dense) {
        WEIR__FOR_PIECES(rows * node->width)
        for (size_t r = 0; r < rows; r++) differentiate_and_gather(node, data, dgates, r);
    } else {
        WEIR__FOR_PIECES(work_of_slots(node, data))
        for (size_t r = 0; r < rows; r++) differentiate_row_of_slots(node, data, dgates, r);
    }
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    gated_data *data = node->data;
    float *dgates = NULL;
    if (!node->gradient_written) return WEIR_OK;
    TRY(weir__buffer_reserve(&data->slope, weir__output_count(graph, node), error));
    if (node->gates->wants_gradient) TRY(weir__gradient_open(graph, node->gates, false, &dgates, error));
    differentiate_gates(node, data, pass->rows, dgates);
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
              .equation = "y = h * f(W x + b)",
              .traits = WEIR_KIND_WEIGHTS | WEIR_KIND_GATED},
    .fields = WEIR__FIELD_SIZE | WEIR__FIELD_GATES | WEIR__FIELD_PARAMETERS,
    .build = build,
    .forward = forward,
    .backward = backward,
    .move = weir__affine_move_alone,
    .release = release,
};
