// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file descend.h
/// Gradient descent of a tile with its gradient in registers: w −= rate·(dW + decay·w), or with momentum v = momentum·v
/// + dW + decay·w, w −= rate·v, as soon as the sums of weight_gradient.h are there. Other rules, and lists of pairs in
/// several parts, go by an array (weight_update.h), which costs each weight a store and a load more.

/// The numbers of the step, v of the first weight (with momentum), and Σ w² of each unit, lane by lane.
typedef struct descent_numbers {
    vec rate, decay, momentum;
    float *velocity;
    vec *squares;
} descent_numbers;

/// Weights that come later and are prefetched meanwhile: as many, or half as many units.
typedef struct coming_weights {
    const float *at;
    bool half;
} coming_weights;

/// Units × vectors (constants, at most 16) of the weights at the given unit and column.
INLINE void descend_outer(const bool momentum, const int units, const int vectors, const bool partial, size_t tail,
                          float *w, size_t stride, size_t unit, size_t column, const factor *a, const factor *b,
                          size_t count, const descent_numbers *n, coming_weights coming) {
    vec sum[16] = {{0}};
    if (coming.half) {
        prefetch_rows(coming.at + unit / 2 * stride, stride, (units + 1) / 2, (size_t)vectors * LANES);
    } else {
        prefetch_rows(coming.at + unit * stride, stride, units, (size_t)vectors * LANES);
        if (momentum) {
            prefetch_rows(n->velocity + (coming.at - w) + unit * stride, stride, units, (size_t)vectors * LANES);
        }
    }
    sum_outer(units, vectors, partial, tail, sum, unit, column, a, b, count);
    UNROLL for (int u = 0; u < units; u++) {
        vec squares = n->squares[unit + (size_t)u];
        UNROLL for (int v = 0; v < vectors; v++) {
            const size_t at = (unit + (size_t)u) * stride + column + v * LANES;
            vec now = load_columns(partial, tail, w + at), step = sum[u * vectors + v] + n->decay * now;
            if (momentum) {
                step += n->momentum * load_columns(partial, tail, n->velocity + at);
                store_columns(partial, tail, n->velocity + at, step);
            }
            now -= n->rate * step;
            store_columns(partial, tail, w + at, now);
            squares += now * now;
        }
        n->squares[unit + (size_t)u] = squares;
    }
}

/// Some units, for some vectors of columns.
INLINE void descend_units(const bool momentum, const int vectors, const bool partial, size_t tail, float *w,
                          size_t stride, size_t units, size_t column, const factor *a, const factor *b, size_t count,
                          const descent_numbers *n, coming_weights coming) {
    size_t u = 0;
#define UNITS_AT_ONCE(some)                                                                                            \
    for (; vectors * (some) <= MOST_SUMS && u + (some) <= units; u += (some))                                          \
    descend_outer(momentum, some, vectors, partial, tail, w, stride, u, column, a, b, count, n, coming)
    UNITS_AT_ONCE(8);
    UNITS_AT_ONCE(6);
    UNITS_AT_ONCE(4);
    UNITS_AT_ONCE(2);
    UNITS_AT_ONCE(1);
#undef UNITS_AT_ONCE
}

/// Where the weights are that come after column c: half a tile of as many columns at `next`, or, where that is NULL,
/// `distance` columns to the right and, beyond the last one, of the units below.
INLINE coming_weights weights_after(const float *w, size_t stride, size_t units, size_t columns, size_t c,
                                    const float *next, size_t distance) {
    if (next) return (coming_weights){next + c, true};
    if (c + distance < columns) return (coming_weights){w + c + distance, false};
    return (coming_weights){w + units * stride + (c + distance - columns), false};
}

/// Count ≥ 0 pairs of a tile of some units (at most as many as n->squares has) and all of its columns. What comes after
/// is prefetched as weights_after has it.
INLINE void descend_columns(const bool momentum, float *w, size_t stride, size_t units, size_t columns,
                            const float *next, size_t distance, const factor *a, const factor *b, size_t count,
                            const descent_numbers *n) {
    size_t c = 0;
#define VECTORS_AT_ONCE(vectors, partial, tail)                                                                        \
    descend_units(momentum, vectors, partial, tail, w, stride, units, c, a, b, count, n,                               \
                  weights_after(w, stride, units, columns, c, next, distance))
    for (; units < 4 && c + 8 * LANES <= columns; c += 8 * LANES) VECTORS_AT_ONCE(8, false, 0);
    for (; c + TILE_VECTORS * LANES <= columns; c += TILE_VECTORS * LANES) VECTORS_AT_ONCE(TILE_VECTORS, false, 0);
    for (; c + LANES <= columns; c += LANES) VECTORS_AT_ONCE(1, false, 0);
    if (c < columns) VECTORS_AT_ONCE(1, true, columns - c);
#undef VECTORS_AT_ONCE
}
