// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A layer of stochastic units: sampling, mean or decision by the unit's rule, and the rule's own gradient. Sparsity
// penalties of the trainer join the gradient here.

#include <stdatomic.h>
#include <string.h>

#include "../../core/clones.h"
#include "../../units/rules.h"
#include "nodes.h"

typedef struct unit_data {
    weir_unit unit;
    weir__buffer saved;
    weir__buffer drawn; // of a rule that lists outcomes, see draw_beside
} unit_data;

/// A grouped layer has the examples as its rows, and groups of them; any other what the pass has.
static weir_unit_batch batch_of(const weir_graph *graph, const weir__node *node, const weir_pass *pass,
                                const float *a) {
    const unit_data *data = node->memory.data;
    const bool grouped = node->facts.grouped && graph->wide;
    return (weir_unit_batch){.rows = node->facts.grouped ? graph->examples : pass->rows,
                             .units = node->width,
                             .a = a,
                             .h = node->memory.values.data,
                             .saved = data->saved.data,
                             .state = node->memory.state.data,
                             .noise = weir__node_noise(node, pass, 0),
                             .row_weight = 1 / (float)graph->examples,
                             .threshold = node->threshold,
                             .groups = grouped ? graph->groups : 1,
                             .layer = node->facts.layer,
                             .layers = grouped ? graph->layers : 1};
}

static void merge(const weir_graph *graph, const weir__node *node, float *loss, float *weights) {
    weir_unit_batch batch = batch_of(graph, node, &graph->pass, NULL);
    batch.loss = graph->group_loss;
    weir_unit_merge(node->unit, &batch, loss, weights);
}

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    (void)graph;
    weir_status status = WEIR_OK;
    unit_data *data = NULL;
    node->width = node->block = node->from->width;
    TRY(weir__new(&data, 1, sizeof *data, "a unit layer", error));
    node->memory.data = data;
    if (!node->spec.rule) {
        return weir__fail_node(error, WEIR_ARGUMENT, node, "needs a rule (the command 'weir units' lists them)");
    }
    weir_error reason;
    status =
        weir_unit_parse_among(&data->unit, node->spec.rule, graph->options.rules, graph->options.rule_count, &reason);
    if (status == WEIR_OK) status = weir_unit_fit(&data->unit, node->width, &reason);
    if (status != WEIR_OK) return weir__fail_node(error, status, node, "%s", reason.text);
    node->unit = &data->unit;
    const weir_rule *rule = data->unit.rule;
    node->facts.wants_gradient = (rule->traits & WEIR_TRAIT_USES_DH) && node->from->facts.wants_gradient;
    node->state = weir_unit_state(&data->unit, node->width);
    if (node->state) {
        TRY(weir__buffer_reserve(&node->memory.state, node->state, error));
        rule->start(&data->unit, node->width, node->memory.state.data);
    }
done:
    return status;
}

static void release(weir__node *node) {
    unit_data *data = node->memory.data;
    if (!data) return;
    weir__buffer_free(&data->saved);
    weir__buffer_free(&data->drawn);
}

typedef struct open_count {
    const float *h;
    atomic_size_t *open;
} open_count;

WEIR__CLONES static size_t count_nonzero(const float *h, size_t count) {
    enum { AT_ONCE = 1 << 20 }; // counts in 32 bits
    size_t all = 0;
    for (size_t first = 0; first < count; first += AT_ONCE) {
        const size_t last = count - first < AT_ONCE ? count : first + AT_ONCE;
        uint32_t some = 0;
        for (size_t k = first; k < last; k++) some += h[k] != 0;
        all += some;
    }
    return all;
}

static void count_range(const void *context, weir__range own) {
    const open_count *c = context;
    atomic_fetch_add_explicit(c->open, count_nonzero(c->h + own.first, own.last - own.first), memory_order_relaxed);
}

static void count_open(weir__node *node, size_t rows) {
    const float *h = node->pass.drawn ? node->pass.drawn : node->memory.values.data;
    const size_t count = rows * node->width;
    atomic_size_t open = 0;
    weir__parallel_ranges(count, 0.25, count_range, &(open_count){h, &open});
    node->counters.gates += count;
    node->counters.gates_open += open;
}

