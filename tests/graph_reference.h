// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file graph_reference.h
/// A graph once more, naively: every product dense, in double precision, gates as a mask; no compact arrays, no tiles.
///
/// Only what a unit draws is taken from the graph (its h), and its ∂L/∂a from the rule itself, given the ∂L/∂h found
/// here: rules have tests of their own. Dropout masks are drawn again. Which closed gates "sample" evaluated, and with
/// what chances, is the graph's (test_closed_gates.c).
#ifndef GRAPH_REFERENCE_H
#define GRAPH_REFERENCE_H

#include "testing.h"

#include "graph/graph.h"
#include "graph/nodes/gated.h"

typedef struct reference_node {
    const weir_node *spec;
    const weir_unit *unit;
    size_t from, gates, width, blocks, block; // blocks: gates of a gated layer
    double *y, *dy;                           // [rows][width]
    double *experts, *mask;                   // gated: f(W·x + b) [rows][width], weight of ∂L/∂gate [rows][blocks]
    double *weights, *bias, *dweights, *dbias;
    float *h, *a, *saved, *state;
} reference_node;

typedef struct reference {
    weir_graph *graph;
    weir_pass pass;
    size_t count, rows;
    reference_node *nodes;
    double *loss;
    float *graph_loss;
} reference;

/// ‖got − want‖ ≤ tolerance·‖want‖; a reference that is all zero or an empty one fails.
static inline void check_near(const char *what, const float *got, const double *want, size_t count, double tolerance) {
    double square = 0, difference = 0, worst = -1;
    size_t at = 0;
    for (size_t k = 0; k < count; k++) {
        const double d = fabs((double)got[k] - want[k]);
        square += want[k] * want[k];
        difference += d * d;
        if (!(d <= worst)) worst = d, at = k;
    }
    if (!(square > 0)) fail_msg("%s: the reference is all zero, nothing is compared", what);
    if (!(sqrt(difference) <= tolerance * sqrt(square))) {
        fail_msg("%s: relative error %.3g of %zu values; worst at %zu: %.9g, expected %.9g", what,
                 sqrt(difference / square), count, at, (double)got[at], want[at]);
    }
}

static inline const weir_tensor *tensor_of(weir_graph *graph, size_t node, bool bias) {
    const weir_parameters p = weir_graph_parameters(graph);
    for (size_t k = 0; k < p.tensor_count; k++) {
        if (p.tensors[k].node == node && (p.tensors[k].role == WEIR_ROLE_BIAS) == bias) return &p.tensors[k];
    }
    return NULL;
}

/// A tensor's values or gradients as plain row-major doubles.
static inline double *plain_doubles(const weir_tensor *t, const float *flat) {
    float *plain = new_floats(t->rows * t->columns);
    double *result = new_doubles(t->rows * t->columns);
    weir__tensor_unpack(t, plain, flat);
    for (size_t k = 0; k < t->rows * t->columns; k++) result[k] = (double)plain[k];
    free(plain);
    return result;
}

static inline bool is_kind(const reference_node *node, const char *kind) { return !strcmp(node->spec->kind, kind); }

static inline weir_noise noise_of(const reference *ref, size_t node) {
    return (weir_noise){.seed = ref->pass.seed, .step = ref->pass.step, .stream = (uint16_t)(node * 4)};
}

// ---- forward -------------------------------------------------------------------------------------------------------

static inline void reference_affine(const reference *ref, const reference_node *node, double *y) {
    const reference_node *from = &ref->nodes[node->from];
    for (size_t r = 0; r < ref->rows; r++) {
        for (size_t o = 0; o < node->width; o++) {
            double sum = node->bias[o];
            for (size_t i = 0; i < from->width; i++) {
                sum += node->weights[o * from->width + i] * from->y[r * from->width + i];
            }
            y[r * node->width + o] = sum;
        }
    }
}

static inline double activation_of(const reference_node *node, double a) {
    if (!strcmp(node->spec->activation, "tanh")) return tanh(a);
    return !strcmp(node->spec->activation, "rectifier") && a < 0 ? 0 : a;
}

static inline double activation_slope(const reference_node *node, double y) {
    if (!strcmp(node->spec->activation, "tanh")) return 1 - y * y;
    return strcmp(node->spec->activation, "rectifier") || y > 0 ? 1 : 0;
}

