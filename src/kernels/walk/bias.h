// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bias.h
/// Floats that an update moves, and of them the bias, which are floats in either precision.

enum { RUN = 4096 };

/// Floats on their way to new values.
typedef struct moving_floats {
    const weir__update *update;
    float *weights;
} moving_floats;

/// Gradients of places that follow one another, moved together: small tiles cost less that way.
typedef struct run {
    const moving_floats *d;
    size_t at, count;
    _Alignas(64) float g[RUN];
} run;

static void finish_run(run *r) {
    if (r->count) weir__update_span(r->d->update, r->d->weights, r->at, r->count, r->g);
    r->count = 0;
}

/// Where the gradients of weights at … at + count − 1 go, count ≤ RUN.
static float *extend_run(run *r, size_t at, size_t count) {
    if (r->at + r->count != at || r->count + count > RUN) finish_run(r);
    if (!r->count) r->at = at;
    r->count += count;
    return r->g + r->count - count;
}

/// The bias of some blocks; of each the units of one part.
static void update_bias(size_t rows, const moving_floats *d, weir__range blocks, size_t part, size_t parts,
                        const weir__side *dy) {
    enum { COLUMNS = 64 };
    run sums = {.d = d};
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const size_t first = weir__first(dy, j), open = weir__open(dy, j, rows), units = weir__units(dy, j);
        if (dy->route && first == open && !d->update->all) continue;
        const weir__range groups = weir__part((units + COLUMNS - 1) / COLUMNS, part, parts);
        for (size_t u = groups.first * COLUMNS; u < least_of(groups.last * COLUMNS, units); u += COLUMNS) {
            const size_t count = least_of(COLUMNS, units - u);
            float *sum = extend_run(&sums, j * dy->block + u, count);
            memset(sum, 0, count * sizeof *sum);
            for (size_t s = first; s < open; s++) {
                const float *from = weir__values(dy, s) + u;
                for (size_t k = 0; k < count; k++) sum[k] += from[k];
            }
        }
    }
    finish_run(&sums);
}