/// A draw as a finished network's, where the pass lists all outcomes instead: the first of these has every gate closed,
/// and a share counted there would be 0 for ever.
static weir_status draw_beside(weir__node *node, const weir_pass *pass, weir_unit_batch batch, weir_error *error) {
    unit_data *data = node->memory.data;
    const weir_status status = weir__buffer_reserve(&data->drawn, batch.rows * batch.units, error);
    if (status != WEIR_OK) return status;
    batch.h = data->drawn.data;
    batch.groups = 1;
    batch.noise = weir__node_noise(node, pass, 1);
    weir__unit_finished(&data->unit, &batch, weir_unit_draw(&data->unit)->sample);
    node->pass.drawn = data->drawn.data;
    return WEIR_OK;
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    unit_data *data = node->memory.data;
    const weir_draw *draw = weir_unit_draw(&data->unit);
    const float *a = NULL;
    TRY(weir__output_reserve(graph, node, NULL, error));
    TRY(weir__output_dense(graph, node->from, &a, error));
    const size_t rows = node->facts.grouped ? graph->examples : pass->rows;
    TRY(weir__buffer_reserve(&data->saved, weir_unit_saved(&data->unit, rows, node->width), error));
    const weir_unit_batch batch = batch_of(graph, node, pass, a);
    node->pass.drawn = NULL;
    if (batch.groups > 1 && (data->unit.rule->traits & WEIR_TRAIT_ENUMERATES)) {
        TRY(draw_beside(node, pass, batch, error));
    }
    switch (pass->mode) {
    case WEIR_MODE_SAMPLE:
        if (data->unit.rule->groups && !graph->wide)
            weir__unit_finished(&data->unit, &batch, draw->sample);
        else
            weir_unit_sample(&data->unit, &batch);
        break;
    case WEIR_MODE_DECIDE:
        weir__unit_finished(&data->unit, &batch, draw->decide);
        break;
    case WEIR_MODE_EXPECT:
    case WEIR_MODE_OPEN:
        weir__unit_finished(&data->unit, &batch, draw->expect);
        break;
    case WEIR_MODE_DRAW:
        weir__unit_finished(&data->unit, &batch, draw->sample);
        break;
    }
    if (node->facts.opens) count_open(node, batch.rows);
done:
    return status;
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    unit_data *data = node->memory.data;
    const weir_rule *rule = data->unit.rule;
    const float *a = NULL;
    float *da = NULL;
    const bool uses_gradient = rule->traits & WEIR_TRAIT_USES_DH;
    if (!node->from->facts.learns) return WEIR_OK;
    TRY(weir__output_dense(graph, node->from, &a, error));
    if (uses_gradient && !node->pass.gradient_written) {
        const size_t count = weir__output_count(graph, node);
        TRY(weir__buffer_reserve(&node->memory.gradient, count, error));
        memset(node->memory.gradient.data, 0, count * sizeof(float));
    }
    TRY(weir__gradient_open(graph, node->from, pass->rows, true, &da, error));
    weir_unit_batch batch = batch_of(graph, node, pass, a);
    batch.dh = uses_gradient ? node->memory.gradient.data : NULL;
    batch.loss = weir__node_rows(graph, node) > graph->examples ? graph->group_loss : graph->row_loss;
    batch.da = da;
    rule->backward(&data->unit, &batch);
    if (node->penalty) graph->penalty += weir__groups_penalty(graph, node, a, da);
    weir__gradient_close(graph, node->from, pass->rows, true, da);
done:
    return status;
}

const weir__kind weir__kind_unit = {
    .about = {.name = "unit",
              .summary = "stochastic units; 'weir units' lists the rules",
              .equation = "h = f(a, z)",
              .traits = WEIR_KIND_UNITS},
    .keeps_finite = true,
    .fields = WEIR__FIELD_RULE,
    .build = build,
    .forward = forward,
    .backward = backward,
    .merge = merge,
    .release = release,
};