/// Which pairs give their gate a gradient by their experts, and with what weight.
static inline void reference_mask(const reference *ref, size_t k) {
    const reference_node *node = &ref->nodes[k], *gates = &ref->nodes[node->gates];
    const bool skips = gates->unit->rule->traits & WEIR_TRAIT_SKIPS;
    const weir__gated *gated = ref->graph->nodes[k].memory.data;
    const bool sampled = gated->closed == WEIR__CLOSED_SAMPLE; // not where no one reads ∂L/∂gate
    for (size_t pair = 0; pair < ref->rows * node->blocks; pair++) {
        const bool wanted = gates->y[pair] != 0 || (!skips && !strcmp(node->spec->closed, "all"));
        node->mask[pair] = sampled && !wanted ? (double)gated->sampled.chances.data[pair] : wanted;
    }
}

static inline void reference_gated(const reference *ref, size_t k) {
    const reference_node *node = &ref->nodes[k], *gates = &ref->nodes[node->gates];
    reference_affine(ref, node, node->experts);
    for (size_t at = 0; at < ref->rows * node->width; at++) {
        const size_t pair = at / node->width * node->blocks + at % node->width / node->block;
        node->experts[at] = activation_of(node, node->experts[at]);
        node->y[at] = gates->y[pair] * node->experts[at];
    }
}

static inline void reference_dropout(const reference *ref, size_t k) {
    const reference_node *node = &ref->nodes[k], *from = &ref->nodes[node->from];
    const double p = node->spec->dropout;
    float *u = new_floats(node->width);
    for (size_t r = 0; r < ref->rows; r++) {
        weir_random_uniform(u, noise_of(ref, k), (uint32_t)r, node->width);
        for (size_t i = 0; i < node->width; i++) {
            const size_t at = r * node->width + i;
            const bool drops = ref->pass.mode == WEIR_MODE_SAMPLE && (double)u[i] < (double)(float)p;
            node->experts[at] = ref->pass.mode == WEIR_MODE_SAMPLE ? 1 / (1 - p) : 1; // the mask
            if (drops) node->experts[at] = 0;
            node->y[at] = node->experts[at] * from->y[at];
        }
    }
    free(u);
}

/// Moves square images, and the gradient back: pixel (i, j) of the one is (i - v, j - h) of the other.
static inline void reference_shift(const reference *ref, size_t k, bool back) {
    const reference_node *node = &ref->nodes[k], *from = &ref->nodes[node->from];
    const int side = (int)sqrt((double)node->width), s = (int)node->spec->shift;
    for (size_t r = 0; r < ref->rows; r++) {
        float u[2] = {0};
        weir_random_uniform(u, noise_of(ref, k), (uint32_t)r, 2);
        const bool moves = ref->pass.mode == WEIR_MODE_SAMPLE;
        const int v = moves ? (int)(u[0] * (float)(2 * s + 1)) - s : 0;
        const int h = moves ? (int)(u[1] * (float)(2 * s + 1)) - s : 0;
        for (int at = 0; at < side * side; at++) {
            const int i = at / side - v, j = at % side - h;
            if (i < 0 || i >= side || j < 0 || j >= side) continue;
            const size_t to = r * node->width + (size_t)at, source = r * node->width + (size_t)(i * side + j);
            if (back) from->dy[source] += node->dy[to];
            if (!back) node->y[to] = from->y[source];
        }
    }
}

/// Takes h from the graph and draws (or decides) it again, for what the rule saves, and to see that the noise is the
/// pass's own. In open mode gates that are not run are 1.
static inline void reference_unit(const reference *ref, size_t k) {
    const reference_node *node = &ref->nodes[k];
    const size_t count = ref->rows * node->width;
    const float *h = weir_graph_output(ref->graph, k);
    if (ref->pass.mode == WEIR_MODE_OPEN && !h) {
        for (size_t at = 0; at < count; at++) node->y[at] = 1;
        return;
    }
    float *again = new_floats(count);
    memcpy(node->h, h, count * sizeof *h);
    memcpy(node->a, weir_graph_output(ref->graph, node->from), count * sizeof *node->a);
    const weir_unit_batch batch = {.rows = ref->rows,
                                   .units = node->width,
                                   .a = node->a,
                                   .h = again,
                                   .saved = node->saved,
                                   .noise = noise_of(ref, k),
                                   .threshold = weir_graph_threshold(ref->graph, k)};
    const weir_rule *rule = node->unit->rule;
    const weir_draw *draw = weir_unit_draw(node->unit);
    const weir_mode mode = ref->pass.mode;
    (mode == WEIR_MODE_SAMPLE   ? rule->sample ? rule->sample : draw->sample
     : mode == WEIR_MODE_DECIDE ? draw->decide
                                : draw->expect)(node->unit, &batch);
    assert_memory_equal(again, node->h, count * sizeof *again);
    for (size_t at = 0; at < count; at++) node->y[at] = (double)node->h[at];
    free(again);
}

