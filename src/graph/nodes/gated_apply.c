// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Experts times gates, and back: one row at a time, in each of the layouts that gated_affine.c describes.

#include <string.h>

#include "../../core/math.h"
#include "activation.h"
#include "gated.h"

WEIR__INLINE size_t block_width(const weir__node *node, size_t block) {
    const size_t left = node->width - block * node->block;
    return left < node->block ? left : node->block;
}

/// e = f(e), of an activation whose experts are kept as values.
WEIR__INLINE void activate(weir__activation f, float *e, size_t count) {
    if (f == WEIR__RECTIFIER) {
        for (size_t u = 0; u < count; u++) e[u] = e[u] < 0 ? 0 : e[u]; // a NaN stays NaN
    } else if (f == WEIR__TANH) {
        for (size_t u = 0; u < count; u++) e[u] = weir__tanh(e[u]);
    }
}

/// s = g·d·f′, f′ from f's value e.
WEIR__INLINE void differentiate(weir__activation f, float *s, float g, const float *d, const float *e, size_t count) {
    if (f == WEIR__LINEAR) {
        for (size_t u = 0; u < count; u++) s[u] = g * d[u];
    } else if (f == WEIR__RECTIFIER) {
        for (size_t u = 0; u < count; u++) s[u] = e[u] > 0 ? g * d[u] : 0;
    } else {
        for (size_t u = 0; u < count; u++) s[u] = g * d[u] * ((1 - e[u]) * (1 + e[u]));
    }
}

// ---- experts that are kept as W·x + b: f in the forward pass, and once more with its slope in the backward pass

WEIR__INLINE float value_of(weir__activation f, float x, float *slope) {
    if (f == WEIR__GELU || f == WEIR__GEGLU) return weir__gelu(x, slope);
    if (f == WEIR__SILU || f == WEIR__SWIGLU) return weir__silu(x, slope);
    if (f == WEIR__SQUARED_RECTIFIER) return weir__squared_rectifier(x, slope);
    if (f == WEIR__REGLU) {
        *slope = x > 0 ? 1 : 0;
        return x < 0 ? 0 : x;
    }
    const float p = weir__sigmoid(x);
    *slope = p * (1 - p);
    return p;
}

/// y = g·f(e) of a block.
WEIR__INLINE void apply_as(weir__activation f, float *y, float g, const float *e, size_t count) {
    float slope;
    if (f >= WEIR__GLU) {
        for (size_t u = 0; u < count; u++) y[u] = g * (value_of(f, e[u], &slope) * e[count + u]);
    } else {
        for (size_t u = 0; u < count; u++) y[u] = g * value_of(f, e[u], &slope);
    }
}

/// s = g·d·f′(e) of a block (NULL: not wanted). Returns the dot product of d and f(e).
WEIR__INLINE float differentiate_as(weir__activation f, float *restrict s, float g, const float *restrict d,
                                    const float *restrict e, size_t count) {
    float sum = 0;
    const bool pairs = f >= WEIR__GLU;
#pragma omp simd reduction(+ : sum)
    for (size_t u = 0; u < count; u++) {
        float slope;
        const float value = value_of(f, e[u], &slope), other = pairs ? e[count + u] : 1;
        sum += d[u] * (value * other);
        if (s) s[u] = g * d[u] * (slope * other);
        if (s && pairs) s[count + u] = g * d[u] * value;
    }
    return sum;
}

/// CALL(f) with f a constant, so that its loops are compiled for it.
#define OF_EACH(f, CALL)                                                                                               \
    switch (f) {                                                                                                       \
    case WEIR__SQUARED_RECTIFIER:                                                                                      \
        CALL(WEIR__SQUARED_RECTIFIER);                                                                                 \
        break;                                                                                                         \
    case WEIR__GELU:                                                                                                   \
        CALL(WEIR__GELU);                                                                                              \
        break;                                                                                                         \
    case WEIR__SILU:                                                                                                   \
        CALL(WEIR__SILU);                                                                                              \
        break;                                                                                                         \
    case WEIR__REGLU:                                                                                                  \
        CALL(WEIR__REGLU);                                                                                             \
        break;                                                                                                         \
    case WEIR__GEGLU:                                                                                                  \
        CALL(WEIR__GEGLU);                                                                                             \
        break;                                                                                                         \
    case WEIR__SWIGLU:                                                                                                 \
        CALL(WEIR__SWIGLU);                                                                                            \
        break;                                                                                                         \
    default:                                                                                                           \
        CALL(WEIR__GLU);                                                                                               \
        break;                                                                                                         \
    }

