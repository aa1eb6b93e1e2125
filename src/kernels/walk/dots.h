// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file dots.h
/// Outputs as dot products, for either precision (numbers.h): weights and inputs are both contiguous along i and used
/// where they lie. Each sum over lanes is formed in one order, so that how outputs are grouped changes no bit.

/// Weights that are prefetched meanwhile: of some units as many numbers each as are worked on.
typedef struct units_ahead {
    const number *w;
    size_t stride, units;
} units_ahead;

/// y[r][u] += Σ_{k<count} x[r][k]·w[u][k] for rows × units outputs (constants where it is inlined, at most 24).
INLINE void add_few_dots(const int rows, const int units, float *y, size_t y_stride, const number *const *x,
                         const number *w, size_t w_stride, size_t count, const units_ahead *coming) {
    enum { LINE = 64 / sizeof(number) };
    vec sum[24] = {{0}};
    size_t k = 0;
    for (; k + NUMBER_LANES <= count; k += NUMBER_LANES) {
        numbers wk[8];
        for (size_t u = 0; k % LINE == 0 && u < coming->units; u++) {
            __builtin_prefetch(coming->w + u * coming->stride + k, 0, 2);
        }
        UNROLL for (int u = 0; u < units; u++) wk[u] = load_to_keep(w + (size_t)u * w_stride + k);
        UNROLL for (int r = 0; r < rows; r++) {
            const numbers xk = load_to_keep(x[r] + k);
            UNROLL for (int u = 0; u < units; u++) sum[r * units + u] = add_numbers(sum[r * units + u], xk, wk[u]);
        }
    }
    if (k < count) {
        numbers wk[8];
        UNROLL for (int u = 0; u < units; u++) wk[u] = load_first_numbers(w + (size_t)u * w_stride + k, count - k);
        UNROLL for (int r = 0; r < rows; r++) {
            const numbers xk = load_first_numbers(x[r] + k, count - k);
            UNROLL for (int u = 0; u < units; u++) sum[r * units + u] = add_numbers(sum[r * units + u], xk, wk[u]);
        }
    }
    // Lanes beyond rows·units hold 0 and are dropped.
    UNROLL for (int q = 0; q < rows * units; q += 4) {
        const four total = sums(sum[q], sum[q + 1], sum[q + 2], sum[q + 3]);
        if (units % 4 == 0) {
            four_at *to = (four_at *)(y + (size_t)(q / units) * y_stride + (size_t)(q % units));
            *to += total;
            continue;
        }
        UNROLL for (int p = 0; p < 4; p++) {
            const int r = (q + p) / units, u = (q + p) % units;
            if (r < rows) y[(size_t)r * y_stride + (size_t)u] += total[p];
        }
    }
}

/// add_few_dots for any number of units, some of them at a time, those that come as far behind the next weights.
INLINE void add_few_dots_of_units(const int rows, size_t units, float *y, size_t y_stride, const number *const *x,
                                  const number *w, size_t w_stride, size_t count, const units_ahead *coming) {
    size_t u = 0;
#define SOME_UNITS(some)                                                                                               \
    add_few_dots(rows, some, y + u, y_stride, x, w + u * w_stride, w_stride, count,                                    \
                 &(units_ahead){coming->w + u * w_stride, coming->stride, coming->units})
    for (; rows == 1 && u + 8 <= units; u += 8) SOME_UNITS(8);
    for (; u + DOT_UNITS <= units; u += DOT_UNITS) SOME_UNITS(DOT_UNITS);
    WITH_CONSTANT(units - u, 3, SOME_UNITS)
#undef SOME_UNITS
}

/// And for any number of rows up to DOT_ROWS.
static void add_few_dots_of_rows(size_t rows, size_t units, float *y, size_t y_stride, const number *const *x,
                                 const number *w, size_t w_stride, size_t count, const units_ahead *coming) {
#define SOME_ROWS(rows) add_few_dots_of_units(rows, units, y, y_stride, x, w, w_stride, count, coming)
#if LANES == 16
    WITH_CONSTANT(rows, 6, SOME_ROWS)
#else
    WITH_CONSTANT(rows, 3, SOME_ROWS)
#endif
#undef SOME_ROWS
}