static inline void reference_loss(const reference *ref, const reference_node *node) {
    const double *x = ref->nodes[node->from].y;
    for (size_t r = 0; r < ref->rows; r++) {
        double most = -INFINITY, sum = 0;
        for (size_t i = r * node->width; i < (r + 1) * node->width; i++) most = fmax(most, x[i]);
        for (size_t i = r * node->width; i < (r + 1) * node->width; i++) sum += exp(x[i] - most);
        if (is_kind(node, "softmax-cross-entropy")) {
            ref->loss[r] = most + log(sum) - x[r * node->width + (size_t)ref->pass.labels[r]];
        }
        for (size_t i = r * node->width; i < (r + 1) * node->width; i++) {
            if (is_kind(node, "softmax-cross-entropy")) {
                node->y[i] = exp(x[i] - most) / sum;
            } else if (is_kind(node, "squared-error")) {
                const double d = x[i] - (double)ref->pass.targets[i];
                node->y[i] = x[i];
                ref->loss[r] += d * d / 2;
            } else {
                node->y[i] = 1 / (1 + exp(-x[i]));
                ref->loss[r] -= (double)ref->pass.targets[i] * log(node->y[i]) +
                                (1 - (double)ref->pass.targets[i]) * log1p(-node->y[i]);
            }
        }
    }
}

static inline void reference_forward(const reference *ref, size_t k) {
    const reference_node *node = &ref->nodes[k];
    const double *x = ref->nodes[node->from].y;
    if (is_kind(node, "input")) {
        for (size_t at = 0; at < ref->rows * node->width; at++) node->y[at] = (double)ref->pass.inputs[at];
    } else if (is_kind(node, "affine")) {
        reference_affine(ref, node, node->y);
    } else if (is_kind(node, "gated-affine")) {
        reference_gated(ref, k);
    } else if (is_kind(node, "unit")) {
        reference_unit(ref, k);
    } else if (is_kind(node, "dropout")) {
        reference_dropout(ref, k);
    } else if (is_kind(node, "shift")) {
        reference_shift(ref, k, false);
    } else if (ref->graph->nodes[k].kind->about.traits & WEIR_KIND_LOSS) {
        reference_loss(ref, node);
    }
    for (size_t at = 0; at < ref->rows * node->width; at++) {
        for (size_t i = 0; is_kind(node, "add") && weir_graph_reads(ref->graph, k, i) != SIZE_MAX; i++) {
            node->y[at] += ref->nodes[weir_graph_reads(ref->graph, k, i)].y[at];
        }
        if (is_kind(node, "tanh")) node->y[at] = tanh(x[at]);
        if (is_kind(node, "rectifier")) node->y[at] = fmax(0, x[at]);
        if (is_kind(node, "sigmoid")) node->y[at] = 1 / (1 + exp(-x[at]));
    }
}