WEIR__INLINE void apply_kept(weir__activation f, float *y, float g, const float *e, size_t count){
#define CALL(constant) apply_as(constant, y, g, e, count)
    OF_EACH(f, CALL)
#undef CALL
}

WEIR__INLINE float differentiate_kept(weir__activation f, float *restrict s, float g, const float *restrict d,
                                      const float *restrict e, size_t count) {
    float sum = 0;
    if (s) {
#define CALL(constant) sum = differentiate_as(constant, s, g, d, e, count)
        OF_EACH(f, CALL)
#undef CALL
    } else {
#define CALL(constant) sum = differentiate_as(constant, NULL, g, d, e, count)
        OF_EACH(f, CALL)
#undef CALL
    }
    return sum;
}

// ---- experts that are kept as values

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

/// Rows of a pass with what is done to each.
typedef struct row_task {
    const weir__node *node;
    const weir__gated *gated;
    const float *gates; // forward; NULL: all 1
    float *dgates;      // backward; NULL: not wanted
    void (*function)(const struct row_task *task, size_t row);
} row_task;

// ---- forward -------------------------------------------------------------------------------------------------------

/// A row's experts lie in slots, as its output does. width: of all blocks, a constant where it is inlined; 0: their
/// own.
WEIR__INLINE void apply_to_slots(const weir__node *node, const weir__gated *gated, size_t r, size_t width) {
    const weir__route *route = &gated->route;
    const float *gates = node->gates->memory.values.data + r * gated->gates;
    for (int32_t entry = route->row_start[r]; entry < route->row_start[r + 1]; entry++) {
        const size_t j = (size_t)route->row_block[entry], at = (size_t)route->row_slot[entry] * node->block;
        const size_t count = width ? width : block_width(node, j);
        float *e = gated->experts.data + at, *y = node->memory.values.data + at;
        activate(gated->activation, e, count);
        const bool open = entry < route->row_open[r];
        for (size_t u = 0; u < count; u++) y[u] = open ? gates[j] * e[u] : 0;
    }
}

WEIR__CLONES static void apply_to_row_of_slots(const row_task *t, size_t r) {
    if (t->node->block == 1) {
        apply_to_slots(t->node, t->gated, r, 1);
    } else {
        apply_to_slots(t->node, t->gated, r, 0);
    }
}

/// Dense experts, compact output.
WEIR__CLONES static void apply_and_gather(const row_task *t, size_t r) {
    const weir__node *node = t->node;
    const weir__gated *gated = t->gated;
    const weir__route *route = &gated->route;
    const float *gates = node->gates->memory.values.data + r * gated->gates;
    float *experts = gated->experts.data + r * node->width;
    activate(gated->activation, experts, node->width);
    for (int32_t entry = route->row_start[r]; entry < route->row_open[r]; entry++) {
        const size_t j = (size_t)route->row_block[entry], width = block_width(node, j);
        const float *e = experts + j * node->block;
        float *y = node->memory.values.data + (size_t)route->row_slot[entry] * node->block;
        for (size_t u = 0; u < width; u++) y[u] = gates[j] * e[u];
    }
}

