// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Routes: from the gates of a batch, its open pairs listed by block and by row.
//
// A counting sort in two sweeps over h. The rows are cut into parts; the first sweep counts, per part, the pairs of
// each block; prefix sums turn the counts into each part's first slots; the second sweep writes. Parts are swept in
// parallel, and the result does not depend on their number.

#include <string.h>

#include "gated.h"

enum { PIECE = 1024 };                      // blocks whose gates are listed at a time, on the stack
static const size_t least_per_part = 16384; // gates: below that another thread costs more than it saves

const uint8_t weir__route_all[1] = {1};

typedef struct gate_matrix {
    size_t rows, blocks, parts;
    const float *h;
    const uint8_t *evaluate;
} gate_matrix;

void weir__route_free(weir__route *route) {
    int32_t *const arrays[] = {route->start,    route->open,      route->row,      route->row_start,
                               route->row_open, route->row_block, route->row_slot, route->cursors};
    for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++) weir__free(arrays[k]);
    memset(route, 0, sizeof *route);
}

static weir_status grow(int32_t **array, size_t count, weir_error *error) {
    weir__free(*array);
    return weir__new(array, count, sizeof **array, "the list of open gates", error);
}

static size_t with_room(size_t count) { return count + count / 4 + 1; }

static weir_status reserve_counts(weir__route *route, const gate_matrix *gates, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!route->start || gates->blocks > route->block_capacity) {
        route->block_capacity = gates->blocks;
        TRY(grow(&route->start, gates->blocks + 1, error));
        TRY(grow(&route->open, gates->blocks + 1, error));
    }
    if (!route->row_start || gates->rows > route->row_capacity) {
        route->row_capacity = gates->rows;
        TRY(grow(&route->row_start, gates->rows + 1, error));
        TRY(grow(&route->row_open, gates->rows + 1, error));
    }
    const size_t cursors = gates->parts * 2 * gates->blocks;
    if (!route->cursors || cursors > route->cursor_capacity) {
        route->cursor_capacity = cursors;
        TRY(grow(&route->cursors, cursors, error));
    }
done:
    return status;
}

static weir_status reserve_slots(weir__route *route, size_t slots, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!route->row || slots > route->slot_capacity) {
        route->slot_capacity = with_room(slots);
        TRY(grow(&route->row, route->slot_capacity, error));
        TRY(grow(&route->row_block, route->slot_capacity, error));
        TRY(grow(&route->row_slot, route->slot_capacity, error));
    }
done:
    return status;
}

static size_t first_row(const gate_matrix *gates, size_t part) { return gates->rows * part / gates->parts; }

// ---- first sweep ---------------------------------------------------------------------------------------------------

/// Counts the pairs of a row: open ones in *open and by block, closed ones to evaluate in *closed and by block.
static void count_row(const gate_matrix *gates, size_t r, int32_t *open_of, int32_t *closed_of, int32_t *open,
                      int32_t *closed) {
    const float *h = gates->h + r * gates->blocks;
    int32_t n = 0, m = 0;
    for (size_t j = 0; j < gates->blocks; j++) {
        const int32_t is_open = h[j] != 0;
        open_of[j] += is_open;
        n += is_open;
    }
    if (gates->evaluate == weir__route_all) {
        for (size_t j = 0; j < gates->blocks; j++) closed_of[j] += h[j] == 0;
        m = (int32_t)gates->blocks - n;
    } else if (gates->evaluate) {
        const uint8_t *evaluate = gates->evaluate + r * gates->blocks;
        for (size_t j = 0; j < gates->blocks; j++) {
            const int32_t wanted = (h[j] == 0) & (evaluate[j] != 0);
            closed_of[j] += wanted;
            m += wanted;
        }
    }
    *open = n;
    *closed = m;
}

/// Leaves the counts of each row in row_open (open) and row_start (closed).
static void count_part(weir__route *route, const gate_matrix *gates, size_t part) {
    int32_t *open_of = route->cursors + part * 2 * gates->blocks, *closed_of = open_of + gates->blocks;
    memset(open_of, 0, 2 * gates->blocks * sizeof *open_of);
    for (size_t r = first_row(gates, part); r < first_row(gates, part + 1); r++) {
        count_row(gates, r, open_of, closed_of, &route->row_open[r], &route->row_start[r]);
    }
}

// ---- prefix sums ---------------------------------------------------------------------------------------------------

static size_t sum_rows(weir__route *route, const gate_matrix *gates) {
    size_t at = 0;
    route->open_slots = 0;
    for (size_t r = 0; r < gates->rows; r++) {
        const size_t open = (size_t)route->row_open[r], closed = (size_t)route->row_start[r];
        route->row_start[r] = (int32_t)at;
        route->row_open[r] = (int32_t)(at + open);
        route->open_slots += open;
        at += open + closed;
    }
    route->row_start[gates->rows] = (int32_t)at;
    return at;
}

/// Turns the counts of each part and block into the slot at which that part begins.
static void sum_blocks(weir__route *route, const gate_matrix *gates) {
    const size_t blocks = gates->blocks;
    int32_t at = 0;
    for (size_t j = 0; j < blocks; j++) {
        route->start[j] = at;
        for (size_t kind = 0; kind < 2; kind++) { // open, closed
            for (size_t part = 0; part < gates->parts; part++) {
                int32_t *cursor = &route->cursors[(part * 2 + kind) * blocks + j];
                const int32_t count = *cursor;
                *cursor = at;
                at += count;
            }
            if (kind == 0) route->open[j] = at;
        }
    }
    route->start[blocks] = at;
}

