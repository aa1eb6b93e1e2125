// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Plans in words.

#include <weir/plan.h>

#include <math.h>
#include <string.h>

#include "../core/core.h"

static const char *const way_names[WEIR_WAY_COUNT] = {
    [WEIR_WAY_AUTO] = "auto",
    [WEIR_WAY_GATED] = "gated",
    [WEIR_WAY_DENSE] = "dense",
    [WEIR_WAY_STREAM] = "stream",
};

static const char *const operation_names[WEIR_OPERATION_COUNT] = {
    [WEIR_OPERATION_FORWARD] = "forward",
    [WEIR_OPERATION_INPUT_GRADIENT] = "input gradient",
    [WEIR_OPERATION_WEIGHT_GRADIENT] = "weight gradient",
    [WEIR_OPERATION_WEIGHT_UPDATE] = "weight update",
};

const char *weir_way_name(weir_way way) { return (unsigned)way < WEIR_WAY_COUNT ? way_names[way] : "unknown"; }

const char *weir_operation_name(weir_operation operation) {
    return (unsigned)operation < WEIR_OPERATION_COUNT ? operation_names[operation] : "unknown";
}

static void append(char *text, size_t size, const char *format, ...) WEIR_PRINTF(3, 4);
static void append(char *text, size_t size, const char *format, ...) {
    const size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    weir__print_arguments(text + length, size - length, format, arguments);
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
    if (!size) return;
    *text = 0;
    append(text, size, "%s by the way %s", weir_operation_name(plan->operation), weir_way_name(plan->way));
    if (plan->strategy) append(text, size, ", %s", plan->strategy);
    append(text, size, "%s:", plan->forced ? ", as asked for" : "");
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
    append(text, size, ", %s, %s, %d threads)", weir_precision_name(plan->precision), weir_isa_name(plan->isa),
           plan->threads);
}
