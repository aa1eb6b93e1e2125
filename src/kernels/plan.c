// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The planner: what each way of doing a product is expected to take, and the quickest of them.
//
// The gated way does its share of the multiply-adds, at a rate that depends on the units of a block and on the rows
// that a block has open: both say how often a number is used once it is in a register. The other two do all
// of them, at a rate that depends on the rows alone, and move the open pairs between compact and dense arrays. The
// route is built in any case.

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bf16/bf16.h"
#include "product.h"
#include "rates.h"

static const double start_seconds = 2e-6; // of threads that move pairs

static atomic_int way_in_use = -1; // -1: not asked yet

weir_way weir__plan_wanted(void) {
    int way = atomic_load_explicit(&way_in_use, memory_order_relaxed);
    if (way < 0) {
        const char *wanted = getenv("WEIR_PLAN");
        way = WEIR_WAY_AUTO;
        for (int k = 0; wanted && k < WEIR_WAY_COUNT; k++) {
            if (!strcmp(wanted, weir_way_name((weir_way)k))) way = k;
        }
        // Several threads may get here: all find the same.
        atomic_store_explicit(&way_in_use, way, memory_order_relaxed);
    }
    return (weir_way)way;
}

weir_status weir_plan_use(weir_way way) {
    if ((unsigned)way >= WEIR_WAY_COUNT) return WEIR_ARGUMENT;
    atomic_store_explicit(&way_in_use, (int)way, memory_order_relaxed);
    return WEIR_OK;
}

// ---- costs ---------------------------------------------------------------------------------------------------------

static double products_of(const weir_plan *plan) { return (double)plan->rows * (double)plan->out * (double)plan->in; }

static double gated_seconds(const weir_plan *plan, const weir__rates *rates) {
    const double share = plan->out_share * plan->in_share, rows = (double)plan->rows * share;
    size_t block = plan->out_block ? plan->out_block : plan->in_block;
    if (plan->in_block && plan->in_block < block) block = plan->in_block;
    const double rate = weir__rate(rates, plan->precision, WEIR_WAY_GATED, plan->operation, (double)block, rows);
    return block && rate > 0 ? share * products_of(plan) / rate : INFINITY;
}

/// To move the pairs of the outputs.
static double moving_seconds(const weir_plan *plan, const weir__rates *rates) {
    if (!plan->out_block) return 0;
    const double floats = (double)plan->rows * (double)plan->out * plan->out_share;
    return start_seconds + (floats / (double)plan->out_block * rates->calibration->pair_seconds +
                            floats * rates->calibration->float_seconds) /
                               rates->scale;
}

/// For another pass over gradients and weights, after CBLAS has written the gradients.
static double pass_seconds(const weir_plan *plan, const weir__rates *rates) {
    return 2 * (double)plan->out * (double)plan->in * rates->calibration->float_seconds / rates->scale;
}

/// Of a way that does everything. W must lie plain.
static double seconds_of_all(const weir_plan *plan, const weir__rates *rates, weir_way way) {
    const double rate = weir__rate(rates, plan->precision, way, plan->operation, 0, (double)plan->rows);
    const double pass = plan->gradient_array && way == WEIR_WAY_DENSE ? pass_seconds(plan, rates) : 0;
    return plan->in_block || !(rate > 0) ? INFINITY : products_of(plan) / rate + moving_seconds(plan, rates) + pass;
}

/// The reference is the specification: of the gated kernels where a side is compact, and else not to be waited for.
static void plan_reference(weir_plan *plan) {
    plan->seconds[plan->out_block || plan->in_block ? WEIR_WAY_GATED : WEIR_WAY_DENSE] = products_of(plan) / 1e9;
}

// ---- the strategy --------------------------------------------------------------------------------------------------

static double pairs_in(size_t rows, size_t width, size_t block, double share) {
    return block ? nearbyint(share * (double)rows * (double)((width + block - 1) / block)) : (double)rows;
}

/// The case of the chosen way, which may go over everything.
static weir__case case_of(const weir_plan *plan) {
    const bool blocks = plan->way == WEIR_WAY_GATED;
    const size_t out_block = blocks ? plan->out_block : 0, in_block = blocks ? plan->in_block : 0;
    return (weir__case){.rows = plan->rows,
                        .out = plan->out,
                        .out_block = out_block ? out_block : plan->out,
                        .in = plan->in,
                        .in_block = in_block ? in_block : plan->in,
                        .out_compact = out_block > 0,
                        .in_compact = in_block > 0,
                        .out_pairs = pairs_in(plan->rows, plan->out, out_block, plan->out_share),
                        .in_pairs = pairs_in(plan->rows, plan->in, in_block, plan->in_share)};
}

/// NULL: there is nothing to choose.
static const char *strategy_of(const weir_plan *plan) {
    const weir__case c = case_of(plan);
    if (plan->precision == WEIR_FLOAT32 && plan->way == WEIR_WAY_DENSE) return "cblas";
    const weir__strategy *table = plan->precision == WEIR_FLOAT32 ? weir__gated_current()->strategies[plan->operation]
                                                                  : weir__bf16_strategies(plan->operation, &c);
    return table && plan->rows && plan->out && plan->in ? weir__strategy_choose(table, &c)->name : NULL;
}

void weir__plan_way(weir_plan *plan) {
    const weir_way wanted = weir__plan_wanted();
    const weir__rates rates = weir__rates_current();
    plan->isa = weir_isa_current();
    plan->threads = weir_threads();
    for (int way = 0; way < WEIR_WAY_COUNT; way++) plan->seconds[way] = INFINITY;
    if (plan->isa == WEIR_ISA_REFERENCE) {
        plan_reference(plan);
    } else {
        plan->seconds[WEIR_WAY_GATED] = gated_seconds(plan, &rates);
        plan->seconds[WEIR_WAY_DENSE] = seconds_of_all(plan, &rates, WEIR_WAY_DENSE);
        plan->seconds[WEIR_WAY_STREAM] = seconds_of_all(plan, &rates, WEIR_WAY_STREAM);
    }
    plan->way = plan->out_block || plan->in_block ? WEIR_WAY_GATED : WEIR_WAY_DENSE;
    for (int way = WEIR_WAY_GATED; way < WEIR_WAY_COUNT; way++) {
        if (plan->seconds[way] < plan->seconds[plan->way]) plan->way = (weir_way)way;
    }
    plan->forced = wanted != WEIR_WAY_AUTO && isfinite(plan->seconds[wanted]);
    if (plan->forced) plan->way = wanted;
}

void weir_plan_choose(weir_plan *plan) {
    weir__plan_way(plan);
    plan->strategy = strategy_of(plan);
}

// ---- of a product --------------------------------------------------------------------------------------------------

static double share_of(const weir__side *side, size_t rows, bool evaluated) {
    if (!side->route || !rows || !side->route->blocks) return 1;
    const size_t slots = evaluated ? side->route->slots : side->route->open_slots;
    return (double)slots / ((double)rows * (double)side->route->blocks);
}

weir_plan weir__plan_of(weir_operation operation, size_t rows, const weir__side *out, const weir__side *in,
                        weir_precision precision) {
    weir_plan plan = {
        .operation = operation,
        .rows = rows,
        .out = out->width,
        .out_block = out->route ? out->block : 0,
        .in = in->width,
        .in_block = in->route ? in->block : 0,
        .out_share = share_of(out, rows, operation == WEIR_OPERATION_FORWARD),
        .in_share = share_of(in, rows, operation == WEIR_OPERATION_INPUT_GRADIENT),
        .precision = precision,
    };
    weir__plan_way(&plan);
    return plan;
}
