// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Running a graph: forward and backward over the nodes in order.

#include <math.h>
#include <string.h>

#include "counters.h"
#include "finite.h"
#include "flow.h"
#include "groups.h"
#include "run.h"
#include "shared.h"
#include "tensor.h"

/// A pass in open mode does without what only gates need.
static bool runs(const weir__node *node, weir_mode mode) { return !(node->facts.gater && mode == WEIR_MODE_OPEN); }

static weir_status check_pass(const weir_graph *graph, const weir_pass *pass, weir_error *error) {
    if (pass->rows < 1 || pass->rows > graph->options.max_rows) {
        return weir__fail(error, WEIR_SHAPE, "a batch of %zu rows: the graph was made for 1 to %zu", pass->rows,
                          graph->options.max_rows);
    }
    const bool draws = pass->mode == WEIR_MODE_SAMPLE || pass->mode == WEIR_MODE_DRAW;
    if (draws && (pass->first_row > UINT32_MAX || pass->rows > UINT32_MAX - pass->first_row)) {
        return weir__fail(error, WEIR_ARGUMENT, "rows from number %zu on: noise numbers rows by 32 bits",
                          pass->first_row);
    }
    if (!pass->inputs) return weir__fail(error, WEIR_ARGUMENT, "the pass has no inputs");
    if ((unsigned)pass->mode > WEIR_MODE_DRAW) {
        return weir__fail(error, WEIR_ARGUMENT, "unknown mode %d", (int)pass->mode);
    }
    return WEIR_OK;
}

/// The last pass as the node sees it, with the rows that it runs on.
static weir_pass pass_of(const weir_graph *graph, const weir__node *node) {
    weir_pass own = graph->pass;
    own.rows = weir__run_rows(graph, node);
    own.labels = graph->labels;
    own.targets = graph->targets;
    return own;
}

/// Nodes first, first + 1, … in the last pass: their outputs, and the loss.
static weir_status run_nodes(weir_graph *graph, size_t first, weir_error *error) {
    graph->forward_done = false;
    graph->nodes[0].pass.gradient_written = false;
    graph->row_loss = NULL;
    graph->mean_loss = NAN;
    graph->penalty = 0;
    for (size_t k = first; k < graph->count; k++) {
        weir__node *node = &graph->nodes[k];
        node->pass.dense_valid = false;
        node->pass.ran = runs(node, graph->pass.mode);
        if (!node->pass.ran) continue;
        const weir_pass own = pass_of(graph, node);
        const double start = weir__profile_clock(graph);
        node->counters.rows += own.rows;
        weir_status status = node->kind->forward(graph, node, &own, error);
        if (status == WEIR_OK) status = weir__check_finite(graph, node, error);
        if (status != WEIR_OK) return status;
        weir__groups_repeat(graph, node);
        node->seconds.forward += weir__profile_clock(graph) - start;
    }
    weir__groups_merge(graph);
    if (graph->row_loss) {
        double sum = 0;
        for (size_t r = 0; r < graph->examples; r++) sum += (double)graph->row_loss[r];
        graph->mean_loss = sum / (double)graph->examples;
    }
    graph->forward_done = true;
    return WEIR_OK;
}

static weir_status run_batch(weir_graph *graph, const weir_pass *pass, weir_error *error) {
    graph->pass = *pass;
    const weir_status status = weir__groups_begin(graph, pass, error);
    return status == WEIR_OK ? run_nodes(graph, 0, error) : status;
}

// ---- rows that do not depend on their batch ------------------------------------------------------------------------

static weir_status reserve_rows(weir_graph *graph, size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t k = 0; k < graph->count; k++) {
        TRY(weir__buffer_reserve(&graph->nodes[k].memory.rows, rows * graph->nodes[k].width, error));
    }
    TRY(weir__buffer_reserve(&graph->row_losses, rows, error));
done:
    return status;
}

static weir_pass row_of(const weir_graph *graph, const weir_pass *pass, size_t r) {
    weir_pass row = *pass;
    row.rows = 1;
    row.first_row += r;
    row.inputs += r * graph->nodes[0].width;
    if (row.labels) row.labels += r;
    if (row.targets && graph->loss) row.targets += r * graph->loss->width;
    return row;
}