/// Experts in slots, the output dense: what is closed has its values already.
WEIR__CLONES static void apply_and_spread(const row_task *t, size_t r) {
    const weir__node *node = t->node;
    const weir__gated *gated = t->gated;
    const weir__route *route = &gated->route;
    const float *gates = node->gates->memory.values.data + r * gated->gates;
    for (int32_t entry = route->row_start[r]; entry < route->row_open[r]; entry++) {
        const size_t j = (size_t)route->row_block[entry], count = block_width(node, j);
        float *e = gated->experts.data + (size_t)route->row_slot[entry] * node->block * node->products;
        float *y = node->memory.values.data + r * node->width + j * node->block;
        if (weir__is_kept(gated->activation)) {
            apply_kept(gated->activation, y, gates[j], e, count);
            continue;
        }
        activate(gated->activation, e, count);
        for (size_t u = 0; u < count; u++) y[u] = gates[j] * e[u];
    }
}

/// All dense.
WEIR__CLONES static void apply_to_row(const row_task *t, size_t r) {
    const weir__node *node = t->node;
    const weir__gated *gated = t->gated;
    float *experts = gated->experts.data + r * node->width, *out = node->memory.values.data + r * node->width;
    activate(gated->activation, experts, node->width);
    if (t->gates) {
        scale_blocks(node, gated->gates, out, t->gates + r * gated->gates, experts);
    } else {
        memcpy(out, experts, node->width * sizeof *out);
    }
}

/// Rows of experts that are kept as W·x + b, in all layouts.
WEIR__CLONES static void apply_kept_row(const row_task *t, size_t r) {
    const weir__node *node = t->node;
    const weir__gated *gated = t->gated;
    const weir__route *route = node->pass.route;
    const float *gates = t->gates ? t->gates + r * gated->gates : NULL;
    const float *dense = gated->experts_dense ? gated->experts.data + r * node->width * node->products : NULL;
    const size_t first = route ? (size_t)route->row_start[r] : 0,
                 last = route ? (size_t)route->row_start[r + 1] : gated->gates;
    for (size_t i = first; i < last; i++) {
        const size_t j = route ? (size_t)route->row_block[i] : i, count = block_width(node, j);
        const size_t at = route ? (size_t)route->row_slot[i] * node->block : r * node->width + j * node->block;
        const float *e = dense ? dense + j * node->block * node->products : gated->experts.data + at * node->products;
        float *y = node->memory.values.data + at;
        if (route && (int32_t)i >= route->row_open[r]) {
            memset(y, 0, count * sizeof *y);
        } else {
            apply_kept(gated->activation, y, gates ? gates[j] : 1, e, count);
        }
    }
}

/// Their gradients.
WEIR__CLONES static void differentiate_kept_row(const row_task *t, size_t r) {
    const weir__node *node = t->node;
    const weir__gated *gated = t->gated;
    const weir__route *route = weir__spreads(gated) ? &gated->route : node->pass.route;
    const float *gates = node->gates->memory.values.data + r * gated->gates;
    const float *dense = gated->experts_dense ? gated->experts.data + r * node->width * node->products : NULL;
    float *row = t->dgates ? t->dgates + r * gated->gates : NULL;
    if (row) memset(row, 0, gated->gates * sizeof *row);
    // Closed pairs that have no slot though their gradient is wanted: all is dense but the slopes.
    for (size_t j = 0; row && dense && route && j < gated->gates; j++) {
        const float *d = node->memory.gradient.data + r * node->width + j * node->block;
        if (gates[j] != 0) continue;
        row[j] = differentiate_kept(gated->activation, NULL, 0, d, dense + j * node->block * node->products,
                                    block_width(node, j));
    }
    const size_t first = route ? (size_t)route->row_start[r] : 0,
                 last = route ? (size_t)route->row_start[r + 1] : gated->gates;
    for (size_t i = first; i < last; i++) {
        const size_t j = route ? (size_t)route->row_block[i] : i, count = block_width(node, j);
        const size_t plain = r * node->width + j * node->block;
        const size_t at = route ? (size_t)route->row_slot[i] * node->block : plain;
        const float *e = dense ? dense + j * node->block * node->products : gated->experts.data + at * node->products;
        const float *d = node->memory.gradient.data + (dense || node->facts.gradient_dense || !node->pass.route ? plain : at);
        const bool open = !route || (int32_t)i < route->row_open[r];
        float *s = open ? gated->slope.data + at * node->products : NULL;
        const float sum = differentiate_kept(gated->activation, s, gates[j], d, e, count);
        if (row) row[j] = sum;
    }
}

