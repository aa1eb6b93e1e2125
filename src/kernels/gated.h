// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file gated.h
/// Gated products: y = x·Wᵀ + bias over the open (row, block) pairs only, and its two gradients.
///
/// Dimension names: rows r (of the batch), in and out (columns and rows of W), blocks j of b units, slots s (pairs
/// of a row and a block that a route lists). A side of a product is dense [rows][width], or compact [slots][block].
#ifndef WEIR_GATED_H
#define WEIR_GATED_H

#include <stddef.h>
#include <stdint.h>

#include <weir/plan.h>

#include "../core/core.h"
#include "update.h"

/// For one batch, the rows whose gate is open, block by block, and the same pairs row by row.
///
/// Block j owns slots start[j] … start[j+1]. Its first slots, up to open[j], are rows whose gate is open (h ≠ 0); the
/// rest are closed pairs that are evaluated all the same because the rule wants their gradient. Rows ascend
/// within each of the two parts. Row r owns entries row_start[r] … row_start[r+1], open ones up to row_open[r], blocks
/// ascending within each part; entry e is block row_block[e] at slot row_slot[e].
typedef struct weir__route {
    size_t rows, blocks, slots, open_slots;
    int32_t *start, *open, *row;
    int32_t *row_start, *row_open, *row_block, *row_slot;
    size_t block_words;         // of many rows: 64 of them a word, else 0
    const uint64_t *block_bits; // [1 or 2][blocks][block_words]: whether a row is in the block's open, closed part
    int32_t *cursors;           // [threads][blocks], of the build
    uint64_t *bits;             // of rows, and block_bits
    size_t row_capacity, block_capacity, slot_capacity, cursor_capacity, bit_capacity;
} weir__route;

/// Instead of an array for weir__route_build: every closed pair is evaluated. Compared by address, never read.
extern const uint8_t weir__route_all[1];

/// Builds the route of a batch. h [rows][blocks]: a pair is open where h ≠ 0. evaluate [rows][blocks], NULL or
/// weir__route_all: not 0 where a closed pair is evaluated too. Grows the route's arrays as needed; zero-initialise
/// before the first use. After a failure the route is empty (0 rows, 0 blocks, no memory).
weir_status weir__route_build(weir__route *route, size_t rows, size_t blocks, const float *h, const uint8_t *evaluate,
                              weir_error *error);
void weir__route_free(weir__route *route);

/// Bit r % 64 of word r / 64: whether row r is among the open slots of a block (or the closed ones that are evaluated).
/// NULL: there are too few rows, or no such slots at all.
const uint64_t *weir__block_bits(const weir__route *route, size_t block, bool closed);

/// One side of a gated product.
typedef struct weir__side {
    const weir__route *route; ///< NULL: dense
    size_t width;             ///< units in all
    size_t block;             ///< units per block, the last block may have fewer; a dense side has block == width
    float *values; ///< dense [rows][width], or compact [slots][block] (of a short last block the first units)
} weir__side;

/// Floats that a thread may use during a product; all threads' together.
enum { WEIR__THREAD_SCRATCH = 320 * 1024 };
size_t weir__scratch_floats(void);

/// Weights lie in tiles [strip of out.block rows][tile of in.block columns], each row-major, without padding: tile (jo,
/// ji) begins at jo·out.block·in.width + ji·in.block·(units of block jo). Between dense sides that is plain [out][in].
///
/// A table of kernels for one instruction set. Only open pairs of a compact side count, except where said; what
/// a closed pair would touch is neither read nor written. For any number of threads the results are the same bits.
typedef struct weir__gated_kernels {
    const char *name;
    /// The strategies of each operation, and of `backward` (strategy.h). NULL: the kernel has one way alone.
    const struct weir__strategy *strategies[WEIR_OPERATION_COUNT], *backward_strategies;
    /// y[r][o] = Σ_i x[r][i]·W[o][i] + bias[o] for all slots of y (closed but evaluated ones too); x open slots only.
    /// scratch [weir__scratch_floats()].
    void (*forward)(size_t rows, const weir__side *y, const weir__side *x, const float *weights, const float *bias,
                    float *scratch);
    /// dx[r][i] = Σ_o dy[r][o]·W[o][i] for all slots of dx (closed but evaluated ones too); dy open slots only.
    void (*input_gradient)(size_t rows, const weir__side *dx, const weir__side *dy, const float *weights,
                           float *scratch);
    /// dW[o][i] = Σ_r dy[r][o]·x[r][i], dbias[o] = Σ_r dy[r][o], over open slots of both. Writes each tile that has a
    /// pair and sets touched[tile] = 1; sets touched[tile] = 0 for the others and, where it was 1 before the call,
    /// zeroes the tile's gradient first. The same for bias_touched [blocks of dy] (a dense dy: always touched, and
    /// bias_touched may be NULL). dbias NULL: not wanted.
    void (*weight_gradient)(size_t rows, float *dweights, float *dbias, uint8_t *touched, uint8_t *bias_touched,
                            const weir__side *dy, const weir__side *x);
    /// weight_gradient and, while a piece of the gradient is in cache, its update: weights and biases move, rows of
    /// weights that moved are held to the limit, no gradient array is written or read. Tiles and blocks of the bias
    /// without a pair stay as they are, but for `all` of the update and for the limit, which needs the rest of a row.
    /// bias NULL: not wanted. scratch [weir__scratch_floats()].
    void (*weight_update)(size_t rows, float *weights, float *bias, const weir__side *dy, const weir__side *x,
                          const weir__update *update, const weir__update *bias_update, float *scratch);
    /// input_gradient and then weight_update, the same bits, with each weight read once where that saves time. dx lies
    /// as x does.
    void (*backward)(size_t rows, const weir__side *dx, const weir__side *dy, const weir__side *x, float *weights,
                     float *bias, const weir__update *update, const weir__update *bias_update, float *scratch);
} weir__gated_kernels;

/// The table of an instruction set, and that of the current one.
const weir__gated_kernels *weir__gated_kernels_of(weir_isa isa);
const weir__gated_kernels *weir__gated_current(void);

/// Multiply-adds that the three products do: open pairs only (forward: evaluated y slots, input gradient: evaluated dx
/// slots).
uint64_t weir__gated_forward_work(size_t rows, const weir__side *y, const weir__side *x);
uint64_t weir__gated_input_gradient_work(size_t rows, const weir__side *dx, const weir__side *dy);
uint64_t weir__gated_weight_gradient_work(size_t rows, const weir__side *dy, const weir__side *x);

/// Dense products by CBLAS. by_units: y, or dy, lies [out][rows], not [rows][out], and there is no bias.
/// y[rows][out] = x[rows][in]·Wᵀ + bias (NULL: none).
void weir__dense_forward(size_t rows, size_t out, size_t in, float *y, bool by_units, const float *x,
                         const float *weights, const float *bias);
/// dx[rows][in] = dy[rows][out]·W.
void weir__dense_input_gradient(size_t rows, size_t out, size_t in, float *dx, const float *dy, bool by_units,
                                const float *weights);
/// dW[out][in] = dyᵀ·x.
void weir__dense_weight_gradient(size_t rows, size_t out, size_t in, float *dweights, const float *dy, bool by_units,
                                 const float *x);
/// W += factor·dyᵀ·x.
void weir__dense_descend(size_t rows, size_t out, size_t in, float *weights, float factor, const float *dy,
                         bool by_units, const float *x);

/// sums[out] = column sums of values [rows][out], rows in order: the same bits for any number of threads.
void weir__sum_columns(size_t rows, size_t out, float *sums, const float *values);

#endif
