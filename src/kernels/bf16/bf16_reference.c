// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The bf16 products in plain C: the specification of the other tables. One thread, no blocking, every case.

#include <string.h>

#include "../side.h"
#include "tables.h"

static float value(const weir__bf16_side *side, size_t slot, size_t unit) {
    return weir__bf16_value(side->values[slot * side->stride + unit]);
}

static void forward(size_t rows, const weir__side *y, const weir__bf16_side *x, const uint16_t *weights,
                    const float *bias, float *room) {
    (void)room;
    for (size_t jo = 0; jo < weir__blocks(y); jo++) {
        for (size_t slot = weir__first(y, jo); slot < weir__evaluated(y, jo, rows); slot++) {
            const size_t row = weir__row(y, slot);
            const weir__entries entries = weir__entries_of(x->side, row);
            for (size_t o = 0; o < weir__units(y, jo); o++) {
                float sum = bias ? bias[jo * y->block + o] : 0;
                for (size_t e = entries.first; e < entries.open; e++) {
                    const size_t ji = weir__entry_block(x->side, e), width = weir__units(x->side, ji);
                    const uint16_t *from = weights + weir__tile(y, x->side, jo, ji) + o * width;
                    const size_t s = weir__entry_slot(x->side, row, e);
                    for (size_t i = 0; i < width; i++) sum += value(x, s, i) * weir__bf16_value(from[i]);
                }
                weir__values(y, slot)[o] = sum;
            }
        }
    }
}

static void input_gradient(size_t rows, const weir__side *dx, const weir__bf16_side *dy, const uint16_t *weights,
                           float *room) {
    (void)room;
    for (size_t ji = 0; ji < weir__blocks(dx); ji++) {
        for (size_t slot = weir__first(dx, ji); slot < weir__evaluated(dx, ji, rows); slot++) {
            const size_t row = weir__row(dx, slot), width = weir__units(dx, ji);
            const weir__entries entries = weir__entries_of(dy->side, row);
            for (size_t i = 0; i < width; i++) {
                float sum = 0;
                for (size_t e = entries.first; e < entries.open; e++) {
                    const size_t jo = weir__entry_block(dy->side, e), s = weir__entry_slot(dy->side, row, e);
                    const uint16_t *tile = weights + weir__tile(dy->side, dx, jo, ji);
                    for (size_t o = 0; o < weir__units(dy->side, jo); o++) {
                        sum += value(dy, s, o) * weir__bf16_value(tile[o * width + i]);
                    }
                }
                weir__values(dx, slot)[i] = sum;
            }
        }
    }
}

/// g[i] = Σ dy[r][o]·x[r][first + i] over the rows that blocks jo and ji share. Says whether there was one.
static bool sum_rows(size_t rows, float *g, size_t count, const weir__bf16_side *dy, size_t jo, size_t o,
                     const weir__bf16_side *x, size_t ji, size_t first) {
    size_t so = weir__first(dy->side, jo), si = weir__first(x->side, ji);
    bool any = false;
    memset(g, 0, count * sizeof *g);
    while (so < weir__open(dy->side, jo, rows) && si < weir__open(x->side, ji, rows)) {
        const size_t dy_row = weir__row(dy->side, so), x_row = weir__row(x->side, si);
        for (size_t i = 0; dy_row == x_row && i < count; i++) g[i] += value(dy, so, o) * value(x, si, first + i);
        any |= dy_row == x_row;
        so += dy_row <= x_row;
        si += x_row <= dy_row;
    }
    return any;
}

static bool update_tile(size_t rows, const weir__bf16_side *dy, size_t jo, const weir__bf16_side *x, size_t ji,
                        const weir__update *update) {
    enum { PIECE = 256 };
    const size_t width = weir__units(x->side, ji), at = weir__tile(dy->side, x->side, jo, ji);
    bool any = !dy->side->route && !x->side->route;
    for (size_t o = 0; o < weir__units(dy->side, jo); o++) {
        for (size_t i = 0; i < width; i += PIECE) {
            float g[PIECE];
            const size_t count = width - i < PIECE ? width - i : PIECE;
            any |= sum_rows(rows, g, count, dy, jo, o, x, ji, i) || update->all;
            if (any) weir__update_span(update, NULL, at + o * width + i, count, g);
        }
    }
    return any;
}

static void update_bias(size_t rows, float *bias, const weir__side *dy, size_t jo, const weir__update *update) {
    const size_t first = weir__first(dy, jo), open = weir__open(dy, jo, rows);
    if (dy->route && first == open && !update->all) return;
    for (size_t o = 0; o < weir__units(dy, jo); o++) {
        float sum = 0;
        for (size_t slot = first; slot < open; slot++) sum += weir__values(dy, slot)[o];
        weir__update_span(update, bias, jo * dy->block + o, 1, &sum);
    }
}

static void weight_update(size_t rows, float *bias, const weir__bf16_side *dy, const weir__bf16_side *x,
                          const weir__update *update, const weir__update *bias_update) {
    const weir__side *out = dy->side, *in = x->side;
    const weir__tiling tiling = {out->width, in->width, out->block, in->block};
    for (size_t jo = 0; jo < weir__blocks(out); jo++) {
        const size_t first = jo * out->block;
        bool any = false;
        for (size_t ji = 0; ji < weir__blocks(in); ji++) any |= update_tile(rows, dy, jo, x, ji, update);
        if (any && update->most > 0) weir__update_limit(update, NULL, &tiling, first, first + weir__units(out, jo));
        if (bias) update_bias(rows, bias, out, jo, bias_update);
    }
}

static void backward(size_t rows, const weir__side *dx, const weir__bf16_side *dy, const weir__bf16_side *x,
                     float *bias, const weir__update *update, const weir__update *bias_update, float *room) {
    input_gradient(rows, dx, dy, update->halves.upper, room);
    weight_update(rows, bias, dy, x, update, bias_update);
}

const weir__bf16_kernels weir__bf16_reference = {
    .name = "reference",
    .forward = forward,
    .input_gradient = input_gradient,
    .weight_update = weight_update,
    .backward = backward,
};