// ---- in place: block by block, each thread those whose experts it has just computed

WEIR__CLONES static void apply_in_place(const weir__node *node, const weir__gated *gated, size_t j, weir__range slots) {
    const weir__route *route = &gated->route;
    const float *gates = node->gates->memory.values.data + j;
    const size_t count = block_width(node, j);
    for (size_t s = slots.first; s < slots.last; s++) {
        const float g = gates[(size_t)route->row[s] * gated->gates];
        float *y = node->memory.values.data + s * node->block;
        if (weir__is_kept(gated->activation)) {
            apply_kept(gated->activation, y, g, y, count);
        } else {
            activate(gated->activation, y, count);
            for (size_t u = 0; u < count; u++) y[u] *= g;
        }
    }
}

static void apply_to_piece(const void *context, weir__piece p) {
    const row_task *task = context;
    const weir__route *route = &task->gated->route;
    weir__range slots = weir__part(route->slots, p.index, p.count);
    for (size_t j = 0; slots.first < slots.last; j++) {
        const size_t end = (size_t)route->start[j + 1], last = end < slots.last ? end : slots.last;
        if (last <= slots.first) continue;
        apply_in_place(task->node, task->gated, j, (weir__range){slots.first, last});
        slots.first = last;
    }
}

static void run_task(const void *context, weir__range rows) {
    const row_task *task = context;
    for (size_t r = rows.first; r < rows.last; r++) task->function(task, r);
}

/// Going over all slots costs their values, and finding one is as much as some of its values.
static void for_rows(const row_task *task, size_t rows) {
    enum { FINDING = 4 };
    const weir__node *node = task->node;
    const bool by_slots = (node->pass.route || weir__spreads(task->gated)) && !task->gated->experts_dense;
    const size_t block = node->block * (weir__is_kept(task->gated->activation) ? 4 : 1); // f costs more than a product
    const size_t values = by_slots ? task->gated->route.slots * (block + FINDING) : rows * node->width;
    if (rows) weir__parallel_ranges(rows, (double)values / (double)rows, run_task, task);
}

void weir__gated_apply(const weir__node *node, const weir__gated *gated, const weir_pass *pass) {
    const row_task task = {.node = node,
                           .gated = gated,
                           .gates = pass->mode == WEIR_MODE_OPEN ? NULL : node->gates->memory.values.data,
                           .function = weir__spreads(gated)             ? apply_and_spread
                                       : weir__is_kept(gated->activation) ? apply_kept_row
                                       : !node->pass.route        ? apply_to_row
                                       : gated->experts_dense     ? apply_and_gather
                                                                  : apply_to_row_of_slots};
    if (gated->in_place) {
        const double each = (double)node->block * (weir__is_kept(gated->activation) ? 4 : 1) + 4;
        weir__parallel(weir__pieces_for((double)gated->route.slots * each), apply_to_piece, &task);
        return;
    }
    for_rows(&task, pass->rows);
}

typedef struct value_task {
    const weir__node *node;
    weir__activation activation;
    const weir__route *route;
    float *experts, *values;
} value_task;

static void value_slots(const void *context, weir__range blocks) {
    const value_task *t = context;
    const size_t block = t->node->block, products = t->node->products;
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const size_t count = block_width(t->node, j);
        for (size_t s = (size_t)t->route->start[j]; s < (size_t)t->route->start[j + 1]; s++) {
            float *e = t->experts + s * block * products, *value = t->values + s * block;
            if (weir__is_kept(t->activation)) {
                apply_kept(t->activation, value, 1, e, count);
                continue;
            }
            activate(t->activation, e, count);
            memcpy(value, e, count * sizeof *value);
        }
    }
}

