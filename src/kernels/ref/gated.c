// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The gated products of floats in plain C, and the gradient of the weights as an array.

#include <string.h>

#include "../side.h"
#include "../tables.h"
#include "../vector/numbers.h"

#include "../walk/reference.h"

/// Adds the pairs of tile (jo, ji) to it, after zeroing it at the first one. Says whether there was a pair.
static bool add_tile(size_t rows, float *tile, const weir__side *dy, size_t jo, const weir__side *x, size_t ji) {
    const size_t height = weir__units(dy, jo), width = weir__units(x, ji);
    size_t so = weir__first(dy, jo), si = weir__first(x, ji);
    bool any = false;
    for (; find_pair(rows, dy, jo, &so, x, ji, &si); so++, si++) {
        if (!any) memset(tile, 0, height * width * sizeof *tile);
        any = true;
        for (size_t o = 0; o < height; o++) {
            for (size_t i = 0; i < width; i++) {
                tile[o * width + i] += weir__values(dy, so)[o] * weir__values(x, si)[i];
            }
        }
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

static void weight_update(size_t rows, float *weights, float *bias, const weir__side *dy, const weir__side *x,
                          const weir__update *update, const weir__update *bias_update, float *scratch) {
    (void)scratch;
    update_weights(rows, weights, bias, dy, x, update, bias_update);
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