// ---- compact x -----------------------------------------------------------------------------------------------------

/// y[u] += Σ over the entries of x and their units, for units (a constant) outputs of a strip that has `height`, from
/// number u on. ahead: as many more are prefetched.
INLINE void add_dots_of_entries(const int units, float *y, const numbers_side *x, size_t row, weir__entries entries,
                                const number *strip, size_t height, size_t u, bool ahead) {
    const weir__side *side = side_of(x);
    vec sum[8] = {{0}};
    for (size_t e = entries.first; e < entries.open; e++) {
        const size_t j = weir__entry_block(side, e), width = weir__units(side, j);
        const number *from = numbers_at(x, weir__entry_slot(side, row, e));
        const number *tile = strip + j * side->block * height + u * width;
        size_t k = 0;
        for (; k + NUMBER_LANES <= width; k += NUMBER_LANES) {
            const numbers xk = load_numbers(from + k);
            UNROLL for (int o = 0; o < units; o++) {
                const number *w = tile + (size_t)o * width + k;
                sum[o] = add_numbers(sum[o], xk, load_numbers(w));
                if (ahead) __builtin_prefetch(w + (size_t)units * width, 0, 2);
            }
        }
        if (k < width) {
            const numbers xk = load_first_numbers(from + k, width - k);
            UNROLL for (int o = 0; o < units; o++) {
                sum[o] = add_numbers(sum[o], xk, load_first_numbers(tile + (size_t)o * width + k, width - k));
            }
        }
    }
    UNROLL for (int q = 0; q < units; q += 4) {
        const four total = sums(sum[q], sum[q + 1], sum[q + 2], sum[q + 3]);
        UNROLL for (int p = 0; p < 4; p++) {
            if (q + p < units) y[q + p] += total[p];
        }
    }
}

/// Some units of a strip. ahead (a constant): those that come are prefetched.
INLINE void add_entries(const bool ahead, float *y, weir__range units, const numbers_side *x, size_t row,
                        weir__entries entries, const number *strip, size_t height) {
    size_t u = units.first;
#define SOME_UNITS(some)                                                                                               \
    add_dots_of_entries(some, y + u, x, row, entries, strip, height, u, ahead && u + 2 * (some) <= height)
    for (; u + 8 <= units.last; u += 8) SOME_UNITS(8);
    for (; u + 4 <= units.last; u += 4) SOME_UNITS(4);
    WITH_CONSTANT(units.last - u, 3, SOME_UNITS)
#undef SOME_UNITS
}

/// Blocks of one input, whose tiles are columns: y[0 … count) += Σ_e x_e·column_e, in the given number of vectors (the
/// last may be partial) and of interleaved partial sums, which hide the latency of the additions.
INLINE void add_columns(const int vectors, const int ways, float *y, size_t count, const numbers_side *x, size_t row,
                        weir__entries entries, const number *strip, size_t height) {
    const weir__side *side = side_of(x);
    const size_t tail = count - (size_t)(vectors - 1) * LANES;
    vec sum[16] = {{0}};
    for (size_t e = entries.first, some = 0; e < entries.open; e += some) {
        some = e + (size_t)ways <= entries.open ? (size_t)ways : 1;
        UNROLL for (int w = 0; w < ways; w++) {
            if (w && some == 1) break;
            const number *column = strip + weir__entry_block(side, e + (size_t)w) * height;
            const vec a = splat(value_of(*numbers_at(x, weir__entry_slot(side, row, e + (size_t)w))));
            UNROLL for (int v = 0; v < vectors; v++) {
                const bool partial = v == vectors - 1 && tail < LANES;
                const number *from = column + v * LANES;
                sum[w * vectors + v] += a * (partial ? first_floats_at(from, tail) : floats_at(from));
            }
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        const bool partial = v == vectors - 1 && tail < LANES;
        vec total = sum[v];
        UNROLL for (int w = 1; w < ways; w++) total += sum[w * vectors + v];
        store_columns(partial, tail, y + v * LANES, load_columns(partial, tail, y + v * LANES) + total);
    }
}
