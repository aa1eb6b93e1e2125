// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Gated affine: y = gate ⊙ f(W·x + b), the conditional layer. A gate multiplies a block of experts; only open (row,
// block) pairs are computed, forward and backward, and the output stays compact.
//
// With gates that read ∂L/∂h (straight-through), ∂L/∂gate = Σ_u f(W·x + b)_u·∂L/∂y_u is wanted for closed gates too:
// "all" evaluates every expert, "none" gives closed gates no gradient, "sample" evaluates a share of the closed pairs,
// chosen when ∂L/∂y is known (gated_closed.c), and has the mean of "all". With "default", for gates of any rule, closed
// blocks are not 0 but their running average (gated_default.c).
//
// Where the experts f(W·x + b) of a pass lie:
// - where the output then is, in slots: passes that no backward pass follows.
// - in slots, as the output: closed pairs that are evaluated stand in the route behind the open ones, with output 0.
// - dense, the output compact: training with "all" (gradient_dense), where one dense product is the cheapest way.
// - in slots, the output dense: "default".
// - dense, the output dense: gates that are never exactly 0 (a sigmoid), and passes in open or expect mode.

#include <string.h>

#include "gated.h"

/// Index of the text among the choices "one|two|three", of which it is one: the table of fields has checked it.
static int index_of(const char *text, const char *choices) {
    int index = 0;
    const size_t length = strlen(text);
    for (; strncmp(choices, text, length) || (choices[length] && choices[length] != '|'); index++)
        choices = strchr(choices, '|') + 1;
    return index;
}

static weir_status read_choices(weir__node *node, weir__gated *gated, weir_error *error) {
    gated->activation = (weir__activation)index_of(node->spec.activation, WEIR__ACTIVATIONS);
    gated->closed = (weir__closed)index_of(node->spec.closed, WEIR__CLOSED);
    node->products = gated->activation >= WEIR__GLU ? 2 : 1;
    if (node->products > 1 && node->width % node->block) {
        return weir__fail_node(error, WEIR_SHAPE, node,
                               "activation '%s' needs blocks of one size: %zu is no multiple "
                               "of %zu",
                               node->spec.activation, node->width, node->block);
    }
    if (gated->closed != WEIR__CLOSED_SAMPLE || node->spec.closed_share > 0) return WEIR_OK;
    return weir__fail_node(error, WEIR_ARGUMENT, node, "closed 'sample' needs a closed_share in (0, 1]");
}

static weir_status check_gates(weir_graph *graph, weir__node *node, weir__gated *gated, weir_error *error) {
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
    gated->gates = wanted;
    node->gates->facts.opens = true;
    return WEIR_OK;
}

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__gated *gated = NULL;
    node->width = node->spec.size;
    node->block = node->spec.block < node->width ? node->spec.block : node->width;
    node->facts.learns = node->facts.wants_gradient = true;
    TRY(weir__new(&gated, 1, sizeof *gated, "a gated layer", error));
    node->memory.data = gated;
    TRY(read_choices(node, gated, error));
    TRY(check_gates(graph, node, gated, error));
    const unsigned traits = node->gates->unit->rule->traits;
    const bool reads_closed = node->gates->facts.wants_gradient && !(traits & WEIR_TRAIT_SKIPS);
    const bool sparse = traits & WEIR_TRAIT_SPARSE;
    if (gated->closed != WEIR__CLOSED_DEFAULT && !(reads_closed && graph->options.training))
        gated->closed = WEIR__CLOSED_NONE;
    if (!sparse) gated->closed = WEIR__CLOSED_NONE;
    node->facts.tiled = gated->closed == WEIR__CLOSED_DEFAULT;
    node->facts.compact = sparse && !node->facts.tiled;
    node->facts.needs_dense = gated->closed == WEIR__CLOSED_SAMPLE;
    node->facts.gradient_dense =
        node->facts.needs_dense || (gated->closed == WEIR__CLOSED_ALL && !node->from->facts.compact);
    TRY(weir__affine_declare(graph, node, error));
    TRY(weir__closed_declare(node, gated, error));
    TRY(weir__default_declare(graph, node, gated, error));