/// Puts the outputs of the row that has just run where those of all rows are kept.
static weir_status keep_row(weir_graph *graph, size_t r, weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t k = 0; k < graph->count; k++) {
        weir__node *node = &graph->nodes[k];
        const float *values = NULL;
        if (!node->pass.ran) continue;
        TRY(weir__output_dense(graph, node, &values, error));
        memcpy(node->memory.rows.data + r * node->width, values, node->width * sizeof *values);
    }
    if (graph->row_loss) graph->row_losses.data[r] = *graph->row_loss;
done:
    return status;
}

/// Each row as a batch of its own: what it gets is what it would get alone.
static weir_status run_row_by_row(weir_graph *graph, const weir_pass *pass, weir_error *error) {
    const weir_pass all = *pass;
    weir_status status = WEIR_OK;
    double sum = 0;
    graph->forward_done = false;
    TRY(reserve_rows(graph, all.rows, error));
    for (size_t r = 0; r < all.rows; r++) {
        const weir_pass row = row_of(graph, &all, r);
        TRY(run_batch(graph, &row, error));
        TRY(keep_row(graph, r, error));
        sum += graph->mean_loss;
    }
    graph->pass = all;
    graph->examples = all.rows;
    graph->mean_loss = sum / (double)all.rows;
    if (graph->row_loss) graph->row_loss = graph->row_losses.data;
done:
    if (status != WEIR_OK) graph->forward_done = false;
    return status;
}

// ---- passes --------------------------------------------------------------------------------------------------------

weir_status weir_graph_forward(weir_graph *graph, const weir_pass *pass, weir_error *error) {
    weir_status status = check_pass(graph, pass, error);
    if (status == WEIR_OK) status = weir__check_targets(graph, pass, error);
    if (status != WEIR_OK) return status;
    const int former = weir__threads_begin(graph->options.threads);
    status = (graph->options.batch_invariant ? run_row_by_row : run_batch)(graph, pass, error);
    weir__threads_end(former);
    return status;
}

weir_status weir__graph_redraw(weir_graph *graph, uint32_t step, bool *drawn, weir_error *error) {
    size_t first = 0;
    for (; first < graph->count; first++) {
        const weir_unit *unit = graph->nodes[first].unit;
        if (unit && (unit->rule->traits & WEIR_TRAIT_STOCHASTIC)) break;
    }
    *drawn = first < graph->count;
    if (!*drawn) return WEIR_OK;
    graph->pass.step = step;
    const int former = weir__threads_begin(graph->options.threads);
    const weir_status status =
        graph->options.batch_invariant ? run_row_by_row(graph, &graph->pass, error) : run_nodes(graph, first, error);
    weir__threads_end(former);
    return status;
}

static bool same_pass(const weir_pass *a, const weir_pass *b) {
    return a->mode == b->mode && a->rows == b->rows && a->inputs == b->inputs && a->labels == b->labels &&
           a->targets == b->targets && a->seed == b->seed && a->step == b->step && a->first_row == b->first_row;
}

static weir_status check_backward(const weir_graph *graph, const weir_pass *pass, weir_error *error) {
    if (!graph->options.training) return weir__fail(error, WEIR_ARGUMENT, "the graph was not made for training");
    if (!graph->forward_done || !same_pass(pass, &graph->pass)) {
        return weir__fail(error, WEIR_ARGUMENT, "backward needs a forward pass of the same batch before it");
    }
    if (pass->mode != WEIR_MODE_SAMPLE) {
        return weir__fail(error, WEIR_ARGUMENT, "backward follows a pass in sample mode only");
    }
    return WEIR_OK;
}

/// From the last node to the first; output_gradients: of the last one, NULL: it is a loss.
static weir_status go_back(weir_graph *graph, const float *output_gradients, weir_error *error) {
    graph->penalty = 0;
    for (size_t k = 0; k < graph->count; k++) graph->nodes[k].pass.gradient_written = false;
    weir__node *last = &graph->nodes[graph->count - 1];
    if (output_gradients && last->facts.wants_gradient) {
        const size_t rows = weir__run_rows(graph, last);
        float *to = NULL;
        const weir_status status = weir__gradient_open(graph, last, rows, true, &to, error);
        if (status != WEIR_OK) return status;
        memcpy(to, output_gradients, rows * last->width * sizeof *to);
        weir__gradient_close(graph, last, rows, true, to);
    }
    for (size_t k = graph->count; k-- > 0;) {
        weir__node *node = &graph->nodes[k];
        if (!node->facts.learns || !node->kind->backward) continue;
        const double start = weir__profile_clock(graph);
        const weir_pass own = pass_of(graph, node);
        const weir_status status = node->kind->backward(graph, node, &own, error);
        if (status != WEIR_OK) return status;
        node->seconds.backward += weir__profile_clock(graph) - start;
    }
    return WEIR_OK;
}

