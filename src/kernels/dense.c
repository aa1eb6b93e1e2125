// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Dense products by CBLAS, and the bias that it does not know. One row is a matrix-vector product.
//
// Which bits CBLAS gives near the edge of a piece depends, for many processors, on how a product is cut. Here the
// pieces follow from the shapes alone.

#include <stdbool.h>
#include <string.h>

#include "../core/parallel.h"
#include "blas.h"
#include "gated.h"

enum { LINE = 16 }; // floats of a line of cache, which pieces do not share

/// Pieces of a dimension of the product: eight, but neither so small nor so large that CBLAS would be slowed down. Some
/// are empty where there are fewer lines.
static size_t pieces_of(size_t count) {
    enum { PIECES = 8, LEAST = 64, MOST = 512 };
    if (count <= 2 * LEAST) return 2;
    if (count < PIECES * LEAST) return count / LEAST / 2 * 2;
    return count > PIECES * MOST ? (count + MOST - 1) / MOST : PIECES;
}

/// Where a piece begins: they differ by a line at most.
static size_t piece_begin(size_t count, size_t piece, size_t pieces) {
    const size_t lines = (count + LINE - 1) / LINE, at = lines * piece / pieces * LINE;
    return at < count ? at : count;
}

// Multiply-adds of products of matrices, and of a matrix and a vector, that are cut.
static const double least_of_product = 1e5, least_of_vector = 9216;

// Nanoseconds of a multiply-add, of either.
static const double product_time = 0.03, vector_time = 0.1;

static void run(size_t pieces, double work, weir__piece_function *function, const void *context) {
    (weir__pieces_for(work) > 1 ? weir__parallel : weir__in_turn)(pieces, function, context);
}

static const float *from_row(const weir__factor *a, size_t row) {
    return a->values + (a->transposed ? row : row * a->stride);
}
static const float *from_column(const weir__factor *a, size_t column) {
    return a->values + (a->transposed ? column * a->stride : column);
}

typedef struct product {
    size_t m, n, k;
    float alpha, beta;
    weir__factor a, b;
    float *c;
} product;

static void multiply_piece(const void *context, weir__piece piece) {
    const product *p = context;
    const size_t count = p->m > p->n ? p->m : p->n, first = piece_begin(count, piece.index, piece.count);
    const size_t some = piece_begin(count, piece.index + 1, piece.count) - first;
    if (!some) return;
    if (p->m > p->n) {
        const weir__factor a = {from_row(&p->a, first), p->a.stride, p->a.transposed};
        weir__blas_product(some, p->n, p->k, p->alpha, &a, &p->b, p->beta, p->c + first * p->n, p->n);
    } else {
        const weir__factor b = {from_column(&p->b, first), p->b.stride, p->b.transposed};
        weir__blas_product(p->m, some, p->k, p->alpha, &p->a, &b, p->beta, p->c + first, p->n);
    }
}

/// c[m][n] = alpha·a[m][k]·b[k][n] + beta·c, rows of c n floats apart.
static void multiply(size_t m, size_t n, size_t k, float alpha, weir__factor a, weir__factor b, float beta, float *c) {
    const product p = {m, n, k, alpha, beta, a, b, c};
    const double work = (double)m * (double)n * (double)k;
    run(work >= least_of_product ? pieces_of(m > n ? m : n) : 1, work * product_time, multiply_piece, &p);
}

/// y[m] = a[m][k]·x[k] + beta·y.
typedef struct vector_product {
    size_t m, k;
    weir__factor a;
    const float *x;
    float beta;
    float *y;
} vector_product;

static void multiply_vector_piece(const void *context, weir__piece piece) {
    const vector_product *p = context;
    const size_t first = piece_begin(p->m, piece.index, piece.count);
    const size_t some = piece_begin(p->m, piece.index + 1, piece.count) - first;
    const weir__factor a = {from_row(&p->a, first), p->a.stride, p->a.transposed};
    if (some) weir__blas_vector(some, p->k, &a, p->x, p->beta, p->y + first);
}