/// Runs the naive network on the batch of the graph's last forward pass, before its backward pass.
static inline reference *reference_create(weir_graph *graph, const weir_pass *pass) {
    reference *ref = calloc(1, sizeof *ref);
    assert_non_null(ref);
    const weir_node *specs = weir_graph_nodes(graph, &ref->count);
    const float *values = weir_graph_parameters(graph).values;
    ref->graph = graph;
    ref->pass = *pass;
    ref->rows = pass->rows;
    ref->nodes = calloc(ref->count, sizeof *ref->nodes);
    assert_non_null(ref->nodes);
    ref->loss = new_doubles(ref->rows);
    ref->graph_loss = new_floats(ref->rows);
    if (weir_graph_loss(graph)) memcpy(ref->graph_loss, weir_graph_loss(graph), ref->rows * sizeof(float));
    for (size_t k = 0; k < ref->count; k++) {
        reference_node *node = &ref->nodes[k];
        const size_t count = ref->rows * specs[k].size;
        node->spec = &specs[k];
        node->unit = weir_graph_unit(graph, k);
        node->width = specs[k].size;
        node->from = k ? weir_graph_reads(graph, k, 0) : 0;
        node->y = new_doubles(count);
        node->dy = new_doubles(count);
        node->experts = new_doubles(count);
        if (specs[k].gates) {
            node->gates = weir_graph_find(graph, specs[k].gates);
            node->block = specs[k].block < node->width ? specs[k].block : node->width;
            node->blocks = (node->width + node->block - 1) / node->block;
            node->mask = new_doubles(ref->rows * node->blocks);
        }
        const weir_tensor *weight = tensor_of(graph, k, false), *bias = tensor_of(graph, k, true);
        if (weight) {
            node->weights = plain_doubles(weight, values);
            node->bias = plain_doubles(bias, values);
            node->dweights = new_doubles(weight->rows * weight->columns);
            node->dbias = new_doubles(bias->rows);
        }
        size_t states = 0;
        const float *state = weir_graph_unit_state(graph, k, &states);
        if (states) {
            node->state = new_floats(states);
            memcpy(node->state, state, states * sizeof *state);
        }
        if (node->unit) {
            node->a = new_floats(count);
            node->h = new_floats(count);
            node->saved = new_floats(node->unit->rule->saved * count);
        }
        reference_forward(ref, k);
    }
    return ref;
}

// ---- backward ------------------------------------------------------------------------------------------------------

/// Adds the gradients of an affine product, da = ∂L/∂(W·x + b).
static inline void reference_affine_backward(const reference *ref, const reference_node *node, const double *da) {
    const reference_node *from = &ref->nodes[node->from];
    for (size_t r = 0; r < ref->rows; r++) {
        for (size_t o = 0; o < node->width; o++) {
            const double d = da[r * node->width + o];
            node->dbias[o] += d;
            for (size_t i = 0; i < from->width; i++) {
                node->dweights[o * from->width + i] += d * from->y[r * from->width + i];
                from->dy[r * from->width + i] += d * node->weights[o * from->width + i];
            }
        }
    }
}

/// state: the averages of closed blocks before this step, of "sample"; they take the place of what was not evaluated.
static inline void reference_gated_backward(const reference *ref, size_t k) {
    const reference_node *node = &ref->nodes[k], *gates = &ref->nodes[node->gates];
    reference_mask(ref, k);
    double *da = new_doubles(ref->rows * node->width);
    for (size_t at = 0; at < ref->rows * node->width; at++) {
        const size_t pair = at / node->width * node->blocks + at % node->width / node->block;
        const double mean = node->state && gates->y[pair] == 0 ? (double)node->state[at % node->width] : 0;
        gates->dy[pair] += node->dy[at] * (mean + node->mask[pair] * (node->experts[at] - mean));
        da[at] = gates->y[pair] * node->dy[at] * activation_slope(node, node->experts[at]);
    }
    reference_affine_backward(ref, node, da);
    free(da);
}

static inline void reference_unit_backward(const reference *ref, const reference_node *node) {
    const size_t count = ref->rows * node->width;
    const bool skips = node->unit->rule->traits & WEIR_TRAIT_SKIPS;
    float *dh = new_floats(count), *da = new_floats(count);
    for (size_t at = 0; at < count; at++) dh[at] = skips && node->h[at] == 0 ? NAN : (float)node->dy[at];
    const weir_unit_batch batch = {.rows = ref->rows,
                                   .units = node->width,
                                   .a = node->a,
                                   .h = node->h,
                                   .saved = node->saved,
                                   .state = node->state,
                                   .dh = node->unit->rule->traits & WEIR_TRAIT_USES_DH ? dh : NULL,
                                   .loss = ref->graph_loss,
                                   .row_weight = 1 / (float)ref->rows,
                                   .da = da};
    node->unit->rule->backward(node->unit, &batch);
    for (size_t at = 0; at < count; at++) ref->nodes[node->from].dy[at] += (double)da[at];
    free(dh);
    free(da);
}

static inline void reference_loss_backward(const reference *ref, const reference_node *node) {
    for (size_t at = 0; at < ref->rows * node->width; at++) {
        const size_t r = at / node->width, i = at % node->width;
        const double target =
            is_kind(node, "softmax-cross-entropy") ? (size_t)ref->pass.labels[r] == i : (double)ref->pass.targets[at];
        ref->nodes[node->from].dy[at] += (node->y[at] - target) / (double)ref->rows;
    }
}

