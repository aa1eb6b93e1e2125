// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file plan.h
/// Which way a gated product is done. A plan is a pure function of the case and of the rates in use (calibration.h), so
/// that one can ask beforehand what a layer will do, and why; and a run does the same again.
#ifndef WEIR_PLAN_H
#define WEIR_PLAN_H

#include <stddef.h>

#include "status.h"
#include "system.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The products of a layer y = W·x + b.
typedef enum weir_operation {
    WEIR_OPERATION_FORWARD,         ///< y = W·x + b
    WEIR_OPERATION_INPUT_GRADIENT,  ///< dx = Wᵀ·dy
    WEIR_OPERATION_WEIGHT_GRADIENT, ///< dW = dy·xᵀ, db
    WEIR_OPERATION_WEIGHT_UPDATE,   ///< the same and at once the step that it is for
    WEIR_OPERATION_COUNT
} weir_operation;

/// "forward", "input gradient", "weight gradient", "weight update".
WEIR_API const char *weir_operation_name(weir_operation operation);

/// How a product is done. The last two compute everything, as if no gate were closed: what they read is spread out with
/// zeros between, what is wanted of the result is taken out.
typedef enum weir_way {
    WEIR_WAY_AUTO,   ///< not a way: the planner chooses
    WEIR_WAY_GATED,  ///< block by block over lists of open rows, nothing else is touched
    WEIR_WAY_DENSE,  ///< everything, by CBLAS (in bf16 by the kernels of that precision)
    WEIR_WAY_STREAM, ///< everything, by the kernels of the gated way: few rows, the weights are read once, in order
    WEIR_WAY_COUNT
} weir_way;

/// "auto", "gated", "dense", "stream", as the environment variable WEIR_PLAN spells it.
WEIR_API const char *weir_way_name(weir_way way);

/// A product and the choice made for it.
typedef struct weir_plan {
    // The case.
    weir_operation operation;
    size_t rows;           ///< of the batch
    size_t out, out_block; ///< rows of W; units per block of that side, 0: it is dense
    size_t in, in_block;   ///< columns of W; likewise
    double out_share;      ///< of that side's (row, block) pairs that are computed or read; 1 when it is dense
    double in_share;
    weir_precision precision; ///< that the product is done in
    int gradient_array;       ///< not 0: of a weight update, what CBLAS cannot do in one pass (momentum, Adam, a limit)
    // The choice.
    weir_isa isa;
    int threads;
    weir_way way;
    const char *strategy; ///< how the kernels of that way go about it, in a word or two; "cblas" where it is CBLAS
    int forced;           ///< not 0: WEIR_PLAN or weir_plan_use asked for this way
    double seconds[WEIR_WAY_COUNT]; ///< expected; infinite for a way that cannot do this product
} weir_plan;

/// Fills the choice in for the case that *plan holds.
WEIR_API void weir_plan_choose(weir_plan *plan);

/// Writes one line about the choice and its reasons, at most size bytes with the terminating zero:
/// "forward by the way gated, gathered rows: gated 310 us, dense 3.1 ms (256 rows, 4096 / 64 share 0.094 <- 4096, fp32,
/// avx512, 2 threads)".
WEIR_API void weir_plan_describe(const weir_plan *plan, char *text, size_t size);

/// Asks for one way in every product that can be done that way (others are planned), for the whole process, before
/// WEIR_PLAN (where an unknown name counts for nothing; the tool refuses it). WEIR_WAY_AUTO: the planner chooses again.
/// WEIR_ARGUMENT for anything else. Not while another thread runs a weir function.
WEIR_API weir_status weir_plan_use(weir_way way);

#ifdef __cplusplus
}
#endif
#endif
