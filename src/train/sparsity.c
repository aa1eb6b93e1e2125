// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The control of a graph's gates: which nodes are gates, the penalties attached to them (penalty.c), λ, and the push of
// section 2.1 of Bengio, Léonard and Courville 2013: a unit that is nearly always closed gets hardly any gradient, so
// its bias rises by a constant per batch while the moving average of its being open is under a rate.
//
// Balance without a loss (Wang et al. 2024, arXiv 2408.15664, algorithm 1) moves it both ways: up where the unit was
// open in fewer rows of the batch than the target, down where in more. Here the bias is that of the gater, so that
// weights of open gates see it, which in the paper they do not.
//
// For gates that open above a level of their own (draw=threshold: 0) the bias can follow a quantile of the unit's
// pre-activations instead (bias_quantile): after each batch it goes part of the way to where the target share of the
// batch's rows would have been above. That is a threshold per unit, a running quantile over the last batches, which the
// model file keeps: the share is held without a penalty, and in the same way for one row as for many. Steps of one size
// (bias_balance) need hundreds of batches to get there, and follow weights that learn no faster than that.

#include <math.h>
#include <string.h>

#include "../config/options.h"
#include "../core/parallel.h"
#include "../graph/graph.h"
#include "../graph/prior.h"
#include "sparsity.h"

weir_status weir__gate_nodes(const weir_graph *graph, size_t **nodes, size_t *count, weir_error *error) {
    *count = 0;
    const weir_status status = weir__new(nodes, graph->count, sizeof **nodes, "the list of gates", error);
    for (size_t i = 0; status == WEIR_OK && i < graph->count; i++) {
        if (graph->nodes[i].facts.opens) (*nodes)[(*count)++] = i;
    }
    return status;
}

// The average starts at the target, so that no unit is pushed before it has been seen to be closed.
static void aim(weir__gate_control *gate, double target) {
    gate->target = target;
    for (size_t i = 0; i < gate->units; i++) gate->average[i] = (float)target;
}

weir_status weir__gate_control_init(weir__gate_control *gate, const weir__sparsity *sparsity, size_t rows, size_t units,
                                    weir_error *error) {
    weir_status status = WEIR_OK;
    const char *what = "the sparsity control";
    *gate = (weir__gate_control){
        .sparsity = sparsity, .units = units, .target = sparsity->target, .weight = sparsity->options.weight, .bias = SIZE_MAX};
    TRY(weir__new(&gate->average, units, sizeof(float), what, error));
    TRY(weir__new(&gate->opened, units, sizeof(float), what, error));
    TRY(weir__new(&gate->quantile, units, sizeof(float), what, error));
    TRY(weir__new(&gate->term, units, sizeof(double), what, error));
    TRY(weir__new(&gate->factor, units, sizeof(double), what, error));
    TRY(weir__new(&gate->slope, units, sizeof(float), what, error));
    TRY(weir__new(&gate->row, rows, sizeof(double), what, error));
    TRY(weir__new(&gate->q, rows * units, sizeof(float), what, error));
    TRY(weir__new(&gate->dq, rows * units, sizeof(float), what, error));
    aim(gate, sparsity->target);
done:
    if (status != WEIR_OK) weir__gate_control_free(gate);
    return status;
}

void weir__gate_control_free(weir__gate_control *gate) {
    weir__free(gate->average);
    weir__free(gate->opened);
    weir__free(gate->quantile);
    weir__free(gate->term);
    weir__free(gate->factor);
    weir__free(gate->slope);
    weir__free(gate->row);
    weir__free(gate->q);
    weir__free(gate->dq);
    *gate = (weir__gate_control){0};
}

