// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file reference.h
/// The gated products in plain C, for either precision (numbers.h): the specification of the other tables. One thread,
/// no blocking, every case.

static void forward(size_t rows, const weir__side *y, const numbers_side *x, const number *weights, const float *bias,
                    float *scratch) {
    const weir__side *in = side_of(x);
    (void)scratch;
    for (size_t jo = 0; jo < weir__blocks(y); jo++) {
        for (size_t slot = weir__first(y, jo); slot < weir__evaluated(y, jo, rows); slot++) {
            const size_t row = weir__row(y, slot);
            const weir__entries entries = weir__entries_of(in, row);
            for (size_t o = 0; o < weir__units(y, jo); o++) {
                float sum = bias ? bias[jo * y->block + o] : 0;
                for (size_t e = entries.first; e < entries.open; e++) {
                    const size_t ji = weir__entry_block(in, e), width = weir__units(in, ji);
                    const number *w = weights + weir__tile(y, in, jo, ji) + o * width;
                    const number *from = numbers_at(x, weir__entry_slot(in, row, e));
                    for (size_t i = 0; i < width; i++) sum += value_of(from[i]) * value_of(w[i]);
                }
                weir__values(y, slot)[o] = sum;
            }
        }
    }
}

static void input_gradient(size_t rows, const weir__side *dx, const numbers_side *dy, const number *weights,
                           float *scratch) {
    const weir__side *out = side_of(dy);
    (void)scratch;
    for (size_t ji = 0; ji < weir__blocks(dx); ji++) {
        for (size_t slot = weir__first(dx, ji); slot < weir__evaluated(dx, ji, rows); slot++) {
            const size_t row = weir__row(dx, slot), width = weir__units(dx, ji);
            const weir__entries entries = weir__entries_of(out, row);
            for (size_t i = 0; i < width; i++) {
                float sum = 0;
                for (size_t e = entries.first; e < entries.open; e++) {
                    const size_t jo = weir__entry_block(out, e);
                    const number *tile = weights + weir__tile(out, dx, jo, ji);
                    const number *from = numbers_at(dy, weir__entry_slot(out, row, e));
                    for (size_t o = 0; o < weir__units(out, jo); o++) {
                        sum += value_of(from[o]) * value_of(tile[o * width + i]);
                    }
                }
                weir__values(dx, slot)[i] = sum;
            }
        }
    }
}

/// Advances both slots, of blocks jo and ji, to the next row that they share. False: there is none.
static bool find_pair(size_t rows, const weir__side *dy, size_t jo, size_t *so, const weir__side *x, size_t ji,
                      size_t *si) {
    while (*so < weir__open(dy, jo, rows) && *si < weir__open(x, ji, rows)) {
        const size_t dy_row = weir__row(dy, *so), x_row = weir__row(x, *si);
        if (dy_row == x_row) return true;
        *(dy_row < x_row ? so : si) += 1;
    }
    return false;
}

/// g[i] = Σ dy[r][o]·x[r][first + i] over the pairs of tile (jo, ji), for some columns. Says whether there was a pair.
static bool sum_pairs(size_t rows, float *g, size_t count, const numbers_side *dy, size_t jo, size_t o,
                      const numbers_side *x, size_t ji, size_t first) {
    size_t so = weir__first(side_of(dy), jo), si = weir__first(side_of(x), ji);
    bool any = false;
    memset(g, 0, count * sizeof *g);
    for (; find_pair(rows, side_of(dy), jo, &so, side_of(x), ji, &si); so++, si++) {
        const float a = value_of(numbers_at(dy, so)[o]);
        for (size_t i = 0; i < count; i++) g[i] += a * value_of(numbers_at(x, si)[first + i]);
        any = true;
    }
    return any;
}

static bool update_tile(size_t rows, float *weights, const numbers_side *dy, size_t jo, const numbers_side *x,
                        size_t ji, const weir__update *update) {
    enum { PIECE = 256 };
    const weir__side *out = side_of(dy), *in = side_of(x);
    const size_t width = weir__units(in, ji);
    bool any = !out->route && !in->route;
    for (size_t o = 0; o < weir__units(out, jo); o++) {
        for (size_t i = 0; i < width; i += PIECE) {
            float g[PIECE];
            const size_t count = width - i < PIECE ? width - i : PIECE;
            any |= sum_pairs(rows, g, count, dy, jo, o, x, ji, i) || update->all;
            if (any) weir__update_span(update, weights, weir__tile(out, in, jo, ji) + o * width + i, count, g);
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

/// weights: floats, or NULL where the update has halves.
static void update_weights(size_t rows, float *weights, float *bias, const numbers_side *dy, const numbers_side *x,
                           const weir__update *update, const weir__update *bias_update) {
    const weir__side *out = side_of(dy), *in = side_of(x);
    const weir__tiling tiling = {out->width, in->width, out->block, in->block};
    for (size_t jo = 0; jo < weir__blocks(out); jo++) {
        const size_t first = jo * out->block;
        bool any = false;
        for (size_t ji = 0; ji < weir__blocks(in); ji++) any |= update_tile(rows, weights, dy, jo, x, ji, update);
        if (any && update->most > 0) weir__update_limit(update, weights, &tiling, first, first + weir__units(out, jo));
        if (bias) update_bias(rows, bias, out, jo, bias_update);
    }
}