// ---- second sweep --------------------------------------------------------------------------------------------------

/// Gives each listed block's pair with row r the next slot of the block, from entry on.
static void write_entries(weir__route *route, size_t r, int32_t *cursors, size_t entry, const int32_t *list,
                          size_t count) {
    int32_t *restrict row = route->row, *restrict slots = route->row_slot + entry;
    for (size_t k = 0; k < count; k++) {
        const int32_t slot = cursors[list[k]]++;
        row[slot] = (int32_t)r;
        slots[k] = slot;
    }
    memcpy(route->row_block + entry, list, count * sizeof *list);
}

typedef float floats __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(16)));

/// Bit k: whether h[k] ≠ 0, for k = 0 … 15.
static inline uint64_t open_bits_of_16(const float *h) {
    const floats *four = (const floats *)h, zero = {0};
    const ints one = {1, 2, 4, 8};
    ints bits = ((ints)(four[0] != zero) & one) | ((ints)(four[1] != zero) & one << 4) |
                ((ints)(four[2] != zero) & one << 8) | ((ints)(four[3] != zero) & one << 12);
    bits |= __builtin_shufflevector(bits, bits, 2, 3, 0, 1);
    return (uint64_t)(uint32_t)(bits[0] | bits[1]);
}

/// Bit k: whether h[k] ≠ 0, for k < count ≤ 64.
static inline uint64_t open_bits(const float *h, size_t count) {
    uint64_t bits = 0;
    size_t k = 0;
    for (; k + 16 <= count; k += 16) bits |= open_bits_of_16(h + k) << k;
    for (; k < count; k++) bits |= (uint64_t)(h[k] != 0) << k;
    return bits;
}

/// Lists the blocks from … to of row r that are open, or those that are closed and to be evaluated. Most gates are
/// closed: 64 at a time become the bits of a word, and only set bits cost more.
static size_t list_piece(int32_t *list, const gate_matrix *gates, size_t r, size_t from, size_t to, bool closed) {
    const float *h = gates->h + r * gates->blocks;
    const uint8_t *evaluate = gates->evaluate == weir__route_all ? NULL : gates->evaluate;
    size_t count = 0;
    for (size_t j = from; j < to; j += 64) {
        const size_t width = to - j < 64 ? to - j : 64;
        uint64_t bits = open_bits(h + j, width);
        if (closed) bits = ~bits & (width < 64 ? (UINT64_C(1) << width) - 1 : ~UINT64_C(0));
        for (; bits; bits &= bits - 1) {
            const size_t block = j + (size_t)__builtin_ctzll(bits);
            list[count] = (int32_t)block;
            count += !closed || !evaluate || evaluate[r * gates->blocks + block];
        }
    }
    return count;
}

static void write_part(weir__route *route, const gate_matrix *gates, size_t part) {
    int32_t list[PIECE + 1];
    for (size_t r = first_row(gates, part); r < first_row(gates, part + 1); r++) {
        size_t entry = (size_t)route->row_start[r];
        for (size_t kind = 0; kind < (gates->evaluate ? 2u : 1u); kind++) {
            int32_t *cursors = route->cursors + (part * 2 + kind) * gates->blocks;
            for (size_t from = 0; from < gates->blocks; from += PIECE) {
                const size_t to = from + PIECE < gates->blocks ? from + PIECE : gates->blocks;
                const size_t count = list_piece(list, gates, r, from, to, kind == 1);
                write_entries(route, r, cursors, entry, list, count);
                entry += count;
            }
        }
    }
}

// ---- both ----------------------------------------------------------------------------------------------------------

static size_t choose_parts(size_t rows, size_t blocks) {
    size_t parts = rows * blocks / least_per_part;
    if (parts > (size_t)weir_threads()) parts = (size_t)weir_threads();
    if (parts > rows) parts = rows;
    return parts ? parts : 1;
}

weir_status weir__route_build(weir__route *route, size_t rows, size_t blocks, const float *h, const uint8_t *evaluate,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    // Slots are 32-bit; the pairs bound them.
    TRY_THAT(!blocks || rows <= INT32_MAX / blocks, WEIR_SHAPE,
             "%zu rows x %zu gates are too many for one batch: use smaller batches", rows, blocks);
    TRY_THAT(rows <= INT32_MAX && blocks <= INT32_MAX, WEIR_SHAPE, "%zu rows x %zu gates: too many for one batch", rows,
             blocks);
    const gate_matrix gates = {rows, blocks, choose_parts(rows, blocks), h, evaluate};
    const int parts = (int)gates.parts;
    TRY(reserve_counts(route, &gates, error));
#pragma omp parallel for num_threads(parts) schedule(static, 1) if (parts > 1)
    for (int part = 0; part < parts; part++) count_part(route, &gates, (size_t)part);
    const size_t slots = sum_rows(route, &gates);
    sum_blocks(route, &gates);
    TRY(reserve_slots(route, slots, error));
#pragma omp parallel for num_threads(parts) schedule(static, 1) if (parts > 1)
    for (int part = 0; part < parts; part++) write_part(route, &gates, (size_t)part);
    route->rows = rows;
    route->blocks = blocks;
    route->slots = slots;
done:
    if (status != WEIR_OK) weir__route_free(route);
    return status;
}
