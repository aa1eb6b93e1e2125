// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The gradient of closed gates from a sample of closed pairs ("sample"). g = e·d is wanted of every closed (row, block)
// pair, e = f(W·x + b) of the block, which was not computed, d = ∂L/∂y, which is known. With m_j the running average of
// block j's e over the pairs that were evaluated,
//   ĝ = m·d + (1/π)·1[chosen]·(e − m)·d,   P(chosen) = π > 0,
// has the mean g whatever m and π were, as long as they are fixed before the choice (a control variate, and the
// estimator of Horvitz and Thompson 1952). Its variance (1/π − 1)·((e − m)·d)² is least, over all pairs and for a given
// number of evaluations in the mean, where π grows as |(e − m)·d|, of which |d|·s_j is known beforehand: s_j² is the
// running average of |e − m|² per unit. So
//   π = min(1, c·w),  w = |d|·s_j + floor·(their mean),  c such that Σ π = share·(closed pairs).
// Rows that are predicted well have hardly any gradient, and are hardly ever chosen; most of the sum is evaluated with
// π = 1, and then exactly. The floor bounds 1/π.

#include <math.h>
#include <string.h>

#include "../../core/clones.h"
#include "../../core/noise.h"
#include "../affine.h"
#include "../counters.h"
#include "../flow.h"
#include "gated.h"

static const float floor_share = 0.05f; // of the mean weight
static const float slowest = 0.02f;     // of the running averages

// State: m [width], s² [gates], batches that moved them [gates].
static float *means_of(const weir__node *node) { return node->memory.state.data; }
static float *squares_of(const weir__node *node) { return means_of(node) + node->width; }
static float *counts_of(const weir__node *node, const weir__gated *gated) { return squares_of(node) + gated->gates; }

static size_t width_of(const weir__node *node, size_t block) {
    const size_t left = node->width - block * node->block;
    return left < node->block ? left : node->block;
}

weir_status weir__closed_declare(weir__node *node, const weir__gated *gated, weir_error *error) {
    if (gated->closed != WEIR__CLOSED_SAMPLE) return WEIR_OK;
    node->state = node->width + 2 * gated->gates;
    const weir_status status = weir__buffer_reserve(&node->memory.state, node->state, error);
    if (status == WEIR_OK) memset(node->memory.state.data, 0, node->state * sizeof(float));
    return status;
}

void weir__closed_free(weir__gated *gated) {
    weir__route_free(&gated->sampled.route);
    weir__buffer_free(&gated->sampled.chances);
    weir__buffer_free(&gated->sampled.scales);
    weir__buffer_free(&gated->sampled.sums);
    weir__buffer_free(&gated->sampled.experts);
    weir__buffer_free(&gated->sampled.values);
}

typedef struct closed_task {
    const weir__node *node;
    weir__gated *gated;
    float *dgates;
    float factor; // c
    float least;  // added to every weight
    weir_noise noise;
    size_t examples;
} closed_task;

/// What a row's weights sum to: all of them; those that factor does not take to 1, and how many it does.
typedef struct row_sum {
    float sum, count;
} row_sum;

/// Weights of a row's closed pairs, 0 for open ones; their sum and number.
WEIR__CLONES static void weigh_row(const closed_task *t, size_t r) {
    const weir__node *node = t->node;
    const size_t gates = t->gated->gates, block = node->block;
    const float *h = node->gates->memory.values.data + r * gates, *d = node->memory.gradient.data + r * node->width;
    const float *scales = t->gated->sampled.scales.data;
    float *w = t->gated->sampled.chances.data + r * gates, sum = 0, closed = 0;
    if (block == 1) {
#pragma omp simd reduction(+ : sum, closed)
        for (size_t j = 0; j < gates; j++) {
            w[j] = h[j] == 0 ? fabsf(d[j]) * scales[j] : 0;
            closed += h[j] == 0;
            sum += w[j];
        }
    } else {
        for (size_t j = 0; j < gates; j++) {
            const size_t count = width_of(node, j);
            const float *dj = d + j * block;
            float square = 0;
#pragma omp simd reduction(+ : square)
            for (size_t u = 0; u < count; u++) square += dj[u] * dj[u];
            w[j] = h[j] == 0 ? sqrtf(square) * scales[j] : 0;
            closed += h[j] == 0;
            sum += w[j];
        }
    }
    ((row_sum *)(void *)t->gated->sampled.sums.data)[r] = (row_sum){sum, closed};
}