static weir_status run_back(weir_graph *graph, const float *output_gradients, weir_error *error) {
    const int former = weir__threads_begin(graph->options.threads);
    const weir_status status = go_back(graph, output_gradients, error);
    weir__threads_end(former);
    return status;
}

weir_status weir_graph_backward(weir_graph *graph, const weir_pass *pass, weir_error *error) {
    const weir_status status = check_backward(graph, pass, error);
    if (status != WEIR_OK) return status;
    if (!graph->row_loss)
        return weir__fail(error, WEIR_ARGUMENT, "backward needs a forward pass with a loss before it");
    return run_back(graph, NULL, error);
}

/// Units whose rules want what only the graph's own loss could give, or what the caller did not.
static weir_status check_rules(const weir_graph *graph, const float *loss, weir_error *error) {
    if (graph->grouped) {
        return weir__fail_node(error, WEIR_UNSUPPORTED, graph->grouped,
                               "its rule '%s' evaluates the loss several times per example, which takes a loss in the "
                               "graph",
                               graph->grouped->unit->rule->name);
    }
    for (size_t k = 0; k < graph->count && !loss; k++) {
        const weir__node *node = &graph->nodes[k];
        if (!node->unit || !node->from->facts.learns || !(node->unit->rule->traits & WEIR_TRAIT_USES_LOSS)) continue;
        return weir__fail_node(error, WEIR_ARGUMENT, node, "its rule '%s' needs the loss of each row",
                               node->unit->rule->name);
    }
    return WEIR_OK;
}

weir_status weir_graph_backward_from(weir_graph *graph, const weir_pass *pass, const float *output_gradients,
                                     const float *loss, weir_error *error) {
    weir_status status = check_backward(graph, pass, error);
    if (status != WEIR_OK) return status;
    if (graph->loss) return weir__fail_node(error, WEIR_ARGUMENT, graph->loss, "is a loss: use weir_graph_backward");
    if (!output_gradients) return weir__fail(error, WEIR_ARGUMENT, "no gradient of the outputs was given");
    status = check_rules(graph, loss, error);
    if (status != WEIR_OK) return status;
    graph->row_loss = loss;
    status = run_back(graph, output_gradients, error);
    graph->row_loss = NULL;
    return status;
}

const float *weir_graph_input_gradients(const weir_graph *graph) {
    const weir__node *input = &graph->nodes[0];
    return graph->options.input_gradients && input->pass.gradient_written ? input->memory.gradient.data : NULL;
}

/// Parameters that the backward pass did not come by.
static weir_status move_the_rest(weir_graph *graph, weir_error *error) {
    for (size_t k = graph->count; k-- > 0;) {
        weir__node *node = &graph->nodes[k];
        if (!node->kind->move || node->pass.moved) continue;
        const double start = weir__profile_clock(graph);
        const weir_status status = node->kind->move(graph, node, error);
        if (status != WEIR_OK) return status;
        node->seconds.update += weir__profile_clock(graph) - start;
    }
    return WEIR_OK;
}

weir_status weir__graph_step(weir_graph *graph, const weir_pass *pass, const weir__step *step, weir_error *error) {
    const weir_status alone = weir__shared_check_alone(graph, error);
    if (alone != WEIR_OK) return alone;
    for (size_t k = 0; k < graph->count; k++) graph->nodes[k].pass.moved = false;
    graph->moving = step;
    const int former = weir__threads_begin(graph->options.threads);
    weir_status status = weir_graph_backward(graph, pass, error);
    if (status == WEIR_OK) status = move_the_rest(graph, error);
    weir__threads_end(former);
    graph->moving = NULL;
    return status;
}

const float *weir_graph_loss(const weir_graph *graph) { return graph->row_loss; }

double weir_graph_mean_loss(const weir_graph *graph) { return graph->mean_loss + graph->penalty; }

double weir_graph_penalty(const weir_graph *graph) { return graph->penalty; }

const float *weir_graph_output(weir_graph *graph, size_t node) {
    if (node >= graph->count || !graph->forward_done || !graph->nodes[node].pass.ran) return NULL;
    const float *values = NULL;
    if (graph->options.batch_invariant) return graph->nodes[node].memory.rows.data;
    return weir__output_dense(graph, &graph->nodes[node], &values, NULL) == WEIR_OK ? values : NULL;
}
