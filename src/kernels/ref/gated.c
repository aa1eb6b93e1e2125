// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The gated products in plain C: the specification of the other tables. One thread, no blocking, every case.

#include <string.h>

#include "../side.h"
#include "../tables.h"

static void forward_slot(const weir__side *y, size_t jo, size_t slot, const weir__side *x, const float *weights,
                         const float *bias) {
    const size_t row = weir__row(y, slot);
    const weir__entries entries = weir__entries_of(x, row);
    for (size_t o = 0; o < weir__units(y, jo); o++) {
        float sum = bias ? bias[jo * y->block + o] : 0;
        for (size_t e = entries.first; e < entries.open; e++) {
            const size_t ji = weir__entry_block(x, e), width = weir__units(x, ji);
            const float *tile = weights + weir__tile(y, x, jo, ji);
            const float *from = weir__values(x, weir__entry_slot(x, row, e));
            for (size_t i = 0; i < width; i++) sum += from[i] * tile[o * width + i];
        }
        weir__values(y, slot)[o] = sum;
    }
}

static void forward(size_t rows, const weir__side *y, const weir__side *x, const float *weights, const float *bias,
                    float *scratch) {
    (void)scratch;
    for (size_t jo = 0; jo < weir__blocks(y); jo++) {
        for (size_t slot = weir__first(y, jo); slot < weir__evaluated(y, jo, rows); slot++) {
            forward_slot(y, jo, slot, x, weights, bias);
        }
    }
}

static void input_gradient_slot(const weir__side *dx, size_t ji, size_t slot, const weir__side *dy,
                                const float *weights) {
    const size_t row = weir__row(dx, slot), width = weir__units(dx, ji);
    const weir__entries entries = weir__entries_of(dy, row);
    for (size_t i = 0; i < width; i++) {
        float sum = 0;
        for (size_t e = entries.first; e < entries.open; e++) {
            const size_t jo = weir__entry_block(dy, e);
            const float *tile = weights + weir__tile(dy, dx, jo, ji);
            const float *from = weir__values(dy, weir__entry_slot(dy, row, e));
            for (size_t o = 0; o < weir__units(dy, jo); o++) sum += from[o] * tile[o * width + i];
        }
        weir__values(dx, slot)[i] = sum;
    }
}

static void input_gradient(size_t rows, const weir__side *dx, const weir__side *dy, const float *weights,
                           float *scratch) {
    (void)scratch;
    for (size_t ji = 0; ji < weir__blocks(dx); ji++) {
        for (size_t slot = weir__first(dx, ji); slot < weir__evaluated(dx, ji, rows); slot++) {
            input_gradient_slot(dx, ji, slot, dy, weights);
        }
    }
}

/// Adds the pairs of tile (jo, ji) to it, after zeroing it at the first one. Says whether there was a pair.
static bool add_tile(size_t rows, float *tile, const weir__side *dy, size_t jo, const weir__side *x, size_t ji) {
    const size_t height = weir__units(dy, jo), width = weir__units(x, ji);
    size_t so = weir__first(dy, jo), si = weir__first(x, ji);
    bool any = false;
    while (so < weir__open(dy, jo, rows) && si < weir__open(x, ji, rows)) {
        if (weir__row(dy, so) != weir__row(x, si)) {
            *(weir__row(dy, so) < weir__row(x, si) ? &so : &si) += 1;
            continue;
        }
        if (!any) memset(tile, 0, height * width * sizeof *tile);
        any = true;
        for (size_t o = 0; o < height; o++) {
            for (size_t i = 0; i < width; i++) {
                tile[o * width + i] += weir__values(dy, so)[o] * weir__values(x, si)[i];
            }
        }
        so++, si++;
    }
    return any;
}

static void bias_gradient(size_t rows, float *dbias, uint8_t *touched, const weir__side *dy) {
    for (size_t jo = 0; jo < weir__blocks(dy); jo++) {
        const size_t first = weir__first(dy, jo), open = weir__open(dy, jo, rows);
        const bool any = first < open || !dy->route;
        if (any || touched[jo]) memset(dbias + jo * dy->block, 0, weir__units(dy, jo) * sizeof *dbias);
        for (size_t slot = first; slot < open; slot++) {
            for (size_t o = 0; o < weir__units(dy, jo); o++) dbias[jo * dy->block + o] += weir__values(dy, slot)[o];
        }
        if (touched) touched[jo] = any;
    }
}