/// Of the closed pairs of a row, how many factor takes to 1, and the sum of the weights of the others.
WEIR__CLONES static void cut_row(const closed_task *t, size_t r) {
    const size_t gates = t->gated->gates;
    const float *h = t->node->gates->memory.values.data + r * gates, *w = t->gated->sampled.chances.data + r * gates;
    float sum = 0, whole = 0;
#pragma omp simd reduction(+ : sum, whole)
    for (size_t j = 0; j < gates; j++) {
        const float weight = w[j] + t->least;
        const bool closed = h[j] == 0, full = closed && t->factor * weight >= 1;
        whole += full;
        sum += closed && !full ? weight : 0;
    }
    ((row_sum *)(void *)t->gated->sampled.sums.data)[r] = (row_sum){sum, whole};
}

/// Chooses closed pairs: their 1/π in the place of the weights, 0 for all others. ∂L/∂gate of those that are not chosen.
WEIR__CLONES static void choose_row(const closed_task *t, size_t r) {
    const weir__node *node = t->node;
    const size_t gates = t->gated->gates, block = node->block;
    const float *h = node->gates->memory.values.data + r * gates, *d = node->memory.gradient.data + r * node->width;
    const float *m = means_of(node);
    float *w = t->gated->sampled.chances.data + r * gates, *out = t->dgates + r * gates, u[256];
    weir_noise noise = t->noise;
    noise.sample = (uint16_t)(r / t->examples);
    for (size_t first = 0; first < gates; first += 256) {
        const size_t count = gates - first < 256 ? gates - first : 256;
        weir__random_uniform_at(u, noise, (uint32_t)(r % t->examples), first, count);
        for (size_t k = 0; k < count; k++) {
            const size_t j = first + k;
            const float chance = t->factor * (w[j] + t->least);
            const bool closed = h[j] == 0;
            w[j] = !closed || !(u[k] < chance) ? 0 : chance < 1 ? 1 / chance : 1;
        }
    }
    for (size_t j = 0; j < gates; j++) {
        float mean = 0;
        if (h[j] != 0) continue;
        const size_t count = block == 1 ? 1 : width_of(node, j);
        for (size_t i = j * block; i < j * block + count; i++) mean += m[i] * d[i];
        out[j] = mean;
    }
}

/// ∂L/∂gate of a row's chosen pairs, from their experts.
WEIR__CLONES static void correct_row(const closed_task *t, size_t r) {
    const weir__node *node = t->node;
    const weir__route *route = &t->gated->sampled.route;
    const size_t gates = t->gated->gates, block = node->block;
    const float *weights = t->gated->sampled.chances.data + r * gates, *means = means_of(node);
    float *out = t->dgates + r * gates;
    for (int32_t entry = route->row_start[r]; entry < route->row_open[r]; entry++) {
        const size_t j = (size_t)route->row_block[entry], count = width_of(node, j);
        const float *e = t->gated->sampled.values.data + (size_t)route->row_slot[entry] * block;
        const float *d = node->memory.gradient.data + r * node->width + j * block, *m = means + j * block;
        float exact = 0, mean = 0;
#pragma omp simd reduction(+ : exact, mean)
        for (size_t u = 0; u < count; u++) {
            exact += e[u] * d[u];
            mean += m[u] * d[u];
        }
        out[j] = weights[j] == 1 ? exact : mean + weights[j] * (exact - mean);
    }
}

/// The running averages of a block, from its chosen pairs.
WEIR__CLONES static void learn_block(const closed_task *t, size_t j) {
    const weir__node *node = t->node;
    const weir__route *route = &t->gated->sampled.route;
    const size_t width = width_of(node, j), first = (size_t)route->start[j], last = (size_t)route->open[j];
    float *m = means_of(node) + j * node->block, *square = squares_of(node) + j, *number = counts_of(node, t->gated) + j;
    if (first == last) return;
    const float share = fmaxf(slowest, 1 / (1 + *number)), pairs = (float)(last - first);
    float sum = 0;
    for (size_t u = 0; u < width; u++) {
        float mean = 0;
        for (size_t s = first; s < last; s++) {
            const float e = t->gated->sampled.values.data[s * node->block + u];
            mean += e / pairs;
            sum += (e - m[u]) * (e - m[u]);
        }
        m[u] += share * (mean - m[u]);
    }
    *square += share * (sum / (pairs * (float)width) - *square);
    *number += 1;
}

