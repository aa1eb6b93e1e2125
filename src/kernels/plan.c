// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The planner: what each way of doing a product is expected to cost, and the cheapest of them.
//
// The dense way is taken at CBLAS's rate. The gated kernels do `share` of its work at an efficiency that falls with the
// size of a block: the smaller it is, the fewer units share a row once it is in a register. The efficiencies are the
// shares at which both ways took equal time, measured with 784 inputs, 1024 outputs and 1 to 256 rows.

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "product.h"

static const char *const way_names[WEIR_WAY_COUNT] = {
    [WEIR_WAY_AUTO] = "auto",
    [WEIR_WAY_GATED] = "gated",
    [WEIR_WAY_DENSE] = "dense",
    [WEIR_WAY_STREAM] = "stream",
};

static atomic_int way_in_use = -1; // -1: not asked yet

const char *weir_way_name(weir_way way) { return (unsigned)way < WEIR_WAY_COUNT ? way_names[way] : "unknown"; }

static weir_way wanted_way(void) {
    int way = atomic_load_explicit(&way_in_use, memory_order_relaxed);
    if (way < 0) {
        const char *wanted = getenv("WEIR_PLAN");
        way = WEIR_WAY_AUTO;
        for (int k = 0; wanted && k < WEIR_WAY_COUNT; k++) {
            if (!strcmp(wanted, way_names[k])) way = k;
        }
        atomic_store_explicit(&way_in_use, way,
                              memory_order_relaxed); // several threads may get here: all find the same
    }
    return (weir_way)way;
}

weir_status weir_plan_use(weir_way way) {
    if ((unsigned)way >= WEIR_WAY_COUNT) return WEIR_ARGUMENT;
    atomic_store_explicit(&way_in_use, (int)way, memory_order_relaxed);
    return WEIR_OK;
}

// ---- costs ---------------------------------------------------------------------------------------------------------

/// Multiply-adds per second of one thread.
static const double rates[WEIR_ISA_COUNT] = {
    [WEIR_ISA_REFERENCE] = 1e9, [WEIR_ISA_GENERIC] = 8e9,     [WEIR_ISA_AVX2] = 30e9,
    [WEIR_ISA_AVX512] = 45e9,   [WEIR_ISA_AVX512BF16] = 45e9,
};

static double dense_seconds(const weir_plan *plan) {
    return (double)plan->rows * (double)plan->out * (double)plan->in / (rates[plan->isa] * plan->threads);
}

static double efficiency(const weir_plan *plan) {
    if (plan->out_block == 1) return 0.45;
    if (plan->out_block && plan->out_block < 4) return 0.65;
    return plan->isa >= WEIR_ISA_AVX512 ? 0.95 : 0.8;
}

static double gated_seconds(const weir_plan *plan) {
    return plan->out_share * plan->in_share * dense_seconds(plan) / efficiency(plan);
}

/// Whether the dense way can do it: W lies plain, some side is compact, and CBLAS is worth its preparations. The
/// reference is the specification of the gated kernels, and is meant to run.
static bool can_be_dense(const weir_plan *plan) {
    if (!plan->out_block && !plan->in_block) return true;
    return plan->operation == WEIR_OPERATION_FORWARD && !plan->in_block && plan->rows >= 16 &&
           plan->isa != WEIR_ISA_REFERENCE;
}

void weir_plan_choose(weir_plan *plan) {
    const weir_way wanted = wanted_way();
    plan->isa = weir_isa_current();
    plan->threads = weir_threads();
    for (int way = 0; way < WEIR_WAY_COUNT; way++) plan->seconds[way] = INFINITY;
    if (can_be_dense(plan)) plan->seconds[WEIR_WAY_DENSE] = dense_seconds(plan);
    if (plan->out_block || plan->in_block) plan->seconds[WEIR_WAY_GATED] = gated_seconds(plan);
    plan->way = WEIR_WAY_GATED;
    for (int way = WEIR_WAY_GATED; way < WEIR_WAY_COUNT; way++) {
        if (plan->seconds[way] < plan->seconds[plan->way]) plan->way = (weir_way)way;
    }
    plan->forced = wanted != WEIR_WAY_AUTO && isfinite(plan->seconds[wanted]);
    if (plan->forced) plan->way = wanted;
}

// ---- of a product --------------------------------------------------------------------------------------------------

static double share_of(const weir__side *side, size_t rows, bool evaluated) {
    if (!side->route || !rows || !side->route->blocks) return 1;
    const size_t slots = evaluated ? side->route->slots : side->route->open_slots;
    return (double)slots / ((double)rows * (double)side->route->blocks);
}

weir_plan weir__plan_of(weir_operation operation, size_t rows, const weir__side *out, const weir__side *in) {
    weir_plan plan = {
        .operation = operation,
        .rows = rows,
        .out = out->width,
        .out_block = out->route ? out->block : 0,
        .in = in->width,
        .in_block = in->route ? in->block : 0,
        .out_share = share_of(out, rows, operation == WEIR_OPERATION_FORWARD),
        .in_share = share_of(in, rows, operation == WEIR_OPERATION_INPUT_GRADIENT),
    };
    weir_plan_choose(&plan);
    return plan;
}

// ---- description ---------------------------------------------------------------------------------------------------

static void append(char *text, size_t size, const char *format, ...) WEIR_PRINTF(3, 4);
static void append(char *text, size_t size, const char *format, ...) {
    const size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
}

static void append_time(char *text, size_t size, double seconds) {
    if (seconds < 1e-3) {
        append(text, size, " %.3g us", 1e6 * seconds);
    } else {
        append(text, size, " %.3g ms", 1e3 * seconds);
    }
}

static void append_side(char *text, size_t size, size_t width, size_t block, double share) {
    append(text, size, "%zu", width);
    if (block) append(text, size, " / %zu share %.3g", block, share);
}

void weir_plan_describe(const weir_plan *plan, char *text, size_t size) {
    static const char *const operations[] = {"forward", "input gradient", "weight gradient"};
    if (!size) return;
    *text = 0;
    append(text, size, "%s by the way %s%s:", operations[plan->operation], way_names[plan->way],
           plan->forced ? ", as asked for" : "");
    const char *separator = "";
    for (int way = WEIR_WAY_GATED; way < WEIR_WAY_COUNT; way++) {
        if (!isfinite(plan->seconds[way])) continue;
        append(text, size, "%s %s", separator, way_names[way]);
        append_time(text, size, plan->seconds[way]);
        separator = ",";
    }
    append(text, size, " (%zu rows, ", plan->rows);
    append_side(text, size, plan->out, plan->out_block, plan->out_share);
    append(text, size, " <- ");
    append_side(text, size, plan->in, plan->in_block, plan->in_share);
    append(text, size, ", %s, %d threads)", weir_isa_name(plan->isa), plan->threads);
}
