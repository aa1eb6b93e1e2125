// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file strategy.h
/// How a kernel does its product: a table of rows per product and instruction set, of which the first that fits is run.
///
/// A plan names the row that will be run, for the choice depends on facts that a plan has, too. Tests force each row
/// wherever it gives the right result.
#ifndef WEIR_STRATEGY_H
#define WEIR_STRATEGY_H

#include <stdbool.h>

#include "../core/parallel.h"
#include "gated.h"

/// The facts of a product that strategies are chosen by. out and in are the sides of W: y and x, or their gradients.
typedef struct weir__case {
    size_t rows;           ///< of the batch
    size_t out, out_block; ///< units; per block, of a dense side all of them
    size_t in, in_block;   ///< likewise
    bool out_compact, in_compact;
    double out_pairs, in_pairs; ///< (row, block) pairs that are computed, or read
    bool limited;               ///< of an update: the norms of rows of W have a limit
} weir__case;

/// One way of doing a product. The table ends with a row without a name.
typedef struct weir__strategy {
    const char *name;
    bool (*applies)(const weir__case *c); ///< whether the result is right; NULL: always
    bool (*suits)(const weir__case *c);   ///< whether it is wanted there; NULL: always
    weir__piece_function *run;            ///< a piece of the product; NULL: it is done by another kernel
    weir__piece_function *finish;         ///< a piece of what follows when all pieces have run; NULL: nothing
} weir__strategy;

/// The case of a product; pairs are counted as weir__plan_of counts them.
weir__case weir__case_of(weir_operation operation, size_t rows, const weir__side *out, const weir__side *in);

/// The first row that applies and suits. NULL: there is none.
const weir__strategy *weir__strategy_choose(const weir__strategy *table, const weir__case *c);

/// The row that tests want: wherever the table has one of that name and it applies. NULL: none.
extern const char *weir__strategy_wanted;

static inline bool weir__both_dense(const weir__case *c) { return !c->out_compact && !c->in_compact; }
static inline bool weir__both_compact(const weir__case *c) { return c->out_compact && c->in_compact; }
static inline bool weir__in_is_dense(const weir__case *c) { return !c->in_compact; }
static inline bool weir__in_is_compact(const weir__case *c) { return c->in_compact; }

static inline bool weir__blocks_before_dense(const weir__case *c) { return c->out_compact && !c->in_compact; }
static inline bool weir__dense_before_blocks(const weir__case *c) { return !c->out_compact && c->in_compact; }

/// Whether several rows share each tile between blocks that are not small.
static inline bool weir__tiles_are_shared(const weir__case *c) {
    enum { LEAST_BLOCK = 16, LEAST_ROWS = 2 };
    if (!weir__both_compact(c) || c->out_block < LEAST_BLOCK || c->in_block < LEAST_BLOCK) return false;
    const size_t strips = (c->out + c->out_block - 1) / c->out_block;
    const size_t columns = (c->in + c->in_block - 1) / c->in_block;
    return c->out_pairs * c->in_pairs / (double)c->rows >= LEAST_ROWS * (double)strips * (double)columns;
}

/// Whether dx and the update go over such tiles together: a limit on the norms of rows would wait for the rest of them.
static inline bool weir__tiles_move_at_once(const weir__case *c) { return weir__tiles_are_shared(c) && !c->limited; }

#endif