typedef struct closed_pieces {
    const closed_task *task;
    void (*function)(const closed_task *t, size_t item);
} closed_pieces;

static void run_pieces(const void *context, weir__range own) {
    const closed_pieces *p = context;
    for (size_t k = own.first; k < own.last; k++) p->function(p->task, k);
}

static void for_items(const closed_task *task, size_t items, double cost,
                      void (*function)(const closed_task *t, size_t item)) {
    weir__parallel_ranges(items, cost, run_pieces, &(closed_pieces){task, function});
}

/// Sums of the rows, in their order.
static void add_rows(const weir__gated *gated, size_t rows, double *sum, double *count) {
    const row_sum *sums = (const row_sum *)(const void *)gated->sampled.sums.data;
    *sum = *count = 0;
    for (size_t r = 0; r < rows; r++) {
        *sum += (double)sums[r].sum;
        *count += (double)sums[r].count;
    }
}

/// s of every block; of those that were never evaluated, the mean of the others.
static void find_scales(const weir__node *node, weir__gated *gated) {
    const float *squares = squares_of(node), *counts = counts_of(node, gated);
    double sum = 0, known = 0;
    for (size_t j = 0; j < gated->gates; j++) {
        sum += counts[j] > 0 ? sqrt((double)squares[j]) : 0;
        known += counts[j] > 0;
    }
    const float usual = known > 0 && sum > 0 ? (float)(sum / known) : 1;
    for (size_t j = 0; j < gated->gates; j++)
        gated->sampled.scales.data[j] = counts[j] > 0 && sum > 0 ? sqrtf(squares[j]) : usual;
}

/// c and the floor. Where the weights say nothing (all 0, or no numbers) every pair has the same chance.
static void find_factor(closed_task *t, size_t rows, double cost) {
    enum { rounds = 24 };
    double sum = 0, closed = 0, whole = 0, before = -1;
    const double share = t->node->spec.closed_share;
    for_items(t, rows, cost, weigh_row);
    add_rows(t->gated, rows, &sum, &closed);
    const double wanted = share * closed;
    if (!(sum > 0) || !isfinite(sum) || share >= 1) {
        memset(t->gated->sampled.chances.data, 0, rows * t->gated->gates * sizeof(float));
        t->least = 1;
        t->factor = (float)share;
        return;
    }
    t->least = floor_share * (float)(sum / closed);
    t->factor = (float)(wanted / (sum * (1 + (double)floor_share)));
    for (int round = 0; round < rounds && whole > before; round++) {
        before = whole;
        for_items(t, rows, cost, cut_row);
        add_rows(t->gated, rows, &sum, &whole);
        if (!(sum > 0) || whole >= wanted) break;
        t->factor = (float)((wanted - whole) / sum);
    }
}

weir_status weir__closed_sample(weir_graph *graph, weir__node *node, const weir_pass *pass, weir__gated *gated,
                                float *dgates, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__sampled *s = &gated->sampled;
    const size_t rows = pass->rows, gates = gated->gates, block = node->block;
    closed_task task = {.node = node,
                        .gated = gated,
                        .dgates = dgates,
                        .noise = weir__node_noise(node, pass, 0),
                        .examples = graph->examples};
    TRY(weir__buffer_reserve(&s->chances, rows * gates, error));
    TRY(weir__buffer_reserve(&s->scales, gates, error));
    TRY(weir__buffer_reserve(&s->sums, rows * sizeof(row_sum) / sizeof(float), error));
    find_scales(node, gated);
    find_factor(&task, rows, (double)node->width);
    for_items(&task, rows, 2 * (double)node->width, choose_row);
    TRY(weir__route_build(&s->route, rows, gates, s->chances.data, NULL, error));
    if (!s->route.slots) return WEIR_OK;
    TRY(weir__buffer_reserve(&s->experts, s->route.slots * block * node->products, error));
    TRY(weir__buffer_reserve(&s->values, s->route.slots * block, error));
    weir__side y = {.route = &s->route,
                    .width = node->width * node->products,
                    .block = block * node->products,
                    .values = s->experts.data};
    uint64_t work = 0;
    TRY(weir__affine_product(graph, node, rows, &y, &work, error));
    weir__count_backward(node, 0, work);
    weir__gated_values(node, gated, &s->route, s->experts.data, s->values.data);
    const double pairs = (double)(s->route.slots * block);
    for_items(&task, rows, pairs / (double)rows, correct_row);
    for_items(&task, gates, pairs / (double)gates, learn_block);
done:
    return status;
}