static void multiply_vector(const vector_product *p) {
    const double work = (double)p->m * (double)p->k;
    run(work >= least_of_vector ? pieces_of(p->m) : 1, work * vector_time, multiply_vector_piece, p);
}

typedef struct columns {
    size_t rows, out;
    float *to;
    const float *from;
} columns;

static void fill_rows(const void *context, weir__range rows) {
    const columns *c = context;
    for (size_t r = rows.first; r < rows.last; r++) memcpy(c->to + r * c->out, c->from, c->out * sizeof *c->to);
}

void weir__dense_forward(size_t rows, size_t out, size_t in, float *y, bool by_units, const float *x,
                         const float *weights, const float *bias) {
    const float former = bias ? 1 : 0; // times y, before anything is added
    if (!rows || !out) return;
    if (bias) weir__parallel_ranges(rows, 0.5 * (double)out, fill_rows, &(columns){rows, out, y, bias});
    if (!in) {
        if (!bias) memset(y, 0, rows * out * sizeof *y);
    } else if (rows == 1) {
        multiply_vector(&(vector_product){out, in, {weights, in, false}, x, former, y});
    } else if (by_units) {
        multiply(out, rows, in, 1, (weir__factor){weights, in, false}, (weir__factor){x, in, true}, former, y);
    } else {
        multiply(rows, out, in, 1, (weir__factor){x, in, false}, (weir__factor){weights, in, true}, former, y);
    }
}

void weir__dense_input_gradient(size_t rows, size_t out, size_t in, float *dx, const float *dy, bool by_units,
                                const float *weights) {
    if (!rows || !in) return;
    if (!out) {
        memset(dx, 0, rows * in * sizeof *dx);
    } else if (rows == 1) {
        multiply_vector(&(vector_product){in, out, {weights, in, true}, dy, 0, dx});
    } else {
        multiply(rows, in, out, 1, (weir__factor){dy, by_units ? rows : out, by_units},
                 (weir__factor){weights, in, false}, 0, dx);
    }
}

enum { SUMS = 64 }; // columns whose sums are at hand

static void sum_groups(const void *context, weir__range groups) {
    const columns *c = context;
    const size_t last = groups.last * SUMS < c->out ? groups.last * SUMS : c->out;
    for (size_t from = groups.first * SUMS; from < last; from += SUMS) {
        const size_t count = last - from < SUMS ? last - from : SUMS;
        float sum[SUMS] = {0};
        for (size_t r = 0; r < c->rows; r++) {
            const float *row = c->from + r * c->out + from;
            for (size_t o = 0; o < count; o++) sum[o] += row[o];
        }
        memcpy(c->to + from, sum, count * sizeof *sum);
    }
}

void weir__sum_columns(size_t rows, size_t out, float *sums, const float *values) {
    const columns c = {rows, out, sums, values};
    weir__parallel_ranges((out + SUMS - 1) / SUMS, 0.25 * (double)rows * SUMS, sum_groups, &c);
}

/// W = factor·dyᵀ·x + former·W.
static void add_gradient(size_t rows, size_t out, size_t in, float *weights, float former, float factor,
                         const float *dy, bool by_units, const float *x) {
    multiply(out, in, rows, factor, (weir__factor){dy, by_units ? rows : out, !by_units}, (weir__factor){x, in, false},
             former, weights);
}

void weir__dense_weight_gradient(size_t rows, size_t out, size_t in, float *dweights, const float *dy, bool by_units,
                                 const float *x) {
    if (!out || !in) return;
    if (rows) {
        add_gradient(rows, out, in, dweights, 0, 1, dy, by_units, x);
    } else {
        memset(dweights, 0, out * in * sizeof *dweights);
    }
}

void weir__dense_descend(size_t rows, size_t out, size_t in, float *weights, float factor, const float *dy,
                         bool by_units, const float *x) {
    if (rows && out && in) add_gradient(rows, out, in, weights, 1, factor, dy, by_units, x);
}