static inline void reference_backward(const reference *ref) {
    for (size_t k = ref->count; k-- > 1;) {
        const reference_node *node = &ref->nodes[k];
        double *dx = ref->nodes[node->from].dy;
        if (ref->graph->nodes[k].kind->about.traits & WEIR_KIND_LOSS) reference_loss_backward(ref, node);
        if (is_kind(node, "affine")) reference_affine_backward(ref, node, node->dy);
        if (is_kind(node, "gated-affine")) reference_gated_backward(ref, k);
        if (is_kind(node, "unit")) reference_unit_backward(ref, node);
        if (is_kind(node, "shift")) reference_shift(ref, k, true);
        for (size_t at = 0; at < ref->rows * node->width; at++) {
            const double y = node->y[at], dy = node->dy[at];
            for (size_t i = 0; is_kind(node, "add") && weir_graph_reads(ref->graph, k, i) != SIZE_MAX; i++) {
                ref->nodes[weir_graph_reads(ref->graph, k, i)].dy[at] += dy;
            }
            if (is_kind(node, "tanh")) dx[at] += dy * (1 - y * y);
            if (is_kind(node, "rectifier")) dx[at] += y > 0 ? dy : 0;
            if (is_kind(node, "sigmoid")) dx[at] += dy * y * (1 - y);
            if (is_kind(node, "dropout")) dx[at] += dy * node->experts[at];
        }
    }
}

static inline void reference_free(reference *ref) {
    for (size_t k = 0; k < ref->count; k++) {
        const reference_node *n = &ref->nodes[k];
        void *const arrays[] = {n->y,        n->dy,    n->experts, n->mask, n->weights, n->bias,
                                n->dweights, n->dbias, n->h,       n->a,    n->saved,   n->state};
        for (size_t i = 0; i < COUNT(arrays); i++) free(arrays[i]);
    }
    free(ref->nodes);
    free(ref->loss);
    free(ref->graph_loss);
    free(ref);
}

// ---- comparison ----------------------------------------------------------------------------------------------------

/// Every node's output and the losses of the graph's last forward pass.
static inline void reference_check_forward(const reference *ref, double tolerance) {
    char what[160];
    for (size_t k = 0; k < ref->count; k++) {
        const reference_node *node = &ref->nodes[k];
        snprintf(what, sizeof what, "output of %s", node->spec->name);
        if (!ref->graph->nodes[k].pass.ran) continue;
        check_near(what, weir_graph_output(ref->graph, k), node->y, ref->rows * node->width, tolerance);
    }
    check_near("loss per row", weir_graph_loss(ref->graph), ref->loss, ref->rows, tolerance);
}

/// Every parameter's gradient and, where a rule reads it, ∂L/∂h of every unit.
static inline void reference_check_backward(const reference *ref, double tolerance) {
    char what[160];
    const weir_parameters p = weir_graph_parameters(ref->graph);
    for (size_t k = 0; k < p.tensor_count; k++) {
        const weir_tensor *t = &p.tensors[k];
        const reference_node *node = &ref->nodes[t->node];
        float *plain = new_floats(t->rows * t->columns);
        assert_int_equal(weir_graph_gradients_get(ref->graph, plain, k, NULL), WEIR_OK);
        snprintf(what, sizeof what, "gradient of %s", t->name);
        check_near(what, plain, t->role == WEIR_ROLE_WEIGHT ? node->dweights : node->dbias, t->rows * t->columns,
                   tolerance);
        free(plain);
    }
    for (size_t k = 0; k < ref->count; k++) {
        const reference_node *node = &ref->nodes[k];
        if (!node->unit || !ref->graph->nodes[k].facts.wants_gradient) continue;
        snprintf(what, sizeof what, "gradient of the outputs of %s", node->spec->name);
        if (node->unit->rule->traits & WEIR_TRAIT_SKIPS) { // compared where it is read
            for (size_t at = 0; at < ref->rows * node->width; at++) {
                if (node->h[at] != 0) continue;
                node->dy[at] = 0;
                ref->graph->nodes[k].memory.gradient.data[at] = 0;
            }
        }
        check_near(what, ref->graph->nodes[k].memory.gradient.data, node->dy, ref->rows * node->width, tolerance);
    }
}

#endif