static void weight_gradient(size_t rows, float *dweights, float *dbias, uint8_t *touched, uint8_t *bias_touched,
                            const weir__side *dy, const weir__side *x) {
    const size_t columns = weir__blocks(x);
    for (size_t jo = 0; jo < weir__blocks(dy); jo++) {
        for (size_t ji = 0; ji < columns; ji++) {
            float *tile = dweights + weir__tile(dy, x, jo, ji);
            const bool any = add_tile(rows, tile, dy, jo, x, ji);
            if (!any && touched[jo * columns + ji]) {
                memset(tile, 0, weir__units(dy, jo) * weir__units(x, ji) * sizeof *tile);
            }
            touched[jo * columns + ji] = any;
        }
    }
    if (dbias) bias_gradient(rows, dbias, bias_touched, dy);
}

/// g[i] = Σ dy[r][o]·x[r][first + i] over the pairs of tile (jo, ji), for some columns. Says whether there was a pair.
static bool sum_pairs(size_t rows, float *g, size_t count, const weir__side *dy, size_t jo, size_t o,
                      const weir__side *x, size_t ji, size_t first) {
    size_t so = weir__first(dy, jo), si = weir__first(x, ji);
    bool any = false;
    memset(g, 0, count * sizeof *g);
    while (so < weir__open(dy, jo, rows) && si < weir__open(x, ji, rows)) {
        if (weir__row(dy, so) != weir__row(x, si)) {
            *(weir__row(dy, so) < weir__row(x, si) ? &so : &si) += 1;
            continue;
        }
        for (size_t i = 0; i < count; i++) g[i] += weir__values(dy, so)[o] * weir__values(x, si)[first + i];
        any = true;
        so++, si++;
    }
    return any;
}

static bool update_tile(size_t rows, float *weights, const weir__side *dy, size_t jo, const weir__side *x, size_t ji,
                        const weir__update *update) {
    enum { PIECE = 256 };
    const size_t width = weir__units(x, ji);
    bool any = !dy->route && !x->route;
    for (size_t o = 0; o < weir__units(dy, jo); o++) {
        for (size_t i = 0; i < width; i += PIECE) {
            float g[PIECE];
            const size_t count = width - i < PIECE ? width - i : PIECE;
            any |= sum_pairs(rows, g, count, dy, jo, o, x, ji, i) || update->all;
            if (any) weir__update_span(update, weights, weir__tile(dy, x, jo, ji) + o * width + i, count, g);
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

static void weight_update(size_t rows, float *weights, float *bias, const weir__side *dy, const weir__side *x,
                          const weir__update *update, const weir__update *bias_update, float *scratch) {
    (void)scratch;
    const weir__tiling tiling = {dy->width, x->width, dy->block, x->block};
    for (size_t jo = 0; jo < weir__blocks(dy); jo++) {
        const size_t first = jo * dy->block;
        bool any = false;
        for (size_t ji = 0; ji < weir__blocks(x); ji++) any |= update_tile(rows, weights, dy, jo, x, ji, update);
        if (any && update->most > 0) weir__update_limit(update, weights, &tiling, first, first + weir__units(dy, jo));
        if (bias) update_bias(rows, bias, dy, jo, bias_update);
    }
}

static void backward(size_t rows, const weir__side *dx, const weir__side *dy, const weir__side *x, float *weights,
                     float *bias, const weir__update *update, const weir__update *bias_update, float *scratch) {
    input_gradient(rows, dx, dy, weights, scratch);
    weight_update(rows, weights, bias, dy, x, update, bias_update, scratch);
}

const weir__gated_kernels weir__gated_reference = {
    .name = "reference",
    .forward = forward,
    .input_gradient = input_gradient,
    .weight_gradient = weight_gradient,
    .weight_update = weight_update,
    .backward = backward,
};
