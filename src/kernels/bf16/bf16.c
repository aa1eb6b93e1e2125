// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Which kernels run, and the products with the rounded copy that they read.

#include <string.h>

#include "../side.h"
#include "../strategy.h"
#include "tables.h"

// ---- rounding ------------------------------------------------------------------------------------------------------

/// The stride of a side's copy: even; where rows are long, an odd number of cache lines, for rows a power of two
/// apart would fall into the same few places of a cache.
static size_t stride_of(const weir__side *side) {
    enum { LINE = 32, LONG = 256 };
    if (side->block < LONG) return (side->block + 1) / 2 * 2;
    return ((side->block + LINE - 1) / LINE | 1) * LINE;
}

static void round_slot(const weir__side *side, size_t units, size_t slot, uint16_t *to, size_t stride) {
    weir__bf16_round(units, to + slot * stride, weir__values(side, slot));
    memset(to + slot * stride + units, 0, (stride - units) * sizeof *to);
}

/// Floats of scratch memory that the copy of a side takes.
static size_t room_of(const weir__side *side, size_t rows) {
    return (weir__slots(side, rows) * stride_of(side) + 1) / 2;
}

/// Open slots of some blocks.
static void round_blocks(const void *context, weir__range blocks) {
    const weir__bf16_side *b = context;
    uint16_t *to = (uint16_t *)(uintptr_t)b->values; // nobody reads it yet
    for (size_t j = blocks.first; j < blocks.last; j++) {
        const size_t units = weir__units(b->side, j), end = weir__open(b->side, j, 0);
        for (size_t s = weir__first(b->side, j); s < end; s++) round_slot(b->side, units, s, to, b->stride);
    }
}

static void round_rows(const void *context, weir__range rows) {
    const weir__bf16_side *b = context;
    uint16_t *to = (uint16_t *)(uintptr_t)b->values; // nobody reads it yet
    for (size_t r = rows.first; r < rows.last; r++) round_slot(b->side, b->side->width, r, to, b->stride);
}

/// Open slots, or rows, of a side into scratch memory.
static weir__bf16_side round_side(size_t rows, const weir__side *side, float *room) {
    const weir__bf16_side b = {side, (uint16_t *)(void *)room, stride_of(side)};
    const size_t items = side->route ? side->route->blocks : rows;
    const double values = (double)weir__slots(side, rows) * (double)side->block;
    if (items) weir__parallel_ranges(items, values / (double)items / 4, side->route ? round_blocks : round_rows, &b);
    return b;
}

// ---- products ------------------------------------------------------------------------------------------------------

const weir__bf16_kernels *weir__bf16_kernels_of(weir_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case WEIR_ISA_AMX:
        return &weir__bf16_amx;
    case WEIR_ISA_AVX512BF16:
        return &weir__bf16_avx512bf16;
    case WEIR_ISA_AVX512:
        return &weir__bf16_avx512;
    case WEIR_ISA_AVX2:
        return &weir__bf16_avx2;
#endif
    case WEIR_ISA_REFERENCE:
        return &weir__bf16_reference;
    default:
        return &weir__bf16_generic;
    }
}

const weir__bf16_kernels *weir__bf16_kernels_in_use;

static const weir__bf16_kernels *kernels(void) {
    return weir__bf16_kernels_in_use ? weir__bf16_kernels_in_use : weir__bf16_kernels_of(weir_isa_current());
}

weir_status weir__bf16_forward(size_t rows, const weir__side *y, const weir__side *x, const uint16_t *weights,
                               const float *bias, weir__buffer *scratch, weir_error *error) {
    const size_t room = (size_t)weir_threads() * WEIR__BF16_ROOM;
    const weir_status status = weir__buffer_reserve(scratch, room + room_of(x, rows), error);
    if (status != WEIR_OK) return status;
    const weir__bf16_side rounded = round_side(rows, x, scratch->data + room);
    kernels()->forward(rows, y, &rounded, weights, bias, scratch->data);
    return WEIR_OK;
}

weir_status weir__bf16_input_gradient(size_t rows, const weir__side *dx, const weir__side *dy, const uint16_t *weights,
                                      weir__buffer *scratch, weir_error *error) {
    const size_t room = (size_t)weir_threads() * WEIR__BF16_ROOM;
    const weir_status status = weir__buffer_reserve(scratch, room + room_of(dy, rows), error);
    if (status != WEIR_OK) return status;
    const weir__bf16_side rounded = round_side(rows, dy, scratch->data + room);
    kernels()->input_gradient(rows, dx, &rounded, weights, scratch->data);
    return WEIR_OK;
}

/// Whether rounding both sides and interleaving their rows costs less than it saves.
static bool rounding_pays(size_t rows, size_t units, size_t columns) {
    enum { UNITS = 8, COLUMNS = 16, ROWS = 16 };
    return units >= UNITS && columns >= COLUMNS && rows >= ROWS;
}
static bool pays(size_t rows, const weir__side *dy, const weir__side *x) {
    return rounding_pays(rows, dy->block, x->block);
}

const weir__strategy *weir__bf16_strategies(weir_operation operation, const weir__case *c) {
    const bool floats = operation == WEIR_OPERATION_WEIGHT_UPDATE && !rounding_pays(c->rows, c->out_block, c->in_block);
    return floats ? weir__gated_current()->strategies[operation] : kernels()->strategies[operation];
}

/// Floats, as many as begin with a cache line what follows them.
static size_t whole_lines(size_t floats) { return (floats + 15) / 16 * 16; }

weir_status weir__bf16_weight_update(size_t rows, float *bias, const weir__side *dy, const weir__side *x,
                                     const weir__update *update, const weir__update *bias_update, weir__buffer *scratch,
                                     weir_error *error) {
    const bool rounds = pays(rows, dy, x);
    const size_t room = whole_lines(room_of(dy, rows));
    const size_t wanted = rounds ? room + room_of(x, rows) : weir__scratch_floats();
    const weir_status status = weir__buffer_reserve(scratch, wanted, error);
    if (status != WEIR_OK) return status;
    if (!rounds) {
        weir__gated_current()->weight_update(rows, NULL, bias, dy, x, update, bias_update, scratch->data);
        return WEIR_OK;
    }
    const weir__bf16_side out = round_side(rows, dy, scratch->data), in = round_side(rows, x, scratch->data + room);
    kernels()->weight_update(rows, bias, &out, &in, update, bias_update);
    return WEIR_OK;
}

weir_status weir__bf16_backward(size_t rows, const weir__side *dx, const weir__side *dy, const weir__side *x,
                                float *bias, const weir__update *update, const weir__update *bias_update,
                                weir__buffer *scratch, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!pays(rows, dy, x)) {
        TRY(weir__bf16_input_gradient(rows, dx, dy, update->halves.upper, scratch, error));
        return weir__bf16_weight_update(rows, bias, dy, x, update, bias_update, scratch, error);
    }
    const size_t room = (size_t)weir_threads() * WEIR__BF16_ROOM, of_dy = whole_lines(room_of(dy, rows));
    TRY(weir__buffer_reserve(scratch, room + of_dy + room_of(x, rows), error));
    const weir__bf16_side out = round_side(rows, dy, scratch->data + room);
    const weir__bf16_side in = round_side(rows, x, scratch->data + room + of_dy);
    kernels()->backward(rows, dx, &out, &in, bias, update, bias_update, scratch->data);
done:
    return status;
}