void weir__gated_values(const weir__node *node, const weir__gated *gated, const weir__route *route, float *experts,
                        float *values) {
    const value_task task = {node, gated->activation, route, experts, values};
    weir__parallel_ranges(gated->gates, (double)(route->slots * node->block) / (double)gated->gates, value_slots, &task);
}

// ---- backward ------------------------------------------------------------------------------------------------------

/// A row's experts and slope lie in slots, and the gradient, unless it is dense. width: as in apply_to_slots.
WEIR__INLINE void differentiate_slots(const weir__node *node, const weir__gated *gated, float *dgates, size_t r,
                                      size_t width) {
    const weir__route *route = &gated->route;
    const float *gates = node->gates->memory.values.data + r * gated->gates;
    float *row = dgates ? dgates + r * gated->gates : NULL;
    if (row) memset(row, 0, gated->gates * sizeof *row);
    for (int32_t entry = route->row_start[r]; entry < route->row_start[r + 1]; entry++) {
        const size_t j = (size_t)route->row_block[entry], at = (size_t)route->row_slot[entry] * node->block;
        const size_t count = width ? width : block_width(node, j);
        const bool plain = node->facts.gradient_dense || !node->pass.route;
        const size_t from = plain ? r * node->width + j * node->block : at;
        const float *d = node->memory.gradient.data + from, *e = gated->experts.data + at;
        const bool open = entry < route->row_open[r];
        if (row) row[j] = dot(d, e, count);
        if (open) differentiate(gated->activation, gated->slope.data + at, gates[j], d, e, count);
    }
}

WEIR__CLONES static void differentiate_row_of_slots(const row_task *t, size_t r) {
    if (t->node->block == 1) {
        differentiate_slots(t->node, t->gated, t->dgates, r, 1);
    } else {
        differentiate_slots(t->node, t->gated, t->dgates, r, 0);
    }
}

/// Dense experts and gradient, compact slope.
WEIR__CLONES static void differentiate_and_gather(const row_task *t, size_t r) {
    const weir__node *node = t->node;
    const weir__gated *gated = t->gated;
    const weir__route *route = &gated->route;
    const float *gates = node->gates->memory.values.data + r * gated->gates;
    const float *d = node->memory.gradient.data + r * node->width, *e = gated->experts.data + r * node->width;
    if (t->dgates) dot_blocks(node, gated->gates, t->dgates + r * gated->gates, d, e);
    for (int32_t entry = route->row_start[r]; entry < route->row_open[r]; entry++) {
        const size_t j = (size_t)route->row_block[entry], at = j * node->block;
        float *slope = gated->slope.data + (size_t)route->row_slot[entry] * node->block;
        differentiate(gated->activation, slope, gates[j], d + at, e + at, block_width(node, j));
    }
}

/// All dense.
WEIR__CLONES static void differentiate_row(const row_task *t, size_t r) {
    const weir__node *node = t->node;
    const weir__gated *gated = t->gated;
    const float *gates = node->gates->memory.values.data + r * gated->gates;
    const float *d = node->memory.gradient.data + r * node->width, *e = gated->experts.data + r * node->width;
    float *slope = gated->slope.data + r * node->width;
    if (t->dgates) dot_blocks(node, gated->gates, t->dgates + r * gated->gates, d, e);
    for (size_t j = 0; j < gated->gates; j++) {
        const size_t at = j * node->block;
        differentiate(gated->activation, slope + at, gates[j], d + at, e + at, block_width(node, j));
    }
}

void weir__gated_differentiate(const weir__node *node, const weir__gated *gated, size_t rows, float *dgates) {
    const row_task task = {.node = node,
                           .gated = gated,
                           .dgates = dgates,
                           .function = weir__is_kept(gated->activation) ? differentiate_kept_row
                                       : weir__spreads(gated)     ? differentiate_row_of_slots
                                       : !node->pass.route        ? differentiate_row
                                       : gated->experts_dense     ? differentiate_and_gather
                                                                  : differentiate_row_of_slots};
    for_rows(&task, rows);
}