void weir__gate_control_update(weir__gate_control *gate, float *biases) {
    const weir__sparsity *all = gate->sparsity;
    const weir_sparsity_options *o = &all->options;
    const float past = (float)o->average, now = (float)(1 - o->average), wanted = (float)gate->target;
    if (gate->weight > 0) gate->weight = all->rule->adapt(o, gate->target, gate->weight, gate->share);
    for (size_t i = 0; i < gate->units; i++) {
        gate->average[i] = past * gate->average[i] + now * gate->opened[i];
        if (!biases) continue;
        if (o->bias_push > 0 && gate->average[i] < (float)o->bias_rate) biases[i] += (float)o->bias_push;
        if (gate->opened[i] < wanted) biases[i] += (float)o->bias_balance;
        if (gate->opened[i] > wanted) biases[i] -= (float)o->bias_balance;
        biases[i] -= (float)o->bias_quantile * gate->quantile[i];
    }
}

/// The value of rank k (from 0, ascending) of x[count], whose values before it are then no greater, and after it no
/// less.
static float select_rank(float *x, size_t count, size_t k) {
    size_t low = 0, high = count - 1;
    while (low < high) {
        const float pivot = x[k];
        size_t i = low, j = high;
        for (;;) {
            while (x[i] < pivot) i++;
            while (pivot < x[j]) j--;
            if (i <= j) {
                const float other = x[i];
                x[i++] = x[j];
                x[j] = other;
                if (j == 0) break;
                j--;
            }
            if (i > j) break;
        }
        if (k <= j && j < high)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return x[k];
}

/// Of x[count] what lies below as many as `above` of them: between two of them half of each counts.
static float quantile_below(float *x, size_t count, double above) {
    const double place = fmin(fmax((double)count - above - 0.5, 0), (double)(count - 1));
    const size_t rank = (size_t)place;
    const float least = select_rank(x, count, rank);
    float next = INFINITY;
    for (size_t i = rank + 1; i < count; i++) next = fminf(next, x[i]);
    return rank + 1 < count ? least + (float)(place - (double)rank) * (next - least) : least;
}

typedef struct columns {
    weir__gate_control *gate;
    const float *a, *h;
    size_t rows;
    float level;
    bool forces; ///< some outputs are open below the level, so that at least one is
} columns;

static void find_quantiles(const void *context, weir__range own) {
    const columns *c = context;
    const weir__gate_control *gate = c->gate;
    for (size_t i = own.first; i < own.last; i++) {
        float *x = gate->q + i * c->rows;
        double above = gate->target * (double)c->rows;
        bool number = true;
        for (size_t r = 0; r < c->rows; r++) {
            x[r] = c->a[r * gate->units + i] - c->level;
            number = number && isfinite(x[r]);
            above -= c->forces && c->h[r * gate->units + i] != 0 && x[r] <= 0;
        }
        gate->quantile[i] = number ? quantile_below(x, c->rows, above) : 0;
    }
}

/// A penalty, after the quantiles of the batch. context: the control of the gates.
static double steered(void *context, const weir_unit *unit, size_t rows, size_t units, const float *a, const float *h,
                      float *da) {
    weir__gate_control *gate = context;
    const weir_draw *draw = weir_unit_draw(unit);
    const columns c = {
        gate, a, h, rows, draw->floor ? (float)draw->floor(unit) : 0, weir_unit_value(unit, "least") > 0};
    weir__parallel_ranges(units, 8 * (double)rows, find_quantiles, &c);
    return gate->sparsity->rule->penalty(context, unit, rows, units, a, h, da);
}

// The biases of the affine node that a unit node reads.
static weir_status find_bias(weir_graph *graph, size_t node, size_t units, size_t *bias, weir_error *error) {
    const weir_node *specs = weir_graph_nodes(graph, NULL);
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    const size_t from = weir_graph_reads(graph, node, 0);
    for (size_t i = 0; i < p.tensor_count; i++) {
        const weir_tensor *t = &p.tensors[i];
        if (t->node != from || t->rows != units || t->role != WEIR_ROLE_BIAS) continue;
        *bias = i;
        return WEIR_OK;
    }
    return weir__fail(error, WEIR_CONFIG,
                      "sparsity.bias_push, bias_balance and bias_quantile need an affine node right before the gates "
                      "\"%s\"; set them to 0",
                      specs[node].name);
}

// The unit nodes that a rule is for: gates, or those that have a prior.
static weir_status find_nodes(weir__sparsity *sparsity, size_t **nodes, size_t *count, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_graph *graph = sparsity->graph;
    if (!sparsity->rule->prior) return weir__gate_nodes(graph, nodes, count, error);
    TRY(weir__graph_prior_set(graph, sparsity->target, error));
    TRY(weir__new(nodes, graph->count, sizeof **nodes, "the list of random units", error));
    for (size_t i = 0; i < graph->count; i++) {
        if (graph->nodes[i].prior > 0) (*nodes)[(*count)++] = i;
    }
done:
    return status;
}

weir_status weir__sparsity_init(weir__sparsity *sparsity, weir_graph *graph, const weir_sparsity_options *options,
                                size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t *nodes = NULL, count = 0;
    *sparsity = (weir__sparsity){.options = *options, .graph = graph};
    TRY(weir__options_check(&weir__sparsity_fields, options, error));
    sparsity->rule = weir__sparsity_find(options->kind);
    sparsity->options.kind = sparsity->rule->name;
    sparsity->target = options->train_target > 0 && !sparsity->rule->prior ? options->train_target : options->target;
    TRY(find_nodes(sparsity, &nodes, &count, error));
    TRY(weir__new(&sparsity->gates, count, sizeof *sparsity->gates, "the sparsity control", error));
    for (size_t i = 0; i < count; i++) {
        weir__gate_control *gate = &sparsity->gates[i];
        const size_t units = weir_graph_nodes(graph, NULL)[nodes[i]].size;
        TRY(weir__gate_control_init(gate, sparsity, rows, units, error));
        const double own = weir_graph_nodes(graph, NULL)[nodes[i]].target;
        gate->node = nodes[i];
        sparsity->count = i + 1;
        if (own > 0 && !sparsity->rule->prior) aim(gate, own);
        const weir_unit *unit = weir_graph_unit(graph, nodes[i]);
        TRY_THAT(options->weight == 0 || sparsity->rule->reaches(unit), WEIR_CONFIG,
                 "train.sparsity.kind=%s has no gradient for the gates \"%s\": the chance that %s opens has no slope "
                 "that is known; expected switch, z or none, with bias_balance or bias_quantile to hold a share",
                 sparsity->rule->name, weir_graph_nodes(graph, NULL)[nodes[i]].name,
                 weir_unit_variable(unit) > 1 ? weir_unit_draw(unit)->name : unit->rule->name);
        if (options->bias_push > 0 || options->bias_balance > 0 || options->bias_quantile > 0)
            TRY(find_bias(graph, nodes[i], units, &gate->bias, error));
        (void)weir_graph_penalty_set(graph, gate->node, options->bias_quantile > 0 ? steered : sparsity->rule->penalty,
                                     gate, NULL);
    }
done:
    weir__free(nodes);
    if (status != WEIR_OK) weir__sparsity_free(sparsity);
    return status;
}

void weir__sparsity_free(weir__sparsity *sparsity) {
    for (size_t i = 0; i < sparsity->count; i++) {
        (void)weir_graph_penalty_set(sparsity->graph, sparsity->gates[i].node, NULL, NULL, NULL);
        weir__gate_control_free(&sparsity->gates[i]);
    }
    weir__free(sparsity->gates);
    *sparsity = (weir__sparsity){0};
}

void weir__sparsity_update(weir__sparsity *sparsity) {
    for (size_t i = 0; i < sparsity->count; i++) {
        weir__gate_control *gate = &sparsity->gates[i];
        weir__gate_control_update(
            gate, gate->bias == SIZE_MAX ? NULL : weir__matrix_edit(&sparsity->graph->matrices[gate->bias]));
    }
}

double weir__sparsity_weight(const weir__sparsity *sparsity) {
    double sum = 0;
    for (size_t i = 0; i < sparsity->count; i++) sum += sparsity->gates[i].weight;
    return sparsity->count ? sum / (double)sparsity->count : 0;
}