done:
    return status;
}

static void release(weir__node *node) {
    weir__gated *gated = node->memory.data;
    if (!gated) return;
    weir__route_free(&gated->route);
    weir__buffer_free(&gated->experts);
    weir__buffer_free(&gated->slope);
    weir__closed_free(gated);
    weir__default_free(gated);
}

/// W·x + b as a side of the product, of open pairs where the output is compact or spread out.
static weir__side products_side(const weir__node *node, const weir__gated *gated) {
    weir__side y = weir__output_side(node);
    if (weir__spreads(gated)) {
        y.route = &gated->route;
        y.block = node->block;
    }
    y.width *= node->products;
    y.block *= node->products;
    return y;
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__gated *gated = node->memory.data;
    const bool routed = node->facts.compact || node->facts.tiled;
    const bool dense = !routed || pass->mode == WEIR_MODE_OPEN || pass->mode == WEIR_MODE_EXPECT;
    const bool all = gated->closed == WEIR__CLOSED_ALL && node->facts.gradient_dense;
    gated->experts_dense = dense || (all && pass->mode == WEIR_MODE_SAMPLE);
    if (!dense) TRY(weir__gated_route(node, pass, gated, error));
    TRY(weir__output_reserve(graph, node, dense || node->facts.tiled ? NULL : &gated->route, error));
    weir__side y = products_side(node, gated);
    if (gated->experts_dense) y = (weir__side){.width = y.width, .block = y.width};
    gated->in_place = node->pass.route && pass->mode != WEIR_MODE_SAMPLE && node->products == 1;
    const size_t outputs = y.route ? y.route->slots * node->block : pass->rows * node->width;
    if (!gated->in_place) TRY(weir__buffer_reserve(&gated->experts, outputs * node->products, error));
    y.values = gated->in_place ? node->memory.values.data : gated->experts.data;
    TRY(weir__affine_forward(graph, node, pass->rows, &y, error));
    weir__gated_count(node, gated);
    if (weir__spreads(gated)) TRY(weir__default_fill(graph, node, gated, pass->rows, error));
    weir__gated_apply(node, gated, pass);
done:
    return status;
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__gated *gated = node->memory.data;
    float *dgates = NULL;
    if (!node->pass.gradient_written) return WEIR_OK;
    weir__side dy = products_side(node, gated);
    const size_t slopes = dy.route ? dy.route->slots * node->block : weir__output_count(graph, node);
    TRY(weir__buffer_reserve(&gated->slope, slopes * node->products, error));
    if (node->gates->facts.wants_gradient)
        TRY(weir__gradient_open(graph, node->gates, pass->rows, false, &dgates, error));
    weir__gated_differentiate(node, gated, pass->rows, dgates);
    if (dgates && gated->closed == WEIR__CLOSED_SAMPLE)
        TRY(weir__closed_sample(graph, node, pass, gated, dgates, error));
    if (dgates) weir__gradient_close(graph, node->gates, pass->rows, false, dgates);
    if (weir__spreads(gated)) TRY(weir__default_teach(graph, node, gated, pass->rows, error));
    dy.values = gated->slope.data;
    TRY(weir__affine_backward(graph, node, pass->rows, &dy, error));
done:
    return status;
}

const weir__kind weir__kind_gated_affine = {
    .about = {.name = "gated-affine",
              .summary = "experts in blocks, each block multiplied by a gate; closed blocks are not computed",
              .equation = "y = h * f(W x + b), or h * f(V x + c) * (W x + b)",
              .traits = WEIR_KIND_WEIGHTS | WEIR_KIND_GATED},
    .fields = WEIR__FIELD_SIZE | WEIR__FIELD_GATES | WEIR__FIELD_PARAMETERS,
    .build = build,
    .forward = forward,
    .backward = backward,
    .move = weir__affine_move_alone,
    .release = release,
};
